"""What happened in a run: observations in the order they were made, kept in memory and as JSON lines.

A history is recorded first and judged later, so it has two sides. `observe` notes an observation and does nothing
else. The rest reads: the observations by kind, and what they say in the words of the domain - the log, commands, calls,
requests, sessions. Those readings are worked out when first asked for and kept until more is observed.

Fields must be what JSON can hold (text, numbers, booleans, None, lists, dicts) and must not change once observed:
they are written out at the end. The names `i`, `t` and `kind` belong to the history.

Errors::

    HistoryDamaged   a run directory cannot be read back as it was written
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What every clock of a run reads at second 0."""
SCHEMA = 1
"""The version of `run.json` this module reads."""
FILE = "history.jsonl"
RUN_FILE = "run.json"

_RESERVED = frozenset(("i", "t", "kind"))
_CHUNK = 4096
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode = msgspec.json.Decoder().decode


class HistoryDamaged(Exception):
    """A run directory cannot be read back as it was written; the message says where and what, in one sentence."""


def seconds(at: str) -> float:
    """Return the second of the run at which an ISO time lies."""
    return (datetime.fromisoformat(at) - EPOCH).total_seconds()


def canonical(value: Any) -> bytes:
    """Return `value` as JSON bytes that are equal for equal content."""
    return _encode(value)


class Observation:
    """One thing that happened: the `i`th, at second `t`. Its fields are read as attributes or by name."""

    __slots__ = ("fields", "i", "kind", "t")

    def __init__(self, i: int, t: float, kind: str, fields: dict[str, Any]) -> None:
        self.i, self.t, self.kind, self.fields = i, t, kind, fields

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __getattr__(self, name: str) -> Any:
        if name not in Observation.__slots__ and name in self.fields:
            return self.fields[name]
        raise AttributeError(f"an observation has no {name!r}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or `default` where this observation has none of that name."""
        return self.fields.get(name, default)

    def message(self) -> list[Any] | None:
        """Return the OCPP-J message in a frame's text, or None where it is none."""
        try:
            found = _decode(self.fields["text"])
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        return found if isinstance(found, list) and found else None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"<{self.i} at {self.t:.3f} s: {self.kind} {shown}>"


# --- readings --------------------------------------------------------------------------------------------------------


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
}
"""The phase each outcome event puts a command in."""
STEPS = {**OUTCOMES, "CommandInDoubt": "doubt", "TransactionStarted": "fulfilled"}
"""What each event that carries a command id does to that command."""


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
        return [step for step in self.steps if step[0] not in ("doubt", "fulfilled")]


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


def station_of(stream: str) -> str | None:
    """Return the station a stream decides about, or None for any other stream."""
    return stream[8:] if stream.startswith("station-") else None


# --- the history -----------------------------------------------------------------------------------------------------


