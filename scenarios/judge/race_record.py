"""A history of the stage "races" as its checks read it: exchanges, orders, and what the parts noted.

What stations say in OCPP 2.0.1 is read in the words of 1.6 (`race_words`); CALLs of the CSMS stay in their own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.scenarios.judge import race_words
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame

NEWER = "ocpp2.0.1"
APART_S = 2.0


@dataclass(slots=True)
class Exchange:
    """A CALL and its answer, of either side."""

    i: int
    t: float
    station: str
    socket: int
    call: Frame
    answer: Frame | None = None
    answer_i: int = -1
    answer_t: float = 0.0
    newer: bool = False
    """Whether it was said in 2.0.1, where a station names its transactions."""

    @property
    def action(self) -> str:
        """What was requested."""
        return self.call.action

    @property
    def result(self) -> Frame | None:
        """The answer where it is no error."""
        return self.answer if self.answer is not None and self.answer.kind == CALLRESULT else None

    @property
    def status(self) -> str | None:
        """The status in the answer, that of the card where it has one."""
        if self.result is None:
            return None
        info = self.result.field("idTagInfo")
        found = info.get("status") if isinstance(info, dict) else self.result.field("status")
        return found if isinstance(found, str) else None

    @property
    def at(self) -> tuple[int, ...]:
        """Where it is in the history."""
        return (self.i, self.answer_i) if self.answer_i >= 0 else (self.i,)


@dataclass(slots=True)
class Record:
    """Everything the checks need of a run."""

    told: list[Exchange] = field(default_factory=list)
    """CALLs of stations in the order in which they were sent."""
    orders: list[Exchange] = field(default_factory=list)
    """CALLs of the CSMS."""
    noted: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    """What the parts noted, by kind."""
    ends: dict[tuple[str, int], float] = field(default_factory=dict)
    """When connections ended."""

    def of(self, *actions: str) -> list[Exchange]:
        """Return the exchanges of these actions that stations began."""
        return [one for one in self.told if one.action in actions]


def read(rows: Iterable[Observation]) -> Record:
    """Read a history."""
    record, newer = Record(), set[tuple[str, int]]()
    waiting: dict[tuple[str, int, str, bool], deque[Exchange]] = defaultdict(deque)
    for row in rows:
        if row.kind != "frame":
            record.noted[row.kind].append(row)
            if row.kind == "socket.opened" and row.fields.get("subprotocol") == NEWER:
                newer.add((row["station"], row["socket"]))
            if row.kind == "socket.closed":
                record.ends[row["station"], row["socket"]] = row.t
            continue
        fields: dict[str, Any] = row.fields
        frame, up = row.frame(), fields["edge"] == "station.sent"
        if frame is None or not frame.strict:
            continue
        place = fields["station"], fields["socket"], frame.id
        translated = (fields["station"], fields["socket"]) in newer
        if frame.kind == CALL:
            said = race_words.called(frame) if translated and up else frame
            one = Exchange(row.i, row.t, fields["station"], fields["socket"], said, newer=translated)
            (record.told if up else record.orders).append(one)
            waiting[(*place, up)].append(one)
        elif frame.is_answer and waiting[(*place, not up)]:
            one = waiting[(*place, not up)].popleft()
            answer = race_words.answered(frame, one.call) if translated and not up else frame
            one.answer, one.answer_i, one.answer_t = answer, row.i, row.t
    return record


def same_time(one: Any, other: Any) -> bool:
    """Whether two times are less than two seconds apart, or one of them is none or does not say its zone."""
    try:
        apart = datetime.fromisoformat(str(one)) - datetime.fromisoformat(str(other))
    except (ValueError, TypeError):
        return True
    return abs(apart.total_seconds()) < APART_S
