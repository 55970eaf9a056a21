"""An electric vehicle: what it draws depends on how full it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Vehicle:
    """A battery of `capacity_wh` holding `charge_wh`, drawing at most `power_w`; above 80 % it tapers to a tenth."""

    capacity_wh: float = 50_000.0
    charge_wh: float = 20_000.0
    power_w: float = 7_400.0

    def demand_w(self) -> float:
        """Return the power it would draw now."""
        level = self.charge_wh / self.capacity_wh
        if level >= 1.0:
            return 0.0
        return self.power_w if level < 0.8 else self.power_w * max(0.1, (1.0 - level) / 0.2)

    def charge(self, energy_wh: float) -> None:
        """Take in energy."""
        self.charge_wh = min(self.capacity_wh, self.charge_wh + energy_wh)
