"""Histories about presence, physics and the run itself, see `bites`."""

from __future__ import annotations

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import NODE, STATION, UNLOCK, Story

NOT_SENT = ("asked", "intent", "answered")

# --- presence --------------------------------------------------------------------------------------------------------


@breaks("I16")
def offline_while_it_speaks() -> History:
    story = Story().wait(100)
    story.offline()
    story.online()
    return story.rest()


@holds("I16", "I23")
def offline_after_silence() -> History:
    story = Story().silence(60.1)
    story.offline()
    story.online()
    return story.rest()


@holds("I16")
def a_frame_came_while_the_append_was_under_way() -> History:
    story = Story()
    decided = story.now + 60.1
    story.silence(60.2)
    story.report("Heartbeat", {}, {})
    story.offline(at=decided)
    story.online()
    return story.rest()


@holds("I23")
def replaced_by_a_newer_connection() -> History:
    story = Story().wait(50)
    gone = {"epoch": 1, "last_seen": story.iso()}
    story.append(("WentOffline", gone), ("CameOnline", {"epoch": 2, "node": NODE}), at=story.now)
    return story.rest()


def _two_sockets(opened_s: float, **about: bool) -> History:
    """The older connection is replaced `opened_s` after the newer one opened, while it stood open."""
    story = Story(takeover_s=3.0).wait(50)
    story.see("socket.opened", station=STATION, socket=2, node=NODE, **about)
    story.silence(opened_s)
    gone = {"epoch": 1, "last_seen": story.iso()}
    story.append(("WentOffline", gone), ("CameOnline", {"epoch": 2, "node": NODE}), at=story.now)
    return story.rest()


@breaks("I16")
def taken_over_by_one_that_proved_nothing() -> History:
    return _two_sockets(1.0, proven=False)


@holds("I16")
def taken_over_after_it_was_asked() -> History:
    return _two_sockets(3.0, proven=False)


@holds("I16")
def taken_over_by_one_that_proved_itself() -> History:
    return _two_sockets(0.1)


@breaks("I16")
def offline_again_long_before_it_came_back() -> History:
    """An offline that is not in one batch with the online after it has to be justified by itself."""
    story = Story().wait(50)
    story.offline()
    story.silence(10)
    story.online()
    return story.rest()


@breaks("I17")
def a_silence_nobody_noticed() -> History:
    return Story().silence(200).rest()


@breaks("I17")
def silent_to_the_end() -> History:
    return Story().silence(200).rest(quiet_s=0, truth={"online": False})


@holds("I17")
def a_silence_noticed_in_time() -> History:
    story = Story().silence(139)
    story.offline()
    story.silence(100)
    story.online()
    return story.rest()


@breaks("I23")
def online_twice() -> History:
    story = Story()
    story.online()
    return story.rest()


@breaks("I23")
def offline_for_an_older_connection() -> History:
    story = Story().silence(61)
    story.offline()
    story.online()
    story.epoch = 1
    story.offline()
    return story.rest()


@breaks("I23")
def an_epoch_again() -> History:
    story = Story().silence(61)
    story.offline()
    story.epoch = 0
    story.online()
    return story.rest()


@breaks("I23")
def an_epoch_left_out() -> History:
    story = Story().silence(61)
    story.offline()
    story.epoch += 1
    story.online()
    return story.rest()


# --- holds -----------------------------------------------------------------------------------------------------------

START = {"kind": "RemoteStart", "evse": 1, "id_token": "TAG"}


@breaks("I21")
def held_for_ever() -> History:
    return Story().command(outcome="CommandInDoubt").rest(quiet_s=400)


@breaks("I21")
def held_too_long() -> History:
    story = Story().command(outcome="CommandInDoubt").wait(300)
    story.outcome("CommandUnknown")
    return story.rest()


@breaks("I21")
def a_start_that_never_lapses() -> History:
    return Story().command(asked=START).rest(quiet_s=400)


@breaks("I21")
def a_deadline_a_year_away() -> History:
    return Story().command(steps=NOT_SENT, deadline_s=3e7).rest(quiet_s=400)


@holds("I21")
def given_back_in_time() -> History:
    story = Story().command(outcome="CommandInDoubt").wait(200)
    story.outcome("CommandUnknown")
    return story.rest()


