"""A limit on the real seconds of a run, for code that loops without returning to the event loop.

Virtual time does not pass while code runs, so nothing inside a run can notice. A signal raises at the place where the
code is, and the file there decides who is blamed (`world.blame`).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN_S = 10.0
"""Seconds after which code that goes on after the interruption is interrupted again."""


class TakesTooLong(Exception):
    """Raised inside a run whose time is over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer than `seconds` inside a `with` block. No effect where there are no such signals."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: Any) -> None:
        raise TakesTooLong(f"still at it after {seconds:g} s of this machine")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
