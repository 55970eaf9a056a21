"""Answers that settle nothing, and evidence that was there before the doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.inflight import CONTRADICTIONS
from interlock.csms.domain.station import Station, evolve

AT = datetime(2026, 1, 1, tzinfo=UTC)
ERROR = "the answer is CALLERROR InternalError"


def given(*events: ev.StationEvent) -> Station:
    state = Station()
    for event in events:
        state = evolve(state, event)
    return state


def asked(command: do.Command) -> ev.CommandRequested:
    return ev.CommandRequested(AT, "c1", "r1", "node1", 1, AT + timedelta(seconds=30), command)


UNLOCK = asked(do.Unlock(1))
STOP = asked(do.RemoteStop("7"))
STARTED = ev.TransactionStarted(AT, "7", 1, "TAG", 100, AT, "Accepted", None)
STOPPED = ev.TransactionStopped(AT, "7", 1, 200, AT, "Local", None)
DOUBT = ev.CommandInDoubt(AT, "c1", "timeout")


def test_in_time_it_is_a_doubt() -> None:
    assert facts.unsettled(given(UNLOCK), "c1", ERROR, AT) == [ev.CommandInDoubt(AT, "c1", ERROR)]


@pytest.mark.parametrize(
    ("before", "phase"),
    [
        (DOUBT, "in-doubt"),
        (ev.CommandUnknown(AT, "c1", "x"), "unknown"),
        (ev.CommandAccepted(AT, "c1", "Unlocked"), "accepted"),
    ],
)
def test_late_it_is_kept_once_beside_what_is_recorded(before: ev.StationEvent, phase: str) -> None:
    state = given(UNLOCK, before)
    found = facts.unsettled(state, "c1", ERROR, AT)
    assert found == [ev.ContradictingEvidence(AT, "c1", phase, ERROR)]
    assert facts.unsettled(evolve(state, found[0]), "c1", ERROR, AT) == []


def test_a_station_that_invents_answers_is_heard_so_often_and_no_more() -> None:
    state = given(UNLOCK, DOUBT)
    for number in range(2 * CONTRADICTIONS):
        for event in facts.unsettled(state, "c1", f"error {number}", AT):
            state = evolve(state, event)
    assert len(state.commands["c1"].contradicted) == CONTRADICTIONS


def test_what_nobody_asked_for_is_nothing_here() -> None:
    assert facts.unsettled(Station(), "c1", ERROR, AT) == []


def test_a_stop_whose_transaction_ended_before_the_doubt_is_confirmed() -> None:
    state = given(STARTED, STOP, STOPPED, DOUBT)
    assert facts.gave_up(state, "c1", "x", AT) == [ev.CommandConfirmed(AT, "c1", "transaction 7 ended")]


def test_a_stop_whose_transaction_runs_on_is_unknown() -> None:
    state = given(STARTED, STOP, DOUBT)
    assert facts.gave_up(state, "c1", "x", AT) == [ev.CommandUnknown(AT, "c1", "x")]
    assert facts.gave_up(given(UNLOCK, DOUBT), "c1", "x", AT) == [ev.CommandUnknown(AT, "c1", "x")]


def test_an_end_that_is_told_after_all_confirms_what_was_unknown() -> None:
    state = given(STARTED, STOP, DOUBT, ev.CommandUnknown(AT, "c1", "x"))
    report = rp.Stop("7", 200, AT, "Remote", None)
    found, _ = facts.reported(state, report, AT, registration="", authorization="", new_transaction_id="")
    assert ev.CommandConfirmed(AT, "c1", "transaction 7 ended") in found