class History:
    """The observations of one run. `clock` says what second it is; `run` is what `run.json` holds, or will."""

    def __init__(self, clock: Callable[[], float], run: Mapping[str, Any] | None = None) -> None:
        self.run: Mapping[str, Any] = run or {}
        self._clock = clock
        self._rows: list[tuple[float, str, dict[str, Any]]] = []
        self._note = self._rows.append
        self._read: _Reading | None = None

    def observe(self, kind: str, **fields: Any) -> None:
        """Note that something happened now."""
        self._note((self._clock(), kind, fields))

    def __len__(self) -> int:
        return len(self._rows)

    # --- on disk ---

    def end(self) -> None:
        """Note that the history is complete. Does nothing the second time."""
        if not self._rows or self._rows[-1][1] != "end":
            self.observe("end", count=len(self._rows))

    def lines(self) -> Iterator[bytes]:
        """Iterate over the lines of the file: equal bytes for equal content, whatever order fields came in."""
        for i, (t, kind, fields) in enumerate(self._rows):
            if not _RESERVED.isdisjoint(fields):
                raise ValueError(f"observation {i} ({kind}) uses a name that belongs to the history: {sorted(fields)}")
            head = f'{{"i":{i},"t":{float(round(t, 6))!r},"kind":"{kind}"'.encode()
            yield head + (b"," + _encode(fields)[1:] if fields else b"}") + b"\n"

    def sha256(self) -> str:
        """Return the digest of the file without writing it."""
        self.end()
        digest = hashlib.sha256()
        for line in self.lines():
            digest.update(line)
        return digest.hexdigest()

    def write(self, path: Path | str) -> str:
        """Write the complete history to a file and return its sha256."""
        self.end()
        digest = hashlib.sha256()
        chunk: list[bytes] = []
        with open(path, "wb") as file:
            for line in self.lines():
                chunk.append(line)
                if len(chunk) == _CHUNK:
                    _flush(chunk, file.write, digest.update)
            _flush(chunk, file.write, digest.update)
        return digest.hexdigest()

    @classmethod
    def read(cls, run_dir: Path | str) -> History:
        """Read a run directory back, or raise `HistoryDamaged`."""
        path = Path(run_dir) / RUN_FILE
        try:
            run = _decode_object(path.read_bytes())
        except OSError as error:
            raise HistoryDamaged(f"{RUN_FILE} cannot be read: {error.strerror}") from None
        except msgspec.MsgspecError:
            raise HistoryDamaged(f"{RUN_FILE} is not a JSON object") from None
        if run.get("schema", SCHEMA) != SCHEMA:
            raise HistoryDamaged(f"{RUN_FILE} has schema {run['schema']!r}, this program reads {SCHEMA}")
        if not isinstance(run.get("rules", {}), dict):
            raise HistoryDamaged(f"{RUN_FILE} has rules that are not an object")
        return cls.load(Path(run_dir) / FILE, run)

    @classmethod
    def load(cls, path: Path | str, run: Mapping[str, Any] | None = None) -> History:
        """Read a history file back, or raise `HistoryDamaged`. With `run`, its digest and length must agree too."""
        name = Path(path).name
        history = cls(lambda: history._rows[-1][0] if history._rows else 0.0, run)
        digest = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                for number, line in enumerate(file, 1):
                    digest.update(line)
                    history._rows.append(_row(line, number, history._rows, name))
        except OSError as error:
            raise HistoryDamaged(f"{name} cannot be read: {error.strerror}") from None
        _check_end(history._rows, name)
        if run is not None:
            _check_against(run, digest.hexdigest(), len(history), name)
        return history

    # --- readings, see `_Reading` ---

    @property
    def _reading(self) -> _Reading:
        if self._read is None or self._read.size != len(self._rows):
            self._read = _Reading(self._rows)
        return self._read

    def derive(self, reading: Callable[[History], T]) -> T:
        """Return `reading(self)`, worked out once. `reading` must be a pure function."""
        kept = self._reading.derived
        if reading not in kept:
            kept[reading] = reading(self)
        found: T = kept[reading]
        return found

    @property
    def observations(self) -> list[Observation]:
        """Every observation in order."""
        return self._reading.observations

    def of(self, kind: str) -> Sequence[Observation]:
        """Return the observations of one kind in order."""
        return self._reading.kinds.get(kind, ())

    def of_any(self, *kinds: str) -> list[Observation]:
        """Return the observations of several kinds in order."""
        return sorted((seen for kind in kinds for seen in self.of(kind)), key=_index)

    @property
    def rules(self) -> Mapping[str, Any]:
        """The limits and bounds the run was to keep."""
        found: Mapping[str, Any] = self.run.get("rules", {})
        return found

    def station_rules(self, station: str) -> Mapping[str, Any]:
        """Return what is fixed for one station, such as `connectors` and `slots`."""
        found: Mapping[str, Any] = self.rules.get("stations", {}).get(station, {})
        return found

    @property
    def complete(self) -> bool:
        """Whether single frames and stored events were recorded, not only facts."""
        return self.rules.get("recorded", "all") == "all"

    def phase(self, name: str) -> Observation | None:
        """Return the moment a phase of the run began."""
        return next((seen for seen in self.of("phase") if seen["name"] == name), None)

    @property
    def log(self) -> list[LogEvent]:
        """The whole log as it was read back at rest, in the order it was read."""
        return self._reading.log

    @property
    def streams(self) -> dict[str, list[LogEvent]]:
        """The log by stream."""
        return self._reading.streams

    @property
    def events(self) -> dict[str, LogEvent]:
        """The log by event id."""
        return self._reading.events

    def head(self, station: str) -> int:
        """Return the last version of a station's stream."""
        stream = self.streams.get(f"station-{station}")
        return stream[-1].version if stream else 0

    @property
    def commands(self) -> dict[str, Command]:
        """What the log says about each command, by command id."""
        return self._reading.commands

    @property
    def calls(self) -> dict[str, list[Observation]]:
        """The CALLs the CSMS wrote for each command, by command id."""
        return self._reading.calls

    def call(self, station: str, message_id: str | None) -> Observation | None:
        """Return the first CALL the CSMS wrote under a message id."""
        return self._reading.by_message.get((station, message_id or ""))

    @property
    def call_frames(self) -> dict[tuple[str, str], list[Observation]]:
        """The CALL frames that left the CSMS, by station and message id."""
        return self._reading.call_frames

    def obeyed(self, station: str, message_id: str) -> Sequence[Observation]:
        """Return what a station decided about a CALL, each time it acted on one."""
        return self._reading.obeyed.get((station, message_id), ())

    def actuations(self, station: str, message_id: str) -> Sequence[Observation]:
        """Return the actuator moves and charging sessions that a CALL caused."""
        return self._reading.effects.get((station, message_id), ())

    @property
    def effects(self) -> dict[tuple[str, str], list[Observation]]:
        """Every actuator move and session caused remotely, by station and message id ("" where there was none)."""
        return self._reading.effects

    @property
    def requests(self) -> dict[tuple[str, int], Request]:
        """What operators asked, by request id and attempt."""
        return self._reading.requests

    @property
    def sessions(self) -> list[Session]:
        """The physical charging sessions."""
        return self._reading.sessions


