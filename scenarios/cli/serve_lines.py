"""Lines that a server prints: written by a thread, because whoever reads them may stop reading.

A full pipe, or a terminal that is held, blocks the writer. In the event loop that would stop the whole node.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import threading
from typing import TextIO

WAITING = 1000
"""Lines that wait to be written; more are counted, and dropped."""
LAST_S = 2.0
"""How long the end waits for what was said last."""


class Lines:
    """Lines for one stream, in order. `say` never blocks and never raises."""

    def __init__(self, stream: TextIO) -> None:
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        self._dropped = 0
        try:
            # Its own buffer has a lock, which the interpreter needs to end.
            self._file: int | None = stream.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self._file = None
        self._stream = stream
        self._thread = threading.Thread(target=self._write_all, name="lines", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Print a line soon."""
        try:
            self._note_dropped(0.0)
            self._waiting.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def end(self) -> None:
        """Print what is waiting, as far as somebody reads it soon."""
        with contextlib.suppress(queue.Full):
            self._note_dropped(LAST_S)
            self._waiting.put(None, timeout=LAST_S)
            self._thread.join(LAST_S)

    def _note_dropped(self, within_s: float) -> None:
        if self._dropped:
            note = f"({self._dropped} lines were not printed: nobody read them)"
            self._waiting.put(note, block=within_s > 0, timeout=within_s)
            self._dropped = 0

    def _write_all(self) -> None:
        while (line := self._waiting.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # whoever read it is gone, or the disk is full; it goes on
                self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        if self._file is None:
            self._stream.write(text)
            return
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._file, data) :]
