"""What a run exercised, in the domain's terms: not lines of code but points, races, ways out of doubt, faults.

A feature is a name such as `crash at intent.durable`, `HeartbeatReceived before CommandAccepted` (the first was
appended while the second was on its way, and refused it) or `Unlock ends confirmed`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from interlock.csms.labelled_points import POINTS
from interlock.scenarios.judge.invariants.campaign import WANTED, exercise
from interlock.scenarios.record.history import History
from interlock.scenarios.steps.faults import FAULTS

SOMETIMES = (*WANTED, *(f"crash at {point}" for point in POINTS), *(f"fault {name}" for name in sorted(FAULTS)))
"""What a campaign has to have done at least once, or it proves nothing about it (I28)."""


def features(history: History) -> frozenset[str]:
    """Name what a finished run exercised."""
    found = {name for name, count in exercise(history).items() if count}
    found.update(f"point {seen['point']}" for seen in history.of("point"))
    found.update(f"fault {seen['fault']}" for seen in history.of("fault.begun"))
    found.update(f"{kind} ends {phase}" for kind, phase in _ends(history))
    found.update(f"{first} before {second}" for first, second in _overtaken(history))
    found.update(f"{len(history.of('node.crashed'))} crashes" for _ in history.of("node.crashed")[:1])
    return frozenset(found)


def _ends(history: History) -> Iterable[tuple[str, str]]:
    for command in history.commands.values():
        if command.steps:
            yield command.kind, command.steps[-1][0]


def _overtaken(history: History) -> Iterable[tuple[str, str]]:
    """Pairs of events that raced for a version: what won it, and what was refused."""
    for refused in history.of("append.refused"):
        stream = history.streams.get(refused["stream"], ())
        winners = {event.type for event in stream[refused["expected"] : refused["head"]]}
        yield from ((winner, loser) for winner in winners for loser in refused["types"])


class Coverage:
    """What the runs so far exercised, and how often."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, found: Iterable[str]) -> int:
        """Take in one run; return how many of its features no run had before."""
        found = set(found)
        new = sum(feature not in self.counts for feature in found)
        self.counts.update(found)
        return new

    def missing(self) -> list[str]:
        """Name what should have happened sometimes and never did."""
        return [feature for feature in SOMETIMES if not self.counts[feature]]

    def races(self) -> list[str]:
        """Name the pairs of events that raced."""
        return sorted(feature for feature in self.counts if " before " in feature)
