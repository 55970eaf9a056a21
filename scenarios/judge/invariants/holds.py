"""Holds: the connector a command holds is released in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import Command, History, LogEvent, seconds

DISTURBANCES = ("node.started", "node.crashed", "node.stopped", "fault.begun", "fault.ended")


@dataclass(slots=True)
class Hold:
    """A connector kept for a command, from the event `begun` to the event `ended` (None: still kept at rest)."""

    begun: LogEvent
    ended: LogEvent | None
    moved: LogEvent
    """The last event that changed what is waited for: the intent, or the answer that the start was accepted."""


def _holds(command: Command) -> list[Hold]:
    """Return the stretches in which a command holds its connector; a late answer can begin one anew."""
    if command.kind not in ("RemoteStart", "Reserve", "Unlock") or not command.asked["evse"]:
        return []
    holds, fulfilled, begun, moved = [], False, command.intent, command.intent
    holding = True
    for phase, event in command.steps:
        fulfilled |= phase == "fulfilled"
        waits = phase == "accepted" and command.kind == "RemoteStart" and not fulfilled
        holds_now = waits or (holding and phase == "in-doubt")
        if waits:
            moved = event
        if holds_now and not holding:
            begun = event
        elif holding and not holds_now:
            holds.append(Hold(begun, event, moved))
        holding = holds_now
    if holding:
        holds.append(Hold(begun, None, moved))
    return holds


def _ends(history: History) -> Looked:
    looked = Looked()
    rest = history.phase("rest")
    if rest is None:
        return looked
    rules = history.rules
    healed = history.phase("healed")
    everywhere = sorted([seen.t for seen in history.of_any(*DISTURBANCES)] + ([healed.t] if healed else []))
    by_station: dict[str, list[float]] = {}
    for seen in history.of_any("socket.opened", "socket.closed"):
        by_station.setdefault(seen["station"], []).append(seen.t)
    online: dict[str, bool] = {}
    for event in history.log:
        if event.type in ("CameOnline", "WentOffline"):
            station = event.stream.removeprefix("station-")
            by_station.setdefault(station, []).append(event.at)
            online[station] = event.type == "CameOnline"
    for times in by_station.values():
        times.sort()
    for command in history.commands.values():
        for hold in _holds(command):
            end = hold.ended.at if hold.ended else rest.t
            deadline = min(seconds(command.intent.data["deadline"]), command.intent.at + rules["call_timeout_s"])
            quiet = [
                deadline + rules["lateness_s"],
                hold.moved.at,
                _last(everywhere, end),
                _last(by_station.get(command.station, []), end),
            ]
            due = max(quiet) + rules["resolve_bound_s"]
            if hold.ended is None and (end <= due or not online.get(command.station, False)):
                looked.cut += 1
                continue
            looked.checked += 1
            if end > due:
                looked.violations.append(
                    Violation(
                        f"{command.kind} {command.command_id} held EVSE {command.asked['evse']} for "
                        f"{end - hold.begun.at:.0f} s",
                        f"its end by {due:.3f} s",
                        f"ended at {end:.3f} s" if hold.ended else f"not ended at rest, at {end:.3f} s",
                        command.station,
                        story(hold.begun, [event for _, event in command.steps], hold.ended or rest),
                    )
                )
    return looked


def _last(times: list[float], until: float) -> float:
    """Return the last of `times` that is not after `until`."""
    number = bisect_right(times, until)
    return times[number - 1] if number else 0.0


@invariant(
    "I21",
    "holds end",
    level="SHOULD",
    records="log",
    needs=lambda history: history.derive(_ends).scope,
    absent="nothing was held",
    rest=True,
)
def holds_end(history: History) -> Iterator[Violation]:
    """A connector held for a command is given back within deadline, lateness bound and the time resolving may take.

    Counted from the last thing that stood in the way: a fault, a node that went down or came up, a connection of the
    station that was lost or opened, the healing of the world. Holding on while the effect may still come is right;
    holding on for ever makes a connector useless because of one lost answer.
    """
    yield from history.derive(_ends).violations