class _Reading:
    """What a history of a certain length says; each part is worked out when it is first asked for."""

    def __init__(self, rows: Sequence[tuple[float, str, dict[str, Any]]]) -> None:
        self.size = len(rows)
        self.derived: dict[Any, Any] = {}
        self.observations = [Observation(i, round(t, 6), kind, fields) for i, (t, kind, fields) in enumerate(rows)]
        self.kinds: dict[str, list[Observation]] = defaultdict(list)
        for seen in self.observations:
            self.kinds[seen.kind].append(seen)

    def of(self, kind: str) -> Sequence[Observation]:
        return self.kinds.get(kind, ())

    @cached_property
    def log(self) -> list[LogEvent]:
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

    @cached_property
    def streams(self) -> dict[str, list[LogEvent]]:
        streams: dict[str, list[LogEvent]] = {}
        for event in self.log:
            streams.setdefault(event.stream, []).append(event)
        return streams

    @cached_property
    def events(self) -> dict[str, LogEvent]:
        return {event.id: event for event in self.log}

    @cached_property
    def commands(self) -> dict[str, Command]:
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
                command = commands.get(data["command_id"] or "")
                if command is not None:
                    command.steps.append((step, event))
        return commands

    @cached_property
    def calls(self) -> dict[str, list[Observation]]:
        calls: dict[str, list[Observation]] = {}
        for seen in self.of("call"):
            calls.setdefault(seen.fields["command_id"], []).append(seen)
        return calls

    @cached_property
    def by_message(self) -> dict[tuple[str, str], Observation]:
        found: dict[tuple[str, str], Observation] = {}
        for seen in self.of("call"):
            found.setdefault((seen.fields["station"], seen.fields["message_id"]), seen)
        return found

    @cached_property
    def call_frames(self) -> dict[tuple[str, str], list[Observation]]:
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in self.of("frame"):
            fields = seen.fields
            # Most frames are not CALLs of the CSMS: look at the first characters before parsing.
            if fields["edge"] != "csms.sent" or "2" not in fields["text"][:8]:
                continue
            message = seen.message()
            if message is not None and message[0] == 2 and len(message) > 1:
                found.setdefault((fields["station"], str(message[1])), []).append(seen)
        return found

    @cached_property
    def obeyed(self) -> dict[tuple[str, str], list[Observation]]:
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in self.of("obeyed"):
            found.setdefault((seen.fields["station"], seen.fields["message_id"]), []).append(seen)
        return found

    @cached_property
    def effects(self) -> dict[tuple[str, str], list[Observation]]:
        moved = [seen for seen in self.of("ledger") if seen.fields["by"] == "remote"]
        begun = [seen for seen in self.of("session.begun") if seen.fields.get("message_id") is not None]
        found: dict[tuple[str, str], list[Observation]] = {}
        for seen in sorted(moved + begun, key=_index):
            found.setdefault((seen.fields["station"], seen.fields.get("message_id") or ""), []).append(seen)
        return found

    @cached_property
    def requests(self) -> dict[tuple[str, int], Request]:
        requests: dict[tuple[str, int], Request] = {}
        for seen in self.of("request.asked"):
            key = seen.fields["request_id"], seen.fields["attempt"]
            requests[key] = Request(*key, seen)
        for seen in self.of("request.answered"):
            key = seen.fields["request_id"], seen.fields["attempt"]
            requests.setdefault(key, Request(*key, None)).answers.append(seen)
        return requests

    @cached_property
    def sessions(self) -> list[Session]:
        sessions: dict[tuple[str, str], Session] = {}
        for seen in self.of("session.begun"):
            sessions[seen.fields["station"], seen.fields["session"]] = Session(seen)
        for seen in self.of("session.ended"):
            session = sessions.get((seen.fields["station"], seen.fields["session"]))
            if session is not None:
                session.ended = seen
        return list(sessions.values())


