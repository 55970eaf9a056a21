"""The life of a command as a table of legal steps, each no earlier than its reason and no later than its bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.scenarios.judge.expected_answers import VERSION
from interlock.scenarios.judge.invariants.calls_as_asked import USUAL, socket_versions
from interlock.scenarios.judge.invariants.declare import Looked, Told, invariant, story
from interlock.scenarios.judge.invariants.model import Lives, store_failed
from interlock.scenarios.judge.invariants.probes import EARLY_S, asked_too_little, probes_of, untimely
from interlock.scenarios.judge.payloads import of_answer
from interlock.scenarios.judge.verdict import Violation, as_text
from interlock.scenarios.record.frames import CALLRESULT, Frame
from interlock.scenarios.record.history import Command, History, LogEvent, Observation, seconds, station_of

LEGAL: dict[str, frozenset[str]] = {
    "requested": frozenset({"accepted", "rejected", "confirmed", "refuted", "in-doubt"}),
    "in-doubt": frozenset({"accepted", "rejected", "confirmed", "refuted", "unknown", "closed"}),
    "unknown": frozenset({"accepted", "rejected", "confirmed", "closed"}),
    "closed": frozenset({"accepted", "rejected", "confirmed"}),
    "accepted": frozenset({"lapsed", "confirmed"}),
    "rejected": frozenset(),
    "confirmed": frozenset(),
    "refuted": frozenset(),
    "lapsed": frozenset(),
}
"""Where a command may go from each phase. What is settled stays so: a contradiction is kept beside it."""
OVERDUE_S = 20.0
"""How long after its deadline a command may still be only requested, on a node that lives and with a sound store."""
NOTICED_S = 10.0
"""How long it may take until a node that works through what came before it sees that a connection is gone."""
YES = frozenset({"Accepted", "Unlocked", "Scheduled", "RebootRequired", "AcceptedCanceled", "Unpublished"})
YES |= {"EmptyResultSet", "NoProfiles"}  # it was looked up, and there is nothing to report
LISTS = {
    "setVariableResult": "attributeStatus",
    "setMonitoringResult": "status",
    "clearMonitoringResult": "status",
}
"""Answers of 2.0.1 with a status for each element, each taken or refused by itself (B05.FR.01): one yes is a yes."""
NOT_DONE = frozenset({"NotImplemented", "NotSupported"})
"""CALLERROR codes that say for certain that nothing was done."""
NOT_DONE_201 = NOT_DONE | {
    "MessageTypeNotSupported",
    "FormatViolation",
    "FormationViolation",
    "TypeConstraintViolation",
    "PropertyConstraintViolation",
    "OccurrenceConstraintViolation",
    "OccurenceConstraintViolation",
    "SecurityError",
}
"""The same in OCPP 2.0.1 part 4 section 4.3: what is not understood or not allowed is refused before it is acted on."""
READS = frozenset(
    {
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetVariables",
        "UpdateFirmware",
    }
)
"""Requests whose answer has no status in one version at least: a status in it says nothing."""
Wrong = tuple[str, str]
"""What was expected, and what was found."""


def _lives(history: History) -> Looked:
    looked = Looked()
    for command in history.commands.values():
        if (about := _probed(history, command)) is not None and about.asked.get("evse") != command.asked.get("evse"):
            elsewhere = f"EVSE {about.asked.get('evse')}, where its start is", f"EVSE {command.asked.get('evse')}"
            looked.violations.append(_violation(command, "asks about another place", elsewhere, [command.intent]))
        if about is not None and (early := untimely(history, command, about)) is not None:
            intents: list[Told] = [about.intent, command.intent]
            looked.violations.append(_violation(command, "asks when nobody should", early, intents))
        if (wrong := _deadline(history, command)) is not None:
            looked.violations.append(_violation(command, "has another deadline than is set", wrong, [command.intent]))
        phase, since = "requested", command.intent
        for step, event in command.steps:
            if step == "fulfilled":
                continue
            looked.checked += 1
            wrong = _wrong(history, command, phase, since, step, event)
            if wrong is not None:
                answers = _answers(history, command)
                looked.violations.append(
                    _violation(command, f"goes from {phase} to {step}", wrong, [since, *answers, event])
                )
            phase, since = step, event
        looked.violations += _at_its_end(history, command, phase)
    return looked


def _probed(history: History, command: Command) -> Command | None:
    """Return the command that a probe of the CSMS's own asks about."""
    parts = command.request_id.split(":")
    return history.commands.get(parts[1]) if parts[0] == "probe" and len(parts) == 3 else None


