"""Lines of logs and tables that end in, or hold, an OCPP-J frame."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from interlock.scenarios.record import frames
from interlock.scenarios.record.trace_words import Message, NotATrace, side, time_of_day, with_cells

_LOGGED = re.compile(r"^(?P<head>.*?)(?P<frame>\[\s*[2-6]\s*,\s*\".*\])\s*[\"']?\s*$")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_NAMED = re.compile(r"([^\s:\[\]]+):\s+(?:send|receive message)\s*$")
_KEYED = re.compile(
    r"(?:chargeBoxId|chargePointId|chargepoint|stationId|station|identity|cp)\s*[=:]\s*([\w.*-]+)", re.I
)
_SESSION = re.compile(r"(?:sessionId|connectionId|session|connection)\s*[=:]\s*([\w.*-]+)", re.I)
_ARROW = re.compile(r"([\w.*-]*[\w.*])\s*(-->|->|=>|\u2192|<--|<-|<=|\u2190)\s*([\w.*-]+)")
_WORD = re.compile(r"-->|<--|->|<-|=>|<=|>>|<<|[A-Za-z]+(?:(?:-to-|->|_to_)[A-Za-z]+)?")
_VAGUE = ("in", "out", "up", "down", "read", "write", ">", "<")
"""Words that say who sent only right before the frame."""


def of_text(lines: Iterator[tuple[int, bytes]], name: str) -> Iterator[Message]:
    """Iterate over the messages in lines of text, or raise `NotATrace` where there is none."""
    first = found = 0
    for number, raw in lines:
        first = first or number
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if '""' in line and (cells := _cells(line)) is not None:
            found += 1
            yield with_cells(Message(number, cells[0]), [*cells[1]])
            continue
        match = _LOGGED.match(line)
        if match is None:
            continue  # a log says other things too
        found += 1
        yield _of_log(number, match["head"], match["frame"])
    if not found:
        raise NotATrace(f"{name} line {first}: not a JSON object, and no line of it ends in an OCPP-J frame")


def _cells(line: str) -> tuple[str, list[str]] | None:
    """Return the frame and the other cells of a line of a table."""
    for delimiter in ",;\t|":
        row = next(csv.reader([line], delimiter=delimiter), [])
        text = next((one for one in row if frames.loose(one) is not None), None)
        if text is not None and len(row) > 1:
            return text, [one for one in row if one is not text]
    return None


def _of_log(number: int, head: str, text: str) -> Message:
    found = Message(number, text)
    stamp = _STAMP.search(head)
    if stamp is not None:
        found.at = time_of_day(stamp[0].replace(",", "."))
        head = head[: stamp.start()] + " " + head[stamp.end() :]
    cells = [one.strip() for one in re.split(r"[,;\t|]", head) if one.strip()]
    if len(cells) > 1 and any(side(one) != (None, None) for one in cells):
        return with_cells(found, cells)
    named = _NAMED.search(head) or _KEYED.search(head)
    found.station = named[1] if named is not None else "?"
    session = _SESSION.search(head)
    found.connection = session[1] if session is not None else None
    if not _by_arrow(found, head):
        _by_words(found, _WORD.findall(head))
    return found


def _by_arrow(found: Message, head: str) -> bool:
    """Read `CP01 -> CSMS` and the like; tell whether there was one."""
    for arrow in _ARROW.finditer(head):
        sender, receiver = (arrow[1], arrow[3]) if arrow[2].endswith((">", "\u2192")) else (arrow[3], arrow[1])
        if side(sender)[0] == "csms" or side(receiver)[0] == "csms":
            found.sender = "csms" if side(sender)[0] == "csms" else "station"
            other = receiver if found.sender == "csms" else sender
            found.station = other if found.station == "?" else found.station
            return True
    return False


def _by_words(found: Message, words: list[str]) -> None:
    """Take what says sent or received, else what names a side; the word nearest to the frame counts."""
    for last, word in enumerate(reversed(words)):
        if last and word.lower() in _VAGUE:
            continue
        if (relative := side(word)[1]) is not None:
            found.relative = relative
            return
    for word in reversed(words):
        if (sender := side(word)[0]) is not None and word.lower() not in _VAGUE:
            found.sender = sender
            return
    if words and (sender := side(words[-1])[0]) is not None:
        found.sender = sender
