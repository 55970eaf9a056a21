"""Histories of a command from its acceptance to its outcome: sent late, never, or settled without a reason."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, NODE, START, STATION, UNLOCK, Story

UNLOCK_2: dict[str, Any] = {"kind": "Unlock", "evse": 2, "connector": 1}
LEFT_OUT = tuple(step for step in ANSWERED if step not in ("called", "obeyed", "moved", "replied", "outcome"))

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


def doubted(asked: dict[str, Any] = UNLOCK, wait_s: float = 31.0, **rules: Any) -> Story:
    """A command without an answer that is in doubt some seconds after it was sent."""
    story = Story(**rules).wait(10).command(asked=asked, steps=ANSWERED[:6]).wait(wait_s)
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


def asked_after(wait_s: float, *, number: int = 1, accepted: bool = False) -> History:
    """A start in doubt, or an accepted one, about which a station is asked so long after that."""
    rules = {"probes": 3, "probing_s": 180.0}
    if accepted:
        story = Story(**rules).wait(10).command(asked=START, steps=ANSWERED).wait(wait_s)
    else:
        story = doubted(asked=START, **rules).wait(wait_s)
    probe = {"kind": "Probe", "evse": 1}
    steps = ("intent", "called", "obeyed", "replied")
    story.command("c2", f"probe:c1:{number}", asked=probe, steps=steps, status="Accepted")
    story.outcome("CommandAccepted", "c2", "Accepted")
    story.status(1, "Preparing")
    return story.rest(quiet_s=0.0)


@holds("I39")
def asked_about_when_no_effect_may_come_any_more() -> History:
    return asked_after(125)


@holds("I39")
def asked_about_a_third_time_after_two_pauses() -> History:
    return asked_after(245, number=3)


@holds("I39")
def asked_about_when_its_window_is_over() -> History:
    return asked_after(95, accepted=True)


@breaks("I39")
def asked_about_while_an_effect_may_come() -> History:
    return asked_after(60)


@breaks("I39")
def asked_about_a_third_time_without_a_pause() -> History:
    return asked_after(130, number=3)


@breaks("I39")
def asked_about_once_too_often() -> History:
    return asked_after(305, number=4)


@breaks("I39")
def asked_about_before_its_window_is_over() -> History:
    return asked_after(60, accepted=True)


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


def shown_by_an_update(command_id: str | None) -> History:
    """A start of 2.0.1 in doubt is confirmed right after an update of a session that ran already."""
    story = doubted(asked={**START, "remote_start_id": 11})
    update = {"transaction_id": "7", "seq_no": 2, "trigger": "RemoteStart", "evse": 1, "id_token": "TAG"}
    story.append(
        ("TransactionUpdated", {**update, "command_id": command_id}),
        ("CommandConfirmed", {"command_id": "c1", "evidence": "transaction 7 carries its id"}),
    )
    return story.rest()


@holds("I39")
def confirmed_by_an_update_with_its_id() -> History:
    return shown_by_an_update("c1")


@breaks("I39")
def confirmed_by_an_update_of_another() -> History:
    return shown_by_an_update(None)


def unlock_told_of(*more: tuple[str, Any], later: bool = False, phase: str = "CommandUnknown") -> History:
    """An unlock of 2.0.1 that was given up; then its transaction tells of an unlock."""
    story = Story().charge(steps=("begun", "started")).command(asked=UNLOCK, steps=ANSWERED[:6])
    story.silence(31)
    story.outcome("CommandInDoubt")
    if phase == "CommandUnknown":
        story.silence(130)
        story.outcome("CommandUnknown")
    if later:
        story.command("c2", "r2", asked=UNLOCK, steps=ANSWERED)
    update = {"transaction_id": "7", "seq_no": 2, "trigger": "UnlockCommand", "evse": 1, "id_token": None}
    story.append(("TransactionUpdated", {**update, "command_id": None}), *more)
    return story.rest()


TOLD_OF = ("CommandConfirmed", {"command_id": "c1", "evidence": "its transaction reports an unlock"})


@holds("I39")
def an_unlock_given_up_is_told_of() -> History:
    return unlock_told_of(TOLD_OF)


@breaks("I39")
def an_unlock_given_up_is_told_of_for_nothing() -> History:
    return unlock_told_of()


@holds("I39")
def a_later_unlock_may_be_what_is_told_of() -> History:
    return unlock_told_of(later=True)


@breaks("I39")
def an_unlock_in_doubt_is_told_of_whatever_came_later() -> History:
    return unlock_told_of(later=True, phase="CommandInDoubt")
