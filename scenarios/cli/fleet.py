"""`interlock fleet`: simulated stations over real WebSockets against any CSMS, in wall time."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.cli.screen import moves
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.simulator.profiles import PROFILES
from interlock.simulator.spec import OcppVersion

if TYPE_CHECKING:
    from interlock.scenarios.hand.page import Hand
    from interlock.scenarios.live.fleet import Fleet, Plan


def _profiles(incomplete: str) -> list[str]:
    return [name for name in PROFILES if name.startswith(incomplete)]


VERSIONS: dict[str, tuple[OcppVersion, ...]] = {"1.6": ("1.6",), "2.0.1": ("2.0.1",), "mixed": ("1.6", "2.0.1")}
"""OCPP versions of a fleet, by what `--ocpp` calls them."""


def _versions(incomplete: str) -> list[str]:
    return [name for name in VERSIONS if name.startswith(incomplete)]


def fleet(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the CSMS is: ws:// or wss://, without the station id.")
    ],
    stations: Annotated[
        int | None, typer.Option("--stations", "-n", min=1, help="How many stations; default: 10, or all of --ids.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help=f"What they do: {', '.join(PROFILES)}.", autocompletion=_profiles)
    ] = "busy",
    seed: Annotated[int, typer.Option(min=0, help="What stations and drivers draw their randomness from.")] = 0,
    time: Annotated[str, typer.Option(help="How long: `60s`, `5m`, `1h`, or `0` until Ctrl-C.")] = "60s",
    rate: Annotated[float, typer.Option(min=0.01, help="Stations switched on a second.")] = 100.0,
    id_prefix: Annotated[str, typer.Option(help="What station ids begin with; a number follows.")] = "CP",
    id_tag: Annotated[str, typer.Option(help="The card all drivers show.")] = "TAG-DRIVER",
    connectors: Annotated[int, typer.Option(min=1, max=20, help="Connectors of each station.")] = 2,
    ocpp: Annotated[
        str, typer.Option(help="What they speak: 1.6, 2.0.1, or mixed (every other station).", autocompletion=_versions)
    ] = "1.6",
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ids: options.Ids = None,
    ca: options.Ca = None,
    cert: options.Cert = None,
    key: options.Key = None,
    insecure: options.Insecure = False,
    wait: options.Wait = "0",
    out: Annotated[Path, typer.Option(help="Where to keep the run.")] = Path("interlock-out/fleet"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    page: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Serve a page on this port of 127.0.0.1, to play the stations by hand; 0: any."
        ),
    ] = None,
) -> None:
    """Let simulated stations connect to a CSMS and be used, and judge what it says to them.

    Ctrl-C ends the sessions, closes the sockets and gives the summary so far; a second one skips the sessions.
    """
    if profile not in PROFILES:
        raise Refused(f"there is no profile {profile!r}; there are {', '.join(PROFILES)}")
    way = options.reach(url, **options.among(locals()))
    options.check_prefix(id_prefix)
    count = stations or len(way.ids) or 10
    if way.ids and count > len(way.ids):
        raise Refused(f"--stations {count} needs as many --ids, and there are {len(way.ids)}")
    if ocpp not in VERSIONS:
        raise Refused(f"--ocpp is one of {', '.join(VERSIONS)}, not {ocpp!r}")
    longest = 20 if "1.6" in VERSIONS[ocpp] else 36
    if not 1 <= len(id_tag) <= longest:
        raise Refused(f"a card's id has 1 to {longest} characters in OCPP {VERSIONS[ocpp][0]}")
    from interlock.scenarios.live.fleet import Fleet, Plan, make_room

    make_room(count)
    check_folder("--out", out)
    plan = Plan(
        reach=way,
        stations=count,
        profile=profile,
        seed=seed,
        seconds=options.seconds_of("--time", time),
        rate=rate,
        prefix=id_prefix,
        connectors=connectors,
        id_tag=id_tag,
        versions=VERSIONS[ocpp],
        out=out,
        began=datetime.now(UTC),
        reproduce=_again(locals()),
    )
    show = Progress(plan, quiet=quiet or as_json)
    show.begin()
    work = Fleet(plan, show.look, _hand(page))
    try:
        work.run()
    except OSError as error:
        if page is None:
            raise
        raise Refused(f"--page {page}: {error.strerror or error}", UNTOLD) from None
    except KeyboardInterrupt:
        raise Refused("interrupted before it was judged", UNTOLD) from None
    finally:
        show.clear()
    if as_json:
        typer.echo(json.dumps(work.summary(), indent=1, sort_keys=True))
    else:
        show.end(work)
    raise typer.Exit(work.verdict.exit_code)


# --- what was asked --------------------------------------------------------------------------------------------------


TOKEN_VARIABLE = "INTERLOCK_HAND_TOKEN"
"""Holds the token that the page of `--page` asks for; without it one is made and printed."""


def _hand(port: int | None) -> Hand | None:
    """Return the page to play the stations by, None when none was asked for."""
    if port is None:
        return None
    from interlock.scenarios.hand.page import Hand

    given = os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe(24)

    def said(url: str) -> None:
        print(f"  by hand: {url}" + ("" if given else f"   token of this page: {token}"), file=sys.stderr, flush=True)

    return Hand(port, token, said)


def _again(given: dict[str, Any]) -> str:
    """Return the line that does this again, without the password."""
    words = ["interlock", "fleet", given["url"]]
    for name, default in (
        ("stations", None),
        ("profile", "busy"),
        ("seed", None),
        ("time", "60s"),
        ("rate", 100.0),
        ("id_prefix", "CP"),
        ("id_tag", "TAG-DRIVER"),
        ("connectors", 2),
        ("ocpp", "1.6"),
    ):
        value = given[name]
        if value is not None and value != default:
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, *options.again(given)])


# --- the screen ------------------------------------------------------------------------------------------------------

EVERY_S = 10.0
"""How often a line appears where none can move."""
SENTENCES = 3
"""Reasons for refused and lost connections that are shown; the rest are in the run directory."""


class Progress:
    """The lines of one fleet."""

    def __init__(self, plan: Plan, *, quiet: bool) -> None:
        self.plan, self.quiet = plan, quiet
        self.moving = moves(quiet=quiet)
        self._told_s = 0.0
        self._before = (0.0, 0)
        self._rate = 0.0

    def begin(self) -> None:
        """Say what is about to happen: above all the seed, and where stations connect."""
        if self.quiet:
            return
        plan, (first, last) = self.plan, self.plan.ends
        time = f"{plan.seconds:g} s" if plan.seconds is not None else "until Ctrl-C"
        print(
            f"interlock {importlib.metadata.version('ocpp-interlock')}   {plan.stations} "
            f"station{'s' * (plan.stations != 1)}, {plan.profile}   seed {plan.seed}   {time}"
        )
        print(f"  {first}" + (f"\n  ... {last}" if last != first else ""), flush=True)

    def look(self, fleet: Fleet) -> None:
        """Show how it goes."""
        t, calls = fleet.state.t, fleet.tally.answered
        if t - self._before[0] >= 1.0:
            self._rate = (calls - self._before[1]) / (t - self._before[0])
            self._before = (t, calls)
        if self.moving:
            print(f"\r\033[K  {self._line(fleet)}", end="", flush=True)
        elif not self.quiet and t - self._told_s >= EVERY_S:
            self._told_s = t
            print(f"  {self._line(fleet)}", flush=True)

    def _line(self, fleet: Fleet) -> str:
        state, tally = fleet.state, fleet.tally
        leaving = "   leaving" if state.leaving else ""
        return (
            f"{state.t:.0f} s   {state.connected} connected, {state.booted} booted, {state.charging} charging   "
            f"{self._rate:.0f} calls/s   {tally.errors} errors, {state.dials_failed} dials failed{leaving}"
        )

    def clear(self) -> None:
        """Clear the line that moves."""
        if self.moving:
            print("\r\033[K", end="", flush=True)

    def end(self, fleet: Fleet) -> None:
        """Tell how it was."""
        if fleet.interrupted:
            print(f"interrupted after {fleet.took_s:.1f} s", file=sys.stderr)
        if not self.quiet:
            self._table(fleet)
            for what, reasons in (("not let in", fleet.refusals), ("connection lost", fleet.closes)):
                for why, count in reasons.most_common(SENTENCES):
                    if why != "storm":
                        print(f"  {what} {count} x: {why}")
            self._findings(fleet)
        word = fleet.verdict
        connected = fleet.summary()["connected"]
        print(
            f"{word.name}: {connected} of {self.plan.stations} stations connected, {fleet.tally.answered} calls "
            f"answered in {fleet.took_s:.1f} s   run: {self.plan.out}   its page: interlock report {self.plan.out}"
        )

    def _table(self, fleet: Fleet) -> None:
        table = fleet.tally.table()
        print(f"\n  {'action':<22}{'calls':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'errors':>8}{'no answer':>11}")
        for action, row in table.items():
            times = "".join(f"{'-' if row[name] is None else row[name]:>9}" for name in ("p50_ms", "p95_ms", "p99_ms"))
            print(f"  {action[:21]:<22}{row['calls']:>9}{times}{row['errors']:>8}{row['unanswered']:>11}")
        print(
            f"  connects {fleet.opened}, reconnects {fleet.reconnects}, calls of the CSMS {fleet.tally.commands}, "
            f"this process was up to {1000 * fleet.behind_s:.0f} ms late\n"
        )

    def _findings(self, fleet: Fleet) -> None:
        from interlock.reports.run import clean

        found = fleet.document["invariants"]
        for one in found:
            if one["verdict"] in ("FAIL", "ERROR", "INCONCLUSIVE"):
                first = one["violations"][0] if one["violations"] else {"message": one["reason"] or "", "found": ""}
                more = f" (and {len(one['violations']) - 1} more)" if len(one["violations"]) > 1 else ""
                told = clean(": ".join(part for part in (first["message"], first["found"]) if part))
                print(f"  {one['verdict']:<13}{one['id']} {one['name']}: {told}{more}")
        held = [one for one in found if one["verdict"] == "PASS"]
        print(f"  {len(held)} checks from outside held ({sum(one['checked'] for one in held)} things looked at)")
