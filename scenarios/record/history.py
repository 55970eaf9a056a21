"""What happened in a run: observations in the order they were made, kept in memory and as JSON lines.

A history is recorded first and judged later, so it has two sides. `observe` adds an observation and does nothing else.
The rest reads: observations by kind, and in domain terms (see `domain_view`). Such a view is computed at its first use
and kept until more is observed.

Fields must be what JSON can hold (text, numbers, booleans, None, lists, dicts) and must not change once observed:
they are written out at the end. The names `i`, `t` and `kind` belong to the history.

Errors::

    HistoryDamaged   a run directory cannot be read back as it was written
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.record.domain_view import (
    EPOCH,
    OUTCOMES,
    STEPS,
    Command,
    LogEvent,
    Observation,
    Readings,
    Request,
    Row,
    Session,
    StationTransaction,
    index,
    seconds,
    station_of,
)

__all__ = [
    "EPOCH",
    "OUTCOMES",
    "STEPS",
    "Command",
    "History",
    "HistoryDamaged",
    "LogEvent",
    "Observation",
    "Request",
    "Session",
    "StationTransaction",
    "canonical",
    "index",
    "seconds",
    "station_of",
]

SCHEMA = 1
"""The version of `run.json` this module reads."""
FILE = "history.jsonl"
RUN_FILE = "run.json"

_RESERVED = frozenset(("i", "t", "kind"))
_CHUNK = 4096
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


LINE_BYTES = 8 * 1024 * 1024
"""The longest line that is read; what is longer is damaged, as it has no end there."""
RUN_BYTES = 64 * 1024 * 1024


class HistoryDamaged(Exception):
    """A run directory cannot be read back as it was written; the message says where and what, in one sentence."""


def line(i: int, t: float, kind: str, fields: Mapping[str, Any]) -> bytes:
    """Return one observation as its line of the file."""
    if not _RESERVED.isdisjoint(fields):
        raise ValueError(f"observation {i} ({kind}) uses a name that belongs to the history: {sorted(fields)}")
    head = f'{{"i":{i},"t":{float(round(t, 6))!r},"kind":"{kind}"'.encode()
    return head + (b"," + _encode(fields)[1:] if fields else b"}") + b"\n"


def canonical(value: Any) -> bytes:
    """Return `value` as JSON bytes that are equal for equal content."""
    return _encode(value)


class History(Readings):
    """The observations of one run. `clock` says what second it is.

    `run` is what `run.json` holds, or will: set it before judging, its rules are what the run is judged by.
    """

    def __init__(self, clock: Callable[[], float], run: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.run = run or {}
        self._clock = clock
        self._note = self._rows.append

    def observe(self, kind: str, **fields: Any) -> None:
        """Note that something happened now."""
        if self._read:
            self.forget()
        self._note((self._clock(), kind, fields))

    def noted(self, kind: str) -> Iterator[dict[str, Any]]:
        """Look through what was noted so far, while it goes on: `of` is for a history that is over."""
        return (fields for _, name, fields in self._rows if name == kind)

    def __len__(self) -> int:
        return len(self._rows)

    # --- on disk ---

    def end(self) -> None:
        """Note that the history is complete. Does nothing the second time."""
        if not self._rows or self._rows[-1][1] != "end":
            self.observe("end", count=len(self._rows))

    def finished(self) -> History:
        """Return the complete history by itself: it knows nothing of who noted it, and they add nothing to it."""
        self.end()
        history = History(partial(float, self._rows[-1][0]), self.run)
        history._rows += self._rows
        return history

    def lines(self) -> Iterator[bytes]:
        """Iterate over the lines of the file: equal bytes for equal content, whatever order fields came in."""
        for i, (t, kind, fields) in enumerate(self._rows):
            yield line(i, t, kind, fields)

    def sha256(self) -> str:
        """Return the digest of the file without writing it."""
        self.end()
        digest = hashlib.sha256()
        for line in self.lines():
            digest.update(line)
        return digest.hexdigest()

    def write(self, path: Path | str) -> str:
        """Write the complete history to a file and return its sha256."""
        self.end()
        digest = hashlib.sha256()
        chunk: list[bytes] = []
        with open(path, "wb") as file:
            for line in self.lines():
                chunk.append(line)
                if len(chunk) == _CHUNK:
                    _flush(chunk, file.write, digest.update)
            _flush(chunk, file.write, digest.update)
        return digest.hexdigest()

    @classmethod
    def read(cls, run_dir: Path | str) -> History:
        """Read a run directory back, or raise `HistoryDamaged`."""
        return cls.load(Path(run_dir) / FILE, run_of(run_dir))

    @classmethod
    def load(cls, path: Path | str, run: Mapping[str, Any] | None = None) -> History:
        """Read a history file back, or raise `HistoryDamaged`. With `run`, its digest and length must agree too."""
        history = cls(lambda: history._rows[-1][0] if history._rows else 0.0, run)
        history._rows += stream(path, run)
        return history

    def rows(self) -> Sequence[Row]:
        """Return the observations as they were noted."""
        return self._rows

    def as_json(self) -> list[dict[str, Any]]:
        """Return the observations as the file has them, one dict for each line."""
        return [{"i": i, "t": round(t, 6), "kind": kind, **fields} for i, (t, kind, fields) in enumerate(self._rows)]

    # --- what it was to keep to ---

    @property
    def run(self) -> Mapping[str, Any]:
        """What `run.json` holds, or will."""
        return self._run

    @run.setter
    def run(self, run: Mapping[str, Any]) -> None:
        self._run = run
        self.rules: Mapping[str, Any] = run.get("rules", {})
        """The limits and bounds the run was to keep."""
        self.complete = bool(self.rules.get("recorded", "all") == "all")
        """Whether single frames and stored events were recorded, not only facts."""

    def station_rules(self, station: str) -> Mapping[str, Any]:
        """Return what is fixed for one station, such as `connectors` and `slots`."""
        found: Mapping[str, Any] = self.rules.get("stations", {}).get(station, {})
        return found

    def told(self, records: str) -> bool:
        """Whether the CSMS tells its `records`: one of somebody else's may not show them all."""
        found = self.rules.get("told")
        return found is None or records in found


