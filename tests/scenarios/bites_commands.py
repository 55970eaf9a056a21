"""Histories about commands and decisions, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import COMMAND, NODE, START, STATION, Story

RESET = {"kind": "Reset", "hard": False}
ELSEWHERE = {"kind": "RemoteStart", "evse": 2, "id_token": "TAG2"}
NOT_SENT = ("asked", "intent", "answered")
REFUSED = ("asked", "answered")


@holds("I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I10", "I13", "I14", "I19", "I20", "I22", "I30")
def an_unlock() -> History:
    return Story().command().rest()


# --- sent once -------------------------------------------------------------------------------------------------------


@breaks("I01")
def sent_again() -> History:
    return Story().command(steps=(*NOT_SENT, "called", "called", "moved", "obeyed", "outcome")).rest()


@breaks("I01")
def frame_repeated_under_one_call() -> History:
    story = Story().command()
    story.frame("csms.sent", [2, "c1", "UnlockConnector", {}])
    return story.rest()


@breaks("I01")
def frame_of_no_command_repeated() -> History:
    story = Story()
    for _ in range(2):
        story.frame("csms.sent", [2, "x9", "UnlockConnector", {}])
    return story.rest()


# --- done once -------------------------------------------------------------------------------------------------------


@breaks("I02")
def lock_moved_twice_by_one_frame() -> History:
    story = Story().command()
    story.ledger("lock", "unlocked", "c1")
    return story.rest()


@breaks("I02")
def retried_under_a_new_command() -> History:
    story = Story().command("c1", "r1", outcome="CommandUnknown")
    return story.command("c2", "r1", attempt=2).rest()


@breaks("I02")
def moved_twice_and_nobody_knows_why() -> History:
    story = Story()
    for _ in range(2):
        story.ledger("lock", "unlocked", "x9")
    return story.rest()


@holds("I02")
def two_requests_two_unlocks() -> History:
    story = Story().command("c1", "r1").command("c2", "r2")
    story.ledger("lock", "unlocked", None, by="driver")
    return story.rest()


# --- after its intent ------------------------------------------------------------------------------------------------


@breaks("I03")
def sent_then_appended() -> History:
    return Story().command(steps=("asked", "called", "obeyed", "moved", "intent", "answered", "outcome")).rest()


@breaks("I03", "I04")
def sent_and_the_append_lost_its_race() -> History:
    story = Story().command(steps=("asked", "called", "obeyed", "moved"))
    story.lost_race()
    return story.rest()


@breaks("I03")
def frame_of_no_command() -> History:
    story = Story()
    story.frame("csms.sent", [2, "x9", "UnlockConnector", {}])
    return story.rest()


@breaks("I04")
def one_command_two_intents() -> History:
    return Story().command(steps=("asked", "intent", *COMMAND[1:])).rest()


@breaks("I04")
def a_session_nobody_asked_for() -> History:
    return Story().charge(message_id="x9").rest()


@holds("I04", "I07", "I13", "I24")
def a_remote_start() -> History:
    return Story().command(asked=START).charge(message_id="c1").rest()


# --- with a known end ------------------------------------------------------------------------------------------------


@breaks("I05")
def no_outcome() -> History:
    return Story().command(steps=("asked", "intent", "answered", "called", "obeyed", "moved")).rest()


@breaks("I05")
def in_doubt_for_ever() -> History:
    return Story().command(outcome="CommandInDoubt").rest()


@breaks("I05")
def answered_and_called_unknown() -> History:
    story = Story().command(outcome="CommandInDoubt")
    story.frame("csms.received", [3, "c1", {"status": "Unlocked"}])
    story.wait(160)
    story.outcome("CommandUnknown")
    return story.rest()


@holds("I05")
def answered_and_unknown_to_a_node_that_died_over_it() -> History:
    story = Story().command(outcome="CommandInDoubt")
    story.frame("csms.received", [3, "c1", {"status": "Unlocked"}])
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("node.started", node=NODE, incarnation=2)
    story.wait(160)
    story.outcome("CommandUnknown")
    return story.rest()


def outside_and_unknown(after_s: float = 1.0, *, status: str = "Unlocked", moved: bool = False) -> History:
    """A CSMS without a log has a command as unknown that was answered so much later."""
    story = Story(told=["outcomes", "requests"], seen_from="outside").command(outcome="CommandInDoubt")
    story.wait(after_s)
    if moved:
        story.see("socket.opened", station=STATION, socket=story.epoch, node=NODE)
    story.frame("csms.received", [3, "c1", {"status": status}])
    story.wait(160)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I05")
def outside_answered_at_once() -> History:
    return outside_and_unknown()


@holds("I05")
def outside_answered_late() -> History:
    return outside_and_unknown(40.0)


@holds("I05")
def outside_answered_on_another_connection() -> History:
    return outside_and_unknown(moved=True)


@holds("I05")
def outside_answered_with_a_word_that_is_none() -> History:
    return outside_and_unknown(status="Certainly")


def broken_off(*, read: bool) -> History:
    """An answer comes, and a fault breaks off the handling of its connection before or after it was read."""
    story = Story().command(outcome="CommandInDoubt")
    story.frame("csms.received", [3, "c1", {"status": "Unlocked"}])
    if read:
        story.see("point", node=NODE, station=STATION, command_id="c1", point="answer.received")
    story.see("node.broke", node=NODE, how="exception", point="doubt.durable")
    gone = {"edge": "csms", "node": NODE, "station": STATION, "socket": story.epoch, "why": "BrokenOff: doubt.durable"}
    story.history.observe("socket.closed", **gone)  # in the same instant
    story.wait(160)
    story.outcome("CommandUnknown")
    return story.rest()


@holds("I05")
def unread_when_its_connection_broke_off() -> History:
    return broken_off(read=False)


@breaks("I05")
def read_and_lost_before_its_connection_broke_off() -> History:
    return broken_off(read=True)


BEGUN = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-01-01T00:00:10Z"}
LATER = {**BEGUN, "timestamp": "2026-01-01T00:00:20Z"}


def given(transaction: int, status: str = "Accepted") -> dict[str, object]:
    return {"transactionId": transaction, "idTagInfo": {"status": status}}


@breaks("I32")
def a_start_sent_again_is_another_transaction() -> History:
    story = Story()
    story.report("StartTransaction", BEGUN, given(7))
    story.report("StartTransaction", BEGUN, given(8))
    return story.rest()


@breaks("I32")
def a_start_sent_again_is_concurrent() -> History:
    story = Story()
    story.report("StartTransaction", BEGUN, given(7))
    story.report("StartTransaction", BEGUN, given(7, "ConcurrentTx"))
    return story.rest()


@holds("I32")
def a_start_sent_again_gets_its_answer_again() -> History:
    story = Story()
    story.report("StartTransaction", BEGUN, given(7))
    story.report("StartTransaction", BEGUN, given(7))
    story.report("StartTransaction", LATER, given(8))
    return story.rest()


@breaks("I31")
def a_second_call_before_the_first_was_answered() -> History:
    return Story().command("c1").command("c2", "r2").rest()


@holds("I31")
def a_second_call_after_the_first_was_answered() -> History:
    story = Story().command("c1")
    story.frame("csms.received", [3, "c1", {"status": "Unlocked"}])
    return story.command("c2", "r2").rest()


@holds("I31")
def a_second_call_after_the_first_timed_out() -> History:
    return Story().command("c1").wait(30.1).command("c2", "r2").rest()


@holds("I05", "I07")
def doubt_ends_as_unknown() -> History:
    story = Story().command(outcome="CommandInDoubt").wait(160)
    story.outcome("CommandUnknown")
    return story.rest()


# --- which is true ---------------------------------------------------------------------------------------------------


@breaks("I07")
def accepted_and_never_moved() -> History:
    return Story().command(steps=("asked", "intent", "answered", "called", "outcome")).rest()


@breaks("I07")
def rejected_and_moved() -> History:
    return Story().command(outcome="CommandRejected").rest()


@breaks("I07")
def refuted_and_then_done_late() -> History:
    story = Story().command(steps=("asked", "intent", "answered", "called", "outcome"), outcome="CommandRefuted")
    story.ledger("lock", "unlocked", "c1")
    return story.rest()


@breaks("I07")
def wrong_first_and_right_later() -> History:
    story = Story().command(outcome="CommandRejected")
    story.outcome("CommandAccepted")
    return story.rest()


@breaks("I07")
def start_confirmed_by_somebody_elses_card() -> History:
    return Story().command(asked=START, steps=(*NOT_SENT, "called", "outcome"), outcome="CommandConfirmed").rest()


@breaks("I07")
def start_rejected_and_taken() -> History:
    return Story().command(asked=START, outcome="CommandRejected").rest()


@breaks("I07")
def start_refuted_and_begun() -> History:
    steps = (*NOT_SENT, "called", "outcome")
    return Story().command(asked=START, steps=steps, outcome="CommandRefuted").charge(message_id="c1").rest()


@breaks("I07")
def reset_accepted_and_refused_by_the_station() -> History:
    return Story().command(asked=RESET, status="Rejected").rest()


@breaks("I07")
def reset_rejected_and_taken() -> History:
    return Story().command(asked=RESET, outcome="CommandRejected").rest()


def rejected_then_by_card(crash: bool, token: str = START["id_token"]) -> History:
    """A start with `token` is refused, the card of `START` begins a session there, and the CSMS confirms the start."""
    story = Story().command(
        asked={**START, "id_token": token}, steps=(*NOT_SENT, "called", "obeyed"), status="Rejected"
    )
    story.frame("csms.received", [3, "c1", {"status": "Rejected"}])
    if crash:
        story.see("node.crashed", node=NODE)
        story.see("node.started", node=NODE, incarnation=2)
    story.wait(20).charge(steps=("begun", "started")).outcome("CommandConfirmed")
    return story.rest()


@breaks("I07")
def start_confirmed_against_an_answer_that_was_known() -> History:
    return rejected_then_by_card(crash=False)


@holds("I07")
def start_confirmed_after_its_answer_died_with_the_node() -> History:
    return rejected_then_by_card(crash=True)


@holds("I07")
def start_confirmed_by_the_same_card_in_other_letters() -> History:
    return rejected_then_by_card(crash=True, token=START["id_token"].swapcase())


@breaks("I07")
def start_confirmed_by_another_card() -> History:
    return rejected_then_by_card(crash=True, token=START["id_token"] + "0")


def said_otherwise(said: str, about: str = "c1", *, outcome: str = "CommandRejected", first: bool = True) -> History:
    """A lock is opened, or with `CommandAccepted` is not; the connection breaks; then the station answers `said`."""
    opened = outcome == "CommandRejected"
    steps = (*NOT_SENT, "called", "obeyed", "moved") if opened else (*NOT_SENT, "called", "obeyed")
    story = (
        Story()
        .command("c2", "r2", steps=(*NOT_SENT, "called"))
        .command(steps=steps, status="Unlocked" if opened else "UnlockFailed")
    )
    if first:
        story.frame("csms.received", [3, about, {"status": said}])
    story.outcome(outcome, status=said)
    if not first:
        story.frame("csms.received", [3, about, {"status": said}])
    return story.rest()


@holds("I07")
def rejected_as_the_station_said_although_it_had_opened() -> History:
    return said_otherwise("UnlockFailed")


@holds("I07")
def accepted_as_the_station_said_although_it_had_not_opened() -> History:
    return said_otherwise("Unlocked", outcome="CommandAccepted")


@breaks("I07")
def rejected_although_the_station_said_that_it_opened() -> History:
    return said_otherwise("Unlocked")


@breaks("I07")
def rejected_by_the_answer_to_another_command() -> History:
    return said_otherwise("UnlockFailed", "c2")


@breaks("I07")
def rejected_before_the_station_said_so() -> History:
    return said_otherwise("UnlockFailed", first=False)


def equal_unlocks(*outcomes: str, moved: int, error: str = "") -> History:
    """Two equal requests of which the CSMS does not tell the CALLs apart, seen from outside."""
    told = ["outcomes", "requests"]
    story = Story(told=told)
    for number, outcome in enumerate(outcomes, 1):
        story.command(f"c{number}", f"r{number}", steps=("asked", "intent", "answered", "outcome"), outcome=outcome)
    for number in range(1, len(outcomes) + 1):
        about = {"node": "csms", "station": "CP01", "message_id": f"m{number}", "action": "UnlockConnector"}
        story.see("call", **about, command_id=f"m{number}", request_id=None, candidates=["r1", "r2"])
        if number <= moved:
            story.ledger("lock", "unlocked", f"m{number}")
        if error:
            story.frame("csms.received", [4, f"m{number}", error, "", {}])
    return story.rest()


@breaks("I07")
def of_two_equal_commands_more_are_done_than_were() -> History:
    return equal_unlocks("CommandAccepted", "CommandAccepted", moved=1)


@breaks("I07")
def of_two_equal_commands_more_are_refused_than_were() -> History:
    return equal_unlocks("CommandRejected", "CommandRejected", moved=1)


def outside_and_rejected(answer: list[Any]) -> History:
    """A CSMS without a log has a command as rejected that was done, and answered so."""
    story = Story(told=["outcomes", "requests"], seen_from="outside").command(outcome="CommandInDoubt")
    story.frame("csms.received", answer)
    story.outcome("CommandRejected")
    return story.rest()


@holds("I07")
def outside_done_and_answered_with_an_error() -> History:
    return outside_and_rejected([4, "c1", "InternalError", "", {}])


@breaks("I07")
def outside_done_and_rejected() -> History:
    return outside_and_rejected([3, "c1", {"status": "Unlocked"}])


@holds("I07")
def rejected_and_not_done() -> History:
    steps = (*NOT_SENT, "called", "obeyed", "outcome")
    story = Story().command(steps=steps, status="UnlockFailed", outcome="CommandRejected")
    story.command("c2", "r2", asked=START, steps=steps, status="Rejected", outcome="CommandRejected")
    story.command("c3", "r3", asked=RESET, steps=steps, status="Rejected", outcome="CommandRejected")
    return story.rest()


@holds("I07")
def start_taken_in_doubt_and_nothing_came_of_it() -> History:
    return Story().command(asked=START, outcome="CommandRefuted").rest()


# --- decided soundly -------------------------------------------------------------------------------------------------


@breaks("I13", "I14")
def two_holds_on_a_connector() -> History:
    story = Story().command("c1", "r1", steps=NOT_SENT).command("c2", "r2")
    story.outcome("CommandRefuted", "c1")
    return story.rest()


@breaks("I13", "I14")
def two_starts_and_one_slot() -> History:
    story = Story(slots=1).command("c1", "r1", asked=START)
    return story.command("c2", "r2", asked=ELSEWHERE).rest()


@holds("I13", "I14")
def two_starts_and_two_slots() -> History:
    story = Story(slots=2).command("c1", "r1", asked=START)
    return story.command("c2", "r2", asked=ELSEWHERE).rest()


@holds("I13", "I14")
def one_slot_given_back_and_used_again() -> History:
    story = Story(slots=1).command("c1", "r1", asked=START)
    story.outcome("CommandLapsed", "c1")
    story.command("c2", "r2", asked=ELSEWHERE).charge(connector=2, message_id="c2")
    return story.command("c3", "r3", asked=START).rest()


@holds("I13", "I14")
def a_local_start_on_a_held_connector_beyond_the_limit() -> History:
    story = Story(slots=1).command("c1", "r1", asked=START)
    story.charge()
    story.outcome("CommandLapsed", "c1")
    return story.rest()


@breaks("I13")
def accepted_while_offline() -> History:
    story = Story().silence(61)
    story.offline()
    return story.command().rest()


@breaks("I13")
def one_request_decided_twice() -> History:
    return Story().command("c1", "r1").command("c2", "r1", attempt=2).rest()


@breaks("I13")
def start_on_a_connector_in_use() -> History:
    return Story().charge(steps=("begun", "started")).command(asked=START).rest()


@breaks("I13")
def stop_of_what_does_not_run() -> History:
    return Story().command(asked={"kind": "RemoteStop", "transaction_id": "7"}).rest()


@breaks("I13")
def connector_that_is_not_there() -> History:
    return Story().command(asked={"kind": "Unlock", "evse": 3, "connector": 1}).rest()


@breaks("I13")
def two_resets_at_once() -> History:
    return Story().command("c1", asked=RESET, steps=NOT_SENT).command("c2", "r2", asked=RESET).rest()
