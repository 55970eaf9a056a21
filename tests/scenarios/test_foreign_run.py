"""A scenario on somebody else's CSMS is judged by the wire too: what is wrong there fails it, right is no pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.scenarios.judge import foreign_run
from interlock.scenarios.judge.invariants import judge
from interlock.scenarios.record.history import History
from tests.scenarios.bites_commands import equal_unlocks

RUN = {"scenario": "x", "rules": {"began": "2026-01-01T00:00:00+00:00", "seen_from": "outside", "told": []}}
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
RIGHT = {"status": "Accepted", "interval": 300, "currentTime": "2026-01-01T00:00:01Z"}


def judged(answer: dict[str, Any], *, broken: bool = False, order: bool = False) -> tuple[str, list[str]]:
    """Return the verdict of a run in which a boot had this answer, and which checks say FAIL."""
    clock = iter(range(100))
    history = History(lambda: float(next(clock)), RUN)
    about = {"station": "A", "socket": 1, "node": "csms"}
    history.observe("socket.opened", **about, subprotocol="ocpp1.6")
    frames = [("station.sent", [2, "1", "BootNotification", BOOT]), ("station.received", [3, "1", answer])]
    if order:
        frames.append(("station.received", [2, "c", "Reset", {"type": "Hard"}]))
        frames.append(("station.sent", [3, "c", {"status": "Accepted"}]))
    for edge, message in frames:
        history.observe("frame", edge=edge, **about, text=json.dumps(message))
    if broken:
        history.observe("world.failed", error="it broke")
    history.end()
    findings = foreign_run.judge(history)
    told = foreign_run.document(RUN, findings)
    return told["verdict"], [one.id for one in findings if one.verdict.name == "FAIL" and one.id[0] in "WR"]


@pytest.mark.parametrize(
    ("how", "failed"),
    [
        ({"answer": RIGHT}, []),
        ({"answer": {**RIGHT, "status": "accepted"}}, ["W03"]),
        ({"answer": {**RIGHT, "interval": -1}}, ["W12", "R09"]),
        ({"answer": RIGHT, "order": True}, ["R20"]),
        ({"answer": {**RIGHT, "status": "accepted"}, "broken": True}, []),
    ],
)
def test_what_is_wrong_on_the_wire_fails_the_run(how: dict[str, Any], failed: list[str]) -> None:
    verdict, found = judged(**how)
    assert found == failed
    assert (verdict == "FAIL") == bool(failed)
    assert verdict != "PASS"  # no invariant had anything to look at


def told_to_a_crowd(second: str, *, unlocks: int = 1, asks: int = 1) -> list[str]:
    """Return which checks fail a load test that showed a card twice and asked for unlocks."""
    clock = iter(range(100))
    history = History(lambda: float(next(clock)), {})
    about = {"station": "A", "socket": 1, "node": "csms"}

    def frame(edge: str, message: list[Any]) -> None:
        history.observe("frame", edge=edge, **about, text=json.dumps(message))

    for number, status in enumerate(("Accepted", second)):
        frame("station.sent", [2, f"a{number}", "Authorize", {"idTag": "CARD"}])
        frame("station.received", [3, f"a{number}", {"idTagInfo": {"status": status}}])
    unlock = {"connectorId": 1}
    for number in range(asks):
        asked = {"request_id": f"r{number}", "attempt": 1, "station": "A", "node": "csms"}
        history.observe("request.asked", **asked, action="UnlockConnector", payload=unlock)
    for number in range(unlocks):
        frame("station.received", [2, f"u{number}", "UnlockConnector", unlock])
        frame("station.sent", [3, f"u{number}", {"status": "Unlocked"}])
    found = foreign_run.crowd(history.observations, {"spec": {"id_tag": "CARD"}}, len(history))
    assert {one.id for one in found} <= {*foreign_run.CROWD, *foreign_run.ASKED}
    return [one.id for one in found if one.verdict.name == "FAIL"]


def test_a_crowd_is_judged_by_what_it_was_told() -> None:
    assert told_to_a_crowd("Accepted") == []
    assert told_to_a_crowd("ConcurrentTx") == []
    assert told_to_a_crowd("Blocked") == ["R02"]
    assert told_to_a_crowd("Accepted", unlocks=2) == ["R23"]
    assert told_to_a_crowd("Accepted", unlocks=2, asks=2) == []
    assert told_to_a_crowd("Accepted", asks=0) == []  # somebody else may have asked


def test_a_record_that_is_too_long_to_hold_is_left_to_the_wire() -> None:
    assert foreign_run.crowd([], {}, foreign_run.MOST_ROWS + 1) == []


@pytest.mark.parametrize(("error", "accused"), [("", True), ("InternalError", False)])
def test_of_equal_commands_an_error_may_be_taken_for_a_no(error: str, accused: bool) -> None:
    history = equal_unlocks("CommandRejected", "CommandRejected", moved=1, error=error)
    [found] = [one for one in judge(history) if one.id == "I07"]
    assert (found.verdict.name == "FAIL") == accused
