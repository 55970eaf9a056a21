"""The `interlock` command.

Exit codes: 0 holds, 1 violated, 2 wrong usage, 3 could not tell. Every option can also be set in the environment
(`INTERLOCK_RUN_SEED=7`) or in an `interlock.toml` beside the project (`[run] seed = 7`); what is typed wins.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer
from typer.exceptions import TyperException

from interlock.scenarios import names as catalogue
from interlock.scenarios import runner, spec
from interlock.scenarios.cli import screen
from interlock.scenarios.cli.check import check
from interlock.scenarios.cli.fleet import fleet
from interlock.scenarios.cli.judge import judge
from interlock.scenarios.cli.load import load
from interlock.scenarios.cli.prove import prove
from interlock.scenarios.cli.search import search
from interlock.scenarios.cli.serve import serve
from interlock.scenarios.cli.worlds import worlds
from interlock.scenarios.explore.campaign import Campaign, Done
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.refused import UNTOLD, USAGE, Refused
from interlock.scenarios.runner import REFERENCE, Job, Unknown
from interlock.scenarios.scenario_file import Unloadable

CONFIG = "interlock.toml"
INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="interlock",
    help="Find the race that loses an unlock: OCPP scenarios, run in virtual time and judged against physical truth.",
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


# --- run -------------------------------------------------------------------------------------------------------------


def _scenario_names(incomplete: str) -> list[str]:
    return [name for name in catalogue.scenarios() if name.startswith(incomplete)]


def _csms_names(incomplete: str) -> list[str]:
    return [name for name in (REFERENCE, *catalogue.specimens()) if name.startswith(incomplete)]


def _ids(incomplete: str) -> list[str]:
    return [name for name in catalogue.everything() if name.startswith(incomplete)]


def _default_out() -> Path:
    return Path("interlock-out")


@app.command()
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Scenarios to run; see `list`.", autocompletion=_scenario_names),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, one after another.")] = 1,
    suite: Annotated[bool, typer.Option("--suite", help="Run the whole library.")] = False,
    csms: Annotated[
        str, typer.Option(help="The reference, or a wrong design by name.", autocompletion=_csms_names)
    ] = REFERENCE,
    out: Annotated[Path, typer.Option(help="Where to keep run directories and reports.")] = Path("interlock-out"),
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML here.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: all cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    bounds: Annotated[
        int | None, typer.Option(min=1, help="Let the CSMS remember only so many of everything (docs/bounds.md).")
    ] = None,
    target: Annotated[str | None, typer.Option(help="A CSMS to try instead, as ws://HOST:PORT/PATH.")] = None,
    control: Annotated[
        str | None,
        typer.Option(
            help="Its operator's API: http://HOST:PORT of `interlock serve`, or a FILE.toml (`explain target`)."
        ),
    ] = None,
) -> None:
    """Run scenarios and judge them, in virtual time, or with --target against a CSMS on real sockets.

    From outside a scenario takes its time, and what cannot be done or seen from there is NOT_APPLICABLE.
    """
    if suite and names:
        raise Refused("give scenario names or --suite, not both")
    if not suite and not names:
        raise Refused("nothing to run: name a scenario (`interlock list scenarios`) or give --suite")
    chosen = list(catalogue.scenarios()) if suite else list(dict.fromkeys(names or []))
    for name in chosen:
        runner.scenario(name)
    runner.csms_class(csms)
    planned = list(runner.jobs(chosen, seed, seeds, csms, bounds))
    campaign = Campaign(planned, out, keep=lambda job: job.seed == seed, workers=jobs or os.cpu_count() or 1)
    if (target is None) != (control is None):
        raise Refused("--target and --control go together: commands are asked for at one and seen at the other")
    if target is not None and bounds is not None:
        raise Refused("--bounds is for the CSMS of the virtual world: leave it away, or --target")
    if target is not None and csms != REFERENCE:
        raise Refused("give --target or --csms, not both")
    csms = csms if target is None else target
    show = screen.Screen(campaign, csms, quiet=quiet or as_json)
    show.begin(seed, seeds)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for done in campaign.run() if target is None else campaign.collect(_against(target, control or "", campaign)):
            show.one(done)
    except KeyboardInterrupt:
        show.interrupted()
    _finish(campaign, csms, show, junit, as_json)


def _finish(campaign: Campaign, csms: str, show: screen.Screen, junit: Path | None, as_json: bool) -> NoReturn:
    from interlock import reports

    campaign.write(csms)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(reports.junit([one.verdict for one in campaign.done]), "utf-8")
    index = reports.render_suite(campaign.out)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(reports.markdown(campaign.out))
    if as_json:
        typer.echo(json.dumps(campaign.summary(csms), indent=1, sort_keys=True))
    else:
        show.end(index)
    raise typer.Exit(campaign.verdict.exit_code)


app.command(short_help="Find a violation nobody wrote a scenario for, and shrink it.")(search)
app.command(short_help="Connect simulated stations to a CSMS.")(fleet)
app.add_typer(check, name="check", short_help="Check a foreign station or CSMS against OCPP 1.6, case by case.")
app.command(short_help="Judge a recorded exchange.")(judge)
app.command(short_help="Load a CSMS, and see whether it stays right.")(load)
app.command(short_help="Prove what the harness catches: the kill matrix.")(prove)
app.command(short_help="Run the reference CSMS on real sockets.")(serve)
app.command(short_help="Compare the verdicts of virtual time and real sockets.")(worlds)


# --- look ------------------------------------------------------------------------------------------------------------


@app.command(name="list", short_help="List scenarios, invariants, faults and whatever else has a name.")
def list_(
    what: Annotated[str, typer.Argument(help=f"One of: {', '.join(catalogue.KINDS)}, all.")] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List scenarios, invariants, faults, deeds, specimens or labelled points."""
    if what not in (*catalogue.KINDS, "all"):
        raise Refused(f"there is no list of {what!r}; choose from {', '.join(catalogue.KINDS)}, all")
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


