"""Histories about the log and its folds, see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, COMMAND, NODE, STATION, Story

NOTE = ("AnomalyRecorded", {"what": "x", "detail": "y"})


def without(story: Story, *types: str) -> list[dict[str, Any]]:
    return [event for event in story.log if event["type"] not in types]


# --- once ------------------------------------------------------------------------------------------------------------


@breaks("I06")
def outcome_twice() -> History:
    story = Story().command()
    story.outcome("CommandAccepted")
    return story.rest()


@breaks("I06")
def intent_twice() -> History:
    return Story().command(steps=("asked", "intent", *COMMAND[1:])).rest()


@breaks("I06")
def event_id_twice() -> History:
    story = Story()
    story.append(NOTE, ids=["same"])
    story.append(NOTE, ids=["same"])
    return story.rest()


@breaks("I06")
def one_start_under_two_transactions() -> History:
    story = Story().charge(steps=("begun", "started"))
    start = next(event["data"] for event in story.log if event["type"] == "TransactionStarted")
    story.append(("TransactionStarted", {**start, "transaction_id": "8"}))
    return story.rest()


@holds("I06")
def the_next_session_begins_in_the_words_of_the_last() -> History:
    story = Story().charge()
    start = next(event["data"] for event in story.log if event["type"] == "TransactionStarted")
    story.append(("TransactionStarted", {**start, "transaction_id": "8"}))
    return story.rest()


@breaks("I06")
def one_transaction_started_twice() -> History:
    story = Story().charge()
    start = next(event["data"] for event in story.log if event["type"] == "TransactionStarted")
    story.append(("TransactionStarted", {**start, "meter_start_wh": 1}))
    return story.rest()


@breaks("I06", "I24")
def one_stop_twice() -> History:
    return Story().charge(steps=("begun", "started", "ended", "stopped", "stopped")).rest()


@holds("I06")
def doubt_unknown_and_a_very_late_answer() -> History:
    story = Story().command(outcome="CommandInDoubt")
    story.outcome("CommandUnknown")
    story.outcome("CommandAccepted")
    for observed in ("Rejected", "UnlockFailed"):
        story.append(("ContradictingEvidence", {"command_id": "c1", "recorded": "accepted", "observed": observed}))
    return story.rest()


# --- gapless, durable ------------------------------------------------------------------------------------------------


@breaks("I08", "I09")
def an_event_is_missing() -> History:
    story = Story().command()
    return story.rest(log=without(story, "CommandAccepted")[:-1] + story.log[-1:])


@breaks("I08")
def a_version_twice() -> History:
    story = Story()
    (event,) = story.append(NOTE)
    return story.rest(log=[*story.log, {**event, "id": "other"}])


@breaks("I09")
def the_last_event_is_missing() -> History:
    story = Story()
    story.append(NOTE)
    return story.rest(log=story.log[:-1])


@breaks("I09")
def an_event_was_overwritten() -> History:
    story = Story()
    (event,) = story.append(NOTE)
    return story.rest(log=[*story.log[:-1], {**event, "data": {**event["data"], "detail": "z"}}])


@breaks("I09")
def nearly_the_same_bytes() -> History:
    story = Story()
    (event,) = story.append(("AnomalyRecorded", {"what": "x", "detail": 1}))
    return story.rest(log=[*story.log[:-1], {**event, "data": {**event["data"], "detail": 1.0}}])


@breaks("I09")
def acknowledged_at_another_version() -> History:
    story = Story()
    (event,) = story.append(NOTE)
    shown = [{key: event[key] for key in ("id", "type", "data")}]
    story.see("append.acked", node=NODE, stream=event["stream"], version=event["version"] + 1, events=shown)
    return story.rest()


@holds("I08", "I09", "I22")
def appended_again_after_a_lost_acknowledgement() -> History:
    story = Story()
    batch = story.append(NOTE, NOTE, acked=False)
    shown = [{key: event[key] for key in ("id", "type", "data")} for event in batch]
    story.see("append.acked", node=NODE, stream=batch[0]["stream"], version=batch[-1]["version"], events=shown)
    return story.rest()


@breaks("I10")
def accepted_and_not_in_the_log() -> History:
    return Story().command(steps=("asked", "answered")).rest()


@breaks("I10")
def known_as_somebody_elses_command() -> History:
    story = Story().command("c1", "r1")
    return story.command("c1", "r2", steps=("asked", "answered"), answer="known").rest()


@holds("I10")
def known_from_before() -> History:
    story = Story().command("c1", "r1")
    return story.command("c1", "r1", attempt=2, steps=("asked", "answered"), answer="known").rest()


# --- whole -----------------------------------------------------------------------------------------------------------


@breaks("I22")
def half_a_batch() -> History:
    story = Story()
    story.append(NOTE, NOTE)
    return story.rest(log=story.log[:-1])


@breaks("I22")
def half_a_batch_nobody_was_told_of() -> History:
    story = Story()
    story.append(NOTE, NOTE, acked=False)
    return story.rest(log=story.log[:-1])


@breaks("I22")
def a_batch_with_something_in_between() -> History:
    story = Story()
    first, last = story.append(NOTE, NOTE, acked=False)
    between = {**first, "id": "between", "version": last["version"]}
    return story.rest(log=[*story.log[:-1], between, {**last, "version": last["version"] + 1}])


@holds("I22")
def a_batch_that_never_arrived() -> History:
    story = Story()
    story.append(NOTE, NOTE, acked=False)
    return story.rest(log=story.log[:-2])


@holds("I22")
def a_batch_that_never_arrived_and_a_fact_of_it_that_another_node_stored() -> History:
    story = Story()
    story.see("append.unconfirmed", node="node2", stream=f"station-{STATION}", ids=["offline:1", "online:2"])
    story.silence(61)
    story.append(("WentOffline", {"epoch": 1, "last_seen": story.iso()}), ids=["offline:1"])
    return story.rest()


# --- folds -----------------------------------------------------------------------------------------------------------


def loaded(story: Story, version: int, digest: str, source: str = "resident") -> None:
    story.see("loaded", node=NODE, station=STATION, version=version, digest=digest, source=source)


@breaks("I11")
def a_snapshot_one_too_early() -> History:
    story = Story()
    loaded(story, 3, f"{STATION}@2", "snapshot")
    return story.rest()


@breaks("I11")
def a_state_of_a_log_that_never_was() -> History:
    story = Story()
    loaded(story, 99, f"{STATION}@99")
    return story.rest()


@holds("I11", "I26")
def states_are_folds() -> History:
    story = Story()
    loaded(story, 0, "empty", "log")
    loaded(story, 2, f"{STATION}@2", "snapshot")
    loaded(story, 3, f"{STATION}@3")
    return story.rest()


def folded(**said: Any) -> Story:
    """A story of a state that is on record in words, before the log: connector 1, an unlock, presence."""
    story = Story().command(steps=ANSWERED)
    connectors = {"1.1": ["Available", "NoError", None], "2.1": ["Available", "NoError", None]}
    command = {"c1": {"phase": "accepted", "holds": False, "request_id": "r1"}}
    state = {"online": True, "epoch": 1, "node": NODE, "protocol": "", "registration": "Accepted"}
    whole = {**state, "commands": command, "transactions": {}, "connectors": connectors, **said}
    version = len([event for event in story.log if event["stream"] == f"station-{STATION}"])
    digest = f"{STATION}@{version}"
    story.see("fold", station=STATION, version=version, digest=digest, own=digest, again=digest, state=whole)
    return story


@holds("I11")
def a_state_that_says_what_its_events_say() -> History:
    return folded().rest()


@breaks("I11")
def a_state_that_calls_it_offline() -> History:
    return folded(online=False).rest()


@breaks("I11")
def a_state_in_which_the_command_still_holds() -> History:
    return folded(commands={"c1": {"phase": "accepted", "holds": True, "request_id": "r1"}}).rest()


@breaks("I11")
def a_state_with_a_transaction_nobody_told() -> History:
    return folded(transactions={"7": {"open": True, "evse": 1}}).rest()


@breaks("I11")
def a_state_with_an_older_status() -> History:
    return folded(connectors={"1.1": ["Faulted", "NoError", None], "2.1": ["Available", "NoError", None]}).rest()


@breaks("I11")
def a_state_with_another_deadline() -> History:
    asked = {"phase": "accepted", "holds": False, "deadline": "2026-01-01T09:00:00+00:00"}
    return folded(commands={"c1": asked}).rest()


@breaks("I11")
def a_state_that_came_online_at_another_time() -> History:
    return folded(online_at="2026-01-01T09:00:00+00:00").rest()


@breaks("I26")
def a_fold_that_reads_the_clock() -> History:
    return Story().rest(again="other")


@breaks("I12")
def a_frame_leaves_during_a_replay() -> History:
    story = Story().command(steps=("asked", "intent", "answered"))
    story.see("replay.begun", node=NODE, station=STATION)
    story.command(steps=("called",))
    story.see("replay.ended", node=NODE, station=STATION)
    return story.command(steps=("obeyed", "moved", "outcome")).rest()


@holds("I12")
def a_frame_leaves_after_a_replay() -> History:
    story = Story().command(steps=("asked", "intent", "answered"))
    story.see("replay.begun", node="node2", station=STATION)
    story.see("replay.begun", node=NODE, station=STATION)
    story.see("replay.ended", node=NODE, station=STATION)
    story.command(steps=("called", "obeyed", "moved", "outcome"))
    return story.rest()


@holds("I12")
def a_crash_ends_a_replay() -> History:
    story = Story()
    story.see("replay.begun", node=NODE, station=STATION)
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("node.started", node=NODE, incarnation=2)
    return story.command().rest()
