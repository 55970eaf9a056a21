"""Recovery sends open commands again.

An outbox with at-least-once delivery: what has no outcome after a restart is sent once more. The station had done it.
"""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Phase
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class AtLeastOnce(Dispatcher):
    """Delivers until it is told to stop."""

    async def adopt(self, station: str, *, crashed: bool) -> None:
        """Send whatever is open as soon as the station is there."""
        state = (await self.handler.load(station)).state
        carrier = self.carriers.get(station)
        for pending in list(state.unfinished()):
            if carrier is not None and pending.phase in (Phase.REQUESTED, Phase.IN_DOUBT):
                at = self.clock.at()
                carrier.call(
                    ev.CommandRequested(
                        at,
                        pending.command_id,
                        pending.request_id,
                        self.node,
                        carrier.epoch,
                        max(pending.deadline, at + (pending.deadline - pending.settled_at)),
                        pending.command,
                    )
                )


class RecoveryResends(Csms):
    """An outbox relay for commands that are not idempotent."""

    dispatcher_class = AtLeastOnce


SPECIMEN = Specimen(
    name="recovery-resends",
    title="sends open commands again after a restart",
    csms=RecoveryResends,
    caught_by="I01",
    scenario="crash-after-send",
    seen_in="transactional outbox relays, which promise at-least-once",
)