def _index(seen: Observation) -> int:
    return seen.i


def _flush(chunk: list[bytes], *takers: Callable[[bytes], Any]) -> None:
    text = b"".join(chunk)
    for take in takers:
        take(text)
    chunk.clear()


# --- reading back ----------------------------------------------------------------------------------------------------


def _row(
    line: bytes, number: int, before: Sequence[tuple[float, str, dict[str, Any]]], name: str
) -> tuple[float, str, dict[str, Any]]:
    where = f"{name} line {number}"
    if not line.endswith(b"\n"):
        raise HistoryDamaged(f"{where}: the file ends in the middle of the line")
    try:
        fields = _decode_object(line)
    except msgspec.MsgspecError as error:
        raise HistoryDamaged(f"{where}: not a JSON object ({error})") from None
    i, t, kind = fields.pop("i", None), fields.pop("t", None), fields.pop("kind", None)
    if type(i) is not int or type(t) not in (float, int) or type(kind) is not str:
        raise HistoryDamaged(f"{where}: an observation needs i, t and kind")
    if i != number - 1:
        raise HistoryDamaged(f"{where}: observation {i} stands where {number - 1} belongs: lines are missing or moved")
    if before and t < before[-1][0]:
        raise HistoryDamaged(f"{where}: time runs backwards, from {before[-1][0]} to {t} s")
    if before and before[-1][1] == "end":
        raise HistoryDamaged(f"{where}: there is something after the end")
    return t, kind, fields


def _check_end(rows: Sequence[tuple[float, str, dict[str, Any]]], name: str) -> None:
    if not rows:
        raise HistoryDamaged(f"{name} is empty")
    _, kind, fields = rows[-1]
    if kind != "end":
        raise HistoryDamaged(f"{name} line {len(rows)}: the end is missing, the run was cut short or lines were lost")
    if fields.get("count") != len(rows) - 1:
        raise HistoryDamaged(
            f"{name} line {len(rows)}: the end counts {fields.get('count')} observations, there are {len(rows) - 1}"
        )


def _check_against(run: Mapping[str, Any], digest: str, length: int, name: str) -> None:
    if run.get("observations", length) != length:
        raise HistoryDamaged(f"{name} has {length} observations, {RUN_FILE} says {run['observations']}")
    if run.get("history_sha256", digest) != digest:
        raise HistoryDamaged(f"{name} was changed after it was written: its sha256 is not the one in {RUN_FILE}")
