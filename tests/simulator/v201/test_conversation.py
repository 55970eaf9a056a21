"""Boot, registration, statuses and the device model of a 2.0.1 station."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig201 import NOW, Rig201


def boot_with(rig: Rig201, status: str, interval: int = 30) -> None:
    rig.peer.script["BootNotification"] = lambda p: {"status": status, "currentTime": NOW, "interval": interval}


def test_it_boots_reports_every_connector_and_beats() -> None:
    rig = Rig201()
    rig.peer.interval = 20
    rig.run(100)
    boot = rig.said("BootNotification")[0].payload
    assert boot["reason"] == "PowerUp"
    assert boot["chargingStation"]["vendorName"] == "Interlock"
    places = [(s.payload["evseId"], s.payload["connectorId"]) for s in rig.said("StatusNotification")]
    assert places == [(1, 1), (2, 1)]
    assert len(rig.said("Heartbeat")) >= 3
    assert rig.of("socket.opened")[0]["subprotocol"] == "ocpp2.0.1"


def test_a_pending_station_is_set_up_and_starts_nothing() -> None:
    rig = Rig201()
    boot_with(rig, "Pending")
    rig.run(20)
    assert rig.said("StatusNotification") == []
    assert rig.set("TxCtrlr", "EVConnectionTimeOut", "90") == "Accepted"
    assert rig.start() == {"status": "Rejected"}
    assert rig.call("RequestStopTransaction", transactionId="x") == {"status": "Rejected"}
    assert rig.call("GetBaseReport", requestId=3, reportBase="FullInventory") == {"status": "Accepted"}
    assert rig.said("NotifyReport")
    boot_with(rig, "Accepted")
    assert rig.call("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}
    assert rig.said("BootNotification")[-1].payload["reason"] == "Triggered"
    assert rig.station.online


@pytest.mark.parametrize("status", ["Rejected", None])
def test_a_station_that_is_not_registered_takes_no_calls(status: str | None) -> None:
    rig = Rig201()
    if status is None:
        rig.peer.script["BootNotification"] = lambda p: None
    else:
        boot_with(rig, status)
    rig.run(20)
    assert rig.call("UnlockConnector", evseId=1, connectorId=1)[0] == "SecurityError"
    assert rig.unlocks() == []


def test_after_a_reconnect_only_what_changed_is_reported() -> None:
    rig = Rig201(reconnect_s=(1.0, 1.0)).up()
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(5)
    rig.station.plug(2)
    rig.peer.reachable = True
    rig.run(30)
    assert len(rig.said("BootNotification")) == 1
    assert rig.statuses(1) == ["Available"]
    assert rig.statuses(2) == ["Available", "Occupied"]


def test_after_a_long_time_offline_everything_is_reported() -> None:
    rig = Rig201(reconnect_s=(1.0, 1.0)).up()
    rig.set("OCPPCommCtrlr", "OfflineThreshold", "60")
    for seconds, reports in ((30, 1), (100, 2)):
        rig.peer.reachable = False
        rig.peer.socket.cut("line cut")
        rig.run(seconds)
        rig.peer.reachable = True
        rig.run(30)
        assert len(rig.statuses(1)) == reports


def test_statuses_as_events_of_the_device_model() -> None:
    rig = Rig201(status_by="event").up()
    rig.station.plug(1)
    rig.run(5)
    assert rig.said("StatusNotification") == []
    told = [said.payload["eventData"][0] for said in rig.said("NotifyEvent")]
    assert [(one["component"]["evse"]["id"], one["actualValue"]) for one in told] == [
        (1, "Available"),
        (2, "Available"),
        (1, "Occupied"),
    ]
    assert [one["eventId"] for one in told] == [1, 2, 3]
    assert {(one["component"]["name"], one["variable"]["name"]) for one in told} == {("Connector", "AvailabilityState")}


def test_offline_a_known_token_may_charge_and_a_refused_one_not() -> None:
    rig = Rig201(offline_unknown=False).up()
    rig.peer.script["Authorize"] = lambda p: {
        "idTokenInfo": {"status": "Accepted" if p["idToken"]["idToken"] == "GOOD" else "Invalid"}
    }
    for token in ("GOOD", "BAD"):
        rig.station.swipe(1, token)
        rig.run(40)
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(1)
    for evse, token in ((1, "BAD"), (1, "UNKNOWN"), (2, "GOOD")):
        rig.station.plug(evse)
        rig.station.swipe(evse, token)
        rig.run(5)
    assert [seen["id_token"] for seen in rig.of("session.begun")] == ["GOOD"]


def test_readings_outside_a_transaction() -> None:
    rig = Rig201().up()
    rig.station.send_meter_values_now(1)
    rig.run(1)
    assert rig.said("MeterValues")[0].payload["evseId"] == 1
    rig.charge()
    rig.station.send_meter_values_now(1)
    rig.run(1)
    assert len(rig.said("MeterValues")) == 1
    assert rig.steps()[-1][:2] == ("Updated", "MeterValueClock")


def test_the_end_of_a_transaction_that_nobody_knows() -> None:
    rig = Rig201().up()
    rig.station.send_unknown_stop("from-elsewhere", 5)
    rig.run(1)
    assert rig.events()[0]["transactionInfo"]["transactionId"] == "from-elsewhere"


# --- the device model ------------------------------------------------------------------------------------------------


def test_variables_are_found_by_name_whatever_its_case() -> None:
    rig = Rig201().up()
    assert rig.get("ocppcommctrlr", "MESSAGETIMEOUT", instance="default") == "30"
    assert rig.get("OCPPCommCtrlr", "MessageTimeout") == "UnknownVariable"
    assert rig.get("Nonsense", "MessageTimeout") == "UnknownComponent"
    assert rig.get("Connector", "AvailabilityState", evse={"id": 1, "connectorId": 1}) == "Available"
    assert rig.get("Connector", "AvailabilityState", evse={"id": 3, "connectorId": 1}) == "UnknownComponent"
    assert rig.get("TxCtrlr", "TxStartPoint", attribute="Target") == "NotSupportedAttributeType"
    assert rig.get("ClockCtrlr", "DateTime").startswith("2026-01-01T00:00:")


@pytest.mark.parametrize(
    ("component", "variable", "where", "value", "word"),
    [
        ("OCPPCommCtrlr", "HeartbeatInterval", {}, "20", "Accepted"),
        ("OCPPCommCtrlr", "HeartbeatInterval", {}, "-1", "Rejected"),
        ("OCPPCommCtrlr", "HeartbeatInterval", {}, "soon", "Rejected"),
        ("OCPPCommCtrlr", "MessageAttempts", {"instance": "TransactionEvent"}, "0", "Rejected"),
        ("OCPPCommCtrlr", "WebSocketPingInterval", {}, "10", "RebootRequired"),
        ("AuthCtrlr", "LocalPreAuthorize", {}, "True", "Rejected"),
        ("AuthCtrlr", "LocalPreAuthorize", {}, "true", "Accepted"),
        ("TxCtrlr", "TxStopPoint", {}, "Authorized", "Rejected"),
        ("TxCtrlr", "Nonsense", {}, "1", "UnknownVariable"),
        ("TxCtrlr", "EVConnectionTimeOut", {"attribute": "MaxSet"}, "1", "NotSupportedAttributeType"),
    ],
)
def test_set(component: str, variable: str, where: dict[str, Any], value: str, word: str) -> None:
    rig = Rig201().up()
    before = rig.get(component, variable, **{k: v for k, v in where.items() if k == "instance"})
    assert rig.set(component, variable, value, **where) == word
    after = rig.get(component, variable, **{k: v for k, v in where.items() if k == "instance"})
    assert after == (value if word in ("Accepted", "RebootRequired") else before)


def test_what_is_set_is_used_and_survives_a_reboot() -> None:
    rig = Rig201().up()
    assert rig.set("OCPPCommCtrlr", "HeartbeatInterval", "20") == "Accepted"
    assert rig.set("SampledDataCtrlr", "TxUpdatedInterval", "30") == "Accepted"
    assert rig.set("TxCtrlr", "EVConnectionTimeOut", "90") == "Accepted"
    rig.run(100)
    assert len(rig.said("Heartbeat")) >= 4
    rig.station.reboot()
    rig.run(20)
    assert rig.station.controller.connection_timeout_s == 90.0
    rig.charge()
    rig.run(65)
    assert [event["triggerReason"] for event in rig.events()].count("MeterValuePeriodic") == 2


def test_elements_are_independent_and_answered_one_by_one() -> None:
    rig = Rig201().up()
    data = [
        {"component": {"name": "TxCtrlr"}, "variable": {"name": name}, "attributeValue": "40"}
        for name in ("EVConnectionTimeOut", "Nonsense")
    ]
    results = rig.call("SetVariables", setVariableData=data)["setVariableResult"]
    assert [one["attributeStatus"] for one in results] == ["Accepted", "UnknownVariable"]
    assert rig.call("SetVariables", setVariableData=data * 26)[0] == "OccurrenceConstraintViolation"


@pytest.mark.parametrize("base", ["FullInventory", "ConfigurationInventory"])
def test_a_base_report_is_told_in_parts(base: str) -> None:
    rig = Rig201().up()
    assert rig.call("GetBaseReport", requestId=9, reportBase=base) == {"status": "Accepted"}
    parts = [said.payload for said in rig.said("NotifyReport")]
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part["requestId"] for part in parts} == {9}
    names = [(one["component"]["name"], one["variable"]["name"]) for part in parts for one in part["reportData"]]
    assert ("TxCtrlr", "EVConnectionTimeOut") in names
    assert (("TxCtrlr", "TxStopPoint") in names) is (base == "FullInventory")


def test_a_summary_is_not_supported() -> None:
    answer = Rig201().up().call("GetBaseReport", requestId=9, reportBase="SummaryInventory")
    assert answer == {"status": "NotSupported"}
