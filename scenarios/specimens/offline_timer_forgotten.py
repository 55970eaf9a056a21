"""The offline timer is not armed again after a restart.

A station that fell silent around a crash stays online for ever: nobody is left to notice.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OfflineTimerForgotten(Csms):
    """Recovers commands, not timers."""

    async def recover(self, station: str) -> None:
        """Take up open commands only."""
        await self.dispatcher.adopt(station, crashed=True)


SPECIMEN = Specimen(
    name="offline-timer-forgotten",
    title="does not arm the offline timer again after a restart",
    csms=OfflineTimerForgotten,
    caught_by="I17",
    scenario="restart-with-offline-timer",
)
