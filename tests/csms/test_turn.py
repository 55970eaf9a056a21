"""One at a time, in order; and whoever is cancelled, at whatever moment, keeps nobody waiting."""

from __future__ import annotations

import asyncio
import random

import pytest

from interlock.csms.turn import Turn


async def _in_turn(turn: Turn, name: int, did: list[str], pauses: int) -> None:
    if not turn.begin():
        await turn.wait()
    try:
        did.append(f"{name} begins")
        for _ in range(pauses):
            await asyncio.sleep(0)
    finally:
        did.append(f"{name} ends")
        turn.end()


def test_one_at_a_time_in_the_order_they_came():
    turn, did = Turn(), []

    async def all_of_them():
        await asyncio.gather(*(_in_turn(turn, name, did, 3 - name % 3) for name in range(5)))

    asyncio.run(all_of_them())
    assert did == [f"{name} {what}" for name in range(5) for what in ("begins", "ends")]


def test_one_that_is_cancelled_when_its_turn_was_handed_over_hands_it_on():
    turn, did = Turn(), []
    assert turn.begin()

    async def cancelled_late():
        waiting = [asyncio.create_task(_in_turn(turn, name, did, 1)) for name in range(2)]
        await asyncio.sleep(0)
        turn.end()
        waiting[0].cancel()  # the future it waits for has its result, the task has not run since
        await asyncio.wait(waiting)

    asyncio.run(cancelled_late())
    assert did == ["1 begins", "1 ends"]
    assert turn.begin()


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_cancelled_keeps_nobody_waiting(seed):
    rng, turn, did = random.Random(seed), Turn(), []

    async def cancelled():
        tasks = [asyncio.create_task(_in_turn(turn, name, did, rng.randrange(3))) for name in range(8)]
        for _ in range(6):
            await asyncio.sleep(0)
            rng.choice(tasks).cancel()
        await asyncio.wait(tasks)

    asyncio.run(cancelled())
    begun = [one.split()[0] for one in did[::2]]
    assert did == [f"{name} {what}" for name in begun for what in ("begins", "ends")]
    assert begun == sorted(begun, key=int)
    assert turn.begin(), "the turn is free again"
