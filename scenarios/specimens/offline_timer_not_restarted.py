"""The offline timer is not restarted by traffic.

It was set at the first frame and fires when it fires, in the middle of a conversation.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.csms.presence import Presence
from interlock.scenarios.specimens import Specimen


class Unmoved(Presence):
    """Hears, and does not care."""

    def heard(self, station: str, now: float) -> bool:
        """Note nothing."""
        return station in self._epochs


class OfflineTimerNotRestarted(Csms):
    """Calls talking stations offline."""

    presence_class = Unmoved


SPECIMEN = Specimen(
    name="offline-timer-not-restarted",
    title="does not restart the offline timer when frames arrive",
    csms=OfflineTimerNotRestarted,
    caught_by="I16",
    scenario="heartbeats-presence",
)
