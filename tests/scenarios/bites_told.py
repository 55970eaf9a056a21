"""Histories about what was asked, sent, told, kept and answered, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, NODE, START, STATION, UNLOCK, Story

UNLOCK_2: dict[str, Any] = {"kind": "Unlock", "evse": 2, "connector": 1}
LEFT_OUT = tuple(step for step in ANSWERED if step not in ("called", "obeyed", "moved", "replied", "outcome"))

# --- what leaves is what was asked -----------------------------------------------------------------------------------


def unlocked(payload: dict[str, Any], action: str = "UnlockConnector", asked: dict[str, Any] = UNLOCK_2) -> Story:
    """An unlock whose CALL is written by hand."""
    story = Story().wait(10).command(asked=asked, steps=("asked", "intent", "answered"))
    story.see(
        "call", node=NODE, station=STATION, command_id="c1", request_id="r1", message_id="c1", action="UnlockConnector"
    )
    story.frame("csms.sent", [2, "c1", action, payload])
    return story


@breaks("I33")
def sent_to_another_connector() -> History:
    return unlocked({"connectorId": 1}).rest()


@breaks("I33")
def another_action() -> History:
    return unlocked({"connectorId": 2}, action="Reset").rest()


@breaks("I33")
def a_member_nobody_asked_for() -> History:
    return unlocked({"connectorId": 2, "force": True}).rest()


@breaks("I33")
def true_is_not_one() -> History:
    return unlocked({"connectorId": True}, asked=UNLOCK).rest()


@holds("I33")
def sent_as_asked() -> History:
    return unlocked({"connectorId": 2}).rest()


@breaks("I33")
def the_intent_is_another() -> History:
    story = Story().wait(10).command(asked=UNLOCK_2, steps=("asked",))
    return story.command(asked=UNLOCK, steps=ANSWERED[1:]).rest()


@breaks("I34")
def the_other_lock_moved() -> History:
    story = unlocked({"connectorId": 2})
    story.ledger("lock", "unlocked", "c1", connector=1)
    return story.rest()


@breaks("I34")
def another_card_began() -> History:
    story = Story().wait(10).command(asked={**START, "id_token": "OTHER"}, steps=ANSWERED)
    return story.charge(message_id="c1").rest()


@holds("I34")
def the_lock_that_was_asked_for() -> History:
    story = unlocked({"connectorId": 2})
    story.ledger("lock", "unlocked", "c1", connector=2)
    return story.rest()


@holds("I34")
def the_card_in_other_letters() -> History:
    story = Story().wait(10).command(asked={**START, "id_token": "tag"}, steps=ANSWERED)
    return story.charge(message_id="c1").rest()


# --- what is stored was told -----------------------------------------------------------------------------------------


def status(said: dict[str, Any] | None = None, **kept: Any) -> Story:
    """A status of connector 1, and what the log has of it."""
    story = Story().wait(10)
    at = story.iso()
    told = {"connectorId": 1, "status": "Faulted", "errorCode": "GroundFailure", "info": "x", "timestamp": at}
    fact = {
        "evse": 1,
        "connector": 1,
        "status": "Faulted",
        "error_code": "GroundFailure",
        "info": "x",
        "reported_at": at,
        **kept,
    }
    story.report("StatusNotification", {**told, **(said or {})}, {}, ("StatusReported", fact))
    return story


@holds("I35", "I37")
def kept_as_told() -> History:
    return status().rest()


@holds("I35")
def the_same_time_in_another_zone() -> History:
    story = Story().wait(10)
    fact = {"evse": 1, "connector": 1, "status": "Faulted", "error_code": "NoError", "info": None}
    told = {"connectorId": 1, "status": "Faulted", "errorCode": "NoError", "timestamp": "2026-01-01T02:00:00+02:00"}
    kept = {**fact, "reported_at": "2026-01-01T00:00:00Z"}
    story.report("StatusNotification", told, {}, ("StatusReported", kept))
    return story.rest()


@breaks("I35")
def another_error_code() -> History:
    return status(error_code="NoError").rest()


@breaks("I35")
def our_time_for_its_own() -> History:
    return status(reported_at="2026-01-01T00:00:59Z").rest()


@breaks("I35")
def the_note_is_dropped() -> History:
    return status(info=None).rest()


@breaks("I35")
def kept_twice() -> History:
    story = status()
    story.append((story.log[-1]["type"], {key: value for key, value in story.log[-1]["data"].items() if key != "at"}))
    return story.rest()


@breaks("I35")
def dated_before_it_was_told() -> History:
    story = Story().wait(10)
    fact = {"evse": 1, "connector": 1, "status": "Faulted", "error_code": "NoError", "info": None, "reported_at": None}
    told = {"connectorId": 1, "status": "Faulted", "errorCode": "NoError"}
    story.frame("csms.received", [2, "x1", "StatusNotification", told])
    story.append(("StatusReported", fact), at=story.now - 5.0)
    return story.rest()


@breaks("I35")
def answered_and_not_kept() -> History:
    story = Story()
    value = {"timestamp": story.iso(), "sampledValue": [{"value": "7"}]}
    story.report("MeterValues", {"connectorId": 1, "meterValue": [value]}, {})
    return story.rest()


@breaks("I35")
def the_card_is_on_record_otherwise_than_it_was_answered() -> History:
    story = Story()
    at = "2026-01-01T00:00:07Z"
    start = {"transaction_id": "7", "evse": 1, "id_token": "TAG", "meter_start_wh": 5, "started_at": at}
    kept = ("TransactionStarted", {**start, "status": "Accepted", "command_id": None})
    told = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": at}
    story.report("StartTransaction", told, {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}, kept)
    return story.rest()


def told_201(kept: dict[str, Any], reply: dict[str, Any] | None = None, type: str = "TransactionStarted") -> History:
    """A TransactionEvent of a 2.0.1 station, and what the log has of it."""
    story = Story()
    story.epoch += 1
    story.see("socket.opened", station=STATION, socket=story.epoch, node=NODE, subprotocol="ocpp2.0.1")
    at = "2026-01-01T00:00:07Z"
    begin = {"value": 1.5, "context": "Transaction.Begin", "unitOfMeasure": {"unit": "kWh"}}
    told = {
        "eventType": "Started",
        "seqNo": 0,
        "timestamp": at,
        "triggerReason": "CablePluggedIn",
        "transactionInfo": {"transactionId": "t", "chargingState": "EVConnected", "remoteStartId": 9},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": "TAG", "type": "Central"},
        "meterValue": [{"timestamp": at, "sampledValue": [begin]}],
    }
    fact = {
        "transaction_id": "t",
        "evse": 1,
        "id_token": "TAG",
        "meter_start_wh": 1500,
        "started_at": at,
        "status": "Accepted",
        "command_id": None,
        "connector": 1,
        "seq_no": 0,
        "remote_start_id": 9,
        "charging_state": "EVConnected",
        "offline": False,
        "late": False,
    }
    reading = {"value": "1.5", "context": "Transaction.Begin", "unit": "kWh", "multiplier": 0}
    sample = {"evse": 1, "transaction_id": "t", "sampled_at": at, "energy_wh": 1500, "power_w": None, "voltage_v": None}
    story.frames += 1
    story.frame("csms.received", [2, f"s{story.frames}", "TransactionEvent", told])
    story.append(("MeterSampled", {**sample, "readings": [reading]}), stream=f"meter-{STATION}-t")
    story.append((type, {**fact, **kept}))
    answer = {"idTokenInfo": {"status": "Accepted"}} if reply is None else reply
    story.frame("csms.sent", [3, f"s{story.frames}", answer])
    return story.rest()


@holds("I35")
def a_start_of_2_0_1_as_it_was_told() -> History:
    return told_201({})


@breaks("I35")
def another_charging_state() -> History:
    return told_201({"charging_state": "Charging"})


@breaks("I35")
def another_remote_start() -> History:
    return told_201({"remote_start_id": None})


@breaks("I35")
def another_register() -> History:
    return told_201({"meter_start_wh": 2})


@breaks("I35")
def its_card_answered_otherwise() -> History:
    return told_201({}, {"idTokenInfo": {"status": "Blocked"}})


@breaks("I10")
def told_again_and_refused() -> History:
    story = Story().command(steps=ANSWERED)
    return story.command(steps=("asked", "answered"), attempt=2, answer="refused", reason="it was before").rest()


@holds("I10")
def told_again_and_known() -> History:
    return Story().command(steps=ANSWERED).command(steps=("asked", "answered"), attempt=2, answer="known").rest()


@breaks("I35")
def kilowatt_hours_taken_for_watt_hours() -> History:
    story = Story().charge(steps=("begun", "started"))
    story.sample(1, 7, 2, {"value": "2", "unit": "kWh"})
    return story.rest()


@holds("I35")
def kilowatt_hours_as_watt_hours() -> History:
    story = Story().charge(steps=("begun", "started"))
    story.sample(1, 7, 2000, {"value": "2", "unit": "kWh"})
    return story.rest()


@breaks("I36")
def ended_elsewhere() -> History:
    story = Story().charge(steps=("begun", "started"), connector=2)
    return story.charge(steps=("stopped",), connector=1).rest()


@breaks("I36")
def metered_elsewhere() -> History:
    story = Story().charge(steps=("begun", "started"), connector=2)
    story.sample(2, 7, 1100, {"value": "1100"}, evse=1)
    return story.rest()


@breaks("I36")
def put_down_to_a_start_of_another_connector() -> History:
    story = Story().wait(10).command(asked={**START, "evse": 2}, steps=ANSWERED)
    return story.charge(message_id="c1").rest()


@holds("I36")
def ended_where_it_began() -> History:
    return Story().charge(connector=2).rest()


# --- what is answered ------------------------------------------------------------------------------------------------


def authorized(status: str, *, wait_s: float = 0.0, token: str = "CARD") -> History:
    """A card that is Accepted, then Blocked from a moment on, shown `wait_s` later."""
    story = Story().wait(10)
    for word in ("Accepted", "Blocked"):
        registered = {"id_token": "CARD", "status": word, "parent": None}
        story.append(("TokenRegistered", registered), stream="tokens")
        story.wait(20)
    story.wait(wait_s)
    story.report("Authorize", {"idTag": token}, {"idTagInfo": {"status": status}})
    return story.rest()


@breaks("I37")
def a_blocked_card_is_accepted() -> History:
    return authorized("Accepted")


@breaks("I37")
def a_card_in_other_letters_is_another() -> History:
    return authorized("Accepted", token="card")


@holds("I37")
def a_blocked_card_is_blocked() -> History:
    return authorized("Blocked")


@breaks("I37")
def told_the_wrong_time() -> History:
    story = Story()
    story.report("Heartbeat", {}, {"currentTime": story.iso(story.now - 30.0)})
    return story.rest()


@breaks("I37")
def another_interval() -> History:
    story = Story()
    told = {"chargePointVendor": "v", "chargePointModel": "m"}
    story.report("BootNotification", told, {"status": "Accepted", "currentTime": story.iso(), "interval": 7})
    return story.rest()


@breaks("I37")
def answered_twice() -> History:
    story = Story()
    story.report("Heartbeat", {}, {})
    story.frame("csms.sent", [3, f"s{story.frames}", {"currentTime": story.iso()}])
    return story.rest()


@breaks("I37")
def an_error_to_what_can_be_read() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.frame("csms.sent", [4, "x1", "InternalError", "", {}])
    return story.rest()


@breaks("I37")
def never_answered() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    return story.rest()


@holds("I37")
def not_answered_by_a_node_that_fell() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    return story.rest()


def unanswered_beside(fault: str, node: int = 1, ended_s: float = 5.0, asked_s: float = 40.0) -> History:
    """A fault of a node's store stands from second 1 to `ended_s`; a heartbeat at `asked_s` has no answer."""
    story = Story().wait(1)
    about = {"fault": fault, "id": "f", "node": node}
    story.see("fault.begun", **about)
    story.silence(min(ended_s, asked_s))
    if ended_s < asked_s:
        story.see("fault.ended", **about)
        story.silence(asked_s - ended_s)
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    if ended_s >= asked_s:
        story.silence(ended_s - asked_s)
        story.see("fault.ended", **about)
    story.silence(60.0)
    story.report("Heartbeat", {}, {})
    return story.rest()


