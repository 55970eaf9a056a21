"""What a terminal shows of `interlock check`: the plan, each case as it ends, and the sum."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from interlock.scenarios.cases.language import Case
from interlock.scenarios.refused import on_one_line

if TYPE_CHECKING:
    from interlock.scenarios.live.check import Check


def show_plan(chosen: Sequence[Case]) -> None:
    """Print the cases by what somebody has to do at the station for them."""
    from interlock.scenarios.cases.language import Ask, Hand
    from interlock.scenarios.cases.states import STATES

    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in chosen:
        items = (*STATES[case.needs.state].path, *case.script)
        deeds = [item.deed if isinstance(item, Hand) else "ask" for item in items if isinstance(item, Hand | Ask)]
        groups.setdefault(tuple(dict.fromkeys(deeds)), []).append(case)
    for needed, cases in sorted(groups.items(), key=lambda one: (len(one[0]), one[0])):
        typer.echo(f"{', '.join(needed) if needed else 'nobody'} ({len(cases)})")
        for case in cases:
            needs = ", ".join(case.needs.features)
            typer.echo(f"  {case.id:<16}{case.profile:<24}{case.title}" + (f"   [{needs}]" if needs else ""))
    hands = sum(len(cases) for needed, cases in groups.items() if needed)
    typer.echo(
        f"{len(chosen)} cases, {hands} of them need a hand. "
        "Without one a case takes a few seconds; a failing one its time-out."
    )


class Screen:
    """The lines of a check as it goes on."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.count = 0

    def __call__(self, work: Check, what: str, about: Any) -> None:
        """Print what has just happened; `about` is the peer, or the result of a case."""
        if self.quiet:
            return
        match what:
            case "listening":
                print(f"interlock {importlib.metadata.version('ocpp-interlock')}   {len(work.todo())} cases")
                ident = work.plan.station or "STATION-ID"
                print(f"  enter this in the station: {work.address}{quote(ident)}   (subprotocol ocpp1.6)")
                print("  waiting for it ...", flush=True)
            case "dialling":
                print(f"interlock {importlib.metadata.version('ocpp-interlock')}   {len(work.todo())} cases")
                print(f"  connecting to {work.address}", flush=True)
            case "connected":
                print(f"  {about.station} is connected, and should boot and answer GetConfiguration", flush=True)
            case "came" if work.plan.role == "station":
                peer = work.peer
                name = " ".join(one for one in (peer["vendor"], peer["model"]) if one) or "a station that did not boot"
                firmware = f", firmware {peer['firmware']}" if peer["firmware"] else ""
                print(f"  {peer['station']}: {name}{firmware}, speaks {peer['protocol']}", flush=True)
            case "done":
                self.count += 1
                line = f"  [{self.count:>3}] {about.id:<16}{about.verdict:<15}{about.seconds:6.1f} s"
                if about.verdict not in ("PASS",):
                    line += f"   {clean(about.reason)}"
                print(line, flush=True)


def clean(text: str, most: int = 200) -> str:
    """Return what a peer had a part in as one printable line of at most `most` characters."""
    text = on_one_line(text, most + 1)
    return text if len(text) <= most else text[: most - 1] + "…"


def is_meant(name: str, expected: Sequence[str]) -> bool:
    """Whether a case or check is among the known failures, which are names or globs."""
    return any(fnmatch.fnmatchcase(name, glob) for glob in expected)


def end(work: Check, page: Path, quiet: bool, expected: list[str]) -> None:
    """Print how a check ended, and where its page is."""
    counts = Counter(one.verdict for one in work.results.values())
    if not quiet:
        for why, count in sorted(work.refused.items()):
            print(f"  turned away {count} x: {clean(why)}")
        for one in work.findings:
            if one["broken"]:
                print(
                    f"  {one['level']:<7}{one['id']} {one['name']}: {one['broken']} of {one['checked']}: "
                    f"{clean(one['why'])}"
                )
                print(f"         {clean(one['example'])}")
    if expected and not quiet:
        unexpected = [one.id for one in work.results.values() if one.verdict == "PASS" and is_meant(one.id, expected)]
        if unexpected:
            print(f"  passed although expected to fail: {', '.join(unexpected)}")
    if work.trouble is not None:
        print(f"interlock: {clean(work.trouble)}", file=sys.stderr)
    if work.interrupted:
        print("interrupted: go on with --resume", file=sys.stderr)
    listed = ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "no case was run"
    if rules := [one for one in work.broken if not is_meant(one, expected)]:
        listed += f"; it broke {', '.join(rules)}, beside the cases"
    print(f"{listed}   report: {page}")