DEADLINE_S = 1.0
"""By how much a deadline may differ from the time-out that is set."""


def _deadline(history: History, command: Command) -> Wrong | None:
    timeout_s, data = history.rules.get("call_timeout_s"), command.intent.data
    if timeout_s is None or "deadline" not in data or history.rules.get("answers") is None:
        return None
    found_s = seconds(data["deadline"]) - command.intent.at
    if abs(found_s - timeout_s) <= DEADLINE_S:
        return None
    return f"{timeout_s:g} s after it was decided", f"{found_s:.3f} s after"


def _violation(command: Command, what: str, wrong: Wrong, about: list[Told]) -> Violation:
    return Violation(f"{command.kind} {command.command_id} {what}", *wrong, command.station, story(about))


def _wrong(history: History, command: Command, phase: str, since: LogEvent, step: str, event: LogEvent) -> Wrong | None:
    if step not in LEGAL[phase]:
        allowed = ", ".join(sorted(LEGAL[phase])) or "nothing more"
        return f"after {phase}: {allowed}", step
    match step:
        case "accepted" | "rejected":
            return _as_answered(history, command, step, event)
        case "in-doubt":
            return _doubted(history, command, event)
        case "refuted" if phase == "requested":
            left = [seen for seen in _frames(history, command) if seen.i < event.i]
            return ("no frame left before that", f"one left at {left[0].t:.3f} s") if left else None
        case "refuted":
            return _asked_for_evidence(history, command, event) or _not_before(history, command, event, "lateness_s")
        case "unknown":
            early = _not_before(history, command, event, "lateness_s", _probing_s(history, command))
            return early or asked_too_little(history, command, since, event)
        case "lapsed":
            if command.kind != "RemoteStart":
                return "only a start lapses", command.kind
            due_s = since.at + history.rules.get("start_window_s", 0.0)
            if _shown_idle(history, command, event):
                return None
            if event.at >= due_s - EARLY_S:
                return asked_too_little(history, command, since, event)
            return f"not before {due_s:.3f} s", f"at {event.at:.3f} s"
        case "confirmed":
            return _evidence(history, command, event)
    return None


def _probing_s(history: History, command: Command) -> float:
    """Return how long a station is asked about a start before nobody asks any more."""
    return float(history.rules.get("probing_s", 0.0)) if command.kind == "RemoteStart" else 0.0


def _not_before(history: History, command: Command, event: LogEvent, bound: str, more_s: float = 0.0) -> Wrong | None:
    """An effect or answer may come late: nobody gives up before the deadline and that bound are over."""
    if "deadline" not in command.intent.data:
        return None
    due_s = seconds(command.intent.data["deadline"]) + history.rules.get(bound, 0.0) + more_s
    if event.at >= due_s - EARLY_S:
        return None
    return f"not before {due_s:.3f} s: the deadline and {bound} of {history.rules.get(bound, 0.0):g} s", (
        f"at {event.at:.3f} s"
    )


def _frames(history: History, command: Command) -> list[Observation]:
    found: list[Observation] = []
    for call in history.calls.get(command.command_id, ()):
        found += history.call_frames.get((call["station"], call["message_id"]), ())
    return found


def _answers(history: History, command: Command) -> list[Observation]:
    calls = history.calls.get(command.command_id, ())
    return [seen for call in calls for seen in history.answers.get((call["station"], call["message_id"]), ())]


def _as_answered(history: History, command: Command, step: str, event: LogEvent) -> Wrong | None:
    """An outcome that is an answer is one that came, in its own words, and as it was meant."""
    frames = [frame for seen in _answers(history, command) if seen.i < event.i and (frame := seen.frame())]
    if not frames:
        return "an answer that came before that", "none came"
    if command.asked.get("action") in READS:
        return None
    not_done = NOT_DONE if _version(history, command) == USUAL else NOT_DONE_201
    said = [None if odd_answer(history, command, frame) else answer_means(frame, not_done) for frame in frames]
    if any(one is None for one in said) or (step, event.data["status"]) in said:
        return _payload_kept(frames, event)
    return f"what was answered: {', '.join(f'{one[0]} ({one[1]})' for one in said if one)}", (
        f"{step} ({event.data['status']})"
    )


