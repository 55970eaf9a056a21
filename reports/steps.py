"""From an observation to a step of a story: between whom, with which words, and how much it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.reports.run import Row, clean
from interlock.reports.words import called, command_label, event_label, frame_label, is_beat

Tone = Literal["plain", "act", "bad", "lost", "fault", "quiet"]
OPERATOR, LOG = "operator", "log"
EVERYWHERE = (
    "node.crashed",
    "node.started",
    "node.stopped",
    "fault.begun",
    "fault.ended",
    "alarm",
    "task.failed",
)


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One thing that happened: an arrow between two lanes, or a mark on one (`to` is None).

    `i` is its observation's number in the history, `pins` what was violated with it: ids of invariants.
    """

    i: int
    t: float
    lane: str
    to: str | None
    label: str
    tone: Tone = "plain"
    moment: bool = False
    pins: tuple[str, ...] = ()
    overtaken: bool = False
    """Whether it is an append that another one, based on what was before it, was refused for."""


class Seen:
    """What a history shows of the frames: both ends of a line, or the station's alone."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._used: set[int] = set()
        self.both_ends = any(row["kind"] == "frame" and str(row["edge"]).startswith("csms.") for row in rows)

        frames = (called(row["text"]) for row in rows if row["kind"] == "frame")
        self.actions = dict(found for found in frames if found is not None)

    def drawn(self, row: Row) -> bool:
        """Return whether a frame is drawn at this edge: where it was sent, or where alone it can be seen."""
        return str(row["edge"]).endswith("sent") or not self.both_ends

    def arrived(self, row: Row) -> bool:
        """Return whether a frame arrived. One whose other end nobody could see is not called lost."""
        return not self.both_ends or _arrived(row, self.rows, self._used)


def concerns(row: Row, station: str | None) -> bool:
    """Return whether an observation is of a station, or of what all stations share."""
    if "station" in row and row["station"] is not None:
        return station is None or row["station"] == station
    if "stream" in row:
        return station is None or str(row["stream"]) == f"station-{station}"
    return row["kind"] in EVERYWHERE


WEIGHT = {
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


def step_of(row: Row, seen: Seen) -> StoryStep | None:
    """Return the step that an observation makes, None for one that belongs in no story."""
    kind, i, t = row["kind"], int(row["i"]), float(row["t"])
    match kind:
        case "frame":
            if not seen.drawn(row):
                return None
            up = row["edge"] == "station.sent"
            source, target = (_socket(row), row["node"]) if up else (row["node"], _socket(row))
            tone: Tone = "quiet" if is_beat(row["text"]) else "plain"
            return StoryStep(
                i, t, source, target, frame_label(row["text"], seen.actions), tone if seen.arrived(row) else "lost"
            )
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
