"""A vehicle: a battery that charges at the offered power, tapering towards the end."""

from __future__ import annotations

import math

from interlock.simulator.randomness import Draws


class Vehicle:
    """A battery that asks for `max_power_w` until the last `taper` of its capacity, then proportionally less.

    The energy drawn in a span of time is computed in closed form: it is the integral of the power, however often the
    meter is read.
    """

    __slots__ = ("_floor_wh", "_taper_wh", "capacity_wh", "max_power_w", "missing_wh")

    def __init__(
        self, capacity_wh: float = 60_000.0, soc: float = 0.4, max_power_w: float = 11_000.0, taper: float = 0.2
    ) -> None:
        self.capacity_wh, self.max_power_w = capacity_wh, max_power_w
        self.missing_wh = capacity_wh * (1.0 - soc)
        self._taper_wh = capacity_wh * taper
        # It stops asking at 2 % of its power, or charging would never end.
        self._floor_wh = self._taper_wh * 0.02

    @classmethod
    def drawn(cls, rng: Draws) -> Vehicle:
        """Draw a vehicle at random."""
        capacity_wh = rng.choice((28_000.0, 44_000.0, 60_000.0, 77_000.0))
        return cls(capacity_wh, rng.uniform(0.15, 0.75), rng.choice((3_700.0, 7_400.0, 11_000.0, 22_000.0)))

    @property
    def soc(self) -> float:
        """State of charge, 0 to 1."""
        return 1.0 - self.missing_wh / self.capacity_wh

    @property
    def full(self) -> bool:
        """Whether it has stopped drawing."""
        return self.missing_wh <= self._floor_wh * (1.0 + 1e-9)

    def power_w(self, offered_w: float) -> float:
        """Return the power in W that it draws now of what it is offered."""
        if self.full:
            return 0.0
        return min(offered_w, self.max_power_w, self.max_power_w * self.missing_wh / self._taper_wh)

    def _knee_wh(self, offered_w: float) -> float:
        """Return the Wh still missing when the battery rather than the offer begins to limit the power."""
        return self._taper_wh * min(1.0, offered_w / self.max_power_w)

    def draw(self, seconds: float, offered_w: float) -> float:
        """Draw for `seconds` and return the Wh taken."""
        if offered_w <= 0.0 or self.full:
            return 0.0
        before, hours = self.missing_wh, seconds / 3600.0
        knee_wh, steady_w = self._knee_wh(offered_w), min(offered_w, self.max_power_w)
        if before > knee_wh:
            steady_h = min(hours, (before - knee_wh) / steady_w)
            self.missing_wh -= steady_w * steady_h
            hours -= steady_h
        if hours > 0.0:
            decay = math.exp(-self.max_power_w / self._taper_wh * hours)
            self.missing_wh = max(self._floor_wh, self.missing_wh * decay)
        return before - self.missing_wh

    def seconds_to_full(self, offered_w: float) -> float:
        """Return for how many seconds it will draw at this offer."""
        if self.full:
            return 0.0
        if offered_w <= 0.0:
            return math.inf
        missing_wh, hours = self.missing_wh, 0.0
        knee_wh, steady_w = self._knee_wh(offered_w), min(offered_w, self.max_power_w)
        if missing_wh > knee_wh:
            hours, missing_wh = (missing_wh - knee_wh) / steady_w, knee_wh
        if missing_wh > self._floor_wh:
            hours += math.log(missing_wh / self._floor_wh) * self._taper_wh / self.max_power_w
        return hours * 3600.0
