"""Each wrong design is caught by the invariant it names; the reference is not flagged by the same runs."""

from __future__ import annotations

import pytest

from interlock.scenarios.explore.proofs import kill
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import Job, run
from interlock.scenarios.specimens import specimens, story


@pytest.mark.parametrize("name", list(specimens()))
def test_it_is_caught_by_the_invariant_it_names(name: str) -> None:
    found = kill(name, shrunk=False)
    assert found.schedules is not None, f"{found.invariant} flagged none of {found.runs}; flagged were {found.flagged}"


@pytest.mark.parametrize("name", [name for name, found in scenarios().items() if not found.heavy])
def test_the_reference_is_not_flagged(name: str) -> None:
    for seed in range(5):
        outcome = run(Job(name, seed))
        assert outcome.word is Verdict.PASS, outcome.failed


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
