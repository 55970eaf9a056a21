"""Histories about what operators do by hand and what cannot be so, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, STATION, Story


def doubted(*, against: str | None = None, closed: bool = True, doubt: bool = True, said: str = "no") -> History:
    story = Story().command(steps=ANSWERED[:4])
    if doubt:
        story.silence(31)
        story.outcome("CommandInDoubt")
    about = {"station": STATION, "command_id": "c1", "statement": "no"}
    story.see("doubt.closing", **about)
    if closed:
        story.append(("CommandClosed", {"command_id": "c1", "statement": said}))
    story.see("doubt.closed", **about, against=against)
    return story.rest()


@holds("I44")
def a_doubt_is_closed_by_hand() -> History:
    return doubted()


@holds("I44")
def what_is_no_doubt_is_not_closed() -> History:
    return doubted(doubt=False, closed=False, against="it is requested")


@breaks("I44")
def a_doubt_is_called_closed_and_is_not() -> History:
    return doubted(closed=False)


@breaks("I44")
def another_statement_is_kept() -> History:
    return doubted(said="yes")


@breaks("I44")
def what_is_no_doubt_is_closed() -> History:
    return doubted(doubt=False)


@breaks("I44")
def a_doubt_cannot_be_closed() -> History:
    return doubted(closed=False, against="not remembered")


@breaks("I44")
def one_that_could_not_be_closed_is() -> History:
    return doubted(against="not remembered")


def looked_up(phase: str | None) -> History:
    story = Story().command(steps=ANSWERED)
    story.see("phase.asked", station=STATION, command_id="c1")
    story.see("phase.told", station=STATION, command_id="c1", phase=phase)
    return story.rest()


@holds("I44")
def it_is_told_as_it_stands() -> History:
    return looked_up("accepted")


@breaks("I44")
def it_is_told_to_be_open() -> History:
    return looked_up("requested")


@breaks("I44")
def it_is_told_that_nobody_asked() -> History:
    return looked_up(None)


# --- insisting -------------------------------------------------------------------------------------------------------


@breaks("I13")
def it_is_forced_and_nobody_insisted() -> History:
    story = Story().command("c1", "r1", steps=ANSWERED[:4]).command("c2", "r2", steps=("asked", "intent"))
    story.log[-1]["data"]["forced"] = "it is held"
    return story.rest()


@breaks("I15")
def who_insists_is_refused() -> History:
    story = Story().command("c1", "r1", steps=ANSWERED[:4])
    about = {"request_id": "r2", "attempt": 1, "node": "node1", "station": STATION, "force": True}
    story.see("request.asked", **about, command={"kind": "Unlock", "evse": 1, "connector": 1})
    story.see("request.answered", **about, answer="refused", command_id=None, reason="it is held")
    return story.rest()


# --- what cannot be so -----------------------------------------------------------------------------------------------

BACKWARDS = ("AnomalyRecorded", {"what": "meter ran backwards", "detail": "7: 1000 Wh, then 900 Wh"})


def stopped(*anomalies: tuple[str, dict[str, Any]], stop_wh: int = 900) -> History:
    story = Story().charge(steps=("begun", "started", "ended"))
    stop = {"transaction_id": "7", "evse": 1, "meter_stop_wh": stop_wh, "stopped_at": None, "reason": "Local"}
    story.append(*anomalies, ("TransactionStopped", {**stop, "id_token": None}))
    return story.rest()


@holds("I45")
def a_meter_that_ran_backwards_is_kept_beside() -> History:
    return stopped(BACKWARDS)


@holds("I45")
def a_meter_that_ran() -> History:
    return stopped(stop_wh=1500)


@breaks("I45")
def a_meter_that_ran_backwards_is_not_noticed() -> History:
    return stopped()


@breaks("I45")
def a_meter_that_ran_is_called_impossible() -> History:
    return stopped(BACKWARDS, stop_wh=1500)


@breaks("I45")
def it_is_kept_with_other_numbers() -> History:
    return stopped(("AnomalyRecorded", {**BACKWARDS[1], "detail": "7: 900 Wh, then 1000 Wh"}))


@breaks("I45")
def a_second_start_is_not_noticed() -> History:
    return Story().charge(steps=("begun", "started")).charge("s2", ("begun", "started"), transaction=8).rest()


@breaks("I45")
def the_same_stop_is_called_another() -> History:
    story = Story().charge()
    story.append(("AnomalyRecorded", {"what": "transaction stopped differently", "detail": "7: 1500 Wh, then 1500 Wh"}))
    return story.rest()


@breaks("I45")
def the_stop_of_a_known_one_is_called_unknown() -> History:
    story = Story().charge()
    story.append(("AnomalyRecorded", {"what": "stop of no known transaction", "detail": "7 at 1500 Wh"}))
    return story.rest()


# --- keys ------------------------------------------------------------------------------------------------------------


def reported(kept: Any) -> History:
    story = Story().wait(10)
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    told = {"requestId": 1, "reportData": [{**variable, "variableAttribute": [{"value": "open-sesame-now"}]}]}
    notice = {"action": "NotifyReport", "payload": {"value": kept}, "reported_at": None}
    story.report("NotifyReport", told, {}, ("NoticeReceived", notice))
    return story.rest()


@holds("I46")
def a_key_is_left_out() -> History:
    return reported("")


@breaks("I46")
def a_key_is_in_the_log() -> History:
    return reported("open-sesame-now")


@breaks("I46")
def a_key_in_an_answer_is_in_the_log() -> History:
    story = Story().wait(10)
    story.frame("csms.received", [3, "c1", {"configurationKey": [{"key": "authorizationKEY", "value": "open-sesame"}]}])
    story.append(("AnomalyRecorded", {"what": "x", "detail": "open-sesame"}))
    return story.rest()
