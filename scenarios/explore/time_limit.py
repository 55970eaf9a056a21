"""A limit on the seconds of this machine that a run may take: for code that spins without giving up its turn.

Virtual time does not pass while code runs, so nothing inside a run can notice. A signal can: it raises where the code
is, and whose file that is says whose fault it is (`world.blame`).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN_S = 10.0
"""How long whatever goes on after it was interrupted may take until it is interrupted again."""


class TakesTooLong(Exception):
    """Raised where a run is when its seconds are over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer than `seconds` inside a `with` block; nothing where there are no such signals."""
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
