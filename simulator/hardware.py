"""What is physically there: locks, contactors, a meter, a supply. The ledger records each movement, and only those."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal

import simpy

Observe = Callable[..., None]
Mover = Literal["remote", "driver", "station"]

NOMINAL_V = 230.0
UNDER_V = 207.0
"""Below nominal less 10 % a station reports UnderVoltage (EN 50160's band)."""
NORMAL_V = 212.0
"""Above this it is over: hysteresis."""
DEAD_V = 130.0
"""Below this the controller browns out."""
RAMP_STEPS = 8


class CableLock:
    """The lock of one connector. Each command moves its motor, whatever position it is in."""

    __slots__ = ("_connector", "_observe", "_station", "locked")

    def __init__(self, station: str, connector: int, observe: Observe) -> None:
        self._station, self._connector, self._observe = station, connector, observe
        self.locked = True

    def move(self, *, locked: bool, by: Mover, message_id: str | None = None) -> None:
        """Move the lock, and write it into the ledger."""
        self.locked = locked
        self._observe(
            "ledger",
            station=self._station,
            connector=self._connector,
            part="lock",
            action="locked" if locked else "unlocked",
            by=by,
            message_id=message_id,
        )


class Contactor:
    """The switch that lets power through."""

    __slots__ = ("_connector", "_observe", "_station", "closed")

    def __init__(self, station: str, connector: int, observe: Observe) -> None:
        self._station, self._connector, self._observe = station, connector, observe
        self.closed = False

    def move(self, *, closed: bool, by: Mover, message_id: str | None = None) -> None:
        """Open or close it; it moves only if it is in the other position."""
        if self.closed == closed:
            return
        self.closed = closed
        self._observe(
            "ledger",
            station=self._station,
            connector=self._connector,
            part="contactor",
            action="closed" if closed else "opened",
            by=by,
            message_id=message_id,
        )


class Meter:
    """An energy register: the integral of power, in whole Wh, that no reboot turns back."""

    __slots__ = ("_energy_ws", "_env", "_power_w", "_since")

    def __init__(self, env: simpy.Environment, start_wh: int = 0) -> None:
        self._env, self._energy_ws, self._power_w, self._since = env, start_wh * 3600.0, 0.0, env.now

    def draw(self, power_w: float) -> float:
        """Let `power_w` flow from now on; return the energy in Wh since the last change."""
        grown_ws = self._power_w * (self._env.now - self._since)
        self._energy_ws += grown_ws
        self._power_w, self._since = power_w, self._env.now
        return grown_ws / 3600.0

    @property
    def power_w(self) -> float:
        """The power that flows now."""
        return self._power_w

    def read_wh(self) -> int:
        """Return the register."""
        return int((self._energy_ws + self._power_w * (self._env.now - self._since)) / 3600.0)


class PowerSupply:
    """The mains of one station. Voltage falls and rises over time; `crossed` is told of each threshold it passes."""

    def __init__(
        self, env: simpy.Environment, station: str, observe: Observe, crossed: Callable[[str], None]
    ) -> None:
        self._env, self._station, self._observe, self._crossed = env, station, observe, crossed
        self._drops: dict[int, float] = {}
        self._count = 0
        self.under = False
        self.dead = False

    @property
    def volts(self) -> float:
        """The voltage now: nominal less the deepest sag."""
        return max(0.0, NOMINAL_V - max(self._drops.values(), default=0.0))

    def sag(self, depth_v: float, ramp_s: float = 1.0, hold_s: float = 5.0) -> None:
        """Ramp down by `depth_v`, hold, ramp up."""
        self._env.process(self._sag(depth_v, ramp_s, hold_s))

    def power_cut(self, seconds: float) -> None:
        """Lose the mains at once."""
        self._env.process(self._sag(NOMINAL_V, 0.0, seconds))

    def _sag(self, depth_v: float, ramp_s: float, hold_s: float) -> Generator[Any, Any, None]:
        self._count += 1
        me = self._count
        for step in range(1, RAMP_STEPS + 1):
            yield self._env.timeout(ramp_s / RAMP_STEPS)
            self._drop(me, depth_v * step / RAMP_STEPS)
        yield self._env.timeout(hold_s)
        for step in range(RAMP_STEPS - 1, -1, -1):
            yield self._env.timeout(ramp_s / RAMP_STEPS)
            self._drop(me, depth_v * step / RAMP_STEPS)

    def _drop(self, me: int, drop_v: float) -> None:
        if drop_v > 0.0:
            self._drops[me] = drop_v
        else:
            self._drops.pop(me, None)
        volts = self.volts
        if not self.under and volts < UNDER_V:
            self.under = True
            self._pass("under", volts)
        if not self.dead and volts < DEAD_V:
            self.dead = True
            self._pass("dead", volts)
        if self.dead and volts > NORMAL_V:
            self.dead = self.under = False
            self._pass("restored", volts)
        elif self.under and volts > NORMAL_V:
            self.under = False
            self._pass("normal", volts)

    def _pass(self, crossed: str, volts: float) -> None:
        self._observe("voltage", station=self._station, volts=round(volts, 1), crossed=crossed)
        self._crossed(crossed)
