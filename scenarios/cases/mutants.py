"""Mutants of a case's good run, derived from what it expects: each breaks one expectation once.

A mutant is a recording in which the peer is wrong in one way: a frame left out, a named field with another legal
value, a frame doubled, out of order or after its deadline, an answer replaced by a CALLERROR, a new connection that
never comes. The judge must not pass it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from interlock.scenarios.cases import match, schemas
from interlock.scenarios.cases.exemplar import Seen, numbered
from interlock.scenarios.cases.language import (
    Absent,
    Answered,
    Case,
    Connects,
    Each,
    Expectation,
    In,
    Level,
    Never,
    OneOf,
    Other,
    Present,
    Ref,
    Sent,
    Series,
    Some,
    Where,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
LATE = "after its deadline"
ONCE = ("StartTransaction", "StopTransaction")
Rows = list[Seen]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """An expectation of a good run, the observations (by `i`) that met it, its deadline and what was bound then."""

    item: Expectation
    frames: tuple[int, ...]
    since: float
    deadline: float
    bound: Mapping[str, Any]
    constrained: frozenset[str]
    """Refs that have a value without this expectation."""


def message(row: Seen) -> list[Any]:
    """Return the message in a frame, or `[0, ""]` where it holds none."""
    try:
        found = _decode(row.fields["text"])
    except (ValueError, RecursionError):
        return [0, ""]
    return found if isinstance(found, list) and len(found) > 2 else [0, ""]


def with_message(row: Seen, changed: Sequence[Any]) -> Seen:
    """Return a frame with another message."""
    return replace(row, fields={**row.fields, "text": _encode(list(changed)).decode()})


def mutants(rows: Rows, case: Case, met: Sequence[Met], theirs: str) -> Iterator[tuple[str, Level, Rows]]:
    """Iterate over the mutants of a good run: the change, the level of the broken expectation, and the run.

    `theirs` is the edge of the peer's frames. A tester waits for what is missing, and so does each of these runs.
    """
    for one in met:
        match one.item:
            case Sent():
                found = _of_sent(rows, one, one.item, theirs, met)
            case Answered():
                found = _of_answered(rows, one, one.item)
            case Series():
                found = _of_series(rows, one, one.item, theirs, met)
            case Never():
                found = _of_never(rows, one, one.item, theirs)
            case Connects():
                found = _of_connects(rows, one)
        for name, mutant in found:
            waited = (
                mutant if name == LATE or isinstance(one.item, Never) else _waited(numbered(mutant), one, met, rows)
            )
            yield f"{_label(one.item)}: {name}", one.item.level, numbered(waited)


def _waited(mutant: Rows, one: Met, met: Sequence[Met], rows: Rows) -> Rows:
    """Let everything after an expectation's group wait until its deadline is over."""
    group = {i for other in met if other.since == one.since for i in other.frames}
    frames = {i for i in group if any(row.i == i and row.kind == "frame" for row in rows)}
    times = [row.t for row in rows if row.i in group or row.i in _exchanges(rows, frames)]
    last = max(times, default=one.since)
    deadline = max(other.deadline for other in met if other.since == one.since)
    shift = max(deadline + 5.0 - last, 0.0)
    return [replace(row, t=row.t + shift) if row.t > last or row.kind == "case.ended" else row for row in mutant]


def _label(item: Expectation) -> str:
    return f"{type(item).__name__} {getattr(item, 'action', '')}".strip()


# --- one expectation at a time ---------------------------------------------------------------------------------------


def _same(rows: Rows, one: Met, item: Sent | Series, theirs: str, met: Sequence[Met]) -> set[int]:
    """Return all CALLs that would meet it, except those that met another: a repeated status is left out twice."""
    found = set(one.frames)
    others = {i for other in met if other is not one for i in other.frames}
    for row in rows:
        if row.i in others:
            continue
        if row.kind == "frame" and row.fields["edge"] == theirs and row.t >= one.since:
            parts = message(row)
            called = parts[0] == 2 and parts[2] == item.action
            if called and match.mismatch(item.fields, parts[3], dict(one.bound)) is None:
                found.add(row.i)
    return found


def _exchanges(rows: Rows, calls: set[int]) -> set[int]:
    """Return CALLs and their answers."""
    names = {message(row)[1] for row in rows if row.i in calls}
    return {
        row.i for row in rows if row.kind == "frame" and message(row)[1] in names and (row.i in calls or _answers(row))
    }


def _answers(row: Seen) -> bool:
    return message(row)[0] in (3, 4)


