"""The `interlock` command.

Exit codes: 0 holds, 1 violated, 2 wrong usage, 3 could not tell. Every option can also be set in the environment
(`INTERLOCK_RUN_SEED=7`) or in an `interlock.toml` beside the project (`[run] seed = 7`); what is typed wins.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.exceptions import TyperException

from interlock.scenarios import names as catalogue
from interlock.scenarios import runner, spec
from interlock.scenarios.cli import settings
from interlock.scenarios.cli.check import check
from interlock.scenarios.cli.fleet import fleet
from interlock.scenarios.cli.judge import judge
from interlock.scenarios.cli.load import load
from interlock.scenarios.cli.new import new
from interlock.scenarios.cli.plain_help import Command, Group
from interlock.scenarios.cli.prove import prove
from interlock.scenarios.cli.run import run
from interlock.scenarios.cli.search import search
from interlock.scenarios.cli.serve import serve
from interlock.scenarios.cli.target import target
from interlock.scenarios.cli.worlds import worlds
from interlock.scenarios.record.run_file import versions
from interlock.scenarios.refused import UNTOLD, USAGE, Refused, cause
from interlock.scenarios.runner import Job, Unknown, nearest
from interlock.scenarios.scenario_file import Unloadable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
INTERRUPTED = 130
"""What Typer returns after Ctrl-C."""

app = typer.Typer(
    name="interlock",
    cls=Group,
    help="Point it at your CSMS and it finds commands that were lost, done twice or wrongly recorded; or try a design.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "INTERLOCK", "help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"interlock {importlib.metadata.version('ocpp-interlock')}")
        raise typer.Exit


@app.callback()
def _interlock(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error that this program did not expect.")
    ] = False,
) -> None:
    pass


app.command(cls=Command, short_help="Run scenarios, here or against a CSMS, and judge them.")(run)
app.command(cls=Command, short_help="Find a violation nobody wrote a scenario for, and shrink it.")(search)
app.command(cls=Command, short_help="Connect simulated stations to a CSMS.")(fleet)
app.add_typer(check, name="check", short_help="Check a foreign station or CSMS against OCPP 1.6, case by case.")
app.command(cls=Command, short_help="Judge a recorded exchange.")(judge)
app.command(cls=Command, short_help="Load a CSMS, and see whether it stays right.")(load)
app.command(cls=Command, short_help="Prove what the harness catches: the kill matrix.")(prove)
app.command(cls=Command, short_help="Run the reference CSMS on real sockets.")(serve)
app.add_typer(target, name="target", short_help="Describe a CSMS that you operate, and try the description.")
app.command(cls=Command, short_help="Compare the verdicts of virtual time and real sockets.")(worlds)
app.command(
    cls=Command,
    short_help="Print every option with its value and where that comes from.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)(settings.config)
app.command(cls=Command, short_help="Begin a scenario, invariant, fault, specimen or case, with its test.")(new)


# --- look ------------------------------------------------------------------------------------------------------------


@app.command(name="list", cls=Command, short_help="List scenarios, invariants, faults and whatever else has a name.")
def list_(
    what: Annotated[str, typer.Argument(help=f"One of: {', '.join(catalogue.KINDS)}, all.")] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List scenarios, invariants, faults, deeds, specimens or labelled points."""
    if what not in (*catalogue.KINDS, "all"):
        near = nearest(what, catalogue.KINDS)
        raise Refused(f"there is no list of {what!r}{near}; choose from {', '.join(catalogue.KINDS)}, all")
    wanted = catalogue.KINDS if what == "all" else (what,)
    found = {kind: catalogue.entries(kind) for kind in wanted}
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for kind, entries in found.items():
        typer.echo(f"{kind} ({len(entries)})")
        width = max(len(name) for name in entries)
        for name, line in entries.items():
            typer.echo(f"  {name:<{width}}  {line}")


def _ids(incomplete: str) -> list[str]:
    return [name for name in catalogue.everything() if name.startswith(incomplete)]


@app.command(cls=Command, short_help="Explain what `list` lists.")
def explain(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A name or id from `list`.", autocompletion=_ids)],
) -> None:
    """Explain a scenario, invariant, fault, deed, specimen or labelled point."""
    identifier = identifier.strip()
    text = catalogue.explain(identifier)
    if text is None:
        near = catalogue.near(identifier)
        raise Refused(f"nothing is called {identifier!r}" + (f"; did you mean {near}?" if near else ""))
    typer.echo(text)


# --- again -----------------------------------------------------------------------------------------------------------


@app.command(cls=Command, short_help="Do a run again: the same to the byte?")
def replay(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
) -> None:
    """Do a run again from its directory, and say whether it came out the same to the byte."""
    from interlock import reports
    from interlock.scenarios.record.history import History, HistoryDamaged

    try:
        kept = History.read(run_dir)
    except HistoryDamaged as error:
        raise Refused(f"{run_dir} is no readable run directory: {error}", UNTOLD) from None
    about = kept.run
    if kept.rules.get("seen_from") is not None:
        again = about.get("reproduce")
        raise Refused(
            f"{run_dir} was recorded in wall time, which no replay repeats; `interlock judge {run_dir}` judges it again"
            + (f", and this makes a new run: {again}" if again else "")
        )
    try:
        job = Job(str(about["scenario"]), int(about["seed"]), str(about["csms"]))
    except (KeyError, ValueError, TypeError):
        raise Refused(f"{run_dir} does not say which scenario, seed and CSMS it was", UNTOLD) from None
    try:
        outcome = runner.run(job, spec.read(about.get("spec")))
    except spec.NotAScenario as error:
        raise Refused(f"{run_dir} holds no scenario that this version reads: {error}", UNTOLD) from None
    if not quiet:
        typer.echo(reports.text(outcome.verdict, outcome.history.as_json()))
    if outcome.history.sha256() == about["history_sha256"]:
        typer.echo(f"replayed: the same {len(outcome.history)} observations, byte for byte")
        raise typer.Exit(outcome.word.exit_code)
    differing = [
        f"{name} {was} then, {versions().get(name)} now"
        for name, was in about.get("versions", {}).items()
        if versions().get(name) != was
    ]
    why = "; ".join(differing) or "the versions are the same, so the code or the scenario changed"
    raise Refused(f"replayed, and the history differs: {why}", UNTOLD)


