"""The declaration of invariants, which keeps "nothing to judge" apart from "holds"."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation
from interlock.scenarios.record.history import History, LogEvent, Observation

Check = Callable[[History], Iterator[Violation]]

DECLARED: dict[str, Invariant] = {}
"""Every invariant of the modules imported so far."""

LISTED = 50
"""Violations of one invariant that a finding lists; the rest are counted."""
TOLD = 12
"""Observations listed for one violation, at most."""


class Scope(NamedTuple):
    """How many things there were to judge, and how many the end of the run cut off."""

    checked: int
    cut: int = 0


@dataclass(slots=True)
class Looked:
    """The result of a check that counts and judges in one pass: things judged, things cut off, violations."""

    checked: int = 0
    cut: int = 0
    violations: list[Violation] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        """What there was to see."""
        return Scope(self.checked, self.cut)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A predicate over a history, with the count of what it can judge there."""

    id: str
    name: str
    level: Level
    function: Check
    needs: Callable[[History], int | Scope]
    absent: str
    frames: bool
    rest: bool
    records: str | None
    ref: str | None

    @property
    def text(self) -> str:
        """What it demands and why."""
        return inspect.getdoc(self.function) or ""

    def explain(self) -> str:
        """Return what `interlock explain` prints."""
        ref = f"\n\nSee: {self.ref}" if self.ref else ""
        return f"{self.id}  {self.name}  ({self.level})\n\n{self.text}{ref}"

    def judge(self, history: History) -> Finding:
        """Judge a history. A check that raises gives ERROR, not PASS."""
        try:
            return self._judge(history)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            why = f"{type(error).__name__}: {error} ({Path(last.filename).name} line {last.lineno})"
            return Finding(self.id, self.name, self.level, Verdict.ERROR, 0, why)

    def _judge(self, history: History) -> Finding:
        if broken := history.kinds.get("world.failed"):
            return self._finding(Verdict.ERROR, f"the world itself broke: {broken[0]['error']}")
        if self.frames and not history.complete:
            return self._finding(Verdict.NOT_APPLICABLE, "this run recorded facts only, no frames and no stored events")
        if self.records is not None and not history.told(self.records):
            return self._finding(Verdict.NOT_APPLICABLE, f"the CSMS does not tell its {self.records}")
        if self.rest and "rest" not in history.phases:
            return self._finding(Verdict.INCONCLUSIVE, "the run ended before it came to rest")
        needed = self.needs(history)
        checked, cut = (needed.checked, needed.cut) if isinstance(needed, Scope) else (needed, 0)
        found = list(self.function(history))
        if found:
            listed = f"{len(found)} violations, the first {LISTED} are listed" if len(found) > LISTED else None
            return self._finding(Verdict.FAIL, listed, checked, tuple(found[:LISTED]))
        if checked:
            return self._finding(Verdict.PASS, f"{cut} more were cut short" if cut else None, checked)
        if cut:
            return self._finding(Verdict.INCONCLUSIVE, f"the run was cut short of an answer for {cut}")
        return self._finding(Verdict.NOT_APPLICABLE, self.absent)

    def _finding(
        self, verdict: Verdict, reason: str | None, checked: int = 0, found: tuple[Violation, ...] = ()
    ) -> Finding:
        if found:
            return Finding(self.id, self.name, self.level, verdict, checked, reason, found)
        return _clean(self.id, self.name, self.level, verdict, checked, reason)


@lru_cache(maxsize=2048, typed=True)
def _clean(id: str, name: str, level: Level, verdict: Verdict, checked: int, reason: str | None) -> Finding:
    """Return a finding without a violation: a value, the same in most short runs."""
    return Finding(id, name, level, verdict, checked, reason)


def invariant(
    id: str,
    name: str,
    *,
    needs: Callable[[History], int | Scope],
    absent: str,
    level: Level = "MUST",
    frames: bool = False,
    rest: bool = False,
    records: str | None = None,
    ref: str | None = None,
) -> Callable[[Check], Invariant]:
    """Declare a function as an invariant; its docstring says what it demands and why.

    `needs` counts what it has to look at; with none, it is not applicable because of `absent`. `frames`: it cannot be
    judged without single frames and stored events. `rest`: it speaks of the world at rest. `records`: what it reads of
    the CSMS's own records, which somebody else's may not show.
    """

    def declare(check: Check) -> Invariant:
        if id in DECLARED and DECLARED[id].function.__code__.co_filename != check.__code__.co_filename:
            raise ValueError(f"there are two invariants {id}")
        DECLARED[id] = Invariant(id, name, level, check, needs, absent, frames, rest, records, ref)
        return DECLARED[id]

    return declare


Told = Observation | LogEvent
"""Something a violation can point at."""


def story(*parts: Told | Iterable[Told] | None) -> tuple[int, ...]:
    """Return where to look: the indices of observations and events in order, the latest where there are many."""
    found: dict[int, None] = {}
    for part in parts:
        if part is not None:
            several: Iterable[Told] = part if isinstance(part, Iterable) else (part,)
            found.update((one.i, None) for one in several)
    return tuple(sorted(found)[-TOLD:])
