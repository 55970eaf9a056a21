"""The operator is told "accepted" before the intent is durable.

Writing happens behind, which is fast, and a crash in between takes back what was promised.
"""

from __future__ import annotations

from typing import Any

from csms.domain.station import Accept, Known
from csms.node import Csms, Decision

from . import Specimen


class AcknowledgedBeforeDurable(Csms):
    """Promises first, writes later."""

    async def operate(self, station: str, command: Any, request_id: str) -> Decision:
        """Decide in memory, answer, and append in the background."""
        loaded = await self.handler.load(station)
        decided = self.handler.decide(command, request_id, loaded.state, self.handler.rules(station))
        if isinstance(decided, Known):
            return Decision("known", decided.command_id)
        if not isinstance(decided, Accept):
            return Decision("refused", None, decided.reason)
        if not loaded.state.online:
            return Decision("unreachable", None, "the station is not connected")

        async def behind() -> None:
            await super(AcknowledgedBeforeDurable, self).operate(station, command, request_id)

        self.spawn(behind())
        return Decision("accepted", f"{request_id}-promised")


SPECIMEN = Specimen(
    name="acknowledged-before-durable",
    title="answers the operator before the intent is in the log",
    csms=AcknowledgedBeforeDurable,
    caught_by="I10",
    scenario="crash-at-every-point",
)
