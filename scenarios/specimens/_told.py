"""A dispatcher without the deadline of a requested command, which would end a command that a specimen never sends."""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain.station import Pending, Phase


class WaitsToBeTold(Dispatcher):
    """Arms no deadline for a command that was only requested."""

    def watch(self, station: str, pending: Pending | None) -> None:
        """Set the timer only for commands that were answered, or are in doubt."""
        if pending is not None and pending.phase is not Phase.REQUESTED:
            super().watch(station, pending)
