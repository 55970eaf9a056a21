"""Deadlines are set by the station's clock.

What the station last said of the time is taken for the time. Its clock is hours ahead, so a command without an answer
stays under way for hours, and holds its connector.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Known, Refusal
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class TheirTime(Handler):
    """Counts a command's time from the station's now."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ahead_s: dict[str, float] = {}

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide a command; its deadline is in the station's time."""
        theirs_s = timeout_s + self.ahead_s.get(station, 0.0)
        return await super().intend(station, command, request_id, theirs_s, force=force)


class SkewedDeadline(Csms):
    """Believes every clock but its own."""

    handler_class = TheirTime

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Note how far the station's clock is ahead."""
        assert isinstance(self.handler, TheirTime)
        if isinstance(report, rp.Status) and report.reported_at is not None:
            ahead = report.reported_at - self.clock.at()
            self.handler.ahead_s[station] = ahead.total_seconds()
        return await super().record_report(station, report)


SPECIMEN = Specimen(
    name="skewed-deadline",
    title="sets a command's deadline by the station's clock",
    csms=SkewedDeadline,
    caught_by="I21",
    scenario="line-dies-during-start",
)
