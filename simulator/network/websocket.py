"""A station's WebSocket on a real socket: an asyncio protocol around websockets' sans-I/O client, without a task.

All that comes from the CSMS is bounded: the handshake in time, a message at 256 KiB, what it does not read at 1 MiB.
One receive buffer serves all sockets, because one is read at a time.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from interlock.simulator.network.ports import Edge, StationSocket
from interlock.simulator.network.refusal import HungUp, NoSubprotocol

if TYPE_CHECKING:
    from interlock.simulator.network.dial import Network

FRAME_BYTES = 256 * 1024
"""The longest message a station takes."""
UNREAD_BYTES = 1024 * 1024
"""What may wait for a CSMS that does not read, before the socket is given up."""
FRAMES_PER_S, FRAMES_BURST = 100.0, 2000.0
"""How many frames a CSMS may send to one station; beyond this, reading its socket is paused."""
FRAME_UNIT = 4096
"""A longer frame counts for one more for each so many bytes."""
CLOSING_S = 2.0
"""How long a closed socket waits for the other side to close it too."""

Connected = Callable[[StationSocket | None], None]
"""Called once when a dial is over: with the socket, or None."""

_buffer = memoryview(bytearray(64 * 1024))


class Socket(asyncio.BufferedProtocol):
    """One WebSocket connection of a station, the `number`th it opened."""

    __slots__ = (
        "_connected",
        "_fuse",
        "_heard_at",
        "_parts",
        "_room",
        "_silent",
        "_transport",
        "_wire",
        "network",
        "number",
        "on_down",
        "on_station_closed",
        "open",
        "pongs",
        "station_id",
        "subprotocol",
    )

    def __init__(self, network: Network, station_id: str, subprotocol: str, connected: Connected) -> None:
        self.network, self.station_id, self.subprotocol, self.number = network, station_id, subprotocol, 0
        self.on_down: Callable[[str], None] | None = None
        self.on_station_closed: Callable[[str], None] | None = None
        self.open = False
        """Whether the station may send on it."""
        self.pongs = 0
        """Pongs received."""
        self._connected: Connected | None = connected
        self._parts: list[bytes] | None = None
        self._room, self._heard_at = FRAMES_BURST, network.loop.time()
        self._silent = False
        self._transport: asyncio.Transport | None = None
        self._fuse: asyncio.TimerHandle | None = None
        address = network.address
        resource, _, _ = address.resource(station_id).partition("?")
        self._wire = ClientProtocol(
            WebSocketURI(address.secure, address.host, address.port, resource, ""),
            subprotocols=[Subprotocol(subprotocol)],
            max_size=FRAME_BYTES,
        )

    # --- what a station does with it ---

    def send_up(self, text: str) -> None:
        """Send a frame."""
        network, transport = self.network, self._transport
        if not self.open or transport is None:
            network.lost(self, text, "socket is closed")
            return
        network.frames("station.sent", self, text)
        if self._silent:
            network.lost(self, text, "half-open")
            return
        try:
            self._wire.send_text(text.encode("utf-8", "surrogatepass"))
        except WebSocketException:
            network.lost(self, text, "socket is closing")
            return
        self._flush()
        if transport.get_write_buffer_size() > UNREAD_BYTES:
            self._abort_because("the CSMS does not read")

    def ping(self) -> None:
        """Send a WebSocket ping."""
        if self.open and not self._silent and self._wire.state is State.OPEN:
            self._wire.send_ping(b"interlock")
            self._flush()

    def close(self, edge: Edge, why: str) -> None:
        """Close it: send a close frame, and wait `CLOSING_S` for the other side's."""
        if not self.open:
            return
        self.open = False
        self.network.closed(self, why)
        if self._wire.state is State.OPEN and not self._silent:
            self._wire.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        self._abort_in(CLOSING_S)

    def vanish(self, edge: Edge, why: str) -> None:
        """Abort the connection, as a process does that dies."""
        if self.open:
            self.open = False
            self.network.closed(self, why)
            if not self._silent:
                self.abort()

    def half_open(self, why: str) -> None:
        """Send and receive nothing any more, without closing: the other side does not notice."""
        self._silent = True
        about = {"station": self.station_id, "socket": self.number, "node": "csms"}
        self.network.observe("socket.silent", **about, why=why)
        if self._transport is not None:
            self._transport.pause_reading()

    # --- what the loop does with it ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the opening handshake."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.network.sockets.add(self)
        request = self._wire.connect()
        request.headers["User-Agent"] = self.network.agent
        for name, value in self.network.headers.items():
            request.headers[name] = value
        if self.network.password is not None:
            pair = f"{self.station_id}:{self.network.password}".encode()
            request.headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        self._wire.send_request(request)
        self._flush()
        self._fuse = self.network.loop.call_later(self.network.patience_s, self._never_answered)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer that all sockets share: what is read into it is processed before the next read."""
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes that were read."""
        self._wire.receive_data(bytes(_buffer[:nbytes]))
        self._process_received()

    def eof_received(self) -> None:
        """Process the end of the stream."""
        self._wire.receive_eof()
        self._process_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the connection is gone."""
        self.network.sockets.discard(self)
        self._cancel_fuse()
        self._transport = None
        if self._connected is not None:
            self._refused(error if error is not None else HungUp())
        else:
            self._closed(self._why_closed(error))

    # --- inside ---

    def _process_received(self) -> None:
        wire = self._wire
        for event in wire.events_received():
            if isinstance(event, Frame):
                if self.open and not self._silent:
                    self._receive(event)
            elif isinstance(event, Response) and self._connected is not None:
                self._answered()
                if self.open:
                    event.headers.clear()  # the library's parser keeps the answer as long as the connection
        if wire.handshake_exc is not None and self._connected is not None:
            self._refused(wire.handshake_exc)
        self._flush()
        if self.open and wire.state is not State.OPEN:
            self._closed(self._why_closed(None))
            self._abort_in(CLOSING_S)

    def _answered(self) -> None:
        wire = self._wire
        if wire.handshake_exc is not None:
            self._refused(wire.handshake_exc)
        elif wire.subprotocol is None:
            self._refused(NoSubprotocol())
        else:
            self._cancel_fuse()
            connected, self._connected = self._connected, None
            self.open = True
            assert connected is not None
            self.network.ready(self)
            connected(self)

    def _receive(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            data: bytes
            if frame.fin and self._parts is None:
                data = bytes(frame.data)
            else:
                self._parts = self._parts or []
                self._parts.append(bytes(frame.data))
                if not frame.fin:
                    return
                data, self._parts = b"".join(self._parts), None
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self._wire.fail(CloseCode.INVALID_DATA)
                return
            self._count(len(data))
            self.network.frames("station.received", self, text)
            if self.on_down is not None:
                self.on_down(text)
        elif frame.opcode is Opcode.PONG:
            self.pongs += 1
        elif frame.opcode is Opcode.BINARY:
            self._wire.fail(CloseCode.UNSUPPORTED_DATA)

    def _count(self, size: int) -> None:
        now = self.network.loop.time()
        self._room = min(FRAMES_BURST, self._room + (now - self._heard_at) * FRAMES_PER_S) - 1 - size // FRAME_UNIT
        self._heard_at = now
        if self._room < 0 and self._transport is not None:
            self._transport.pause_reading()
            self.network.loop.call_later(-self._room / FRAMES_PER_S, self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._silent:
            self._transport.resume_reading()

    def _why_closed(self, error: Exception | None) -> str:
        wire = self._wire
        if isinstance(wire.parser_exc, EOFError) and wire.close_rcvd is None:
            return "connection lost: the stream ended"  # its process may have died: no message was wrong
        if wire.parser_exc is not None and wire.close_rcvd is None:
            sent = wire.close_sent
            return f"the CSMS broke the WebSocket protocol ({sent.code if sent else 'no close'})"
        if wire.close_rcvd is not None:
            reason = "".join(one if one.isprintable() else "?" for one in wire.close_rcvd.reason[:80])
            return f"closed by the CSMS: {wire.close_rcvd.code} {reason}".rstrip()
        if wire.close_sent is not None:
            return f"the CSMS sent what OCPP-J does not allow ({wire.close_sent.code})"
        return "connection lost" if error is None else f"connection lost: {type(error).__name__}"

    def _closed(self, why: str) -> None:
        if self.open:
            self.open = False
            self.network.closed(self, why)
            if self.on_station_closed is not None:
                self.on_station_closed(why)

    def _abort_because(self, why: str) -> None:
        self._closed(why)
        self.abort()

    def _refused(self, error: BaseException) -> None:
        connected, self._connected = self._connected, None
        if connected is not None:
            self.network.refused(self.station_id, self.subprotocol, error)
            connected(None)
        self.abort()

    def _never_answered(self) -> None:
        self._fuse = None
        self._refused(TimeoutError())

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for data in self._wire.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()
                return

    def _abort_in(self, seconds: float) -> None:
        self._cancel_fuse()
        self._fuse = self.network.loop.call_later(seconds, self.abort)

    def _cancel_fuse(self) -> None:
        if self._fuse is not None:
            self._fuse.cancel()
            self._fuse = None

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()
