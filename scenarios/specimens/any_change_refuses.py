"""Any change of version is a refusal.

The conflict is detected and nothing is lost, but the operator is refused because a heartbeat came between. A conflict
means decide again.
"""

from __future__ import annotations

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Accept, Known, Refusal
from interlock.csms.handle import Handler, Unreachable
from interlock.csms.node import Csms
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen


class Touchy(Handler):
    """Decides once."""

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide and append; refuse when anybody else appended."""
        loaded = await self.load(station)
        decided = self.decide(command, request_id, loaded.state, self.rules(station))
        if not isinstance(decided, Accept):
            return decided
        if not loaded.state.online:
            raise Unreachable(station)
        intent = self.intent(loaded.state, command, request_id, timeout_s)
        try:
            await self.append(station, loaded, [intent], [self.ids.event_id()])
        except WrongExpectedVersion:
            await self.catch_up(station, loaded)
            return Refusal("the station changed meanwhile")
        return intent


class AnyChangeRefuses(Csms):
    """Refuses without a reason."""

    handler_class = Touchy


SPECIMEN = Specimen(
    name="any-change-refuses",
    title="refuses a command because any event came between load and append",
    csms=AnyChangeRefuses,
    caught_by="I15",
    scenario="slow-store",
)
