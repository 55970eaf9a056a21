"""Right CSMSs in four more styles, each with habits of its own that OCPP 1.6 allows.

`ledger`: the `ocpp` library over a table in SQLite; it reads and sets the configuration and triggers a message
behind each boot, and does not support what is optional. `handmade`: a WebSocket server written by hand, which takes
a while for each answer, numbers its message ids and closes idle connections. `projected`: `wsproto`; stations are
Pending first, it pushes a local list, and sends one CALL at a time. `asgi`: Starlette, a worker for each station,
errors to what is no message.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import random
import sqlite3
import struct
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.server import ServerConnection, serve
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Request, TextMessage

from tests.foreign.brain import Brain, Payload
from tests.foreign.shells import SPEAKS, Shell, station_of

# --- SQLite behind the `ocpp` library --------------------------------------------------------------------------------

TABLES = """
create table card (tag text primary key collate nocase, status text);
create table session (id integer primary key autoincrement, station text, connector int, tag text, began text,
    start int, status text, stop int, unique (station, connector, tag, began, start));
insert into card values ('TAG-BLOCKED', 'Blocked'), ('TAG-DRIVER', 'Accepted');
"""


class _Clerk(ChargePoint):
    """Keeps everything in tables."""

    def __init__(self, id: str, socket: Any, book: sqlite3.Connection, numbers: Callable[[], int]) -> None:
        super().__init__(id, socket, response_timeout=25)
        self._unique_id_generator = lambda: str(numbers())
        self.book, self.tasks = book, set[asyncio.Task[None]]()

    def status_of(self, tag: str) -> str:
        row = self.book.execute("select status from card where tag = ?", (tag,)).fetchone()
        return str(row[0]) if row else "Accepted"

    @on(Action.boot_notification)
    def boot(self, **_: Any) -> Any:
        self.tasks.add(asyncio.get_running_loop().create_task(self.configure()))
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 600, "Accepted")

    async def configure(self) -> None:
        await asyncio.sleep(0.05)
        for request in (
            call.GetConfiguration(key=["NumberOfConnectors"]),
            call.ChangeConfiguration("HeartbeatInterval", "600"),
            call.TriggerMessage("StatusNotification"),
        ):
            with contextlib.suppress(Exception):
                await self.call(request)

    @on(Action.heartbeat)
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(datetime.now(UTC).isoformat(timespec="seconds"))

    @on(Action.authorize)
    def authorize(self, id_tag: str) -> Any:
        return call_result.Authorize({"status": self.status_of(id_tag)})

    @on(Action.status_notification)
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meters(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.start_transaction)
    def begin(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any) -> Any:
        key = (self.id, connector_id, id_tag, timestamp, meter_start)
        where = "station = ? and connector = ? and tag = ? and began = ? and start = ?"
        with self.book:
            fields = "station, connector, tag, began, start, status"
            row = (*key, self.status_of(id_tag))
            self.book.execute(f"insert or ignore into session ({fields}) values (?, ?, ?, ?, ?, ?)", row)
        found = self.book.execute(f"select id, status from session where {where}", key).fetchone()
        return call_result.StartTransaction(found[0], {"status": found[1]})

    @on(Action.stop_transaction)
    def end(self, transaction_id: int, meter_stop: int, **_: Any) -> Any:
        where = "where id = ? and station = ? and stop is null"
        with self.book:
            self.book.execute(f"update session set stop = ? {where}", (meter_stop, transaction_id, self.id))
        return call_result.StopTransaction()


@contextlib.asynccontextmanager
async def ledger(brain: Brain) -> AsyncIterator[str]:
    """Tables in SQLite."""
    book, numbers = sqlite3.connect(":memory:"), itertools.count(1000)
    book.executescript(TABLES)

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        with contextlib.suppress(websockets.ConnectionClosed):
            await _Clerk(station_of(socket.request.path), socket, book, numbers.__next__).start()

    async with serve(handle, "127.0.0.1", 0, subprotocols=SPEAKS) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/steve/websocket"
    book.close()


# --- a WebSocket by hand ---------------------------------------------------------------------------------------------

IDLE_S = 9.0
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one message, of any number of frames."""
    whole, kind = b"", 0
    while True:
        first, second = await reader.readexactly(2)
        size = second & 127
        if size > 125:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask, data = await reader.readexactly(4), await reader.readexactly(size)
        plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        if first & 15 > 7:
            return first & 15, plain
        kind, whole = kind or first & 15, whole + plain
        if first & 128:
            return kind, whole


def _written(kind: int, data: bytes) -> bytes:
    size = struct.pack("!B", len(data)) if len(data) < 126 else struct.pack("!BH", 126, len(data))
    return bytes([128 | kind]) + size + data


@contextlib.asynccontextmanager
async def handmade(brain: Brain) -> AsyncIterator[str]:
    """Sockets alone."""
    rng, numbers = random.Random(11), itertools.count(1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        station = station_of(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:])}
        accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + GUID).encode()).digest()).decode()
        upgrade = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        more = (f"Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Protocol: ocpp1.6", "", "")
        writer.write("\r\n".join((*upgrade, *more)).encode())
        asked = False
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    kind, data = await _frame(reader)
            except TimeoutError:
                writer.write(_written(8, struct.pack("!H", 1001) + b"idle"))
                return
            if kind == 8:
                writer.write(_written(8, data[:2]))
                return
            if kind == 9:
                writer.write(_written(10, data))
            if kind == 1:
                for text in brain.take(station, data.decode()):
                    await asyncio.sleep(rng.uniform(0.0, 0.08))
                    writer.write(_written(1, text.encode()))
                if b'"BootNotification"' in data and not asked:
                    asked = True
                    ask = json.dumps([2, str(next(numbers)), "GetLocalListVersion", {}])
                    writer.write(_written(1, ask.encode()))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, KeyError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/cs"
    finally:
        server.close()