@holds("I37")
def not_answered_while_the_disk_was_full() -> History:
    return unanswered_beside("full_disk", ended_s=60.0)


@holds("I37")
def not_answered_right_behind_a_full_disk() -> History:
    return unanswered_beside("full_disk", ended_s=35.0)


@breaks("I37")
def not_answered_long_after_a_full_disk() -> History:
    return unanswered_beside("full_disk")


@breaks("I37")
def not_answered_while_another_nodes_disk_was_full() -> History:
    return unanswered_beside("full_disk", node=2, ended_s=60.0)


@breaks("I37")
def not_answered_long_after_acknowledgements_got_lost() -> History:
    return unanswered_beside("lossy_store")


@breaks("I37")
def not_answered_long_after_something_broke_off() -> History:
    return unanswered_beside("break_off_at")


def unconfirmed(stream: str, before_s: float) -> History:
    """An append of a stream is not confirmed; so much later a heartbeat has no answer."""
    story = Story().wait(1)
    story.see("append.unconfirmed", node=NODE, stream=stream, ids=["x"])
    story.silence(before_s)
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.silence(60.0)
    return story.rest()


@holds("I37")
def not_answered_as_it_was_not_confirmed() -> History:
    return unconfirmed(f"station-{STATION}", 1.0)


@breaks("I37")
def not_answered_as_something_else_was_not_confirmed() -> History:
    return unconfirmed("station-CP99", 1.0)


