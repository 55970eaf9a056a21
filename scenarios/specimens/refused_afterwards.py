"""Records first and decides afterwards.

The command is in the log before anybody asked whether it may be; a refusal is one more event. The operator was told
no, and the log says that it was asked of the station.
"""

from __future__ import annotations

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Known, Refusal
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen


class RecordsFirst(Handler):
    """Has a log of wishes."""

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide as the reference does, and keep what was refused as well."""
        decided = await super().intend(station, command, request_id, timeout_s, force=force)
        if isinstance(decided, Refusal):
            loaded = await self.load(station)
            intent = self.intent(loaded.state, command, request_id, timeout_s)
            refused = ev.CommandRefuted(intent.at, intent.command_id, decided.reason)
            try:
                await self.append(station, loaded, [intent, refused], [self.ids.event_id(), self.ids.event_id()])
            except WrongExpectedVersion:
                await self.catch_up(station, loaded)
        return decided


class RefusedAfterwards(Csms):
    """Writes down requests and then their refusals."""

    handler_class = RecordsFirst


SPECIMEN = Specimen(
    name="refused-afterwards",
    title="records refused commands as requested, and then as refused",
    csms=RefusedAfterwards,
    caught_by="I27",
    scenario="two-unlocks-one-node",
    seen_in="command tables with a status column, as most back ends have them",
)
