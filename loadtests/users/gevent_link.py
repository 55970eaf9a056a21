"""A simulated station on gevent: its clock in wall time and its WebSocket, by `websocket-client`.

The stations are the simulator's own, so everything they do on a real socket they do as they do in virtual time. Each
has a clock of its own: a send that blocks holds up that station, as it would in the field, and nobody else.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop
from pathlib import Path
from typing import Any

import gevent
import websocket
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.http11 import Response

from interlock.simulator.network.address import Address
from interlock.simulator.network.refusal import HungUp, NoSubprotocol, explain
from interlock.simulator.network.wall_clock import WallClock

PATIENCE_S = 10.0
"""How long a handshake, or a CSMS that does not read, may take."""
FRAME_BYTES = 256 * 1024
"""The longest message a station takes."""

Observe = Callable[..., None]


class GeventLoop:
    """What a `WallClock` needs of a loop: each alarm is a greenlet, so what it calls may block."""

    def time(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def call_at(self, when: float, callback: Callable[[], object]) -> Alarm:
        """Call `callback` once it is `when`."""
        return Alarm(gevent.spawn_later(max(0.0, when - time.monotonic()), callback))


@dataclass(slots=True)
class Alarm:
    """A callback that is still to come."""

    greenlet: Any

    def cancel(self) -> None:
        """Call it off."""
        self.greenlet.kill(block=False)


class LoadClock(WallClock):
    """A station's clock. `lag_s` is how late what happens now is: load that comes late must not look fast."""

    def __init__(self, broke: Callable[[BaseException], None]) -> None:
        super().__init__(GeventLoop())
        self.lag_s = 0.0
        self._broke = broke

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, float("-inf")
        queue = self._queue
        try:
            while queue and queue[0][0] <= self.now:
                at, _, _, event = heappop(queue)
                self.lag_s = self.now - at
                self.behind_s = max(self.behind_s, self.lag_s)
                self._happen(event)
        except Exception as error:
            self._broke(error)
        finally:
            self.lag_s = 0.0
            self._alarm_at = float("inf")
            if queue:
                self._wake_at(queue[0][0])


@dataclass(slots=True)
class Access:
    """How stations reach the CSMS, and what came of it in this process."""

    address: Address
    observe: Observe
    password: str | None = None
    tls: dict[str, Any] = field(default_factory=dict)
    agent: str = "interlock-load"
    headers_too: Mapping[str, str] = field(default_factory=dict)
    """More headers of each handshake."""
    opened: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    def headers(self, station_id: str, subprotocol: str) -> list[str]:
        """Return what a station says of itself in the handshake."""
        found = [f"Sec-WebSocket-Protocol: {subprotocol}", f"User-Agent: {self.agent}"]
        found += [f"{name}: {value}" for name, value in self.headers_too.items()]
        if self.password is not None:
            pair = f"{station_id}:{self.password}".encode()
            found.append(f"Authorization: Basic {b64encode(pair).decode()}")
        return found


