"""Operators that ask for much, or wait for long, take little from stations."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from interlock.csms.domain import commands as do
from interlock.csms.serve.share import Share

from .serving import dialled, served

pytestmark = pytest.mark.asyncio


async def test_long_answers_are_one_at_a_time_and_one_that_fails_or_leaves_keeps_nothing() -> None:
    share, inside = Share(), 0

    async def answer(fails: bool) -> None:
        nonlocal inside
        async with share.turn():
            inside += 1
            await asyncio.sleep(0)
            assert inside == 1
            inside -= 1
            if fails:
                raise ValueError

    asked = [asyncio.ensure_future(answer(number % 2 == 1)) for number in range(6)]
    await asyncio.sleep(0)
    asked[2].cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [
        *(type(None), ValueError, asyncio.CancelledError),
        *(ValueError, type(None), ValueError),
    ]


async def test_a_long_answer_is_followed_by_a_pause() -> None:
    share = Share()
    with mock.patch.object(asyncio.get_running_loop(), "call_later") as call_later:
        async with share.turn():
            pass
    (pause_s, release), _ = call_later.call_args
    assert 0 <= pause_s <= 0.05
    held = asyncio.ensure_future(share.turn().__aenter__())
    await asyncio.sleep(0)
    assert not held.done()
    release()
    await held


async def test_one_who_waits_for_a_command_reads_nothing_while_others_report() -> None:
    async with served() as csms, dialled(csms.url()) as station, dialled(csms.url("CP02")) as other:
        await station.boot()
        await other.boot()
        decided = await csms.node.operate("CP01", do.Unlock(1), "r1")
        assert decided.command_id is not None
        frame = await station.hear()
        with mock.patch.object(csms.records, "command", wraps=csms.records.command) as read:
            waiting = asyncio.ensure_future(csms.records.settled(decided.command_id, 10.0))
            while read.call_count < 2:
                await asyncio.sleep(0)
            for _ in range(5):
                await other.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
            assert (read.call_count, waiting.done()) == (2, False)
            await station.socket.send(f'[3,"{frame[1]}",{{"status":"Unlocked"}}]')
            found = await waiting
        assert found is not None
        assert found["state"] == "accepted"
