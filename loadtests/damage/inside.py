"""How long good stations wait inside a node: from a frame that can be read until its answer is written.

A generator that shares the machine with its attackers waits for a processor, too, and cannot tell that from a slow
node. So the node's own process is asked. `environment` returns what makes a process of `interlock serve` (on asyncio's
loop) write each such delay to a file and, where there are several processors, keep to one of them; `delays` reads the
file. A frame counts from the moment the loop was told of it, or, where the loop was at work, from the turn before:
never too little. What the kernel takes to wake the process is not in it. Beside the time stands what the loop's thread
worked meanwhile, which the kernel's choice moves less: only behind a long wait is there more to do at once.
"""

from __future__ import annotations

import os
import selectors
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "INTERLOCK_INSIDE"
GOOD = "GOOD"
"""What the names of good stations begin with."""
_RECORD = struct.Struct("ddd")
_WAITED_S = 50e-6
"""A `select` that took longer had nothing when it began."""


def environment(folder: Path, processor: int | None = None) -> Mapping[str, str]:
    """Return the environment of a node whose delays go to `folder`; it keeps to `processor` if one is given."""
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(f"from {__name__} import install\n\ninstall()\n")
    return {"PYTHONPATH": str(hook), VARIABLE: f"{'' if processor is None else processor}:{folder / 'inside.bin'}"}


def delays(folder: Path) -> list[tuple[float, float, float]]:
    """Return (second of `time.monotonic`, seconds of delay, of these the loop's work) of each answer so far."""
    data = (folder / "inside.bin").read_bytes()
    return list(_RECORD.iter_unpack(data[: len(data) // _RECORD.size * _RECORD.size]))


class _Told(selectors.DefaultSelector):
    """Knows since when what it found could be read, at the earliest."""

    since = _returned = worked = _worked = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        found = super().select(timeout)
        now, work = time.monotonic(), time.thread_time()
        before = (now, work) if now - began > _WAITED_S else (_Told._returned or now, _Told._worked or work)
        _Told.since, _Told.worked = before
        _Told._returned, _Told._worked = now, work
        return found


def install() -> None:
    """Measure in this process. Runs before anything else in it."""
    processor, _, path = os.environ[VARIABLE].partition(":")
    if processor:
        os.sched_setaffinity(0, {int(processor)})
    selectors.DefaultSelector = _Told  # type: ignore[misc]
    from interlock.csms.serve.station_socket import Socket

    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    waiting: dict[Any, tuple[float, float]] = {}
    taken, written = Socket.buffer_updated, Socket.write

    def buffer_updated(self: Socket, nbytes: int) -> None:
        if self._station.startswith(GOOD):
            waiting[self] = _Told.since, _Told.worked
        taken(self, nbytes)

    def write(self: Socket, frame: str) -> None:
        written(self, frame)
        if (since := waiting.pop(self, None)) is not None:
            now = time.monotonic()
            os.write(file, _RECORD.pack(now, now - since[0], time.thread_time() - since[1]))

    Socket.buffer_updated, Socket.write = buffer_updated, write  # type: ignore[method-assign]
