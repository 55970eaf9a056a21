"""The answer to a probe counts before the frames it overtook.

The station is asked, it answers, and there is no transaction: so nothing started. The StartTransaction stands in its
queue, and the answer did not wait for it.
"""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain.inflight import Pending, Phase, probed_command
from interlock.csms.domain.station import Station
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Hasty(Dispatcher):
    """Takes the answer for the evidence."""

    async def outcome(
        self, station: str, command_id: str, answer: facts.Answer, forgotten: Pending | None = None
    ) -> None:
        """Record an answer; one to a probe ends the doubt it was about."""
        await super().outcome(station, command_id, answer, forgotten)
        probe = (await self.handler.load(station)).state.commands.get(command_id)
        about = probed_command(probe.request_id) if probe else None

        def nothing_there(state: Station) -> facts.Facts:
            pending = state.commands.get(about or "")
            if (
                pending is None
                or pending.phase is not Phase.IN_DOUBT
                or not isinstance(pending.command, do.RemoteStart)
            ):
                return []
            if state.open_transaction(pending.command.evse):
                return []
            return [ev.CommandRefuted(self.clock.at(), pending.command_id, "no transaction when asked")]

        if answer.accepted and about is not None:
            await self.handler.insist(station, nothing_there)


class ProbeBeforeQueue(Csms):
    """Overtakes the station's queue."""

    dispatcher_class = Hasty


SPECIMEN = Specimen(
    name="probe-before-queue",
    title="ends a doubt at the answer to a probe, before what the station has queued is heard",
    csms=ProbeBeforeQueue,
    caught_by="I07",
    scenario="start-queued-behind-probe",
)
