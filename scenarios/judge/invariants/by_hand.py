"""What an operator is told of a command, and what becomes of one that they close by hand."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import STEPS, History, Observation, station_of

CLOSABLE = frozenset({"in-doubt", "unknown"})
ASKED = {"doubt.closed": "doubt.closing", "phase.told": "phase.asked"}


class _Phases:
    """Where each command stood from which observation on."""

    def __init__(self, history: History) -> None:
        self._turns: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for seen in history.of("stored"):
            station, data = station_of(seen.fields["stream"]), seen.fields["data"]
            if seen.fields["type"] == "CommandRequested":
                phase = "requested"
            elif (phase := STEPS.get(seen.fields["type"], "")) in ("", "fulfilled"):
                continue
            if station is not None:
                self._turns.setdefault((station, data["command_id"]), []).append((seen.i, phase))

    def between(self, station: str, command_id: str, first: int, last: int) -> set[str | None]:
        """Return every phase in which a command stood between two observations; None while there was none."""
        found: set[str | None] = set()
        now: str | None = None
        for i, phase in self._turns.get((station, command_id), []):
            if i > last:
                break
            if i > first:
                found.add(now)
            now = phase
        return found | {now}


def _by_hand(history: History) -> Looked:
    looked, spoken = Looked(), history.of_any("doubt.closing", "doubt.closed", "phase.asked", "phase.told")
    if not spoken:
        return looked
    phases = history.derive(_Phases)
    asked: dict[tuple[str, str, str], Observation] = {}
    stored = [one for one in history.of("stored") if one["type"] == "CommandClosed"]
    for seen in spoken:
        key = seen["station"], seen["command_id"]
        if seen.kind not in ASKED:
            asked[(seen.kind, *key)] = seen
            continue
        began = asked[(ASKED[seen.kind], *key)]
        stood = phases.between(*key, began.i, seen.i)
        looked.checked += 1
        if seen.kind == "phase.told":
            if seen["phase"] not in stood:
                looked.violations.append(
                    _wrong(history, seen, began, "is told to stand otherwise than it does", stood, seen["phase"])
                )
            continue
        # A doubt that is closed twice in the same words is closed once: only what came of this attempt counts.
        there = [
            one
            for one in stored
            if began.i < one.i < seen.i
            and one["data"]["command_id"] == key[1]
            and one["data"]["statement"] == seen["statement"]
        ]
        if seen["against"] is None and not there:
            looked.violations.append(
                _wrong(history, seen, began, "was closed by hand and is not", {"closed"}, "no such event")
            )
        elif seen["against"] is None and not stood & CLOSABLE:
            looked.violations.append(
                _wrong(history, seen, began, "was closed by hand though nothing was in doubt", stood, "closed")
            )
        elif seen["against"] is not None and there:
            looked.violations.append(
                _wrong(history, seen, began, "could not be closed and is", {"no event"}, "CommandClosed")
            )
        elif seen["against"] is not None and stood <= CLOSABLE and history.rules.get("bounds") is None:
            looked.violations.append(
                _wrong(history, seen, began, "is in doubt and could not be closed", {"closed"}, seen["against"])
            )
    return looked


def _wrong(
    history: History, seen: Observation, began: Observation, what: str, expected: set[str | None], found: object
) -> Violation:
    command = history.commands.get(seen["command_id"])
    return Violation(
        f"command {seen['command_id']} {what}",
        " or ".join(sorted(str(one) for one in expected)),
        str(found),
        seen["station"],
        story(command.intent if command else None, began, seen),
    )


@invariant(
    "I44",
    "what an operator is told and does by hand is so",
    records="log",
    needs=lambda history: history.derive(_by_hand).scope,
    absent="nobody asked where a command stands, or closed one by hand",
    frames=True,
)
def by_hand(history: History) -> Iterator[Violation]:
    """Where a command is told to stand it stood between question and answer, and only a doubt is closed by hand.

    What was closed is in the log with what the operator said; what could not be is not. A command that a node forgot is
    looked up in the log: nobody is told that it was never asked for.
    """
    yield from history.derive(_by_hand).violations
