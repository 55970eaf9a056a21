"""Liveness: an accepted command whose station is there leaves, soon and in its turn; what never left ends as such."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.scenarios.judge.invariants.command_life import replaced
from interlock.scenarios.judge.invariants.declare import Looked, Scope, invariant, story
from interlock.scenarios.judge.invariants.model import Lives, faults
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record import frames
from interlock.scenarios.record.history import Command, History, LogEvent, Observation, seconds

LEAVES_WITHIN_S = 1.0
"""Time on a free line after which a CALL whose intent is in the log has to have left."""
WAITS_FOR_STORE, WAITS_FOR_MORE = 4.0, 2.0
"""Calls to the store between an intent and its frame: its acknowledgement, and reads of what others appended; and those
for each race that is lost meanwhile, and each answer that has to be on record before the next CALL leaves."""
KNOWN_AFTER_S = 5.0
"""How long a new connection may take until every node knows of it."""


@dataclass(slots=True)
class Line:
    """One socket on which a station spoke: from its first frame until the CSMS learnt that it is gone.

    A CSMS may count a station as there from `opened_s` on, or from the first frame.
    """

    socket: int
    node: str
    opened_s: float
    since_s: float
    until_s: float = math.inf


def _lines(history: History) -> dict[str, list[Line]]:
    """The sockets of each station in the order in which it first spoke on them."""
    found: dict[str, list[Line]] = {}
    spoken: dict[tuple[str, int], Line] = {}
    opened = {(seen.fields["station"], seen.fields["socket"]): seen.t for seen in history.of("socket.opened")}
    for seen in history.of_any("frame", "socket.closed", "node.crashed", "node.stopping"):
        if seen.kind.startswith("node."):  # its sockets go with it, whether or not the station has noticed
            for line in spoken.values():
                if line.node == seen.fields["node"]:
                    line.until_s = min(line.until_s, seen.t)
            continue
        key = seen.fields["station"], seen.fields["socket"]
        if seen.kind == "socket.closed":
            if key in spoken:
                spoken[key].until_s = min(spoken[key].until_s, seen.t)
        elif seen.fields["edge"] == "csms.received" and key not in spoken:
            spoken[key] = Line(seen.fields["socket"], seen.fields["node"], opened.get(key, seen.t), seen.t)
            found.setdefault(seen.fields["station"], []).append(spoken[key])
    return found


def _line(history: History, command: Command, until_s: float) -> Line | None:
    """Return the one line a command could take from its intent to a moment; None where something was in the way."""
    asked = command.intent
    lines = [one for one in history.derive(_lines).get(command.station, ()) if one.since_s <= until_s]
    if not lines:
        return None
    last, node = lines[-1], asked.data["node"]
    known = _came_online(history, command)
    if known is None or known.t < last.opened_s or known.data["epoch"] != asked.data["epoch"]:
        return None  # the log does not say that the station is there on this line
    there = last.node == node and last.since_s <= asked.t - KNOWN_AFTER_S and last.until_s > until_s
    if not there or _full(history, node, asked.t, until_s):
        return None
    return last if _worked(history, node, asked.i, asked.t, until_s) else None


def _came_online(history: History, command: Command) -> LogEvent | None:
    """Return the connection that the log knew last when a command was decided."""
    online = history.derive(_online).get(command.intent.stream, [])
    before = bisect_left(online, command.intent.version, key=_version)
    return online[before - 1] if before else None


def _online(history: History) -> dict[str, list[LogEvent]]:
    """When the log says that a station came online, by stream."""
    found = {name: [one for one in events if one.type == "CameOnline"] for name, events in history.streams.items()}
    return {name: events for name, events in found.items() if events}


def _version(event: LogEvent) -> int:
    return event.version


def _worked(history: History, node: str, i: int, from_s: float, until_s: float) -> bool:
    """Tell whether a node ran and nothing was thrown into it from observation `i` to a moment."""
    broke = any(
        seen["node"] == node and from_s - KNOWN_AFTER_S <= seen.t <= until_s
        for seen in history.of_any("node.broke", "node.stopping", "task.failed")
    )
    lives = history.derive(Lives)
    return not broke and lives.up(node, i) and not lives.fell(node, i, until_s)


def _full(history: History, node: str, from_s: float, until_s: float) -> bool:
    """Tell whether the store took nothing from a node: the next CALL waits until the last one's answer is recorded."""
    return any(
        begun.t <= until_s and (ended is None or ended.t >= from_s - KNOWN_AFTER_S)
        for begun, ended in history.derive(_full_disks)
        if f"node{begun.get('node', 1)}" == node
    )


