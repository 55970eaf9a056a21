"""The close of an old socket clears the session of the new one.

Connections are kept by station id; whichever closes takes the station offline.
"""

from __future__ import annotations

from interlock.csms.connection import Connection
from interlock.csms.domain import facts
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class ClosesByStation(Connection):
    """Does not ask which connection is the current one."""

    async def closed(self, why: str) -> None:
        """Clear the station's session and record it offline."""
        was_open = self.open
        await super().closed(why)
        if not was_open:
            return
        node, station = self.node, self.station
        node.connections.pop(station, None)
        at = node.clock.at()
        await node.handler.record(station, lambda state: (facts.went_offline(state, state.epoch, at, at), None))


class OldCloseClearsNewSession(Csms):
    """Loses live stations."""

    connection_class = ClosesByStation


SPECIMEN = Specimen(
    name="old-close-clears-new-session",
    title="lets the close of a replaced socket clear the session that replaced it",
    csms=OldCloseClearsNewSession,
    caught_by="I16",
    scenario="old-socket-closes-late",
    seen_in="ts-ocpp#19, ocpp-go#314, ev-server#2388, lbbrhzn/ocpp#2122, OpenEMS#2906, OCPP.Core#83",
)
