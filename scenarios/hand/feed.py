"""Recent observations of the stations for the page: a bounded memory, sent as server-sent events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec

KEPT = 2000
"""Observations that are kept; who is further behind begins again."""
PAGE = 400
PACE_S = 0.1
ALIVE_S = 15.0
FRAME_CHARACTERS = 16 * 1024
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Feed:
    """Observations of stations, numbered from 1."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, str, bytes]] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self.position = 0
        self.ended = False

    def add(self, kind: str, station: str, fields: Mapping[str, Any], t: float) -> None:
        """Keep one observation, made at `t` seconds."""
        self.position += 1
        data = {"t": round(t, 3), **{name: _short(value) for name, value in fields.items() if name != "station"}}
        about = {"position": self.position, "stream": f"station-{station}", "version": self.position, "type": kind}
        self._kept.append((self.position, station, _encode({**about, "data": data})))
        self._news.set()

    def end(self) -> None:
        """End the streams of who watches."""
        self.ended = True
        self._news.set()

    async def follow(self, after: int) -> AsyncGenerator[bytes, None]:
        """Yield what came behind a position, until the end or until too much was missed."""
        while not self.ended:
            page = self._behind(after)
            if page:
                if page[0][0] > after + 1:
                    return  # what was missed is gone: who watches asks for all stations again
                after = page[-1][0]
                yield b"".join(b"id: %d\ndata: %s\n\n" % (position, told) for position, _, told in page)
                await asyncio.sleep(PACE_S)
                continue
            self._news = asyncio.Event()
            try:
                await asyncio.wait_for(self._news.wait(), ALIVE_S)
            except TimeoutError:
                yield b": still here\n\n"

    def of(self, station: str) -> list[msgspec.Raw]:
        """Return what is kept of one station, oldest first."""
        return [msgspec.Raw(told) for _, whose, told in self._kept if whose == station]

    def _behind(self, after: int) -> list[tuple[int, str, bytes]]:
        missing = self.position - after
        if missing <= 0:
            return []
        kept = list(self._kept)
        return kept[-missing:][:PAGE] if missing <= len(kept) else kept[:1]


def _short(value: Any) -> Any:
    return value[:FRAME_CHARACTERS] if isinstance(value, str) else value