def _of_sent(rows: Rows, one: Met, item: Sent, theirs: str, met: Sequence[Met]) -> Iterator[tuple[str, Rows]]:
    same = _same(rows, one, item, theirs, met)
    gone = _exchanges(rows, same)
    yield "left out", [row for row in rows if row.i not in gone]
    yield from _fields(rows, same, item, one)
    yield LATE, _later(rows, gone, min(same), one)
    if item.action in ONCE and any(row.i in gone and message(row)[0] == 3 for row in rows):
        yield "doubled", _doubled(rows, one.frames[0])
    # A repeat is identical, so the order of the two makes no difference.
    again = any(
        isinstance(other.item, Sent) and other.item.name == item.after and other.item.fields == item.fields
        for other in met
    )
    if item.after is not None and not again:
        named = [other for other in met if item.after in (getattr(other.item, "name", None), _action(other))]
        if named and named[0].frames:
            yield f"before {item.after}", _before(rows, gone, named[0].frames[0])


def _before(rows: Rows, moved: set[int], i: int) -> Rows:
    """Move frames right before another."""
    found = []
    for row in rows:
        if row.i == i:
            found += [replace(one, t=row.t) for one in rows if one.i in moved]
        if row.i not in moved:
            found.append(row)
    return found


def _action(one: Met) -> str | None:
    return getattr(one.item, "action", None)


def _of_answered(rows: Rows, one: Met, item: Answered) -> Iterator[tuple[str, Rows]]:
    (answer,) = one.frames
    yield "left out", [row for row in rows if row.i != answer]
    yield LATE, _later(rows, {answer}, answer, one)
    parts = message(next(row for row in rows if row.i == answer))
    doubled = [copy_ for row in rows for copy_ in ([row, row] if row.i == answer else [row])]
    yield "doubled", doubled
    if "*" not in item.errors:
        code = next(one for one in ("InternalError", "GenericError") if one not in item.errors)
        yield f"CALLERROR {code} instead", _changed(rows, answer, [4, parts[1], code, "", {}])
    if item.only_errors:
        yield "a CALLRESULT instead", _changed(rows, answer, [3, parts[1], {}])
    elif parts[0] == 3:
        yield from _fields(rows, {answer}, item, one)


def _of_series(rows: Rows, one: Met, item: Series, theirs: str, met: Sequence[Met]) -> Iterator[tuple[str, Rows]]:
    same = _same(rows, one, item, theirs, met)
    last = _exchanges(rows, {i for i in same if i >= one.frames[item.count - 1]})
    yield "the last left out", [row for row in rows if row.i not in last]
    yield from _fields(rows, same, item, one)
    middle = one.frames[1]
    at = next(row.t for row in rows if row.i == middle)
    first = next(row.t for row in rows if row.i == one.frames[0])
    early = first + 0.02 * (at - first)
    if item.stamp is None:
        moved = _exchanges(rows, {middle})
        yield (
            "out of step",
            [replace(row, t=early + 0.001 * (row.i - middle)) if row.i in moved else row for row in rows],
        )
    else:
        source = message(next(row for row in rows if row.i == one.frames[0]))
        target = message(next(row for row in rows if row.i == middle))
        path: Path = tuple(int(part) if part.isdigit() else part for part in item.stamp.split("."))
        put(target[3], path, get(source[3], path))
        yield "out of step", _changed(rows, middle, target)


def _of_never(rows: Rows, one: Met, item: Never, theirs: str) -> Iterator[tuple[str, Rows]]:
    like = next(row for row in rows if row.kind == "frame")
    at = one.deadline - 0.5
    now = match.parse_time(schemas.SAMPLE_TIME)
    assert now is not None
    payload = schemas.sample(item.action, match.fill(item.fields, one.bound, now))
    call = replace(like, t=at, fields={**like.fields, "edge": theirs})
    answer = replace(like, t=at + 0.01, fields={**like.fields, "edge": _other(theirs)})
    yield (
        "it came",
        [
            *rows,
            with_message(call, [2, "never", item.action, payload]),
            with_message(answer, [3, "never", schemas.sample(f"{item.action}Response")]),
        ],
    )


def _other(edge: str) -> str:
    return "station.sent" if edge == "station.received" else "station.received"


def _of_connects(rows: Rows, one: Met) -> Iterator[tuple[str, Rows]]:
    opened = next(row for row in rows if row.kind == "socket.opened" and row.t >= one.since)
    end = next((row.t for row in rows if row.kind == "case.ended"), rows[-1].t)
    late = max(one.deadline + 10.0 - end, 0.0)
    yield (
        "left out",
        [
            replace(row, t=row.t + late) if row.kind == "case.ended" else row
            for row in rows
            if not (row.kind == "socket.opened" and row.t >= one.since)
        ],
    )
    shift = one.deadline + 5.0 - opened.t
    yield LATE, [replace(row, t=row.t + shift) if row.i >= opened.i else row for row in rows]


def _later(rows: Rows, moved: set[int], first: int, one: Met) -> Rows:
    """Move frames behind their deadline, with all that comes after them."""
    at = next(row.t for row in rows if row.i == first)
    shift = one.deadline + 5.0 - at
    return [replace(row, t=row.t + shift) if row.i in moved or row.i > first else row for row in rows]


