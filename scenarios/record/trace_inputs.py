"""Recordings as people have them, read one message at a time: JSON lines, one JSON array, gzip, logs, tables.

Whatever the form, a message comes out as a `Message`: the frame's text, who sent it, when, at which station. A record
in the Open OCPP Trace format comes out as it is (see `trace.py`). Forms that are read:

- objects: a line each, or in one array, also indented; those with `schemaVersion` are Open OCPP Trace records, others
  need a frame (`raw`, `frame`, `message` ...) and a direction (`direction`, `dir`, `from` ...);
- frames: `[2,"1","Heartbeat",{}]`, a line each or in one array, alone or as `["cp-to-csms", [2,...]]`;
- log lines that end in a frame: those of the `ocpp` package (`INFO:ocpp:CP_1: send [2,...]`, `receive message [3,...]`)
  and others that say sent or received, `->` or `<-`, in or out;
- tables with commas, semicolons or tabs, one column of which holds the frame.

`sent` and `received` depend on who recorded: the first request that only one side makes tells. Bare frames are placed
the same way, answers by the request they answer; of those that nothing places the sender is None.

Errors::

    NotATrace   a file cannot be read as a recording; one sentence says where and why
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from interlock.scenarios.record import frames
from interlock.scenarios.record.actions import FROM_STATION, actions
from interlock.scenarios.record.trace_logs import of_text
from interlock.scenarios.record.trace_words import (
    Message,
    NotATrace,
    Sender,
    frame_text,
    is_frame,
    side,
    time_of_day,
    with_cells,
)
from interlock.scenarios.record.versions import Version

LINE_BYTES = 4 * 1024 * 1024
"""The longest record that is read."""
UNDECIDED = 2000
"""Messages that are held until one shows who recorded."""

BOTH: tuple[Version, ...] = ("1.6", "2.0.1")
"""The versions whose actions have a direction here."""


Item = tuple[int, dict[str, Any]] | Message
"""A record in the Open OCPP Trace format with its line, or a message in any other form."""


def items(path: Path) -> Iterator[Item]:
    """Iterate over what a file holds, or raise `NotATrace`."""
    try:
        with open(path, "rb") as raw, _unzipped(raw) as file:
            yield from _placed(_values(file, path.name), path.name)
    except (OSError, EOFError) as error:
        raise NotATrace(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _unzipped(file: IO[bytes]) -> IO[bytes]:
    """Return a file, through gzip if it is that."""
    head = file.read(2)
    file.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=file)) if head == b"\x1f\x8b" else file


def _lines(file: IO[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Iterate over lines that are not empty, without a byte-order mark."""
    for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), b""), 1):
        if number == 1:
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise NotATrace(f"{name} is UTF-16; write it as UTF-8")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) >= LINE_BYTES and not line.endswith(b"\n"):
            raise NotATrace(f"{name} line {number}: longer than {LINE_BYTES} bytes")
        if line.strip():
            yield number, line


def _values(file: IO[bytes], name: str) -> Iterator[Item]:
    lines = _lines(file, name)
    first = next(lines, None)
    if first is None:
        return
    line = first[1]
    head, value = line.lstrip()[:1], frames.decoded(line)
    rest = _again(first, lines)
    if head == b"{" and isinstance(value, dict):
        yield from (item for n, text in rest for item in _unwrapped(n, _object(text, n, name), name))
    elif head == b"[" and value is not None and is_frame(value):
        yield from (_of_value(n, _array(text, n, name), name) for n, text in rest)
    elif _BEGINS_ARRAY.match(line):
        yield from (_of_value(n, one, name) for n, one in _scanned(rest, name, inside=True))
    elif _BEGINS_OBJECT.match(line):
        yield from (item for n, one in _scanned(rest, name, inside=False) for item in _unwrapped(n, one, name))
    else:
        yield from of_text(rest, name)


