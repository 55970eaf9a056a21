"""The real clock and the ids of one start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from interlock.csms.serve.wall_clock import Drawn, WallClock, fresh_ids


def test_random_bits_are_as_many_as_asked_for_and_never_the_same_again() -> None:
    rng = Drawn()
    drawn = [rng.getrandbits(64) for _ in range(5_000)]  # ten times what is taken from the system at once
    assert len(set(drawn)) == len(drawn)
    for bits in (1, 7, 8, 31, 40):
        some = [rng.getrandbits(bits) for _ in range(2_000)]
        assert 0 <= min(some) <= max(some) < 1 << bits
        assert all(any(one >> bit & 1 for one in some) for bit in range(bits))
    assert rng.getrandbits(50_000).bit_length() > 49_000


def test_two_starts_of_a_node_share_no_name_and_no_transaction() -> None:
    first, second = fresh_ids("node"), fresh_ids("node")
    assert first.event_id() != second.event_id()
    numbers = [ids.transaction_id() for ids in (first, second) for _ in range(1_000)]
    assert all(0 < one < 1 << 31 for one in numbers)
    assert len(set(numbers)) > 1_990


@pytest.mark.asyncio
async def test_the_clock_reads_the_time_of_day_off_the_loop() -> None:
    loop = asyncio.get_running_loop()
    clock = WallClock(loop)
    before, now, after = loop.time(), clock.now(), loop.time()
    assert before <= now <= after
    assert abs((datetime.now(UTC) - clock.at()).total_seconds()) < 1.0
    assert abs(clock.when(clock.at()) - clock.now()) < 1.0
