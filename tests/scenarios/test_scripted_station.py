"""The scripted station has one connection, however many want it to connect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from interlock.scenarios.cases.players.station import ScriptedStation
from interlock.scenarios.cases.players.tester import Peer
from interlock.simulator.network.address import parse

pytestmark = pytest.mark.asyncio


class Recorder:
    """As much of a tester as a connection needs."""

    def __init__(self) -> None:
        self.book = self
        self.station: str | None = None
        self.password: str | None = None
        self.peer = Peer()
        self.line: Any = None
        self.closing = asyncio.Event()

    def opened(self, line: Any, headers: Any) -> None:
        self.line = line

    def arrived(self, line: Any, text: str) -> None:
        """Note nothing."""

    def closed(self, line: Any, why: str) -> None:
        if self.line is line:
            self.line = None
        self.closing.set()


async def test_two_who_want_it_to_connect_make_one_connection() -> None:
    came: list[ServerConnection] = []

    async def stay(connection: ServerConnection) -> None:
        came.append(connection)
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        tester: Any = Recorder()
        station = ScriptedStation(tester, parse(f"ws://127.0.0.1:{port}"), "S", None, None)
        await asyncio.gather(station.dial(), station.allow())
        assert (len(came), station._number) == (1, 1)
        await station.close()


async def test_who_was_sent_away_while_it_dialled_does_not_come() -> None:
    dialling, go_on = asyncio.Event(), asyncio.Event()

    async def hold(connection: ServerConnection, request: Any) -> None:
        dialling.set()
        await go_on.wait()

    async with serve(
        ServerConnection.wait_closed,
        "127.0.0.1",
        0,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        process_request=hold,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        tester: Any = Recorder()
        station = ScriptedStation(tester, parse(f"ws://127.0.0.1:{port}"), "S", None, None)
        coming = asyncio.create_task(station.dial())
        await dialling.wait()
        station.cut()
        go_on.set()
        await coming
        assert tester.line is None
