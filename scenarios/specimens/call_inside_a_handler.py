"""A handler calls the station and waits for the answer.

While it waits, nobody reads the socket: the answer lies behind the very frame that is being handled. Nothing else of
the station is heard either, until somebody gives up.
"""

from __future__ import annotations

import asyncio

from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen

LOOK_EVERY_S = 0.5


class CallInsideAHandler(Csms):
    """Asks back before it answers."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Clear the cache of a station whose session begins, and only then answer its start."""
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Start):
            asked = await self.operate(station, do.Relay("ClearCache", {}), self.ids.event_id())
            while asked.command_id and await self.phase(station, asked.command_id) in ("requested", "in-doubt"):
                await asyncio.sleep(LOOK_EVERY_S)
        return reply


SPECIMEN = Specimen(
    name="call-inside-a-handler",
    title="waits for the answer to a call of its own inside the handler of a station's call",
    csms=CallInsideAHandler,
    caught_by="I16",
    scenario="crash-at-every-point",
    seen_in="mobilityhouse/ocpp#130, fixed by mobilityhouse/ocpp#135",
)
