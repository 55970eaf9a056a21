"""The real clock and the ids of one start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from interlock.csms.domain import commands as do
from interlock.csms.serve import wall_clock as wall
from interlock.csms.serve.wall_clock import Drawn, WallClock, fresh_ids
from interlock.csms.settings import Settings

from .test_node import Bench, play


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


@pytest.mark.asyncio
async def test_a_step_of_the_systems_clock_is_followed_and_no_wait_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WallClock(asyncio.get_running_loop())
    real, now = wall.time.time, clock.now()
    monkeypatch.setattr(wall.time, "time", lambda: real() - 3600.0)
    assert abs((datetime.now(UTC) - clock.at()).total_seconds() - 3600.0) < 5.0
    assert 0.0 <= clock.now() - now < 5.0
    assert abs(clock.when(clock.at() + timedelta(seconds=7)) - clock.now() - 7.0) < 1.0


class Stepped(Bench):
    """A bench whose time of day somebody sets."""

    step_s = 0.0

    def at(self) -> datetime:
        return super().at() + timedelta(seconds=self.step_s)

    def when(self, at: datetime) -> float:
        return super().when(at) - self.step_s


@pytest.mark.parametrize("step_s", [-86400.0, -3600.0, -30.0, 30.0, 86400.0])
@pytest.mark.parametrize("after_s", [0.0, 2.0, 7.0])
def test_a_connector_is_not_held_for_the_step_of_a_clock(step_s: float, after_s: float) -> None:
    """Set before the frame, while the answer is awaited, and while the doubt lasts."""
    bench = Stepped(Settings(call_timeout_s=5.0, lateness_s=10.0))

    async def scene(bench: Bench) -> None:
        assert isinstance(bench, Stepped)
        await bench.online()
        command = (await bench.node.operate("CP1", do.Unlock(1), "r1")).command_id
        await asyncio.sleep(after_s)
        bench.step_s = step_s
        await asyncio.sleep(40.0)
        assert command is not None
        assert await bench.node.phase("CP1", command) in ("unknown", "refuted")
        again = await bench.node.operate("CP1", do.Unlock(1), "r2")
        assert again.answer == "accepted"

    play(scene, bench=bench)
