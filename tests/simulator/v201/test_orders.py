"""Every CALL of a 2.0.1 CSMS, and what is not one."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulator.v201 import SCHEMAS
from interlock.simulator.v201.orders import ORDERS
from tests.simulator.rig201 import Rig201

# --- unlocking -------------------------------------------------------------------------------------------------------


def test_unlock_moves_the_lock_and_says_so_afterwards() -> None:
    rig = Rig201(unlock_s=(1.0, 1.0), act_s=(0.1, 0.1), latency_s=(0.0, 0.0)).up()
    begun = rig.env.now
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) == {"status": "Unlocked"}
    move = rig.unlocks()[0]
    assert move["message_id"] == "m1"
    assert move["t"] == pytest.approx(begun + 1.1)
    assert [(seen["action"], seen["status"], seen["t"]) for seen in rig.of("obeyed")] == [
        ("UnlockConnector", "Unlocked", move["t"])
    ]


@pytest.mark.parametrize(("evse", "connector"), [(0, 1), (3, 1), (1, 0), (1, 2), (10**30, 1)])
def test_unlock_of_no_connector(evse: int, connector: int) -> None:
    rig = Rig201().up()
    assert rig.call("UnlockConnector", evseId=evse, connectorId=connector) == {"status": "UnknownConnector"}
    assert rig.of("ledger") == []


def test_unlock_does_nothing_while_a_transaction_is_authorized() -> None:
    rig = Rig201().up().charge()
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) == {"status": "OngoingAuthorizedTransaction"}
    assert rig.unlocks() == []
    assert rig.station.truth()[0]["charging"]


def test_unlock_of_a_stopped_transaction_shows_in_its_events() -> None:
    rig = Rig201(second_unlock="accept").up().charge()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) == {"status": "Unlocked"}
    assert rig.steps()[-1][:2] == ("Updated", "UnlockCommand")


def test_unlock_of_a_stuck_lock() -> None:
    rig = Rig201().up()
    rig.station.fail(1, "ConnectorLockFailure")
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) == {"status": "UnlockFailed"}


def test_an_evse_with_several_connectors() -> None:
    rig = Rig201(evses=1, connectors_each=2).up()
    assert [said.payload["connectorId"] for said in rig.said("StatusNotification")] == [1, 2]
    rig.station.plug(1, connector=2)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert [(s.payload["connectorId"], s.payload["connectorStatus"]) for s in rig.said("StatusNotification")[2:]] == [
        (2, "Occupied")
    ]
    assert rig.events()[0]["evse"] == {"id": 1, "connectorId": 2}
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) == {"status": "Unlocked"}
    assert rig.call("UnlockConnector", evseId=1, connectorId=2) == {"status": "OngoingAuthorizedTransaction"}
    assert [(seen["connector"], seen["outlet"]) for seen in rig.unlocks()] == [(1, 1)]
    assert not rig.station.plug(1, connector=1)


# --- starting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evse", [0, 3])
def test_start_of_no_evse(evse: int) -> None:
    assert Rig201().up().start(evse) == {"status": "Rejected"}


def test_start_chooses_a_free_evse() -> None:
    rig = Rig201().up().charge(1)
    assert rig.start(None) == {"status": "Accepted"}
    assert rig.station.evses[1].awaited is not None
    assert rig.start(None) == {"status": "Rejected"}


def test_start_of_what_is_taken_or_out_of_order() -> None:
    rig = Rig201().up().charge(1)
    assert rig.start(1) == {"status": "Rejected"}
    rig.station.fail(2, "GroundFailure")
    assert rig.start(2) == {"status": "Rejected"}


def test_the_second_start_ends_the_first_where_the_persona_does_so() -> None:
    rig = Rig201(persona="accepts-second").up().charge()
    assert rig.start() == {"status": "Accepted"}
    assert rig.steps()[1:] == [("Ended", "AbnormalCondition", "EVConnected"), ("Started", "RemoteStart", "Charging")]


@pytest.mark.parametrize(("word", "begins"), [("Accepted", True), ("Invalid", False)])
def test_start_may_have_to_be_authorized(word: str, begins: bool) -> None:
    rig = Rig201().up()
    assert rig.set("AuthCtrlr", "AuthorizeRemoteStart", "true") == "Accepted"
    rig.peer.script["Authorize"] = lambda p: {"idTokenInfo": {"status": word}}
    rig.station.plug(1)
    token = {"idToken": "CARD", "type": "ISO14443"}
    answer = rig.call("RequestStartTransaction", evseId=1, idToken=token, remoteStartId=5)
    assert answer == {"status": "Accepted"}
    assert len(rig.said("Authorize")) == 1
    assert bool(rig.events()) is begins


def test_a_central_token_is_never_asked_for() -> None:
    rig = Rig201().up()
    rig.set("AuthCtrlr", "AuthorizeRemoteStart", "true")
    rig.station.plug(1)
    rig.start()
    assert rig.said("Authorize") == []
    assert rig.steps() == [("Started", "RemoteStart", "Charging")]
    assert rig.controller.known_tokens == {}


# --- the station -----------------------------------------------------------------------------------------------------


def test_an_immediate_reset_ends_transactions_first() -> None:
    rig = Rig201().up().charge()
    assert rig.call("Reset", type="Immediate", wait=0.5) == {"status": "Accepted"}
    rig.run(20)
    event = rig.events()[-1]
    assert (event["eventType"], event["triggerReason"]) == ("Ended", "ResetCommand")
    assert event["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert "offline" not in event
    assert [said.payload["reason"] for said in rig.said("BootNotification")] == ["PowerUp", "RemoteReset"]
    assert rig.of("reboot")[0]["why"] == "Immediate"
    rig.station.reboot()
    rig.run(20)
    assert rig.said("BootNotification")[-1].payload["reason"] == "LocalReset"


def test_a_reset_on_idle_waits_for_the_cable_to_be_out() -> None:
    rig = Rig201().up().charge()
    assert rig.call("Reset", type="OnIdle") == {"status": "Scheduled"}
    rig.station.swipe(1, "TAG")
    rig.run(30)
    assert rig.of("reboot") == []
    rig.station.unplug(1)
    rig.run(30)
    assert [said.payload["reason"] for said in rig.said("BootNotification")] == ["PowerUp", "ScheduledReset"]
    assert rig.call("Reset", type="OnIdle") == {"status": "Accepted"}
    rig.run(30)
    assert rig.said("BootNotification")[-1].payload["reason"] == "RemoteReset"


def test_one_evse_alone_cannot_be_reset() -> None:
    assert Rig201().up().call("Reset", type="Immediate", evseId=1) == {"status": "Rejected"}


def test_change_availability_of_one_and_of_all() -> None:
    rig = Rig201().up().charge(2)

    def change(word: str, **where: Any) -> Any:
        return rig.call("ChangeAvailability", operationalStatus=word, **where)["status"]

    assert change("Inoperative", evse={"id": 1, "connectorId": 1}) == "Accepted"
    assert not rig.station.swipe(1, "TAG")
    assert change("Inoperative", evse={"id": 2}) == "Scheduled"
    rig.station.swipe(2, "TAG")
    rig.run(5)
    assert rig.statuses(2)[-1] == "Occupied"
    rig.station.unplug(2)
    rig.run(5)
    assert rig.statuses(2)[-1] == "Unavailable"
    rig.station.reboot()
    rig.run(20)
    assert [truth["status"] for truth in rig.station.truth()] == ["Unavailable", "Unavailable"]
    assert change("Operative") == "Accepted"
    assert [truth["status"] for truth in rig.station.truth()] == ["Available", "Available"]
    assert change("Inoperative") == "Accepted"
    assert rig.get("ChargingStation", "AvailabilityState") == "Unavailable"
    assert change("Operative", evse={"id": 9}) == "Rejected"
    assert change("Operative", evse={"id": 1, "connectorId": 2}) == "Rejected"


@pytest.mark.parametrize(
    ("message", "where", "word", "sent"),
    [
        ("BootNotification", {}, "Rejected", 0),
        ("Heartbeat", {}, "Accepted", 1),
        ("StatusNotification", {}, "Rejected", 0),
        ("StatusNotification", {"evse": {"id": 2, "connectorId": 1}}, "Accepted", 1),
        ("StatusNotification", {"evse": {"id": 3, "connectorId": 1}}, "Rejected", 0),
        ("MeterValues", {}, "Accepted", 2),
        ("MeterValues", {"evse": {"id": 1}}, "Accepted", 1),
        ("TransactionEvent", {}, "Accepted", 1),
        ("TransactionEvent", {"evse": {"id": 2}}, "Accepted", 0),
        ("FirmwareStatusNotification", {}, "NotImplemented", 0),
        ("SignChargingStationCertificate", {}, "NotImplemented", 0),
    ],
)
def test_trigger(message: str, where: dict[str, Any], word: str, sent: int) -> None:
    rig = Rig201(meter_interval_s=0.0).up().charge()
    before = len(rig.peer.said)
    assert rig.call("TriggerMessage", requestedMessage=message, **where) == {"status": word}
    assert [said.action for said in rig.peer.said[before:]] == [message] * sent


def test_a_triggered_event_says_how_it_stands() -> None:
    rig = Rig201().up().charge()
    rig.call("TriggerMessage", requestedMessage="TransactionEvent")
    assert rig.steps()[-1] == ("Updated", "Trigger", "Charging")
    assert rig.events()[-1]["meterValue"]


def test_transaction_status() -> None:
    rig = Rig201(call_timeout_s=60.0).up().charge()
    name = rig.events()[0]["transactionInfo"]["transactionId"]
    assert rig.call("GetTransactionStatus") == {"messagesInQueue": False}
    assert rig.call("GetTransactionStatus", transactionId=name) == {
        "ongoingIndicator": True,
        "messagesInQueue": False,
    }
    rig.peer.script["TransactionEvent"] = lambda p: None
    rig.station.unplug(1)
    rig.run(1)
    assert rig.call("GetTransactionStatus") == {"messagesInQueue": True}
    assert rig.call("GetTransactionStatus", transactionId=name) == {
        "ongoingIndicator": False,
        "messagesInQueue": True,
    }
    assert rig.call("GetTransactionStatus", transactionId="another") == {
        "ongoingIndicator": False,
        "messagesInQueue": False,
    }


def test_clear_cache_and_data_transfer() -> None:
    rig = Rig201().up()
    rig.station.swipe(1, "TAG")
    rig.run(3)
    assert rig.controller.known_tokens == {"TAG": True}
    assert rig.call("ClearCache") == {"status": "Accepted"}
    assert rig.controller.known_tokens == {}
    rig.set("AuthCacheCtrlr", "Enabled", "false")
    assert rig.call("ClearCache") == {"status": "Rejected"}
    assert rig.call("DataTransfer", vendorId="Somebody") == {"status": "UnknownVendorId"}
    assert rig.call("DataTransfer", vendorId="Interlock", data="x") == {"status": "Accepted"}


# --- what is refused -------------------------------------------------------------------------------------------------


def test_what_is_not_done_and_what_is_not_known() -> None:
    rig = Rig201().up()
    for action in sorted(SCHEMAS.actions):
        if action not in ORDERS.actions:
            assert rig.call(action, wait=1.0) == ("NotSupported", "")
    for action in ("FooBar", "heartbeat", "", "UnlockConnectorResponse", "RemoteStartTransaction"):
        assert rig.call(action, wait=1.0) == ("NotImplemented", "")
    assert rig.of("obeyed") == []


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("UnlockConnector", {}, "OccurrenceConstraintViolation"),
        ("UnlockConnector", {"evseId": "1", "connectorId": 1}, "TypeConstraintViolation"),
        ("UnlockConnector", {"evseId": 1, "connectorId": 1, "extra": 1}, "FormatViolation"),
        ("Reset", {"type": "Soft"}, "PropertyConstraintViolation"),
        ("RequestStopTransaction", {"transactionId": "x" * 37}, "PropertyConstraintViolation"),
        ("GetVariables", {"getVariableData": []}, "OccurrenceConstraintViolation"),
    ],
)
def test_a_bad_call_gets_the_error_code_as_2_0_1_spells_it(action: str, payload: Any, code: str) -> None:
    answer = Rig201().up().call(action, **payload)
    assert answer[0] == code
    assert answer[1]


def test_frames_that_are_no_messages() -> None:
    rig = Rig201().up()
    rig.peer.socket.send_down('[2,"a","Reset",[]]')
    rig.peer.socket.send_down('[6,"b","Reset",{}]')
    rig.run(1)
    assert [rig.peer.results[one][0] for one in ("a", "b")] == ["RpcFrameworkError", "MessageTypeNotSupported"]
