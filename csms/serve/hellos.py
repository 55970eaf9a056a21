"""TLS handshakes: begun when a peer's hello has come whole, and only a few in each turn of the loop.

The server's part costs as much as dozens of frames. Peers that connect, and all send their hello in one moment, would
hold up everybody for as long as all of them take together.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque

AT_ONCE = 4
"""Handshakes begun in one turn."""
HEADER = 5
"""Bytes of a record's type, version and length (RFC 8446 section 5.1)."""
HANDSHAKE = 22
LONGEST = 1 << 14
REST_S = 0.05
"""Pause before the next look at a hello that comes bit by bit; doubled each time."""


class Hellos:
    """The handshakes of one listener that are about to begin."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def begin(self, accepted: socket.socket, within_s: float) -> None:
        """Return when the handshake of a new connection may begin. Raises `OSError` when none will come."""
        async with asyncio.timeout(within_s):
            await _hello(accepted)
            loop = asyncio.get_running_loop()
            if not self._waiting:
                loop.call_soon(self._next)
            its_turn = loop.create_future()
            self._waiting.append(its_turn)
            await its_turn

    def _next(self) -> None:
        begun = 0
        while self._waiting and begun < AT_ONCE:
            one = self._waiting.popleft()
            if not one.done():
                one.set_result(None)
                begun += 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)


async def _hello(accepted: socket.socket) -> None:
    """Wait for the first record of TLS without taking it from the socket."""
    rest_s, wanted = REST_S, HEADER  # of the whole record, once its header is there
    try:
        while True:
            with contextlib.suppress(OSError):  # readable only with so many bytes; not on every system
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
            await _readable(accepted)
            with contextlib.suppress(BlockingIOError):
                found = accepted.recv(wanted, socket.MSG_PEEK)
                if not found or found[0] != HANDSHAKE:
                    raise ConnectionAbortedError("this is no TLS")
                if len(found) >= HEADER == wanted:
                    wanted = HEADER + min(LONGEST, max(1, int.from_bytes(found[3:HEADER])))
                    continue
                if len(found) >= wanted:
                    return
            await asyncio.sleep(rest_s)
            rest_s *= 2
    finally:
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


async def _readable(accepted: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def found() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(accepted, found)
    try:
        await readable
    finally:
        loop.remove_reader(accepted)
