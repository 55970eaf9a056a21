"""A small slice of `make attackers`: what is counted, never how long anything took."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interlock.loadtests.damage.attackers import KINDS, judged, measure

FOUND: dict[str, Any] = {
    "inside_moved_ms": 2.0,
    "inside_alone_ms": 20.0,
    "inside_windows_alone_ms": [18.0, 20.0, 21.0],
    "worked_moved_ms": 0.4,
    "busy_attacked": 0.6,
    "dropped": 0,
    "ready": 200,
    "memory_later_mib": 3.0,
    "garbage_mb_a_minute": 0.2,
    "answers": {"alone": 100, "attacked": 100},
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"inside_moved_ms": 4.9, "inside_alone_ms": 3.0}, 0),
        ({"inside_moved_ms": 9.0, "inside_alone_ms": 100.0}, 0),
        ({"inside_moved_ms": 9.0}, 1),
        ({"inside_moved_ms": 9.0, "inside_windows_alone_ms": [10.0, 30.0]}, 3),
        ({"inside_moved_ms": 9.0, "busy_attacked": 0.97}, 3),
        ({"inside_windows_alone_ms": [10.0, 400.0], "inside_moved_ms": -60.0}, 3),
        ({"worked_moved_ms": 5.4}, 1),
        ({"worked_moved_ms": 5.4, "busy_attacked": 0.97}, 3),
        ({"dropped": 1, "busy_attacked": 0.97}, 1),
        ({"dropped": 1}, 1),
        ({"ready": 503}, 1),
        ({"memory_later_mib": 40.0}, 1),
        ({"garbage_mb_a_minute": 1.5}, 1),
        ({"answers": {"alone": 100, "attacked": 0}}, 3),
    ],
)
def test_the_verdict_follows_the_figures(change: dict[str, Any], code: int) -> None:
    assert judged({**FOUND, **change})[0] == code


@pytest.mark.slow
def test_the_good_ones_are_served_and_nothing_grows(tmp_path: Path) -> None:
    found = asyncio.run(measure(tmp_path, stations=12, attackers=len(KINDS), seconds=3.0))
    assert found["dropped"] == 0
    assert found["ready"] == 200
    assert found["answers"]["attacked"] > 0
    done = found["done"]
    assert done["attackers that broke"] == 0
    for mischief in ("connections opened and left", "followers that do not read", "200 frames of garbage sent"):
        assert done[mischief] > 0
    assert any(name.startswith("guesses answered") for name in done)
    assert not done.get("questions answered 500")
    assert found["memory_mib"] < 64
    assert found["alarm_bytes"] < 100_000
    assert found["garbage_first_mb"] + found["garbage_mb_a_minute"] < 2
