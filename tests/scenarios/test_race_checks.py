"""Each check of the stage "races" finds what is planted for it, and nothing in the same tale told rightly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interlock.scenarios.judge.race_checks import ANSWER_CHECKS, PARTS, RACE_CHECKS, judge
from interlock.scenarios.judge.race_lines import LINE_CHECKS
from interlock.scenarios.judge.race_orders import ORDER_CHECKS
from interlock.scenarios.judge.verdict import Finding, Verdict
from tests.scenarios.race_tales import CASES, RUN, Tale, boots, dialect, limits, outcome


def _judged(tell: Callable[[Tale], Any], run: dict[str, Any] = RUN) -> dict[str, Finding]:
    tale = Tale()
    tell(tale)
    return {one.id: one for one in judge(tale.rows, run)}


@pytest.mark.parametrize(("id", "wrong", "right"), CASES)
def test_a_check_bites_and_does_not_bite_the_innocent(
    id: str, wrong: Callable[[Tale], Any], right: Callable[[Tale], Any]
) -> None:
    assert _judged(wrong)[id].verdict is Verdict.FAIL
    assert _judged(wrong)[id].violations
    found = _judged(right)
    assert found[id].verdict is Verdict.PASS
    assert [one.id for one in found.values() if one.verdict is Verdict.FAIL] == []


def test_every_check_is_shown_to_bite() -> None:
    assert {id for id, _, _ in CASES} == RACE_CHECKS.keys()


def test_a_station_that_is_away_need_not_be_sent_anything() -> None:
    found = _judged(lambda t: t.note("left", station="A", request_id="r", action="Reset", there=False, up=False))
    assert found["R22"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("how", [{"gap_s": 1.0}, {"order": True}])
def test_pending_is_no_fault_before_long_nor_where_something_is_done(how: dict[str, Any]) -> None:
    assert _judged(lambda t: boots(t, "Pending", **how))["R14"].verdict is Verdict.NOT_APPLICABLE


def test_a_run_in_which_no_command_was_taken_is_not_green() -> None:
    def tell(tale: Tale, answer: str) -> None:
        about = {"request_id": "r", "attempt": 1, "station": "A", "command_id": None, "reason": "no"}
        tale.note("request.answered", answer=answer, **about)

    found = _judged(lambda t: tell(t, "refused"))["P05"]
    assert (found.verdict, found.needed) == (Verdict.INCONCLUSIVE, True)
    assert found.reason == "no command was taken: refused 1 x (no)"
    assert _judged(lambda t: tell(t, "accepted"))["P05"].verdict is Verdict.PASS
    gone = _judged(lambda t: (tell(t, "accepted"), t.note("control.failed", station="A", why="it is gone")))["P05"]
    assert gone.reason == "the control interface failed: it is gone"


def test_of_several_alike_no_outcome_is_guessed() -> None:
    def tell(tale: Tale) -> None:
        outcome(tale, "UnlockFailed", "accepted")
        tale.ask("UnlockConnector", {"connectorId": 2}, "r2")
        tale.order("UnlockConnector", {"connectorId": 2}, "Unlocked")

    assert _judged(tell)["R24"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("id", PARTS)
def test_a_run_in_which_it_did_not_happen_is_not_green(id: str) -> None:
    deeds = [deed for _, some in PARTS.values() for deed in some]

    def tell(tale: Tale, without: tuple[str, ...] = ()) -> None:
        for deed in deeds:
            if deed not in without:
                tale.note("deed", part="x", what=deed, station="A")

    assert _judged(tell)[id].verdict is Verdict.PASS
    missing = _judged(lambda tale: tell(tale, PARTS[id][1]))[id]
    assert missing.verdict is Verdict.INCONCLUSIVE
    assert missing.needed
    assert PARTS[id][1][0] in (missing.reason or "")


@pytest.mark.parametrize(
    ("over", "why", "verdict"), [(9, None, "INCONCLUSIVE"), (10, None, "PASS"), (0, "few ids", None)]
)
def test_what_the_time_did_not_suffice_for_is_told_and_is_not_green(
    over: int, why: str | None, verdict: str | None
) -> None:
    def tell(tale: Tale) -> None:
        tale.note("planned", part="stories", count=20)
        for _ in range(over):
            tale.note("planned.over", part="stories")
        tale.note("part.cut", part="stories", **({"why": why} if why else {}))

    found = _judged(tell).get("P07")
    assert (found.verdict.name if found else None) == verdict
    assert found is None or f"stories ({over} of 20)" in str(found.reason)


def test_a_member_that_nobody_asked_for_is_wrong_where_the_operator_gives_the_whole_payload() -> None:
    def start(tale: Tale, *more: str) -> None:
        tale.ask("RemoteStartTransaction", {"idTag": "X"})
        tale.order("RemoteStartTransaction", {"idTag": "X", **dict.fromkeys(more, 1)}, "Accepted")

    def nested(tale: Tale) -> None:
        dialect(tale, limits(1, 2, kind="Absolute"), "SetChargingProfile")

    def own_number(tale: Tale) -> None:
        tale.ask("ReserveNow", {"idTag": "X"})
        tale.order("ReserveNow", {"idTag": "X", "reservationId": 7}, "Accepted")

    whole = {**RUN, "rules": {"told": ["payloads"]}}
    assert _judged(lambda tale: start(tale, "connectorId"), whole)["R20"].verdict is Verdict.FAIL
    assert _judged(nested, whole)["R20"].verdict is Verdict.FAIL
    assert _judged(start, whole)["R20"].verdict is Verdict.PASS
    assert _judged(own_number, whole)["R20"].verdict is Verdict.PASS
    assert _judged(lambda tale: start(tale, "connectorId"))["R20"].verdict is Verdict.PASS


def test_meter_values_that_nobody_can_read_are_not_judged() -> None:
    def told(tale: Tale) -> None:
        tale.call("MeterValues", {"connectorId": 1, "transactionId": 5, "meterValue": []}, {})

    assert _judged(told)["R31"].verdict is Verdict.INCONCLUSIVE
    assert "[samples]" in str(_judged(told)["R31"].reason)
    assert _judged(told, {**RUN, "rules": {"told": []}})["R31"].verdict is Verdict.NOT_APPLICABLE


def test_no_id_is_given_twice() -> None:
    """A table laid over another would take its place without a word."""
    assert len(RACE_CHECKS) == len(ANSWER_CHECKS) + len(LINE_CHECKS) + len(ORDER_CHECKS)
