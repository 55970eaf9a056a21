"""A recorded exchange between a tester and a peer, seen from either: frames in order, answers beside their CALLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

_decode = msgspec.json.Decoder().decode

CALL, CALLRESULT, CALLERROR = 2, 3, 4
EDGES = {"station": ("station.sent", "station.received"), "csms": ("station.received", "station.sent")}
"""By who is under test: the edge of its frames, and of the tester's."""


class Observed(Protocol):
    """An observation of a history."""

    i: int
    t: float
    kind: str
    fields: dict[str, Any]


@dataclass(slots=True, eq=False)
class Frame:
    """One frame. `kind` is 0 for what is no message; `payload` of a CALLERROR is its code and description."""

    i: int
    t: float
    ours: bool
    """Whether the tester sent it."""
    kind: int
    id: str
    action: str
    payload: Any
    text: str
    socket: int = 0
    asked: Frame | None = field(default=None, repr=False)
    """The CALL it answers."""
    answers: list[Frame] = field(default_factory=list, repr=False)
    """Of a CALL."""

    @property
    def answer(self) -> Frame | None:
        """The first answer to a CALL."""
        return self.answers[0] if self.answers else None


@dataclass(frozen=True, slots=True)
class Mark:
    """What a tester noted beside the frames: a deed, a state reached, a socket opened."""

    i: int
    t: float
    kind: str
    fields: Mapping[str, Any]


class Exchange:
    """The frames and marks of one station's exchange. `add` takes observations as they come."""

    def __init__(self, under_test: Literal["station", "csms"], station: str | None = None) -> None:
        self.under_test, self.station = under_test, station
        self.theirs, self.ours = EDGES[under_test]
        self.frames: list[Frame] = []
        self.marks: list[Mark] = []
        self.t = 0.0
        """When anything was last observed."""
        self._open: dict[tuple[bool, str], Frame] = {}

    def add(self, seen: Observed) -> None:
        """Add an observation, if it is about this exchange."""
        fields = seen.fields
        self.t = max(self.t, seen.t)
        if self.station is not None and fields.get("station", self.station) != self.station:
            return
        if seen.kind != "frame":
            if seen.kind.startswith(("case.", "socket.")):
                self.marks.append(Mark(seen.i, seen.t, seen.kind, fields))
        elif fields.get("edge") in (self.theirs, self.ours):
            self._frame(seen, fields)

    def _frame(self, seen: Observed, fields: Mapping[str, Any]) -> None:
        ours, text = fields["edge"] == self.ours, str(fields["text"])
        kind, name, action, payload = parse(text)
        frame = Frame(seen.i, seen.t, ours, kind, name, action, payload, text, int(fields.get("socket", 0)))
        self.frames.append(frame)
        if kind == CALL:
            self._open[ours, name] = frame
        elif kind in (CALLRESULT, CALLERROR):
            asked = self._open.get((not ours, name))
            if asked is not None:
                frame.asked, frame.action = asked, asked.action
                asked.answers.append(frame)


def parse(text: str) -> tuple[int, str, str, Any]:
    """Return kind, message id, action and payload of a frame; kind 0 for what is no OCPP-J message."""
    try:
        parts = _decode(text)
    except (ValueError, RecursionError):
        return 0, "", "", None
    match parts:
        case [2, str(name), str(action), dict(payload)]:
            return CALL, name, action, payload
        case [3, str(name), dict(payload)]:
            return CALLRESULT, name, "", payload
        case [4, str(name), str(code), *rest] if len(rest) <= 2:
            return CALLERROR, name, "", {"code": code, "description": rest[0] if rest else ""}
        case _:
            return 0, "", "", None


def exchange(
    observations: Iterable[Observed], under_test: Literal["station", "csms"], station: str | None = None
) -> Exchange:
    """Return the exchange of one station, or of all that there are."""
    found = Exchange(under_test, station)
    for seen in observations:
        found.add(seen)
    return found
