"""A history written as it happens: for runs in wall time, too long to keep in memory. The file is the same."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.history import FILE, line

BUFFER = 1 << 20
MOST_BYTES = 8 << 30

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Recorder:
    """Notes observations in `directory`. `clock` says what second it is. A context manager: leaving closes the file."""

    def __init__(self, clock: Callable[[], float], directory: Path, most: int = MOST_BYTES) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE
        self.count = 0
        """Observations so far."""
        self.size, self._most, self.full = 0, most, False
        """Bytes so far; `full` once there are more than there may be, from when on frames are left out."""
        self._clock = clock
        self._digest = hashlib.sha256()
        self._file = open(self.path, "wb", buffering=BUFFER)  # noqa: SIM115 - closed by __exit__

    def observe(self, kind: str, **fields: Any) -> None:
        """Note that something happened now."""
        text = line(self.count, self._clock(), kind, fields)
        self.size += len(text)
        if self.size > self._most and kind == "frame":
            self.full = True  # what is recorded stays whole: the run is to end
            return
        self.count += 1
        self._digest.update(text)
        self._file.write(text)

    def end(self) -> str:
        """Note that the history is complete, and return its sha256."""
        self.observe("end", count=self.count)
        self._file.flush()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Leave nothing behind of a run that never began."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def observations(path: Path) -> Iterator[Observation]:
    """Iterate over a history file that was just written, one line in memory at a time."""
    with open(path, "rb") as file:
        for text in file:
            fields = _decode(text)
            yield Observation(fields.pop("i"), fields.pop("t"), fields.pop("kind"), fields)
