"""A doubt is called closed as soon as an operator says so, and their statement is recorded when there is time.

The operator is told that it is done before anybody can know: an append that fails, or a process that ends, leaves the
doubt open, and the statement is lost.
"""

from __future__ import annotations

from interlock.csms.domain import facts
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class ClosedWhenAsked(Csms):
    """Answers by what it holds, and records afterwards."""

    async def close_doubt(self, station: str, command_id: str, statement: str) -> str | None:
        """Check that there is a doubt; leave the rest to the background."""
        against = facts.closable((await self.handler.load(station)).state, command_id)
        if against is None:
            recorded = super().close_doubt

            async def later() -> None:
                await recorded(station, command_id, statement)

            self.supervisor.until_done(f"{station}: closing {command_id}", later)
        return against


SPECIMEN = Specimen(
    name="closed-when-asked",
    title="tells an operator that a doubt is closed before that is recorded",
    csms=ClosedWhenAsked,
    caught_by="I44",
    scenario="by-hand",
)
