"""Proves what the cases catch end to end: wrong station or CSMS x cases and findings, in virtual time.

`python -m tests.foreign.prove_cases --page docs/cases.md` (about a minute). Exit code 1 where a right one is accused,
where a wrong station is missed, or where fewer wrong CSMSs are flagged than `LEAST`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.players.declaration import FEATURES, Declaration
from interlock.scenarios.judge import wire
from interlock.scenarios.record.recorder import observations
from interlock.scenarios.world.case_world import BEGAN
from tests.foreign.brain import Brain
from tests.foreign.case_world import ForeignCaseWorld
from tests.foreign.operated import WRONG_OPERATED, Operated
from tests.foreign.right import RIGHT, OldCore
from tests.foreign.wild import WILD, WILD_OPERATED
from tests.foreign.wrong import WRONG
from tests.scenarios.wrong_stations import tried
from tests.scenarios.wrong_stations_list import ODD

LEAST = 80
SHOWN = 6
HASTY = {"answer": 10.0, "effect": 10.0}
WITH_A_SERVER = ("tls", "mutual_tls", "basic_auth")
CARDS = ("invalid", "expired", "blocked", "group")
OF_OPERATORS = {"reservation", "reserve_zero", "remote_trigger", "smart_charging", "local_list", "cache", "blocked"}
HEAD = """# What the cases catch

`make prove-cases` writes this page. Every peer here is wrong in one part and is checked from its first boot with all
cases, in virtual time. Stations are the simulated one behind a wire that says it otherwise (`tests/scenarios/
wrong_stations_list.py`), CSMSs have nothing to do with the reference (`tests/foreign`). Cases are shown that say FAIL,
and findings (S, W) that are broken. What needs many stations at once is not for cases: see [outside.md](outside.md).
"""


def on_csms(brain: Brain, features: Iterable[str]) -> tuple[list[str], list[str]]:
    """Run all cases on a CSMS; return what accuses it: cases and findings."""
    with tempfile.TemporaryDirectory() as out:
        declared = Declaration(features=dict.fromkeys(features, True), limits=HASTY)
        world = ForeignCaseWorld(brain, declared, Path(out))
        found = world.run(catalogue.chosen("csms"))
        seen = wire.judge(list(observations(world.book.recorder.path)), began=BEGAN)
    words = [name for name, one in found.items() if one.word.name == "FAIL"]
    return words, [one.id for one in seen if one.violations]


def _row(name: str, what: str, cases: list[str], findings: list[str]) -> str:
    shown = [one.removesuffix("_CSMS").removesuffix("_CS") for one in cases[:SHOWN]]
    more = f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else ""
    return f"| {name} | {what} | {' '.join(shown)}{more} | {' '.join(findings)} |"


def stations() -> tuple[list[str], int]:
    """Return a row for each wrong station, and how many were missed."""
    rows, missed = [], 0
    for odd in ODD:
        with tempfile.TemporaryDirectory() as out:
            found = tried(odd, catalogue.chosen("station"), Path(out))
        missed += not (found.failed or found.broken)
        rows.append(_row(odd.name, odd.what, found.failed, found.broken))
    return rows, missed


def csmss() -> tuple[list[str], list[str], int]:
    """Return a row for each wrong CSMS, the names of those that were missed, and how many right ones were accused."""
    every = [name for name in FEATURES if name not in (*WITH_A_SERVER, *CARDS)]
    accused = sum(any(on_csms(kind(), () if kind is OldCore else every)) for kind in RIGHT)
    kinds: list[tuple[dict[str, tuple[str, Callable[[], Brain]]], Iterable[str], type[Brain]]] = [
        ({**WRONG, **WILD}, ("blocked",), Brain),
        ({**WRONG_OPERATED, **WILD_OPERATED}, OF_OPERATORS, Operated),
    ]
    rows, missed = [], []
    for group, features, right in kinds:
        accused += any(on_csms(right(), features))
        for name, (what, kind) in group.items():
            cases, findings = on_csms(kind(), features)
            rows.append(_row(name, what, cases, findings))
            if not cases and not findings:
                missed.append(name)
    return rows, missed, accused


def main() -> int:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=Path)
    wanted = parser.parse_args()
    of_stations, lost = stations()
    of_csmss, missed, accused = csmss()
    flagged = len(of_csmss) - len(missed)
    lines = [
        HEAD,
        f"{len(of_stations) - lost} of {len(of_stations)} wrong stations and {flagged} of {len(of_csmss)} wrong CSMSs "
        f"are flagged; {accused} of {len(RIGHT) + 2} right CSMSs are accused.\n",
        "| wrong station | what is wrong | cases | findings |\n| --- | --- | --- | --- |",
        *of_stations,
        "\n| wrong CSMS | what is wrong | cases | findings |\n| --- | --- | --- | --- |",
        *of_csmss,
    ]
    text = "\n".join(lines) + "\n"
    if wanted.page is not None:
        wanted.page.write_text(text, "utf-8")
    print(lines[1].strip(), "missed:", ", ".join(missed))
    return 1 if lost or accused or flagged < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