def _version(history: History, command: Command) -> str:
    """Return the subprotocol of the socket a command left on."""
    versions = history.derive(socket_versions)
    return next((versions.get((command.station, seen["socket"]), USUAL) for seen in _frames(history, command)), USUAL)


def odd_answer(history: History, command: Command, frame: Frame) -> bool:
    """Tell whether an answer breaks its schema: then it may be read by its status, or mean nothing."""
    version, call = VERSION.get(_version(history, command)), history.call(command.station, frame.id)
    if frame.kind != CALLRESULT or version is None or call is None:
        return False
    return of_answer(version, call["action"], frame.payload) is not None


def answer_means(frame: Frame, not_done: frozenset[str]) -> tuple[str, str] | None:
    """Return the step an answer leads to and its word; None where it has no status of its own, as in 2.0.1 at times."""
    if frame.kind != CALLRESULT:
        return ("rejected", frame.code) if frame.code in not_done else ("in-doubt", frame.code)
    status = _of_list(frame) or frame.field("status")
    if status is None:
        return None
    return ("accepted" if status in YES else "rejected"), str(status)


def _of_list(frame: Frame) -> str | None:
    """Return the word of an answer that has one for each element: a yes if there is one."""
    for name, member in LISTS.items():
        if isinstance(found := frame.field(name), list):
            words = [str(one.get(member)) for one in found if isinstance(one, dict)]
            return next((word for word in words if word in YES), words[0] if words else "Rejected")
    return None


def _payload_kept(frames: list[Frame], event: LogEvent) -> Wrong | None:
    if "answer" not in event.data:
        return None
    kept = event.data["answer"]
    if any(frame.kind != CALLRESULT or frame.payload == kept or _secret(frame.payload) for frame in frames):
        return None
    return "the payload of the answer", as_text(kept, 200)


def _secret(payload: Any) -> bool:
    """Tell whether a password may be in an answer: it is kept without it."""
    said = str(payload).lower()
    return "authorizationkey" in said or "basicauthpassword" in said


def _doubted(history: History, command: Command, event: LogEvent) -> Wrong | None:
    """A doubt has a reason: the deadline, an answer that says nothing, a line that broke, a node that fell."""
    data = command.intent.data
    if "deadline" not in data or event.at >= seconds(data["deadline"]) - EARLY_S:
        return None
    if any(seen.i < event.i for seen in _answers(history, command)):
        return None
    for seen in history.of_any("socket.closed", "node.crashed", "node.started", "node.stopping", "node.broke"):
        ours = seen["station"] == command.station if seen.kind == "socket.closed" else seen["node"] == data["node"]
        if ours and command.intent.t - NOTICED_S < seen.t and seen.i < event.i:
            return None
    if any(seen.i < event.i for seen in history.of("task.failed")) or replaced(history, command, event):
        return None
    found = f"at {event.at:.3f} s: {event.data.get('why')}"
    return f"its deadline at {seconds(data['deadline']):.3f} s, an answer, a broken connection or a crash", found


def replaced(history: History, command: Command, event: LogEvent) -> bool:
    """Tell whether a newer connection took a command's place by an event: who has that cannot know what was sent."""
    stream = history.streams.get(command.intent.stream, ())
    between = stream[command.intent.version : event.version]
    return any(one.type == "CameOnline" and one.data["epoch"] > command.intent.data["epoch"] for one in between)


def _asked_for_evidence(history: History, command: Command, event: LogEvent) -> Wrong | None:
    """Silence proves nothing: whoever says that a start came to nothing has asked the station and had an answer."""
    if command.kind != "RemoteStart":
        return "a doubt that is refuted is one about a start", command.kind
    probes = [probe for probe in probes_of(history, command) if probe.intent.i < event.i]
    if any(seen.i < event.i for probe in probes for seen in _answers(history, probe)):
        return None
    return "the station was asked and answered", f"{len(probes)} probes, none answered"


def _evidence(history: History, command: Command, event: LogEvent) -> Wrong | None:
    """What confirms a command is in the log too, at that moment."""
    asked, wanted = command.asked, "a transaction of it"
    if command.kind == "RemoteStart":
        there = any(step == "fulfilled" and one.version <= event.version for step, one in command.steps)
        there = there or _shown_by_its_id(history, command, event)
    elif command.kind == "RemoteStop":
        wanted = f"the end of transaction {asked['transaction_id']}"
        there = any(
            one.type in ("TransactionStopped", "TransactionUpdated") and one.version <= event.version
            for one in history.derive(_of_transactions).get((command.station, str(asked["transaction_id"])), ())
        )
    elif command.kind in ("Unlock", "Reset"):
        wanted = "a message that tells of it"
        there = any(one.i < event.i for one in _telling(history, command))
    else:
        return None
    return None if there else (f"{wanted} in the log before that", f"none: {event.data.get('evidence')}")


