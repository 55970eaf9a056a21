"""All that can be seen of a node in many situations is what was approved: see `stories`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.csms.domain.station import Rules
from interlock.csms.settings import Settings

from . import stories_commands, stories_sessions, stories_stations
from .stories import STORIES, Told, told

APPROVED = Path(__file__).parent / "approved"
MODULES = (stories_commands, stories_sessions, stories_stations)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_story_is_as_it_was_approved(name: str) -> None:
    one: Told = STORIES[name]
    text = told(one.script, one.settings or Settings(), one.rules or Rules(2, 2))
    path = APPROVED / f"{name}.txt"
    if os.environ.get("INTERLOCK_APPROVE"):
        path.write_text(text, "utf-8")
    assert path.exists(), f"{name} was never approved: see tests/csms/stories.py"
    assert text.splitlines() == path.read_text("utf-8").splitlines()


def test_every_approved_text_is_of_a_story() -> None:
    assert {path.stem for path in APPROVED.glob("*.txt")} == set(STORIES)


def test_a_story_is_told_the_same_twice() -> None:
    one = STORIES["a_start_in_doubt_is_refuted"]
    assert told(one.script) == told(one.script)
