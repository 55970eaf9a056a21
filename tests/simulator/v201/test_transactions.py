"""Transactions as a 2.0.1 station tells them: every event, in order, with what the standard asks of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from interlock.simulator.deviations import Deviations
from tests.simulator.rig201 import Rig201, complete


def only(books: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    assert len(books) == 1
    return next(iter(books.values()))


def readings(event: dict[str, Any]) -> list[tuple[str, float]]:
    return [
        (sample["context"], sample["value"])
        for value in event.get("meterValue", ())
        for sample in value["sampledValue"]
        if sample["measurand"] == "Energy.Active.Import.Register"
    ]


def test_nothing_flowed_between_two_sessions() -> None:
    """The second begins with the reading the first ended with, however long ago and with whatever power that was."""
    rig = Rig201(meter_interval_s=60.0).up().charge()
    rig.run(60)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    rig.station.unplug(1)
    rig.run(300)
    rig.charge()
    rig.run(5)
    first, second = rig.of("transaction.begun")
    [ended] = rig.of("transaction.ended")
    assert (first["meter_wh"] < ended["meter_wh"], second["meter_wh"]) == (True, ended["meter_wh"])
    assert [seen["transaction_id"] for seen in rig.of("transaction.session")] == [
        first["transaction_id"],
        second["transaction_id"],
    ]


def test_a_session_by_card_from_start_to_unplugging() -> None:
    rig = Rig201(meter_interval_s=60.0).up().charge()
    rig.run(130)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    rig.station.unplug(1)
    rig.run(5)
    assert rig.steps() == [
        ("Started", "Authorized", "Charging"),
        ("Updated", "StopAuthorized", "EVConnected"),
        ("Ended", "EVCommunicationLost", "Idle"),
    ]
    events = only(complete(rig.said("TransactionEvent")))
    assert [event["triggerReason"] for event in events].count("MeterValuePeriodic") == 2
    assert [index for index, event in enumerate(events) if "idToken" in event] == [0, 3]
    assert events[0]["idToken"] == {"idToken": "TAG", "type": "ISO14443"}
    assert events[-1]["transactionInfo"]["stoppedReason"] == "Local"
    begun, ended = rig.of("session.begun")[0], rig.of("session.ended")[0]
    assert readings(events[0]) == [("Transaction.Begin", begun["meter_wh"])]
    assert readings(events[-1]) == [("Transaction.Begin", begun["meter_wh"]), ("Transaction.End", ended["meter_wh"])]
    assert rig.statuses() == ["Available", "Occupied", "Available"]


def test_the_transaction_id_is_drawn_from_the_seed_and_new_each_time() -> None:
    def ids(seed: int) -> list[str]:
        rig = Rig201(seed).up()
        for _ in range(3):
            rig.charge()
            rig.station.unplug(1)
            rig.run(5)
        return list(complete(rig.said("TransactionEvent")))

    first = ids(1)
    assert len(set(first)) == 3
    assert all(len(one) == 36 for one in first)
    assert first == ids(1)
    assert first != ids(2)


def test_a_card_shown_before_the_cable_is_in() -> None:
    rig = Rig201().up()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.events() == []
    rig.station.plug(1)
    rig.run(5)
    assert rig.steps() == [("Started", "CablePluggedIn", "Charging")]


def test_a_remote_start_is_named_by_its_event() -> None:
    rig = Rig201().up()
    rig.station.plug(1)
    assert rig.start() == {"status": "Accepted"}
    event = rig.events()[0]
    assert (event["eventType"], event["triggerReason"]) == ("Started", "RemoteStart")
    assert event["transactionInfo"]["remoteStartId"] == 1
    assert event["idToken"] == {"idToken": "OP", "type": "Central"}
    assert rig.said("Authorize") == []
    assert rig.of("session.begun")[0]["message_id"] == "m1"


def test_a_remote_start_that_lapses_names_nothing_later() -> None:
    rig = Rig201(connection_timeout_s=20.0).up()
    assert rig.start() == {"status": "Accepted"}
    rig.run(30)
    rig.charge()
    assert [event["transactionInfo"].get("remoteStartId") for event in rig.events()] == [None]


def test_a_remote_stop_ends_the_transaction_when_the_cable_is_out() -> None:
    rig = Rig201().up().charge()
    name = rig.events()[0]["transactionInfo"]["transactionId"]
    assert rig.call("RequestStopTransaction", transactionId="another") == {"status": "Rejected"}
    assert rig.call("RequestStopTransaction", transactionId=name) == {"status": "Accepted"}
    assert rig.steps()[1:] == [("Updated", "RemoteStop", "EVConnected")]
    # It is still active: it can be stopped again (F03.FR.07), and nothing moves any more.
    moved = len(rig.of("ledger"))
    assert rig.call("RequestStopTransaction", transactionId=name) == {"status": "Accepted"}
    assert rig.steps()[2:] == [("Updated", "RemoteStop", "EVConnected")]
    assert len(rig.of("ledger")) == moved
    assert rig.station.truth()[0]["transaction_id"] == name
    rig.station.unplug(1)
    rig.run(5)
    assert rig.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    assert rig.station.truth()[0]["transaction_id"] is None
    assert rig.call("RequestStopTransaction", transactionId=name) == {"status": "Rejected"}


def test_with_the_other_stop_point_it_ends_at_once() -> None:
    rig = Rig201(stop_point="stopped").up().charge()
    name = rig.events()[0]["transactionInfo"]["transactionId"]
    assert rig.call("RequestStopTransaction", transactionId=name) == {"status": "Accepted"}
    assert rig.steps()[1:] == [("Ended", "RemoteStop", "EVConnected")]
    assert rig.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    assert rig.get("TxCtrlr", "TxStopPoint") == "PowerPathClosed"


def test_a_start_while_the_cable_is_still_in_goes_on_with_the_transaction() -> None:
    rig = Rig201().up().charge()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    name = rig.events()[0]["transactionInfo"]["transactionId"]
    assert rig.start() == {"status": "Accepted", "transactionId": name}
    assert rig.steps()[-1] == ("Updated", "RemoteStart", "Charging")
    assert rig.events()[-1]["transactionInfo"]["remoteStartId"] == 1
    rig.station.unplug(1)
    rig.run(5)
    events = only(complete(rig.said("TransactionEvent")))
    assert events[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"


def test_pulling_the_cable_ends_it() -> None:
    rig = Rig201().up().charge()
    rig.station.unplug(1)
    rig.run(5)
    assert rig.steps()[1:] == [("Ended", "EVCommunicationLost", "Idle")]
    assert rig.events()[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"


def test_undervoltage_suspends_and_recovers() -> None:
    rig = Rig201().up().charge()
    rig.station.power.sag(40.0, 0.0, 60.0)
    rig.run(100)
    assert rig.steps()[1:] == [
        ("Updated", "ChargingStateChanged", "SuspendedEVSE"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("GroundFailure", "GroundFault"), ("OverCurrentFailure", "OvercurrentFault"), ("PowerMeterFailure", "Other")],
)
def test_a_fault_ends_it(fault: str, reason: str) -> None:
    rig = Rig201().up().charge()
    rig.station.fail(1, fault)
    rig.run(5)
    assert rig.steps()[1:] == [("Ended", "AbnormalCondition", "EVConnected")]
    assert rig.events()[-1]["transactionInfo"]["stoppedReason"] == reason
    assert rig.statuses()[-1] == "Faulted"


def test_a_token_that_is_not_accepted_stops_the_energy() -> None:
    rig = Rig201().up()
    rig.peer.script["TransactionEvent"] = lambda p: {"idTokenInfo": {"status": "Blocked"}} if "idToken" in p else {}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.steps()[1:] == [("Updated", "Deauthorized", "SuspendedEVSE")]
    assert not rig.station.truth()[0]["charging"]
    rig.station.unplug(1)
    rig.run(5)
    assert rig.events()[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"


def test_a_token_that_is_not_accepted_may_go_on_if_the_operator_says_so() -> None:
    rig = Rig201().up()
    assert rig.set("TxCtrlr", "StopTxOnInvalidId", "false") == "Accepted"
    rig.peer.script["TransactionEvent"] = lambda p: {"idTokenInfo": {"status": "Blocked"}} if "idToken" in p else {}
    rig.charge()
    assert rig.station.truth()[0]["charging"]


def test_a_token_for_other_evses_may_not_charge_here() -> None:
    rig = Rig201().up()
    rig.peer.script["Authorize"] = lambda p: {"idTokenInfo": {"status": "Accepted", "evseId": [2]}}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.events() == []
    rig.station.plug(2)
    rig.station.swipe(2, "TAG")
    rig.run(5)
    assert rig.steps() == [("Started", "Authorized", "Charging")]


# --- other start points and numbers ----------------------------------------------------------------------------------


def test_a_transaction_may_start_with_the_cable() -> None:
    rig = Rig201(start_point="plugged").up()
    rig.station.plug(1)
    rig.run(5)
    assert rig.steps() == [("Started", "CablePluggedIn", "EVConnected")]
    name = rig.events()[0]["transactionInfo"]["transactionId"]
    assert rig.station.truth()[0]["transaction_id"] == name
    assert rig.start() == {"status": "Accepted", "transactionId": name}
    assert rig.steps()[1:] == [("Updated", "RemoteStart", "Charging")]
    assert rig.events()[1]["transactionInfo"]["remoteStartId"] == 1
    rig.station.unplug(1)
    rig.run(5)
    assert rig.steps()[2:] == [("Ended", "EVCommunicationLost", "Idle")]
    assert rig.get("TxCtrlr", "TxStartPoint") == "EVConnected"


def test_a_cable_that_nobody_authorized_is_a_transaction_without_a_token() -> None:
    rig = Rig201(start_point="plugged").up()
    rig.station.plug(1)
    rig.run(60)
    assert rig.call("UnlockConnector", evseId=1, connectorId=1)["status"] in ("Unlocked", "UnlockFailed")
    rig.station.unplug(1)
    rig.run(5)
    events = only(complete(rig.said("TransactionEvent")))
    assert not any("idToken" in event for event in events)
    assert (events[0]["eventType"], events[-1]["eventType"]) == ("Started", "Ended")
    assert rig.of("session.begun") == []


def test_numbers_may_run_on_through_the_transactions_of_an_evse() -> None:
    rig = Rig201(meter_interval_s=0.0, deviations=Deviations(seq_no_runs_on=True)).up()
    for _ in range(3):
        rig.charge()
        rig.station.unplug(1)
        rig.run(5)
    assert [event["seqNo"] for event in rig.events()] == [0, 1, 2, 3, 4, 5]


# --- offline ---------------------------------------------------------------------------------------------------------


def offline(rig: Rig201) -> None:
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(1)


def test_what_happened_offline_is_told_later_and_marked() -> None:
    rig = Rig201(reconnect_s=(1.0, 2.0), meter_interval_s=60.0).up().charge()
    rig.run(70)
    offline(rig)
    rig.run(100)
    rig.station.unplug(1)
    rig.run(10)
    pending = rig.station.outbox_pending
    assert pending >= 2
    rig.peer.reachable = True
    rig.run(60)
    events = only(complete(rig.said("TransactionEvent")))
    assert [event.get("offline", False) for event in events] == [False] * (len(events) - pending) + [True] * pending
    assert events[-1]["eventType"] == "Ended"
    assert events[-1]["timestamp"] < rig.station.time()
    assert rig.station.outbox_pending == 0


def test_a_session_that_was_wholly_offline() -> None:
    rig = Rig201(reconnect_s=(1.0, 2.0)).up()
    offline(rig)
    rig.charge()
    rig.station.unplug(1)
    rig.peer.reachable = True
    rig.run(60)
    events = only(complete(rig.said("TransactionEvent")))
    assert [(event["eventType"], event["offline"]) for event in events] == [("Started", True), ("Ended", True)]


def test_an_event_without_an_answer_is_sent_again_as_it_was() -> None:
    rig = Rig201(call_timeout_s=5.0, retry_s=3.0).up()
    rig.peer.script["TransactionEvent"] = lambda p: None
    rig.charge()
    rig.run(12)
    offline(rig)
    rig.peer.script.clear()
    rig.peer.reachable = True
    rig.run(60)
    events = only(complete(rig.said("TransactionEvent")))
    assert "offline" not in events[0]
    assert len([said for said in rig.said("TransactionEvent") if said.payload["seqNo"] == 0]) >= 2


@pytest.mark.parametrize("answer", [None, "InternalError"])
def test_an_event_that_is_never_answered_is_given_up(answer: Any) -> None:
    rig = Rig201(call_timeout_s=2.0, timeouts_to_reconnect=100, meter_interval_s=0.0).up()
    rig.set("OCPPCommCtrlr", "MessageAttempts", "3", instance="TransactionEvent")
    rig.set("OCPPCommCtrlr", "MessageAttemptInterval", "10", instance="TransactionEvent")
    rig.peer.script["TransactionEvent"] = lambda p: answer
    rig.charge()
    rig.run(60)
    sent = [said.at for said in rig.said("TransactionEvent")]
    assert len(sent) == 3
    waits = [round(later - before) for before, later in itertools.pairwise(sent)]
    assert waits == ([12, 22] if answer is None else [10, 20])  # the interval, and twice that (E13.FR.03)
    assert rig.station.outbox_pending == 0
    [untold] = rig.of("untold")
    [begun] = rig.of("transaction.begun")
    assert (untold["event"], untold["refused"]) == ("Started", answer is not None)
    assert untold["transaction_id"] == begun["transaction_id"]
    rig.peer.script.clear()
    rig.station.unplug(1)
    rig.run(10)
    assert rig.events()[-1]["seqNo"] == 1


@pytest.mark.parametrize(
    ("cause", "trigger", "reason"),
    [("power", "AbnormalCondition", "PowerLoss"), ("reboot", "AbnormalCondition", "Reboot")],
)
def test_a_loss_of_power_ends_it_and_is_told_after_the_boot(cause: str, trigger: str, reason: str) -> None:
    rig = Rig201().up().charge()
    if cause == "power":
        rig.station.power.power_cut(10.0)
    else:
        rig.station.reboot()
    rig.run(60)
    event = only(complete(rig.said("TransactionEvent")))[-1]
    assert (event["eventType"], event["triggerReason"], event["offline"]) == ("Ended", "AbnormalCondition", True)
    assert event["transactionInfo"]["stoppedReason"] == reason
    boots = [said.payload["reason"] for said in rig.said("BootNotification")]
    assert boots == ["PowerUp", "PowerUp" if cause == "power" else "LocalReset"]


def test_a_transaction_that_was_stopped_ends_with_the_power_too() -> None:
    rig = Rig201().up().charge()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    rig.station.power.power_cut(10.0)
    rig.run(60)
    events = only(complete(rig.said("TransactionEvent")))
    assert events[-1]["transactionInfo"]["stoppedReason"] == "PowerLoss"


def test_a_full_queue_gives_up_readings_only() -> None:
    rig = Rig201(meter_interval_s=10.0).up().charge()
    rig.controller.conversation.outbox.limit = 20
    offline(rig)
    rig.run(1_000)
    rig.station.unplug(1)
    assert rig.station.outbox_pending == 20
    rig.peer.reachable = True
    rig.run(60)
    kinds = [event["eventType"] for event in rig.events()]
    assert (kinds[0], kinds[-1]) == ("Started", "Ended")