def _telling(history: History, command: Command) -> Iterator[LogEvent]:
    """Return the events that show an unlock or a reset of 2.0.1, a remote stop, by what their messages name."""
    station, asked = command.station, command.asked
    if command.kind == "Reset" and not asked.get("evse"):
        yield from history.derive(_reset_boots).get(station, ())
    for event in history.streams.get(command.intent.stream, ()):
        data = event.data
        if event.type == "TransactionStopped" and command.kind == "RemoteStop":
            if data["transaction_id"] == str(asked["transaction_id"]):
                yield event
        elif event.type == "TransactionUpdated":
            ended = data["trigger"] == "RemoteStop" and command.kind == "RemoteStop"
            moved = data["trigger"] == "UnlockCommand" and command.kind == "Unlock"
            if ended and data["transaction_id"] == str(asked["transaction_id"]):
                yield event
            if moved and _evse_of(history, station, data) == asked["evse"]:
                yield event


def _evse_of(history: History, station: str, data: dict[str, Any]) -> int:
    """Return where a transaction is: told once, at its beginning or later."""
    events = history.derive(_of_transactions).get((station, data["transaction_id"]), ())
    return int(data["evse"] or next((one.data["evse"] for one in events if one.data.get("evse")), 0))


def _reset_boots(history: History) -> dict[str, list[LogEvent]]:
    """Return the boots, by station, that are told to have a reset from here behind them."""
    told: dict[str, list[Observation]] = {}
    for seen, frame, received in history.csms_frames:
        if not received or frame is None or frame.action != "BootNotification":
            continue
        if frame.field("reason") in ("RemoteReset", "ScheduledReset"):
            told.setdefault(seen["station"], []).append(seen)
    found: dict[str, list[LogEvent]] = {}
    for station, frames in told.items():
        booted = [event for event in history.streams.get(f"station-{station}", ()) if event.type == "Booted"]
        for seen in frames:
            found.setdefault(station, []).extend([event for event in booted if event.i > seen.i][:1])
    return found


def _shown_by_its_id(history: History, command: Command, event: LogEvent) -> bool:
    """Tell whether a stop carried a start's id (2.0.1): its event does not say so, the evidence does."""
    return command.asked.get("remote_start_id") is not None and any(
        one.version <= event.version
        for one in history.streams.get(event.stream, ())
        if one.type == "TransactionStopped"
    )


def _of_transactions(history: History) -> dict[tuple[str, str], list[LogEvent]]:
    """What the log says of each transaction, by station and its name."""
    found: dict[tuple[str, str], list[LogEvent]] = {}
    for event in history.log:
        station = station_of(event.stream)
        if station is not None and event.type in ("TransactionStarted", "TransactionUpdated", "TransactionStopped"):
            found.setdefault((station, event.data["transaction_id"]), []).append(event)
    return found


# --- its end ---------------------------------------------------------------------------------------------------------


def _at_its_end(history: History, command: Command, phase: str) -> Iterator[Violation]:
    if phase == "unknown" and command.kind == "RemoteStop" and history.rules.get("bounds") is None:
        ends = [
            one
            for one in history.derive(_of_transactions).get((command.station, command.asked["transaction_id"]), ())
            if one.type == "TransactionStopped" and one.version > command.intent.version
        ]
        if ends:
            wrong = "confirmed: its transaction ended, and the log says so", "unknown"
            yield _violation(command, "is unknown though its evidence is in the log", wrong, [command.intent, *ends])
    if phase == "unknown" and any(step == "fulfilled" for step, _ in command.steps):
        wrong = "confirmed: its transaction is in the log", "unknown"
        yield _violation(command, "is unknown though its evidence is in the log", wrong, [command.intent])
    if command.kind == "RemoteStart":
        yield from _evidence_unused(history, command)
    elif history.rules.get("bounds") is None:
        yield from _telling_unused(history, command)
    yield from _overdue(history, command)


