"""Transactions that stations name: a message is recognised by its number, in any order, and told twice is no news."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.codec import decode, decode_state, encode, encode_state
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.inflight import Phase, probe_request
from interlock.csms.domain.spans import SPANS_KEPT, includes, including
from interlock.csms.domain.station import Accept, Refusal, Rules, Station, decide
from interlock.csms.event_ids import fact_id

from .values import AT, folded, steady

GIVEN: dict[str, Any] = {"registration": "Accepted", "authorization": "Accepted", "new_transaction_id": "77"}


def tell(state: Station, *reports: rp.Report) -> tuple[Station, list[ev.StationEvent]]:
    """Return the state after the reports, and the facts they added."""
    added: list[ev.StationEvent] = []
    for report in reports:
        found, _ = facts.reported(state, report, AT, **GIVEN)
        state, added = folded(found, state), added + found
    return state, added


def session(name: str = "tx", evse: int = 1, minute: int = 0, remote_start_id: int | None = None) -> list[Any]:
    """A session as a station tells it that starts at the cable and is authorised afterwards."""
    at = [AT + timedelta(minutes=minute, seconds=second) for second in range(4)]
    return [
        rp.Start(evse, None, 100 + minute, at[0], transaction_id=name, seq_no=0, charging_state="EVConnected"),
        rp.Update(name, 1, "Authorized", at[1], evse, 2, "TAG", remote_start_id),
        rp.Update(name, 2, "ChargingStateChanged", at[2], charging_state="Charging"),
        rp.Stop(name, 200 + minute, at[3], "Local", None, 3, evse),
    ]


def started(state: Station, command: do.RemoteStart, *what: ev.StationEvent) -> Station:
    """Return the state with a remote start in it, and what became of that."""
    return folded([ev.CommandRequested(AT, "c1", "r1", "n", 1, AT, command), *what], state)


# --- told again, and in any order ------------------------------------------------------------------------------------


@given(st.permutations(range(4)), st.lists(st.integers(0, 3), max_size=4))
@steady(80)
def test_a_session_told_in_any_order_and_twice_is_the_same_session(order: list[int], again: list[int]) -> None:
    messages = session(remote_start_id=9)
    start = do.RemoteStart(1, "OTHER", 9)
    state, _ = tell(started(Station(), start), *[messages[n] for n in order])
    whole, _ = tell(started(Station(), start), *messages)
    assert state.transactions == whole.transactions
    assert state.transactions["tx"].seen == ((0, 3),)
    assert not state.transactions["tx"].open
    assert state.commands["c1"].transaction_id == "tx"
    for n in again:
        assert tell(state, messages[n]) == (state, [])


@given(st.lists(st.integers(0, 11), min_size=1, max_size=24), st.booleans())
@steady(150)
def test_whatever_is_told_can_be_read_again_and_an_evse_has_one_transaction(told: list[int], offline: bool) -> None:
    messages = [*session("a", 1), *session("b", 1, 5), *session("c", 2, 9)]
    state, log = tell(Station(), *(replace(messages[n], offline=offline) for n in told))
    assert folded([decode(*encode(event)) for event in log]) == state == decode_state(encode_state(state))
    names = [name for event in log if (name := fact_id("CP1", event)) is not None]
    assert len(names) == len(set(names))
    for evse in (1, 2):
        assert sum(one.open for one in state.transactions.values() if one.evse == evse) <= 1


def test_an_end_before_its_start_leaves_nothing_open() -> None:
    start, _, _, stop = session()
    state, log = tell(Station(), stop, start)
    assert [type(event) for event in log] == [ev.TransactionStopped, ev.TransactionStarted]
    assert isinstance(log[1], ev.TransactionStarted)
    assert log[1].late
    assert state.open_transaction(1) is None
    known = state.transactions["tx"]
    assert (known.meter_start_wh, known.meter_stop_wh, known.started, known.ended) == (100, 200, True, True)


def test_an_end_is_an_end_whatever_its_number() -> None:
    start, *_, stop = session()
    state, _ = tell(Station(), start, replace(stop, seq_no=0))
    assert not state.transactions["tx"].open


def test_a_message_from_before_changes_no_live_state() -> None:
    start, _, charging, _ = session()
    late = rp.Update("tx", 1, "ChargingStateChanged", AT, charging_state="SuspendedEV", offline=True)
    state, log = tell(Station(), start, charging, late)
    assert state.transactions["tx"].charging_state == "Charging"
    assert isinstance(log[-1], ev.TransactionUpdated)
    assert log[-1].charging_state == "SuspendedEV"


@pytest.mark.parametrize("names", [("old", "new"), (None, None)])
def test_a_start_older_by_clock_and_meter_ends_nothing(names: tuple[str | None, str | None]) -> None:
    old = rp.Start(1, "A", 50, AT, transaction_id=names[0], seq_no=0 if names[0] else None)
    new = rp.Start(1, "B", 90, AT + timedelta(hours=1), transaction_id=names[1], seq_no=0 if names[1] else None)
    state, _ = tell(Station(), new)
    found, reply = facts.reported(state, old, AT, **{**GIVEN, "new_transaction_id": "78"})
    after = folded(found, state)
    assert after.open_transaction(1) == state.open_transaction(1)
    assert not after.transactions[reply.transaction_id or ""].open
    assert any(isinstance(event, ev.AnomalyRecorded) for event in found)
    # A clock that was set back is no proof: the meter went on.
    found, _ = facts.reported(state, replace(old, meter_start_wh=95), AT, **{**GIVEN, "new_transaction_id": "78"})
    running = folded(found, state).open_transaction(1)
    assert running is not None
    assert running.meter_start_wh == 95


def test_a_second_start_of_a_transaction_is_kept_as_an_anomaly() -> None:
    start, *_ = session()
    state, log = tell(Station(), start, replace(start, seq_no=7))
    assert [type(event) for event in log] == [ev.TransactionStarted, ev.AnomalyRecorded]
    assert state.transactions["tx"].seen == ((0, 0),)


# --- remote starts ---------------------------------------------------------------------------------------------------

START = do.RemoteStart(1, "TAG", 9)


def test_a_remote_start_is_found_by_its_id_and_not_by_its_token() -> None:
    doubted = started(Station(), START, ev.CommandInDoubt(AT, "c1", "timeout"))
    local = rp.Start(1, "TAG", 5, AT, transaction_id="tx", seq_no=0)
    state, _ = tell(doubted, local)
    assert state.commands["c1"].phase is Phase.IN_DOUBT
    for other in (8, 0):
        state, _ = tell(doubted, replace(local, remote_start_id=other))
        assert state.commands["c1"].phase is Phase.IN_DOUBT
    # Another EVSE, another token: it is the one all the same.
    state, log = tell(doubted, replace(local, evse=2, id_token="GROUP", remote_start_id=9))
    assert state.commands["c1"].phase is Phase.CONFIRMED
    assert isinstance(log[0], ev.TransactionStarted)
    assert log[0].command_id == "c1"


@pytest.mark.parametrize("phase", ["rejected", "refuted", "lapsed"])
def test_a_transaction_of_a_start_that_did_not_happen_contradicts(phase: str) -> None:
    ends: dict[str, ev.StationEvent] = {
        "rejected": ev.CommandRejected(AT, "c1", "Rejected"),
        "refuted": ev.CommandRefuted(AT, "c1", "nothing there"),
        "lapsed": ev.CommandLapsed(AT, "c1", "no cable"),
    }
    state = started(Station(), START, ends[phase])
    _, log = tell(state, rp.Update("tx", 1, "RemoteStart", AT, 1, id_token="TAG", remote_start_id=9))
    assert [type(event) for event in log] == [ev.TransactionUpdated, ev.ContradictingEvidence]


def test_the_answer_to_a_probe_may_be_the_proof() -> None:
    for before, after in ((ev.CommandInDoubt(AT, "c1", "timeout"), Phase.REFUTED), (None, Phase.LAPSED)):
        state = started(Station(), START, before or ev.CommandAccepted(AT, "c1", "Accepted"))
        probe = ev.CommandRequested(AT, "p1", probe_request("c1", 1), "n", 1, AT, do.Probe(1))
        state = folded([probe], state)
        answer = facts.Answer(True, "Accepted", payload={"messagesInQueue": False}, nothing_there=True)
        found = facts.answered(state, "p1", answer, AT)
        assert folded(found, state).commands["c1"].phase is after
        # Without that proof it is a probe that was answered, and the doubt goes on.
        found = facts.answered(state, "p1", replace(answer, nothing_there=False), AT)
        assert folded(found, state).commands["c1"].phase is state.commands["c1"].phase


def test_a_transaction_begun_by_the_cable_waits_for_a_start_and_one_with_a_token_does_not() -> None:
    start, authorised, *_ = session()
    state, _ = tell(Station(), start)
    assert isinstance(decide(START, "r", state, Rules(2, 1)), Accept)
    assert isinstance(decide(do.RemoteStart(2, "TAG"), "r", state, Rules(2, 1)), Refusal)
    state, _ = tell(state, authorised)
    assert isinstance(decide(START, "r", state, Rules(2, 1)), Refusal)


def test_a_start_holds_all_connectors_of_its_evse_and_an_unlock_its_own() -> None:
    rules = Rules(2, 2, 2)
    holding = started(Station(), START)
    for connector in (1, 2):
        assert isinstance(decide(do.Unlock(1, connector), "r", holding, rules), Refusal)
    assert isinstance(decide(do.Unlock(2, 2), "r", holding, rules), Accept)
    unlocking = folded([ev.CommandRequested(AT, "c1", "r1", "n", 1, AT, do.Unlock(1, 1))])
    assert isinstance(decide(do.Unlock(1, 1), "r", unlocking, rules), Refusal)
    assert isinstance(decide(do.Unlock(1, 2), "r", unlocking, rules), Accept)
    assert isinstance(decide(START, "r", unlocking, rules), Refusal)
    assert isinstance(decide(do.Unlock(1, 3), "r", Station(), rules), Refusal)


def test_a_free_connector_proves_nothing_while_another_of_its_evse_is_in_use() -> None:
    probe = ev.CommandRequested(AT, "p1", probe_request("c1", 1), "n", 1, AT, do.Probe(1))
    answered = ev.CommandAccepted(AT, "p1", "Accepted")
    state = started(Station(), START, ev.CommandInDoubt(AT, "c1", "timeout"), probe, answered)
    state, _ = tell(state, rp.Status(1, 2, "Occupied"), rp.Status(1, 1, "Available"))
    assert state.commands["c1"].phase is Phase.IN_DOUBT
    state, _ = tell(state, rp.Status(1, 2, "Available"))
    assert state.commands["c1"].phase is Phase.REFUTED


# --- numbers ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 40), max_size=60))
@steady(150)
def test_stretches_are_a_set_of_numbers(numbers: list[int]) -> None:
    spans: Any = ()
    for number in numbers:
        spans = including(spans, number)
    assert {number for number in range(42) if includes(spans, number)} == set(numbers)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(spans))


def test_stretches_are_bounded_and_the_newest_stay() -> None:
    spans: Any = ()
    numbers = list(range(0, 1000, 2))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        spans = including(spans, number)
    assert len(spans) == SPANS_KEPT
    assert includes(spans, 998)
