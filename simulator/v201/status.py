"""The status of a connector in OCPP 2.0.1 (G01): five words; what goes on in a session is in its transaction."""

from __future__ import annotations

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.station import Station


def word(evse: Evse, connector: int | None = None) -> str:
    """Return the status of a connector, or of a whole EVSE."""
    circumstances = evse.circumstances()
    if circumstances.faulted:
        return "Faulted"
    plugged = circumstances.plugged and connector in (None, evse.connector)
    if plugged and circumstances.charging:
        return "Occupied"
    if not circumstances.operative:
        return "Unavailable"
    if plugged:
        return "Occupied"
    return "Reserved" if circumstances.reserved else "Available"


def station_word(station: Station) -> str:
    """Return the AvailabilityState of the station itself."""
    if station.disabled:
        return "Faulted"
    return "Available" if station.operative else "Unavailable"


class Status(Reported):
    """The status of one connector."""

    __slots__ = ("_several", "_station")

    def __init__(self, station: Station, evse: Evse, connector: int) -> None:
        super().__init__(evse.number, connector, "Available", "")
        self._station, self._several = station, len(evse.locks) > 1

    def become(self, status: str) -> bool:
        """Be in `status` from now on. Return whether that is a change."""
        if status == self.status:
            return False
        self.status = status
        outlet = {"outlet": self.connector} if self._several else {}
        station = self._station
        station.observe("status", station=station.station_id, connector=self.evse, status=status, **outlet)
        return True

    def note(self, status: str) -> None:
        """Be in `status` after a reboot; nothing was reported yet."""
        self.acknowledged, self.queued = None, 0
        self.become(status)
