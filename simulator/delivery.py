"""The flow of energy at one EVSE: contactor, meter, and what the vehicle draws at the present voltage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock.simulator.hardware import NOMINAL_V, By, Contactor, Meter
from interlock.simulator.session import Reading
from interlock.simulator.timer import Timer
from interlock.simulator.vehicle import Vehicle

if TYPE_CHECKING:
    from interlock.simulator.station import Station


class Delivery:
    """The power path of one EVSE. `filled()` is called when the vehicle stops drawing."""

    __slots__ = ("_filled", "_full", "_offered_w", "_since", "_station", "contactor", "limit_w", "meter", "vehicle")

    def __init__(self, station: Station, number: int, meter_wh: int, filled: Callable[[], None]) -> None:
        self._station, self._filled = station, filled
        self.contactor = Contactor(station.station_id, number, station.observe)
        self.meter = Meter(meter_wh)
        self.vehicle: Vehicle | None = None
        self.limit_w: float | None = None
        """The limit in W it was given for what it offers; None: no limit."""
        self._offered_w = 0.0
        self._since = 0.0
        self._full: Timer | None = None

    def close(self, by: By, message_id: str | None = None) -> None:
        """Close the contactor, unless it is closed. Nothing has flowed while it was open."""
        if not self.contactor.closed:
            self._since = self._station.env.now
        self.contactor.set(True, by, message_id)

    def open(self, by: By, message_id: str | None = None) -> None:
        """Count what has flowed and open the contactor."""
        self.count()
        self.contactor.set(False, by, message_id)
        self._cancel_full()

    def count(self) -> None:
        """Add to the meter what has flowed since it was last counted."""
        now = self._station.env.now
        if self.contactor.closed and self.vehicle is not None:
            self.meter.count(self.vehicle.draw(now - self._since, self._offered_w))
        self._since = now

    def flow(self) -> None:
        """Count what has flowed, and let energy flow at the present voltage from now on."""
        self.count()
        offered_w = self._station.spec.max_power_w * self._station.power.volts / NOMINAL_V
        self._offered_w = offered_w if self.limit_w is None else min(offered_w, self.limit_w)
        self._watch_full()

    def limit(self, limit_w: float | None) -> None:
        """Offer no more than this from now on."""
        self.limit_w = limit_w
        if self.contactor.closed:
            self.flow()

    def voltage_changed(self) -> None:
        """Continue at another voltage."""
        if self.contactor.closed:
            self.flow()

    def read(self) -> Reading:
        """Read the meter."""
        self.count()
        vehicle = self.vehicle
        power_w = vehicle.power_w(self._offered_w) if vehicle is not None and self.contactor.closed else 0.0
        return Reading(self.meter.register_wh, power_w, self._station.power.volts)

    def _cancel_full(self) -> None:
        if self._full is not None:
            self._full.cancel()
            self._full = None

    def _watch_full(self) -> None:
        self._cancel_full()
        if self.contactor.closed and self.vehicle is not None and not self.vehicle.full:
            left_s = self.vehicle.seconds_to_full(self._offered_w)
            if left_s < 1e9:
                self._full = Timer(self._station.env, max(left_s, 1e-3), self._check_full)

    def _check_full(self, _: Any) -> None:
        self._full = None
        self.count()
        if self.vehicle is not None and self.vehicle.full:
            self._filled()
        else:
            self._watch_full()
