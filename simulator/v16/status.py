"""The status of a connector: OCPP 1.6 section 4.9 as a table, with the rules above it.

A connector has the status that its circumstances require (`word`), and reaches it only by transitions of the
standard's table, through Available or Preparing where there is no direct one.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.simulator.circumstances import Circumstances
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.timer import Observe


def word(circumstances: Circumstances) -> str:
    """Return the status that these circumstances require."""
    if circumstances.faulted:
        return "Faulted"
    if circumstances.charging:
        if circumstances.suspended_by_station:
            return "SuspendedEVSE"
        return "SuspendedEV" if circumstances.suspended_by_vehicle else "Charging"
    if circumstances.plugged and circumstances.finished:
        return "Finishing"
    if not circumstances.operative:
        return "Unavailable"
    if circumstances.awaited:
        return "Preparing"
    if circumstances.reserved:
        return "Reserved"
    return "Preparing" if circumstances.plugged else "Available"


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
"""The allowed transitions, by their numbers in the standard."""


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


class Status(Reported):
    """The status of one connector, which follows the table. Number 0 is the station itself."""

    __slots__ = ("_observe", "_report", "_station")

    def __init__(self, station: str, number: int, observe: Observe, report: Callable[[Reported], None]) -> None:
        super().__init__(number, min(number, 1), "Available", "NoError")
        self._station, self._observe, self._report = station, observe, report

    @property
    def number(self) -> int:
        """The connectorId: EVSE n has connector n, its only one."""
        return self.evse

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

    def note(self, status: str, error_code: str) -> None:
        """Be in `status` after a reboot, which is no transition; nothing was reported yet."""
        self.acknowledged, self.queued = None, 0
        if (status, error_code) != self.now:
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
