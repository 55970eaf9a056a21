"""A retry runs the whole handler again, the call included.

The conflict is met as textbooks say: reload and run the handler once more. The handler calls the station.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain.station import Accept, Known
from interlock.csms.node import Csms, Decision
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.specimens._inline import AnswersToWaiters, outcome, send_and_wait


class RetryRerunsTheSend(Csms):
    """Retries on conflict, effect and all."""

    dispatcher_class = AnswersToWaiters

    async def operate(self, station: str, command: Any, request_id: str, *, force: bool = False) -> Decision:
        """Load, call, append; on a conflict all of it again."""
        loaded = await self.handler.load(station)
        while True:
            decided = self.handler.decide(command, request_id, loaded.state, self.handler.rules(station))
            if isinstance(decided, Known):
                return Decision("known", decided.command_id)
            if not isinstance(decided, Accept):
                return Decision("refused", None, decided.reason)
            if station not in self.connections:
                return Decision("unreachable", None, "the station is not connected")
            intent = self.handler.intent(loaded.state, command, request_id, self.settings.call_timeout_s)
            answer = await send_and_wait(self, station, intent)
            try:
                batch = [intent, outcome(intent, answer, self)]
                await self.handler.append(station, loaded, batch, [self.ids.event_id(), self.ids.event_id()])
            except WrongExpectedVersion:
                loaded = await self.handler.catch_up(station, loaded)
                continue
            return Decision("accepted", intent.command_id)


SPECIMEN = Specimen(
    name="retry-reruns-the-send",
    title="on a conflict runs the handler again, and the handler calls the station",
    csms=RetryRerunsTheSend,
    caught_by="I02",
    scenario="heartbeat-vs-unlock",
    seen_in="retry policies on ConcurrencyException; 'A Side Effect Fires Twice' in Emmett's troubleshooting guide",
)