@holds("I21")
def given_back_in_time_after_a_crash() -> History:
    story = Story().command(outcome="CommandInDoubt").wait(230)
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("node.started", node=NODE, incarnation=2)
    story.wait(90)
    story.outcome("CommandUnknown")
    return story.rest()


@holds("I21")
def a_start_fulfilled() -> History:
    return Story().command(asked=START).charge(message_id="c1").rest()


# --- belief ----------------------------------------------------------------------------------------------------------


@holds("I18")
def seen_as_it_is() -> History:
    charging = {"status": "Charging", "transaction_id": "7"}
    return Story().rest(truth={**charging, "session": "s1"}, belief=charging)


@breaks("I18")
def another_status() -> History:
    return Story().rest(truth={"status": "Charging"})


@holds("I18")
def a_status_that_was_only_said() -> History:
    story = Story(fiction=True)
    story.online()
    story.status(1, "Reserved")
    return story.rest(belief={"status": "Reserved", "error_code": "NoError"})


@breaks("I18")
def a_status_that_was_said_but_not_last() -> History:
    story = Story(fiction=True)
    story.online()
    story.status(1, "Reserved")
    story.status(1, "Available")
    return story.rest(belief={"status": "Reserved"})


@breaks("I18")
def a_status_that_was_said_of_another_connector() -> History:
    story = Story(fiction=True)
    story.online()
    story.status(2, "Reserved")
    return story.rest(belief={"status": "Reserved"})


@breaks("I18")
def a_status_that_hardware_had_before() -> History:
    story = Story()
    story.online()
    story.status(1, "Reserved")
    return story.rest(belief={"status": "Reserved"})


@breaks("I18")
def a_transaction_that_ended() -> History:
    return Story().rest(belief={"transaction_id": "7"})


@breaks("I18")
def a_session_nobody_knows_of() -> History:
    return Story().rest(truth={"session": "s1"})


@breaks("I18")
def another_transaction() -> History:
    return Story().rest(truth={"session": "s1", "transaction_id": 7}, belief={"transaction_id": "8"})


@breaks("I18")
def held_for_nothing() -> History:
    return Story().rest(belief={"held": True})


@breaks("I18")
def believed_offline() -> History:
    return Story().rest(belief={"online": False})


@breaks("I18")
def not_believed_at_all() -> History:
    story = Story()
    here = {"station": STATION, "connector": 2, "status": "Available", "session": None, "transaction_id": None}
    story.see("truth", **here, online=True)
    return story.rest()


# --- billing ---------------------------------------------------------------------------------------------------------


@holds("I24")
def charged_twice_for_two_sessions() -> History:
    story = Story().charge().charge("s2", transaction=8, meter_wh=1500, samples=())
    return story.rest()


@holds("I24")
def two_sessions_that_look_alike() -> History:
    story = Story()
    for number in (7, 8):
        story.charge(f"s{number}", transaction=number, energy_wh=0, samples=())
    return story.rest()


@holds("I24")
def still_charging() -> History:
    return Story().charge(steps=("begun", "started", "sample")).rest()


@breaks("I24")
def never_started_in_the_log() -> History:
    return Story().charge(steps=("begun", "ended")).rest()


@breaks("I24")
def never_stopped_in_the_log() -> History:
    return Story().charge(steps=("begun", "started", "ended")).rest()


@breaks("I24")
def stopped_and_still_charging() -> History:
    return Story().charge(steps=("begun", "started", "stopped")).rest()


@breaks("I24")
def started_twice_in_the_log() -> History:
    story = Story().charge()
    start = next(event["data"] for event in story.log if event["type"] == "TransactionStarted")
    story.append(("TransactionStarted", {**start, "transaction_id": "8"}))
    return story.rest()


@breaks("I24")
def billed_and_never_charged() -> History:
    return Story().charge(steps=("started", "stopped")).rest()


@breaks("I24")
def stopped_and_never_started() -> History:
    return Story().charge(steps=("stopped",)).rest()


@breaks("I24")
def another_meter_at_the_stop() -> History:
    return Story().charge(stop_wh=1501).rest()


@breaks("I24")
def negative_energy() -> History:
    return Story().charge(energy_wh=-10, samples=()).rest()


@breaks("I24")
def a_meter_that_runs_backwards() -> History:
    return Story().charge(samples=(1300, 1100)).rest()