def _full_disks(history: History) -> list[tuple[Observation, Observation | None]]:
    return list(faults(history, "full_disk"))


def _free(history: History, station: str, socket: int, command: Command, until_s: float) -> tuple[float, int]:
    """Return for how long no other CALL was outstanding on a socket, from a command's intent to a moment, and how many
    others were."""
    at, free, others = command.intent.t, 0.0, 0
    for (begun, ended), one in history.derive(_outstanding).get((station, socket), ()):
        if begun >= until_s:
            break
        if ended <= at or one == command.command_id:
            continue
        free += max(0.0, begun - at)
        at = max(at, ended)
        others += 1
    return free + max(0.0, until_s - at), others


Span = tuple[float, float]


def _outstanding(history: History) -> dict[tuple[str, int], list[tuple[Span, str]]]:
    """When each CALL was outstanding, by socket, in order: until its answer came, or its command's deadline."""
    found: dict[tuple[str, int], list[tuple[Span, str]]] = {}
    for (station, message_id), written in history.call_frames.items():
        call = history.call(station, message_id)
        command = history.commands.get(call["command_id"]) if call else None
        if command is None or "deadline" not in command.intent.data:
            continue
        answers = history.answers.get((station, message_id), ())
        due_s = seconds(command.intent.data["deadline"])
        for seen in written:
            ended = min([due_s, *(answer.t for answer in answers if answer.i > seen.i)])
            span = seen.t, max(ended, seen.t)
            found.setdefault((station, seen.fields["socket"]), []).append((span, command.command_id))
    for spans in found.values():
        spans.sort()
    return found


def _frames(history: History, command: Command) -> list[Observation]:
    found: list[Observation] = []
    for call in history.calls.get(command.command_id, ()):
        found += history.call_frames.get((call["station"], call["message_id"]), ())
    return found


def _written_for_nobody(history: History) -> set[tuple[str, str]]:
    """The CALLs that were written to a socket that was gone, by station and message id."""
    lost = ((seen["station"], frames.read(seen["text"])) for seen in history.of("frame.lost"))
    return {(station, frame.id) for station, frame in lost if frame is not None and frame.kind == frames.CALL}


def _lost(history: History, command: Command) -> bool:
    lost = history.derive(_written_for_nobody)
    return any((call["station"], call["message_id"]) in lost for call in history.calls.get(command.command_id, ()))


def _slowest_append_s(history: History) -> float:
    """Return the longest time an append took to be acknowledged: what is sent waits for the store."""
    acked = {(seen.fields["stream"], seen.fields["version"]): seen.t for seen in history.of("append.acked")}
    stored = (
        (acked.get((seen.fields["stream"], seen.fields["version"]), seen.t), seen.t) for seen in history.of("stored")
    )
    return max((ack - at for ack, at in stored), default=0.0)


def _races(history: History, command: Command, until_s: float) -> int:
    """Count the appends to a command's stream that lost a race since its intent: who lost one reads and tries again."""
    stream, since_s = command.intent.stream, command.intent.t
    return sum(since_s <= seen.t <= until_s and seen["stream"] == stream for seen in history.of("append.refused"))