def _again(first: tuple[int, bytes], lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from lines


def _object(line: bytes, number: int, name: str) -> dict[str, Any]:
    found = frames.decoded(line)
    if not isinstance(found, dict):
        raise NotATrace(f"{name} line {number}: not a JSON object")
    return found


def _array(line: bytes, number: int, name: str) -> list[Any]:
    found = frames.decoded(line)
    if not isinstance(found, list):
        raise NotATrace(f"{name} line {number}: not a JSON array, as the lines before it")
    return found


# --- JSON over many lines --------------------------------------------------------------------------------------------

_MARK = re.compile(rb'["\\\[\]{}]')


def _scanned(lines: Iterator[tuple[int, bytes]], name: str, *, inside: bool) -> Iterator[tuple[int, Any]]:
    """Iterate over the values of one array (`inside`), or over objects that are written over many lines."""
    depth, quoted, parts, began, size, found = 0, False, list[bytes](), 0, 0, 0
    base = 1 if inside else 0
    for number, line in lines:
        start = at = 0
        while (mark := _MARK.search(line, at)) is not None:
            at, sign = mark.end(), mark[0]
            if quoted:
                if sign == b"\\":
                    at += 1
                quoted = sign != b'"'
            elif sign == b'"':
                quoted = True
            elif sign in b"[{":
                depth += 1
                if depth == base + 1:
                    start, began, parts, size = mark.start(), number, [], 0
            elif sign in b"]}":
                depth -= 1
                if depth == base:
                    text = b"".join(parts) + line[start:at]
                    value = frames.decoded(text)
                    if value is None:
                        raise NotATrace(f"{name} line {began}: not JSON")
                    found += 1
                    yield began, value
                    start = at
        if depth > base:
            parts.append(line[start:])
            size += len(line)
            if size > LINE_BYTES:
                raise NotATrace(f"{name} line {began}: a record longer than {LINE_BYTES} bytes")
    if depth or quoted:
        raise NotATrace(f"{name} line {began or 1}: the JSON that begins here does not end")
    if not found:
        raise NotATrace(f"{name} line 1: not a JSON object, and an array without records or frames")


# --- objects and frames ----------------------------------------------------------------------------------------------

_FRAME_NAMES = ("raw", "frame", "message", "msg", "ocppMessage", "text", "data", "content", "payload")
_SIDE_NAMES = ("direction", "dir", "from", "sender", "source", "side", "origin", "type")
_TIME_NAMES = ("timestamp", "time", "ts", "at", "datetime", "date", "createdAt")
_STATION_NAMES: tuple[str, ...] = (
    "chargePointId",
    "chargepointId",
    "chargePoint",
    "stationId",
    "station",
    "identity",
    "cp",
    "cpId",
)
_STATION_NAMES += ("charge_point_id", "station_id", "chargeBoxId", "chargingStationId", "id")
_LINE_NAMES = ("connectionId", "connection", "connection_id", "socket", "sessionId")
_VERSION_NAMES = ("ocppVersion", "version", "protocol", "subprotocol", "ocpp")


_BEGINS_ARRAY = re.compile(rb'\s*\[\s*(?:[\[{"\]]|[2-6]\s*,|$)')
_BEGINS_OBJECT = re.compile(rb'\s*\{\s*(?:["}]|$)')


def _unwrapped(number: int, value: Any, name: str) -> Iterator[Item]:
    """Iterate over the records of an object: those of a list in it, where it is no record itself."""
    if isinstance(value, dict) and not any(key in value for key in ("schemaVersion", "messageType", *_FRAME_NAMES)):
        inner = next((one for one in value.values() if isinstance(one, list) and one and not is_frame(one)), None)
        if inner is not None:
            yield from (_of_value(number, one, name) for one in inner)
            return
    yield _of_value(number, value, name)


def _of_value(number: int, value: Any, name: str) -> Item:
    where = f"{name} line {number}"
    if isinstance(value, dict):
        if "schemaVersion" in value or "messageType" in value:
            return number, value
        return _of_object(number, value, where)
    if is_frame(value):
        return Message(number, frames.text_of(*value))
    if isinstance(value, list):
        return _of_row(number, value, where)
    raise NotATrace(f"{where}: not a JSON object")


def _of_object(number: int, value: dict[str, Any], where: str) -> Message:
    folded = {key.lower().replace("_", "").replace("-", ""): one for key, one in value.items()}

    def first(names: tuple[str, ...]) -> Any:
        keys = (name.lower().replace("_", "") for name in names)
        return next((folded[key] for key in keys if folded.get(key) is not None), None)

    text = next((one for key in _FRAME_NAMES if (one := frame_text(folded.get(key.lower()))) is not None), None)
    if text is None:
        raise NotATrace(f"{where}: an object without a frame (`raw`, `frame` or `message`) and without schemaVersion")
    found = Message(number, text)
    for key in _SIDE_NAMES:
        if found.sender is None and found.relative is None and isinstance(one := folded.get(key), str):
            found.sender, found.relative = side(one)
    found.at = time_of_day(first(_TIME_NAMES))
    station, connection, version = first(_STATION_NAMES), first(_LINE_NAMES), first(_VERSION_NAMES)
    found.station = str(station) if isinstance(station, str | int) else "?"
    found.connection = str(connection) if isinstance(connection, str | int) else None
    found.version = version if isinstance(version, str) else None
    return found


def _of_row(number: int, value: list[Any], where: str) -> Message:
    """Read a list that holds a frame and what is known of it, in any order."""
    cells = [one for one in value if frame_text(one) is None]
    text = next((found for one in value if (found := frame_text(one)) is not None), None)
    if text is None:
        raise NotATrace(f"{where}: not a JSON object, and no frame either")
    return with_cells(Message(number, text), cells)


# --- who sent --------------------------------------------------------------------------------------------------------


def caller(action: str) -> Sender | None:
    """Return the side that requests an action, None where both do or nobody is known to."""
    if action == "DataTransfer":
        return None
    for version in BOTH:
        if action in FROM_STATION[version]:
            return "station"
        if action in actions(version):
            return "csms"
    return None


def _placed(found: Iterator[Item], name: str) -> Iterator[Item]:
    """Say who sent each message: those that cannot be placed yet wait for one that shows it."""
    held: list[Message] = []
    recorder: Sender | None = None
    asked: dict[tuple[str, str], Sender] = {}
    for item in found:
        if isinstance(item, tuple):
            yield item
            continue
        frame = frames.loose(item.text)
        if item.sender is None and item.relative is not None and recorder is None:
            called = caller(frame.action) if frame is not None else None
            if called is None:
                held.append(item)
                if len(held) >= UNDECIDED:
                    break
                continue
            recorder = called if item.relative == "sent" else _other(called)
            yield from (_seen_by(one, recorder) for one in held)
            held.clear()
        yield _alone(_seen_by(item, recorder), frame, asked)
    if held:
        raise NotATrace(
            f"{name} line {held[0].number}: it says sent or received, and no request shows which side recorded"
        )


def _other(side: Sender) -> Sender:
    return "csms" if side == "station" else "station"


def _seen_by(item: Message, recorder: Sender | None) -> Message:
    if item.sender is None and recorder is not None and item.relative is not None:
        item.sender = recorder if item.relative == "sent" else _other(recorder)
    return item


def _alone(item: Message, frame: frames.Frame | None, asked: dict[tuple[str, str], Sender]) -> Message:
    """Place a bare frame: a request by its action, an answer by its request."""
    if item.sender is None and frame is not None:
        key = item.station, frame.id
        item.sender = caller(frame.action) if frame.kind == frames.CALL else asked.pop(key, None)
        if frame.kind == frames.CALL and item.sender is not None:
            asked[key] = _other(item.sender)
            if len(asked) > UNDECIDED:
                del asked[next(iter(asked))]
    return item
