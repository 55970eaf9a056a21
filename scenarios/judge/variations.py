"""Histories derived from one by changes that alter no meaning: every judge must give the same verdict.

A variation takes the rows of a history and returns rows that are neither more nor less correct: JSON in another form,
repeated messages, harmless messages in between, other message ids, records with less information. Every check and every
invariant is run over them: its verdict must be that on the original, and never FAIL where that passed. `inside`
variations keep the CSMS's log and the frames at its own edge in step; the others are for what was seen at the stations.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interlock.scenarios.record import frames
from interlock.scenarios.record.domain_view import Row
from interlock.scenarios.record.frames import CALL, CALLRESULT

Vary = Callable[[Sequence[Row], random.Random], list[Row]]


@dataclass(frozen=True, slots=True)
class Variation:
    """A change without a change of meaning. `inside`: whether histories with the CSMS's log stay correct under it."""

    name: str
    vary: Vary
    inside: bool
    text: str


VARIATIONS: dict[str, Variation] = {}
"""Every variation by name."""


def variation(*, inside: bool) -> Callable[[Vary], Vary]:
    """Declare a function as a variation; its name is the variation's, its docstring says what changes."""

    def declare(vary: Vary) -> Vary:
        name = vary.__name__
        VARIATIONS[name] = Variation(name, vary, inside, (vary.__doc__ or "").strip())
        return vary

    return declare


# --- how JSON is written ---------------------------------------------------------------------------------------------


def _rewritten(rows: Sequence[Row], write: Callable[[Any], str]) -> list[Row]:
    """Write the JSON of each frame anew; what is no JSON stays as it is."""
    found = []
    for t, kind, fields in rows:
        message = frames.decoded(fields["text"]) if kind in ("frame", "frame.lost") else None
        found.append((t, kind, fields if message is None else {**fields, "text": write(message)}))
    return found