def _deliveries(history: History) -> Looked:
    looked, rest = Looked(), history.phase("rest")
    for command in history.commands.values():
        left = _frames(history, command)
        due_s = seconds(command.intent.data["deadline"]) if "deadline" in command.intent.data else math.inf
        until_s = left[0].t if left else due_s
        if rest is None or until_s > rest.t or command.kind == "SetPassword":
            looked.cut += 1
            continue
        line = _line(history, command, until_s)
        if line is not None and not _cannot_be_carried(command):
            looked.checked += 1
            free_s, others = _free(history, command.station, line.socket, command, until_s)
            waits = WAITS_FOR_STORE + WAITS_FOR_MORE * (_races(history, command, until_s) + others)
            if free_s > LEAVES_WITHIN_S + waits * history.derive(_slowest_append_s):
                looked.violations.append(_late(command, left, free_s))
                continue
        if not left and not _lost(history, command):
            looked.checked += 1
            looked.violations += _never_left(history, command)
    looked.violations += _out_of_order(history)
    return looked


def _cannot_be_carried(command: Command) -> bool:
    """Tell whether a version may have no words for a command, so that it ends before a frame: the CSMS says so."""
    return any("cannot carry" in str(event.data.get("evidence", "")) for _, event in command.steps)


def _late(command: Command, left: list[Observation], free_s: float) -> Violation:
    found = f"it left after {free_s:.3f} s on a free line" if left else "it never left"
    return Violation(
        f"the CALL of {command.kind} {command.command_id} {'left late' if left else 'never left'}",
        f"it leaves within {LEAVES_WITHIN_S:g} s of a free line: the station is connected and the node lives",
        found,
        command.station,
        story(command.intent, left[:1], [event for _, event in command.steps][:3]),
    )


def _never_left(history: History, command: Command) -> Iterator[Violation]:
    """What never left did not happen, and a node that lived on knows that."""
    last = next((step for step, _ in reversed(command.steps) if step != "fulfilled"), "requested")
    by_card = last == "confirmed" and any(step == "fulfilled" for step, _ in command.steps)
    if (
        last == "refuted"
        or by_card
        or not _worked(history, command.intent.data["node"], command.intent.i, 0.0, math.inf)
    ):
        return
    if command.steps and replaced(history, command, command.steps[0][1]):
        return
    asked = command.intent
    if any(
        seen["node"] == asked.data["node"] and seen.t >= asked.t - KNOWN_AFTER_S
        for seen in history.of_any("node.crashed", "node.started")
    ):
        return  # after a restart it is open, and whether it had been sent is unknown
    yield Violation(
        f"{command.kind} {command.command_id} never left and is {last}",
        "refuted: it was not sent, and the node that was to send it lived on",
        last,
        command.station,
        story(command.intent, [event for _, event in command.steps], history.phase("rest")),
    )


def _out_of_order(history: History) -> Iterator[Violation]:
    latest: dict[tuple[str, int], tuple[Command, Observation]] = {}
    sent = [(left[0], command) for command in history.commands.values() if (left := _frames(history, command))]
    for seen, command in sorted(sent, key=lambda one: one[0].i):
        line = seen["station"], seen["socket"]
        before = latest.get(line)
        if before is not None and before[0].intent.version > command.intent.version:
            yield Violation(
                f"{command.kind} {command.command_id} left after {before[0].kind} {before[0].command_id}",
                "CALLs leave in the order of their intents",
                f"intents {before[0].intent.version} and {command.intent.version} left in this order",
                seen["station"],
                story(command.intent, before[0].intent, before[1], seen),
            )
        latest[line] = command, seen


def _scope(history: History) -> Scope:
    return history.derive(_deliveries).scope


@invariant(
    "I38",
    "an accepted command leaves",
    records="log",
    needs=_scope,
    absent="no command was accepted",
    frames=True,
    rest=True,
    ref="Alpern and Schneider, Defining Liveness, 1985",
)
def accepted_command_leaves(history: History) -> Iterator[Violation]:
    """A command whose intent is in the log leaves within a second of a free line, in the order of the intents.

    Counted where nothing is in the way: the station spoke on a connection of the node that is to send it, the
    connection and the node live on, and no other CALL is outstanding. And what never left, though its node lived on,
    ends as refuted: what was not sent is not in doubt.
    """
    yield from history.derive(_deliveries).violations
