"""Send, then append: the question's own design.

The aggregate is loaded, the station is called, and only its answer is appended, at the version loaded before the call.
A heartbeat in between moves the head, the append is rejected, and what the station did is nowhere. The operator is
told that it failed and asks again.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain.station import Accept, Known
from interlock.csms.node import Csms, Decision
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.specimens._inline import AnswersToWaiters, outcome, send_and_wait


class SendThenAppend(Csms):
    """Appends after the effect."""

    dispatcher_class = AnswersToWaiters

    async def operate(self, station: str, command: Any, request_id: str, *, force: bool = False) -> Decision:
        """Call the station, then try to write down what happened."""
        loaded = await self.handler.load(station)
        decided = self.handler.decide(command, request_id, loaded.state, self.handler.rules(station))
        if isinstance(decided, Known):
            return Decision("known", decided.command_id)
        if not isinstance(decided, Accept):
            return Decision("refused", None, decided.reason)
        if station not in self.connections:
            return Decision("unreachable", None, "the station is not connected")
        intent = self.handler.intent(loaded.state, command, request_id, self.settings.call_timeout_s)
        answer = await send_and_wait(self, station, intent)
        batch = [intent, outcome(intent, answer, self)]
        # The version is the one from before the call: this is where the outcome is lost.
        await self.handler.append(station, loaded, batch, [self.ids.event_id(), self.ids.event_id()])
        return Decision("accepted", intent.command_id)


SPECIMEN = Specimen(
    name="send-then-append",
    title="calls the station, then appends the outcome at the version loaded before the call",
    csms=SendThenAppend,
    caught_by="I03",
    scenario="heartbeat-vs-unlock",
    seen_in="the obvious reading of load, act, save under optimistic concurrency; Pekko's manual warns of it",
)
