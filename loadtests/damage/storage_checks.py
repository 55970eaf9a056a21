"""What must hold when the storage failed: of what stations and operators saw, and of the log that is left. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TELLING = ("BootNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction")
"""What a CSMS that stores every heartbeat has in its log before it answers."""
ENDS = {
    *("CommandAccepted", "CommandRejected", "CommandConfirmed", "CommandRefuted", "CommandUnknown", "CommandLapsed"),
}
RESUMED_S = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """A CALL of a station that was answered. Times are monotonic seconds."""

    station: str
    action: str
    payload: Mapping[str, Any]
    answer: Mapping[str, Any]
    sent_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Promise:
    """A command that was answered 202; `known` from before, or new."""

    command_id: str
    station: str
    key: str
    known: bool
    asked_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Window:
    """When the storage failed, and what was said of it. Unless `open`, nothing could become durable in it."""

    fault: str
    began: float
    ended: float
    open: bool
    says: str
    """What the alarm must say."""
    alarms: Sequence[str]
    refused: int
    """Appends the node says were refused."""
    unready: bool
    """Whether the node said that it was not ready."""
    resumed_s: float | None
    """From its end until a command was accepted and every station had an answer; None: never."""


@dataclass(slots=True)
class Seen:
    """What the outside knows."""

    told: list[Told] = field(default_factory=list)
    sent: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    """How often each content was told, by `content`."""
    first_sent: dict[tuple[Any, ...], float] = field(default_factory=dict)
    promises: dict[str, Promise] = field(default_factory=dict)
    moved: Counter[str] = field(default_factory=Counter)
    """Locks opened remotely, by message id."""
    windows: list[Window] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """An event of the log."""

    stream: str
    version: int
    type: str
    data: Mapping[str, Any]


def content(station: str, action: str, payload: Mapping[str, Any]) -> tuple[Any, ...]:
    """Name what a CALL tells, so that telling it again has the same name."""
    get = payload.get
    match action:
        case "StartTransaction":
            return (station, action, get("connectorId"), get("idTag"), get("meterStart"), _time(get("timestamp")))
        case "StopTransaction":
            return (station, action, get("transactionId"), get("meterStop"))
        case "StatusNotification":
            return (station, action, get("connectorId"), get("status"), _time(get("timestamp")))
        case "MeterValues":
            (value,) = payload["meterValue"]
            energy = next(one["value"] for one in value["sampledValue"] if one["measurand"].startswith("Energy"))
            tx = get("transactionId")
            return (station, action, get("connectorId"), tx, _time(value["timestamp"]), int(energy))
    return (station, action)


def recorded(row: Row) -> tuple[Any, ...] | None:
    """Name what an event says in the words of `content`; None for an event of another kind."""
    get, station = row.data.get, row.stream.removeprefix("station-")
    match row.type:
        case "Booted":
            return (station, "BootNotification")
        case "HeartbeatReceived":
            return (station, "Heartbeat")
        case "StatusReported":
            return (station, "StatusNotification", get("connector"), get("status"), _time(get("reported_at")))
        case "TransactionStarted":
            said = (get("connector"), get("id_token"), get("meter_start_wh"), _time(get("started_at")))
            return (station, "StartTransaction", *said)
        case "TransactionStopped":
            return (station, "StopTransaction", get("transaction_id"), get("meter_stop_wh"))
        case "MeterSampled":
            station = row.stream.removeprefix("meter-").rpartition("-")[0]
            said = (get("connector"), get("transaction_id"), _time(get("sampled_at")), get("energy_wh"))
            return (station, "MeterValues", *said)
    return None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def judge(seen: Seen, log: Sequence[Row]) -> dict[str, list[str]]:
    """Return what is wrong, under the name of each check; an empty list is a check that holds."""
    return {name: list(check(seen, log)) for name, check in CHECKS.items()}


def _lost_frames(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    there = Counter(recorded(row) for row in log)
    anomalies = {
        (row.stream.removeprefix("station-"), str(row.data["detail"]).partition(" ")[0].rstrip(":"))
        for row in log
        if row.type == "AnomalyRecorded"
    }
    started = {(row.stream, row.data["transaction_id"]) for row in log if row.type == "TransactionStarted"}
    answered: Counter[tuple[Any, ...]] = Counter()
    for told in seen.told:
        if told.action not in TELLING:
            continue
        name = content(told.station, told.action, told.payload)
        answered[name] += not (_has_time(name) and answered[name])
        if answered[name] > there[name]:
            if told.action == "StopTransaction" and (told.station, str(told.payload["transactionId"])) in anomalies:
                continue  # it could not be placed: acknowledged, and kept as an anomaly
            yield _shown(name)
        elif told.action == "StartTransaction":
            number = told.answer["transactionId"]
            if (f"station-{told.station}", number) not in started:
                yield f"{_shown(name)}: answered as transaction {number}, which nobody knows"


def _lost_commands(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    there = {row.data["command_id"] for row in log if row.type == "CommandRequested"}
    yield from (one.command_id for one in seen.promises.values() if one.command_id not in there)


def _endless_commands(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    ended = {row.data["command_id"] for row in log if row.type in ENDS}
    begun = {row.data["command_id"] for row in log if row.type == "CommandRequested"}
    yield from (one for one in seen.promises if one in begun and one not in ended)


def _twice(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    heads: defaultdict[str, int] = defaultdict(int)
    keys: Counter[str] = Counter()
    there: Counter[tuple[Any, ...]] = Counter()
    for row in log:
        heads[row.stream] += 1
        if row.version != heads[row.stream]:
            yield f"{row.stream} has version {row.version} in the place of {heads[row.stream]}"
            heads[row.stream] = row.version
        if row.type == "CommandRequested" and row.data["request_id"].startswith("key:"):
            keys[row.data["request_id"]] += 1
        elif (name := recorded(row)) is not None:
            there[name] += 1
    yield from (f"{count} commands for {key}" for key, count in keys.items() if count > 1)
    for name, count in there.items():
        if count > (1 if _has_time(name) else seen.sent[name]):
            yield f"{_shown(name)} stands there {count} times"


def _answered_in_vain(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    for window in seen.windows:
        if window.open:
            continue
        for told in seen.told:
            if told.sent_at <= window.began or told.answered_at >= window.ended or told.action not in TELLING:
                continue
            name = content(told.station, told.action, told.payload)
            if not _has_time(name) or seen.first_sent[name] > window.began:
                yield f"{window.fault}: {_shown(name)} was answered"
        for one in seen.promises.values():
            if one.asked_at > window.began and one.answered_at < window.ended and not one.known:
                yield f"{window.fault}: command {one.command_id} was answered 202"


def _moved_twice(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    yield from (f"{message} moved a lock {times} times" for message, times in seen.moved.items() if times > 1)


def _moved_unasked(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    there = {row.data["command_id"] for row in log if row.type == "CommandRequested"}
    yield from (message for message in seen.moved if message not in there)


def _denied(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    last = {row.data["command_id"]: row.type for row in log if row.type in ENDS}
    yield from (one for one in seen.moved if last.get(one) in ("CommandRejected", "CommandRefuted"))


def _silent(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    for window in seen.windows:
        if (window.refused or not window.open) and not any(window.says in alarm for alarm in window.alarms):
            heard = window.alarms[0] if window.alarms else "nothing"
            yield f"{window.fault}: no alarm says {window.says!r}, heard {heard!r}"
        if not window.open and not window.unready:
            yield f"{window.fault}: the node said that it was ready all the time"


def _slow(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    for window in seen.windows:
        if window.resumed_s is None or window.resumed_s > RESUMED_S:
            after = "never" if window.resumed_s is None else f"after {window.resumed_s:.1f} s"
            yield f"{window.fault}: work resumed {after}"


def _unhandled(seen: Seen, log: Sequence[Row]) -> Iterator[str]:
    yield from seen.tracebacks


def _has_time(name: tuple[Any, ...]) -> bool:
    """Whether it happened once, however often it is told: all but boots and heartbeats, of which each counts."""
    return len(name) > 2


def _shown(name: tuple[Any, ...]) -> str:
    return " ".join(one.isoformat() if isinstance(one, datetime) else str(one) for one in name)


CHECKS = {
    "frames answered and lost": _lost_frames,
    "commands acknowledged and lost": _lost_commands,
    "commands that never ended": _endless_commands,
    "in the log twice, or with a gap": _twice,
    "acknowledged under the fault": _answered_in_vain,
    "double actuations": _moved_twice,
    "actuations without intent": _moved_unasked,
    "outcomes denied": _denied,
    "faults nobody was told of": _silent,
    "resumed too late": _slow,
    "errors nobody handled": _unhandled,
}
