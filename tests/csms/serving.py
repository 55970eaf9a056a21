"""A CSMS on real sockets inside a test, and a station that says what it is told to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from interlock.csms import codec
from interlock.csms.dialects import BY_SUBPROTOCOL, chosen
from interlock.csms.domain.station import Rules
from interlock.csms.handle import station_stream
from interlock.csms.node import Csms
from interlock.csms.serve.admission import Crowd
from interlock.csms.serve.api import Api
from interlock.csms.serve.credentials import Credentials
from interlock.csms.serve.gate import Gate
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.operators import CROWD, OperatorLimits, Operators
from interlock.csms.serve.projections import Projections
from interlock.csms.serve.server import Server
from interlock.csms.serve.strict_json import StrictEndpoint
from interlock.csms.serve.wall_clock import WallClock, fresh_ids
from interlock.csms.settings import Settings
from interlock.csms.store import EventStore, MemoryStore

AT = "2026-01-01T00:00:00Z"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@dataclass
class Served:
    """A running CSMS."""

    node: Csms
    server: Server
    gate: Gate
    records: Projections
    keys: Credentials
    api: Api
    port: int
    alarms: list[str] = field(default_factory=list)

    def url(self, station: str = "CP01", scheme: str = "ws") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/ocpp/{station}"


@asynccontextmanager
async def served(
    *,
    profile: int = 0,
    store: EventStore | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    name: str = "n1",
    protocols: Sequence[str] = tuple(BY_SUBPROTOCOL),
    crowd: Crowd | None = None,
    origins: frozenset[str] = frozenset(),
    **settings: Any,
) -> AsyncIterator[Served]:
    """Serve on a free port of loopback."""
    loop = asyncio.get_running_loop()
    alarms: list[str] = []
    node = Csms(
        name,
        store if store is not None else MemoryStore(),
        WallClock(loop),
        fresh_ids(name),
        Settings(**{"unknown_tokens": "Accepted", **settings}),
        lambda _: Rules(2, 2),
        alarm=alarms.append,
        dialects=chosen(protocols),
        endpoint=StrictEndpoint,
    )
    gate = Gate(profile, "/ocpp/", b"pepper", origins)
    server, records, keys = Server(node, gate, limits, crowd), Projections(node), Credentials(node, gate)
    await records.start()
    await node.start()
    await keys.start()
    port = await server.listen("127.0.0.1", 0, tls)
    try:
        yield Served(node, server, gate, records, keys, Api(node, server, records, keys, "token"), port, alarms)
    finally:
        await server.stop()


async def kinds(csms: Served, station: str = "CP01") -> list[str]:
    """Return the kinds of events in a station's log."""
    return [codec.kind(one.type) for one in await csms.node.store.read(station_stream(station))]


@asynccontextmanager
async def operated(csms: Served, limits: OperatorLimits | None = None, crowd: Crowd = CROWD) -> AsyncIterator[int]:
    """Serve the operators' API on a free port of loopback."""
    door = Operators(csms.api.app(["127.0.0.1"]), csms.node.clock.now, csms.alarms.append, limits, crowd)
    port = await door.listen("127.0.0.1", 0)
    try:
        yield port
    finally:
        csms.records.stop()
        door.close()
        await door.stop(1.0)
        while door.state.connections:
            await asyncio.sleep(0)


class Station:
    """One socket of a station."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.count = socket, 0

    async def say(self, action: str, payload: dict[str, Any]) -> Any:
        """Make a CALL; return its answer, a list."""
        self.count += 1
        await self.socket.send(json.dumps([2, str(self.count), action, payload]))
        return await self.hear()

    async def hear(self) -> Any:
        """Return the next frame."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), 10))

    async def boot(self) -> Any:
        """Boot."""
        return await self.say("BootNotification", BOOT)


@asynccontextmanager
async def dialled(url: str, **how: Any) -> AsyncIterator[Station]:
    """Dial in."""
    async with connect(url, subprotocols=how.pop("subprotocols", ["ocpp1.6"]), compression=None, **how) as socket:
        yield Station(socket)
