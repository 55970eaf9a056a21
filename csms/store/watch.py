"""Detects a thread that hangs with work to do: a disk that never answers raises no error.

Time is counted in checks, not by the clock: a process that was stopped for an hour has missed one check only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOOK_S = 1.0
HUNG_S = 120.0
"""Seconds without a step after which a thread counts as hung."""


class Watch:
    """Checks a thread while it has work. `steps` returns a count of what it did, `busy` whether it has work."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        steps: Callable[[], int],
        busy: Callable[[], bool],
        hung: Callable[[str], None],
        hung_s: float = HUNG_S,
    ) -> None:
        self._loop, self._steps, self._busy, self._hung, self._hung_s = loop, steps, busy, hung, hung_s
        self._timer: asyncio.TimerHandle | None = None
        self._seen = -1
        self.still_s = 0.0
        """Seconds for which the thread has taken no step although it has work."""

    def begin(self) -> None:
        """Check from now on, until there is no work."""
        if self._timer is None:
            self._seen, self.still_s = self._steps(), 0.0
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._busy():
            self.still_s = 0.0
            return
        steps = self._steps()
        self.still_s = self.still_s + LOOK_S if steps == self._seen else 0.0
        self._seen = steps
        if self.still_s >= self._hung_s:
            self._hung(f"it has not come to an end of anything for {self.still_s:.0f} s")
        else:
            self._timer = self._loop.call_later(LOOK_S, self._look)
