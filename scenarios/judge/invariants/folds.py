"""Folds: every state is the fold of its log; folding sends nothing and reads nothing but events."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import Looked, Scope, invariant, story
from interlock.scenarios.judge.invariants.second_reading import Said
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, Observation


def _states(history: History) -> Looked:
    looked = Looked()
    folds = {(seen["station"], seen["version"]): seen for seen in history.of("fold")}
    for loaded in history.of("loaded"):
        station, version = loaded["station"], loaded["version"]
        fold, head = folds.get((station, version)), history.head(station)
        if version > head:
            found, fold = f"the log ends at version {head}", history.phase("rest")
        elif fold is None:
            looked.cut += version > 0
            continue
        elif loaded["digest"] != fold["digest"]:
            found = loaded["digest"]
        else:
            looked.checked += 1
            continue
        looked.checked += 1
        looked.violations.append(
            Violation(
                f"{loaded['node']} held a state of {station} that is not version {version} of the log",
                fold["digest"] if fold and fold.kind == "fold" else f"an event with version {version}",
                f"{found} (from {loaded['source']})",
                station,
                story(loaded, fold),
            )
        )
    return looked


def _second_reading(history: History) -> Looked:
    looked = Looked()
    folds: dict[str, dict[int, Observation]] = {}
    for seen in history.of("fold"):
        if seen.get("state") is not None:
            folds.setdefault(seen["station"], {})[seen["version"]] = seen
    for station, at in folds.items():
        said = Said(history.station_rules(station), forgets=history.rules.get("bounds") is not None)
        for event in history.streams.get(f"station-{station}", ()):
            said.take(event.type, event.data)
            if event.version not in at:
                continue
            looked.checked += 1
            seen = at[event.version]
            for what, expected, found in said.differs(seen["state"]):
                looked.violations.append(
                    Violation(
                        f"version {event.version} of {station} is folded to something else than it says: {what}",
                        f"{what}: {expected}",
                        f"{what}: {found}",
                        station,
                        story(event, seen),
                    )
                )
    return looked


def _scope(history: History) -> Scope:
    states, readings = history.derive(_states), history.derive(_second_reading)
    return Scope(states.checked + readings.checked, states.cut)


@invariant(
    "I11",
    "log = fold",
    needs=_scope,
    absent="no state was loaded",
    rest=True,
    ref="Schneider, Implementing Fault-Tolerant Services Using the State Machine Approach, 1990",
)
def log_is_fold(history: History) -> Iterator[Violation]:
    """Each state a node decided on equals the fold of the log up to its version, wherever it came from.

    A snapshot taken one event too early, a cache that missed an event, a state of appends that were never durable:
    each decides on a state that never existed. And the state is the one that the judges' own reading of the events
    gives: who is online, how each command stands and whether it holds, what is open where, and each connector's status.
    """
    yield from history.derive(_states).violations
    yield from history.derive(_second_reading).violations


@invariant(
    "I12",
    "replay is silent",
    needs=lambda history: len(history.of("replay.begun")),
    absent="nothing was replayed",
    ref="Fowler, Event Sourcing, 2005: external updates",
)
def replay_is_silent(history: History) -> Iterator[Violation]:
    """While a node folds stored events, nothing leaves it.

    An effect inside an event handler happens again with every replay: the station unlocks because the server restarted.
    """
    replaying: dict[str, list[Observation]] = {}
    for seen in history.of_any(
        "replay.begun", "replay.ended", "node.started", "node.crashed", "node.stopped", "call", "frame"
    ):
        if seen.kind == "frame" and seen.fields["edge"] != "csms.sent":
            continue
        begun = replaying.setdefault(seen.fields["node"], [])
        match seen.kind:
            case "replay.begun":
                begun.append(seen)
            case "replay.ended":
                if begun:
                    begun.pop()
            case "call" | "frame":
                if begun:
                    yield Violation(
                        f"{seen['node']} sent something while it replayed {begun[-1]['station']}",
                        "silence until the replay ended",
                        seen.get("text") or f"a CALL of {seen['action']}",
                        seen.fields["station"],
                        story(begun, seen),
                    )
            case _:
                begun.clear()


@invariant(
    "I26",
    "pure fold",
    needs=lambda history: len(history.of("fold")),
    absent="nothing was folded at rest",
    rest=True,
)
def pure_fold(history: History) -> Iterator[Violation]:
    """Folding the same events again, at another time, gives the same state.

    A fold that reads a clock, a random number or a setting gives another state each time.
    """
    for fold in history.of("fold"):
        if fold["own"] != fold["again"]:
            yield Violation(
                f"{fold['station']} folds differently a second time",
                fold["own"],
                fold["again"],
                fold["station"],
                story(fold),
            )