@app.command(short_help="Explain what `list` lists.")
def explain(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A name or id from `list`.", autocompletion=_ids)],
) -> None:
    """Explain a scenario, invariant, fault, deed, specimen or labelled point."""
    text = catalogue.explain(identifier)
    if text is None:
        near = catalogue.near(identifier)
        raise Refused(f"nothing is called {identifier!r}" + (f"; did you mean {near}?" if near else ""))
    typer.echo(text)


# --- again -----------------------------------------------------------------------------------------------------------


@app.command(short_help="Do a run again: the same to the byte?")
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
        f"{name} {was} then, {runner.versions().get(name)} now"
        for name, was in about.get("versions", {}).items()
        if runner.versions().get(name) != was
    ]
    why = "; ".join(differing) or "the versions are the same, so the code or the scenario changed"
    raise Refused(f"replayed, and the history differs: {why}", UNTOLD)


@app.command(short_help="Write the HTML report of a run directory.")
def report(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory, or one that holds several.")],
) -> None:
    """Write the HTML report of a run directory (or of a whole campaign) and print where it is."""
    from interlock import reports

    path = reports.render_suite(run_dir) if (run_dir / "suite.json").exists() else reports.render_run(run_dir)
    typer.echo(str(path))


# --- what a user can put right ---------------------------------------------------------------------------------------


def _defaults() -> dict[str, Any]:
    try:
        text = Path(CONFIG).read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        raise Refused(f"{CONFIG} cannot be read: {error}") from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{CONFIG} is not TOML: {error}") from None
    known = {command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups if group.name}
    for section, values in found.items():
        if section not in known or not isinstance(values, dict):
            raise Refused(f"{CONFIG}: [{section}] is not a command; commands are {', '.join(sorted(known))}")
    return found


def _against(target: str, control: str, campaign: Campaign) -> Iterator[Done]:
    from interlock.scenarios.live.target_run import against

    return against(target, control, campaign.jobs, campaign.out, campaign.keep)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; whatever goes wrong ends in one sentence and an exit code, which is 1 for a violation only."""
    words = list(arguments) if arguments is not None else sys.argv[1:]
    try:
        sys.exit(_code(words))
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted", UNTOLD)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNTOLD)
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _say(f"this was not expected: {what[:300]}; --debug before the command shows where it comes from", UNTOLD)


def _code(words: list[str]) -> int:
    """Run the command and return its exit code; what a user can put right is said in one sentence."""
    from interlock import reports
    from interlock.scenarios.record.history import HistoryDamaged

    try:
        defaults = _defaults()
        found = app(args=words, default_map=defaults, standalone_mode=False)
        if found == INTERRUPTED:
            raise KeyboardInterrupt
        return found if isinstance(found, int) else 0
    except TyperException as error:
        cast(Any, error).show()  # how it is to be used
        return USAGE
    except Refused as error:
        _say(error.sentence, error.code)
    except (Unknown, Unloadable) as error:
        _say(str(error), USAGE)
    except (HistoryDamaged, reports.RunUnreadable) as error:
        _say(str(error), UNTOLD)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}", UNTOLD)


def _say(sentence: str, code: int) -> NoReturn:
    shown = "".join(one if one.isprintable() else "?" for one in sentence.replace("\n", " "))
    print(f"interlock: {shown}", file=sys.stderr)
    sys.exit(code)


__all__ = ["Done", "Verdict", "app", "main"]
