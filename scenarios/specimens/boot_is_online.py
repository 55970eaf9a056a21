"""A boot counts as coming online.

A station that boots on a connection it already spoke on comes online a second time: two epochs for one connection,
and uptime that nobody can add up.
"""

from __future__ import annotations

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class BootIsOnline(Csms):
    """Takes BootNotification for a connection."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Record a report; call the station online behind a boot."""
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Boot):
            at = self.clock.at()
            await self.handler.record(station, lambda state: ([ev.CameOnline(at, state.epoch + 1, self.name)], None))
        return reply


SPECIMEN = Specimen(
    name="boot-is-online",
    title="records CameOnline at each BootNotification as well",
    csms=BootIsOnline,
    caught_by="I23",
    scenario="heartbeats-presence",
    seen_in="back ends that derive presence from boots: OCPP 1.6 does not ask for a boot at each reconnect",
)
