"""TransactionEvents of OCPP 2.0.1 and 2.1: their order and their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.scenarios.judge.wire_check import Check, Heard, Recent, shown
from interlock.scenarios.record.frames import CALL

NEWER = ("2.0.1", "2.1")
NUMBERS = 10_000
"""Numbers of one transaction that are kept to see what is missing."""


@dataclass(slots=True)
class _Told:
    seen: dict[int, tuple[str, int]] = field(default_factory=dict)
    """What was told under each number, and where."""
    started: int | None = None
    ended: tuple[int, int] | None = None
    """The number of Ended, and where it is."""
    first: bool = False
    """Whether Started was the first that was seen of it."""


def _event(heard: Heard) -> tuple[str, int, str] | None:
    """Return transactionId, seqNo and eventType of a TransactionEvent."""
    frame = heard.frame
    if frame is None or frame.kind != CALL or frame.action != "TransactionEvent":
        return None
    info, number, kind = frame.field("transactionInfo"), frame.field("seqNo"), frame.field("eventType")
    if not isinstance(info, dict) or type(number) is not int or not isinstance(kind, str):
        return None
    return str(info.get("transactionId")), number, kind


class SequenceNumbers(Check):
    """The seqNo of a transaction's events begins anew with each transaction and leaves none out and none twice.

    An event that is sent again keeps its number and its words. What is missing is counted when the transaction ended.
    """

    id, name, about, absent = "S20", "seqNo has no gaps", "station", "no TransactionEvent was sent"
    clause = "OCPP 2.0.1 part 2, E01 and 1.60 TransactionEventRequest"
    dialect = NEWER

    def __init__(self) -> None:
        super().__init__()
        self._told: Recent[_Told] = Recent(10_000)

    def said(self, heard: Heard) -> None:
        """Compare its number with those before."""
        event = _event(heard)
        if event is None or heard.frame is None:
            return
        name, number, kind = event
        one = self._told.get((heard.station, name))
        if one is None:
            one = _Told()
            self._told.put((heard.station, name), one)
        self.checked += 1
        words = f"{kind} {heard.frame.field('timestamp')} {heard.frame.field('triggerReason')}"
        before = one.seen.get(number)
        if before is not None and before[0] != words:
            what = f"seqNo {number} of transaction {shown(name, 40)} stands for two events"
            self.violated(what, "a number for each", words, heard.station, before[1], heard.i)
        elif len(one.seen) < NUMBERS:
            one.seen.setdefault(number, (words, heard.i))
        if kind == "Ended" and before is None:
            missing = [n for n in range(min(one.seen), number) if n not in one.seen] if len(one.seen) < NUMBERS else []
            if missing:
                what = f"transaction {shown(name, 40)} ended and events are missing"
                found = f"no seqNo {', '.join(map(str, missing[:5]))}"
                self.violated(what, "every number up to its end", found, heard.station, heard.i)


class EventOrder(Check):
    """A transaction is Started once and first, and nothing is told of it with a higher number once it Ended."""

    id, name, about, absent = "S21", "events are in order", "station", "no TransactionEvent was sent"
    clause = "OCPP 2.0.1 part 2, E01 to E07"
    dialect = NEWER

    def __init__(self) -> None:
        super().__init__()
        self._told: Recent[_Told] = Recent()

    def said(self, heard: Heard) -> None:
        """Compare it with those before."""
        event = _event(heard)
        if event is None:
            return
        name, number, kind = event
        key = heard.station, name
        one = self._told.get(key)
        if one is None:
            one = _Told(first=kind == "Started")
            self._told.put(key, one)
        self.checked += 1
        whose = f"transaction {shown(name, 40)}"
        if kind == "Started":
            if one.started is not None and one.started != number:
                self.violated(f"{whose} started twice", "one Started", f"seqNo {number}", heard.station, heard.i)
            elif any(n < number for n in one.seen):
                self.violated(f"{whose} started after other events", "Started first", kind, heard.station, heard.i)
            one.started = number
        if one.ended is not None and number > one.ended[0]:
            what = f"{kind} of {whose} after its end"
            self.violated(what, "nothing more", f"seqNo {number}", heard.station, one.ended[1], heard.i)
        if kind == "Ended":
            one.ended = one.ended or (number, heard.i)
        one.seen = {min((*one.seen, number)): (kind, heard.i)}
