"""A time-out is measured against the time a station claims.

When a station was last heard is taken from the timestamp in its report. A clock that is two hours behind makes a
station that speaks look silent; one that is two hours ahead makes a silent one look alive.
"""

from __future__ import annotations

from datetime import datetime

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.csms.presence import Presence
from interlock.scenarios.specimens import Specimen


class BelievesTimestamps(Presence):
    """Keeps the station's time beside its own, as if they were one."""

    def told(self, station: str, at: datetime) -> None:
        """Note when a station says it spoke."""
        self._last_heard[station] = self.clock.when(at)


class StationTimeDecides(Csms):
    """Compares two clocks."""

    presence_class = BelievesTimestamps

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Take the time of a status from the station."""
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Status) and report.reported_at is not None:
            assert isinstance(self.presence, BelievesTimestamps)
            self.presence.told(station, report.reported_at)
        return reply


SPECIMEN = Specimen(
    name="station-time-decides",
    title="measures the offline time-out against the time a station claims",
    csms=StationTimeDecides,
    caught_by="I16",
    scenario="old-news",
)
