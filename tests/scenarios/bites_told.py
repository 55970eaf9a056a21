"""Histories in which what a station was sent or what it reported is not what the log holds, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, NODE, START, STATION, UNLOCK, Story

UNLOCK_2: dict[str, Any] = {"kind": "Unlock", "evse": 2, "connector": 1}

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
