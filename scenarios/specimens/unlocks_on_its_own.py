"""Unlocks when a transaction ends, as a courtesy, without an intent.

A policy calls the station from inside the handler of StopTransaction. The lock opens, and the log has no command that
it could be the effect of: nobody can say who unlocked, or whether it was done.
"""

from __future__ import annotations

from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class UnlocksOnItsOwn(Csms):
    """Sends what nobody asked for."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Record a report; free the cable behind a stop."""
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Stop) and (connection := self.connections.get(station)) is not None:
            state = (await self.handler.load(station)).state
            ended = state.transactions.get(report.transaction_id)
            if ended is not None:
                timeout_s = self.settings.call_timeout_s
                connection.call(self.handler.intent(state, do.Unlock(ended.evse), "courtesy", timeout_s))
        return reply


SPECIMEN = Specimen(
    name="unlocks-on-its-own",
    title="unlocks behind each stopped transaction without recording an intent",
    csms=UnlocksOnItsOwn,
    caught_by="I04",
    scenario="offline-queue",
    seen_in="side effects in the handlers of reports, as most back ends have them",
)
