"""A station's WebSocket: an asyncio protocol around websockets' sans-I/O server.

No decisions here: the gate decides who may come in, the connection what frames mean. What a peer can make this process
hold is bounded: the handshake in time, a message in bytes, what waits to be handled or to be read, and how often it
may send. One read buffer serves all sockets, as one is read at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from interlock.csms.bucket import Bucket
from interlock.csms.connection import Connection
from interlock.csms.dialects import Dialect, meant, negotiate
from interlock.csms.serve import head
from interlock.csms.serve.admission import Slot
from interlock.csms.serve.frames import text_frame, text_of
from interlock.csms.serve.gate import BUSY, Key, Refused
from interlock.csms.serve.listener import release

if TYPE_CHECKING:  # the server makes the sockets, and so imports this file
    from interlock.csms.serve.server import Server

AT_ONCE = 16
"""Frames of one socket after which others are served."""
SLICE = 1024
"""Bytes passed to the library at once: at most 170 frames, which are empty then."""
_buffer = memoryview(bytearray(64 * 1024))
_NOTHING = Bucket(1.0, 0.0)  # what a socket may send before it is let in
_QUIET = logging.getLogger(f"{__name__}.wire")
_QUIET.setLevel(logging.CRITICAL)


class _Wire(ServerProtocol):
    """The library's protocol; it can be freed without the garbage collector once its connection is gone."""

    def __init__(self, dialects: Mapping[str, Dialect], most: int) -> None:
        super().__init__(max_size=most, logger=_QUIET)
        self._dialects = dialects

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """Choose one of those a station offers."""
        return cast("Subprotocol | None", negotiate(subprotocols, self._dialects))

    def release(self) -> None:
        """Break the references by which it refers to itself."""
        self.parser.close()
        errors: list[BaseException | None] = [self.parser_exc, self.handshake_exc]
        while errors:
            if (error := errors.pop()) is not None:
                error.__traceback__ = None  # its frames refer to this
                errors += [error.__cause__, error.__context__]


