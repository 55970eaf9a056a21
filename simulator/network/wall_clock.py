"""SimPy in wall time: stations run unchanged, beside real sockets, in one thread.

`now` is read from the event loop each time, so input from outside (a frame, an opened socket) needs no event of its
own: what it schedules is timed from the moment it arrived. SimPy's events wait in its queue; the loop calls
this clock at the time of the earliest, and then all that are due are processed in order. A process that is behind
processes events late and never early. Nothing here sleeps or blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol

import simpy
from simpy.events import NORMAL

BATCH = 500
"""Events processed in one go, before the loop may serve sockets."""


class Alarm(Protocol):
    """What a loop returns for a callback at a time."""

    def cancel(self) -> None:
        """Cancel it."""


class Loop(Protocol):
    """What is needed of an asyncio event loop."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Alarm:
        """Call `callback` once `time()` is `when`."""


class WallClock(simpy.Environment):
    """A SimPy environment that an event loop drives. `now` is seconds since it was made."""

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop
        self._began = loop.time()
        self._alarm: Alarm | None = None
        self._alarm_at = math.inf
        self.behind_s = 0.0
        """The greatest delay of an event so far."""

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self._loop.time() - self._began

    def schedule(self, event: Any, priority: Any = NORMAL, delay: float = 0) -> None:
        """Process an event `delay` seconds from now."""
        at = self.now + delay
        heappush(self._queue, (at, priority, next(self._eid), event))
        if at < self._alarm_at:
            self._wake_at(at)

    def stop(self) -> None:
        """Drop everything that is scheduled."""
        self._queue.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _wake_at(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(self._began + at, self._ring)

    def _ring(self) -> None:
        # No alarm for what is scheduled meanwhile: the loop below finds it.
        self._alarm, self._alarm_at = None, -math.inf
        queue, now = self._queue, self.now
        try:
            if queue:
                self.behind_s = max(self.behind_s, now - queue[0][0])
            for _ in range(BATCH):
                if not queue or queue[0][0] > now:
                    break
                self._happen(heappop(queue)[3])
        finally:
            self._alarm_at = math.inf
            if queue:
                self._wake_at(queue[0][0])

    def _happen(self, event: Any) -> None:
        callbacks, event.callbacks = event.callbacks, None
        for callback in callbacks:
            callback(event)
        if not event._ok and not getattr(event, "_defused", False):
            raise event._value
