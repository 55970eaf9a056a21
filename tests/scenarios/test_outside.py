"""Each check from outside flags an exchange that breaks it, and lets pass one that is nearly the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.scenarios.judge.verdict import Finding, Verdict, verdict_of
from interlock.scenarios.judge.wire import judge
from interlock.scenarios.judge.wire_check import LISTED, PATIENCE_S
from interlock.scenarios.judge.wire_checks import WIRE_CHECKS as CHECKS
from interlock.scenarios.record.history import History

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
BOOTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 60}
STARTED = {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}


class Wire:
    """An exchange, told in a line each."""

    def __init__(self, opened: bool = True) -> None:
        self.t = 0.0
        self.history = History(lambda: self.t)
        self.socket = 1
        if opened:
            self.history.observe("socket.opened", station="CP01", socket=1, node="csms")

    def wait(self, seconds: float) -> Wire:
        self.t += seconds
        return self

    def _frame(self, edge: str, message: Any) -> Wire:
        text = message if isinstance(message, str) else json.dumps(message)
        self.history.observe("frame", edge=edge, station="CP01", socket=self.socket, node="csms", text=text)
        return self.wait(0.1)

    def up(self, *message: Any) -> Wire:
        return self._frame("station.sent", list(message))

    def down(self, *message: Any) -> Wire:
        return self._frame("station.received", list(message))

    def raw(self, text: str) -> Wire:
        return self._frame("station.received", text)

    def close(self) -> Wire:
        self.history.observe("socket.closed", station="CP01", socket=self.socket, node="csms", edge="station", why="x")
        return self

    def next(self) -> Wire:
        self.close()
        self.socket += 1
        self.history.observe("socket.opened", station="CP01", socket=self.socket, node="csms")
        return self

    def start(self, name: str, meter: int, connector: int = 1, **answer: Any) -> Wire:
        asked = {"connectorId": connector, "idTag": "T", "meterStart": meter, "timestamp": "2026-01-01T00:00:00Z"}
        return self.up(2, name, "StartTransaction", asked).down(3, name, {**STARTED, **answer})

    def findings(self) -> dict[str, Finding]:
        self.history.end()
        return {one.id: one for one in judge(self.history.observations)}


def wire(**options: Any) -> Wire:
    return Wire(**options)


def good() -> Wire:
    told = wire().up(2, "b", "BootNotification", BOOT).down(3, "b", BOOTED).start("s", 10)
    return told.down(2, "u", "UnlockConnector", {"connectorId": 1}).up(3, "u", {"status": "Unlocked"})


REFUSED = {"status": "Invalid"}

BREAKS: list[tuple[str, Wire]] = [
    (
        "W01",
        wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1).down(3, "h", {"currentTime": "2026-01-01T00:00:00Z"}),
    ),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1)),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1).close()),
    ("W02", wire().down(3, "x", {})),
    ("W02", wire().up(2, "b", "BootNotification", BOOT).down(3, "b", BOOTED).down(3, "b", BOOTED)),
    ("W02", wire().up(2, "b", "BootNotification", BOOT).next().down(3, "b", BOOTED)),
    ("W03", wire().up(2, "b", "BootNotification", BOOT).down(3, "b", {"status": "Accepted"})),
    ("W04", wire().down(2, "u", "UnlockConnector", {})),
    ("W04", wire().down(2, "u", "OpenSesame", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).down(2, "v", "ClearCache", {})),
    ("W06", wire().down(2, "u", "ClearCache", {}).up(3, "u", {}).down(2, "u", "ClearCache", {})),
    ("W07", wire().start("a", 10).start("b", 20)),
    ("W07", wire().start("a", 10).start("b", 10, connector=2)),
    ("W08", wire().raw("nonsense")),
    ("W08", wire().raw("[2]")),
    ("W08", wire().raw('[2,"u","ClearCache",[]]')),
    ("W08", wire().raw('{"a":1}')),
    ("W09", wire().up(2, "m", "MeterValues", {}).down(4, "m", "InternalError", "", {})),
]

HOLDS: list[tuple[str, Wire]] = [
    ("W01", good()),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S - 1).down(4, "h", "InternalError", "", {})),
    ("W02", good()),
    ("W03", good()),
    ("W04", good()),
    ("W05", wire().down(2, "u", "ClearCache", {}).up(3, "u", {}).down(2, "v", "ClearCache", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).wait(20).down(2, "v", "ClearCache", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).next().down(2, "v", "ClearCache", {})),
    ("W06", wire().down(2, "u", "ClearCache", {}).next().down(2, "u", "ClearCache", {})),
    ("W07", wire().start("a", 10).start("b", 20, transactionId=8)),
    ("W07", wire().start("a", 10).next().start("b", 10)),
    ("W07", wire().start("a", 10).start("b", 20, transactionId=7, idTagInfo=REFUSED).start("c", 30, transactionId=9)),
    ("W08", good()),
    ("W09", wire().up(2, "m", "MeterValues", {}).down(3, "m", {})),
]


def named(pairs: list[tuple[str, Wire]]) -> list[Any]:
    return [pytest.param(id, told, id=f"{id}-{number}") for number, (id, told) in enumerate(pairs)]


@pytest.mark.parametrize(("id", "told"), named(BREAKS))
def test_it_bites(id: str, told: Wire) -> None:
    found = told.findings()[id]
    assert found.verdict is Verdict.FAIL, found
    for violation in found.violations:
        assert violation.message
        assert violation.expected
        assert violation.found
        assert violation.station == "CP01"
        assert list(violation.at) == sorted(violation.at) != []
        assert all(told.history.observations[i].kind == "frame" for i in violation.at)


@pytest.mark.parametrize(("id", "told"), named(HOLDS))
def test_it_lets_pass(id: str, told: Wire) -> None:
    found = told.findings()[id]
    assert found.verdict is Verdict.PASS, found


def test_every_check_is_shown_to_bite_and_to_hold() -> None:
    assert {id for id, _ in BREAKS} == {id for id, _ in HOLDS} == set(CHECKS)


def test_a_right_exchange_passes() -> None:
    findings = good().findings()
    assert {one.id: one.reason for one in findings.values() if one.verdict > Verdict.PASS} == {}
    assert verdict_of(findings.values()) is Verdict.PASS


def test_silence_is_not_green() -> None:
    assert verdict_of(wire().findings().values()) is Verdict.INCONCLUSIVE


def test_what_the_run_was_too_short_for_is_inconclusive() -> None:
    assert wire().up(2, "h", "Heartbeat", {}).findings()["W01"].verdict is Verdict.INCONCLUSIVE


def test_an_answer_to_what_is_older_than_the_record_is_not_held_against_anybody() -> None:
    found = wire(opened=False).down(3, "older", {}).findings()["W02"]
    assert found.verdict is Verdict.INCONCLUSIVE


def test_what_cannot_be_seen_is_not_applicable() -> None:
    told = good()
    told.history.end()
    findings = judge(told.history.observations, {"I05": ("no lost outcome", "MUST")})
    assert (findings[-1].id, findings[-1].verdict) == ("I05", Verdict.NOT_APPLICABLE)


def test_a_fleet_that_broke_has_no_verdict() -> None:
    told = good()
    told.history.observe("world.failed", error="ValueError: x")
    assert verdict_of(told.findings().values()) is Verdict.ERROR


def test_many_violations_are_counted_and_the_first_are_listed() -> None:
    told = wire()
    for _ in range(LISTED + 5):
        told.raw("nonsense")
    found = told.findings()["W08"]
    assert len(found.violations) == LISTED
    assert found.reason is not None
    assert found.reason.startswith(f"{LISTED + 5} violations")


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_each_explains_itself(check: Any) -> None:
    told = check.explain()
    assert told.startswith(f"{check.id}  {check.name}  ({check.level})\n\n")
    assert len(told.split()) >= 20
