"""Search for violations in schedules around scenarios: many, on all cores, steered by what they exercised.

Schedules are planned in batches of a fixed size, from the coverage of the batches before. So what is found depends on
the search's seed and its budget of schedules, and not on how many processes do the work or which of them is faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from interlock.scenarios.explore.coverage import Coverage, features
from interlock.scenarios.explore.pool import processes
from interlock.scenarios.explore.schedules import Schedule, plan
from interlock.scenarios.explore.time_limit import within
from interlock.scenarios.judge.verdict import Finding, Verdict
from interlock.scenarios.runner import csms_class, examine, many
from interlock.scenarios.spec import Scenario

BATCH = 64
WALL_S = 60.0
"""Seconds of this machine after which a schedule is interrupted: thousands of times what it takes."""
CORPUS = 200
"""Schedules that exercised something new and are kept to be varied; the latest."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a schedule."""

    schedule: Schedule
    failed: tuple[str, ...]
    """The invariants that were violated, or could not be judged."""
    broken: bool
    """Whether there is no verdict: the world or a check failed."""
    exercised: frozenset[str]


class Workers(Protocol):
    """Whoever examines schedules: this process, several, or a cluster. Answers in the order of the question."""

    def examine(self, schedules: Sequence[Schedule], csms: str) -> list[Examined]:
        """Examine a batch."""
        ...


def look(schedule: Schedule, csms: str) -> Examined:
    """Run and judge one schedule."""
    with within(WALL_S):
        history, findings = examine(schedule.spec, schedule.seed, csms_class(csms))
    failed = tuple(found.id for found in findings if found.verdict >= Verdict.FAIL)
    exercised = features(history) | {f"persona {schedule.spec.persona}", f"{schedule.spec.nodes} nodes"}
    return Examined(schedule, failed, any(_errs(found) for found in findings), exercised)


def _errs(found: Finding) -> bool:
    return found.verdict is Verdict.ERROR


def examine_all(schedules: Sequence[Schedule], csms: str) -> list[Examined]:
    """Examine schedules one after the other."""
    with many():
        return [look(schedule, csms) for schedule in schedules]


class Here:
    """This process."""

    def examine(self, schedules: Sequence[Schedule], csms: str) -> list[Examined]:
        """Examine a batch, one after the other."""
        return examine_all(schedules, csms)


class Cores:
    """Processes of this machine."""

    def __init__(self, pool: ProcessPoolExecutor, share: int) -> None:
        self._pool, self._share = pool, share

    def examine(self, schedules: Sequence[Schedule], csms: str) -> list[Examined]:
        """Examine a batch, a share for each process."""
        shares = [schedules[at : at + self._share] for at in range(0, len(schedules), self._share)]
        found = [self._pool.submit(examine_all, share, csms) for share in shares]
        return [examined for share in found for examined in share.result()]


@contextmanager
def cores(jobs: int) -> Iterator[Workers]:
    """Let `jobs` processes work inside a `with` block."""
    if jobs <= 1:
        yield Here()
        return
    with processes(jobs) as pool:
        yield Cores(pool, max(1, BATCH // (2 * jobs)))


@dataclass(slots=True)
class Search:
    """A search under way, or over. `budget` is a number of schedules, `seconds` a limit of time; either may be None."""

    bases: Sequence[Scenario]
    csms: str
    seed: int
    budget: int | None = None
    seconds: float | None = None
    wanted: str | None = None
    """Stop at the first violation of this invariant, or with None of any."""
    keep_going: bool = False
    """Do not stop at a violation: spend the whole budget."""
    coverage: Coverage = field(default_factory=Coverage)
    corpus: list[Scenario] = field(default_factory=list)
    found: list[Examined] = field(default_factory=list)
    """What was violated, in the order of schedule numbers."""
    done: int = 0
    took_s: float = 0.0
    interrupted: bool = False

    def run(self, workers: Workers, tell: Callable[[Search], None] = lambda search: None) -> None:
        """Search until something is found or the budget is spent; `tell` is called after every batch.

        Ctrl-C ends it early.
        """
        began = time.monotonic()
        try:
            for _ in self._batches(workers):
                self.took_s = time.monotonic() - began
                tell(self)
        except KeyboardInterrupt:
            self.interrupted = True
        self.took_s = time.monotonic() - began

    def examined(self, workers: Workers) -> Iterator[Examined]:
        """Search, and yield what became of each schedule, in order."""
        for batch in self._batches(workers):
            yield from batch

    def _batches(self, workers: Workers) -> Iterator[list[Examined]]:
        while not self._over():
            batch = workers.examine(self._next(), self.csms)
            self._take(batch)
            yield batch

    def _over(self) -> bool:
        if self.budget is not None and self.done >= self.budget:
            return True
        if self.seconds is not None and self.took_s >= self.seconds:
            return True
        return bool(self.found) and not self.keep_going

    def _next(self) -> list[Schedule]:
        size = BATCH if self.budget is None else min(BATCH, self.budget - self.done)
        numbers = range(self.done, self.done + size)
        return [plan(self.bases, self.corpus, self.seed, number, self.coverage) for number in numbers]

    def _take(self, examined: Sequence[Examined]) -> None:
        for one in examined:
            self.done += 1
            if self.coverage.add(one.exercised):
                self.corpus.append(one.schedule.spec)
            if one.broken or (one.failed if self.wanted is None else self.wanted in one.failed):
                self.found.append(one)
        del self.corpus[:-CORPUS]

    @property
    def first(self) -> Examined | None:
        """The violation with the lowest number."""
        return self.found[0] if self.found else None

    @property
    def verdict(self) -> Verdict:
        """What the search says: FAIL when something was found, INCONCLUSIVE when something was never exercised."""
        if any(one.broken for one in self.found):
            return Verdict.ERROR
        if self.found:
            return Verdict.FAIL
        unclear = self.interrupted or not self.done or self.coverage.missing()
        return Verdict.INCONCLUSIVE if unclear else Verdict.PASS
