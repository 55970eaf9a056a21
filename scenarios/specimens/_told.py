"""A dispatcher that relies on whoever sends: the second line of defence taken away, for what the first should do."""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain.station import Pending, Phase


class WaitsToBeTold(Dispatcher):
    """Arms no deadline for a command that was only requested."""

    def watch(self, station: str, pending: Pending | None) -> None:
        """Look again only at what was sent and answered, or doubted."""
        if pending is not None and pending.phase is not Phase.REQUESTED:
            super().watch(station, pending)
