"""Every frame of a station that was not accepted as it came, and every answer, has left a trace in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.scenarios.judge.invariants.calls_as_asked import USUAL, rules_broken, socket_versions
from interlock.scenarios.judge.invariants.command_life import NOT_DONE, NOT_DONE_201, READS, answer_means, odd_answer
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import STORE_FAULTS, Lives
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.history import Command, History, Observation, station_of

MALFORMED, REFUSED, UNPLACED = "malformed frame", "refused call", "answer to no known command"
"""What an anomaly is called that keeps a frame that means nothing, a CALL refused, an answer nobody waits for."""
SETTLED_S = 30.0
"""How long it may take until a frame that arrived is in the log, with a store that works."""
KINDS = 60
"""Kinds of one station beyond which a new one may be counted with others."""
YES, NO = frozenset({"accepted", "confirmed", "lapsed"}), frozenset({"rejected", "refuted"})
DOUBT = frozenset({"in-doubt"})


@dataclass(slots=True)
class Trace:
    """What the log keeps of what a station should not have said, each with the observation that stored it."""

    anomalies: list[tuple[int, str, str]]
    deviations: dict[str, int]


def _traces(history: History) -> dict[str, Trace]:
    found: dict[str, Trace] = {}
    for event in history.log:
        if (station := station_of(event.stream)) is None:
            continue
        trace = found.setdefault(station, Trace([], {}))
        if event.type == "AnomalyRecorded":
            trace.anomalies.append((event.i, event.data["what"], event.data["detail"]))
        elif event.type == "DeviationRecorded":
            trace.deviations.setdefault(event.data["action"], event.i)
    return found


def _heard(history: History) -> Looked:
    looked, lives = Looked(), history.derive(Lives)
    rest = history.phase("rest")
    if rest is None or history.of("append.unconfirmed") or "answers" not in history.rules:
        return looked
    if any(seen.fields["fault"] in STORE_FAULTS for seen in history.of("fault.begun")):
        return looked
    calls: dict[tuple[str, int, str], tuple[Observation, Frame]] = {}
    for seen, frame, received in history.csms_frames:
        socket = seen.fields["station"], seen.fields["socket"]
        wrong: Iterator[Violation] = iter(())
        if not received:
            if frame is not None and frame.is_answer and (asked := calls.get((*socket, frame.id))) is not None:
                looked.checked += 1
                wrong = _of_call(history, *asked, frame, seen)
        elif frame is not None and frame.kind == CALL:
            calls[*socket, frame.id] = seen, frame
        elif seen.t + SETTLED_S < rest.t and not lives.fell(seen.fields["node"], seen.i, seen.t + SETTLED_S):
            looked.checked += 1
            wrong = _of_answer(history, seen, frame) if frame is not None and frame.strict else _of_text(history, seen)
        looked.violations += wrong
    return looked


def _lost(what: str, expected: str, station: str, *about: Observation) -> Violation:
    return Violation(f"{what} left no trace", f"{expected} in the log of {station}", "none", station, story(about))


def _of_call(
    history: History, received: Observation, call: Frame, answer: Frame, sent: Observation
) -> Iterator[Violation]:
    """See what is kept of a CALL that was refused, or taken though it breaks a rule, before it was answered."""
    station = received["station"]
    trace = history.derive(_traces).get(station) or Trace([], {})
    if answer.kind != CALLRESULT:
        said = f"{call.action[:40]} was answered {answer.code}"
        before = [one for one in trace.anomalies if one[0] < sent.i]
        kept = any(what == MALFORMED or (what == REFUSED and detail.startswith(said)) for _, what, detail in before)
        if not kept and len(before) < KINDS:
            yield _lost(f"{call.action} {call.id}, which was refused,", f"an anomaly: {said}", station, received, sent)
    elif not call.strict or history.derive(rules_broken)[received.i] - _untold(history):
        at = trace.deviations.get(call.action)
        if (at is None or at > sent.i) and len(trace.deviations) < KINDS:
            what = f"how {call.action} {call.id} breaks its schema"
            yield _lost(what, f"a deviation of {call.action}", station, received, sent)


def _untold(history: History) -> set[str]:
    """Return the rules that a CSMS need not look at: one that is strict holds the schemas without their formats."""
    return {"format"} if history.rules["answers"].get("acceptance") == "strict" else set()


def _of_text(history: History, seen: Observation) -> Iterator[Violation]:
    """See what is kept of a text that is no message in any reading."""
    try:
        message = json.loads(seen["text"].strip("\ufeff\x00 \t\r\n"), strict=False)
    except (ValueError, RecursionError):
        message = None
    if isinstance(message, list) and len(message) > 2:
        return
    trace = history.derive(_traces).get(seen["station"])
    if trace is None or not any(what == MALFORMED for _, what, _ in trace.anomalies):
        yield _lost("a text that is no message", f"an anomaly: {MALFORMED}", seen["station"], seen)


def _of_answer(history: History, seen: Observation, frame: Frame) -> Iterator[Violation]:
    """See what is kept of an answer: what became of its command, what speaks against that, or that nobody asked."""
    station = seen["station"]
    command = history.commands.get(frame.id)
    if command is not None and command.station == station:
        yield from _of_command(history, command, seen, frame)
        return
    if not frame.is_answer:
        return
    trace = history.derive(_traces).get(station)
    if trace is None or not any(what == UNPLACED for _, what, _ in trace.anomalies):
        yield _lost(f"an answer to {frame.id}, which nobody asked,", f"an anomaly: {UNPLACED}", station, seen)


def _of_command(history: History, command: Command, seen: Observation, frame: Frame) -> Iterator[Violation]:
    version = history.derive(socket_versions).get((seen["station"], seen["socket"]), USUAL)
    said = answer_means(frame, NOT_DONE if version == USUAL else NOT_DONE_201)
    if said is None or command.kind == "Probe" or command.asked.get("action") in READS:
        return
    if odd_answer(history, command, frame):
        return
    steps = {step for step, _ in command.steps}
    against = [
        event
        for event in history.streams.get(command.intent.stream, ())
        if event.type == "ContradictingEvidence" and event.data["command_id"] == command.command_id
    ]
    fits = {"accepted": YES, "rejected": NO}.get(said[0], DOUBT)
    if not steps & fits and not against:
        what = f"the answer {said[1]} to {command.kind} {command.command_id}"
        expected = f"{said[0]}, or what speaks against {', '.join(sorted(steps)) or 'nothing'}"
        yield _lost(what, expected, seen["station"], seen)


@invariant(
    "I41",
    "nothing said vanishes",
    records="log",
    needs=lambda history: history.derive(_heard).scope,
    absent="no station was answered and none answered, or the store was disturbed",
    frames=True,
    rest=True,
    ref="OCPP-J 1.6 section 4.2; OCPP 2.0.1 part 4 sections 4.2 and 4.3",
)
def nothing_vanishes(history: History) -> Iterator[Violation]:
    """Whatever a station sent that was not taken as it came is in the log, before it is answered where it is.

    A text that is no message, a CALL that is refused, one that is taken though it breaks its schema, an answer to
    nothing. And each answer to a command is its outcome, agrees with it, or stands beside it as a contradiction:
    the operator who looks into a dispute finds all that was said.
    """
    yield from history.derive(_heard).violations
