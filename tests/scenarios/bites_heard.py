"""Histories about what left a trace, how silence is dated, and the same told in other words, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, NODE, START, STATION, UNLOCK, Story

NOBODY = "c" + "0" * 30


def anomaly(what: str, detail: str = "x") -> tuple[str, Any]:
    return "AnomalyRecorded", {"what": what, "detail": detail}


def text(story: Story, said: str) -> Story:
    story.see("frame", edge="csms.received", station=STATION, socket=story.epoch, node=NODE, text=said)
    story.heard = story.now
    return story


def called(story: Story, action: str, payload: Any, answer: list[Any], *kept: tuple[str, Any]) -> Story:
    """A CALL of the station, what is kept of it, and the rest of the frame that answers it."""
    story.frames += 1
    story.frame("csms.received", [2, f"s{story.frames}", action, payload])
    if kept:
        story.append(*kept)
    story.frame("csms.sent", [answer[0], f"s{story.frames}", *answer[1:]])
    return story


# --- nothing vanishes ------------------------------------------------------------------------------------------------


@breaks("I41")
def a_text_is_dropped() -> History:
    return text(Story().wait(10), "no JSON").rest()


@holds("I41")
def a_text_is_kept() -> History:
    story = text(Story().wait(10), "no JSON")
    story.append(anomaly("malformed frame"))
    return story.rest()


@breaks("I41")
def an_answer_to_nothing_is_dropped() -> History:
    return text(Story().wait(10), f'[3,"{NOBODY}",{{}}]').rest()


@holds("I41")
def an_answer_to_nothing_is_kept() -> History:
    story = text(Story().wait(10), f'[3,"{NOBODY}",{{}}]')
    story.append(anomaly("answer to no known command"))
    return story.rest()


REFUSED = [4, "NotImplemented", "", {}]


@breaks("I41")
def a_refusal_is_forgotten() -> History:
    return called(Story().wait(10), "NoSuchAction", {}, REFUSED).rest()


@breaks("I41")
def a_refusal_is_kept_too_late() -> History:
    story = called(Story().wait(10), "NoSuchAction", {}, REFUSED)
    story.append(anomaly("refused call", "NoSuchAction was answered NotImplemented, x"))
    return story.rest()


@holds("I41", "I37")
def a_refusal_is_kept() -> History:
    kept = anomaly("refused call", "NoSuchAction was answered NotImplemented, x")
    return called(Story().wait(10), "NoSuchAction", {}, REFUSED, kept).rest()


VENDOR = {"status": "UnknownVendorId"}


@breaks("I41")
def a_deviation_is_forgotten() -> History:
    return called(Story().wait(10), "DataTransfer", {}, [3, VENDOR]).rest()


@holds("I41", "I37")
def a_deviation_is_kept() -> History:
    deviation = {"action": "DataTransfer", "member": "vendorId", "rule": "required", "clause": "x", "example": ""}
    return called(Story().wait(10), "DataTransfer", {}, [3, VENDOR], ("DeviationRecorded", deviation)).rest()


def contradicted(*kept: tuple[str, Any]) -> History:
    """A command that was accepted, and then is answered with a no."""
    story = Story().wait(10).command(steps=ANSWERED)
    story.frame("csms.received", [3, "c1", {"status": "UnlockFailed"}])
    if kept:
        story.append(*kept)
    return story.rest()


@breaks("I41")
def a_second_answer_is_dropped() -> History:
    return contradicted()


@holds("I41")
def a_second_answer_stands_beside_the_first() -> History:
    return contradicted(("ContradictingEvidence", {"command_id": "c1", "recorded": "x", "observed": "UnlockFailed"}))


# --- silence is dated ------------------------------------------------------------------------------------------------


@breaks("I42")
def last_seen_when_nothing_was_heard() -> History:
    story = Story().wait(30).silence(61)
    story.offline(last_seen=story.now - 30.0)
    return story.rest()


@breaks("I42")
def noticed_when_it_was_twice_over() -> History:
    story = Story().wait(30).silence(121)
    story.offline()
    return story.rest()


@holds("I42")
def noticed_when_it_was_over() -> History:
    story = Story().wait(30).silence(51)
    story.offline()
    return story.rest()


@holds("I42")
def a_sweep_comes_later() -> History:
    story = Story(offline_timer="polled").wait(30).silence(75)
    story.offline()
    return story.rest()


# --- in other words --------------------------------------------------------------------------------------------------


@breaks("I43")
def another_record() -> History:
    story = Story()
    story.see("retold", relation="spaced", expected="one", found="another")
    return story.rest()


@holds("I43")
def the_same_record() -> History:
    story = Story()
    story.see("retold", relation="spaced", expected=None, found=None)
    return story.rest()


# --- what is answered ------------------------------------------------------------------------------------------------


@breaks("I37")
def a_vendor_nobody_knows_is_accepted() -> History:
    return called(Story().wait(10), "DataTransfer", {"vendorId": "v"}, [3, {"status": "Accepted"}]).rest()


@breaks("I37")
def an_action_nobody_knows_is_taken() -> History:
    return called(Story().wait(10), "NoSuchAction", {}, [3, {}]).rest()


@breaks("I37")
def an_error_that_names_another_rule() -> History:
    wrong = [4, "TypeConstraintViolation", "", {}]
    return called(Story().wait(10), "StatusNotification", {"connectorId": 1}, wrong).rest()


@breaks("I37")
def an_error_to_what_is_right() -> History:
    wrong = [4, "InternalError", "", {}]
    return called(Story().wait(10), "FirmwareStatusNotification", {"status": "Installed"}, wrong).rest()


@breaks("I37")
def more_than_was_asked() -> History:
    told = {"transactionId": 7, "meterStop": 1, "timestamp": "2026-01-01T00:00:07Z"}
    return called(Story().wait(10), "StopTransaction", told, [3, {"idTagInfo": {"status": "Accepted"}}]).rest()


def grouped(info: dict[str, Any]) -> History:
    """A card of a group is shown, and is answered so."""
    story = Story().wait(10)
    story.append(("TokenRegistered", {"id_token": "CARD", "status": "Accepted", "parent": "Group"}), stream="tokens")
    return called(story.wait(20), "Authorize", {"idTag": "card"}, [3, {"idTagInfo": info}]).rest()


@breaks("I37")
def the_group_is_left_out() -> History:
    return grouped({"status": "Accepted"})


@breaks("I37")
def the_group_is_the_card() -> History:
    return grouped({"status": "Accepted", "parentIdTag": "CARD"})


@holds("I37")
def the_group_is_told() -> History:
    return grouped({"status": "Accepted", "parentIdTag": "Group"})


# --- what is read ----------------------------------------------------------------------------------------------------


def phases(power_w: float | None, **how: str) -> History:
    """Power told by phases, and what is kept as the whole."""
    story = Story().charge(steps=("begun", "started"))
    value = {"timestamp": story.iso()}
    readings = [
        {"value": str(n), "measurand": "Power.Active.Import", "phase": f"L{n}", "unit": "W", **how} for n in (1, 2, 3)
    ]
    kept = {"evse": 1, "transaction_id": "7", "sampled_at": value["timestamp"], "readings": readings}
    payload = {"connectorId": 1, "transactionId": 7, "meterValue": [{**value, "sampledValue": readings}]}
    story.frames += 1
    story.frame("csms.received", [2, f"s{story.frames}", "MeterValues", payload])
    numbers = {"energy_wh": None, "power_w": power_w, "voltage_v": None}
    story.append(("MeterSampled", {**kept, **numbers}), stream=f"meter-{STATION}-7")
    story.frame("csms.sent", [3, f"s{story.frames}", {}])
    return story.rest()


@breaks("I35")
def one_phase_for_all() -> History:
    return phases(3.0)


@holds("I35")
def the_sum_of_the_phases() -> History:
    return phases(6.0)


@breaks("I35")
def what_flows_into_the_station() -> History:
    return phases(6.0, location="Inlet")


@holds("I35")
def nothing_of_the_outlet() -> History:
    return phases(None, location="Inlet")


# --- the life of a command -------------------------------------------------------------------------------------------


def ended(*more: tuple[str, Any]) -> History:
    """A stop in doubt whose transaction ends."""
    story = Story().charge(steps=("begun", "started"))
    stop = {"kind": "RemoteStop", "transaction_id": "7"}
    story.command(asked=stop, steps=("asked", "intent", "answered", "called", "obeyed"))
    story.silence(31)
    story.outcome("CommandInDoubt")
    story.charge(steps=("ended", "stopped"))
    if more:
        story.append(*more)
    return story.rest()


@breaks("I39")
def its_end_confirms_nothing() -> History:
    return ended()


@holds("I39")
def its_end_confirms_it() -> History:
    story = Story().charge(steps=("begun", "started"))
    stop = {"kind": "RemoteStop", "transaction_id": "7"}
    story.command(asked=stop, steps=("asked", "intent", "answered", "called", "obeyed"))
    story.silence(31)
    story.outcome("CommandInDoubt")
    fact = {"transaction_id": "7", "evse": 1, "meter_stop_wh": 1500, "stopped_at": None, "reason": "Local"}
    story.append(
        ("TransactionStopped", {**fact, "id_token": "TAG"}),
        ("CommandConfirmed", {"command_id": "c1", "evidence": "transaction 7 ended"}),
    )
    return story.rest()


@breaks("I39")
def a_boot_of_its_own_confirms_a_reset() -> History:
    story = Story().wait(10).command(asked={"kind": "Reset", "hard": True}, steps=ANSWERED[:-2])
    story.silence(31)
    story.outcome("CommandInDoubt")
    story.outcome("CommandConfirmed")
    return story.rest()


@breaks("I39")
def it_asks_about_another_place() -> History:
    story = Story().wait(10).command(asked=START, steps=ANSWERED[:-2])
    story.silence(31)
    story.outcome("CommandInDoubt")
    story.command("c2", "probe:c1:1", asked={"kind": "Probe", "evse": 2}, steps=("intent",))
    return story.rest()


@breaks("I39")
def given_up_before_it_was_asked_about() -> History:
    story = Story(probing_s=180.0).wait(10).command(asked=START, steps=ANSWERED[:-2])
    story.silence(31)
    story.outcome("CommandInDoubt")
    story.silence(121)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I39")
def what_it_said_is_not_kept() -> History:
    story = Story().wait(10).command(asked=UNLOCK, steps=ANSWERED[:-1])
    story.append(("CommandAccepted", {"command_id": "c1", "status": "Unlocked", "answer": {"status": "Accepted"}}))
    return story.rest()
