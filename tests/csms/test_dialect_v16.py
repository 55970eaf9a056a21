"""OCPP 1.6: every request either side may send, every answer, and the CALLERROR codes of each mistake."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.csms.dialects import NotAcceptable, v16
from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp

from .payloads import schema, smallest, statuses
from .values import summed

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = "2026-01-01T00:00:00Z"
VALUES = [
    {
        "timestamp": TOLD,
        "sampledValue": [
            {"value": "1.5", "unit": "kWh"},
            {"value": "3.68", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "230.5", "measurand": "Voltage", "unit": "V"},
            {"value": "12", "measurand": "Power.Active.Import", "phase": "L1", "unit": "W"},
            {"value": "garbled", "measurand": "SoC"},
        ],
    }
]
REPORTS: list[tuple[str, dict[str, Any], rp.Report]] = [
    ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, rp.Boot("V", "M", None, None)),
    ("Heartbeat", {}, rp.Heartbeat()),
    ("Authorize", {"idTag": "TAG"}, rp.Authorize("TAG")),
    ("Authorize", {"idTag": ""}, rp.Authorize("(empty)")),  # no card, and so no card that may charge
    (
        "StatusNotification",
        {"connectorId": 2, "status": "Charging", "errorCode": "NoError", "timestamp": TOLD},
        rp.Status(2, 1, "Charging", "NoError", None, AT),
    ),
    (
        "StatusNotification",
        {"connectorId": 0, "status": "Faulted", "errorCode": "OtherError", "info": "hot"},
        rp.Status(0, 0, "Faulted", "OtherError", "hot", None),
    ),
    (
        "StartTransaction",
        {"connectorId": 2, "idTag": "TAG", "meterStart": 5, "timestamp": TOLD},
        rp.Start(2, "TAG", 5, AT, 1),
    ),
    ("StopTransaction", {"transactionId": 7, "meterStop": 9, "timestamp": TOLD}, rp.Stop("7", 9, AT, "Local", None)),
    (
        "MeterValues",
        {"connectorId": 2, "transactionId": 7, "meterValue": VALUES},
        rp.Meter(2, "7", (rp.Sample(AT, 1500, 3680.0, 230.5),)),
    ),
    ("DataTransfer", {"vendorId": "com.example"}, rp.Transfer("com.example")),
    ("FirmwareStatusNotification", {"status": "Idle"}, rp.Notice("FirmwareStatusNotification", {"status": "Idle"})),
]
FROM_STATION = sorted({action for action, _, _ in REPORTS})


@pytest.mark.parametrize(("action", "payload", "report"), REPORTS)
def test_what_a_station_sends_is_a_report(action: str, payload: dict[str, Any], report: rp.Report) -> None:
    assert summed(v16.report(action, payload)) == report


@pytest.mark.parametrize("action", FROM_STATION)
def test_every_request_of_a_station_is_answered_as_its_schema_has_it(action: str) -> None:
    report = v16.report(action, smallest(schema("v16", action)))
    word = {"BootNotification": "Rejected", "DataTransfer": "UnknownVendorId"}.get(action, "Invalid")
    for status in ("Accepted", word):
        payload = v16.reply(report, rp.Reply(status, "7"), lambda: AT, 300.0)
        v16.SCHEMAS.response(action, payload)
        json.dumps(payload)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Fly", {}, "NotImplemented"),
        ("TransactionEvent", {}, "NotImplemented"),
        ("Reset", {"type": "Hard"}, "NotSupported"),
        ("Heartbeat", {"x": 1}, "FormationViolation"),
        ("Authorize", {}, "OccurenceConstraintViolation"),
        ("Authorize", {"idTag": 1}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
    ],
)
def test_a_mistake_is_named_as_1_6_spells_it(action: str, payload: dict[str, Any], code: str) -> None:
    with pytest.raises(NotAcceptable) as error:
        v16.report(action, payload)
    assert error.value.code == code


COMMANDS: list[tuple[do.Command, str, dict[str, Any]]] = [
    (do.RemoteStart(2, "TAG"), "RemoteStartTransaction", {"connectorId": 2, "idTag": "TAG"}),
    (do.RemoteStop("7"), "RemoteStopTransaction", {"transactionId": 7}),
    (do.Unlock(2, 1), "UnlockConnector", {"connectorId": 2}),
    (do.Reset(True), "Reset", {"type": "Hard"}),
    (do.Reset(False), "Reset", {"type": "Soft"}),
    (do.ChangeAvailability(0, True), "ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
    (do.ChangeAvailability(2, False), "ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}),
    (do.SetPassword("x" * 16), "ChangeConfiguration", {"key": "AuthorizationKey", "value": "x" * 16}),
    (do.Relay("ClearCache", {}), "ClearCache", {}),
    (do.Relay("GetConfiguration", {"key": ["A"]}), "GetConfiguration", {"key": ["A"]}),
    (do.Relay("ChangeConfiguration", {"key": "A", "value": "1"}), "ChangeConfiguration", {"key": "A", "value": "1"}),
]


@pytest.mark.parametrize(("command", "action", "payload"), COMMANDS)
def test_a_command_is_one_request_and_the_request_that_command(
    command: do.Command, action: str, payload: dict[str, Any]
) -> None:
    assert v16.call(command) == (action, payload)
    v16.SCHEMAS.request(action, payload)
    assert v16.command(action, payload) == command


@pytest.mark.parametrize("action", sorted(v16.ACTIONS))
def test_every_status_of_every_answer_is_understood(action: str) -> None:
    request = smallest(schema("v16", action))
    command = v16.command(action, {**request, **({"connectorId": 1} if action == "RemoteStartTransaction" else {})})
    for status in [*statuses("v16", f"{action}Response")] or [None]:
        payload = smallest(schema("v16", f"{action}Response"))
        if status is not None:
            payload["status"] = status
        found = v16.answer(command, payload)
        assert found.status == (status or found.status)
        words = (None, "Accepted", "AcceptedCanceled", "Unlocked", "Scheduled", "RebootRequired")
        assert found.accepted == (status in words)


def test_a_probe_asks_for_the_status_of_the_connector() -> None:
    wanted = {"requestedMessage": "StatusNotification", "connectorId": 2}
    assert v16.call(do.Probe(2)) == ("TriggerMessage", wanted)
    assert not v16.answer(do.Probe(2), {"status": "Accepted"}).nothing_there


@pytest.mark.parametrize(
    "command",
    [
        do.RemoteStop("0f5b"),  # named by the station while it spoke 2.0.1
        do.Unlock(2, 2),
        do.Reset(True, 2),
        do.ChangeAvailability(2, True, 2),
        do.Relay("GetVariables", {"getVariableData": []}),
        do.Relay("TriggerMessage", {"requestedMessage": "TransactionEvent"}),
    ],
)
def test_a_command_of_another_version_is_not_sent(command: do.Command) -> None:
    with pytest.raises(NotAcceptable):
        v16.call(command)


@pytest.mark.parametrize(
    ("action", "payload"),
    [("Fly", {}), ("BootNotification", {}), ("ClearCache", {"x": 1}), ("RemoteStartTransaction", {"idTag": "TAG"})],
)
def test_what_is_not_done_here_is_refused_to_the_operator(action: str, payload: dict[str, Any]) -> None:
    with pytest.raises(NotAcceptable):
        v16.command(action, payload)


def test_a_password_that_a_station_reports_is_not_kept() -> None:
    keys = [{"key": "authorizationKEY", "readonly": False, "value": "hunter2hunter2"}]
    answer = v16.answer(do.Relay("GetConfiguration", {}), {"configurationKey": keys})
    assert "hunter2" not in str(answer)
