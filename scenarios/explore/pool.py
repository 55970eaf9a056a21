"""Worker processes that end with the process that started them, also when that is interrupted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Offer `count` worker processes inside a `with` block; leaving it drops what is queued and ends them at once."""
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_leave_interrupts)
    try:
        yield pool
    finally:
        for child in multiprocessing.active_children():
            child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)  # whose thread sees that they are gone, and ends too


def _leave_interrupts() -> None:
    """Ignore Ctrl-C, which a terminal sends to every process: the one that started this one ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
