"""Exchanges that people reported from the field, in our own frames, as traces through `interlock judge`.

Each is one example of a kind: what is wrong has to be found under its own id, what is right must raise no alarm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli.main import app
from interlock.scenarios.record.history import History, HistoryDamaged

BEGAN = datetime(2026, 5, 4, 10, tzinfo=UTC)
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
OK = {"status": "Accepted"}


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def booted(seconds: float = 0.0, **changes: Any) -> dict[str, Any]:
    return {"status": "Accepted", "currentTime": at(seconds), "interval": 300, **changes}


def start(meter: int = 100, seconds: float = 10.0) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "TAG1", "meterStart": meter, "timestamp": at(seconds)}


def began(number: int) -> dict[str, Any]:
    return {"transactionId": number, "idTagInfo": OK}


class Text(str):
    """A frame as it was sent, that no list of its elements is."""


@dataclass(frozen=True)
class Case:
    """Frames with their seconds and directions (up, down), and the ids that have to FAIL, for each side."""

    frames: tuple[tuple[float, str, list[Any] | Text], ...]
    csms: frozenset[str] = frozenset()
    station: frozenset[str] = frozenset()
    version: str = "1.6"


def case(*frames: tuple[float, str, list[Any] | Text], csms: str = "", station: str = "", version: str = "1.6") -> Case:
    return Case(frames, frozenset(csms.split()), frozenset(station.split()), version)


HELLO = (0.0, "up", [2, "b1", "BootNotification", BOOT]), (0.1, "down", [3, "b1", booted()])

CASES: dict[str, Case] = {
    "a card is answered with an error of another version": case(
        *HELLO,
        (5.0, "down", [2, "c1", "RemoteStartTransaction", {"connectorId": 1, "idTag": "T"}]),
        (5.2, "up", [3, "c1", OK]),
        (5.3, "up", [2, "a1", "Authorize", {"idTag": "T"}]),
        (5.4, "down", [4, "a1", "RpcFrameworkError", "busy", {}]),
        csms="W13 W14",
    ),
    "a clock two hours off": case(
        (0.0, "up", [2, "b1", "BootNotification", BOOT]),
        (0.1, "down", [3, "b1", booted(7200)]),
        csms="W17",
    ),
    "a clock half an hour behind": case(
        *HELLO,
        (60.0, "up", [2, "h", "Heartbeat", {}]),
        (60.1, "down", [3, "h", {"currentTime": at(-1740)}]),
        csms="W17",
    ),
    "a wrong message refused in another version's words": case(
        *HELLO,
        (5.0, "up", [2, "n1", "StatusNotification", {"connectorId": 1, "status": "Available"}]),
        (5.1, "down", [4, "n1", "FormatViolation", "", {}]),
        csms="W13",
        station="S04",
    ),
    "a wrong message refused in its own words": case(
        *HELLO,
        (5.0, "up", [2, "n1", "StatusNotification", {"connectorId": 1, "status": "Available"}]),
        (5.1, "down", [4, "n1", "OccurenceConstraintViolation", "", {}]),
        station="S04",
    ),
    "readings without one, refused": case(
        *HELLO,
        (
            5.0,
            "up",
            [2, "m", "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": at(5), "sampledValue": []}]}],
        ),
        (5.1, "down", [4, "m", "OccurenceConstraintViolation", "sampledValue has no item", {}]),
        station="S04",
    ),
    "an id of 45 characters": case(
        *HELLO, (5.0, "down", [2, "i" * 45, "ClearCache", {}]), (5.1, "up", [3, "i" * 45, OK]), csms="W10"
    ),
    "ids begin anew with each connection": case(
        *HELLO,
        (5.0, "down", [2, "1", "ClearCache", {}]),
        (5.1, "up", [3, "1", OK]),
        (3600.0, "up", [2, "b2", "BootNotification", BOOT]),
        (3600.1, "down", [3, "b2", booted(3600)]),
        (3605.0, "down", [2, "1", "ClearCache", {}]),
        (3605.1, "up", [3, "1", OK]),
    ),
    "one session is given two ids": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", start()]),
        (10.1, "down", [3, "s1", began(7)]),
        (70.0, "up", [2, "s2", "StartTransaction", start()]),
        (70.1, "down", [3, "s2", began(8)]),
        csms="W15",
    ),
    "retold under one id, each telling answered": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", start()]),
        (25.0, "up", [2, "s1", "StartTransaction", start()]),
        (26.0, "down", [3, "s1", began(7)]),
        (26.2, "down", [3, "s1", began(7)]),
        (60.0, "up", [2, "e1", "StopTransaction", {"transactionId": 7, "meterStop": 900, "timestamp": at(60)}]),
        (60.1, "down", [3, "e1", {}]),
    ),
    "retold under one id, one answer for both": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", start()]),
        (25.0, "up", [2, "s1", "StartTransaction", start()]),
        (26.0, "down", [3, "s1", began(7)]),
        (160.0, "up", [2, "h", "Heartbeat", {}]),
        (160.1, "down", [3, "h", {"currentTime": at(160)}]),
    ),
    "remote starts on connector 0": case(
        *HELLO,
        (5.0, "down", [2, "c1", "RemoteStartTransaction", {"connectorId": 0, "idTag": "T"}]),
        (5.1, "up", [3, "c1", {"status": "Rejected"}]),
        csms="W12",
    ),
    "a time without a zone": case(
        (0.0, "up", [2, "b1", "BootNotification", BOOT]),
        (0.1, "down", [3, "b1", booted(currentTime="2026-05-04T10:00:00.301252")]),
        csms="W03",
    ),
    "a day that there is not": case(
        *HELLO,
        (5.0, "down", [2, "c1", "UpdateFirmware", {"location": "ftp://h/f", "retrieveDate": "2026-02-30T00:00:00Z"}]),
        (5.1, "up", [3, "c1", {}]),
        csms="W04",
    ),
    "1.6 by another name": case(
        *HELLO, (5.0, "up", [2, "h", "Heartbeat", {}]), (5.1, "down", [3, "h", {}]), csms="W03", version="OCPP-1.6J"
    ),
    "the same stop answered with an error": case(
        *HELLO,
        (60.0, "up", [2, "e1", "StopTransaction", {"transactionId": 99, "meterStop": 900, "timestamp": at(60)}]),
        (60.1, "down", [4, "e1", "InternalError", "unknown transaction", {}]),
        csms="W14 W09",
    ),
    "a station that charges before its boot is accepted": case(
        (0.0, "up", [2, "b1", "BootNotification", BOOT]),
        (0.1, "down", [3, "b1", booted(status="Pending")]),
        (5.0, "up", [2, "s1", "StartTransaction", start(seconds=5.0)]),
        (5.1, "down", [3, "s1", began(7)]),
        station="S16",
    ),
    "a request with a byte-order mark, understood": case(
        *HELLO,
        (5.0, "up", Text('\ufeff[2,"h","Heartbeat",{}]')),
        (5.1, "down", [3, "h", {"currentTime": at(5)}]),
        station="S08",
    ),
    "a request with half a pair, refused": case(
        *HELLO,
        (5.0, "up", Text('[2,"a","Authorize",{"idTag":"\\ud83d"}]')),
        (5.1, "down", [4, "a", "FormationViolation", "", {}]),
        station="S08",
    ),
    "a request with a bare tab, not answered": case(
        *HELLO,
        (5.0, "up", Text('[2,"a","Authorize",{"idTag":"a\tb"}]')),
        (300.0, "up", [2, "h", "Heartbeat", {}]),
        (300.1, "down", [3, "h", {"currentTime": at(300)}]),
        station="S08",
    ),
    "a number for an id, echoed": case(
        *HELLO,
        (5.0, "up", Text('[2, 7, "Heartbeat", {}]')),
        (5.1, "down", Text(f'[3, 7, {{"currentTime": "{at(5)}"}}]')),
        station="S08",
    ),
    "a number for an id that nobody used": case(
        *HELLO,
        (5.0, "up", Text('[2, 7, "Heartbeat", {}]')),
        (5.1, "down", Text(f'[3, 8, {{"currentTime": "{at(5)}"}}]')),
        csms="W08",
        station="S08",
    ),
    "an answer to nothing beside an odd request": case(
        *HELLO,
        (5.0, "up", Text('\ufeff[2,"h","Heartbeat",{}]')),
        (5.1, "down", [3, "other", {"currentTime": at(5)}]),
        csms="W02",
        station="S08",
    ),
    "an odd request answered twice": case(
        *HELLO,
        (5.0, "up", Text('\ufeff[2,"h","Heartbeat",{}]')),
        *((5.0 + n, "down", [3, "h", {"currentTime": at(5)}]) for n in (0.1, 0.2)),
        csms="W02",
        station="S08",
    ),
    "a payload left out, taken": case(
        *HELLO,
        (5.0, "up", [2, "h", "Heartbeat"]),
        (5.1, "down", [3, "h", {"currentTime": at(5)}]),
        station="S08",
    ),
    "a meter told with a comma": case(
        *HELLO,
        (
            5.0,
            "up",
            [
                2,
                "m",
                "MeterValues",
                {"connectorId": 1, "meterValue": [{"timestamp": at(5), "sampledValue": [{"value": "152,4"}]}]},
            ],
        ),
        (5.1, "down", [3, "m", {}]),
        station="S12",
    ),
    "a start on connector 0, refused": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", {**start(), "connectorId": 0}]),
        (10.1, "down", [4, "s1", "PropertyConstraintViolation", "", {}]),
        station="S12",
    ),
    "a stop without its meter, taken": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", start()]),
        (10.1, "down", [3, "s1", began(7)]),
        (60.0, "up", [2, "e1", "StopTransaction", {"transactionId": 7, "timestamp": at(60)}]),
        (60.1, "down", [3, "e1", {}]),
        station="S04",
    ),
    "calls of both sides cross": case(
        *HELLO,
        (5.0, "down", [2, "c1", "ClearCache", {}]),
        (5.0, "up", [2, "h", "Heartbeat", {}]),
        (5.1, "up", [3, "c1", OK]),
        (5.1, "down", [3, "h", {"currentTime": at(5)}]),
    ),
    "a session without an Authorize before it": case(
        *HELLO,
        (10.0, "up", [2, "s1", "StartTransaction", start()]),
        (10.1, "down", [3, "s1", began(7)]),
        (60.0, "up", [2, "e1", "StopTransaction", {"transactionId": 7, "meterStop": 900, "timestamp": at(60)}]),
        (60.1, "down", [3, "e1", {}]),
    ),
    "2.0.1 with a number left out": case(
        (
            0.0,
            "up",
            [2, "b", "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}],
        ),
        (0.1, "down", [3, "b", booted()]),
        *(
            (float(n), way, message)
            for n, (number, kind) in enumerate(((0, "Started"), (2, "Updated"), (3, "Ended")), 5)
            for way, message in (
                (
                    "up",
                    [
                        2,
                        f"t{n}",
                        "TransactionEvent",
                        {
                            "eventType": kind,
                            "timestamp": at(n),
                            "triggerReason": "MeterValuePeriodic",
                            "seqNo": number,
                            "transactionInfo": {"transactionId": "x"},
                        },
                    ],
                ),
                ("down", [3, f"t{n}", {}]),
            )
        ),
        station="S20",
        version="ocpp2.0.1",
    ),
}


def written(told: Case, folder: Path) -> Path:
    path = folder / "trace.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for seconds, way, message in told.frames:
            record = {
                "schemaVersion": "1.1",
                "timestamp": at(seconds),
                "ocppVersion": told.version,
                "transport": "json",
                "chargePointId": "CP01",
                "direction": "cp-to-csms" if way == "up" else "csms-to-cp",
                "raw": message if isinstance(message, Text) else json.dumps(message),
            }
            if not isinstance(message, Text):
                record["messageType"] = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR"}[message[0]]
                record["messageId"] = message[1]
            file.write(json.dumps(record) + "\n")
    return path


@pytest.mark.parametrize("name", CASES)
def test_a_case_from_the_field(name: str, tmp_path: Path) -> None:
    told = CASES[name]
    path = written(told, tmp_path)
    for about, wrong in (("csms", told.csms), ("station", told.station)):
        done = CliRunner().invoke(app, ["judge", str(path), "--about", about, "--json"])
        found = {one["id"] for one in json.loads(done.stdout)["invariants"] if one["verdict"] == "FAIL"}
        assert found == wrong, done.stdout
        if wrong:
            assert done.exit_code == 1
        else:
            assert done.exit_code == 0


def test_a_run_directory_of_a_fleet_is_judged_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its length: its history is never in memory as a whole."""
    monkeypatch.chdir(tmp_path)
    told = written(CASES["one session is given two ids"], tmp_path)
    assert CliRunner().invoke(app, ["judge", str(told), "--out", "run"]).exit_code == 1
    monkeypatch.setattr(History, "load", lambda *_: pytest.fail("all of it was read"))
    done = CliRunner().invoke(app, ["judge", "run", "--json"])
    assert done.exit_code == 1, done.output
    assert "W15" in {one["id"] for one in json.loads(done.stdout)["invariants"] if one["verdict"] == "FAIL"}
    lines = (tmp_path / "run" / "history.jsonl").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "run" / "history.jsonl").write_text("".join(lines[:-1]), "utf-8")
    assert isinstance(CliRunner().invoke(app, ["judge", "run"]).exception, HistoryDamaged)
