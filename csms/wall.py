"""The real clock, and names that no other start of this node gives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .clock import Ids


class WallClock:
    """The event loop's clock, with the time of day it had at the start: a step of the system's is not seen."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now: Callable[[], float] = loop.time
        """Returns seconds on the event loop's clock."""
        self._epoch = datetime.now(UTC) - timedelta(seconds=loop.time())

    def at(self) -> datetime:
        """Return the time of day."""
        return self._epoch + timedelta(0, self.now())

    def when(self, at: datetime) -> float:
        """Return the `now` at which the clock reads `at`."""
        return (at - self._epoch).total_seconds()


def fresh_ids(node: str) -> Ids:
    """Return names for one start of a node: its name, and a number nobody else drew."""
    rng = random.SystemRandom()
    return Ids(f"{node[:12]}-{rng.getrandbits(40):010x}", rng)