@variation(inside=True)
def indented(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """JSON over many lines."""
    return _rewritten(rows, lambda message: json.dumps(message, indent=rng.choice((1, 2, 4))))


@variation(inside=True)
def spaced(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Spaces, tabs and line breaks before, behind and between."""
    gap = rng.choice(("\n", "\r\n", "\t", "   ", " " * 100))
    return _rewritten(
        rows, lambda message: gap + json.dumps(message, separators=(f"{gap},{gap}", f"{gap}:{gap}")) + gap
    )


@variation(inside=True)
def compact(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """No space at all."""
    return _rewritten(rows, lambda message: json.dumps(message, separators=(",", ":")))


@variation(inside=True)
def reordered_keys(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Members of objects in another order."""
    return _rewritten(rows, lambda message: json.dumps(_shuffled(message, rng)))


def _shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: _shuffled(value[name], rng) for name in names}
    return [_shuffled(one, rng) for one in value] if isinstance(value, list) else value


@variation(inside=True)
def escaped(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    r"""Every character of every text as \uXXXX, keys and actions too."""
    return _rewritten(rows, _escaped)


@variation(inside=True)
def non_ascii_raw(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """No escape that JSON does not demand: letters of all scripts as they are."""
    return _rewritten(rows, lambda message: json.dumps(message, ensure_ascii=False, separators=(", ", ":")))


def _escaped(value: Any) -> str:
    if isinstance(value, str):
        units = value.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)) + '"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escaped(name)}:{_escaped(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_escaped, value))}]"
    return json.dumps(value)


# --- harmless messages in between ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Idle:
    """A moment at which nothing is open on a connection of a station."""

    index: int
    t: float
    station: str
    socket: int
    node: str
    inside: bool


def _idle(rows: Sequence[Row]) -> Iterator[_Idle]:
    """Iterate over the moments behind an answer of the CSMS at which a station waits for nothing."""
    inside = any(kind == "frame" and fields["edge"].startswith("csms.") for _, kind, fields in rows)
    edge = "csms.received" if inside else "station.sent"
    waiting: dict[tuple[str, int], set[str]] = {}
    for index, (t, kind, fields) in enumerate(rows):
        if kind != "frame":
            continue
        key, frame = (fields["station"], fields["socket"]), frames.loose(fields["text"])
        if frame is None:
            continue
        if fields["edge"] == "station.sent" and frame.kind == CALL:
            waiting.setdefault(key, set()).add(frame.id)
        elif fields["edge"] == "station.received" and frame.is_answer:
            waiting.get(key, set()).discard(frame.id)
            accepted = frame.kind == CALLRESULT and frame.field("status") in (None, "Accepted")
            if accepted and not waiting.get(key) and _soon(rows, index, fields["station"], edge):
                yield _Idle(index, t, *key, fields["node"], inside)


SOON_S = 15.0
AHEAD = 40


def _soon(rows: Sequence[Row], index: int, station: str, edge: str) -> bool:
    """Tell whether a station is heard again within seconds: one message more before a silence would end it later."""
    until = rows[index][0] + SOON_S
    return any(
        kind == "frame" and fields["station"] == station and fields["edge"] == edge and at < until
        for at, kind, fields in rows[index + 1 : index + AHEAD]
    )


def _exchange(at: _Idle, request: str, answer: str) -> list[Row]:
    edges = [("station.sent", request), ("csms.received", request), ("csms.sent", answer), ("station.received", answer)]
    place = {"station": at.station, "socket": at.socket, "node": at.node}
    return [
        (at.t, "frame", {"edge": edge, **place, "text": text})
        for edge, text in edges
        if at.inside or edge.startswith("station.")
    ]


def _between(rows: Sequence[Row], more: Callable[[_Idle], list[Row]]) -> list[Row]:
    moments = {one.index: one for one in _idle(rows)}
    found: list[Row] = []
    for index, row in enumerate(rows):
        found.append(row)
        if index in moments:
            found += more(moments[index])
    return found


@variation(inside=True)
def data_transfers(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """DataTransfer of a vendor, with letters of many scripts, whenever a station waits for nothing."""

    def more(at: _Idle) -> list[Row]:
        name = f"dt-{at.index}"
        request = frames.text_of(CALL, name, "DataTransfer", {"vendorId": "Ünïcødé", "data": '充電 \U0001f50c [3,"x"]'})
        return _exchange(at, request, frames.text_of(CALLRESULT, name, {"status": "UnknownVendorId"}))

    return _between(rows, more)


@variation(inside=False)
def unknown_actions(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Requests that the CSMS may refuse, and refuses, in the version's words."""

    def more(at: _Idle) -> list[Row]:
        name = f"un-{at.index}"
        request = frames.text_of(CALL, name, "SecurityThing", {})
        return _exchange(at, request, frames.text_of(4, name, "NotImplemented", "", {}))

    return _between(rows, more)


@variation(inside=False)
def told_again(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Transaction messages sent once more under a new id, or under the same, each answered as before."""
    asked: dict[tuple[str, int, str], frames.Frame] = {}
    found: list[Row] = []
    idle = {one.index: one for one in _idle(rows)}
    same_id = rng.random() < 0.5
    for index, (t, kind, fields) in enumerate(rows):
        found.append((t, kind, fields))
        frame = frames.read(fields["text"]) if kind == "frame" else None
        if frame is None:
            continue
        key = fields["station"], fields["socket"], frame.id
        if fields["edge"] == "station.sent" and frame.action in ("StartTransaction", "StopTransaction", "MeterValues"):
            asked[key] = frame
        elif fields["edge"] == "station.received" and frame.kind == CALLRESULT and key in asked and index in idle:
            before = asked.pop(key)
            name = before.id if same_id else f"ag-{index}"
            request = frames.text_of(CALL, name, before.action, before.payload)
            found += _exchange(idle[index], request, frames.text_of(CALLRESULT, name, frame.payload))
    return found


# --- records that know less ------------------------------------------------------------------------------------------


@variation(inside=False)
def no_connections(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Nothing tells connections apart."""
    return [
        (t, kind, {**fields, "socket": 0} if "socket" in fields else fields)
        for t, kind, fields in rows
        if kind not in ("socket.opened", "socket.closed", "frame.lost")
    ]


@variation(inside=False)
def counted_ids(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The CSMS counts its message ids from 1 on each connection."""
    given: dict[tuple[str, int, str], str] = {}
    counts: dict[tuple[str, int], int] = {}
    found: list[Row] = []
    for t, kind, fields in rows:
        frame = frames.read(fields["text"]) if kind == "frame" else None
        if frame is None:
            found.append((t, kind, fields))
            continue
        place = fields["station"], fields["socket"]
        if fields["edge"].endswith("station.received") and frame.kind == CALL and (*place, frame.id) not in given:
            counts[place] = counts.get(place, 0) + 1
            given[*place, frame.id] = str(counts[place])
        message = frames.decoded(fields["text"])
        theirs = (fields["edge"] == "station.received") == (frame.kind == CALL)
        if theirs and (*place, frame.id) in given:
            message[1] = given[*place, frame.id]
        found.append((t, kind, {**fields, "text": json.dumps(message)}))
    return found


@variation(inside=False)
def counted_ids_without_connections(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The same, and nothing tells connections apart."""
    return no_connections(counted_ids(rows, rng), rng)


@variation(inside=False)
def beginning_cut(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The recording began in the middle, on connections that were open already."""
    start = rng.randrange(1, max(2, len(rows) // 2))
    return list(rows[start:])


@variation(inside=False)
def beginning_cut_without_connections(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The recording began in the middle, and nothing tells connections apart."""
    return no_connections(beginning_cut(rows, rng), rng)


@variation(inside=True)
def end_cut(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The recording ended in the middle."""
    limit = next((i for i, row in enumerate(rows) if row[1] == "phase" and row[2]["name"] == "rest"), len(rows))
    return list(rows[: rng.randrange(max(1, limit // 2), max(2, limit))])


@variation(inside=False)
def no_times(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Nothing tells when messages were sent, nor the connections."""
    return [
        (0.0, kind, {**fields, "timed": False, "wall": None} if kind == "frame" else fields)
        for _, kind, fields in no_connections(rows, rng)
    ]


@variation(inside=False)
def no_zone(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The times of the record are in a zone that it does not name."""
    return [(t, kind, {**fields, "wall": None} if kind == "frame" else fields) for t, kind, fields in rows]


@variation(inside=False)
def clock_off(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The recorder's clock is half a minute off."""
    shift_s = rng.choice((-30.0, 30.0))
    return [
        (t, kind, {**fields, "wall": fields["wall"] + shift_s} if fields.get("wall") is not None else fields)
        for t, kind, fields in rows
    ]


@variation(inside=False)
def station_clocks_off(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The clock of every station is hours off, in all it says of its own, and so is what is on record of it."""
    shift = timedelta(hours=rng.choice((-26, -2, 3)))

    def off(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: _moved(one, shift) if name == "timestamp" else off(one) for name, one in value.items()}
        return [off(one) for one in value] if isinstance(value, list) else value

    found = []
    for t, kind, fields in rows:
        frame = frames.read(fields["text"]) if kind == "frame" else None
        if frame is not None and frame.kind == CALL and fields["edge"] in ("station.sent", "csms.received"):
            fields = {**fields, "text": frames.text_of(CALL, frame.id, frame.action, off(frame.payload))}
        elif kind == "csms.session":  # as it was told
            fields = {name: _moved(one, shift) if name in _TOLD else one for name, one in fields.items()}
        elif kind == "csms.samples":
            samples = [{**one, "at": _moved(one.get("at"), shift)} for one in fields["samples"]]
            fields = {**fields, "samples": samples}
        found.append((t, kind, fields))
    return found


_TOLD = ("started_at", "stopped_at")
"""Times in the records of a CSMS that are its stations'."""


def _moved(text: Any, shift: timedelta) -> Any:
    try:
        return (datetime.fromisoformat(text) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError):
        return text


@variation(inside=False)
def stations_interleaved(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """What different stations say is recorded in another order, each station's own order kept."""
    queues: dict[str, list[Row]] = {}
    for row in rows:
        queues.setdefault(str(row[2].get("station", "")), []).append(row)
    if len(queues) < 2:
        return list(rows)
    ordered = [
        (round(row[0]), number, index, row)
        for number, queue in enumerate(queues.values())
        for index, row in enumerate(queue)
    ]
    ordered.sort(key=lambda one: one[:3])
    last, found = 0.0, []
    for _, _, _, (t, kind, fields) in ordered:
        last = max(last, t)
        found.append((last, kind, fields))
    return found


@variation(inside=False)
def two_recordings(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """A second station that says the same at the same time."""
    found: list[Row] = []
    for t, kind, fields in rows:
        found.append((t, kind, fields))
        if "station" in fields and kind in ("frame", "socket.opened", "socket.closed", "frame.lost"):
            found.append((t, kind, {**fields, "station": f"{fields['station']}-B"}))
    return found


def station_side(rows: Sequence[Row], began_s: float | None) -> list[Row]:
    """Return what was seen at the stations only; `began_s` is the Unix time of second 0, where it is known."""
    found = []
    for t, kind, fields in rows:
        if kind == "frame" and fields["edge"].startswith("station."):
            wall = None if began_s is None else began_s + t
            found.append((t, kind, {**fields, "wall": wall}))
        elif kind in ("socket.opened", "frame.lost", "end") or (
            kind == "socket.closed" and fields.get("edge") != "csms"
        ):
            found.append((t, kind, fields))
    return found
