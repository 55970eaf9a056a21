"""Each wrong design is caught by the invariant it names; the reference is not flagged by the same runs."""

from __future__ import annotations

import pytest

from scenarios.invariants import INVARIANTS
from scenarios.library import scenarios
from scenarios.runner import Job, run
from scenarios.specimens import specimens, story
from scenarios.verdict import Verdict

SEEDS = 25


@pytest.mark.parametrize("name", list(specimens()))
def test_it_is_caught_by_the_invariant_it_names(name: str) -> None:
    specimen = specimens()[name]
    flagged: dict[str, int] = {}
    for seed in range(SEEDS):
        for found in run(Job(specimen.scenario, seed, name)).failed:
            flagged[found] = flagged.get(found, 0) + 1
        if specimen.caught_by in flagged:
            return
    pytest.fail(f"{specimen.caught_by} flagged none of {SEEDS} seeds of {specimen.scenario}; flagged were {flagged}")


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
    assert len(specimens()) >= 14
    assert next(iter(specimens())) == "send-then-append"
    for name, specimen in specimens().items():
        assert len(story(name).splitlines()) >= 3
        assert specimen.caught_by in INVARIANTS
        assert specimen.scenario in scenarios()
