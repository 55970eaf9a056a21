"""OCPP 2.0.1: every request either side may send, every answer, and the CALLERROR codes of each mistake."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.csms.dialects import NotAcceptable, v201
from interlock.csms.dialects.v201.words import FROM_CSMS, FROM_STATION, SCHEMAS
from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp

from .payloads import fullest, schema, smallest, statuses
from .values import summed

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = "2026-01-01T00:00:00Z"
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
CENTRAL = {"idToken": "TAG", "type": "Central"}
SAMPLE = rp.Sample(AT, 1500, 3680.0, 230.5)
VALUES = [
    {
        "timestamp": TOLD,
        "sampledValue": [
            {"value": 1.5, "context": "Transaction.Begin", "unitOfMeasure": {"unit": "kWh"}},
            {"value": 36.8, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 2}},
            {"value": 2305, "measurand": "Voltage", "unitOfMeasure": {"unit": "V", "multiplier": -1}},
            {"value": 12, "measurand": "Power.Active.Import", "phase": "L1", "unitOfMeasure": {"unit": "W"}},
            {"value": 99, "measurand": "Voltage", "location": "EV"},
            {"value": 7, "measurand": "Current.Import", "unitOfMeasure": {"unit": "A", "multiplier": 400}},
        ],
    }
]


def event(event_type: str, reason: str, seq_no: int = 3, info: Any = None, **more: Any) -> dict[str, Any]:
    """Return a TransactionEvent."""
    return {
        "eventType": event_type,
        "timestamp": TOLD,
        "triggerReason": reason,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "T1", **(info or {})},
        **more,
    }


def notified(*events: dict[str, Any]) -> dict[str, Any]:
    """Return a NotifyEvent."""
    return {"generatedAt": TOLD, "seqNo": 0, "eventData": list(events)}


def data(value: str, component: str = "Connector", variable: str = "AvailabilityState", **evse: int) -> dict[str, Any]:
    """Return what one component is said to be."""
    return {
        "eventId": 1,
        "timestamp": TOLD,
        "trigger": "Delta",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": component, **({"evse": evse} if evse else {})},
        "variable": {"name": variable},
    }


STATION = {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1"}
REPORTS: list[tuple[str, dict[str, Any], rp.Report]] = [
    ("BootNotification", {"reason": "PowerUp", "chargingStation": STATION}, rp.Boot("V", "M", "S", "1")),
    ("BootNotification", {"reason": "ScheduledReset", "chargingStation": STATION}, rp.Boot("V", "M", "S", "1", True)),
    ("Heartbeat", {}, rp.Heartbeat()),
    ("Authorize", {"idToken": TOKEN}, rp.Authorize("TAG")),
    (
        "StatusNotification",
        {"timestamp": TOLD, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 3},
        rp.Status(2, 3, "Occupied", reported_at=AT),
    ),
    (
        "TransactionEvent",
        event("Started", "CablePluggedIn", 0, {"chargingState": "EVConnected"}, evse={"id": 1, "connectorId": 2}),
        rp.Start(1, None, None, AT, 2, "T1", 0, None, "EVConnected"),
    ),
    (
        "TransactionEvent",
        event("Started", "RemoteStart", 0, {"remoteStartId": 7}, idToken=TOKEN, meterValue=VALUES, offline=True),
        rp.Start(0, "TAG", 1500, AT, None, "T1", 0, 7, None, True, (SAMPLE,)),
    ),
    (
        "TransactionEvent",
        event("Updated", "RemoteStart", 1, {"remoteStartId": 7}, idToken=TOKEN, evse={"id": 1}),
        rp.Update("T1", 1, "RemoteStart", AT, 1, None, "TAG", 7),
    ),
    (
        "TransactionEvent",
        event("Updated", "ChargingStateChanged", 2, {"chargingState": "Charging"}, meterValue=VALUES),
        rp.Update("T1", 2, "ChargingStateChanged", AT, charging_state="Charging", samples=(SAMPLE,)),
    ),
    (
        "TransactionEvent",
        event("Ended", "StopAuthorized", 3, {"stoppedReason": "Remote"}, meterValue=VALUES, idToken=TOKEN),
        rp.Stop("T1", 1500, AT, "Remote", "TAG", 3, samples=(SAMPLE,)),
    ),
    ("TransactionEvent", event("Ended", "StopAuthorized"), rp.Stop("T1", None, AT, "Local", None, 3)),
    ("MeterValues", {"evseId": 1, "meterValue": VALUES}, rp.Meter(1, None, (SAMPLE,))),
    ("DataTransfer", {"vendorId": "com.example"}, rp.Transfer("com.example")),
    (
        "NotifyEvent",
        notified(
            data("Available", id=1, connectorId=2),
            data("Faulted", "CONNECTOR", "availabilityState", id=2, connectorId=1),
        ),
        rp.Several((rp.Status(1, 2, "Available", reported_at=AT), rp.Status(2, 1, "Faulted", reported_at=AT))),
    ),
    (
        "SecurityEventNotification",
        {"type": "StartupOfTheDevice", "timestamp": TOLD},
        rp.Notice("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": TOLD}, AT),
    ),
]


@pytest.mark.parametrize(("action", "payload", "report"), REPORTS)
def test_what_a_station_sends_is_a_report(action: str, payload: dict[str, Any], report: rp.Report) -> None:
    assert summed(v201.report(action, payload)) == report


@pytest.mark.parametrize("action", sorted(FROM_STATION))
def test_every_request_of_a_station_is_read_and_answered_as_its_schema_has_it(action: str) -> None:
    report = v201.report(action, smallest(schema("v201", f"{action}Request")))
    for status in ("Accepted", "Rejected" if action == "BootNotification" else "Invalid"):
        if action == "DataTransfer":
            status = "UnknownVendorId"
        payload = v201.reply(report, rp.Reply(status), lambda: AT, 300.0)
        SCHEMAS.response(action, payload)
        json.dumps(payload)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.sampled_from([10**400, 1.0, "", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", [], {}, [[]]]),
)


def damage(payload: Any, draws: st.DataObject) -> None:
    """Put something else into one to three places of a payload."""
    for _ in range(draws.draw(st.integers(1, 3))):
        place: Any = payload
        while True:
            key = draws.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not place[key] or not isinstance(place[key], dict | list) or draws.draw(st.integers(0, 9)) == 0:
                break
            place = place[key]
        place[key] = copy.deepcopy(draws.draw(LEAVES))  # what is sampled is one object each time


@pytest.mark.parametrize("action", sorted(FROM_STATION))
@settings(max_examples=40)
@given(draws=st.data())
def test_whatever_a_member_holds_it_is_a_report_or_a_mistake(action: str, draws: st.DataObject) -> None:
    payload = fullest(schema("v201", f"{action}Request"))
    v201.report(action, payload)
    damage(payload, draws)
    code = None
    try:
        report = v201.report(action, payload)
        SCHEMAS.response(action, v201.reply(report, rp.Reply("Accepted"), lambda: AT, 300.0))
    except NotAcceptable as error:
        code = error.code
    assert code in ERRORS


ERRORS = {
    None,
    *("FormatViolation", "TypeConstraintViolation", "PropertyConstraintViolation", "OccurrenceConstraintViolation"),
}


def test_each_action_is_sent_by_one_side() -> None:
    assert SCHEMAS.actions >= FROM_STATION
    assert {"DataTransfer"} == FROM_STATION & FROM_CSMS
    assert len(SCHEMAS.actions) == 64


@pytest.mark.parametrize(
    ("event_type", "token", "answered"),
    [
        ("Started", TOKEN, {"idTokenInfo": {"status": "Blocked"}}),
        ("Updated", TOKEN, {"idTokenInfo": {"status": "Blocked"}}),
        ("Ended", TOKEN, {"idTokenInfo": {"status": "Blocked"}}),
        ("Started", None, {}),
        ("Updated", None, {}),
        ("Ended", None, {}),
    ],
)
def test_a_transaction_event_is_told_of_its_token_if_it_has_one(event_type: str, token: Any, answered: Any) -> None:
    report = v201.report("TransactionEvent", event(event_type, "Authorized", **({"idToken": token} if token else {})))
    assert v201.reply(report, rp.Reply("Blocked"), lambda: AT, 300.0) == answered


@pytest.mark.parametrize(
    "odd",
    [
        data("Available", id=1),  # an EVSE's, not a connector's
        data("Available", "EVSE", id=1, connectorId=1),
        data("Available", variable="Available", id=1, connectorId=1),
        data("Charging", id=1, connectorId=1),
        data("Available"),
    ],
)
def test_an_event_that_is_no_connectors_availability_is_kept_and_folds_into_nothing(odd: dict[str, Any]) -> None:
    payload = notified(data("Available", id=1, connectorId=1), odd)
    known = rp.Status(1, 1, "Available", reported_at=AT)
    assert v201.report("NotifyEvent", payload) == rp.Several((known, rp.Notice("NotifyEvent", payload, AT)))


@pytest.mark.parametrize(("evse", "connector"), [(0, 1), (1, 0)])
def test_a_status_of_no_place_makes_no_phantom(evse: int, connector: int) -> None:
    payload = {"timestamp": TOLD, "connectorStatus": "Available", "evseId": evse, "connectorId": connector}
    assert v201.report("StatusNotification", payload) == rp.Notice("StatusNotification", payload, AT)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Fly", {}, "NotImplemented"),
        ("Reset", {"type": "Immediate"}, "NotSupported"),
        ("Heartbeat", {"x": 1}, "FormatViolation"),
        ("Authorize", {}, "OccurrenceConstraintViolation"),
        ("Authorize", {"idToken": "TAG"}, "TypeConstraintViolation"),
        ("Authorize", {"idToken": {"idToken": "x" * 37, "type": "ISO14443"}}, "PropertyConstraintViolation"),
        ("Authorize", {"idToken": {"idToken": "x", "type": "Card"}}, "PropertyConstraintViolation"),
        ("MeterValues", {"evseId": 1, "meterValue": []}, "OccurrenceConstraintViolation"),
    ],
)
def test_a_mistake_is_named_as_2_0_1_spells_it(action: str, payload: dict[str, Any], code: str) -> None:
    with pytest.raises(NotAcceptable) as error:
        v201.report(action, payload)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("values", "begin", "end"),
    [
        ([(10, "Sample.Periodic"), (20, "Transaction.Begin"), (30, "Transaction.End")], 20, 30),
        ([(10, "Sample.Periodic"), (30, "Sample.Periodic")], 10, 30),
        ([], None, None),
    ],
)
def test_a_transaction_begins_and_ends_with_the_register_of_that_moment(
    values: list[tuple[int, str]], begin: int | None, end: int | None
) -> None:
    told = [{"timestamp": TOLD, "sampledValue": [{"value": value, "context": context}]} for value, context in values]
    more = {"meterValue": told} if told else {}
    started = v201.report("TransactionEvent", event("Started", "Authorized", **more))
    ended = v201.report("TransactionEvent", event("Ended", "StopAuthorized", **more))
    assert isinstance(started, rp.Start)
    assert isinstance(ended, rp.Stop)
    assert (started.meter_start_wh, ended.meter_stop_wh) == (begin, end)


# --- to the station --------------------------------------------------------------------------------------------------

COMMANDS: list[tuple[do.Command, str, dict[str, Any]]] = [
    (
        do.RemoteStart(1, "TAG", 7),
        "RequestStartTransaction",
        {"idToken": TOKEN, "remoteStartId": 7, "evseId": 1},
    ),
    (
        do.RemoteStart(1, "TAG", 7, {"idToken": {"type": "Central"}, "groupIdToken": TOKEN}),
        "RequestStartTransaction",
        {"idToken": CENTRAL, "groupIdToken": TOKEN, "remoteStartId": 7, "evseId": 1},
    ),
    (do.RemoteStop("T1"), "RequestStopTransaction", {"transactionId": "T1"}),
    (do.Unlock(1, 2), "UnlockConnector", {"evseId": 1, "connectorId": 2}),
    (do.Reset(True), "Reset", {"type": "Immediate"}),
    (do.Reset(False, 2), "Reset", {"type": "OnIdle", "evseId": 2}),
    (do.ChangeAvailability(0, True), "ChangeAvailability", {"operationalStatus": "Operative"}),
    (do.ChangeAvailability(1, False), "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}}),
    (
        do.ChangeAvailability(1, False, 2),
        "ChangeAvailability",
        {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 2}},
    ),
    (
        do.SetPassword("0123456789abcdef"),
        "SetVariables",
        {
            "setVariableData": [
                {
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                    "attributeValue": "0123456789abcdef",
                }
            ]
        },
    ),
    (do.Relay("ClearCache", {}), "ClearCache", {}),
]


@pytest.mark.parametrize(("command", "action", "payload"), COMMANDS)
def test_a_command_is_one_request_and_the_request_that_command(
    command: do.Command, action: str, payload: dict[str, Any]
) -> None:
    assert v201.call(command) == (action, payload)
    SCHEMAS.request(action, payload)
    assert v201.command(action, payload) == command


@pytest.mark.parametrize("action", sorted(FROM_CSMS))
def test_every_request_of_the_csms_goes_out_as_the_operator_wrote_it(action: str) -> None:
    payload = smallest(schema("v201", f"{action}Request"))
    if action == "RequestStartTransaction":
        payload["evseId"] = 1
    command = v201.command(action, payload)
    assert v201.call(command) == (action, payload)


@pytest.mark.parametrize("action", sorted(FROM_CSMS))
def test_every_status_of_every_answer_is_understood(action: str) -> None:
    request = smallest(schema("v201", f"{action}Request"))
    command = v201.command(action, {**request, **({"evseId": 1} if action == "RequestStartTransaction" else {})})
    for status in [*statuses("v201", f"{action}Response")] or [None]:
        payload = smallest(schema("v201", f"{action}Response"))
        if status is not None:
            payload["status"] = status
        found = v201.answer(command, payload)
        assert found.payload == payload
        assert found.status == (status or found.status)
        assert found.accepted == (status in (None, *YES))


@pytest.mark.parametrize("action", sorted(FROM_CSMS))
@settings(max_examples=20)
@given(draws=st.data())
def test_whatever_an_answer_holds_it_is_understood_or_a_doubt(action: str, draws: st.DataObject) -> None:
    request = smallest(schema("v201", f"{action}Request"))
    command = v201.command(action, {**request, **({"evseId": 1} if action == "RequestStartTransaction" else {})})
    payload = fullest(schema("v201", f"{action}Response"))
    damage(payload, draws)
    found = None
    with contextlib.suppress(NotAcceptable):
        found = v201.answer(command, payload)
    assert found is None or isinstance(found.status, str)


YES = (
    *("Accepted", "Unlocked", "Scheduled", "RebootRequired", "AcceptedCanceled", "Unpublished"),
    *("EmptyResultSet", "NoProfiles"),
)


@pytest.mark.parametrize(
    ("command", "payload", "accepted", "status"),
    [
        (do.Unlock(1, 1), {"status": "Unlocked"}, True, "Unlocked"),
        (do.Unlock(1, 1), {"status": "UnlockFailed"}, False, "UnlockFailed"),
        (do.Unlock(1, 1), {"status": "OngoingAuthorizedTransaction"}, False, "OngoingAuthorizedTransaction"),
        (do.Unlock(1, 1), {"status": "UnknownConnector"}, False, "UnknownConnector"),
        (do.Reset(False), {"status": "Scheduled"}, True, "Scheduled"),
        (do.RemoteStart(1, "TAG", 1), {"status": "Accepted", "transactionId": "T1"}, True, "Accepted"),
        (do.RemoteStop("T1"), {"status": "Rejected"}, False, "Rejected"),
    ],
)
def test_an_answer_says_whether_it_is_done(
    command: do.Command, payload: dict[str, Any], accepted: bool, status: str
) -> None:
    found = v201.answer(command, payload)
    assert (found.accepted, found.status, found.payload) == (accepted, status, payload)


@pytest.mark.parametrize(
    ("words", "accepted", "status", "detail"),
    [
        (["Accepted", "Accepted"], True, "Accepted", "2 of 2"),
        (["Rejected", "RebootRequired"], True, "RebootRequired", "1 of 2"),
        (["UnknownVariable", "Rejected"], False, "UnknownVariable", "0 of 2"),
    ],
)
def test_variables_are_taken_one_by_one(words: list[str], accepted: bool, status: str, detail: str) -> None:
    results = [{"attributeStatus": word, "component": {"name": "A"}, "variable": {"name": "B"}} for word in words]
    found = v201.answer(do.Relay("SetVariables", variables("A", "B")), {"setVariableResult": results})
    assert (found.accepted, found.status, found.detail) == (accepted, status, detail)


def variables(component: str, variable: str, value: str = "1", **more: Any) -> dict[str, Any]:
    """Return a request that sets one variable."""
    named = {"component": {"name": component}, "variable": {"name": variable}}
    return {"setVariableData": [{**named, "attributeValue": value, **more}]}


@pytest.mark.parametrize(("queued", "nothing_there"), [(False, True), (True, False)])
def test_a_probe_asks_whether_anything_waits_to_be_told(queued: bool, nothing_there: bool) -> None:
    assert v201.call(do.Probe(1)) == ("GetTransactionStatus", {})
    found = v201.answer(do.Probe(1), {"messagesInQueue": queued})
    assert (found.accepted, found.nothing_there) == (True, nothing_there)
    assert found.status != "Accepted"  # no status message follows that would speak of the start


def test_only_an_effect_can_be_in_doubt() -> None:
    found = v201.answer(do.Relay("GetLocalListVersion", {}), {"versionNumber": "four"})
    assert (found.accepted, found.payload) == (True, {"versionNumber": "four"})
    for command in (do.Relay("ClearCache", {}), do.Unlock(1, 1), do.Probe(1)):
        with pytest.raises(NotAcceptable):
            v201.answer(command, {"status": 4})


def test_an_operator_need_not_choose_the_remote_start_id() -> None:
    assert v201.command("RequestStartTransaction", {"idToken": TOKEN, "evseId": 1}) == do.RemoteStart(1, "TAG", None)
    with pytest.raises(NotAcceptable, match="evseId"):
        v201.command("RequestStartTransaction", {"idToken": TOKEN})


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("Fly", {}),
        ("BootNotification", {}),  # the station's to send
        ("ClearCache", {"x": 1}),
        ("UnlockConnector", {"evseId": 1}),
        ("RequestStartTransaction", {"evseId": 1}),
    ],
)
def test_what_2_0_1_does_not_know_is_refused_to_the_operator(action: str, payload: dict[str, Any]) -> None:
    with pytest.raises(NotAcceptable):
        v201.command(action, payload)


@pytest.mark.parametrize(
    "command",
    [
        do.Relay("ChangeConfiguration", {"key": "a", "value": "b"}),  # named while the station spoke 1.6
        do.Relay("Reset", {"type": "Hard"}),
        do.RemoteStop("x" * 37),
    ],
)
def test_a_command_of_another_version_is_not_sent(command: do.Command) -> None:
    with pytest.raises(NotAcceptable):
        v201.call(command)


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_password_is_a_command_of_its_own_and_set_alone() -> None:
    secret = variables("securityctrlr", "BASICAUTHPASSWORD", "0123456789abcdef")
    assert v201.command("SetVariables", secret) == do.SetPassword("0123456789abcdef")
    both = {"setVariableData": [*secret["setVariableData"], *variables("A", "B")["setVariableData"]]}
    with pytest.raises(NotAcceptable, match="alone"):
        v201.command("SetVariables", both)


@pytest.mark.parametrize(("status", "accepted"), [("Accepted", True), ("Rejected", False), ("UnknownVariable", False)])
def test_a_password_is_taken_or_not(status: str, accepted: bool) -> None:
    assert v201.answer(do.SetPassword("key:1"), password_result(status)).accepted is accepted


def test_a_password_that_waits_for_a_reboot_is_in_doubt() -> None:
    with pytest.raises(NotAcceptable):
        v201.answer(do.SetPassword("key:1"), password_result("RebootRequired"))


def password_result(status: str) -> dict[str, Any]:
    """Return the answer to a password."""
    named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return {"setVariableResult": [{"attributeStatus": status, **named}]}


def test_a_password_that_a_station_reports_is_not_kept() -> None:
    named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    report = v201.report(
        "NotifyReport",
        {
            "requestId": 1,
            "generatedAt": TOLD,
            "seqNo": 0,
            "reportData": [{**named, "variableAttribute": [{"type": "Actual", "value": "hunter2hunter2"}]}],
        },
    )
    result = {"getVariableResult": [{**named, "attributeStatus": "Accepted", "attributeValue": "hunter2hunter2"}]}
    answer = v201.answer(do.Relay("GetVariables", {"getVariableData": [named]}), result)
    said = v201.report("NotifyEvent", notified(data("hunter2hunter2", "SecurityCtrlr", "BasicAuthPassword")))
    assert "hunter2" not in f"{report}{answer}{said}"


def test_a_profile_with_a_secret_is_not_relayed() -> None:
    payload = smallest(schema("v201", "SetNetworkProfileRequest"))
    assert isinstance(v201.command("SetNetworkProfile", payload), do.Relay)
    payload["connectionData"]["vpn"] = {"server": "s", "user": "u", "password": "p", "key": "k", "type": "IPSec"}
    with pytest.raises(NotAcceptable, match="secret"):
        v201.command("SetNetworkProfile", payload)
