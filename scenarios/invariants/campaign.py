"""The campaign: what many runs together did, and what none of them did. A guard against tests that test nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..history import History
from ..verdict import Finding, Verdict, Violation
from .declare import invariant

EXITS = ("accepted", "rejected", "confirmed", "refuted", "unknown")
"""How a doubt can end."""
WANTED = (
    "conflict",
    "lost acknowledgement",
    "late answer",
    *(f"doubt ended {phase}" for phase in EXITS),
    "offline during doubt",
)
"""What a campaign has to have done, besides a crash at each labelled point."""


@dataclass(slots=True)
class Exercised:
    """How often each thing happened, and which labelled points were passed. Add them up over runs."""

    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    points: set[str] = field(default_factory=set)

    def __add__(self, other: Exercised) -> Exercised:
        return Exercised(self.runs + other.runs, self.counts + other.counts, self.points | other.points)


def exercised(history: History) -> Exercised:
    """Return what one run did."""
    counts: Counter[str] = Counter()
    counts["conflict"] = len(history.of("append.refused"))
    counts["lost acknowledgement"] = len(history.of("append.unconfirmed"))
    for crash in history.of("node.crashed"):
        if crash["point"] is not None:
            counts[f"crash at {crash['point']}"] += 1
    offline: dict[str, list[int]] = {}
    for event in history.log:
        if event.type == "WentOffline":
            offline.setdefault(event.stream.removeprefix("station-"), []).append(event.version)
    for command in history.commands.values():
        doubted = next((event for phase, event in command.steps if phase == "doubt"), None)
        if doubted is None:
            continue
        ends = [(phase, event) for phase, event in command.outcomes() if event.version > doubted.version]
        for phase, _ in ends:
            if phase in EXITS:
                counts[f"doubt ended {phase}"] += 1
        if ends and ends[0][0] in ("accepted", "rejected"):
            counts["late answer"] += 1
        last = ends[0][1].version if ends else history.head(command.station) + 1
        counts["offline during doubt"] += any(
            doubted.version < version < last for version in offline.get(command.station, ())
        )
    return Exercised(1, counts, {seen["point"] for seen in history.of("point")})


def campaign(runs: Iterable[Exercised], points: Iterable[str] = ()) -> Finding:
    """Judge a whole campaign. `points` are the labels that exist; those that were passed count in any case."""
    total = sum(runs, Exercised())
    wanted = [*WANTED, *(f"crash at {point}" for point in sorted(total.points | set(points)))]
    missing = [what for what in wanted if not total.counts[what]]
    verdict = Verdict.INCONCLUSIVE if missing or not total.runs else Verdict.PASS
    declared = exercised_at_all
    reason = f"never happened in {total.runs} runs: {', '.join(missing)}" if missing else None
    return Finding(declared.id, declared.name, declared.level, verdict, len(wanted) - len(missing), reason)


@invariant(
    "I28",
    "exercised",
    level="BOOKKEEPING",
    needs=lambda history: 0,
    absent="judged over a campaign of runs, not over one",
)
def exercised_at_all(history: History) -> Iterator[Violation]:
    """Over a campaign, what the other invariants guard against did happen.

    A conflict, a lost acknowledgement, a late answer, each way out of doubt, a station that fell silent while a command
    was in doubt, and a crash at each labelled point. What never happened was never tested, and a green run says
    nothing about it: INCONCLUSIVE, with a list.
    """
    yield from ()