@breaks("I37")
def not_answered_although_confirmed_again() -> History:
    return unconfirmed(f"station-{STATION}", 30.0)


@breaks("I37")
def not_answered_by_a_node_that_was_started_again() -> History:
    story = Story()
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="node crashed")
    story.see("node.started", node=NODE, incarnation=2)
    story.online()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.silence(60.0)
    return story.rest()


# --- an accepted command leaves --------------------------------------------------------------------------------------


@breaks("I38")
def accepted_and_never_sent() -> History:
    story = Story().wait(10).command(steps=LEFT_OUT).wait(31)
    story.outcome("CommandInDoubt")
    story.wait(130)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I38")
def sent_late() -> History:
    return Story().wait(10).command(steps=LEFT_OUT).wait(5).command(steps=ANSWERED[3:]).rest()


def late_beside_a_full_disk(node: int, ended_s: float) -> History:
    story = Story().wait(10)
    disk = {"fault": "full_disk", "id": "f", "node": node}
    story.see("fault.begun", **disk)
    story.wait(ended_s)
    story.see("fault.ended", **disk)
    story.wait(20 - ended_s)
    story.command(steps=LEFT_OUT).wait(5).command(steps=ANSWERED[3:])
    return story.wait(20).command("c2", "r2", asked=UNLOCK_2).rest()  # with nothing in the way


