"""The campaign: what many runs exercised together and what none did, so that idle tests are noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from interlock.scenarios.judge.invariants.declare import invariant
from interlock.scenarios.judge.verdict import Finding, Verdict, Violation
from interlock.scenarios.record.history import History

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


DONE = ("commands sent", "sessions begun", "outcomes recorded", "reports answered")
"""What a whole suite must have done for its PASS to mean anything."""


def did(history: History) -> dict[str, int]:
    """Count what a run really did, in the order of `DONE`."""
    outcomes = sum(bool(command.outcomes()) for command in history.commands.values())
    return dict(
        zip(DONE, (len(history.call_frames), len(history.sessions), outcomes, len(history.wire.answered)), strict=True)
    )


def exercise(history: History) -> dict[str, int]:
    """Return how often a run did each thing, 0 for what it did not do. Points it passed count as things to crash at."""
    counts = Counter(dict.fromkeys(WANTED, 0))
    counts["conflict"] = len(history.of("append.refused"))
    counts["lost acknowledgement"] = len(history.of("append.unconfirmed"))
    for passed in history.of("point"):
        counts[f"crash at {passed['point']}"] += 0
    for crash in history.of("node.crashed"):
        if crash["point"] is not None:
            counts[f"crash at {crash['point']}"] += 1
    offline: dict[str, list[int]] = {}
    for event in history.log:
        if event.type == "WentOffline":
            offline.setdefault(event.stream.removeprefix("station-"), []).append(event.version)
    for command in history.commands.values():
        doubted = next((event for phase, event in command.steps if phase == "in-doubt"), None)
        if doubted is None:
            continue
        ends = [(phase, event) for phase, event in command.outcomes() if event.version > doubted.version]
        for phase, _ in ends:
            if phase in EXITS:
                counts[f"doubt ended {phase}"] += 1
        if any(phase in ("accepted", "rejected") for phase, _ in ends):
            counts["late answer"] += 1
        last = ends[0][1].version if ends else history.head(command.station) + 1
        silent = offline.get(command.station, ())
        counts["offline during doubt"] += any(doubted.version < version < last for version in silent)
    return dict(counts)


def judge_campaign(runs: Iterable[Mapping[str, int]], points: Iterable[str] = ()) -> Finding:
    """Judge a whole campaign by what its runs did (`exercise`). `points` are the labels that exist."""
    number, total = 0, Counter(dict.fromkeys([*WANTED, *(f"crash at {point}" for point in points)], 0))
    for counts in runs:
        number += 1
        total.update(counts)
    missing = [what for what, count in total.items() if not count]
    verdict = Verdict.INCONCLUSIVE if missing else Verdict.PASS
    reason = f"never happened in {number} runs: {', '.join(missing)}" if missing else None
    declared = over_a_campaign
    return Finding(declared.id, declared.name, declared.level, verdict, len(total) - len(missing), reason)


@invariant(
    "I28",
    "exercised",
    level="BOOKKEEPING",
    needs=lambda history: 0,
    absent="judged over a campaign of runs, not over one",
)
def over_a_campaign(history: History) -> Iterator[Violation]:
    """Over a campaign, what the other invariants guard against did happen.

    A conflict, a lost acknowledgement, a late answer, each way out of doubt, a station that fell silent while a command
    was in doubt, and a crash at each labelled point. What never happened was never tested, and a green run says
    nothing about it: INCONCLUSIVE, with a list.
    """
    yield from ()
