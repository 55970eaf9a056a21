"""From a history and a violation to a story: the few steps that led there, and the lanes they happen in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from interlock.reports.run import Row, clean

Tone = Literal["plain", "act", "bad", "lost", "fault", "quiet"]
MOST = 36
"""Steps a story may have."""

OPERATOR, LOG = "operator", "log"
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One thing that happened: an arrow between two lanes, or a mark on one (`to` is None)."""

    i: int
    t: float
    lane: str
    to: str | None
    label: str
    tone: Tone = "plain"
    moment: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Steps in order, and the lanes from left to right with what stands above each."""

    lanes: tuple[tuple[str, str], ...]
    steps: tuple[StoryStep, ...]


def tell(rows: Sequence[Row], violation: dict[str, Any]) -> Story:
    """Tell what led to a violation. Steps the violation points at stay; the rest is cut to what helps."""
    pointed = sorted(i for i in violation.get("at", ()) if isinstance(i, int) and 0 <= i < len(rows))
    if not pointed:
        return Story((), ())
    moment = pointed[-1]
    station = violation.get("station") or next((rows[i]["station"] for i in pointed if "station" in rows[i]), None)
    first, last = _window(rows, pointed)
    found: list[tuple[int, StoryStep]] = []
    sent: dict[tuple[Any, ...], int] = {}
    used: set[int] = set()
    for row in rows[first : last + 1]:
        if not _concerns(row, station):
            continue
        step = _step(row, rows, sent, used, last)
        if step is not None:
            here = row["i"] == moment
            important = 0 if row["i"] in pointed else _WEIGHT.get(row["kind"], 5)
            found.append((important, _with_moment(step, here)))
    if not any(step.moment for _, step in found):
        found.append((0, _moment_of(rows[moment], violation)))
    kept = sorted(sorted(found, key=lambda one: one[0])[:MOST], key=lambda one: one[1].i)
    steps = tuple(_cleaned(step) for _, step in kept)
    return Story(_lanes(steps, station), steps)


def _window(rows: Sequence[Row], pointed: Sequence[int]) -> tuple[int, int]:
    """From a little before the first thing pointed at to the last: what was seen at rest tells of something earlier."""
    rest = next((row["i"] for row in rows if row["kind"] == "phase" and row["name"] == "rest"), len(rows))
    running = [i for i in pointed if i < rest] or [pointed[0]]
    first = running[0]
    start_s = rows[first]["t"] - 2.0
    while first > 0 and rows[first - 1]["t"] >= start_s and running[0] - first < 40:
        first -= 1
    last = running[-1]
    end_s = rows[last]["t"] + 1.0
    while last + 1 < min(rest, len(rows)) and rows[last + 1]["t"] <= end_s and last - running[-1] < 12:
        last += 1
    return first, last


def _concerns(row: Row, station: str | None) -> bool:
    if "station" in row and row["station"] is not None:
        return station is None or row["station"] == station
    if "stream" in row:
        return station is None or str(row["stream"]) == f"station-{station}"
    return row["kind"] in (
        "node.crashed",
        "node.started",
        "node.stopped",
        "fault.begun",
        "fault.ended",
        "alarm",
        "task.failed",
    )


_WEIGHT = {
    "request.asked": 1,
    "request.answered": 1,
    "append.refused": 1,
    "append.unconfirmed": 1,
    "ledger": 1,
    "node.crashed": 1,
    "task.failed": 1,
    "session.begun": 2,
    "session.ended": 2,
    "frame.lost": 2,
    "stored": 2,
    "fault.begun": 2,
    "node.started": 2,
    "socket.closed": 3,
    "socket.opened": 3,
    "voltage": 3,
    "reboot": 2,
    "frame": 3,
    "fault.ended": 4,
}


def _socket(row: Row) -> str:
    return f"{row['station']} #{row['socket']}"


def _box(row: Row) -> str:
    return f"{row['station']} box"


def _step(
    row: Row, rows: Sequence[Row], sent: dict[tuple[Any, ...], int], used: set[int], last: int
) -> StoryStep | None:
    kind, i, t = row["kind"], int(row["i"]), float(row["t"])
    match kind:
        case "frame":
            if not str(row["edge"]).endswith("sent"):
                return None
            up = row["edge"] == "station.sent"
            source, target = (_socket(row), row["node"]) if up else (row["node"], _socket(row))
            arrived = _arrived(row, rows, used)
            tone: Tone = "quiet" if _is_beat(row["text"]) else "plain"
            return StoryStep(i, t, source, target, frame_label(row["text"]), tone if arrived else "lost")
        case "request.asked":
            again = f" again ({row['attempt']})" if row.get("attempt", 1) > 1 else ""
            return StoryStep(
                i, t, OPERATOR, row["node"], f"{row['request_id']}{again}: {command_label(row['command'])}", "act"
            )
        case "request.answered":
            tone = "plain" if row["answer"] in ("accepted", "known") else "bad"
            reason = f": {row['reason']}" if row.get("reason") else ""
            return StoryStep(
                i, t, row["node"], OPERATOR, clean(f"{row['request_id']} {row['answer']}{reason}", 60), tone
            )
        case "stored":
            return StoryStep(i, t, row.get("node") or LOG, LOG, f"v{row['version']} {event_label(row)}")
        case "append.refused":
            return StoryStep(
                i, t, row["node"], LOG, f"append refused: expected v{row['expected']}, is v{row['head']}", "bad"
            )
        case "append.unconfirmed":
            return StoryStep(i, t, row["node"], LOG, "append: no acknowledgement", "lost")
        case "ledger":
            return StoryStep(
                i, t, _box(row), None, f"{row['part']} {row['connector']} {row['action']} ({row['by']})", "act"
            )
        case "session.begun":
            return StoryStep(
                i, t, _box(row), None, f"charging begins on {row['connector']} at {row['meter_wh']} Wh", "act"
            )
        case "session.ended":
            return StoryStep(
                i, t, _box(row), None, clean(f"charging ends: {row['energy_wh']} Wh ({row['reason']})"), "act"
            )
        case "voltage":
            return StoryStep(i, t, _box(row), None, f"{row['volts']} V: {row['crossed']}", "fault")
        case "reboot":
            return StoryStep(i, t, _box(row), None, clean(f"reboots: {row['why']}"), "fault")
        case "node.crashed":
            where = f" at {row['point']}" if row.get("point") else ""
            return StoryStep(i, t, row["node"], None, f"crashes{where}", "fault")
        case "node.started" if i > 2:
            return StoryStep(i, t, row["node"], None, "starts", "fault")
        case "socket.opened":
            return StoryStep(i, t, _socket(row), row["node"], "connects", "quiet")
        case "socket.closed":
            lane = _socket(row) if row["edge"] == "station" else row["node"]
            return StoryStep(i, t, lane, None, clean(f"#{row['socket']} closed: {row['why']}", 40), "quiet")
        case "fault.begun" | "fault.ended":
            word = "begins" if kind == "fault.begun" else "ends"
            return StoryStep(i, t, "", None, f"{row['fault']} {word}", "fault")
        case "task.failed":
            return StoryStep(i, t, row["node"], None, clean(row["error"], 60), "bad")
    return None


def _cleaned(step: StoryStep) -> StoryStep:
    """Names and labels as they may stand in a picture or on a terminal, whatever a station or a file made of them."""
    to = clean(step.to, 60) if step.to else step.to
    return replace(step, lane=clean(step.lane, 60), to=to, label=clean(step.label, 90))


def _with_moment(step: StoryStep, here: bool) -> StoryStep:
    return StoryStep(step.i, step.t, step.lane, step.to, step.label, step.tone, True) if here else step


def _moment_of(row: Row, violation: dict[str, Any]) -> StoryStep:
    # What is seen at rest has no lane of its own: it is the state things were left in.
    return StoryStep(int(row["i"]), float(row["t"]), "", None, clean(violation.get("found", ""), 90), "bad", True)


def _arrived(row: Row, rows: Sequence[Row], used: set[int]) -> bool:
    """Find the other end of a frame: the next one of this text, socket and direction that is not taken yet."""
    edge = "csms.received" if row["edge"] == "station.sent" else "station.received"
    for later in rows[int(row["i"]) + 1 : int(row["i"]) + 4000]:
        if (
            later["kind"] == "frame"
            and later["edge"] == edge
            and later["socket"] == row["socket"]
            and later["station"] == row["station"]
            and later["text"] == row["text"]
            and later["i"] not in used
        ):
            used.add(later["i"])
            return True
    return False


def _lanes(steps: Iterable[StoryStep], station: str | None) -> tuple[tuple[str, str], ...]:
    names = {name for step in steps for name in (step.lane, step.to) if name}
    sockets = sorted((name for name in names if " #" in name), key=_by_number)
    boxes = sorted(name for name in names if name.endswith(" box"))
    nodes = sorted(names - {OPERATOR, LOG} - set(sockets) - set(boxes))
    ordered = [name for name in (OPERATOR, LOG) if name in names]
    ordered = [name for name in (LOG, OPERATOR) if name in ordered][::-1]
    lanes: list[tuple[str, str]] = []
    if OPERATOR in ordered:
        lanes.append((OPERATOR, "operator"))
    if LOG in ordered:
        lanes.append((LOG, "event log"))
    lanes += [(name, f"CSMS {name}") for name in nodes]
    lanes += [(name, " socket ".join(name.rsplit(" #", 1))) for name in sockets]
    lanes += [(name, f"{name.removesuffix(' box')} hardware") for name in boxes]
    return tuple((name, clean(title, 28)) for name, title in lanes)


def _by_number(name: str) -> tuple[str, int, str]:
    station, _, number = name.rpartition(" #")
    return station, int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0, number


# --- words -----------------------------------------------------------------------------------------------------------


def frame_label(text: str) -> str:
    """Say what a frame is, in a few words."""
    try:
        message = _decode(text)
        kind = message[0]
        if kind == 2:
            return clean(f"{message[2]}{_detail(message[3])}", 44)
        if kind == 3:
            status = message[2].get("status") or message[2].get("idTagInfo", {}).get("status") or "answer"
            return clean(f"answer {message[1]}: {status}" if status != "answer" else f"answer {message[1]}", 44)
        if kind == 4:
            return clean(f"error {message[1]}: {message[2]}", 44)
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError, UnicodeError, RecursionError):
        pass
    return clean(f"? {text}", 44)


def _detail(payload: Any) -> str:
    words = [str(payload[name]) for name in ("connectorId", "status", "requestedMessage") if name in payload]
    return f" {' '.join(words)}" if words else ""


def _is_beat(text: str) -> bool:
    return '"Heartbeat"' in text or '"currentTime"' in text


def command_label(command: dict[str, Any]) -> str:
    """Say what an operator asks for: of a connector only where it is not the first of its EVSE."""
    shown = {name: value for name, value in command.items() if name not in ("kind", "remote_start_id", "details")}
    if shown.get("connector") in (0, 1):
        del shown["connector"]
    values = [str(value) for value in shown.values() if value not in (None, {})]
    return clean(f"{command.get('kind', '?')} {' '.join(values)}".strip(), 40)


def event_label(row: Row) -> str:
    """Say what a stored event states."""
    data = row.get("data", {})
    kind = str(row.get("type"))
    if kind == "CommandRequested":
        return clean(f"{command_label(data.get('command', {}))} requested", 44)
    about = data.get("status") or data.get("why") or data.get("evidence") or data.get("what") or ""
    return clean(f"{kind} {about}".strip(), 44)
