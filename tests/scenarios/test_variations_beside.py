"""What means the same is judged the same by the judges beside the wire and the log: load, races, fleet.

Each of their right and wrong tales is told in every way in which frames can be written, and right ones with harmless
messages in between; and of every judge there is one that is run over variations.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interlock.scenarios.judge import fleet_checks, ledger_checks, race_checks, station_frames
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.register import JUDGES
from interlock.scenarios.judge.variations import VARIATIONS
from interlock.scenarios.judge.verdict import Finding, Verdict
from interlock.scenarios.judge.wire import Judgement
from interlock.scenarios.judge.wire_checks import WIRE_CHECKS
from interlock.scenarios.record.domain_view import Observation, Row

from .race_tales import CASES, RUN, Tale
from .test_fleet_green import facts, session
from .test_ledger_checks import ASKED, right
from .test_ledger_checks import BREAKS as LOAD_BREAKS

WRITTEN = ("indented", "spaced", "compact", "reordered_keys", "escaped", "non_ascii_raw")
BETWEEN = ("data_transfers", "unknown_actions", "station_clocks_off")
Findings = dict[str, Finding]


def _load(rows: list[Observation]) -> Findings:
    return {one.id: one for one in ledger_checks.judge(rows, ASKED, 0)}


def _races(rows: list[Observation]) -> Findings:
    return {one.id: one for one in race_checks.judge(rows, RUN)}


def _fleet(rows: list[Observation]) -> Findings:
    work = Judgement("csms")
    for seen in rows:
        work.see(seen)
    run = {"rules": {"fleet": 1}, "spec": {"profile": "busy"}}
    return {one.id: one for one in fleet_checks.complete(work.findings(), work, facts(), run)}


def _tale(tell: Callable[[Tale], Any]) -> list[Observation]:
    tale = Tale()
    tell(tale)
    return tale.rows


def _session() -> list[Observation]:
    told = session()
    told.history.end()
    return list(told.history.observations)


def told(rightly: bool) -> Iterator[tuple[Callable[[list[Observation]], Findings], list[Observation]]]:
    """Iterate over tales, each with who judges it."""
    yield from ((_races, _tale(right if rightly else wrong)) for _, wrong, right in CASES)
    yield from ((_load, one.rows) for one in ([right()] if rightly else [one for _, one in LOAD_BREAKS]))
    if rightly:
        yield _fleet, _session()


def varied(rows: list[Observation], variation: str) -> list[Observation]:
    plain: list[Row] = [(one.t, one.kind, dict(one.fields)) for one in rows]
    found = VARIATIONS[variation].vary(plain, random.Random(variation))
    return [Observation(i, t, kind, fields) for i, (t, kind, fields) in enumerate(found)]


@pytest.mark.parametrize("variation", WRITTEN)
def test_however_frames_are_written_the_verdicts_are_the_same(variation: str) -> None:
    for rightly in (True, False):
        for judge, rows in told(rightly):
            before, after = judge(rows), judge(varied(rows, variation))
            assert {id: one.verdict for id, one in after.items()} == {id: one.verdict for id, one in before.items()}


@pytest.mark.parametrize("variation", BETWEEN)
def test_what_is_harmless_in_between_raises_no_alarm(variation: str) -> None:
    for judge, rows in told(rightly=True):
        found = judge(varied(rows, variation))
        assert not [one for one in found.values() if one.verdict >= Verdict.FAIL], rows


def test_no_judge_is_left_out() -> None:
    """`test_variations` has the checks of the wire and the invariants, the judges here have all others.

    What is noticed beside cases is judged in test_wrong_stations, on a right station too; commands and restarts of
    a CSMS in test_race_checks.
    """
    here = {id for judge, rows in told(rightly=True) for id in judge(rows)}
    elsewhere = {*WIRE_CHECKS, *INVARIANTS, *station_frames.RULES, race_checks.COMMANDS[0], race_checks.RESTARTS[0]}
    assert here | elsewhere == set(JUDGES)
