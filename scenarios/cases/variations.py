"""Variations of a case's good run: what a right peer may also do. None of them may change the verdict."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from interlock.scenarios.cases import schemas
from interlock.scenarios.cases.exemplar import Seen, numbered
from interlock.scenarios.cases.language import Answered, Case, Connects, Cut, Hand, Never, Sent, Series
from interlock.scenarios.cases.mutants import Met, Rows, message, with_message

_encode = msgspec.json.Encoder(order="sorted").encode

EXTRAS: dict[str, dict[str, dict[str, Any]]] = {
    "station": {
        "Heartbeat": {},
        "MeterValues": {
            "connectorId": 1,
            "meterValue": [
                {"timestamp": schemas.SAMPLE_TIME, "sampledValue": [{"value": "5", "context": "Sample.Clock"}]}
            ],
        },
        "DataTransfer": {"vendorId": "com.vendor", "messageId": "telemetry", "data": "{}"},
        "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": schemas.SAMPLE_TIME},
    },
    "csms": {
        "GetConfiguration": {"key": ["HeartbeatInterval"]},
        "DataTransfer": {"vendorId": "com.vendor"},
        "TriggerMessage": {"requestedMessage": "Heartbeat"},
        "GetLocalListVersion": {},
        "ClearCache": {},
    },
}
"""CALLs that a correct peer may make at any time."""


def variations(rows: Rows, case: Case, met: Sequence[Met], theirs: str) -> Iterator[tuple[str, Rows]]:
    """Iterate over the variations of a good run: the change, and the run."""
    for name, found in _all(rows, case, met, theirs):
        yield name, numbered(found)


def _all(rows: Rows, case: Case, met: Sequence[Met], theirs: str) -> Iterator[tuple[str, Rows]]:
    spoken_of = {getattr(item, "action", None) for item in case.script}
    places = _places(rows)
    for action, payload in EXTRAS[case.role].items():
        if action not in spoken_of:
            for place, at in places.items():
                yield f"a {action} {place}", _with_call(rows, at, action, payload, theirs)
            yield f"a {action} everywhere", _everywhere(rows, action, payload, theirs)
    yield "keys in another order", _rewritten(rows, theirs, lambda parts: _encode(parts).decode())
    yield "white space", _rewritten(rows, theirs, _spaced)
    yield "a line end behind each frame", _rewritten(rows, theirs, lambda parts: _encode(parts).decode() + "\r\n")
    yield "escaped characters", _rewritten(rows, theirs, _escaped)
    yield "long message ids", _renamed(rows, theirs, lambda name: f"{name}-".ljust(36, "0"))
    yield "message ids as numbers", _renamed(rows, theirs, _number)
    yield from _slow(rows, met)
    yield from _orders(rows, met)
    if case.role == "station":
        yield from _of_station(rows, case, met, theirs)
    if not any(isinstance(item, Connects | Cut) for item in case.script):
        yield "a new connection", _reconnected(rows)


def _places(rows: Rows) -> dict[str, float]:
    start = next((row.t for row in rows if row.kind == "case.ready"), rows[0].t)
    frames = [row.t for row in rows if row.kind == "frame" and row.t > start]
    middle = frames[len(frames) // 2] if frames else start
    return {"before": start + 0.001, "in the middle": middle + 0.0001, "at the end": rows[-1].t - 0.001}


def _call(like: Seen, at: float, name: str, action: str, payload: Any, theirs: str) -> Rows:
    other = "station.sent" if theirs == "station.received" else "station.received"
    call = replace(like, t=at, fields={**like.fields, "edge": theirs})
    answer = replace(like, t=at + 0.00001, fields={**like.fields, "edge": other})
    return [
        with_message(call, [2, name, action, payload]),
        with_message(answer, [3, name, schemas.sample(f"{action}Response")]),
    ]


def _with_call(rows: Rows, at: float, action: str, payload: Any, theirs: str) -> Rows:
    like = next(row for row in rows if row.kind == "frame")
    return [*rows, *_call(like, at, f"x-{action}", action, payload, theirs)]


def _everywhere(rows: Rows, action: str, payload: Any, theirs: str) -> Rows:
    found = []
    for row in rows:
        found.append(row)
        if row.kind == "frame":
            found += _call(row, row.t + 0.00001, f"x-{row.i}", action, payload, theirs)
    return found


def _rewritten(rows: Rows, theirs: str, write: Callable[[list[Any]], str]) -> Rows:
    return [
        replace(row, fields={**row.fields, "text": write(message(row))})
        if row.kind == "frame" and row.fields["edge"] == theirs
        else row
        for row in rows
    ]


def _spaced(parts: list[Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(parts), indent=3).decode() + "\n"


def _escaped(parts: list[Any]) -> str:
    return msgspec.json.encode(parts).decode().replace("/", "\\/")


def _number(name: str) -> str:
    return str(10_000 + sum(ord(character) * 31**place for place, character in enumerate(name)) % 1_000_000_007)


def _renamed(rows: Rows, theirs: str, name: Callable[[str], str]) -> Rows:
    """Give the CALLs of the peer other message ids, and their answers too."""
    theirs_too = {message(row)[1] for row in rows if row.kind == "frame" and _is_call(row, theirs)}
    found = []
    for row in rows:
        if row.kind == "frame":
            parts = message(row)
            calls = _is_call(row, theirs)
            answers = parts[0] in (3, 4) and row.fields["edge"] != theirs
            if parts[1] in theirs_too and (calls or answers):
                row = with_message(row, [parts[0], name(parts[1]), *parts[2:]])
        found.append(row)
    return found


def _is_call(row: Seen, theirs: str) -> bool:
    return bool(row.fields["edge"] == theirs and message(row)[0] == 2)


def _slow(rows: Rows, met: Sequence[Met]) -> Iterator[tuple[str, Rows]]:
    """Let a frame, and all after it, come at 90 % of the time allowed."""
    for one in met:
        if isinstance(one.item, Sent | Answered) and one.frames:
            at = next(row.t for row in rows if row.i == one.frames[0])
            shift = one.since + 0.9 * (one.deadline - one.since) - at
            group = [other for other in met if other.since == one.since and other is not one]
            fits = all(_time(rows, other) <= at or _time(rows, other) + shift <= other.deadline for other in group)
            if shift > 0 and fits and not any(isinstance(other.item, Never | Series) for other in group):
                yield (
                    f"{type(one.item).__name__} {one.item.action} late but in time",
                    [replace(row, t=row.t + shift) if row.i >= one.frames[0] else row for row in rows],
                )


def _time(rows: Rows, one: Met) -> float:
    return next((row.t for row in rows if one.frames and row.i == one.frames[0]), one.since)


def _orders(rows: Rows, met: Sequence[Met]) -> Iterator[tuple[str, Rows]]:
    """Swap what stands in no order: two expectations of one stimulus."""
    for one, next_ in itertools.pairwise(met):
        if one.since != next_.since or not isinstance(one.item, Sent | Answered):
            continue
        if not isinstance(next_.item, Sent | Answered) or next_.item.after is not None:
            continue
        after = [other.item.after for other in met if isinstance(other.item, Sent)]
        if _name(one) in after or not one.frames or not next_.frames:
            continue
        if isinstance(one.item, Sent) and isinstance(next_.item, Sent) and one.item.action == next_.item.action:
            continue  # two alike are in the order of the script
        first, second = _time(rows, one), _time(rows, next_)
        gone = _exchange(rows, next_.frames[0])
        moved = [
            replace(row, t=max(one.since, first) - 0.1 + 0.00001 * n) if row.i in gone else row
            for n, row in enumerate(rows)
        ]
        if first - 0.1 > one.since and second > first:
            yield f"{_name(next_)} before {_name(one)}", moved


def _name(one: Met) -> str | None:
    return getattr(one.item, "name", None) or getattr(one.item, "action", None)


def _exchange(rows: Rows, i: int) -> set[int]:
    name = message(next(row for row in rows if row.i == i))[1]
    return {row.i for row in rows if row.i >= i and row.kind == "frame" and message(row)[1] == name}


# --- stations --------------------------------------------------------------------------------------------------------


def _of_station(rows: Rows, case: Case, met: Sequence[Met], theirs: str) -> Iterator[tuple[str, Rows]]:
    statuses = {i for one in met for i in one.frames if isinstance(one.item, Sent) and _is_status(one)}
    if statuses:
        again = [row for row in rows if row.i in statuses]
        twice = [with_message(replace(row, t=row.t + 0.02), _again(message(row))) for row in again]
        yield "statuses told twice", [*rows, *twice]
        yield "optional fields of a status", [_optional(row) if row.i in statuses else row for row in rows]
    if "connectorId" not in {name for one in met if isinstance(one.item, Never) for name in one.item.fields}:
        yield "four connectors", _with_others(rows, theirs)
    if not any(isinstance(item, Hand) and item.connector is not None for item in case.script):
        yield "the third connector", _renumbered(rows)


def _is_status(one: Met) -> bool:
    return isinstance(one.item, Sent) and one.item.action == "StatusNotification"


def _again(parts: list[Any]) -> list[Any]:
    return [parts[0], f"{parts[1]}-twice", *parts[2:]]


def _optional(row: Seen) -> Seen:
    parts = message(row)
    more = {"info": "", "timestamp": schemas.SAMPLE_TIME, "vendorId": "com.vendor", "vendorErrorCode": "0x00"}
    return with_message(row, [*parts[:3], {**more, **parts[3]}])


def _with_others(rows: Rows, theirs: str) -> Rows:
    """Let connectors 0, 3 and 4 tell that they are available, in between."""
    found = list(rows)
    like = next(row for row in rows if row.kind == "frame")
    start, end = _places(rows)["before"], _places(rows)["at the end"]
    for n, connector in enumerate((0, 3, 4)):
        payload = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
        at = start + (end - start) * (n + 1) / 4
        found += _call(like, at, f"other-{connector}", "StatusNotification", payload, theirs)
    return found


def _renumbered(rows: Rows) -> Rows:
    """Let it all happen at connector 3."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: 3 if name == "connectorId" and one == 1 else change(one) for name, one in value.items()}
        return [change(one) for one in value] if isinstance(value, list) else value

    found = []
    for row in rows:
        if row.kind == "frame":
            row = with_message(row, change(message(row)))
        elif "bound" in row.fields:
            bound = {**row.fields["bound"]}
            if bound.get("connector") == 1:
                bound["connector"] = 3
            row = replace(row, fields={**row.fields, "bound": bound})
        found.append(row)
    return found


def _reconnected(rows: Rows) -> Rows:
    """Close the connection between two frames and open another."""
    at = _places(rows)["before"]
    station = next(row.fields["station"] for row in rows if "station" in row.fields)
    return [
        *rows,
        Seen(0, at, "socket.closed", {"station": station, "socket": 1, "why": "gone"}),
        Seen(0, at + 0.00001, "socket.opened", {"station": station, "socket": 9, "headers": {}}),
    ]