class Socket(asyncio.BufferedProtocol):
    """One station's WebSocket."""

    __slots__ = (
        "_connection",
        "_controls",
        "_fuse",
        "_gathered",
        "_head",
        "_held",
        "_messages",
        "_parsed",
        "_parts",
        "_paused",
        "_rest",
        "_shared",
        "_since",
        "_slot",
        "_station",
        "_transport",
        "_unfinished",
        "_unfinished_since",
        "_unparsed",
        "_unread",
        "_wire",
        "heard",
        "server",
        "spoke",
    )

    def __init__(self, server: Server, slot: Slot) -> None:
        self.server, self._slot = server, slot
        limits = server.limits
        self.heard = server.node.clock.now()
        self.spoke = False
        self._wire = _Wire(server.node.dialects, limits.frame_bytes)
        self._connection: Connection | None = None
        self._head: bytearray | None = bytearray()
        """The request so far; None once it is whole."""
        self._messages = self._shared = self._controls = _NOTHING
        self._held: deque[str] = deque()
        """Messages held back until the station's budget allows them. Reading is paused meanwhile, so they are few."""
        self._since = self.heard
        self._station = ""
        self._unfinished, self._unfinished_since = 0, 0.0
        """Bytes of an incomplete message, as counted for the address, and since when there are any."""
        self._parts: list[bytes] | None = None
        self._gathered = 0
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._fuse: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._parsed, self._rest = 0, b""
        """Frames parsed in this turn of the loop, and bytes left for the next one; reading is paused meanwhile."""
        self._unparsed = 0
        """Bytes passed to the library less those of the frames it returned: at 0 a new frame begins."""

    # --- what the loop does with it ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Limit the time for the request."""
        self._transport = transport = cast(asyncio.Transport, transport)
        self.server.attached.add(self)
        transport.set_write_buffer_limits(high=64 * 1024)
        self._slot.end = self.abort
        self._fuse = asyncio.get_running_loop().call_later(self.server.limits.handshake_s, self.abort)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the read buffer: one for all sockets, as its bytes are consumed at once.

        A station with little budget left gets a small one: frames that would wait are not even parsed.
        """
        level = self._messages.level
        return _buffer if level > 100.0 or self._connection is None else _buffer[: 2048 + int(max(0.0, level)) * 512]

    def buffer_updated(self, nbytes: int) -> None:
        """Handle received bytes: without the library where they are one whole message, as nearly always."""
        self._handle(bytes(_buffer[:nbytes]))

    def _handle(self, data: bytes) -> None:
        if self._unparsed == 0 and self._parts is None and self._connection is not None:
            payload = text_of(data)
            if payload is not None:
                now = self.heard = self.server.node.clock.now()
                self._offer(payload, now)
                return
        if self._head is not None:
            self._begin(data)
            return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Pass bytes to the library. Thousands of tiny frames fit a buffer: others are served between some of them."""
        self._parsed = 0
        for at in range(0, len(data), SLICE):
            if self._parsed >= AT_ONCE:
                self._rest = data[at:]
                self._pause()
                asyncio.get_running_loop().call_soon(self._parse_rest)
                break
            some = data[at : at + SLICE]
            self._unparsed += len(some)
            self._wire.receive_data(some)
            self._hear()
        self._count_unfinished(self._unparsed + self._gathered)

    def _parse_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if self._transport is not None:
            self._parse(rest)
            self._rested()

    def _count_unfinished(self, size: int) -> None:
        """Count the bytes of an incomplete message; close the socket if its address has too many of them."""
        server, origin = self.server, self._slot.address
        before, self._unfinished = self._unfinished, size
        if size == before:
            return
        if not before:
            self._unfinished_since = server.node.clock.now()
        server.unfinished[origin] += size - before
        if server.unfinished[origin] <= 0:
            del server.unfinished[origin]
        elif size > before and server.unfinished[origin] > server.limits.unfinished_bytes:
            self._close(CloseCode.TRY_AGAIN_LATER, "too much that is not whole comes from your address")

    def undecided(self) -> bool:
        """Whether the node has not decided yet if it becomes its station's connection."""
        return self._connection is not None and self._connection.epoch == 0

    def sweep(self, now: float) -> None:
        """Check the time limit of an incomplete message, and note the home address of a station served for a while."""
        if self._unfinished and now - self._unfinished_since > self.server.limits.message_s:
            self.end("a message was not whole in time")
        elif (
            self._connection is not None and self._connection.epoch and now - self._since > self.server.limits.settled_s
        ):
            self.server.names.settled(self._station, self._slot.address)

    def _begin(self, data: bytes) -> None:
        """Gather the request until it is whole, and check it before the library parses it."""
        gathered = self._head
        assert gathered is not None
        gathered += data
        try:
            end = head.end_of(gathered)
            if not end:
                return
            self._head = None
            headers = head.check(bytes(gathered[:end]))
            if b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")):
                raise head.BadHead(400, "a WebSocket handshake has no body")
            if len(gathered) > end:
                raise head.BadHead(400, "nothing may be sent before the handshake is answered")
        except head.BadHead as refused:
            self._head = None
            self.server.refused += 1
            if self._transport is not None:
                self._transport.write(head.answer(refused))
                self._transport.pause_reading()
                self._cut_soon()
            return
        self._wire.receive_data(bytes(gathered))
        self._hear()

    def eof_received(self) -> None:
        """Pass the end of the stream on."""
        self._wire.receive_eof()
        self._hear()

    def connection_lost(self, error: Exception | None) -> None:
        """Clean up: the transport is gone."""
        self.server.open.discard(self)
        self.server.attached.discard(self)
        self.server.admission.leave(self._slot, self.server.node.clock.now())
        release(self._transport)
        self._transport = None
        self._drop_unfinished()
        self._wire.release()
        self.server.names.left(self._station, self._slot.address, self)
        for timer in (self._fuse, self._unread):
            if timer is not None:
                timer.cancel()
        self._fuse = self._unread = None
        self._hang_up(f"{type(error).__name__}" if error is not None else self._why())

    def pause_writing(self) -> None:
        """The peer does not read: abort after `unread_s`."""
        if self._unread is None:
            loop = asyncio.get_running_loop()
            self._unread = loop.call_later(self.server.limits.unread_s, self.abort)

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # --- what the connection does with it ---

    def write(self, frame: str) -> None:
        """Send a text frame."""
        transport = self._transport
        if transport is None or self._wire.state is not State.OPEN:
            return
        transport.write(text_frame(frame))
        if self.server.watched.of:
            self.server.watched.passed(self._station, self._wire.subprotocol, "csms-to-cp", frame)
        if transport.get_write_buffer_size() > self.server.limits.unread_bytes:
            self.abort()

    def end(self, why: str) -> None:
        """Close it: send a close frame, and abort if the peer does not answer in time.

        The code says who goes (RFC 6455 section 7.4.1): 1011 a node that is over, 1001 a server that stops, else 1000.
        """
        if self.server.node.ended is not None:
            self._close(CloseCode.INTERNAL_ERROR, why)
        else:
            self._close(CloseCode.GOING_AWAY if self.server.stopping else CloseCode.NORMAL_CLOSURE, why)

    def _failed(self, why: str) -> None:
        """Close it after an internal error (RFC 6455 section 7.4.1: code 1011)."""
        if self._wire.state is State.OPEN:
            self._close(CloseCode.INTERNAL_ERROR, "this failed here")
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the TCP connection."""
        if self._transport is not None:
            self._transport.abort()

    def _ping(self) -> None:
        if self._wire.state is State.OPEN:
            self._wire.send_ping(b"")
            self._flush()

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
        headers, gate, now = request.headers, self.server.gate, self.server.node.clock.now()
        said = gate.ask(
            request.path,
            headers.get("Authorization"),
            names[0] if names else None,
            address,
            now,
            origin=headers.get("Origin"),
            host=headers.get("Host", ""),
        )
        if callable(said):
            if self.server.proofs.full(self._slot.address):
                self._answer(request, BUSY)
                return
            transport.pause_reading()
            what = f"{address}: the proof of a station's key"
            found = self.server.proofs.begin(self._slot.address, said)
            self.server.node.supervisor.must_live(what, self._prove(request, address, found), self._failed)
        else:
            self._answer(request, said)

    async def _prove(self, request: Request, address: str, found: asyncio.Future[Key | None]) -> None:
        server = self.server
        key = await asyncio.shield(found)
        authorization = request.headers.get("Authorization")
        if key is None:
            said: str | Refused = server.gate.disproved(request.path, authorization)
        else:
            said = server.gate.proved(request.path, authorization, address, key)
        if self._transport is None:
            return
        self._answer(request, said)
        self._flush()
        if self._transport is not None:
            self._transport.resume_reading()

    def _answer(self, request: Request, said: str | Refused) -> None:
        wire = self._wire
        if not isinstance(said, Refused):
            server = self.server
            said = server.names.let_in(said, self._slot.address, server.node, proven=server.proven(said))
        if isinstance(said, Refused):
            self.server.refused += 1
            self.server.gate.told(self._slot.address, request.path, said.why)
            response = wire.reject(said.status, f"{said.why}\n")
            for name, value in said.headers:
                response.headers[name] = value
            wire.send_response(response)
            self._abort_soon()
            return
        response = wire.accept(request)
        dialect = self.server.node.dialects.get(meant(wire.subprotocol or ""))
        if dialect is not None and (wrong := dialect.misnamed(said)) is not None:
            self.server.gate.told(self._slot.address, request.path, wrong)
            response = wire.reject(400, f"{wrong}\n")
        wire.send_response(response)
        if response.status_code != 101:
            self._abort_soon()
            return
        if self._fuse is not None:
            self._fuse.cancel()
            self._fuse = None
        server, node = self.server, self.server.node
        if dialect is None:
            # OCPP-J 1.6 section 3.1.2: finish without the header, then close.
            spoken = f"{', '.join(node.dialects)} spoken here"
            server.gate.told(self._slot.address, request.path, spoken)
            self._close(CloseCode.PROTOCOL_ERROR, spoken)
            return
        self.heard = self._since = node.clock.now()
        server.admission.prove(self._slot)
        server.open.add(self)
        self._messages = server.messages.of(said, self.heard)
        self._controls = server.controls.of(said, self.heard)
        self._shared = server.address_messages.of(self._slot.address, self.heard)
        self._connection = connection = node.connect(said, self.write, self.end, dialect)
        self._station = said
        server.names.arrive(said, self._slot.address, self)
        if self._messages.fill(self.heard) < 1.0:
            self._pause()
            asyncio.get_running_loop().call_later(1.0 / self._messages.rate, self._rested)
        connection.rested, connection.ping = self._rest_soon, self._ping
        connection.proven = server.proven(said)
        node.serve(connection, self._failed)

    def _take(self, frame: Frame) -> None:
        opcode = frame.opcode
        size = len(frame.data)
        self._parsed += 1
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
        self.spoke, self._unfinished_since = True, now
        if self.server.watched.of:
            self.server.watched.passed(self._station, self._wire.subprotocol, "cp-to-csms", text)
        if self._held or connection.waiting >= self.server.limits.waiting:
            self._held.append(text)
            self._pause()
        elif wait_s := self._must_wait(now, text):
            self._hold(text, wait_s)
        else:
            connection.offer(text)

    def _hold(self, text: str, wait_s: float) -> None:
        self.server.held_back += 1
        self._held.append(text)
        self._pause()
        asyncio.get_running_loop().call_later(wait_s + 0.001, self._rested)

    def _must_wait(self, now: float, text: str) -> float:
        """Count a message against the budgets; where they are exhausted, return the seconds it has to wait."""
        if now - self._since < self.server.limits.settled_s and self._shared.fill(now) < 1.0:
            return (1.0 - self._shared.level) / self._shared.rate
        tokens = 1.0 + len(text) // self.server.limits.message_bytes
        if wait_s := self._messages.take(now, tokens):
            return wait_s
        self._shared.owe(now, tokens)
        return 0.0

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _rest_soon(self) -> None:
        if self._paused:  # others are served between one queue full of frames and the next
            asyncio.get_running_loop().call_soon(self._rested)

    def _rested(self) -> None:
        """Continue reading: the queue is empty, or the budget allows held messages."""
        connection = self._connection
        if not self._paused or self._rest or self._transport is None or connection is None:
            return
        now = self.server.node.clock.now()
        while self._held:
            if connection.waiting >= self.server.limits.waiting:
                return  # the connection calls this again
            if wait_s := self._must_wait(now, self._held[0]):
                asyncio.get_running_loop().call_later(wait_s + 0.001, self._rested)
                return
            connection.offer(self._held.popleft())
        if not connection.waiting:
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
        if self._unfinished and self._transport is not None:
            self._transport.pause_reading()  # the rest of that message is not read
            self._drop_unfinished()
        self._hang_up(why)
        self._abort_soon()

    def _drop_unfinished(self) -> None:
        """Drop an incomplete message."""
        self._parts, self._gathered = None, 0
        self._wire.reader.discard()
        self._count_unfinished(0)

    def _cut_soon(self) -> None:
        if self._fuse is not None:
            self._fuse.cancel()
            self._fuse = None
        self._abort_soon()

    def _abort_soon(self) -> None:
        if self._fuse is None and self._transport is not None:
            self._fuse = asyncio.get_running_loop().call_later(self.server.limits.closing_s, self.abort)

    def _hang_up(self, why: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            now = self.server.node.clock.now()
            # Messages that arrived before are still handled, as far as the budget allows.
            while self._held and not self._must_wait(now, self._held[0]):
                connection.offer(self._held.popleft())
            connection.hang_up(why)
        self._held.clear()

    def _why(self) -> str:
        code, reason = self._wire.close_code, self._wire.close_reason
        return f"closed with {code} {reason or ''}".strip() if code is not None else "connection lost"
