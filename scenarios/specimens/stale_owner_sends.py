"""A node sends because it has a socket.

Each node that holds a socket of the station writes the command to it. A station that has moved leaves its old socket
standing for a while, and two nodes send one command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlock.csms import codec
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import events as ev
from interlock.csms.handle import station_of
from interlock.csms.node import Csms
from interlock.csms.store import StoredEvent
from interlock.scenarios.specimens import Specimen


class AnySocket(Dispatcher):
    """Asks neither which node owns the connection nor which connection it is."""

    def committed(self, stored: Sequence[StoredEvent]) -> None:
        """Take up every intent for a station there is a socket of."""
        station = station_of(stored[0].stream)
        for event in stored:
            carrier = self.carriers.get(station or "")
            intent = codec.decode(event.type, event.data)
            if station and carrier and isinstance(intent, ev.CommandRequested):
                self.spawn(self.send(station, replace(intent, epoch=carrier.epoch)))


class StaleOwnerSends(Csms):
    """Sends from where the station was."""

    dispatcher_class = AnySocket


SPECIMEN = Specimen(
    name="stale-owner-sends",
    title="sends a command from every node that still has a socket of the station",
    csms=StaleOwnerSends,
    caught_by="I01",
    scenario="two-sockets",
)