def _flush(chunk: list[bytes], *takers: Callable[[bytes], Any]) -> None:
    text = b"".join(chunk)
    for take in takers:
        take(text)
    chunk.clear()


# --- reading back ----------------------------------------------------------------------------------------------------


def run_of(run_dir: Path | str) -> dict[str, Any]:
    """Return what was run, from a run directory, or raise `HistoryDamaged`."""
    try:
        with open(Path(run_dir) / RUN_FILE, "rb") as file:
            run = _decode_object(file.read(RUN_BYTES))
    except OSError as error:
        raise HistoryDamaged(f"{RUN_FILE} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, RecursionError):
        raise HistoryDamaged(f"{RUN_FILE} is not a JSON object") from None
    if run.get("schema", SCHEMA) != SCHEMA:
        raise HistoryDamaged(f"{RUN_FILE} has schema {run['schema']!r}, this program reads {SCHEMA}")
    if not isinstance(run.get("rules", {}), dict):
        raise HistoryDamaged(f"{RUN_FILE} has rules that are not an object")
    return run


def stream(path: Path | str, run: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """Iterate over the observations of a history file, of which one is kept at a time.

    Raises `HistoryDamaged`; that the digest, the length and the end are not right shows behind the last.
    """
    name = Path(path).name
    digest, number, before = hashlib.sha256(), 0, None
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), b""), 1):
                digest.update(line)
                before = _row(line, number, before, name)
                yield before
    except OSError as error:
        raise HistoryDamaged(f"{name} cannot be read: {error.strerror}") from None
    _check_end(before, number, name)
    if run is not None:
        _check_against(run, digest.hexdigest(), number, name)


def _row(line: bytes, number: int, before: Row | None, name: str) -> Row:
    where = f"{name} line {number}"
    if not line.endswith(b"\n"):
        raise HistoryDamaged(f"{where}: the file ends in the middle of the line")
    try:
        fields = _decode_object(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise HistoryDamaged(f"{where}: not a JSON object ({error})") from None
    i, t, kind = fields.pop("i", None), fields.pop("t", None), fields.pop("kind", None)
    if type(i) is not int or type(t) not in (float, int) or type(kind) is not str:
        raise HistoryDamaged(f"{where}: an observation needs i, t and kind")
    if i != number - 1:
        raise HistoryDamaged(f"{where}: observation {i} stands where {number - 1} belongs: lines are missing or moved")
    if before is not None and t < before[0]:
        raise HistoryDamaged(f"{where}: time runs backwards, from {before[0]} to {t} s")
    if before is not None and before[1] == "end":
        raise HistoryDamaged(f"{where}: there is something after the end")
    return t, kind, fields


def _check_end(last: Row | None, count: int, name: str) -> None:
    if last is None:
        raise HistoryDamaged(f"{name} is empty")
    _, kind, fields = last
    if kind != "end":
        raise HistoryDamaged(f"{name} line {count}: the end is missing, the run was cut short or lines were lost")
    if fields.get("count") != count - 1:
        raise HistoryDamaged(
            f"{name} line {count}: the end counts {fields.get('count')} observations, there are {count - 1}"
        )


def _check_against(run: Mapping[str, Any], digest: str, length: int, name: str) -> None:
    if run.get("observations", length) != length:
        raise HistoryDamaged(f"{name} has {length} observations, {RUN_FILE} says {run['observations']}")
    if run.get("history_sha256", digest) != digest:
        raise HistoryDamaged(f"{name} was changed after it was written: its sha256 is not the one in {RUN_FILE}")
