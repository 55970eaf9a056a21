"""What is noticed over several frames of a station: shown to bite, and not to bite a right one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.scenarios.cases.exemplar import Seen
from interlock.scenarios.judge.station_frames import judge

MINUTE = "2026-01-01T00:0{}:00Z"


def _at(minute: int) -> str:
    return MINUTE.format(minute)


def _register(value: str, minute: int, **more: str) -> dict[str, Any]:
    return {"timestamp": _at(minute), "sampledValue": [{"value": value, **more}]}


def _values(*rows: dict[str, Any], number: int = 7) -> list[Any]:
    return ["MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": list(rows)}]


def _start(minute: int = 1, meter: int = 1000) -> list[Any]:
    return ["StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": meter, "timestamp": _at(minute)}]


def _stop(minute: int = 5, meter: int = 3000, **more: Any) -> list[Any]:
    return ["StopTransaction", {"transactionId": 7, "meterStop": meter, "timestamp": _at(minute), **more}]


def _status(word: str) -> list[Any]:
    return ["StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word}]


def _firmware(word: str) -> list[Any]:
    return ["FirmwareStatusNotification", {"status": word}]


ANSWERS: dict[str, Any] = {
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {},
    "Heartbeat": {"currentTime": _at(0)},
}
LOST = "lost"
"""Behind a CALL: it has no answer."""
REMOTE = ["ours", "RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}]
UPDATE = ["ours", "UpdateFirmware", {"location": "ftp://h/f", "retrieveDate": _at(0)}]


def _seen(*calls: list[Any]) -> list[str]:
    """Return what is noticed of a station that makes these CALLs, minutes apart, behind a heartbeat at 0 s."""
    rows: list[Seen] = []

    def frame(ours: bool, message: list[Any], t: float) -> None:
        fields = {"station": "S", "socket": 1, "edge": f"station.{'received' if ours else 'sent'}"}
        rows.append(Seen(len(rows), t, "frame", {**fields, "text": json.dumps(message)}))

    for number, (*head, action, payload) in enumerate([["Heartbeat", {}], *calls]):
        lost, ours = LOST in head, "ours" in head
        frame(ours, [2, str(number), action, payload], number * 200.0)
        if not lost:
            answer = {"status": "Accepted"} if ours else ANSWERS.get(action, {})
            frame(not ours, [3, str(number), answer], number * 200.0 + 0.5)
    return [one.id for one in judge(rows) if one.broken and one.id in ("N11", "N12", "N13", "N14", "N15")]


NOW = ["StartTransaction", {**_start()[1], "timestamp": "2026-01-01T00:13:20Z"}]
"""What the fourth CALL begins."""
RIGHT = {
    "a session": (_start(), _values(_register("2000", 2)), _stop()),
    "no energy": (_start(), _values(_register("1000", 2)), _stop(meter=1000)),
    "kWh, rounded": (_start(), _values(_register("2.0", 2, unit="kWh"), _register("3.1", 3, unit="kWh")), _stop()),
    "samples out of order": (_start(), _values(_register("2500", 3)), _values(_register("2000", 2)), _stop()),
    "one phase": (_start(), _values(_register("600", 2, phase="L1")), _stop()),
    "the vehicle's own": (_start(), _values(_register("600", 2, location="EV")), _stop()),
    "another measurand": (_start(), _values(_register("600", 2, measurand="Power.Active.Import")), _stop()),
    "signed": (_start(), _values(_register("AB12", 2, format="SignedData")), _stop()),
    "samples in the stop": (_start(), _stop(transactionData=[_register("3000", 5)])),
    "another session's samples": (_start(), _values(_register("99000", 2), number=8), _stop()),
    "told again as it was": ([LOST, *_start()], _start(), [LOST, *_stop()], _stop()),
    "a start that was given up": ([LOST, *_start()], _status("Available"), _status("Preparing"), _start(3)),
    "an older session told late": (REMOTE, _start(0), _stop(), REMOTE, NOW),
    "an update": (UPDATE, *map(_firmware, ("Downloading", "Downloaded", "Installing", "Installed", "Idle"))),
    "the same number again": (_start(0), _stop(1), _start(3), _values(_register("2000", 4)), _stop()),
    "a session like the last": (_start(), _stop(1, 1000), _start(), _stop(1, 1000)),
    "values told late": (_start(0), _stop(4), _values(_register("2000", 2))),
    "a lost acknowledgement": (_start(0), [LOST, *_stop()], _stop()),
    "a second update": (UPDATE, _firmware("Installed"), UPDATE, _firmware("Downloading")),
    "tried again": (UPDATE, *map(_firmware, ("Downloading", "DownloadFailed", "Downloading", "Downloaded"))),
    "installed again": (UPDATE, *map(_firmware, ("Installing", "InstallationFailed", "Downloading"))),
}
OLD = ["StartTransaction", {**_start()[1], "timestamp": "2025-12-31T22:00:00Z"}]
WRONG = {
    "ends where it began": ("N12", (_start(), _values(_register("2000", 2)), _stop(meter=1000))),
    "ends below": ("N12", (_start(), _stop(meter=900))),
    "falls": ("N12", (_start(), _values(_register("2000", 2), _register("1500", 3)), _stop())),
    "of the session alone": ("N12", (_start(), _values(_register("0", 2)), _stop())),
    "Wh as kWh": ("N12", (_start(), _values(_register("2000", 2, unit="kWh")), _stop())),
    "in the stop": ("N12", (_start(), _stop(transactionData=[_register("9000", 2)]))),
    "another time": ("N13", ([LOST, *_start()], _start(2))),
    "another meter": ("N13", ([LOST, *_start()], _start(meter=1200))),
    "another end": ("N13", (_start(), [LOST, *_stop()], _stop(meter=3100))),
    "acknowledged before": ("N13", (_start(), _status("Charging"), _start())),
    "ends twice": ("N13", (_start(), _stop(), _status("Finishing"), _stop())),
    "ends when it began": ("N15", (_start(), _values(_register("2000", 3)), _stop(1))),
    "ends before": ("N15", (_start(3), _stop(1))),
    "goes on behind its end": ("N15", (_start(0), _stop(2), _values(_register("3000", 3)))),
    "values from before": ("N15", (_start(3), _values(_register("2000", 1)), _stop())),
    "always behind": ("N11", (REMOTE, OLD, _stop(), REMOTE, OLD)),
    "downloads what it installs": ("N14", (UPDATE, _firmware("Installing"), _firmware("Downloading"))),
    "failed behind": ("N14", (UPDATE, _firmware("Installed"), _firmware("DownloadFailed"))),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_station_is_not_noticed(name: str) -> None:
    assert _seen(*RIGHT[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is(name: str) -> None:
    rule, calls = WRONG[name]
    assert _seen(*calls) == [rule]


def test_a_call_that_was_lost_with_its_connection_was_not_left_without_an_answer() -> None:
    call = Seen(
        0, 0.0, "frame", {"station": "S", "socket": 1, "edge": "station.received", "text": '[2,"t","Reset",{}]'}
    )
    later = Seen(
        2, 200.0, "frame", {"station": "S", "socket": 2, "edge": "station.sent", "text": '[2,"1","Heartbeat",{}]'}
    )
    gone = Seen(1, 2.0, "socket.closed", {"station": "S", "socket": 1})
    assert [one.id for one in judge([call, gone, later]) if one.broken] == []
    assert [one.id for one in judge([call, later]) if one.broken] == ["N08"]
