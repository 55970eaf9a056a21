"""Histories in the Open OCPP Trace format, version 1.1: JSON lines that other OCPP tools write and read.

A line is a record of one message: `schemaVersion` ("1.1"), `timestamp` (ISO 8601), `ocppVersion`, `transport` ("json"
or "soap"), `chargePointId`, `connectorId`, `direction` ("cp-to-csms" or "csms-to-cp"), `messageType` ("CALL",
"CALLRESULT" or "CALLERROR"), `messageId`, `action`, `payload`, `raw` (the frame as it was; where it is there, it is
what counts), `error` (`code`, `description`, `details`; with a CALLERROR, and only there) and `meta`. Required are
schemaVersion, timestamp, transport, direction and messageType, and action with a CALL. A reader ignores what it does
not know; what a writer adds belongs into `meta`. Specification: https://github.com/open-ocpp-trace/specification.

The format has no place for what is no message, so `meta.interlock` of a record we write holds the rest: `socket` and
`t` of the frame, under `before` the observations since the last record (what the hardware did, connections, frames
that are no messages), under `after` those behind the last one, and under `run`, in the first, what run.json says. A
trace we wrote reads back as the history it was.

Errors::

    NotATrace   a file cannot be read as a trace; one sentence says where and why
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.record import frames
from interlock.scenarios.record.domain_view import EPOCH, Row
from interlock.scenarios.record.history import History
from interlock.scenarios.record.trace_inputs import Item, items
from interlock.scenarios.record.trace_words import Message, NotATrace

VERSION = "1.1"
TYPES = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR"}
NUMBERS = {name: number for number, name in TYPES.items()}
DIRECTIONS = {"station.sent": "cp-to-csms", "station.received": "csms-to-cp"}
EDGES = {direction: edge for edge, direction in DIRECTIONS.items()}

_encode = msgspec.json.Encoder().encode
__all__ = ["DIRECTIONS", "NotATrace", "Stream", "Trace", "read", "records", "write"]


@dataclass(slots=True)
class Trace:
    """What a file told. `run` is what run.json held, if we wrote it."""

    rows: list[Row] = field(default_factory=list)
    run: dict[str, Any] | None = None
    ocpp: set[str] = field(default_factory=set)
    """OCPP versions its records name."""
    skipped: int = 0
    """Records of SOAP, which have no frames."""

    def history(self) -> History:
        """Return it as a history."""
        t = 0.0
        history = History(lambda: t, self.run)
        for at, kind, fields in self.rows:
            t = at
            history.observe(kind, **fields)
        history.end()
        return history


# --- writing ---------------------------------------------------------------------------------------------------------


def write(rows: Iterable[Row], path: Path, *, began: datetime = EPOCH, run: Mapping[str, Any] | None = None) -> int:
    """Write observations as a trace and return how many records it has. `began` is the time of day at second 0."""
    count = 0
    with open(path, "wb") as file:
        for record in records(rows, began=began, run=run):
            file.write(_encode(record) + b"\n")
            count += 1
    return count


def records(
    rows: Iterable[Row], *, began: datetime = EPOCH, run: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Iterate over the records of a history."""
    asked: dict[tuple[str, str, str], str] = {}
    held: list[dict[str, Any]] = []
    waiting: dict[str, Any] | None = None
    for t, kind, fields in rows:
        if kind == "end":
            continue
        message = _message(fields) if kind == "frame" and fields.get("edge") in DIRECTIONS else None
        if message is None:
            held.append({"t": round(t, 6), "kind": kind, "fields": fields})
            continue
        if waiting is not None:
            yield waiting
        ours: dict[str, Any] = {"t": round(t, 6), "socket": fields["socket"], "node": fields["node"]}
        if held:
            ours["before"], held = held, []
        if run is not None:
            ours["run"], run = dict(run), None
        waiting = _record(fields, message, asked)
        waiting["timestamp"] = _iso(began + timedelta(seconds=t))
        waiting["meta"] = {"interlock": ours}
    if waiting is not None:
        if held:
            waiting["meta"]["interlock"]["after"] = held
        yield waiting


def _message(fields: Mapping[str, Any]) -> list[Any] | None:
    """Return the message of a frame, if a record can hold it."""
    found = frames.decoded(fields["text"])
    if not isinstance(found, list) or len(found) < 3 or not isinstance(found[1], str):
        return None
    if found[0] == 2 and len(found) == 4 and isinstance(found[2], str):
        return found
    return found if found[0] in (3, 4) else None


def _record(fields: Mapping[str, Any], message: list[Any], asked: dict[tuple[str, str, str], str]) -> dict[str, Any]:
    direction, station, message_id = DIRECTIONS[fields["edge"]], fields["station"], message[1]
    record: dict[str, Any] = {
        "schemaVersion": VERSION,
        "timestamp": "",
        "ocppVersion": "1.6",
        "transport": "json",
        "chargePointId": station,
        "direction": direction,
        "messageType": TYPES[message[0]],
        "messageId": message_id,
    }
    if message[0] == 2:
        record["action"], record["payload"] = message[2], message[3]
        asked[direction, station, message_id] = message[2]
        connector = message[3].get("connectorId") if isinstance(message[3], dict) else None
        if type(connector) is int and connector >= 0:
            record["connectorId"] = connector
    else:
        other = next(one for one in EDGES if one != direction)
        action = asked.pop((other, station, message_id), None)
        if action is not None:
            record["action"] = action
        if message[0] == 3:
            record["payload"] = message[2]
        else:
            record["error"] = _error(message)
    record["raw"] = fields["text"]
    return record


