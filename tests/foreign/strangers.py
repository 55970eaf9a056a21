"""Right CSMSs in yet other styles, each odd in its own way: threads, queues, and one that takes its time.

`threaded`: `websockets.sync`, a thread for each station and a table behind a lock. `queued`: the `ocpp` library, whose
sockets are asyncio queues; its boots are Pending first. `patient`: OCPP 1.6 and 2.0.1, indented JSON with members in
the opposite order, answers that take up to two seconds, CALLs with ids that look like numbers, cards it knows only.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import random
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.server import ServerConnection as SyncConnection
from websockets.sync.server import serve as serve_in_threads
from websockets.typing import Subprotocol

from tests.foreign.brain import Brain
from tests.foreign.shells import SPEAKS, Shell, Whitelist, station_of


@contextlib.asynccontextmanager
async def threaded(brain: Brain) -> AsyncIterator[str]:
    """A thread for each station."""
    lock, rng = threading.Lock(), random.Random(3)
    sessions: dict[tuple[Any, ...], int] = {}

    def now() -> str:
        return datetime.now(UTC).isoformat()

    def start(station: str, told: dict[str, Any]) -> dict[str, Any]:
        key = station, told["connectorId"], told["timestamp"], told["meterStart"], told["idTag"]
        with lock:
            number = sessions.setdefault(key, rng.randrange(1, 2**31))
        return {"transactionId": number, "idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}

    def answer(station: str, action: str, told: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"currentTime": now(), "interval": 14400, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now()}
            case "Authorize":
                expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
                return {"idTagInfo": {"expiryDate": expires, "status": "Accepted"}}
            case "StartTransaction":
                return start(station, told)
            case "StopTransaction":
                int(told["transactionId"]), int(told["meterStop"])
                return {}
            case "StatusNotification" | "DiagnosticsStatusNotification" | "FirmwareStatusNotification":
                if not isinstance(told.get("connectorId", 0), int):
                    raise ValueError("connectorId")
                return {}
            case "MeterValues":
                return {}
            case "DataTransfer":
                return {"status": "Rejected"}
        raise NotImplementedError

    def talk(socket: SyncConnection) -> None:
        assert socket.request is not None
        station = station_of(socket.request.path)
        for text in socket:
            try:
                kind, name, action, told = json.loads(text)
            except (ValueError, TypeError):
                continue
            if kind != 2:
                continue
            try:
                said: list[Any] = [3, name, answer(station, action, told)]
            except NotImplementedError:
                said = [4, name, "NotImplemented", f"no {action}", {}]
            except (KeyError, ValueError, TypeError) as error:
                said = [4, name, "FormationViolation", str(error), {}]
            socket.send(json.dumps(said))

    quiet = logging.getLogger("threaded")  # lines that are cut are no news
    quiet.disabled = True
    with serve_in_threads(talk, "127.0.0.1", 0, subprotocols=SPEAKS, logger=quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/threads"
        finally:
            server.shutdown()
            await asyncio.to_thread(thread.join)


class _Queues:
    """What the library needs of a socket."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[str] = asyncio.Queue()
        self.leaves: asyncio.Queue[str] = asyncio.Queue()

    async def recv(self) -> str:
        return await self.came.get()

    async def send(self, text: str) -> None:
        await self.leaves.put(text)


class _Point(ChargePoint):
    """Accepts a station at its second boot, then reads and sets its configuration."""

    def __init__(self, id: str, socket: Any, books: dict[str, Any]) -> None:
        super().__init__(id, socket, response_timeout=20)
        self.books = books

    @on(Action.boot_notification)
    def boot(self, **_: Any) -> Any:
        boots = self.books.setdefault("boots", {})
        boots[self.id] = boots.get(self.id, 0) + 1
        status, interval = ("Pending", 1) if boots[self.id] == 1 else ("Accepted", 30)
        if boots[self.id] == 2:
            task = asyncio.get_running_loop().create_task(self.configure())
            self.books.setdefault("tasks", set()).add(task)
        return call_result.BootNotification(datetime.now(UTC).isoformat(), interval, status)

    async def configure(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.sleep(0.2)
            await self.call(call.GetConfiguration())
            await self.call(call.ChangeConfiguration("MeterValueSampleInterval", "60"))

    @on(Action.heartbeat)
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")

    @on(Action.authorize)
    def authorize(self, id_tag: str) -> Any:
        return call_result.Authorize({"status": "Blocked" if id_tag.upper() == "TAG-BLOCKED" else "Accepted"})

    @on(Action.status_notification)
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meters(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def data(self, vendor_id: str, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on(Action.firmware_status_notification)
    def firmware(self, **_: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @on(Action.start_transaction)
    def begin(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any) -> Any:
        at = datetime.fromisoformat(timestamp).timestamp()
        numbers = self.books.setdefault(self.id, {})
        number = numbers.setdefault((connector_id, id_tag, meter_start, at), len(numbers) + 1)
        status = "Blocked" if id_tag.upper() == "TAG-BLOCKED" else "Accepted"
        return call_result.StartTransaction(number, {"status": status})

    @on(Action.stop_transaction)
    def end(self, **_: Any) -> Any:
        return call_result.StopTransaction()


@contextlib.asynccontextmanager
async def queued(brain: Brain) -> AsyncIterator[str]:
    """The library between two queues; transactions are counted for each station."""
    books: dict[str, Any] = {}

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        queues = _Queues()
        point = _Point(station_of(socket.request.path), queues, books)

        async def reads() -> None:
            async for text in socket:
                await queues.came.put(str(text))

        async def writes() -> None:
            while True:
                await socket.send(await queues.leaves.get())

        tasks = [asyncio.ensure_future(work) for work in (reads(), writes(), point.start())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async with serve(handle, "127.0.0.1", 0, subprotocols=SPEAKS) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/central"


@contextlib.asynccontextmanager
async def patient(brain: Brain) -> AsyncIterator[str]:
    """Slow but in time, for both versions; a newer connection closes the older one."""
    rng, ids = random.Random(5), itertools.count(100)
    sockets: dict[str, ServerConnection] = {}
    brain.interval = 0

    async def one(socket: ServerConnection, station: str, text: str, asks: list[str]) -> None:
        await asyncio.sleep(rng.choice((0.0, 0.1, 0.2, 0.3, 2.0 if rng.random() < 0.1 else 0.1)))
        for said in brain.take(station, text):
            kind, name, *rest = json.loads(said)
            rest = [dict(reversed(part.items())) if isinstance(part, dict) else part for part in rest]
            await socket.send(json.dumps([kind, name, *rest], indent=4))
        if '"BootNotification"' in text and not asks:
            asks.append(str(next(ids)))
            await socket.send(json.dumps([2, asks[0], "TriggerMessage", {"requestedMessage": "StatusNotification"}]))

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        station = station_of(socket.request.path)
        old, sockets[station] = sockets.get(station), socket
        if old is not None:
            await old.close(1000, "a newer connection")
        asks: list[str] = []
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in socket:
                await one(socket, station, str(text), asks)

    speaks = [Subprotocol("ocpp2.0.1"), *SPEAKS]
    async with serve(handle, "127.0.0.1", 0, subprotocols=speaks) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp/x"


STRANGERS: dict[str, tuple[Shell, Callable[[], Brain]]] = {
    "threaded": (threaded, Brain),
    "queued": (queued, Brain),
    "patient": (patient, Whitelist),
}
"""Right CSMSs by name: a shell and a brain."""