@breaks("I24")
def a_sample_beyond_the_stop() -> History:
    return Story().charge(samples=(1100, 1502)).rest()


@holds("I24")
def lossy_station_loses_a_stop() -> History:
    story = Story(stations={STATION: {"connectors": 2, "slots": 2, "lossy": True}})
    return story.charge(steps=("begun", "started", "ended")).rest()


@breaks("I24")
def lossy_station_is_billed_twice() -> History:
    story = Story(stations={STATION: {"connectors": 2, "slots": 2, "lossy": True}})
    story.charge(steps=("begun", "started", "ended"))
    return story.charge("s1", steps=("started",), transaction=8).rest()


# --- the run ---------------------------------------------------------------------------------------------------------


@breaks("I19")
def no_answer() -> History:
    return Story().command(steps=("asked",)).rest()


@breaks("I19")
def a_late_answer() -> History:
    return Story().command(steps=("asked",)).wait(31).command(steps=("intent", "answered", "outcome")).rest()


@breaks("I19")
def two_answers() -> History:
    return Story().command(steps=(*NOT_SENT, "answered", "outcome")).rest()


@breaks("I19")
def an_answer_to_no_question() -> History:
    return Story().command(steps=("answered",), answer="unreachable").rest()


@holds("I19")
def no_answer_from_a_node_that_died() -> History:
    story = Story().command(steps=("asked",))
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("node.started", node=NODE, incarnation=2)
    return story.command("c1", "r1", UNLOCK, attempt=2).rest()


@breaks("I20")
def a_task_failed() -> History:
    story = Story()
    story.see("task.failed", node=NODE, error="KeyError: 1")
    return story.rest()


@breaks("I20")
def a_task_left_over() -> History:
    return Story().rest(tasks=2)


@breaks("I20")
def a_socket_left_over() -> History:
    return Story().rest(sockets=2)


def run_again(digest: str | None) -> History:
    history = Story().rest()
    history.run = {**history.run, "again_sha256": digest or history.sha256()}
    return history


@holds("I25")
def the_same_bytes() -> History:
    return run_again(None)


@breaks("I25")
def other_bytes() -> History:
    return run_again("0" * 64)


# --- acknowledgements ------------------------------------------------------------------------------------------------


def answered_first(action: str, payload: dict[str, object], reply: dict[str, object]) -> Story:
    story = Story()
    story.report(action, payload, reply)
    return story


@breaks("I30")
def a_start_answered_first() -> History:
    story = answered_first("StartTransaction", {"connectorId": 1}, {"transactionId": 7})
    return story.charge().rest()


@breaks("I30")
def a_stop_answered_first() -> History:
    return answered_first("StopTransaction", {"transactionId": 7}, {}).rest()


@breaks("I30")
def a_status_answered_first() -> History:
    told = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
    return answered_first("StatusNotification", told, {}).rest()


def told_twice(second_at: str) -> Story:
    """Return two answered statuses of which the log holds the first."""
    story = Story()
    told = {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": "2026-01-01T00:00:00Z"}
    fact = {
        "evse": 1,
        "connector": 1,
        "status": "Available",
        "error_code": "NoError",
        "info": None,
        "reported_at": None,
    }
    story.report("StatusNotification", told, {}, ("StatusReported", fact))
    story.report("StatusNotification", {**told, "timestamp": second_at}, {})
    return story


@breaks("I30")
def a_later_status_taken_for_the_same() -> History:
    return told_twice("2026-01-01T00:05:00Z").rest()


@holds("I30")
def a_status_told_twice() -> History:
    return told_twice("2026-01-01T00:00:00Z").rest()


@breaks("I30")
def samples_answered_first() -> History:
    return answered_first("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [{}, {}]}, {}).rest()


@holds("I30")
def a_stop_of_nothing_kept_as_an_anomaly() -> History:
    story = Story()
    kept = {"what": "stop of no known transaction", "detail": "7 at 1500 Wh"}
    story.report("StopTransaction", {"transactionId": 7}, {}, ("AnomalyRecorded", kept))
    return story.rest()


@holds("I30")
def a_start_told_twice() -> History:
    story = Story().charge()
    story.report("StartTransaction", {"connectorId": 1}, {"transactionId": 7})
    return story.rest()