def _error(message: list[Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": str(message[2])}
    if len(message) > 3:
        error["description"] = str(message[3])
    if len(message) > 4:
        error["details"] = message[4]
    return error


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- reading ---------------------------------------------------------------------------------------------------------


class Stream:
    """A recording that is read as it is iterated over; what it tells besides is complete when that is over.

    Records of other tools may stand out of order by `TOLERANCE_S`; their rows say in `wall` the Unix time, None where
    no zone is known, and in `ocpp` the version they name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run: dict[str, Any] | None = None
        """What run.json held, if we wrote it."""
        self.ocpp: set[str] = set()
        """OCPP versions its records name."""
        self.skipped = 0
        """Records of SOAP, which have no frames."""
        self.unplaced = 0
        """Messages of which nothing says who sent them; they are left out."""
        self._began: datetime | None = None
        self._last = 0.0
        self._lines: dict[tuple[str, str], int] = {}

    def __iter__(self) -> Iterator[Row]:
        for item in _ordered(self._dated(items(self.path))):
            yield from self._rows(item)

    def nothing(self) -> NotATrace:
        """Return the error that says why no message was read."""
        if self.unplaced:
            return NotATrace(f"{self.path}: nothing says which side sent any of its {self.unplaced} messages")
        return NotATrace(f"{self.path} holds no message" + (" that is not SOAP" if self.skipped else ""))

    def _dated(self, found: Iterable[Item]) -> Iterator[_Dated]:
        for item in found:
            if isinstance(item, Message) and item.sender is None:
                self.unplaced += 1
            elif isinstance(item, Message):
                yield _Dated(item.at, item.at is not None and item.at.tzinfo is not None, item)
            if isinstance(item, Message):
                continue
            number, record = item
            where = f"{self.path.name} line {number}"
            at, zoned = _checked(record, where)
            if record["transport"] == "soap":
                self.skipped += 1
                self._began = self._began or at
                continue
            if isinstance(record.get("ocppVersion"), str):
                self.ocpp.add(record["ocppVersion"])
            yield _Dated(at, zoned, item)

    def _rows(self, dated: _Dated) -> Iterator[Row]:
        at, item = dated.aware(), dated.item
        began = self._began = self._began or at
        t = (at - began).total_seconds() if at is not None and began is not None else 0.0
        if isinstance(item, Message):
            yield self._note(t, "frame", self._message(item, dated))
            return
        number, record = item
        meta = record.get("meta")
        ours = meta.get("interlock") if isinstance(meta, dict) else None
        try:
            yield from self._record(record, ours if isinstance(ours, dict) else {}, t, dated)
        except (LookupError, TypeError, ValueError):
            raise NotATrace(
                f"{self.path.name} line {number}: its meta.interlock is not what Interlock writes"
            ) from None

    def _message(self, item: Message, dated: _Dated) -> dict[str, Any]:
        fields = {
            "edge": "station.sent" if item.sender == "station" else "station.received",
            "station": item.station,
            "socket": self._socket(item.station, item.connection),
            "node": "csms",
            "text": item.text,
            "wall": dated.wall,
        }
        if item.version is not None:
            self.ocpp.add(item.version)
            fields["ocpp"] = item.version
        if item.at is None:
            fields["timed"] = False
        return fields

    def _socket(self, station: str, connection: str | None) -> int:
        """Number the connections that a recording names; 0 stands for one that is not known."""
        if connection is None:
            return 0
        return self._lines.setdefault((station, connection), len(self._lines) + 1)

    def _record(self, record: dict[str, Any], ours: dict[str, Any], t: float, dated: _Dated) -> Iterator[Row]:
        if "run" in ours:
            self.run = dict(ours["run"])
        for one in ours.get("before", ()):
            yield self._note(float(one["t"]), str(one["kind"]), dict(one["fields"]))
        meta = record.get("meta")
        named = meta.get("connectionId") if isinstance(meta, dict) else None
        station = str(record.get("chargePointId", "?"))
        fields = {
            "edge": EDGES[record["direction"]],
            "station": station,
            "socket": int(ours["socket"]) if "socket" in ours else self._socket(station, named and str(named)),
            "node": str(ours.get("node", "csms")),
            "text": record["raw"] if isinstance(record.get("raw"), str) else _text(record),
        }
        if not ours:
            fields["wall"] = dated.wall
            if isinstance(record.get("ocppVersion"), str):
                fields["ocpp"] = record["ocppVersion"]
        yield self._note(float(ours["t"]) if "t" in ours else t, "frame", fields)
        for one in ours.get("after", ()):
            yield self._note(float(one["t"]), str(one["kind"]), dict(one["fields"]))

    def _note(self, t: float, kind: str, fields: dict[str, Any]) -> Row:
        if {"i", "t", "kind"} & fields.keys():
            raise ValueError(kind)
        # Lines are in the order things happened; a clock that was set back does not change that.
        self._last = max(t, self._last)
        return self._last, kind, fields


def read(path: Path) -> Trace:
    """Read a whole trace into memory, or raise `NotATrace`."""
    stream = Stream(path)
    rows = list(stream)
    if not rows:
        raise stream.nothing()
    return Trace(rows, stream.run, stream.ocpp, stream.skipped)


@dataclass(slots=True)
class _Dated:
    """A record and its time of day; `zoned` tells whether the record names the zone."""

    at: datetime | None
    zoned: bool
    item: Item

    def aware(self) -> datetime | None:
        """Return the time, in UTC where no zone is named."""
        if self.at is None or self.at.tzinfo is not None:
            return self.at
        return self.at.replace(tzinfo=UTC)

    @property
    def wall(self) -> float | None:
        """The Unix time, None where no zone is named."""
        return self.at.timestamp() if self.at is not None and self.zoned else None

    def names(self) -> tuple[str, str, bool] | None:
        """Return the station, the message id, and whether it is an answer; None for what is no message."""
        if isinstance(self.item, Message):
            frame, station = frames.loose(self.item.text), self.item.station
        else:
            record = self.item[1]
            text = record["raw"] if isinstance(record.get("raw"), str) else _text(record)
            frame, station = frames.loose(text), str(record.get("chargePointId", "?"))
        return (station, frame.id, frame.is_answer) if frame is not None else None


TOLERANCE_S = 2.0
"""How far out of order records may stand."""
HELD = 256
"""Records that are looked at at once to put them in order."""


def _ordered(found: Iterable[_Dated]) -> Iterator[_Dated]:
    """Put records in the order of their times, where they differ by no more than `TOLERANCE_S`.

    An answer never goes before its request: where it would, the clocks of two writers differ and the lines count. What
    Interlock wrote is in order.
    """
    heap: list[tuple[float, int, _Dated]] = []
    asked: dict[tuple[str, str], float] = {}
    latest = -math.inf
    for number, one in enumerate(found):
        at = one.aware()
        ours = isinstance(one.item, tuple) and isinstance(one.item[1].get("meta"), dict)
        if at is None or (ours and "interlock" in one.item[1]["meta"]):  # type: ignore[index]
            while heap:
                yield heapq.heappop(heap)[2]
            yield one
            continue
        t, names = at.timestamp(), one.names()
        if t < latest - TOLERANCE_S:
            t = latest  # a clock that was set back
        if names is not None:
            station, message_id, is_answer = names
            if is_answer:
                t = max(t, asked.pop((station, message_id), t))
            else:
                asked[station, message_id] = t
                if len(asked) > HELD:
                    del asked[next(iter(asked))]
        latest = max(latest, t)
        heapq.heappush(heap, (t, number, one))
        while heap and (heap[0][0] < latest - TOLERANCE_S or len(heap) > HELD):
            yield heapq.heappop(heap)[2]
    while heap:
        yield heapq.heappop(heap)[2]


def _checked(record: dict[str, Any], where: str) -> tuple[datetime, bool]:
    """Check what every record must have; return its time, and whether it has a zone."""
    version = record.get("schemaVersion")
    if not isinstance(version, str) or version.split(".")[0] != VERSION.split(".")[0]:
        raise NotATrace(f"{where}: schemaVersion is {str(version)[:40]!r}, and this program reads 1.x")
    said = isinstance(record.get("raw"), str) and record.get("messageType") not in NUMBERS  # the frame says it itself
    for name, allowed in (
        ("transport", ("json", "soap")),
        ("direction", tuple(EDGES)),
        ("messageType", tuple(NUMBERS)),
    ):
        if record.get(name) not in allowed and not (said and name == "messageType"):
            raise NotATrace(f"{where}: {name} is {str(record.get(name))[:40]!r}, not one of {', '.join(allowed)}")
    if record.get("messageType") == "CALL" and "raw" not in record and not isinstance(record.get("action"), str):
        raise NotATrace(f"{where}: a CALL without an action")
    try:
        at = datetime.fromisoformat(record["timestamp"])
    except (KeyError, TypeError, ValueError):
        raise NotATrace(f"{where}: timestamp is {str(record.get('timestamp'))[:40]!r}, not an ISO 8601 time") from None
    return at, at.tzinfo is not None


def _text(record: dict[str, Any]) -> str:
    """Return the frame a record without `raw` stands for."""
    number, message_id = NUMBERS[record["messageType"]], str(record.get("messageId", ""))
    if number == 2:
        message = [2, message_id, record["action"], record.get("payload", {})]
    elif number == 3:
        message = [3, message_id, record.get("payload", {})]
    else:
        error = record.get("error")
        error = error if isinstance(error, dict) else {}
        message = [4, message_id, error.get("code", ""), error.get("description", ""), error.get("details", {})]
    return _encode(message).decode()