@holds("I38")
def sent_late_by_a_node_whose_disk_was_full() -> History:
    return late_beside_a_full_disk(1, 19)


@breaks("I38")
def sent_late_although_the_disk_had_room_again() -> History:
    return late_beside_a_full_disk(1, 5)


@breaks("I38")
def sent_late_while_the_disk_of_another_node_was_full() -> History:
    return late_beside_a_full_disk(2, 19)


@holds("I38")
def sent_after_the_one_before_it() -> History:
    story = Story().wait(10).command("c1", steps=ANSWERED[:6]).command("c2", "r2", asked=UNLOCK_2, steps=LEFT_OUT)
    story.wait(5).command("c1", steps=("replied", "outcome"))
    return story.command("c2", "r2", asked=UNLOCK_2, steps=ANSWERED[3:]).rest()


@breaks("I38")
def the_later_one_first() -> History:
    story = Story().wait(10).command("c1", steps=LEFT_OUT).command("c2", "r2", asked=UNLOCK_2, steps=ANSWERED)
    return story.command("c1", steps=ANSWERED[3:]).rest()


@holds("I38")
def the_connection_was_gone() -> History:
    story = Story().wait(10)
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="cut")
    story.command(steps=LEFT_OUT)
    story.outcome("CommandRefuted")
    return story.rest()


