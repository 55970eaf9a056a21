"""The record of a tester: every observation on disk as it happens, and the exchange of the present case in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from interlock.scenarios.cases.exemplar import Seen
from interlock.scenarios.judge.exchange import EDGES, Exchange
from interlock.scenarios.record.recorder import Recorder


class Notebook:
    """Records observations about one peer. `clock` returns the present second."""

    def __init__(self, under_test: Literal["station", "csms"], clock: Callable[[], float], directory: Path) -> None:
        self.under_test: Literal["station", "csms"] = under_test
        self.clock = clock
        self.recorder = Recorder(clock, directory)
        self.station: str | None = None
        self.exchange = Exchange(under_test)
        self.rows: list[Seen] = []
        """The observations of the present case."""
        self.news = asyncio.Event()
        """Set whenever anything is noted."""

    @property
    def now(self) -> float:
        """The present second."""
        return self.clock()

    @property
    def next(self) -> int:
        """The number of the next observation."""
        return self.recorder.count

    def observe(self, kind: str, **fields: Any) -> int:
        """Record an observation; return its number."""
        number, t = self.recorder.count, round(self.clock(), 6)
        fields.setdefault("station", self.station)
        self.recorder.observe(kind, **fields)
        seen = Seen(number, t, kind, fields)
        self.rows.append(seen)
        self.exchange.add(seen)
        self.news.set()
        return number

    def frame(self, text: str, *, ours: bool, socket: int) -> int:
        """Note a frame of the peer's or of ours."""
        edge = EDGES[self.under_test][1 if ours else 0]
        return self.observe("frame", edge=edge, socket=socket, node="tester", text=text)

    def turn(self) -> None:
        """Begin a new case: what was before it stays on disk only."""
        self.rows = []
        self.exchange = Exchange(self.under_test)

    async def wait(self, until: float) -> None:
        """Wait for the next observation, but not beyond second `until`."""
        self.news.clear()
        left = until - self.now
        if left > 0:
            try:
                async with asyncio.timeout(left):
                    await self.news.wait()
            except TimeoutError:
                pass

    async def until(self, true: Callable[[], Any], within_s: float) -> bool:
        """Wait until a condition is true; return whether that was in time."""
        end = self.now + within_s
        while not true():
            if self.now >= end:
                return False
            await self.wait(end)
        return True
