"""A CSMS for real sockets that does as it is told, and stations that dial it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from interlock.simulator.assembly import build_station
from interlock.simulator.clock import ClockSpec
from interlock.simulator.network.address import parse
from interlock.simulator.network.dial import Network, Socket
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station


def now() -> str:
    """The time of day, as a right CSMS tells it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


SOON_S = 10.0
"""Longer than anything here takes."""

Payload = dict[str, Any]


class FakeCsms:
    """Accepts everything. `script` replaces the answers to an action, None being no answer; `heard` is every CALL."""

    def __init__(self, heartbeat_s: int = 300) -> None:
        self.heartbeat_s = heartbeat_s
        self.script: dict[str, Callable[[Payload], Payload | None]] = {}
        self.heard: list[tuple[str, str, Payload]] = []
        self.results: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.sockets: dict[str, ServerConnection] = {}
        self.status: HTTPStatus | None = None
        """Refuse every handshake with this."""
        self.subprotocol: str | None = "ocpp1.6"
        self.both = False
        """Speak whatever a station offers, 1.6 or 2.0.1."""
        self.port = 0
        self._transactions = itertools.count(1)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await serve(
            self._talk,
            "127.0.0.1",
            self.port,
            ssl=tls,
            process_request=self._request,
            select_subprotocol=lambda _, offered: offered[0] if self.both else self.subprotocol,  # type: ignore[arg-type,return-value]
            compression=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close(code=1012)
            await self._server.wait_closed()
            self._server = None

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.headers = dict(request.headers.raw_items())
        return connection.respond(self.status, "no\n") if self.status is not None else None

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station = socket.request.path.rpartition("/")[2]
        self.sockets[station] = socket
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                if message[0] == 2:
                    self.heard.append((station, message[2], message[3]))
                    script = self.script.get(message[2])
                    answer = script(message[3]) if script is not None else self._usual(message[2], message[3])
                    if answer is not None:
                        await socket.send(json.dumps([3, message[1], answer]))
                else:
                    self.results[message[1]] = message[2]

    def _usual(self, action: str, payload: Payload) -> Payload:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": now(), "interval": self.heartbeat_s}
            case "Heartbeat":
                return {"currentTime": now()}
            case "Authorize":
                return {"idTagInfo" if "idTag" in payload else "idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                return {"transactionId": next(self._transactions), "idTagInfo": {"status": "Accepted"}}
            case "TransactionEvent" if "idToken" in payload:
                return {"idTokenInfo": {"status": "Accepted"}}
        return {}

    def told(self, action: str) -> list[Payload]:
        return [payload for _, name, payload in self.heard if name == action]


@contextlib.asynccontextmanager
async def csms(**changes: Any) -> AsyncIterator[FakeCsms]:
    found = FakeCsms()
    for name, value in changes.items():
        setattr(found, name, value)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


class Rig:
    """Stations on real sockets, everything they observe kept in `seen`."""

    def __init__(self, url: str, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.env = WallClock(loop)
        self.network = Network(loop, parse(url), self.observe, self._frame, patience_s=2.0, **options)
        self._moved = asyncio.Event()

    def observe(self, kind: str, **fields: Any) -> None:
        self.seen.append((kind, fields))

    def _frame(self, edge: str, socket: Socket, text: str) -> None:
        self.observe("frame", edge=edge, station=socket.station_id, text=text)

    def station(self, station_id: str = "CP01", **changes: Any) -> Station:
        quick = {
            "first_boot_s": (0.0, 0.0),
            "unlock_s": (0.01, 0.02),
            "act_s": (0.0, 0.01),
            "reconnect_s": (0.05, 0.1),
            "boot_s": (0.05, 0.1),
            "retry_s": 0.1,
            "clock": ClockSpec(),
        }
        spec = StationSpec(station_id, **{**quick, **changes})
        station = build_station(self.env, spec, random.Random(f"0:{station_id}"), self.network, self.observe)
        station.start()
        return station

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.seen if name == kind]

    async def until(self, true: Callable[[], object], what: str = "what was waited for") -> None:
        """Wait until `true()` is, or fail after SOON_S."""
        end = asyncio.get_running_loop().time() + SOON_S
        while not true():
            assert asyncio.get_running_loop().time() < end, f"{what} did not happen; seen: {self.seen[-5:]}"
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def rig(url: str, **options: Any) -> AsyncIterator[Rig]:
    found = Rig(url, **options)
    try:
        yield found
    finally:
        found.env.stop()
        await found.network.close("over", within_s=1.0)
