"""Brains on sockets: `websockets` with raw JSON, sans-I/O on plain asyncio, slow and chatty, the `ocpp` library.

Each is a context manager that gives the URL. They listen on loopback, at a port of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tests.foreign.brain import Brain, HangUp

Shell = Callable[[Brain], contextlib.AbstractAsyncContextManager[str]]
SPEAKS = [Subprotocol("ocpp1.6")]


def station_of(path: str) -> str:
    """Return the id at the end of a path."""
    return unquote(path.rsplit("/", 1)[-1])


async def _talk(brain: Brain, socket: ServerConnection) -> None:
    assert socket.request is not None
    station = station_of(socket.request.path)
    lines = getattr(brain, "lines", {})
    lines[station] = line = socket.send
    brain.came(station)
    try:
        async for text in socket:
            try:
                for one in brain.take(station, str(text)):
                    await socket.send(one)
            except HangUp:
                await socket.close(1011)
    except websockets.ConnectionClosed:
        pass
    finally:
        if lines.get(station) is line:
            del lines[station]
        brain.gone(station)


@contextlib.asynccontextmanager
async def raw(brain: Brain) -> AsyncIterator[str]:
    """`websockets`, a task for each station."""
    async with serve(lambda socket: _talk(brain, socket), "127.0.0.1", 0, subprotocols=SPEAKS) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"


@contextlib.asynccontextmanager
async def odd_json(brain: Brain) -> AsyncIterator[str]:
    """The same, with indented JSON, members turned round and characters beyond ASCII escaped."""

    def result(station: str, name: str, action: str, answer: dict[str, Any]) -> list[str]:
        turned = dict(
            reversed(
                [
                    *answer.items(),
                ]
            )
        )
        return [json.dumps([3, name, turned], indent=3)]

    brain.result = result  # type: ignore[method-assign]
    async with raw(brain) as url:
        yield url


@contextlib.asynccontextmanager
async def slow(brain: Brain) -> AsyncIterator[str]:
    """Takes its time for each answer, asks for a DataTransfer now and then, wants a heartbeat each 7 s."""
    brain.interval = 7
    rng, numbers = random.Random(1), itertools.count(1)

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        station, said, open_call = station_of(socket.request.path), 0, ""
        try:
            async for text in socket:
                if json.loads(str(text) if _is_json(str(text)) else "[3]")[:2] == [3, open_call]:
                    open_call = ""
                for one in brain.take(station, str(text)):
                    await asyncio.sleep(rng.uniform(0.02, 0.25))
                    await socket.send(one)
                said += 1
                if said % 9 == 4 and not open_call:
                    open_call = f"v{next(numbers)}"
                    data = {"vendorId": "org.example.sloppy", "data": "hällo"}
                    await socket.send(json.dumps([2, open_call, "DataTransfer", data]))
        except websockets.ConnectionClosed:
            pass

    async with serve(handle, "127.0.0.1", 0, subprotocols=SPEAKS) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/a/b"


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


class _Wire(asyncio.Protocol):
    """One connection of the sans-I/O style."""

    def __init__(self, brain: Brain) -> None:
        self.brain, self.station = brain, ""
        self.wire = ServerProtocol(subprotocols=SPEAKS)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.wire.receive_data(data)
        for event in self.wire.events_received():
            if isinstance(event, Request):
                self.station = station_of(event.path)
                self.wire.send_response(self.wire.accept(event))
            elif event.opcode is Opcode.TEXT:
                for text in self.brain.take(self.station, bytes(event.data).decode()):
                    if self.wire.state is State.OPEN:
                        self.wire.send_text(text.encode())
        self._flush()

    def eof_received(self) -> None:
        self.wire.receive_eof()
        self._flush()

    def _flush(self) -> None:
        assert self.transport is not None
        for data in self.wire.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()


@contextlib.asynccontextmanager
async def sans_io(brain: Brain) -> AsyncIterator[str]:
    """A protocol on plain asyncio around a sans-I/O WebSocket."""
    server = await asyncio.get_running_loop().create_server(lambda: _Wire(brain), "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


# --- the `ocpp` library ----------------------------------------------------------------------------------------------


class _Book:
    def __init__(self) -> None:
        self.next, self.starts = 500, dict[Any, int]()


class _Station(ChargePoint):
    """A station as a user of the library writes it: accepts every card, knows no concurrency."""

    def __init__(self, id: str, socket: Any, book: _Book) -> None:
        super().__init__(id, socket)
        self.book = book

    @on(Action.boot_notification)
    def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 60, "Accepted")

    @on(Action.heartbeat)
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    @on(Action.authorize)
    def authorize(self, id_tag: str) -> Any:
        return call_result.Authorize({"status": "Accepted"})

    @on(Action.status_notification)
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meters(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def data(self, **_: Any) -> Any:
        return call_result.DataTransfer("Accepted")

    @on(Action.start_transaction)
    def begin(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any) -> Any:
        key = self.id, connector_id, id_tag, meter_start, timestamp
        if key not in self.book.starts:
            self.book.next += 1
            self.book.starts[key] = self.book.next
        return call_result.StartTransaction(self.book.starts[key], {"status": "Accepted"})

    @on(Action.stop_transaction)
    def end(self, **_: Any) -> Any:
        return call_result.StopTransaction({"status": "Accepted"})


@contextlib.asynccontextmanager
async def library(brain: Brain) -> AsyncIterator[str]:
    """The `ocpp` library on `websockets`."""
    book = _Book()

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        with contextlib.suppress(websockets.ConnectionClosed):
            await _Station(station_of(socket.request.path), socket, book).start()

    async with serve(handle, "127.0.0.1", 0, subprotocols=SPEAKS) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


class AcceptsAnything(Brain):
    """Does not care who uses a card twice."""

    concurrent = False


class Whitelist(Brain):
    """Accepts the cards it knows and no others."""

    def card(self, card: str) -> str:
        """How a card is registered."""
        return (
            "Accepted"
            if card.upper() in ("TAG-DRIVER", "TAG-OTHER")
            else super().card(card)
            if card.upper() in self.blocked
            else "Invalid"
        )


RIGHT: dict[str, tuple[Shell, Callable[[], Brain]]] = {
    "raw": (raw, Brain),
    "odd-json": (odd_json, Brain),
    "sans-io": (sans_io, AcceptsAnything),
    "slow": (slow, Brain),
    "library": (library, Brain),
    "whitelist": (raw, Whitelist),
}
"""Right CSMSs by name: a shell and a brain."""