def _telling_unused(history: History, command: Command) -> Iterator[Violation]:
    """What tells of the effect of a command in doubt, or of one that was given up, confirms it at once.

    Not an unlock that was given up before another one of its EVSE was asked for: that may be what is told of.
    """
    steps = [(step, event) for step, event in command.steps if step != "fulfilled"]
    for shown in _telling(history, command):
        before = [step for step, event in steps if event.version < shown.version]
        after = next((one for one in steps if one[1].version > shown.version), None)
        doubted = bool(before) and before[-1] in ("in-doubt", "unknown")
        if doubted and before[-1] == "unknown" and _unlocked_since(history, command, shown):
            continue
        if doubted and (after is None or after[0] not in OUTCOMES_TOLD or after[1].at > shown.at + AT_ONCE_S):
            found = f"{after[0]} at {after[1].at:.3f} s" if after else before[-1]
            wrong = f"confirmed by what was told at {shown.at:.3f} s", found
            yield _violation(command, "is not confirmed by what tells of it", wrong, [command.intent, shown])
            return


def _unlocked_since(history: History, command: Command, event: LogEvent) -> bool:
    """Tell whether another unlock of the same EVSE was asked for between an unlock and an event."""
    return command.kind == "Unlock" and any(
        one.kind == "Unlock"
        and (one.station, one.asked["evse"]) == (command.station, command.asked["evse"])
        and command.intent.version < one.intent.version < event.version
        for one in history.commands.values()
    )


AT_ONCE_S = 1.0
OUTCOMES_TOLD = ("confirmed", "accepted", "rejected")
"""What may come right after the evidence: an answer may arrive at that moment, too."""
LIVE_S = 60.0
"""A status whose time agrees with ours to this is live."""


def _evidence_unused(history: History, command: Command) -> Iterator[Violation]:
    """What shows that nothing was begun ends an open start at once: an answered probe, and under 1.6 a status after it.

    Not of a station that may not tell of transactions, and not by a status whose time makes it doubtful.
    """
    stream = history.streams.get(command.intent.stream, ())
    steps = [(step, event) for step, event in command.steps if step != "fulfilled"]
    for probe in probes_of(history, command):
        answered = next((event for step, event in probe.steps if step == "accepted"), None)
        if answered is None:
            continue
        shown: LogEvent | None = answered if answered.data["status"] == "NoMessagesInQueue" else None
        if answered.data["status"] == "Accepted":
            shown = next((one for one in stream[answered.version :] if _idle(one, command)), None)
        if shown is None or _barred(stream, shown) or not _open_at(command, steps, shown):
            continue
        after = next((one for one in steps if one[1].version > shown.version), None)
        if after is None or after[0] not in ("refuted", "lapsed") or after[1].t > shown.t + EARLY_S:
            found = f"{after[0]} at {after[1].at:.3f} s" if after else "nothing"
            wrong = "refuted or lapsed, as the station was asked and has nothing", found
            yield _violation(command, "goes on though it was shown that nothing began", wrong, [command.intent, shown])
            return


def _shown_idle(history: History, command: Command, event: LogEvent) -> bool:
    """Tell whether a probe about a start, answered before an event, showed that nothing had begun: no need to wait."""
    stream = history.streams.get(command.intent.stream, ())
    for probe in probes_of(history, command):
        answered = next((one for step, one in probe.steps if step == "accepted" and one.version < event.version), None)
        if answered is None:
            continue
        if answered.data["status"] == "NoMessagesInQueue":
            return True
        if any(_idle(one, command) for one in stream[answered.version : event.version - 1]):
            return True
    return False


def _idle(event: LogEvent, command: Command) -> bool:
    data = event.data
    if event.type != "StatusReported" or data["evse"] != command.asked["evse"] or data["status"] != "Available":
        return False
    return data["reported_at"] is None or abs(seconds(data["reported_at"]) - event.at) < LIVE_S


def _barred(stream: Sequence[LogEvent], event: LogEvent) -> bool:
    booted = [one for one in stream[: event.version] if one.type == "Booted"]
    return bool(booted) and booted[-1].data["registration"] != "Accepted"


def _open_at(command: Command, steps: list[tuple[str, LogEvent]], event: LogEvent) -> bool:
    """Tell whether a start was in doubt, or accepted without its transaction, right before an event."""
    before = [step for step, one in steps if one.version < event.version]
    shown = any(step == "fulfilled" and one.version < event.version for step, one in command.steps)
    return bool(before) and not shown and before[-1] in ("in-doubt", "accepted")


