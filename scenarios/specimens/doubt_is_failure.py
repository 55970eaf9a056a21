"""In doubt counts as failed, and failed things are tried again.

A time-out is recorded as a rejection and the command is sent once more, under a new id. The station had only been slow.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.csms import ocppj
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import facts
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Retries(Dispatcher):
    """Takes silence for a no."""

    async def timed_out(self, station: str, ended: Sequence[ocppj.TimedOut], why: str) -> None:
        """Record a rejection and try again, once."""
        for call in ended:
            loaded = await self.handler.load(station)
            pending = loaded.state.commands.get(call.message_id)
            await self.outcome(station, call.message_id, facts.Answer(False, "Timeout"))
            if pending is not None and not pending.request_id.endswith("/retry"):
                again = f"{pending.request_id}/retry"
                await self.handler.intend(station, pending.command, again, self.settings.call_timeout_s)


class DoubtIsFailure(Csms):
    """Retries what may have happened."""

    dispatcher_class = Retries


SPECIMEN = Specimen(
    name="doubt-is-failure",
    title="records a time-out as a rejection and sends the command again",
    csms=DoubtIsFailure,
    caught_by="I07",
    scenario="operator-retries",
    seen_in="every default retry policy",
)
