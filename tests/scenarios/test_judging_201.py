"""Judges of what 2.0.1 stations tell: a run that was right passes, and each falsified copy of it fails."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from interlock.scenarios import runner
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.record.domain_view import Row
from interlock.scenarios.record.history import History
from interlock.scenarios.runner import Job
from interlock.scenarios.spec import Scenario, step

Rows = list[Row]
Fields = dict[str, Any]


@cache
def right(scenario: str) -> History:
    return runner.run(Job(scenario, 0, ocpp="2.0.1")).history


def judged(scenario: str, falsify: Callable[[Rows], Rows | None], id: str) -> Verdict:
    kept = right(scenario)
    rows = copy.deepcopy(list(kept.rows()))
    history = History(lambda: rows[-1][0], kept.run)
    history._rows.extend(falsify(rows) or rows)
    return INVARIANTS[id].judge(history).verdict


def log(rows: Rows, kind: str) -> list[Fields]:
    return [fields for _, name, fields in rows if name == "log" and fields["type"] == kind]


def without(rows: Rows, *dropped: Fields) -> Rows:
    return [row for row in rows if not any(row[2] is one for one in dropped)]


def no_stop(rows: Rows) -> Rows:
    return without(rows, log(rows, "TransactionStopped")[0])


def no_start(rows: Rows) -> Rows:
    return without(rows, log(rows, "TransactionStarted")[0])


def wrong_start(rows: Rows) -> None:
    log(rows, "TransactionStarted")[0]["data"]["meter_start_wh"] -= 1


def wrong_place(rows: Rows) -> None:
    log(rows, "TransactionStarted")[0]["data"]["evse"] = 2


def wrong_token(rows: Rows) -> None:
    log(rows, "TransactionStarted")[0]["data"]["id_token"] = "TAG-OTHER"


def wrong_stop(rows: Rows) -> None:
    log(rows, "TransactionStopped")[0]["data"]["meter_stop_wh"] += 1


def no_reading(rows: Rows) -> None:
    log(rows, "TransactionStopped")[0]["data"]["meter_stop_wh"] = None


def invented(rows: Rows) -> None:
    for kind in ("TransactionStarted", "TransactionStopped"):
        log(rows, kind)[0]["data"]["transaction_id"] = "nobody-had-it"


def stopped_twice(rows: Rows) -> Rows:
    _, kind, last = next(row for row in rows if row[2] is log(rows, "TransactionStopped")[0])
    return [*rows[:-1], (rows[-1][0], kind, copy.deepcopy(last)), rows[-1]]


def still_open(rows: Rows) -> Rows:
    return without(rows, next(fields for _, kind, fields in rows if kind == "transaction.ended"))


def sample_outside(rows: Rows) -> None:
    sample = next(one for one in log(rows, "MeterSampled") if one["data"]["transaction_id"])
    sample["data"]["energy_wh"] = 1


CHARGING = "undervoltage-while-charging"


@pytest.mark.parametrize(
    "falsify",
    [
        no_stop,
        no_start,
        wrong_start,
        wrong_place,
        wrong_token,
        wrong_stop,
        no_reading,
        invented,
        stopped_twice,
        still_open,
        sample_outside,
    ],
)
def test_billing_bites(falsify: Callable[[Rows], Rows | None]) -> None:
    assert judged(CHARGING, lambda rows: rows, "I24") is Verdict.PASS
    assert judged(CHARGING, falsify, "I24") is Verdict.FAIL


def given_up(refused: bool) -> Callable[[Rows], Rows]:
    """The station gave up the first transaction's end: it was not answered, or was refused."""

    def falsify(rows: Rows) -> Rows:
        stop = log(rows, "TransactionStopped")[0]
        about = {"station": "CP01", "transaction_id": stop["data"]["transaction_id"], "event": "Ended"}
        untold = {**about, "action": "TransactionEvent", "why": "timed out", "refused": refused}
        return [(0.0, "untold", untold), *without(rows, stop)]

    return falsify


def test_what_nobody_answered_is_no_loss_of_the_csms_and_what_it_refused_is() -> None:
    assert judged(CHARGING, given_up(refused=False), "I24") is Verdict.PASS
    assert judged(CHARGING, given_up(refused=True), "I24") is Verdict.FAIL


