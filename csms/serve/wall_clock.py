"""The real clock, ids that are unique to this start of the node, and threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from interlock.csms.clock import Ids


class WallClock:
    """`now` is the event loop's clock, which never steps; `at` the system's, whose steps are followed.

    So the time of day is right as soon as the system's clock is set right, and no wait is affected.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # What asyncio's own loops read, without the method call.
        self.now: Callable[[], float] = time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time
        """Returns seconds on the event loop's clock."""

    def at(self) -> datetime:
        """Return the time of day."""
        return datetime.fromtimestamp(time.time(), UTC)

    def when(self, at: datetime) -> float:
        """Return the `now` at which the clock will read `at`, unless it is set meanwhile."""
        return self.now() + (at - self.at()).total_seconds()


class Drawn(random.SystemRandom):
    """The system's randomness, read many bytes at a time: a system call costs as much as reading a frame."""

    def __init__(self) -> None:
        super().__init__()
        self._pool, self._at = b"", 0

    def getrandbits(self, k: int) -> int:
        """Return `k` random bits."""
        size = (k + 7) // 8
        if self._at + size > len(self._pool):
            self._pool, self._at = os.urandom(max(4096, size)), 0
        taken = self._pool[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "big") >> (size * 8 - k)


def fresh_ids(node: str) -> Ids:
    """Return the ids of one start of a node: their prefix is its name and a random number."""
    rng = Drawn()
    return Ids(f"{node[:12]}-{rng.getrandbits(40):010x}", rng)


def spare_threads(name: str, most: int = 4) -> ThreadPoolExecutor:
    """Return a pool of threads of low priority, so that their work does not slow down serving.

    They leave one processor free, where there are several.
    """
    return ThreadPoolExecutor(max(1, min(most, (os.cpu_count() or 2) - 1)), name, _give_way)


def _give_way() -> None:
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
