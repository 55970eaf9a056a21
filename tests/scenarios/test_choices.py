"""What `docs/choices.md` compares costs what it says, and costs no outcome whichever is chosen."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.scenarios.explore.choices import QUESTIONS, Figures, measure, picture

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "choices.md").read_text("utf-8")


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Figures]]:
    """One seed of each alternative, by the title of its question."""
    return {
        one.title: {name: measure(replace(one.spec, settings=settings), [3]) for name, settings in one.alternatives}
        for one in QUESTIONS
    }


def test_no_choice_violates_anything(figures: dict[str, dict[str, Figures]]) -> None:
    assert {one.violated for group in figures.values() for one in group.values()} == {()}


def test_each_choice_costs_something_else(figures: dict[str, dict[str, Figures]]) -> None:
    heartbeats, snapshots, residency, timers = (list(group.values()) for group in figures.values())
    every, presence = heartbeats
    assert every.events > 10 * presence.events
    assert every.conflicts > presence.conflicts
    none, _, every_50, _, each_minute = snapshots
    assert none.folded_after_crash > every_50.folded_after_crash > each_minute.folded_after_crash
    assert none.snapshots == 0 < every_50.snapshots < each_minute.snapshots
    resident, bare, with_snapshots = residency
    assert resident.folded < with_snapshots.folded < bare.folded
    restartable, polled = timers
    assert len(restartable.late_s) == len(polled.late_s) == 2
    assert restartable.late_s[0] < 1.0 < polled.late_s[-1]


def test_a_picture_has_the_numbers_of_its_table(figures: dict[str, dict[str, Figures]]) -> None:
    heartbeats = QUESTIONS[0]
    drawn = picture(heartbeats, list(figures[heartbeats.title].items()))
    ET.fromstring(drawn)
    for one in figures[heartbeats.title].values():
        assert f"{one.events:,}" in drawn
        assert f"{one.bytes:,}" in drawn
    assert "prefers-color-scheme:dark" in drawn


def test_the_page_has_all_of_it() -> None:
    for question in QUESTIONS:
        assert f"## {question.title}" in PAGE
        assert f"(choices-{question.name}.svg)" in PAGE
        assert (DOCS / f"choices-{question.name}.svg").exists()
        for name, _ in question.alternatives:
            assert f"| {name} |" in PAGE