@breaks("I38")
def it_doubts_what_it_did_not_send() -> History:
    story = Story().wait(10)
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="cut")
    story.command(steps=LEFT_OUT).wait(31)
    story.outcome("CommandInDoubt")
    story.wait(130)
    story.outcome("CommandUnknown")
    return story.rest()


# --- a command's life ------------------------------------------------------------------------------------------------


def doubted(asked: dict[str, Any] = UNLOCK, wait_s: float = 31.0) -> Story:
    """A command without an answer that is in doubt some seconds after it was sent."""
    story = Story().wait(10).command(asked=asked, steps=ANSWERED[:6]).wait(wait_s)
    story.outcome("CommandInDoubt")
    return story


@holds("I39")
def answered_as_it_was_meant() -> History:
    return Story().wait(10).command(steps=ANSWERED).rest()


@breaks("I39")
def accepted_without_an_answer() -> History:
    return Story().wait(10).command().rest()


@breaks("I39")
def a_no_taken_for_a_yes() -> History:
    return Story().wait(10).command(steps=ANSWERED, status="UnlockFailed").rest()


@holds("I39")
def a_no_taken_for_a_no() -> History:
    return Story().wait(10).command(steps=ANSWERED, status="UnlockFailed", outcome="CommandRejected").rest()


@breaks("I39")
def an_error_taken_for_a_no() -> History:
    story = Story().wait(10).command(steps=ANSWERED[:6])
    story.frame("csms.received", [4, "c1", "InternalError", "", {}])
    story.outcome("CommandRejected", status="InternalError")
    return story.rest()


@holds("I39")
def an_error_that_says_no() -> History:
    story = Story().wait(10).command(steps=ANSWERED[:6])
    story.frame("csms.received", [4, "c1", "NotSupported", "", {}])
    story.outcome("CommandRejected", status="NotSupported")
    return story.rest()


@breaks("I39")
def doubted_too_soon() -> History:
    return doubted(wait_s=5).rest()


@holds("I39")
def doubted_when_the_line_broke() -> History:
    story = Story().wait(10).command(steps=ANSWERED[:6])
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="cut")
    story.outcome("CommandInDoubt")
    return story.rest()


def overdue_beside(fault: str | None, node: int = 1, begun_s: float = 1.0, ended_s: float = 5.0) -> History:
    """A command that is only requested for 100 s; a fault of a node's store stands from one second to another."""
    story, about = Story(), {"fault": fault, "id": "f", "node": node}
    moments = [(20.0, "asked")] + ([(begun_s, "fault.begun"), (ended_s, "fault.ended")] if fault else [])
    for at_s, what in sorted(moments):
        story.silence(max(0.0, at_s - story.now))
        if what == "asked":
            story.command(steps=LEFT_OUT)
        else:
            story.see(what, **about)
    story.silence(120.0)
    story.outcome("CommandInDoubt")
    return story.wait(200).rest()


@breaks("I39")
def only_requested_for_long() -> History:
    return overdue_beside(None)


@holds("I39")
def only_requested_while_the_disk_was_full() -> History:
    return overdue_beside("full_disk", begun_s=30.0, ended_s=60.0)


