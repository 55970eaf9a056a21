"""Observations of a run in domain terms: the log, commands, calls, requests, sessions.

Each property is a fold over the observations. It is computed at its first use and kept until more is observed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from interlock.scenarios.record import frames
from interlock.scenarios.record.frames import CALL, Frame

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What every clock of a run reads at second 0."""

T = TypeVar("T")

_INDEX = attrgetter("i")


@lru_cache(maxsize=4096)
def seconds(at: str) -> float:
    """Return the second of the run at which an ISO time lies."""
    return (datetime.fromisoformat(at) - EPOCH).total_seconds()


class Observation(msgspec.Struct, eq=False, gc=False):
    """One thing that happened: the `i`th, at second `t`. Its fields are read as attributes or by name."""

    i: int
    t: float
    kind: str
    fields: dict[str, Any]
    _frame: Frame | bool | None = False
    """What its text says; False while nobody asked."""

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __getattr__(self, name: str) -> Any:
        if name in self.fields:
            return self.fields[name]
        raise AttributeError(f"an observation has no {name!r}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or `default` where this observation has none of that name."""
        return self.fields.get(name, default)

    def frame(self) -> Frame | None:
        """Return what a frame's text says, read once; None where it is no message at all (see `frames.loose`)."""
        found = self._frame
        if isinstance(found, bool):
            found = self._frame = frames.loose(self.fields.get("text"))
        return found

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"<{self.i} at {self.t:.3f} s: {self.kind} {shown}>"


@dataclass(slots=True)
class LogEvent:
    """An event as the log held it at rest. `i` and `t` are when it was stored, where that was recorded."""

    i: int
    t: float
    stream: str
    version: int
    id: str
    type: str
    data: dict[str, Any]

    @property
    def at(self) -> float:
        """The second at which the CSMS says it recorded this: when it was decided, not when it was stored."""
        return seconds(self.data["at"])


OUTCOMES = {
    "CommandAccepted": "accepted",
    "CommandRejected": "rejected",
    "CommandConfirmed": "confirmed",
    "CommandRefuted": "refuted",
    "CommandUnknown": "unknown",
    "CommandLapsed": "lapsed",
    "CommandClosed": "closed",
}
"""The phase each outcome event puts a command in: the judges' own copy of the words, which a test compares."""
STEPS = {
    **OUTCOMES,
    "CommandInDoubt": "in-doubt",
    "TransactionStarted": "fulfilled",
    "TransactionUpdated": "fulfilled",
}
"""What each event that carries a command id does to that command: a start may show in an update first (2.0.1)."""


@dataclass(slots=True)
class Command:
    """What the log says about one command: how it was asked for, and every step after that."""

    command_id: str
    request_id: str
    station: str
    asked: dict[str, Any]
    intents: list[LogEvent]
    steps: list[tuple[str, LogEvent]] = field(default_factory=list)

    @property
    def intent(self) -> LogEvent:
        """The event that made it durable."""
        return self.intents[0]

    @property
    def kind(self) -> str:
        """What was asked for, such as Unlock."""
        return str(self.asked.get("kind"))

    def outcomes(self) -> list[tuple[str, LogEvent]]:
        """Return the steps that say what became of it."""
        return [step for step in self.steps if step[0] not in ("in-doubt", "fulfilled")]


@dataclass(slots=True)
class Request:
    """One attempt of an operator to have something done, and how it was answered."""

    request_id: str
    attempt: int
    asked: Observation | None
    answers: list[Observation] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """One physical charging session of a station."""

    begun: Observation
    ended: Observation | None = None


@dataclass(slots=True)
class StationTransaction:
    """A transaction as a station that names its transactions had it: begun, its sessions, ended once it is over."""

    begun: Observation
    sessions: list[Session] = field(default_factory=list)
    ended: Observation | None = None


@dataclass(slots=True)
class Wire:
    """The frames at the CSMS's edge that can be read, in order, by what they are."""

    asked: list[Observation] = field(default_factory=list)
    """CALLs of stations."""
    answered: list[Observation] = field(default_factory=list)
    """The CSMS's answers."""
    called: list[Observation] = field(default_factory=list)
    """CALLs of the CSMS."""
    replied: list[Observation] = field(default_factory=list)
    """Stations' answers."""
    actions: set[str] = field(default_factory=set)
    """What stations called."""


@lru_cache(maxsize=4096)
def station_of(stream: str) -> str | None:
    """Return the station a stream decides about, or None for any other stream."""
    return stream[8:] if stream.startswith("station-") else None


# --- all of it -------------------------------------------------------------------------------------------------------


CsmsFrame = tuple[Observation, Frame | None, bool]
"""A frame at the CSMS's edge, what it says, and whether the CSMS received it or sent it."""
Row = tuple[float, str, dict[str, Any]]
"""An observation as it is noted: when, its kind, its fields."""


class reading(Generic[T]):
    """A property that is worked out once, see `Readings`. Found in the instance from then on."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self.work, self.name, self.__doc__ = work, work.__name__, work.__doc__

    def __get__(self, readings: Readings, owner: type) -> T:
        found = readings.__dict__[self.name] = self.work(readings)
        readings._read.append(self.name)
        return found


class Readings:
    """What the observations noted so far say. What was worked out is kept until more is noted."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._derived: dict[Any, Any] = {}
        self._read: list[str] = []
        """The readings that were worked out."""

    def derive(self, work: Callable[[Any], T]) -> T:
        """Return `work(self)`, worked out once for as long as nothing more is observed. `work` must be pure."""
        found: T | None = self._derived.get(work)
        if found is None:
            found = self._derived[work] = work(self)
            self._read.append("")
        return found

    def forget(self) -> None:
        """Work everything out anew from now on: more was noted."""
        for name in self._read:
            self.__dict__.pop(name, None)
        self._read, self._derived = [], {}

    # --- observations ---

    @reading
    def observations(self) -> list[Observation]:
        """Every observation in order."""
        return [Observation(i, round(t, 6), kind, fields) for i, (t, kind, fields) in enumerate(self._rows)]

    @reading
    def kinds(self) -> dict[str, list[Observation]]:
        """The observations by kind."""
        kinds: dict[str, list[Observation]] = defaultdict(list)
        for seen in self.observations:
            kinds[seen.kind].append(seen)
        return dict(kinds)

    def of(self, kind: str) -> Sequence[Observation]:
        """Return the observations of one kind in order."""
        return self.kinds.get(kind, ())

    def of_any(self, *kinds: str) -> Sequence[Observation]:
        """Return the observations of several kinds in order."""
        found: Sequence[Observation] | None = self._derived.get(kinds)
        if found is None:
            several = [seen for kind in kinds if (seen := self.kinds.get(kind))]
            found = several[0] if len(several) == 1 else sorted(chain.from_iterable(several), key=_INDEX)
            self._derived[kinds] = found
        return found

    @reading
    def phases(self) -> dict[str, Observation]:
        """The moment each phase of the run began, by name."""
        return {seen["name"]: seen for seen in reversed(self.of("phase"))}

    def phase(self, name: str) -> Observation | None:
        """Return the moment a phase of the run began."""
        return self.phases.get(name)

    # --- the log, as it was read back at rest ---

    @reading
    def log(self) -> list[LogEvent]:
        """The whole log in the order it was read."""
        stored = {seen.fields["id"]: seen for seen in self.of("stored")}
        log = []
        for seen in self.of("log"):
            event = seen.fields
            when = stored.get(event["id"])
            if when is not None:
                i, t = when.i, when.t
            else:
                i, t = seen.i, seconds(event["data"]["at"]) if "at" in event["data"] else seen.t
            log.append(LogEvent(i, t, event["stream"], event["version"], event["id"], event["type"], event["data"]))
        return log

    @reading
    def streams(self) -> dict[str, list[LogEvent]]:
        """The log by stream."""
        streams: dict[str, list[LogEvent]] = {}
        for event in self.log:
            streams.setdefault(event.stream, []).append(event)
        return streams

    @reading
    def events(self) -> dict[str, LogEvent]:
        """The log by event id."""
        return {event.id: event for event in self.log}

    def head(self, station: str) -> int:
        """Return the last version of a station's stream."""
        stream = self.streams.get(f"station-{station}")
        return stream[-1].version if stream else 0

    @reading
    def commands(self) -> dict[str, Command]:
        """What the log says about each command, by command id."""
        commands: dict[str, Command] = {}
        for event in self.log:
            station, data = station_of(event.stream), event.data
            if station is None:
                continue
            if event.type == "CommandRequested":
                command_id = data["command_id"]
                if command_id in commands:
                    commands[command_id].intents.append(event)
                else:
                    commands[command_id] = Command(command_id, data["request_id"], station, data["command"], [event])
            elif (step := STEPS.get(event.type)) is not None:
                command = commands.get(data.get("command_id") or "")
                if command is not None:
                    command.steps.append((step, event))
        return commands

    # --- the wire ---

    @reading
    def calls(self) -> dict[str, list[Observation]]:
        """The CALLs the CSMS wrote for each command, by command id."""
        calls: dict[str, list[Observation]] = {}
        for seen in self.of("call"):
            calls.setdefault(seen.fields["command_id"], []).append(seen)
        return calls

    @reading
    def first_calls(self) -> dict[tuple[str, str], Observation]:
        """The first CALL the CSMS wrote under each message id, by station and message id."""
        found: dict[tuple[str, str], Observation] = {}
        for seen in self.of("call"):
            found.setdefault((seen.fields["station"], seen.fields["message_id"]), seen)
        return found

    def call(self, station: str, message_id: str | None) -> Observation | None:
        """Return the first CALL the CSMS wrote under a message id."""
        return self.first_calls.get((station, message_id or ""))

    @reading
    def csms_frames(self) -> list[CsmsFrame]:
        """The frames at the CSMS's edge in order. A text is read once for both its edges, while it is known."""
        found = []
        for seen in self.of("frame"):
            frame, edge = seen.frame(), seen.fields["edge"]
            if edge == "csms.received" or edge == "csms.sent":
                found.append((seen, frame, edge == "csms.received"))
        return found

    @reading
    def csms_frames_and_stored(self) -> list[CsmsFrame]:
        """The frames at the CSMS's edge and what was stored, in order; an event has no frame and is not received."""
        stored: list[CsmsFrame] = [(seen, None, False) for seen in self.of("stored")]
        return sorted([*self.csms_frames, *stored], key=_place)

    @reading
    def wire(self) -> Wire:
        """What was said at the CSMS's edge."""
        wire = Wire()
        for seen, frame, received in self.csms_frames:
            if frame is None:
                continue
            if frame.kind == CALL:
                (wire.asked if received else wire.called).append(seen)
                if received:
                    wire.actions.add(frame.action)
            elif frame.is_answer:
                (wire.replied if received else wire.answered).append(seen)
        return wire

    @reading
    def call_frames(self) -> dict[tuple[str, str], list[Observation]]:
        """The CALL frames that left the CSMS, by station and message id."""
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in self.wire.called:
            found.setdefault((seen.fields["station"], _id(seen)), []).append(seen)
        return found

    @reading
    def answers(self) -> dict[tuple[str, str], list[Observation]]:
        """The frames that answer CALLs and reached the CSMS, by station and message id."""
        if not any(seen.fields["edge"].startswith("csms.") for seen in self.of("frame")):
            return self._arrived()
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in self.wire.replied:
            found.setdefault((seen.fields["station"], _id(seen)), []).append(seen)
        return found

    def _arrived(self) -> dict[tuple[str, str], list[Observation]]:
        """The same from outside: an answer has arrived if the CSMS answered what the station said after it."""
        found: dict[tuple[str, str], list[Observation]] = {}
        sent: dict[tuple[str, int], list[tuple[str, Observation]]] = {}
        behind: dict[tuple[str, int, str], int] = {}
        for seen in self.of("frame"):
            station, socket, frame = seen.fields["station"], seen.fields["socket"], seen.frame()
            if frame is None:
                continue
            answered = sent.setdefault((station, socket), [])
            if seen.fields["edge"] == "station.sent" and frame.kind == CALL:
                behind[station, socket, frame.id] = len(answered)
            elif seen.fields["edge"] == "station.sent":
                answered.append((frame.id, seen))
            elif frame.is_answer:
                for one, told in answered[: behind.pop((station, socket, frame.id), 0)]:
                    if told not in found.setdefault((station, one), []):
                        found[station, one].append(told)
        return found

    # --- the station ---

    @reading
    def decisions(self) -> dict[tuple[str, str], list[Observation]]:
        """What stations decided about CALLs, by station and message id."""
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in self.of("obeyed"):
            found.setdefault((seen.fields["station"], seen.fields["message_id"]), []).append(seen)
        return found

    def obeyed(self, station: str, message_id: str) -> Sequence[Observation]:
        """Return what a station decided about a CALL, each time it acted on one."""
        return self.decisions.get((station, message_id), ())

    @reading
    def effects(self) -> dict[tuple[str, str], list[Observation]]:
        """Actuator moves and sessions caused remotely, by station and message id ("" where there was none)."""
        moved = [seen for seen in self.of("ledger") if seen.fields["by"] == "remote"]
        begun = [seen for seen in self.of("session.begun") if seen.fields.get("message_id") is not None]
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in sorted(moved + begun, key=index):
            found.setdefault((seen.fields["station"], seen.fields.get("message_id") or ""), []).append(seen)
        return found

    def caused(self, station: str, message_id: str) -> Sequence[Observation]:
        """Return the actuator moves and sessions that a CALL caused."""
        return self.effects.get((station, message_id), ())

    @reading
    def sessions(self) -> list[Session]:
        """The physical charging sessions."""
        return list(self.derive(_sessions).values())

    @reading
    def named_transactions(self) -> dict[tuple[str, str], StationTransaction]:
        """The transactions that stations named themselves (OCPP 2.x), by station and id."""
        found: dict[tuple[str, str], StationTransaction] = {}
        for seen in self.of("transaction.begun"):
            found[seen.fields["station"], seen.fields["transaction_id"]] = StationTransaction(seen)
        for seen in self.of("transaction.session"):
            station = seen.fields["station"]
            one, session = found.get((station, seen.fields["transaction_id"])), (station, seen.fields["session"])
            if one is not None and session in self.derive(_sessions):
                one.sessions.append(self.derive(_sessions)[session])
        for seen in self.of("transaction.ended"):
            if (one := found.get((seen.fields["station"], seen.fields["transaction_id"]))) is not None:
                one.ended = seen
        return found

    @reading
    def untold(self) -> list[Observation]:
        """Messages that stations gave up because nobody answered them."""
        return [seen for seen in self.of("untold") if not seen.fields["refused"]]

    # --- the operator ---

    @reading
    def requests(self) -> dict[tuple[str, int], Request]:
        """What operators asked, by request id and attempt."""
        requests: dict[tuple[str, int], Request] = {}
        for seen in self.of("request.asked"):
            key = seen.fields["request_id"], seen.fields["attempt"]
            requests[key] = Request(*key, seen)
        for seen in self.of("request.answered"):
            key = seen.fields["request_id"], seen.fields["attempt"]
            requests.setdefault(key, Request(*key, None)).answers.append(seen)
        return requests


def index(seen: Observation) -> int:
    """Return where an observation stands in its history."""
    return seen.i


def _place(one: CsmsFrame) -> int:
    return one[0].i


def _id(seen: Observation) -> str:
    """Return the message id of a frame that can be read."""
    frame = seen.frame()
    return frame.id if frame is not None else ""


def _sessions(readings: Readings) -> dict[tuple[str, str], Session]:
    """Return the physical charging sessions by station and name."""
    sessions: dict[tuple[str, str], Session] = {}
    for seen in readings.of("session.begun"):
        sessions[seen.fields["station"], seen.fields["session"]] = Session(seen)
    for seen in readings.of("session.ended"):
        session = sessions.get((seen.fields["station"], seen.fields["session"]))
        if session is not None:
            session.ended = seen
    return sessions
