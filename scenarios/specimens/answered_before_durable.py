"""A station is answered before what it told is durable.

The answer goes out, the station drops the message from its queue, and a crash takes the only copy.
"""

from __future__ import annotations

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class AnsweredBeforeDurable(Csms):
    """Writes behind the station's back."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Answer a stop at once and record it in the background."""
        if isinstance(report, rp.Stop | rp.Meter | rp.Status):
            self.spawn(self._later(station, report))
            return rp.Reply()
        return await super().record_report(station, report)

    async def _later(self, station: str, report: rp.Report) -> None:
        await super().record_report(station, report)


SPECIMEN = Specimen(
    name="answered-before-durable",
    title="answers a station before what it reported is in the log",
    csms=AnsweredBeforeDurable,
    caught_by="I30",
    scenario="undervoltage-while-charging",
)