# --- wsproto ---------------------------------------------------------------------------------------------------------


class _Pending(Brain):
    """Accepts a station at its second boot; cards belong to a family and expire."""

    def __init__(self) -> None:
        super().__init__()
        self.boots: dict[str, int] = {}

    def on_BootNotification(self, station: str, payload: Payload) -> Payload:
        self.boots[station] = self.boots.get(station, 0) + 1
        status = "Accepted" if self.boots[station] > 1 else "Pending"
        return {"status": status, "currentTime": self.now(), "interval": 120 if status == "Accepted" else 1}

    def on_Authorize(self, station: str, payload: Payload) -> Payload:
        expires = (datetime.now(UTC) + timedelta(days=365)).isoformat(timespec="seconds")
        more = {"expiryDate": expires, "parentIdTag": "FAMILY"}
        return {"idTagInfo": super().on_Authorize(station, payload)["idTagInfo"] | more}


class _Projected(asyncio.Protocol):
    def __init__(self, brain: Brain) -> None:
        self.brain, self.wire, self.station, self.text = brain, WSConnection(ConnectionType.SERVER), "", ""
        self.transport: asyncio.Transport | None = None
        self.waiting: list[list[Any]] = []
        self.open, self.counted = "", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.wire.receive_data(data)
        for event in self.wire.events():
            match event:
                case Request():
                    self.station = station_of(event.target)
                    self.put(AcceptConnection(subprotocol="ocpp1.6"))
                case TextMessage():
                    self.text += event.data
                    if event.message_finished:
                        text, self.text = self.text, ""
                        self.heard(text)
                case Ping() | CloseConnection():
                    self.put(event.response())
                    if isinstance(event, CloseConnection) and self.transport is not None:
                        self.transport.close()

    def put(self, event: Any) -> None:
        if self.transport is not None:
            self.transport.write(self.wire.send(event))

    def say(self, text: str) -> None:
        self.put(Message(data=text))

    def heard(self, text: str) -> None:
        for one in self.brain.take(self.station, text):
            self.say(one)
            if '"status": "Accepted", "currentTime"' in one:
                cards = [{"idTag": "TAG-DRIVER", "idTagInfo": {"status": "Accepted"}}]
                full = {"listVersion": 7, "updateType": "Full", "localAuthorizationList": cards}
                self.waiting += [["SendLocalList", full], ["GetLocalListVersion", {}]]
        if self.open and text.startswith(("[3", "[4")) and f'"{self.open}"' in text:
            self.open = ""
        if self.waiting and not self.open:
            self.counted += 1
            self.open = f"{self.station[-8:]}.{self.counted}"
            self.say(json.dumps([2, self.open, *self.waiting.pop(0)]))


@contextlib.asynccontextmanager
async def projected(brain: Brain) -> AsyncIterator[str]:
    """`wsproto` on plain asyncio."""
    server = await asyncio.get_running_loop().create_server(lambda: _Projected(brain), "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp16"


# --- ASGI ------------------------------------------------------------------------------------------------------------


class _Optional(Brain):
    """Supports no optional action, and does not mind who uses a card twice."""

    concurrent = False

    def on_DataTransfer(self, station: str, payload: Payload) -> Payload:
        return {"status": "UnknownVendorId"}

    def new_id(self, station: str) -> int:
        return random.Random(f"{station}{len(self.sessions)}").randrange(1, 2**31)


@contextlib.asynccontextmanager
async def asgi(brain: Brain) -> AsyncIterator[str]:
    """Starlette on uvicorn; a worker answers what a station says, in order."""

    async def work(socket: WebSocket, station: str, said: asyncio.Queue[str]) -> None:
        while True:
            text = await said.get()
            answers = brain.take(station, text)
            try:
                message = json.loads(text)
                fair = isinstance(message, list) and message and message[0] in (2, 3, 4)
            except ValueError:
                fair = False
            if not fair:
                answers = [json.dumps([4, "-1", "FormationViolation", "no message", {}])]
            for one in answers:
                await socket.send_text(one)

    async def station(socket: WebSocket) -> None:
        await socket.accept(subprotocol="ocpp1.6")
        said: asyncio.Queue[str] = asyncio.Queue()
        worker = asyncio.ensure_future(work(socket, socket.path_params["station"], said))
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                said.put_nowait(await socket.receive_text())
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    app = Starlette(routes=[WebSocketRoute("/v16/{station}", station)])
    config = uvicorn.Config(app, "127.0.0.1", 0, log_level="critical", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.ensure_future(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/v16"
    finally:
        server.should_exit = True
        await task


OTHERS: dict[str, tuple[Shell, Callable[[], Brain]]] = {
    "ledger": (ledger, Brain),
    "handmade": (handmade, Brain),
    "projected": (projected, _Pending),
    "asgi": (asgi, _Optional),
}
"""Right CSMSs by name: a shell and a brain."""
