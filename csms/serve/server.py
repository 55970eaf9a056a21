"""The only sockets of the CSMS: a station's WebSocket as an asyncio protocol around websockets' sans-I/O server.

No decisions here: the gate decides who may come in, the connection what frames mean. What a peer can make this process
hold is bounded: the handshake in time, a message in bytes, what waits to be handled or to be read, and how often it
may speak. One read buffer serves all sockets, as one is read at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode, Frame, Opcode, apply_mask  # type: ignore[attr-defined]
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from interlock.csms.bucket import Bucket
from interlock.csms.connection import Connection
from interlock.csms.dialects import meant, negotiate
from interlock.csms.node import Csms
from interlock.csms.ocppj import Endpoint
from interlock.csms.serve.gate import UNAUTHORIZED, Gate, Key, Refused
from interlock.csms.serve.strict_json import StrictEndpoint

LOG = logging.getLogger(__name__)
Agree = Callable[[ServerProtocol, Sequence[Subprotocol]], "Subprotocol | None"]
_buffer = memoryview(bytearray(64 * 1024))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may do. Times are seconds."""

    frame_bytes: int = 256 * 1024
    fragments: int = 1024
    """Parts a message may come in, empty ones too."""
    handshake_s: float = 10.0
    first_frame_s: float = 120.0
    """A socket that says nothing for so long is closed."""
    silence_s: float = 60.0
    """Beyond the time after which a station counts as offline, its socket is closed after this."""
    unread_bytes: int = 1024 * 1024
    unread_s: float = 10.0
    """A peer that does not read for so long is cut off: keep-alive would never notice."""
    waiting: int = 16
    """Frames that wait to be handled before the socket is read no further."""
    messages_per_s: float = 50.0
    messages_burst: float = 500.0
    """Beyond this the socket is read no further until there is room again."""
    controls_per_s: float = 10.0
    controls_burst: float = 100.0
    """Pings and pongs beyond this close the socket."""
    closing_s: float = 2.0
    stopping_s: float = 20.0
    """How long a stop waits for what is under way; a store that takes nothing would keep it for ever."""


