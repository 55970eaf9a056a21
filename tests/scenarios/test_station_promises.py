"""Rules of what a station accepted or said: each bites where it is broken, and leaves a right station alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock import reports
from interlock.scenarios.cases.exemplar import Seen
from interlock.scenarios.cases.language import LIMITS
from interlock.scenarios.cases.players.declaration import Declaration, at_speed
from interlock.scenarios.cases.players.notebook import Notebook
from interlock.scenarios.cases.players.tester import AsCsms
from interlock.scenarios.judge.station_frames import RULES, judge
from interlock.scenarios.live.check import Check, Result, exit_code

from .checking import BEGAN, planned

BOOT = {"chargePointVendor": "v", "chargePointModel": "m"}
NOW = "2026-01-01T00:00:00Z"
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
OK = {"status": "Accepted"}


class Talk:
    """A recorded exchange, written step by step; `after` moves the clock."""

    def __init__(self, opened: bool = True) -> None:
        self.rows: list[Seen] = []
        self.t = 0.0
        if opened:
            self._add("socket.opened", socket=1)

    def _add(self, kind: str, **fields: Any) -> None:
        self.rows.append(Seen(len(self.rows), self.t, kind, {"station": "S", "socket": 1, **fields}))

    def after(self, seconds: float) -> Talk:
        """Let time pass."""
        self.t += seconds
        return self

    def _exchange(self, edges: tuple[str, str], action: str, payload: Any, answer: Any) -> Talk:
        name = f"{action}-{len(self.rows)}"
        for edge, message in zip(edges, ([2, name, action, payload], [3, name, answer]), strict=True):
            self.after(0.01)._add("frame", edge=edge, text=json.dumps(message))
        return self

    def told(self, action: str, payload: Any, answer: Any = None) -> Talk:
        """The station makes a CALL."""
        return self._exchange(("station.sent", "station.received"), action, payload, answer or {})

    def asked(self, action: str, payload: Any, answer: Any) -> Talk:
        """The tester makes one."""
        return self._exchange(("station.received", "station.sent"), action, payload, answer)

    def boot(self, status: str = "Accepted", interval: int = 300) -> Talk:
        """It boots."""
        return self.told("BootNotification", BOOT, {"status": status, "currentTime": NOW, "interval": interval})

    def status(self, word: str, connector: int = 1) -> Talk:
        """It tells a status."""
        return self.told("StatusNotification", {**STATUS, "connectorId": connector, "status": word})

    def begun(self, number: int = 7, meter: int = 100, at: str = NOW) -> Talk:
        """A session begins."""
        start = {"connectorId": 1, "idTag": "T", "meterStart": meter, "timestamp": at}
        return self.told("StartTransaction", start, {"transactionId": number, "idTagInfo": OK})

    def ended(self, number: int = 7, meter: int = 200, at: str = "2026-01-01T00:01:00Z") -> Talk:
        """It ends."""
        return self.told("StopTransaction", {"transactionId": number, "meterStop": meter, "timestamp": at})

    def sample(self, seconds: int, energy: str, power: str | None = None, context: str = "Sample.Periodic") -> Talk:
        """Values of a session."""
        values = [{"value": energy, "measurand": "Energy.Active.Import.Register", "context": context}]
        values += [{"value": power, "measurand": "Power.Active.Import", "unit": "W"}] if power else []
        row = {"timestamp": f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z", "sampledValue": values}
        return self.told("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [row]})

    def set(self, key: str, value: str) -> Talk:
        """A key is changed, and accepted."""
        return self.asked("ChangeConfiguration", {"key": key, "value": value}, OK)

    def read(self, key: str, value: str) -> Talk:
        """A key is read."""
        rows = [{"key": key, "readonly": False, "value": value}]
        return self.asked("GetConfiguration", {"key": [key]}, {"configurationKey": rows})

    def broken(self) -> list[str]:
        """Return the rules that it broke."""
        return [one.id for one in judge(self.rows, "S") if one.broken]


def _available(word: str) -> Talk:
    return Talk().boot().asked("ChangeAvailability", {"connectorId": 1, "type": word}, OK)


def _composite(**told: Any) -> Talk:
    periods = told.pop("starts", (0, 60))
    schedule = {
        "chargingRateUnit": told.pop("unit", "A"),
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": 6.0} for start in periods],
    }
    answer = {**OK, "connectorId": 1, "scheduleStart": NOW, "chargingSchedule": schedule, **told}
    return (
        Talk()
        .boot()
        .asked("GetCompositeSchedule", {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}, answer)
    )


def _list(cards: int) -> Talk:
    entries = [{"idTag": str(one), "idTagInfo": OK} for one in range(cards)]
    payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
    return Talk().boot().read("SendLocalListMaxLength", "2").asked("SendLocalList", payload, OK)


def _aligned(*seconds: int) -> Talk:
    talk = Talk().boot().set("ClockAlignedDataInterval", "60").begun().after(100)
    for one in seconds:
        talk.sample(one, "150", context="Sample.Clock")
    return talk


def _powers(*samples: tuple[int, str, str]) -> Talk:
    talk = Talk().boot().begun()
    for seconds, energy, power in samples:
        talk.sample(seconds, energy, power)
    return talk


WRONG: dict[str, tuple[Talk, str]] = {
    "station-charges": (Talk().boot().status("Charging", 0), "N16"),
    "talks-first": (Talk().status("Available").boot(), "N17"),
    "talks-when-refused": (Talk().boot("Rejected", 10).status("Available"), "N17"),
    "boots-soon": (Talk().boot("Pending", 10).after(3).boot(), "N17"),
    "old-value": (Talk().boot().set("ConnectionTimeOut", "30").read("ConnectionTimeOut", "60"), "N18"),
    "long-list": (_list(3), "N19"),
    "beside-the-clock": (_aligned(122, 182), "N20"),
    "on-again": (_available("Inoperative").status("Unavailable").status("Available"), "N21"),
    "other-unit": (_composite(unit="W"), "N22"),
    "other-connector": (_composite(connectorId=2), "N22"),
    "disorder": (_composite(starts=(60, 0)), "N22"),
    "never-ended": (Talk().boot().begun().status("Available").after(200).status("Preparing"), "N23"),
    "another-began": (Talk().boot().begun().begun(8).ended(8).after(200).status("Preparing"), "N23"),
    "milliwatt-hours": (Talk().boot().begun().ended(meter=200_000), "N24"),
    "power-in-kilowatts": (_powers((10, "130", "11"), (20, "160", "11"), (30, "190", "11")), "N25"),
    "no-energy": (_powers((10, "100", "11000"), (20, "100", "11000"), (30, "100", "11000")), "N25"),
}
RIGHT: dict[str, Talk] = {
    "statuses": Talk().boot().status("Faulted", 0).status("Charging", 1),
    "already-registered": Talk().status("Available").status("Preparing"),
    "joined-late": Talk(opened=False).status("Available").boot(),
    "triggered-when-pending": Talk().boot("Pending", 10).asked("TriggerMessage", {}, OK).status("Available").boot(),
    "waits": Talk().boot("Rejected", 10).after(10).boot().status("Available"),
    "read-back": Talk().boot().set("LocalPreAuthorize", "TRUE").read("LocalPreAuthorize", "true"),
    "list-in-another-order": Talk().boot().set("MeterValuesSampledData", "A,B").read("MeterValuesSampledData", "B, A"),
    "boots-between": Talk().boot().set("HeartbeatInterval", "60").boot().read("HeartbeatInterval", "300"),
    "short-list": _list(2),
    "by-the-clock": _aligned(120, 180, 241),
    "late-once": _aligned(122, 180),
    "off": _available("Inoperative").status("Unavailable").status("Faulted").status("Unavailable"),
    "on": _available("Inoperative").status("Unavailable").asked(
        "ChangeAvailability", {"connectorId": 0, "type": "Operative"}, OK).status("Available"),
    "schedule": _composite(),
    "ended": Talk().boot().begun().status("Available").ended().after(200).status("Preparing"),
    "ended-late": Talk().boot().begun().status("Available").after(300).ended().after(300).status("Preparing"),
    "cut-short": Talk().boot().begun().status("Available"),
    "fast-charger": Talk().boot().begun().ended(meter=6_000),
    "energy-and-power": _powers((10, "130", "11000"), (20, "160", "11000"), (30, "190", "9000")),
    "ramps-up": _powers((10, "100", "0"), (20, "130", "11000"), (30, "160", "0")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_promise_is_noticed(name: str) -> None:
    talk, rule = WRONG[name]
    assert rule in talk.broken()


@pytest.mark.parametrize("name", RIGHT)
def test_what_a_right_station_says_is_not(name: str) -> None:
    assert RIGHT[name].broken() == []


# --- what becomes of a broken rule -----------------------------------------------------------------------------------


def _check(tmp_path: Path, *findings: tuple[str, int], run: int = 1, **changes: Any) -> Check:
    """A check in which one case passed, and rules were broken so many times."""
    check = Check(planned("station", ["TC_001_CS"], tmp_path, **changes), lambda *_: None)
    check.results = {"TC_001_CS": Result("TC_001_CS", "t", "Core", "must", "c", "PASS", run=1, began=1, ended=9)}
    check.findings += [
        {"id": id, "name": RULES[id][0], "level": RULES[id][2], "broken": broken, "checked": 9, "run": run,
         "why": "w", "example": "e", "at": [4] if broken else []}
        for id, broken in findings
    ]  # fmt: skip
    return check


def _code(check: Check, *expected: str) -> int:
    return exit_code(check.results.values(), None, False, expected, check.broken)


def test_a_broken_rule_that_the_standard_demands_makes_a_check_violated(tmp_path: Path) -> None:
    check = _check(tmp_path, ("N12", 1), ("N15", 2), ("N16", 0))
    assert (check.broken, _code(check), check.document()["verdict"]) == (["N12"], 1, "FAIL")
    assert _code(check, "N12") == 0
    assert '<testcase classname="ocpp16.rules" name="N12"' in reports.check_junit(check.document())
    assert "failure" not in reports.check_junit(check.document(), ["N12"])


def test_one_that_should_be_kept_does_not(tmp_path: Path) -> None:
    check = _check(tmp_path, ("N15", 2))
    assert (check.broken, _code(check), check.document()["verdict"]) == ([], 0, "PASS")


def test_a_rule_is_tried_again_with_the_case_in_which_it_was_broken(tmp_path: Path) -> None:
    _check(tmp_path, ("N12", 1)).write()
    again = Check(planned("station", ["TC_001_CS"], tmp_path, only_failed=True), lambda *_: None)
    assert [one.id for one in again.todo()] == ["TC_001_CS"]
    again.findings.append({**again.findings[0], "broken": 0, "at": [], "run": 2})
    assert (again.broken, again.todo()) == ([], [])


def test_speed_is_of_what_the_tester_chooses() -> None:
    found = at_speed(Declaration(limits={"sample": 3.0}), 4.0).limits
    assert (found["connection_timeout"], found["heartbeat"], found["sample"]) == (2.5, 1.0, 3.0)
    assert not {"answer", "effect", "reconnect", "boot", "transfer", "lapse"} & set(found)
    assert at_speed(Declaration(), 0.5).limits["offline"] == 2 * LIMITS["offline"]


def test_a_start_that_is_told_again_has_the_number_it_was_given(tmp_path: Path) -> None:
    book = Notebook("station", lambda: 0.0, tmp_path)
    tester = AsCsms(book, {}, BEGAN)
    start = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": NOW}
    first, second = ({"transactionId": number, "idTagInfo": OK} for number in (1, 2))
    assert tester.again("StartTransaction", start, first) == tester.again("StartTransaction", start, second) == first
    assert tester.again("StartTransaction", {**start, "connectorId": 2}, second) == second
    tester.again("StopTransaction", {"transactionId": 1}, {})
    assert tester.again("StartTransaction", start, second) == second
    with book.recorder:
        book.recorder.end()