def _doubled(rows: Rows, call: int) -> Rows:
    """Let a CALL be made and answered once more, right after it was answered."""
    both = _exchanges(rows, {call})
    found = []
    for row in rows:
        found.append(row)
        if row.i == max(both):
            for again in (one for one in rows if one.i in both):
                parts = message(again)
                found.append(with_message(replace(again, t=row.t), [parts[0], f"{parts[1]}-again", *parts[2:]]))
    return found


def _changed(rows: Rows, i: int, parts: list[Any]) -> Rows:
    return [with_message(row, parts) if row.i == i else row for row in rows]


# --- another legal value ---------------------------------------------------------------------------------------------


def _fields(rows: Rows, frames: set[int], item: Expectation, one: Met) -> Iterator[tuple[str, Rows]]:
    action = getattr(item, "action", "")
    name = f"{action}Response" if isinstance(item, Answered) else action
    first = message(next(row for row in rows if row.i == min(frames)))
    fields = getattr(item, "fields", {})
    for path, value in _others(name, fields, first[-1], (), one):
        label = ".".join(map(str, path))

        def change(parts: list[Any], path: Path = path, value: Any = value) -> list[Any]:
            changed = copy.deepcopy(parts)
            put(changed[-1], path, value)
            return changed

        said = "left out" if value is match.MISSING else f"is {match.shown(value)}"
        yield f"{label} {said}", [with_message(row, change(message(row))) if row.i in frames else row for row in rows]


def _others(name: str, pattern: Any, value: Any, path: Path, one: Met) -> Iterator[tuple[Path, Any]]:
    """Iterate over places in a payload and legal values that do not fit the pattern there."""
    match pattern:
        case _ if isinstance(pattern, Mapping):
            for part, inner in pattern.items():
                found = value.get(part, match.MISSING) if isinstance(value, Mapping) else match.MISSING
                yield from _others(name, inner, found, (*path, part), one)
        case Each(item):
            for number, inner in enumerate(value[:1]):
                yield from _others(name, item, inner, (*path, number), one)
        case Some(item):
            fits = [inner for inner in value if match.mismatch(item, inner, dict(one.bound)) is None]
            kept = [inner for inner in value if inner not in fits]
            if kept:
                yield path, kept
            else:
                for inner_path, other in _others(name, item, value[0], (0,), one):
                    changed = copy.deepcopy(value)
                    for number in range(len(changed)):
                        put(changed, (number, *inner_path[1:]), other)
                    yield path, changed
        case Absent():
            yield path, _plain(name, path, None)
        case Present() | In():
            if path[-1] not in schemas.at(name, path[:-1]).get("required", ()):
                yield path, match.MISSING
        case Where(_, _, _, bad):
            yield path, bad
        case Ref(bound) if bound not in one.constrained:
            return
        case _:
            other = _another(name, path, pattern, value, one)
            if other is not match.MISSING:
                yield path, other


def _another(name: str, path: Path, pattern: Any, value: Any, one: Met) -> Any:
    schema = schemas.at(name, path)
    fits: Callable[[Any], bool] = lambda other: match.mismatch(pattern, other, dict(one.bound)) is None  # noqa: E731
    choices = pattern.values if isinstance(pattern, OneOf) else (pattern,)
    for choice in choices:
        if isinstance(choice, Other):
            return match.fill(choice.value, one.bound, _epoch())
        if isinstance(choice, Where):
            return choice.bad
    if "enum" in schema:
        return next((other for other in schema["enum"] if not fits(other)), match.MISSING)
    return _plain(name, path, value)


def _epoch() -> Any:
    return match.parse_time(schemas.SAMPLE_TIME)


def _plain(name: str, path: Path, value: Any) -> Any:
    schema = schemas.at(name, path)
    if isinstance(value, bool) or schema.get("type") == "boolean":
        return not value
    if isinstance(value, int | float) or schema.get("type") in ("integer", "number"):
        return (value or 0) + 7
    if isinstance(value, str) or schema.get("type") == "string":
        longest = int(schema.get("maxLength", 500))
        text = str(value or "")
        return ("Z" if text[:1] != "Z" else "Y") + text[1:longest] if text else "Z"
    return schemas.sampled(name, path)


def get(payload: Any, path: Path) -> Any:
    """Return what is at a path."""
    for part in path:
        payload = payload[part]
    return payload


def put(payload: Any, path: Path, value: Any) -> None:
    """Put a value at a path; `MISSING` takes what is there away."""
    for part in path[:-1]:
        payload = payload.setdefault(part, {}) if isinstance(payload, dict) else payload[part]
    if value is match.MISSING:
        payload.pop(path[-1], None)
    else:
        payload[path[-1]] = value