class Server:
    """Stations' sockets on one port. `open` holds those that were let in."""

    def __init__(self, node: Csms, gate: Gate, limits: Limits | None = None) -> None:
        self.node, self.gate, self.limits = node, gate, limits or Limits()
        if node.endpoint_class is Endpoint:
            node.endpoint_class = StrictEndpoint
        self.open: set[Socket] = set()
        self.refused = 0
        # One function for all sockets, which would otherwise each refer to itself through its own.
        self.agree: Agree = lambda _, offered: cast("Subprotocol | None", negotiate(offered, node.dialects))
        self._listening: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and return the port. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Socket(self), host, port, ssl=tls, backlog=4096)
        self._sweep()
        return int(self._listening.sockets[0].getsockname()[1])

    def _sweep(self) -> None:
        now = self.node.clock.now()
        dead = self.node.settings.offline_after_s + self.limits.silence_s
        when = asyncio.get_running_loop().time() + max(1.0, min(30.0, self.limits.first_frame_s / 4, dead / 4))
        self._sweeper = self.node.supervisor.at(when, "the sweep for silent sockets", self._sweep)
        for socket in list(self.open):
            if now - socket.heard > (dead if socket.spoke else self.limits.first_frame_s):
                socket.end("silent for too long")

    def stop_listening(self) -> None:
        """Take no new sockets."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._listening is not None:
            self._listening.close()

    async def stop(self) -> bool:
        """Take no new sockets, finish what is under way, say goodbye. The node stops with it.

        False when something was still under way after `stopping_s`: the next start takes it up, as after a crash.
        """
        self.stop_listening()
        stopping = asyncio.ensure_future(self.node.stop())
        done, _ = await asyncio.wait({stopping}, timeout=self.limits.stopping_s)
        if not done:
            stopping.cancel()
        for socket in list(self.open):
            socket.end("the CSMS stops")
        limit = self.node.clock.now() + self.limits.closing_s
        while self.open and self.node.clock.now() < limit:
            await asyncio.sleep(0.02)
        for socket in list(self.open):
            socket.abort()
        if self._listening is not None:
            await self._listening.wait_closed()
        if done:
            stopping.result()
        return bool(done)


class Socket(asyncio.BufferedProtocol):
    """One station's WebSocket."""

    __slots__ = (
        "_connection",
        "_controls",
        "_fuse",
        "_gathered",
        "_messages",
        "_parts",
        "_paused",
        "_transport",
        "_unparsed",
        "_unread",
        "_wire",
        "heard",
        "server",
        "spoke",
    )

    def __init__(self, server: Server) -> None:
        self.server = server
        limits = server.limits
        self.heard = server.node.clock.now()
        self.spoke = False
        self._wire = ServerProtocol(select_subprotocol=server.agree, max_size=limits.frame_bytes, logger=_QUIET)
        self._connection: Connection | None = None
        self._messages = Bucket(limits.messages_per_s, limits.messages_burst)
        self._controls = Bucket(limits.controls_per_s, limits.controls_burst)
        self._messages.at = self._controls.at = self.heard
        self._parts: list[bytes] | None = None
        self._gathered = 0
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._fuse: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._unparsed = 0
        """Bytes given to the library beyond the frames it gave back: at 0 a new frame begins."""

    # --- what the loop does with it ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the request."""
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=64 * 1024)
        self._fuse = asyncio.get_running_loop().call_later(self.server.limits.handshake_s, self.abort)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where bytes go: one place for all, as they are taken at once."""
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes."""
        data = bytes(_buffer[:nbytes])
        if self._unparsed == 0 and self._parts is None and self._connection is not None:
            payload = _text_of(data)
            if payload is not None:
                now = self.heard = self.server.node.clock.now()
                self._offer(payload, now)
                return
        self._unparsed += nbytes
        if self._connection is None and data.find(b"\r\n\r\n") == nbytes - 4:
            self._unparsed = 0  # the whole request, and nothing behind it
        self._wire.receive_data(data)
        self._hear()

    def eof_received(self) -> None:
        """Take the end of the bytes."""
        self._wire.receive_eof()
        self._hear()

    def connection_lost(self, error: Exception | None) -> None:
        """Learn that it is gone."""
        self.server.open.discard(self)
        self._transport = None
        for timer in (self._fuse, self._unread):
            if timer is not None:
                timer.cancel()
        self._hang_up(f"{type(error).__name__}" if error is not None else self._why())

    def pause_writing(self) -> None:
        """The peer does not read: give it a while."""
        if self._unread is None:
            loop = asyncio.get_running_loop()
            self._unread = loop.call_later(self.server.limits.unread_s, self.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # --- what the connection does with it ---

    def write(self, frame: str) -> None:
        """Send a text frame."""
        transport = self._transport
        if transport is None or self._wire.state is not State.OPEN:
            return
        data = frame.encode("utf-8", "surrogatepass")
        size = len(data)
        # What `send_text` makes of it, for a third of the cost: the library keeps no state of whole messages.
        head = (
            bytes((0x81, size))
            if size < 126
            else struct.pack("!BBH" if size < 1 << 16 else "!BBQ", 0x81, 126 + (size >= 1 << 16), size)
        )
        transport.write(head + data)
        if transport.get_write_buffer_size() > self.server.limits.unread_bytes:
            self.abort()

    def end(self, why: str) -> None:
        """Close it: say so, and wait a moment for the other side."""
        self._close(CloseCode.NORMAL_CLOSURE, why)

    def _failed(self, why: str) -> None:
        """Close it, as nobody serves it any more (RFC 6455 section 7.4.1: 1011)."""
        if self._wire.state is State.OPEN:
            self._close(CloseCode.INTERNAL_ERROR, "this failed here")
        else:
            self.abort()

    def abort(self) -> None:
        """Cut it off."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---

    def _hear(self) -> None:
        wire = self._wire
        for event in wire.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Request):
                self._asked(event)
        self._flush()
        if wire.state in (State.CLOSING, State.CLOSED) and self._connection is not None:
            self._hang_up(self._why())
            self._abort_soon()
        elif wire.handshake_exc is not None:
            self._abort_soon()

    def _asked(self, request: Request) -> None:
        transport = self._transport
        assert transport is not None
        certificate = transport.get_extra_info("peercert") or {}
        names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
        address = (transport.get_extra_info("peername") or ("?",))[0]
        authorization = request.headers.get("Authorization")
        gate = self.server.gate
        said = gate.ask(request.path, authorization, names[0] if names else None, address, self.server.node.clock.now())
        if callable(said):
            transport.pause_reading()
            what = f"{address}: the proof of a station's key"
            self.server.node.supervisor.must_live(what, self._prove(request, address, said), self._failed)
        else:
            self._answer(request, said)

    async def _prove(self, request: Request, address: str, proof: Callable[[], Key | None]) -> None:
        key = await asyncio.get_running_loop().run_in_executor(None, proof)
        authorization = request.headers.get("Authorization")
        said = UNAUTHORIZED if key is None else self.server.gate.proved(request.path, authorization, address, key)
        if self._transport is None:
            return
        self._answer(request, said)
        self._flush()
        if self._transport is not None:
            self._transport.resume_reading()

    def _answer(self, request: Request, said: str | Refused) -> None:
        wire = self._wire
        if isinstance(said, Refused):
            self.server.refused += 1
            response = wire.reject(said.status, f"{said.why}\n")
            for name, value in said.headers:
                response.headers[name] = value
            wire.send_response(response)
            self._abort_soon()
            return
        response = wire.accept(request)
        dialect = self.server.node.dialects.get(meant(wire.subprotocol or ""))
        if dialect is not None and (wrong := dialect.misnamed(said)) is not None:
            response = wire.reject(400, f"{wrong}\n")
        wire.send_response(response)
        if response.status_code != 101:
            self._abort_soon()
            return
        if self._fuse is not None:
            self._fuse.cancel()
            self._fuse = None
        node = self.server.node
        if dialect is None:
            # OCPP-J 1.6 section 3.1.2: finish without the header, then close.
            self._close(CloseCode.PROTOCOL_ERROR, f"{', '.join(node.dialects)} spoken here")
            return
        self.heard = node.clock.now()
        self.server.open.add(self)
        self._connection = connection = node.connect(said, self.write, self.end, dialect)
        connection.rested = self._rested
        node.serve(connection, self._failed)

    def _take(self, frame: Frame) -> None:
        opcode = frame.opcode
        size = len(frame.data)
        self._unparsed -= 6 + size + (0 if size < 126 else 2 if size < 1 << 16 else 8)
        now = self.heard = self.server.node.clock.now()
        if opcode is Opcode.TEXT or opcode is Opcode.CONT:
            if frame.fin and self._parts is None:
                self._offer(bytes(frame.data), now)
                return
            self._parts = self._parts or []
            self._parts.append(bytes(frame.data))
            self._gathered += len(frame.data)
            limits = self.server.limits
            if self._gathered > limits.frame_bytes or len(self._parts) > limits.fragments:
                self._close(CloseCode.MESSAGE_TOO_BIG, "message too big")
            elif frame.fin:
                data, self._parts, self._gathered = b"".join(self._parts), None, 0
                self._offer(data, now)
        elif opcode is Opcode.BINARY:
            self._close(CloseCode.UNSUPPORTED_DATA, "OCPP-J frames are text")
        elif opcode in (Opcode.PING, Opcode.PONG):
            if self._controls.take(now):
                self._close(CloseCode.POLICY_VIOLATION, "too many control frames")
            elif self._connection is not None:
                self._connection.alive(now)

    def _offer(self, data: bytes, now: float) -> None:
        connection = self._connection
        if connection is None or self._wire.state is not State.OPEN:
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self._close(CloseCode.INVALID_DATA, "not UTF-8")
            return
        self.spoke = True
        connection.offer(text)
        if wait_s := self._messages.owe(now):
            self._pause()
            asyncio.get_running_loop().call_later(wait_s + 0.001, self._rested)
        elif connection.waiting >= self.server.limits.waiting:
            self._pause()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _rested(self) -> None:
        """Read on: what was offered is handled."""
        connection = self._connection
        if self._paused and self._transport is not None and connection is not None:
            if connection.waiting or self._messages.fill(self.server.node.clock.now()) < 0.0:
                return
            self._paused = False
            self._transport.resume_reading()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._wire.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()

    def _close(self, code: CloseCode, why: str) -> None:
        if self._wire.state is State.OPEN:
            with contextlib.suppress(WebSocketException):
                self._wire.send_close(code, why)
            self._flush()
        self._hang_up(why)
        self._abort_soon()

    def _abort_soon(self) -> None:
        if self._fuse is None and self._transport is not None:
            self._fuse = asyncio.get_running_loop().call_later(self.server.limits.closing_s, self.abort)

    def _hang_up(self, why: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.hang_up(why)

    def _why(self) -> str:
        code, reason = self._wire.close_code, self._wire.close_reason
        return f"closed with {code} {reason or ''}".strip() if code is not None else "connection lost"


def _text_of(data: bytes) -> bytes | None:
    """Return the payload when `data` is one whole masked text message with nothing around it, as nearly all are.

    RFC 6455 section 5.2. Everything else is the library's; its parser is a generator, which costs four times as much.
    """
    size = len(data)
    if size < 6 or data[0] != 0x81:
        return None
    said, start = data[1] - 0x80, 6
    if said == 126:
        said, start = data[2] << 8 | data[3], 8
        if said < 126:
            return None
    elif not 0 <= said < 126:
        return None
    return bytes(apply_mask(data[start:], data[start - 4 : start])) if start + said == size else None


_QUIET = logging.getLogger(f"{__name__}.wire")
_QUIET.setLevel(logging.CRITICAL)
