"""Labelled points: places in the CSMS after which a crash makes a difference.

A point is declared here and passed with `await reach(POINT, station, command_id)`. In production that is a no-op; a
test world can crash the node there. Sweeps over all crash points include a new one once it is declared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

POINTS: dict[str, Point] = {}
"""Every declared point by label."""


@dataclass(frozen=True, slots=True)
class Point:
    """A label and what is true when it is passed."""

    label: str
    meaning: str

    def __post_init__(self) -> None:
        POINTS[self.label] = self


INTENT_DECIDED = Point("intent.decided", "a command was decided, its intent is not in the log")
INTENT_DURABLE = Point("intent.durable", "the intent is in the log, its frame has not left")
CALL_WRITTEN = Point("call.written", "the frame of a command was handed to the socket")
ANSWER_RECEIVED = Point("answer.received", "a station's answer arrived, its outcome is not in the log")
OUTCOME_DURABLE = Point("outcome.durable", "the outcome of a command is in the log")
DOUBT_DURABLE = Point("doubt.durable", "a command is recorded as in doubt, nobody is looking for evidence yet")
PROBE_DUE = Point("probe.due", "a command in doubt is due for another look")
REPORT_RECEIVED = Point("report.received", "a station's report arrived, its facts are not in the log")
REPORT_DURABLE = Point("report.durable", "a report's facts are in the log, the station has no answer")
REPLY_WRITTEN = Point("reply.written", "the answer to a report was handed to the socket")
ONLINE_DURABLE = Point("online.durable", "a station is recorded as online")
OFFLINE_DUE = Point("offline.due", "a station was silent too long, that is not in the log")
SNAPSHOT_DUE = Point("snapshot.due", "a snapshot is due, what it covers is durable")
RECOVERY_BEGUN = Point("recovery.begun", "a node restarted and has read the log, its open commands are untouched")

Reach = Callable[[Point, str | None, str | None], Awaitable[None]]
"""`await reach(point, station, command_id)`."""


async def passed(point: Point, station: str | None, command_id: str | None) -> None:
    """Do nothing: what production does at a point."""
