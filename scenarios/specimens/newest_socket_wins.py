"""The newest socket wins before it has proved anything.

A new socket in a station's name ends the connection before it, at the moment it opens. Whoever knows the station's name
takes a working station offline, and need not say a word.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.csms.connection import Connection
from interlock.csms.dialects import Dialect
from interlock.csms.domain import facts
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class NewestSocketWins(Csms):
    """Replaces on connect, not on the first frame."""

    def connect(
        self, station: str, write: Callable[[str], None], close: Callable[[str], None], dialect: Dialect
    ) -> Connection:
        """Take a new socket in the place of the one there is."""
        replaced = self.connections.get(station)
        connection = self.connections[station] = super().connect(station, write, close, dialect)
        if replaced is not None:
            replaced.supersede()
        self.spawn(self._ended(station))
        return connection

    async def _ended(self, station: str) -> None:
        at = self.clock.at()
        await self.handler.insist(station, lambda state: facts.went_offline(state, state.epoch, at, at))


SPECIMEN = Specimen(
    name="newest-socket-wins",
    title="lets a new socket replace a living connection before it has said anything",
    csms=NewestSocketWins,
    caught_by="I16",
    scenario="two-sockets",
    seen_in="SaiFlow 2023, Hijacking EV Charge Points to Cause DoS; ocpp-go#376 weighs it as an option",
)