def test_an_end_that_a_station_told_of_somebody_elses_transaction_is_not_invented() -> None:
    def silent(rows: Rows) -> Rows:
        return [row for row in rows if row[1] != "transaction.unknown"]

    assert judged("two-sockets", lambda rows: rows, "I24") is Verdict.PASS
    assert judged("two-sockets", silent, "I24") is Verdict.FAIL


def test_a_transaction_may_outlast_its_session() -> None:
    assert judged("old-news", lambda rows: rows, "I24") is Verdict.PASS
    [one] = right("old-news").named_transactions.values()
    assert one.sessions[0].ended is not None
    assert one.ended is None  # the cable is still in


def test_a_second_session_on_a_plugged_cable_belongs_to_the_open_transaction() -> None:
    spec = Scenario(
        name="same-cable",
        title="",
        covers="",
        ocpp="2.0.1",
        steps=(
            step("plug", at=20.0),
            step("swipe", at=25.0),
            step("swipe", at=60.0),
            step("swipe", at=80.0),
            step("unplug", at=150.0),
        ),
    )
    outcome = runner.run(Job("same-cable", 0), spec)
    assert outcome.word is Verdict.PASS, outcome.failed
    [one] = outcome.history.named_transactions.values()
    assert len(one.sessions) == 2
    assert one.ended is not None
    assert sum(event.type == "TransactionStarted" for event in outcome.history.log) == 1


# --- durable before the answer ---------------------------------------------------------------------------------------


def never_stored(kind: str) -> Callable[[Rows], Rows]:
    """Leave out that any event of a kind was stored before the answers left."""

    def falsify(rows: Rows) -> Rows:
        return [row for row in rows if not (row[1] == "stored" and row[2]["type"] == kind)]

    return falsify


def one_update_less(rows: Rows) -> Rows:
    found = [fields for _, kind, fields in rows if kind == "stored" and fields["type"] == "TransactionUpdated"]
    return without(rows, found[0])


@pytest.mark.parametrize(
    "falsify",
    [
        *map(never_stored, ("TransactionStarted", "TransactionUpdated", "TransactionStopped")),
        *map(never_stored, ("MeterSampled", "StatusReported", "Booted")),
        one_update_less,
    ],
)
def test_durable_before_ack_bites(falsify: Callable[[Rows], Rows]) -> None:
    assert judged(CHARGING, lambda rows: rows, "I30") is Verdict.PASS
    assert judged(CHARGING, falsify, "I30") is Verdict.FAIL


# --- whose effect a transaction is -----------------------------------------------------------------------------------


def begun_by_card(rows: Rows) -> None:
    for _, kind, fields in rows:
        if kind == "session.begun":
            fields["message_id"] = None


def test_a_transaction_recorded_as_a_starts_effect_has_a_session_that_began_by_it() -> None:
    assert judged("start-limit-one", lambda rows: rows, "I07") is Verdict.PASS
    assert judged("start-limit-one", begun_by_card, "I07") is Verdict.FAIL


def updated_twice(rows: Rows) -> Rows:
    again = copy.deepcopy(log(rows, "TransactionUpdated")[0])
    again["id"] += "-again"
    return [*rows[:-1], (rows[-1][0], "log", again), rows[-1]]


def test_a_message_of_a_transaction_stands_once_in_the_log() -> None:
    assert judged(CHARGING, lambda rows: rows, "I06") is Verdict.PASS
    assert judged(CHARGING, updated_twice, "I06") is Verdict.FAIL


def other_answer(rows: Rows) -> Rows:
    """Answer the start that was sent again with another status than before."""
    asked: dict[str, str] = {}
    seen: set[str] = set()
    for _, kind, fields in rows:
        message = json.loads(fields["text"]) if kind == "frame" else []
        if not message or ("transactionInfo" not in str(message) and message[1] not in asked):
            continue
        if fields["edge"] == "csms.received" and message[0] == 2 and message[3].get("eventType") == "Started":
            asked[message[1]] = message[3]["transactionInfo"]["transactionId"]
        elif fields["edge"] == "csms.sent" and message[1] in asked and message[0] == 3:
            transaction = asked[message[1]]
            if transaction in seen:
                fields["text"] = json.dumps([3, message[1], {"idTokenInfo": {"status": "ConcurrentTx"}}])
            seen.add(transaction)
    return rows


def test_a_start_told_again_gets_the_same_status() -> None:
    assert judged("offline-queue", lambda rows: rows, "I32") is Verdict.PASS
    assert judged("offline-queue", other_answer, "I32") is Verdict.FAIL
