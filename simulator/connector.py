"""The status machine of a connector: OCPP 1.6 section 4.9 as a table, with the rules above it.

A connector is in the status its circumstances ask for (`Circumstances.status`); it gets there only by transitions that
the standard's table has, through Available or Preparing where there is no direct one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from interlock.simulator.timer import Observe


class Circumstances(NamedTuple):
    """What decides a connector's status."""

    faulted: bool = False
    charging: bool = False
    """Whether a session runs."""
    suspended_by_station: bool = False
    suspended_by_vehicle: bool = False
    plugged: bool = False
    finished: bool = False
    """Whether the cable that is in belongs to a session that is over."""
    awaited: bool = False
    """Whether a driver was accepted and has not plugged in yet, or the other way round."""
    operative: bool = True
    reserved: bool = False

    def status(self) -> str:
        """Return the status these circumstances ask for."""
        if self.faulted:
            return "Faulted"
        if self.charging:
            if self.suspended_by_station:
                return "SuspendedEVSE"
            return "SuspendedEV" if self.suspended_by_vehicle else "Charging"
        if self.plugged and self.finished:
            return "Finishing"
        if not self.operative:
            return "Unavailable"
        if self.plugged or self.awaited:
            return "Preparing"
        return "Reserved" if self.reserved else "Available"


TABLE: dict[str, dict[str, str]] = {
    "Available": {
        "Preparing": "A2",
        "Charging": "A3",
        "SuspendedEV": "A4",
        "SuspendedEVSE": "A5",
        "Reserved": "A7",
        "Unavailable": "A8",
        "Faulted": "A9",
    },
    "Preparing": {
        "Available": "B1",
        "Charging": "B3",
        "SuspendedEV": "B4",
        "SuspendedEVSE": "B5",
        "Finishing": "B6",
        "Faulted": "B9",
    },
    "Charging": {
        "Available": "C1",
        "SuspendedEV": "C4",
        "SuspendedEVSE": "C5",
        "Finishing": "C6",
        "Unavailable": "C8",
        "Faulted": "C9",
    },
    "SuspendedEV": {
        "Available": "D1",
        "Charging": "D3",
        "SuspendedEVSE": "D5",
        "Finishing": "D6",
        "Unavailable": "D8",
        "Faulted": "D9",
    },
    "SuspendedEVSE": {
        "Available": "E1",
        "Charging": "E3",
        "SuspendedEV": "E4",
        "Finishing": "E6",
        "Unavailable": "E8",
        "Faulted": "E9",
    },
    "Finishing": {"Available": "F1", "Preparing": "F2", "Unavailable": "F8", "Faulted": "F9"},
    "Reserved": {"Available": "G1", "Preparing": "G2", "Unavailable": "G8", "Faulted": "G9"},
    "Unavailable": {
        "Available": "H1",
        "Preparing": "H2",
        "Charging": "H3",
        "SuspendedEV": "H4",
        "SuspendedEVSE": "H5",
        "Faulted": "H9",
    },
    "Faulted": {
        "Available": "I1",
        "Preparing": "I2",
        "Charging": "I3",
        "SuspendedEV": "I4",
        "SuspendedEVSE": "I5",
        "Finishing": "I6",
        "Reserved": "I7",
        "Unavailable": "I8",
    },
}
"""The transitions there are, by the names the standard gives them."""


def way(here: str, there: str) -> tuple[str, ...]:
    """Return the statuses passed on the way, the last included."""
    if here == there:
        return ()
    if there in TABLE[here]:
        return (there,)
    for between in ("Preparing", "Available"):
        if between in TABLE[here] and there in TABLE[between]:
            return (between, there)
    raise AssertionError(f"no way from {here} to {there}")


class Connector:
    """One connector's status, and what the CSMS was told of it. Number 0 is the station itself."""

    __slots__ = ("_observe", "_report", "_station", "error_code", "number", "queued", "status", "told")

    def __init__(self, station: str, number: int, observe: Observe, report: Callable[[Connector], None]) -> None:
        self._station, self.number, self._observe, self._report = station, number, observe, report
        self.status, self.error_code = "Available", "NoError"
        self.told: tuple[str, str] | None = None
        """The status and error code the CSMS has acknowledged last."""
        self.queued = 0
        """Reports of it on their way."""

    def become(self, status: str, error_code: str) -> None:
        """Go to `status`, reporting each step."""
        if status == self.status:
            if error_code != self.error_code:
                self._step(status, error_code)
            return
        for step in way(self.status, status):
            self._step(step, error_code)

    def _step(self, status: str, error_code: str) -> None:
        self.status, self.error_code = status, error_code
        self._record()
        self._report(self)

    def wake(self, status: str, error_code: str) -> None:
        """Find itself in `status` after a reboot, which is no transition; nobody was told anything."""
        self.told, self.queued = None, 0
        if (status, error_code) != (self.status, self.error_code):
            self.status, self.error_code = status, error_code
            self._record()

    def _record(self) -> None:
        self._observe(
            "status",
            station=self._station,
            connector=self.number,
            status=self.status,
            error_code=self.error_code,
        )