@breaks("I39")
def only_requested_long_after_a_full_disk() -> History:
    return overdue_beside("full_disk")


@breaks("I39")
def only_requested_while_another_nodes_disk_was_full() -> History:
    return overdue_beside("full_disk", node=2, begun_s=30.0, ended_s=60.0)


@holds("I39")
def only_requested_while_acknowledgements_got_lost() -> History:
    return overdue_beside("lossy_store", begun_s=30.0, ended_s=60.0)


@breaks("I39")
def only_requested_before_acknowledgements_got_lost() -> History:
    return overdue_beside("lossy_store", begun_s=100.0, ended_s=130.0)


@breaks("I39")
def given_up_too_soon() -> History:
    story = doubted()
    story.outcome("CommandUnknown")
    return story.rest()


@holds("I39")
def given_up_when_nothing_can_come_any_more() -> History:
    story = doubted().wait(130)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I39")
def refuted_without_asking() -> History:
    story = doubted(asked=START).wait(130)
    story.outcome("CommandRefuted")
    return story.rest()


def asked_about(then: str | None, word: str = "Available") -> History:
    """A start in doubt whose probe is answered; the station then says that the connector is `word`."""
    story = doubted(asked=START).wait(125)
    probe = {"kind": "Probe", "evse": 1}
    story.command("c2", "probe:c1:1", asked=probe, steps=("intent", "called", "obeyed", "replied"), status="Accepted")
    story.outcome("CommandAccepted", "c2", "Accepted")
    story.status(1, word)
    if then:
        story.outcome(then)
    return story.wait(300).rest()


@breaks("I39")
def shown_that_nothing_began_and_left_open() -> History:
    return asked_about(None)


@breaks("I39")
def shown_that_nothing_began_and_unknown() -> History:
    return asked_about("CommandUnknown")


@holds("I39")
def the_connector_is_in_use_and_proves_nothing() -> History:
    return asked_about("CommandUnknown", "Preparing")


@breaks("I39")
def refuted_though_it_left() -> History:
    story = Story().wait(10).command(steps=ANSWERED[:6])
    story.outcome("CommandRefuted")
    return story.rest()


@breaks("I39")
def lapsed_before_anybody_could_plug_in() -> History:
    story = Story().wait(10).command(asked=START, steps=ANSWERED).wait(20)
    story.outcome("CommandLapsed")
    return story.rest()


@breaks("I39")
def settled_twice() -> History:
    story = Story().wait(10).command(steps=ANSWERED)
    story.outcome("CommandRejected", status="Unlocked")
    return story.rest()


@breaks("I39")
def confirmed_by_nothing() -> History:
    story = doubted(asked=START)
    story.outcome("CommandConfirmed")
    return story.rest()


@breaks("I39")
def another_deadline() -> History:
    return Story().wait(10).command(steps=ANSWERED, deadline_s=2.0).rest()


@breaks("I39")
def left_alone_after_its_deadline() -> History:
    story = Story().wait(10).command(steps=ANSWERED[:6]).wait(100)
    story.outcome("CommandInDoubt")
    return story.rest()


@breaks("I39")
def unknown_though_the_transaction_ended() -> History:
    stop = {"kind": "RemoteStop", "transaction_id": "7"}
    story = Story().wait(10).charge(steps=("begun", "started")).command(asked=stop, steps=ANSWERED[:5])
    story.charge(steps=("ended", "stopped")).wait(31)
    story.outcome("CommandInDoubt")
    story.wait(130)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I40")
def a_start_nobody_is_given_credit_for() -> History:
    return Story().wait(10).command(asked=START, steps=ANSWERED).charge().rest()


@holds("I40")
def a_start_that_was_waited_for() -> History:
    return Story().wait(10).command(asked=START, steps=ANSWERED).charge(message_id="c1").rest()


@holds("I40")
def a_card_of_somebody_else() -> History:
    return Story().wait(10).command(asked={**START, "id_token": "OTHER"}, steps=ANSWERED).charge().rest()