@app.command(cls=Command, short_help="Write the HTML report of a run directory.")
def report(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="What `run`, `check`, `load` or `prove` left.")],
) -> None:
    """Write the HTML report of a run, a campaign, a check, a load test or a proof anew, and print where it is."""
    from interlock import reports

    typer.echo(str(reports.render(run_dir)))


# --- what a user can put right ---------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; whatever goes wrong ends in one sentence and an exit code, which is 1 for a violation only."""
    words = list(arguments) if arguments is not None else sys.argv[1:]
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started it: what is printed goes nowhere
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    stdout = sys.stdout
    sys.stdout = _Piped(stdout)
    try:
        sys.exit(_code(words))
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted", UNTOLD)
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _say(f"this was not expected: {what[:300]}; --debug before the command shows where it comes from", UNTOLD)
    finally:
        sys.stdout = stdout


@cache
def _commands() -> Any:
    """Return all commands. Making them takes about 0.05 s of CPU."""
    return typer.main.get_command(app)


def _code(words: list[str]) -> int:
    """Run the command and return its exit code; what a user can put right is said in one sentence."""
    from interlock import reports
    from interlock.scenarios.record.history import HistoryDamaged

    try:
        commands = _commands()
        found = commands.main(words, "interlock", default_map=settings.defaults(commands), standalone_mode=False)
        sys.stdout.flush()
        if found == INTERRUPTED:
            raise KeyboardInterrupt
        return found if isinstance(found, int) else 0
    except Refused as error:
        _say(error.sentence, error.code)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(_told(error))
            sys.exit(USAGE)
        _say(_plainly(error), USAGE)
    except (Unknown, Unloadable) as error:
        _say(str(error), USAGE)
    except (HistoryDamaged, reports.RunUnreadable) as error:
        _say(str(error), UNTOLD)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        full = "; what was to be kept is not complete" if error.errno in FULL else ""
        _say(f"{where}{error.strerror or error}{full}", UNTOLD)


class _Piped(io.TextIOBase):
    """Standard output whose reader may leave (`interlock list | head`): what is printed after that goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._leave()
            return len(text)
        except OSError as error:
            self._leave()
            raise Refused(f"standard output cannot be written: {cause(error)}", UNTOLD) from None

    def flush(self) -> None:
        """Flush, as long as somebody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._leave()
        except OSError as error:
            self._leave()
            raise Refused(f"standard output cannot be written: {cause(error)}", UNTOLD) from None

    def _leave(self) -> None:
        # The interpreter flushes standard output once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below."""
        return self._stream.encoding

    @property
    def buffer(self) -> Any:
        """The bytes below, which `click.echo` may write to."""
        return self._stream.buffer


WORDING = (
    (r"Input should be greater than or equal to (\S+)", r"it is \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"it is at most \1"),
    (r"Input should be a valid integer.*", "it is a whole number"),
    (r"Input should be a valid number.*", "it is a number"),
    (r"Input should be a valid boolean.*", "it is true or false"),
    (r"(.*) is not a valid integer\.?", "it is a whole number"),
    (r"Value error, '(.*)' is not one of (.*?)\.?", r"it is one of \2, not '\1'"),
)
"""What the library that reads options says of a value, and what is said instead."""


def _told(error: Any) -> str:
    return str(error.format_message())


def _plainly(error: Any) -> str:
    """Return what is wrong with the command line as one sentence that begins with what it is about."""
    kind, text = type(error).__name__, _told(error).replace("\n", " ").strip()
    if kind == "NoSuchOption":
        near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        return f"there is no option {error.option_name}{near}"
    if (command := re.match(r"No such command '(.*?)'", text)) is not None:
        near = nearest(command[1], error.ctx.command.commands)
        return f"there is no command {command[1]!r}{near}; `{error.ctx.command_path} --help` lists them"
    param = getattr(error, "param", None)
    if param is None:
        return re.sub(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"\1 is too much", text).rstrip(".")
    option = str(param.opts[0]) if param.opts[0].startswith("-") else str(param.metavar or param.name).strip("[].")
    if kind == "MissingParameter":
        return f"{option} is missing; `{error.ctx.command_path} --help` says what it is"
    text = re.sub(r"^Invalid value(?: for .*?)?: ", "", text)
    for pattern, said in WORDING:
        if (found := re.fullmatch(pattern, text)) is not None:
            text = found.expand(said)
    return f"{option}: {text.rstrip('.')}"


def _say(sentence: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    shown = "".join(one if one.isprintable() else "?" for one in sentence.replace("\n", " "))
    print(f"interlock: {shown}", file=sys.stderr)
    sys.exit(code)


__all__ = ["app", "main"]
