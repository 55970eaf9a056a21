"""A run against a foreign CSMS, judged by every check that needs no view into it.

Beside the invariants, which read what the CSMS records, these are the checks of the wire and those of `race_checks`
that do not depend on the stage "races".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from interlock.scenarios.judge import race_checks, verdict, wire
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.invariants import judge as invariants
from interlock.scenarios.judge.verdict import Finding, Verdict
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.history import History

RACES = ("R02", "R04", "R06", "R07", "R08", "R09", "R20", "R21", "R23", "R29")


def judge(history: History) -> list[Finding]:
    """Judge a run observed at the stations; by the invariants alone where the time of its second 0 is not known.

    So is a run that failed itself, as it says nothing about the CSMS.
    """
    found = invariants(history)
    began = history.run.get("rules", {}).get("began")
    if began is None or any(True for _ in history.noted("world.failed")):
        return found
    work = wire.Judgement("csms", datetime.fromisoformat(began))
    for seen in history.observations:
        work.see(seen)
    run = {**history.run, "spec": {**history.run.get("spec", {}), "began": began}}
    races = race_checks.judge(history.observations, run)
    told = [*work.findings(), *(one for one in races if one.id in RACES)]
    return found + [one for one in told if one.verdict is not Verdict.NOT_APPLICABLE]


CROWD = ("R02", "R06", "R07", "R08", "R09")
"""Of these, the checks for a fleet or a load test."""
ASKED = ("R20", "R21", "R23", "R29")
"""Those about operators' requests, if these are recorded: a CSMS may have other operators too."""
MOST_ROWS = 400_000
"""Observations of a run up to which they look at it: they hold all of them at a time."""


def crowd(rows: Iterable[Observation], run: Mapping[str, Any], count: int) -> list[Finding]:
    """Judge what a fleet or a load test recorded, `count` observations, by `CROWD` and `ASKED`.

    Its one card is everybody's, so whether it is in use elsewhere says nothing. What a record has nothing about is
    left out.
    """
    if count > MOST_ROWS:
        return []
    spec = run.get("spec", {})
    card = spec.get("id_tag")
    about = {**run, "spec": {**spec, "cards": {card: "Accepted"} if card is not None else {}}}
    kept = list(rows)
    ids = CROWD + (ASKED if any(row.kind == "request.asked" for row in kept) else ())
    found = race_checks.judge(kept, about)
    return [one for one in found if one.id in ids and one.verdict is not Verdict.NOT_APPLICABLE]


def document(run: Mapping[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the content of `verdict.json`. Passed checks of the wire alone are no PASS: that takes an invariant."""
    told = verdict.document(run, findings)
    if verdict.merge(one.verdict for one in findings) < Verdict.FAIL:
        told["verdict"] = verdict.verdict_of(one for one in findings if one.id in INVARIANTS).name
    return told
