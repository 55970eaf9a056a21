"""Transactions of 2.0.1 told in many ways: valid all of them, and each the same on record whatever its order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.scenarios.judge import payloads
from interlock.scenarios.judge.race_checks import judge
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.live.race_events_201 import Telling, made, tellings
from tests.scenarios.race_tales import RUN, Tale

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TELLINGS = {one.name: one for one in tellings()}


class _Line:
    def now(self, ago_s: float = 0.0) -> datetime:
        return BEGAN - timedelta(seconds=ago_s)


def _made(one: Telling) -> list[dict[str, Any]]:
    line: Any = _Line()
    return made(one, "T1", "CARD", 1000.0, line)


def _tale(one: Telling, **row: Any) -> Tale:
    tale = Tale()
    tale.note("socket.opened", station="A", socket=1, node="csms", subprotocol="ocpp2.0.1")
    events = _made(one)
    for number in one.order:
        shown = {"idTokenInfo": {"status": "Accepted"}} if "idToken" in events[number] else {}
        tale.call("TransactionEvent", events[number], shown)
    card = None if one.shown_at is None else "card"
    kept = {"connector": one.evse, "id_token": card, "start_wh": 1000, "stop_wh": 1750, "transaction_id": "T1"}
    tale.note("csms.session", station="A", **{**kept, "started_at": events[0]["timestamp"], **row})
    tale.note("csms.sessions", station="A", count=1)
    return tale


def _billed(tale: Tale) -> tuple[Verdict, int]:
    [found] = [one for one in judge(tale.rows, RUN) if one.id == "R26"]
    return found.verdict, found.checked


@pytest.mark.parametrize("name", TELLINGS)
def test_it_holds_the_schema(name: str) -> None:
    for event in _made(TELLINGS[name]):
        assert payloads.of_call("2.0.1", "TransactionEvent", event, "station") is None, event
        assert payloads.in_words("2.0.1", "TransactionEvent", event, answer=False) is None, event


@pytest.mark.parametrize("name", TELLINGS)
def test_it_is_one_record_whatever_its_order(name: str) -> None:
    if TELLINGS[name].order[0] != 0:  # no station has to be understood that tells of what did not begin
        assert _billed(_tale(TELLINGS[name], stop_wh=1600)) == (Verdict.NOT_APPLICABLE, 0)
        return
    assert _billed(_tale(TELLINGS[name])) == (Verdict.PASS, 1)
    for wrong in ({"stop_wh": 1600}, {"stop_wh": None}, {"start_wh": 0}, {"connector": 3 - TELLINGS[name].evse}):
        assert _billed(_tale(TELLINGS[name], **wrong))[0] is Verdict.FAIL, wrong


def test_the_card_of_a_transaction_is_the_one_that_began_it() -> None:
    other = TELLINGS["ended by another card"]
    assert _billed(_tale(other, id_token="X-ENDS-IT"))[0] is Verdict.FAIL
    assert _billed(_tale(other, id_token=None))[0] is Verdict.FAIL
    cable = TELLINGS["the cable before the card"]
    assert _billed(_tale(cable, id_token=None)) == (Verdict.PASS, 1)
    assert _billed(_tale(cable, id_token="ANOTHER"))[0] is Verdict.FAIL


def test_what_is_not_certain_is_not_judged() -> None:
    whole = TELLINGS["as it happened"]
    for order in ((1, 2, 3, 4), (0, 1, 2, 3)):  # no beginning; no end
        events = Telling("a part", order)
        assert _billed(_tale(events, stop_wh=None)) == (Verdict.NOT_APPLICABLE, 0)
    refused = _tale(whole)
    refused.call("TransactionEvent", {**_made(whole)[2], "seqNo": 2, "offline": True}, "InternalError")
    assert _billed(refused) == (Verdict.PASS, 1)  # the same event had its answer before
    unanswered = _tale(whole, stop_wh=None)
    unanswered.call("TransactionEvent", {**_made(whole)[2], "seqNo": 3}, {})  # two events with one seqNo
    assert _billed(unanswered) == (Verdict.NOT_APPLICABLE, 0)
