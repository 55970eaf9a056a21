"""The operator is told "accepted" before the intent is durable.

Writing happens behind, which is fast, and a crash in between takes back what was promised.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms import codec
from interlock.csms.domain.station import Accept, Known
from interlock.csms.handle import station_stream
from interlock.csms.node import Csms, Decision
from interlock.csms.store import NewEvent
from interlock.scenarios.specimens import Specimen

WRITE_BEHIND_S = 0.5


class AcknowledgedBeforeDurable(Csms):
    """Promises first, writes later."""

    async def operate(self, station: str, command: Any, request_id: str, *, force: bool = False) -> Decision:
        """Decide in memory, answer, and append in the background."""
        loaded = await self.handler.load(station)
        decided = self.handler.decide(command, request_id, loaded.state, self.handler.rules(station))
        if isinstance(decided, Known):
            return Decision("known", decided.command_id)
        if not isinstance(decided, Accept):
            return Decision("refused", None, decided.reason)
        if not loaded.state.online:
            return Decision("unreachable", None, "the station is not connected")

        intent = self.handler.intent(loaded.state, command, request_id, self.settings.call_timeout_s)

        async def behind() -> None:
            await asyncio.sleep(WRITE_BEHIND_S)
            batch = [NewEvent(self.ids.event_id(), *codec.encode(intent))]
            await self.handler.durable(station_stream(station), batch, None)

        self.spawn(behind())
        return Decision("accepted", intent.command_id)


SPECIMEN = Specimen(
    name="acknowledged-before-durable",
    title="answers the operator before the intent is in the log",
    csms=AcknowledgedBeforeDurable,
    caught_by="I10",
    scenario="crash-around-a-command",
)
