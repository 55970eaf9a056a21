"""The cable locks of one EVSE: opened by motor on demand, and shut again when unused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from interlock.simulator.delivery import Delivery
from interlock.simulator.hardware import CableLock
from interlock.simulator.timer import Timer

if TYPE_CHECKING:
    from interlock.simulator.station import Station


class Locks:
    """A lock for each connector."""

    __slots__ = ("_delivery", "_relock", "_station", "each", "moving")

    def __init__(self, station: Station, evse: int, delivery: Delivery) -> None:
        self._station, self._delivery = station, delivery
        outlets = station.spec.connectors_each
        self.each = tuple(
            CableLock(station.station_id, evse, station.observe, outlet if outlets > 1 else None)
            for outlet in range(1, outlets + 1)
        )
        self.moving = False
        """Whether a motor runs."""
        self._relock: Timer | None = None

    def __len__(self) -> int:
        return len(self.each)

    def of(self, connector: int) -> CableLock:
        """Return the lock of a connector."""
        return self.each[connector - 1]

    def jam(self, stuck: bool) -> None:
        """Make the motors fail, or work again."""
        for lock in self.each:
            lock.stuck = stuck

    def may_open(self, connector: int) -> bool:
        """Whether a motor would be driven: not if it is stuck; if it is open already, by the persona's rule."""
        lock = self.of(connector)
        return not lock.stuck and (lock.locked or self._station.second_unlock == "accept")

    def open(self, connector: int, message_id: str, done: Callable[[bool], None]) -> None:
        """Drive a lock open, which takes a while. `done` is called with whether it moved."""
        station = self._station
        self.moving = True
        pause_s = station.rng.uniform(*station.spec.unlock_s)
        station.after(pause_s, lambda: self._opened(self.of(connector), message_id, done))

    def _opened(self, lock: CableLock, message_id: str, done: Callable[[bool], None]) -> None:
        self.moving = False
        if not lock.move(False, "remote", message_id):
            done(False)
            return
        done(True)
        self.used()
        if self._delivery.vehicle is None:
            self._relock = self._station.after(self._station.spec.relock_s, self._lock_again)

    def _lock_again(self) -> None:
        self._relock = None
        self.lock_idle()

    def lock_idle(self) -> None:
        """Shut every open lock, if no cable is in."""
        if self._delivery.vehicle is None:
            for lock in self.each:
                if not lock.locked:
                    lock.move(True, "station")

    def used(self) -> None:
        """Cancel the automatic shutting."""
        if self._relock is not None:
            self._relock.cancel()
            self._relock = None

    def power_off(self) -> None:
        """Lose the controller: a motor that runs stops, and nothing is shut later."""
        self.moving = False
        self.used()
