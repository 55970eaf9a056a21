"""Each wrong design is caught by the invariant it names; the reference is not flagged by the same runs."""

from __future__ import annotations

import pytest

from interlock.scenarios.explore.proofs import kill
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import Job, run
from interlock.scenarios.specimens import specimens, story


@pytest.mark.slow
@pytest.mark.parametrize("name", list(specimens()))
def test_it_is_caught_by_the_invariant_it_names(name: str) -> None:
    found = kill(name, shrunk=False)
    assert found.schedules is not None, f"{found.invariant} flagged none of {found.runs}; flagged were {found.flagged}"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, found in specimens().items() if found.why_not("2.0.1") is None])
def test_it_is_caught_under_the_later_version_too(name: str) -> None:
    found = kill(name, least=1, ocpp="2.0.1", shrunk=False)
    assert found.schedules is not None, f"{found.invariant} flagged none of {found.runs}; flagged were {found.flagged}"


def test_those_that_cannot_exist_under_the_later_version_are_named_with_the_reason() -> None:
    absent = {name: found.why_not("2.0.1") for name, found in specimens().items() if found.absent_in}
    assert list(absent) == [
        "counted-transaction-ids",
        "only-the-status-counts",
        "starts-by-message-only",
        "swallows-the-next-session",
        "transaction-id-zero",
    ]
    assert all(why and len(why.split()) >= 6 for why in absent.values())
    assert all(found.why_not("1.6") is None for found in specimens().values())


@pytest.mark.parametrize("name", [name for name, found in scenarios().items() if not found.heavy])
def test_the_reference_is_not_flagged(name: str) -> None:
    for seed in range(5):
        outcome = run(Job(name, seed))
        assert outcome.word is Verdict.PASS, outcome.failed


LATER = [name for name, found in scenarios().items() if not found.heavy and found.why_not("2.0.1") is None]


@pytest.mark.parametrize("name", LATER)
def test_the_reference_is_not_flagged_under_the_later_version(name: str) -> None:
    outcome = run(Job(name, 0, ocpp="2.0.1"))
    assert outcome.word is Verdict.PASS, outcome.failed
    assert {seen["subprotocol"] for seen in outcome.history.of("socket.opened")} == {"ocpp2.0.1"}


def test_the_question_is_answered() -> None:
    """The naive design loses an unlock to a heartbeat in at least 90 of 100 seeds."""
    flagged = sum(bool(run(Job("heartbeat-vs-unlock", seed, "send-then-append")).failed) for seed in range(100))
    assert flagged >= 90


def test_there_are_enough_and_each_says_what_is_wrong() -> None:
    assert len(specimens()) >= 45
    assert "send-then-append" in specimens()
    for name, specimen in specimens().items():
        assert len(story(name).splitlines()) >= 3
        assert specimen.caught_by in INVARIANTS
        assert specimen.scenario in scenarios()
        assert specimen.under("2.0.1").caught_by in INVARIANTS
        assert specimen.under("2.0.1").scenario in scenarios()