def _overdue(history: History, command: Command) -> Iterator[Violation]:
    """A command is not only requested for long after its deadline: it is answered, refused by the line, or doubted."""
    data, rest = command.intent.data, history.phase("rest")
    if "deadline" not in data or rest is None:
        return
    due_s = seconds(data["deadline"]) + OVERDUE_S
    first = next((event for step, event in command.steps if step != "fulfilled"), None)
    if due_s > rest.t or (first is not None and first.at <= due_s):
        return
    node, asked = data["node"], command.intent
    if history.derive(Lives).fell(node, asked.i, due_s) or _broke_off(history, node, asked.t, due_s):
        return
    if store_failed(history, node, command.station, asked.t, due_s):
        return
    found = f"at {first.at:.3f} s" if first is not None else "never"
    wrong = f"its first outcome, or a doubt, by {due_s:.3f} s", found
    about: list[Told] = [command.intent] if first is None else [command.intent, first]
    yield _violation(command, "is only requested long after its deadline", wrong, about)


def _broke_off(history: History, node: str, from_s: float, until_s: float) -> bool:
    """Tell whether anything that a node was doing broke off in a span of seconds."""
    return any(seen["node"] == node and from_s <= seen.t <= until_s for seen in history.of("node.broke"))


@invariant(
    "I39",
    "a command's life",
    records="log",
    needs=lambda history: history.derive(_lives).scope,
    absent="no command has an outcome",
    frames=True,
    rest=True,
    ref="Gray, Notes on Data Base Operating Systems, 1978: in doubt",
)
def command_lives(history: History) -> Iterator[Violation]:
    """Each step of a command is one of the table, has its reason, and comes neither before it nor long after.

    Accepted or rejected is an answer that came, in its own word, and means it; only NotImplemented and NotSupported
    are errors that say no. In doubt before the deadline: only by an answer that settles nothing, a broken connection
    or a crash. Refuted unsent: no frame left. Refuted, unknown and lapsed: not before the deadline and the lateness
    bound, or the start window, are over, and a refuted start was asked about; and once the station has shown, asked,
    that it has nothing, the start is over. Confirmed: its evidence is in the log;
    and nothing is unknown of which the evidence is.
    """
    yield from history.derive(_lives).violations


# --- starts nobody is given credit for -------------------------------------------------------------------------------


def _credits(history: History) -> Looked:
    looked = Looked()
    waiting: dict[str, dict[str, Command]] = {}
    by_id = {event.id: (step, command) for command in history.commands.values() for step, event in command.steps}
    intents = {command.intent.id: command for command in history.commands.values()}
    for event in history.log:
        station = station_of(event.stream)
        if station is None:
            continue
        open_here = waiting.setdefault(station, {})
        if (asked := intents.get(event.id)) is not None and asked.kind == "RemoteStart":
            open_here[asked.command_id] = asked
        if event.type == "TransactionStarted" and event.data.get("seq_no") is None and not event.data.get("late"):
            looked.checked += 1
            looked.violations += _not_credited(open_here, station, event)
        if (found := by_id.get(event.id)) is not None and found[0] not in ("in-doubt", "accepted", "unknown"):
            open_here.pop(found[1].command_id, None)
    return looked


def _not_credited(open_here: dict[str, Command], station: str, event: LogEvent) -> Iterator[Violation]:
    if event.data["command_id"] is not None:
        return
    for command in open_here.values():
        same = command.asked["evse"], str(command.asked["id_token"]).lower()
        if same == (event.data["evse"], str(event.data["id_token"]).lower()):
            yield Violation(
                f"transaction {event.data['transaction_id']} is not put down to the start that was waiting for it",
                f"command {command.command_id}: same EVSE, same token, nothing else shown for it",
                "no command",
                station,
                story(command.intent, event),
            )
            return


@invariant(
    "I40",
    "a start that was waited for is recognised",
    records="log",
    needs=lambda history: history.derive(_credits).scope,
    absent="no transaction began",
    rest=True,
    ref="OCPP 1.6 section 5.11",
)
def starts_are_recognised(history: History) -> Iterator[Violation]:
    """A transaction on the EVSE and for the token of a remote start that has none yet is put down to that start.

    It is the evidence the start was waiting for: without it the start lapses or stays unknown, and its hold keeps
    everybody off the connector for as long.
    """
    yield from history.derive(_credits).violations
