"""The outgoing frames of a player on one connection: sent in order by one task, then a close."""

from __future__ import annotations

import asyncio

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed


class Outgoing:
    """One connection, the `number`th. Whoever makes it ends `sending` with it."""

    def __init__(self, number: int, socket: Connection) -> None:
        self.number, self.socket = number, socket
        self._waiting: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue()
        self.sending = asyncio.get_running_loop().create_task(self._send())

    def send(self, text: str) -> None:
        """Send a frame after those that wait."""
        self._waiting.put_nowait(text)

    def close(self, code: int, why: str) -> None:
        """Close once all that waits is sent."""
        self._waiting.put_nowait((code, why))

    async def _send(self) -> None:
        try:
            while True:
                one = await self._waiting.get()
                if isinstance(one, tuple):
                    await self.socket.close(*one)
                    return
                await self.socket.send(one)
        except ConnectionClosed:
            pass
