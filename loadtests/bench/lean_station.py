"""A station of fixed texts that costs little CPU, so that a bench measures the server and not the station.

Speaks just enough RFC 6455 for a server that answers each call in one whole text message: a fixed handshake, messages
masked with a key of zeros (which leaves the text as it is), answers in the order they come. Checks that each answer is
a CALLRESULT to the call it belongs to. Calls of the CSMS are handed to `commanded`.
"""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class LostLine(Exception):
    """The server refused the handshake, closed the connection or sent what is no answer."""


class LeanStation(asyncio.Protocol):
    """One station. `call` sends a CALL and returns the payload of its answer."""

    def __init__(self, path: str, host: str, password: str | None = None) -> None:
        self._request = "\r\n".join(
            [
                f"GET {path} HTTP/1.1",
                f"Host: {host}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: " + base64.b64encode(bytes(16)).decode(),
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Protocol: ocpp1.6",
                *([] if password is None else ["Authorization: Basic " + _basic(path, password)]),
                "\r\n",
            ]
        ).encode()
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._then: Callable[[Any], None] | None = None
        self._count = 0
        self.lost: Callable[[str], None] = lambda why: None
        """Is called once with the reason when the line can be used no longer."""
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.commanded: Callable[[str, str, Any], Any] | None = None
        """`commanded(message_id, action, payload)` returns the payload that answers a CALL of the CSMS."""

    @classmethod
    async def open(cls, url: str, station_id: str, password: str | None = None) -> LeanStation:
        """Connect below `url` as `station_id`. Raises `LostLine` or `OSError`."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        path = f"{parts.path.rstrip('/')}/{station_id}"
        _, station = await loop.create_connection(
            lambda: cls(path, parts.netloc, password), parts.hostname or "", parts.port or 80
        )
        await station.opened
        return station

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        """Send a CALL and return its answer's payload. Raises `LostLine`."""
        answer: asyncio.Future[Any] = self._loop.create_future()

        def fail(why: str) -> None:
            if not answer.done():
                answer.set_exception(LostLine(why))

        self.lost = fail
        self.ask(action, payload, answer.set_result)
        return await answer

    def ask(self, action: str, payload: dict[str, Any], then: Callable[[Any], None]) -> None:
        """Send a CALL and go on; `then` gets its answer's payload. One at a time."""
        if self._transport is None:
            self.lost("the connection is gone")
            return
        self._count += 1
        self._then = then
        self._send(_encode((2, str(self._count), action, payload)))

    # --- what the loop does with it ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = transport  # type: ignore[assignment]
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then messages."""
        self._buffer = data = self._buffer + data if self._buffer else data
        if not self.opened.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                return
            status = head.partition(b"\r\n")[0].decode("latin-1")
            if " 101 " not in status:
                self._lose(f"the handshake was answered: {status}")
                return
            self.opened.set_result(None)
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10], "big"), 10
            if len(data) < start + size:
                break
            message, opcode, data = data[start : start + size], data[0], data[start + size :]
            if opcode == 0x81:
                self._take(_decode(message))
            elif opcode == 0x89:
                self._send(message, 0x8A)
            elif opcode == 0x88:
                self._lose(f"closed with {int.from_bytes(message[:2], 'big')} {message[2:].decode('utf-8', 'replace')}")
                return
        self._buffer = data

    def connection_lost(self, error: Exception | None) -> None:
        """Learn that it is gone."""
        self._transport = None
        self._lose("the connection was lost")

    # --- inside ---

    def _take(self, message: Any) -> None:
        if message[0] == 2 and self.commanded is not None:
            self._send(_encode((3, message[1], self.commanded(*message[1:]))))
        elif message[0] == 3 and message[1] == str(self._count) and self._then is not None:
            then, self._then = self._then, None
            then(message[2])
        else:
            self._lose(f"call {self._count} was answered with {str(message)[:200]}")

    def _send(self, message: bytes, opcode: int = 0x81) -> None:
        size = len(message)
        head = bytes((opcode, 0x80 | size)) if size < 126 else struct.pack("!BBH", opcode, 0x80 | 126, size)
        if self._transport is not None:
            self._transport.write(head + bytes(4) + message)

    def _lose(self, why: str) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        if not self.opened.done():
            self.opened.set_exception(LostLine(why))
        self._then = None
        self.lost(why)


def _basic(path: str, password: str) -> str:
    return base64.b64encode(f"{path.rpartition('/')[2]}:{password}".encode()).decode()