def tls_options(ca: str, cert: str, key: str, *, insecure: bool) -> dict[str, Any]:
    """Return the TLS settings of all stations, one context for them together. Raises `OSError`."""
    context = ssl.create_default_context(cafile=ca or None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        context.load_cert_chain(Path(cert), Path(key) if key else None)
    return {"context": context, "check_hostname": not insecure}


class Line:
    """One station's network: opens its sockets, one after the other."""

    def __init__(self, access: Access, heard: Callable[[LoadSocket, str], None], sent: Callable[[str], None]) -> None:
        self.access, self.heard, self.sent = access, heard, sent
        self.dialled: Callable[[float, str | None], None] = lambda seconds, why: None
        self.broke: Callable[[BaseException], None] = lambda error: None
        self.gone: Callable[[bool], None] = lambda ours: None
        """Learns that a socket is gone, and whether it was the station that left."""
        self.sockets: list[LoadSocket] = []
        self.opened_at = 0.0
        """When the last socket opened, in monotonic seconds."""
        self._number = 0
        self.over = False

    def draw_latency(self) -> float:
        """Return 0: a real handshake takes its own time."""
        return 0.0

    def connect(self, station_id: str, subprotocol: str, connected: Callable[[LoadSocket | None], None]) -> None:
        """Open the station's next socket and hand it over, or None once it is known that it cannot be."""
        gevent.spawn(self._dial, station_id, subprotocol, connected)

    def _dial(self, station_id: str, subprotocol: str, connected: Callable[[LoadSocket | None], None]) -> None:
        access, began = self.access, time.monotonic()
        try:
            wire = self._handshake(station_id, subprotocol)
        except (OSError, websocket.WebSocketException, ValueError) as error:
            why = explain(_known(error), access.address, PATIENCE_S, subprotocol)
            access.refusals[why] += 1
            access.observe("dial.failed", station=station_id, why=why)
            self.dialled(time.monotonic() - began, why)
            self._guard(lambda: connected(None))
            return
        if self.over:
            wire.shutdown()
            return
        self.opened_at = time.monotonic()
        self._number += 1
        access.opened += 1
        found = LoadSocket(self, station_id, self._number, wire)
        self.sockets.append(found)
        access.observe("socket.opened", station=station_id, socket=found.number, node="csms", subprotocol=subprotocol)
        self.dialled(time.monotonic() - began, None)
        self._guard(lambda: connected(found))
        found.read()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.broke(error)

    def _handshake(self, station_id: str, subprotocol: str) -> Any:
        access = self.access
        wire = websocket.create_connection(
            access.address.url(station_id),
            timeout=PATIENCE_S,
            header=access.headers(station_id, subprotocol),
            sslopt=access.tls,
            suppress_origin=True,
            redirect_limit=0,
            http_no_proxy=["*"],
            sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        spoken = (wire.getheaders() or {}).get("sec-websocket-protocol", "")
        if spoken.strip().lower() != subprotocol:
            wire.shutdown()
            raise _Silent from None
        wire.settimeout(None)
        return wire


class _Silent(OSError):
    """The handshake came to an end without agreeing on a subprotocol."""


def _known(error: Exception) -> BaseException:
    """Return an error as the one that the sentences know."""
    if isinstance(error, _Silent):
        return NoSubprotocol()
    if isinstance(error, websocket.WebSocketBadStatusException):
        headers = Headers({str(name): str(value) for name, value in (error.resp_headers or {}).items()})
        return InvalidStatus(Response(int(error.status_code or 0), error.status_message or "", headers))
    if isinstance(error, websocket.WebSocketTimeoutException):
        return TimeoutError()
    if isinstance(error, websocket.WebSocketConnectionClosedException):
        return HungUp()
    if isinstance(error, websocket.WebSocketAddressException):
        return error.__cause__ or error.__context__ or socket.gaierror(str(error))
    if isinstance(error, websocket.WebSocketException | ValueError | IndexError):
        return InvalidMessage(str(error))
    return error


class LoadSocket:
    """One WebSocket connection of a station, the `number`th it opened."""

    def __init__(self, line: Line, station_id: str, number: int, wire: Any) -> None:
        self._line, self.station_id, self.number, self._wire = line, station_id, number, wire
        self.on_down: Callable[[str], None] | None = None
        self.on_station_closed: Callable[[str], None] | None = None
        self.open = True
        self._silent = False

    def send_up(self, text: str) -> None:
        """Send a frame."""
        observe = self._line.access.observe
        if not self.open:
            self._lost(text, "socket is closed")
            return
        observe("frame", edge="station.sent", station=self.station_id, socket=self.number, node="csms", text=text)
        self._line.sent(text)
        if self._silent:
            self._lost(text, "half-open")
            return
        try:
            with gevent.Timeout(PATIENCE_S, TimeoutError()):
                self._wire.send(text)
        except TimeoutError:
            self._learn("the CSMS does not read")
        except (OSError, websocket.WebSocketException):
            self._lost(text, "socket is closing")

    def _lost(self, text: str, why: str) -> None:
        self._line.access.observe(
            "frame.lost",
            direction="up",
            station=self.station_id,
            socket=self.number,
            node="csms",
            text=text,
            why=why,
        )

    def close(self, edge: str, why: str) -> None:
        """Close it: say so, and do not wait."""
        if self.open:
            self._shut(why, ours=True)
            if not self._silent:
                try:
                    with gevent.Timeout(2.0, TimeoutError()):
                        self._wire.send_close()
                except (OSError, websocket.WebSocketException):
                    pass
            self._down()

    def vanish(self, edge: str, why: str) -> None:
        """Leave without a word."""
        if self.open:
            self._shut(why, ours=True)
            if not self._silent:
                self._down()

    def half_open(self, why: str) -> None:
        """Drop everything from now on without closing: the other side still takes it for open."""
        self._silent = True

    def read(self) -> None:
        """Take what comes until the socket is gone; the greenlet that dialled is the reader."""
        why = "connection lost"
        while self.open:
            try:
                opcode, frame = self._wire.recv_data_frame(control_frame=True)
            except websocket.WebSocketConnectionClosedException:
                break
            except websocket.WebSocketException as error:
                why = f"the CSMS broke the WebSocket protocol ({type(error).__name__})"
                break
            except (OSError, ValueError) as error:
                why = f"connection lost: {type(error).__name__}"
                break
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                code = int.from_bytes(frame.data[:2], "big") if len(frame.data) >= 2 else 1005
                reason = frame.data[2:82].decode("utf-8", "replace")
                why = f"closed by the CSMS: {code} {''.join(c if c.isprintable() else '?' for c in reason)}".rstrip()
                break
            if opcode == websocket.ABNF.OPCODE_TEXT and self.open and not self._silent:
                if len(frame.data) > FRAME_BYTES:
                    why = f"the CSMS sent a message of more than {FRAME_BYTES} bytes"
                    break
                self._take(frame.data.decode("utf-8", "replace"))
            elif opcode == websocket.ABNF.OPCODE_BINARY:
                why = "the CSMS sent what OCPP-J does not allow (1003)"
                break
        self._learn(why)

    def _take(self, text: str) -> None:
        self._line.access.observe(
            "frame", edge="station.received", station=self.station_id, socket=self.number, node="csms", text=text
        )
        try:
            self._line.heard(self, text)
            if self.on_down is not None:
                self.on_down(text)
        except Exception as error:
            self._line.broke(error)

    def _learn(self, why: str) -> None:
        if not self.open:
            return
        self._shut(why, ours=False)
        self._down()
        if self.on_station_closed is not None:
            try:
                self.on_station_closed(why)
            except Exception as error:
                self._line.broke(error)

    def _shut(self, why: str, *, ours: bool) -> None:
        self.open = False
        self._line.gone(ours)
        if self in self._line.sockets:
            self._line.sockets.remove(self)
        self._line.access.observe(
            "socket.closed", station=self.station_id, socket=self.number, node="csms", edge="station", why=why
        )

    def _down(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._wire.shutdown()
