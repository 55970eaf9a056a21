"""The stations' network on real sockets: opens their WebSockets to a CSMS, and records what they send and receive.

A task lives only while a TCP connection is being made, and at most `DIALS` are made at a time.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from interlock.simulator.network.address import Address
from interlock.simulator.network.refusal import explain
from interlock.simulator.network.websocket import CLOSING_S, Connected, Socket
from interlock.simulator.timer import Observe

TLS_BYTES = 17 * 1024
"""What a TLS connection reads into: the longest record there is."""
DIALS = 128
"""Connections being made at the same time."""

Frames = Callable[[str, "Socket", str], None]
"""Sees each frame: `frames(edge, socket, text)`, edge "station.sent" or "station.received"."""


class Network:
    """Opens the sockets of all stations to one CSMS. `refusals` counts, by sentence, the attempts that failed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: Address,
        observe: Observe,
        frames: Frames,
        *,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        agent: str = "interlock",
        patience_s: float = 10.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.loop, self.address, self.observe, self.frames = loop, address, observe, frames
        self.password, self.tls, self.agent, self.patience_s = password, tls, agent, patience_s
        self.headers = headers or {}
        """More headers of each handshake."""
        self.sockets: set[Socket] = set()
        self.opened = 0
        """Sockets opened so far."""
        self.refusals: Counter[str] = Counter()
        self.last_refusal = ""
        self._hosts: list[tuple[str, int]] = []
        self._numbers: dict[str, int] = {}
        self._dials = asyncio.Semaphore(DIALS)
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what stations need ---

    def draw_latency(self) -> float:
        """Return 0: a real handshake takes its own time."""
        return 0.0

    def connect(self, station_id: str, subprotocol: str, connected: Connected) -> None:
        """Open a station's next socket and hand it over, or None once it is known that it cannot be."""
        task = self.loop.create_task(self._connect(station_id, subprotocol, connected))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- dialling ---

    async def _connect(self, station_id: str, subprotocol: str, connected: Connected) -> None:
        async with self._dials:
            try:
                async with asyncio.timeout(self.patience_s):
                    await self._first_that_answers(lambda: Socket(self, station_id, subprotocol, connected))
            except (OSError, TimeoutError, UnicodeError) as error:
                self.refused(station_id, subprotocol, error)
                connected(None)

    async def _first_that_answers(self, factory: Callable[[], Socket]) -> None:
        if not self._hosts:
            address = self.address
            found = await self.loop.getaddrinfo(address.host, address.port, type=1)
            self._hosts = list(dict.fromkeys((str(one[4][0]), int(one[4][1])) for one in found))
        failed: OSError | None = None
        hostname = self.address.host if self.tls is not None else None
        for host, port in list(self._hosts):
            try:
                await self.loop.create_connection(factory, host, port, ssl=self.tls, server_hostname=hostname)
            except OSError as error:
                failed = failed or error
                continue
            if failed is not None:
                # Try the address that answered first from now on.
                self._hosts.sort(key=lambda one: one != (host, port))
            return
        assert failed is not None
        raise failed

    def ready(self, socket: Socket) -> None:
        """Number and record a socket that opened."""
        self.opened += 1
        socket.number = self._numbers[socket.station_id] = self._numbers.get(socket.station_id, 0) + 1
        self.observe(
            "socket.opened",
            station=socket.station_id,
            socket=socket.number,
            node="csms",
            subprotocol=socket.subprotocol,
        )

    def refused(self, station_id: str, subprotocol: str, error: BaseException) -> None:
        """Count and record an attempt that failed."""
        self.last_refusal = why = explain(error, self.address, self.patience_s, subprotocol)
        self.refusals[why] += 1
        self.observe("dial.failed", station=station_id, why=why)

    # --- its end ---

    async def close(self, why: str, within_s: float = CLOSING_S) -> None:
        """Close every socket cleanly; those that are not closed in time are aborted."""
        for task in list(self._tasks):
            task.cancel()
        for socket in list(self.sockets):
            socket.on_down = socket.on_station_closed = None
            socket.close("station", why)
        until = self.loop.time() + within_s
        while self.sockets and self.loop.time() < until:
            await asyncio.sleep(0.02)
        for socket in list(self.sockets):
            socket.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    # --- recording ---

    def closed(self, socket: Socket, why: str) -> None:
        """Record that the station's edge closed, or learnt that the socket is gone."""
        self.observe(
            "socket.closed", station=socket.station_id, socket=socket.number, node="csms", edge="station", why=why
        )

    def lost(self, socket: Socket, text: str, why: str) -> None:
        """Record a frame that did not leave."""
        self.observe(
            "frame.lost",
            direction="up",
            station=socket.station_id,
            socket=socket.number,
            node="csms",
            text=text,
            why=why,
        )


def record_frames(observe: Observe) -> Frames:
    """Return what records each frame in a history."""

    def frames(edge: str, socket: Socket, text: str) -> None:
        observe("frame", edge=edge, station=socket.station_id, socket=socket.number, node="csms", text=text)

    return frames


def tls_context(ca: Path | None, cert: Path | None, key: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Return the TLS settings of all stations. Raises `OSError` (`ssl.SSLError` too) for files that are none."""
    # asyncio keeps 256 KiB for each TLS connection to read into; one record is what comes at a time.
    asyncio.sslproto.SSLProtocol.max_size = TLS_BYTES
    context = ssl.create_default_context(cafile=ca)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


__all__ = ["Network", "Socket", "record_frames", "tls_context"]
