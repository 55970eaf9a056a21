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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.record.domain_view import EPOCH, Row
from interlock.scenarios.record.history import History

VERSION = "1.1"
TYPES = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR"}
NUMBERS = {name: number for number, name in TYPES.items()}
DIRECTIONS = {"station.sent": "cp-to-csms", "station.received": "csms-to-cp"}
EDGES = {direction: edge for edge, direction in DIRECTIONS.items()}
WORDS = {"transport": ("json", "soap"), "direction": tuple(EDGES), "messageType": tuple(NUMBERS)}
LINE_BYTES = 4 * 1024 * 1024
"""The longest record that is read."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class NotATrace(Exception):
    """A file that cannot be read as a trace: one sentence says where and why."""


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
    try:
        found = _decode(fields["text"])
    except (ValueError, RecursionError):
        return None
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


def read(path: Path) -> Trace:
    """Read a trace, or raise `NotATrace`."""
    trace = Trace()
    began: datetime | None = None
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), b""), 1):
                if line.strip():
                    began = _take(trace, line, f"{path.name} line {number}", began)
    except OSError as error:
        raise NotATrace(f"{path} cannot be read: {error.strerror}") from None
    if not trace.rows:
        raise NotATrace(f"{path} holds no message" + (" that is not SOAP" if trace.skipped else ""))
    return trace


def _take(trace: Trace, line: bytes, where: str, began: datetime | None) -> datetime:
    """Add a record. Return the time of day at second 0."""
    if len(line) >= LINE_BYTES and not line.endswith(b"\n"):
        raise NotATrace(f"{where}: longer than {LINE_BYTES} bytes")
    try:
        record = _decode_object(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotATrace(f"{where}: not a JSON object") from None
    at = _checked(record, where)
    if record["transport"] == "soap":
        trace.skipped += 1
        return began or at
    if isinstance(record.get("ocppVersion"), str):
        trace.ocpp.add(record["ocppVersion"])
    meta = record.get("meta")
    ours = meta.get("interlock") if isinstance(meta, dict) else None
    try:
        _add(trace, record, ours if isinstance(ours, dict) else {}, at, began or at)
    except (LookupError, TypeError, ValueError):
        raise NotATrace(f"{where}: its meta.interlock is not what Interlock writes") from None
    return began or at


def _checked(record: dict[str, Any], where: str) -> datetime:
    """Check what every record must have; return its time."""
    version = record.get("schemaVersion")
    if not isinstance(version, str) or version.split(".")[0] != VERSION.split(".")[0]:
        raise NotATrace(f"{where}: schemaVersion is {str(version)[:40]!r}, and this program reads 1.x")
    for name, allowed in (
        ("transport", ("json", "soap")),
        ("direction", tuple(EDGES)),
        ("messageType", tuple(NUMBERS)),
    ):
        if record.get(name) not in allowed:
            raise NotATrace(f"{where}: {name} is {str(record.get(name))[:40]!r}, not one of {', '.join(allowed)}")
    if record["messageType"] == "CALL" and "raw" not in record and not isinstance(record.get("action"), str):
        raise NotATrace(f"{where}: a CALL without an action")
    try:
        at = datetime.fromisoformat(record["timestamp"])
    except (KeyError, TypeError, ValueError):
        raise NotATrace(f"{where}: timestamp is {str(record.get('timestamp'))[:40]!r}, not an ISO 8601 time") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _add(trace: Trace, record: dict[str, Any], ours: dict[str, Any], at: datetime, began: datetime) -> None:
    rows = trace.rows
    if "run" in ours:
        trace.run = dict(ours["run"])

    def others(name: str) -> None:
        for one in ours.get(name, ()):
            _note(rows, float(one["t"]), str(one["kind"]), dict(one["fields"]))

    others("before")
    fields = {
        "edge": EDGES[record["direction"]],
        "station": str(record.get("chargePointId", "?")),
        "socket": int(ours.get("socket", 0)),
        "node": str(ours.get("node", "csms")),
        "text": record["raw"] if isinstance(record.get("raw"), str) else _text(record),
    }
    _note(rows, float(ours["t"]) if "t" in ours else (at - began).total_seconds(), "frame", fields)
    others("after")


def _note(rows: list[Row], t: float, kind: str, fields: dict[str, Any]) -> None:
    if {"i", "t", "kind"} & fields.keys():
        raise ValueError(kind)
    # Lines are in the order things happened; a clock that was set back does not change that.
    rows.append((max(t, rows[-1][0]) if rows else max(0.0, t), kind, fields))


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
