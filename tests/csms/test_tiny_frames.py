"""Thousands of tiny frames fit one read: others get their turn of the loop between some of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from websockets.frames import Frame

from interlock.csms import connection
from interlock.csms.connection import Connection
from interlock.csms.serve import station_socket
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.station_socket import SLICE, Socket

from .serving import served
from .test_leftovers import STATIONS, frame

MANY = 1500
SMALLEST = 6
"""Bytes of a frame with a mask and nothing in it."""


@pytest.mark.asyncio
async def test_tiny_frames_are_parsed_and_handled_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    turn, parsed, handled = 0, Counter[int](), Counter[int]()
    take, receive, loop = Socket._take, Connection.receive, asyncio.get_running_loop()

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(next_turn)

    def taken(self: Socket, one: Frame) -> None:
        parsed[turn] += 1
        take(self, one)

    async def received(self: Any, text: str) -> None:
        handled[turn] += 1
        await receive(self, text)

    monkeypatch.setattr(Socket, "_take", taken)
    monkeypatch.setattr(Connection, "receive", received)
    async with served(limits=Limits(messages_burst=1e6)) as csms:
        reader, writer = await asyncio.open_connection("127.0.0.1", csms.port)
        writer.write(STATIONS["a handshake"])
        await reader.readuntil(b"\r\n\r\n")
        next_turn()
        writer.write(frame(b"{") * MANY)
        async with asyncio.timeout(30):
            while handled.total() < MANY:
                await asyncio.sleep(0)
        writer.transport.abort()
    assert parsed.total() == MANY
    assert max(parsed.values()) <= station_socket.AT_ONCE + SLICE // SMALLEST
    assert max(handled.values()) <= connection.AT_ONCE
