"""Live streams of a station's frames for watching clients: each frame a record of the Open OCPP Trace format, 1.1.

A watcher gets the frames from now on, one JSON record a line; saved to a file, `interlock judge` reads it. The records
held for a slow reader are bounded; frames it missed are counted in the next record. For a station that nobody watches,
a frame costs one check of an empty dictionary.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from interlock.csms.serve.streams import Streaming

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

WATCHERS = 16
"""Watchers of all stations together."""
HELD_BYTES = 1024 * 1024
"""What is held for one watcher."""
ALIVE_S = 15.0
"""When nothing passes, an empty line is sent this often."""
Direction = Literal["cp-to-csms", "csms-to-cp"]
_encode = msgspec.json.Encoder().encode


class Watcher:
    """One client that watches a station."""

    __slots__ = ("_bytes", "_held", "missed", "news")

    def __init__(self) -> None:
        self._held: deque[bytes] = deque()
        self._bytes = 0
        self.missed = 0
        self.news = asyncio.Event()

    def add(self, record: dict[str, Any]) -> None:
        """Hold a record, or count it as missed."""
        if self.missed:
            record = {**record, "meta": {"missed": self.missed}}
        line = _encode(record) + b"\n"
        if self._bytes + len(line) > HELD_BYTES:
            self.missed += 1
            return
        self.missed = 0
        self._held.append(line)
        self._bytes += len(line)
        self.news.set()

    def taken(self) -> bytes:
        """Return what is held, and hold it no longer."""
        lines = b"".join(self._held)
        self._held.clear()
        self._bytes = 0
        return lines


class FrameStream(Streaming):
    """The response to a watcher, which is removed when it ends."""

    def __init__(self, watched: Watched, station: str) -> None:
        self._lines = watched.follow(station)
        headers = {"Cache-Control": "no-store"}
        super().__init__(self._lines, media_type="application/x-ndjson", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the watcher is gone or the node stops."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._lines.aclose()


class Watched:
    """The watchers of all stations. `at` returns the time of day."""

    def __init__(self, at: Callable[[], datetime]) -> None:
        self._at = at
        self.of: dict[str, list[Watcher]] = {}
        """Watchers by station; empty while there are none."""
        self.ended = False

    @property
    def full(self) -> bool:
        """Whether the limit of watchers is reached."""
        return sum(map(len, self.of.values())) >= WATCHERS

    def passed(self, station: str, subprotocol: str | None, direction: Direction, text: str) -> None:
        """Pass a frame to the watchers of its station."""
        watchers = self.of.get(station)
        if watchers is None:
            return
        record = {
            "schemaVersion": "1.1",
            "timestamp": self._at().isoformat(),
            "ocppVersion": (subprotocol or "").removeprefix("ocpp"),
            "transport": "json",
            "chargePointId": station,
            "direction": direction,
            "raw": text,
        }
        for watcher in watchers:
            watcher.add(record)

    def end(self) -> None:
        """End every watcher's stream."""
        self.ended = True
        for watchers in self.of.values():
            for watcher in watchers:
                watcher.news.set()

    async def follow(self, station: str) -> AsyncGenerator[bytes, None]:
        """Yield the records of a station's frames as lines, until the end."""
        watcher = Watcher()
        self.of.setdefault(station, []).append(watcher)
        try:
            yield b"\n"  # tells the client that the stream begins here
            while not self.ended:
                if lines := watcher.taken():
                    yield lines
                    continue
                watcher.news.clear()
                try:
                    async with asyncio.timeout(ALIVE_S):
                        await watcher.news.wait()
                except TimeoutError:
                    yield b"\n"
        finally:
            self.of[station].remove(watcher)
            if not self.of[station]:
                del self.of[station]
