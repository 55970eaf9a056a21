"""A message of a recording, and the words by which recordings say who sent it and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from interlock.scenarios.record import frames

Sender = Literal["station", "csms"]


class NotATrace(Exception):
    """A file that cannot be read as a trace: one sentence says where and why."""


@dataclass(slots=True)
class Message:
    """One frame of a recording that is not in the Open OCPP Trace format. `number` is its line."""

    number: int
    text: str
    sender: Sender | None = None
    relative: Literal["sent", "received"] | None = None
    at: datetime | None = None
    """When; None where it is not told. Without zone where the recording names none."""
    station: str = "?"
    version: str | None = None
    connection: str | None = None


def is_frame(value: Any) -> bool:
    """Tell whether a decoded value looks like a frame."""
    return isinstance(value, list) and len(value) > 1 and type(value[0]) is int and not isinstance(value[1], int)


def frame_text(value: Any) -> str | None:
    """Return the frame that a value is, decoded or as text; None for anything else."""
    if is_frame(value):
        return frames.text_of(*value)
    if isinstance(value, str) and value.lstrip().startswith("["):
        return value.strip()
    return None


def with_cells(found: Message, cells: list[Any]) -> Message:
    """Take from cells in any order who sent, when and at which station."""
    for cell in cells:
        sender, relative = side(cell) if isinstance(cell, str) else (None, None)
        if sender is not None or relative is not None:
            found.sender, found.relative = found.sender or sender, found.relative or relative
        elif found.at is None and (at := time_of_day(cell)) is not None:
            found.at = at
        elif found.station == "?" and isinstance(cell, str) and cell.strip() and not cell.strip().isdigit():
            found.station = cell.strip()
    return found


_STATION = r"cp|cs|station|chargepoint|chargebox|chargingstation|evse|charger|client|device|up|upstream|uplink"
_CSMS = r"csms|centralsystem|central|server|backend|cpo|down|downstream|downlink"
_FROM_STATION = re.compile(rf"^(from)?({_STATION})((-?>|to|2)+({_CSMS}))?$")
_FROM_CSMS = re.compile(rf"^(from)?({_CSMS})((-?>|to|2)+({_STATION}))?$")
_SENT = re.compile(r"^(send|sent|sending|out|outgoing|outbound|tx|->|-->|=>|>|>>|write|request_out)$")
_RECEIVED = re.compile(r"^(receive|received|receiving|recv|rcvd|in|incoming|inbound|rx|<-|<--|<=|<|<<|read)$")


def side(word: str) -> tuple[Sender | None, Literal["sent", "received"] | None]:
    """Return who sent, or how the recorder saw it, as a word says."""
    plain = re.sub(r"[\s_:]", "", word.lower())
    bare = re.sub(r"(?<=\w)-(?=\w)", "", plain)
    if _FROM_STATION.match(bare):
        return "station", None
    if _FROM_CSMS.match(bare):
        return "csms", None
    if _SENT.match(plain):
        return None, "sent"
    if _RECEIVED.match(plain):
        return None, "received"
    return None, None


def time_of_day(value: Any) -> datetime | None:
    """Return a time of day: ISO 8601, with a comma or point, or seconds or milliseconds of the Unix time."""
    try:
        if isinstance(value, str):
            if re.fullmatch(r"\d{9,13}(\.\d+)?", value):
                return time_of_day(float(value))
            return datetime.fromisoformat(value.strip().strip("[]").replace(",", "."))
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 1e8:
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
