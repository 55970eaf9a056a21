"""A callback at a later time, cheaper than a SimPy process or time-out: one small object and one heap entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy

NORMAL = 1
"""SimPy's normal priority; events of the same time and priority run in the order in which they were scheduled."""

Observe = Callable[..., None]
"""How everything here is recorded: `observe(kind, **fields)`."""


class Timer:
    """Calls `function(timer)` once, `delay_s` from now, unless cancelled. Has what SimPy's queue needs of an event."""

    __slots__ = ("callbacks",)
    _ok = True

    def __init__(self, env: simpy.Environment, delay_s: float, function: Callable[[Any], None]) -> None:
        self.callbacks: list[Callable[[Any], None]] | None = [function]
        env.schedule(self, NORMAL, delay_s)  # type: ignore[arg-type]

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        if self.callbacks is not None:
            self.callbacks = []
