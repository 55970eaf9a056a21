"""Statistics of calls, counted frame by frame: per action the number, the time to the answer, the failures."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

from interlock.scenarios.record import frames

QUANTILES = (50, 95, 99)


@dataclass(slots=True)
class Line:
    """One action of stations: seconds to each answer, answers that were CALLERRORs, and calls that got none."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    errors: int = 0
    unanswered: int = 0

    @property
    def calls(self) -> int:
        """Calls that are over, one way or the other."""
        return len(self.seconds) + self.unanswered

    def milliseconds(self) -> dict[str, float | None]:
        """Return the time to the answer at each of `QUANTILES`; None where nothing was answered."""
        ordered = sorted(self.seconds)
        last = len(ordered) - 1
        return {
            f"p{percent}_ms": round(1000.0 * ordered[round(last * percent / 100)], 1) if ordered else None
            for percent in QUANTILES
        }


class Tally:
    """Counts the frames at the stations' edge. A station has one CALL outstanding at a time."""

    def __init__(self) -> None:
        self.actions: dict[str, Line] = {}
        self.frames = 0
        self.commands = 0
        """CALLs of the CSMS."""
        self.answered = 0
        self.errors = 0
        """CALLERRORs to stations, and calls that got no answer."""
        self._asked: dict[str, tuple[str, str, float]] = {}

    def sent(self, station: str, text: str, now: float) -> None:
        """Count a frame of a station's."""
        self.frames += 1
        frame = frames.loose(text)
        if frame is not None and frame.kind == frames.CALL:
            self.lost(station)
            self._asked[station] = frame.id, frame.action, now

    def received(self, station: str, text: str, now: float) -> None:
        """Count a frame of the CSMS's."""
        self.frames += 1
        frame = frames.loose(text)
        if frame is None:
            return
        if frame.kind == frames.CALL:
            self.commands += 1
        asked = self._asked.get(station)
        if asked is None or not frame.is_answer or frame.id != asked[0]:
            return
        del self._asked[station]
        one = self.actions.setdefault(asked[1], Line())
        one.seconds.append(now - asked[2])
        self.answered += 1
        if frame.kind == frames.CALLERROR:
            one.errors += 1
            self.errors += 1

    def lost(self, station: str) -> None:
        """Give up what a station waits for: its connection is gone, or it asks for something else."""
        asked = self._asked.pop(station, None)
        if asked is not None:
            self.actions.setdefault(asked[1], Line()).unanswered += 1
            self.errors += 1

    def table(self) -> dict[str, dict[str, Any]]:
        """Return the summary by action, those with most calls first."""
        ordered = sorted(self.actions.items(), key=lambda one: (-one[1].calls, one[0]))
        return {
            action: {
                "calls": one.calls,
                **one.milliseconds(),
                "errors": one.errors,
                "unanswered": one.unanswered,
            }
            for action, one in ordered
        }
