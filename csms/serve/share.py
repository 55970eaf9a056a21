"""Long answers to operators: one at a time, with pauses, so that any number of questions takes a share of the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHARE = 0.5
MOST_S = 0.05
"""The longest pause: an answer may have waited for the store, and that costs stations nothing."""


class Share:
    """Whoever answers at length waits for its turn."""

    def __init__(self) -> None:
        self._busy = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the turn, and for a while afterwards, in which nobody has it."""
        await self._busy.acquire()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            pause_s = (loop.time() - began) * (1 / SHARE - 1)
            loop.call_later(min(MOST_S, pause_s), self._busy.release)
