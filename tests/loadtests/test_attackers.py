"""A small slice of `make attackers`: what is counted, never how long anything took."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.loadtests.damage.attackers import KINDS, measure


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
