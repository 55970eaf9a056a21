"""`interlock check`: a CSMS that somebody else made, judged from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlock.scenarios.cli.check_races import run_races
from interlock.scenarios.refused import Refused

STAGES = ("races",)

check = typer.Typer(help="Check a CSMS that somebody else made.", rich_markup_mode=None, no_args_is_help=True)


@check.callback()
def _check() -> None:
    pass


@check.command(short_help="Check a CSMS: Interlock is the stations.")
def csms(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the CSMS is: ws:// or wss://, without the id.")],
    control: Annotated[
        str | None, typer.Option(help="Its operator's API: http://HOST:PORT of `interlock serve`, or FILE.toml.")
    ] = None,
    stage: Annotated[str, typer.Option(help=f"What to check: {', '.join(STAGES)}.")] = "races",
    minutes: Annotated[float, typer.Option(min=0.1, max=60.0, help="How long it may take at most.")] = 3.0,
    seed: Annotated[int, typer.Option(min=0, help="What faults and orders are drawn from.")] = 0,
    id_prefix: Annotated[
        str | None, typer.Option(help="What station ids begin with, where not any id is let in.")
    ] = None,
    id_tag: Annotated[list[str] | None, typer.Option(help="A card that is accepted (may be repeated).")] = None,
    card: Annotated[
        list[str] | None, typer.Option(help="A card and how it is answered, as `TAG=Blocked` (may be repeated).")
    ] = None,
    password: Annotated[str | None, typer.Option(help="Password of every station (basic auth).")] = None,
    out: Annotated[Path, typer.Option(help="Where to keep the run.")] = Path("interlock-out/check-csms"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
) -> None:
    """Check a CSMS with many stations at once: repeats, lost lines, old sessions, odd messages, and its commands.

    Without --control it is judged by what it says to stations alone. Station ids are made up anew each time; give
    --id-prefix where a CSMS knows its stations.
    """
    if stage not in STAGES:
        raise Refused(f"there is no stage {stage!r}; there is {', '.join(STAGES)}")
    run_races(
        url,
        control,
        minutes,
        seed,
        id_prefix,
        id_tag or (),
        card or (),
        password,
        out,
        as_json=as_json,
        quiet=quiet,
    )
