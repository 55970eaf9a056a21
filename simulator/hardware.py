"""What physically happens: cable lock, contactor, meter and supply voltage.

Every movement of a lock or contactor goes into the ledger (`observe("ledger", ...)`), which is only ever appended to.
It is the ground truth, independent of what the station reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from typing import Any, Literal

import simpy

from interlock.simulator.randomness import Draws
from interlock.simulator.timer import Observe

By = Literal["remote", "driver", "station"]

# --- what moves ------------------------------------------------------------------------------------------------------


class CableLock:
    """The motorised bolt of one connector. At rest and empty it holds the shutter shut.

    In the history `connector` is the EVSE's number; `outlet` is the connector's, where an EVSE has several.
    """

    __slots__ = ("_evse", "_observe", "_outlet", "_station", "locked", "stuck")

    def __init__(self, station: str, evse: int, observe: Observe, outlet: int | None = None) -> None:
        self._station, self._evse, self._observe, self._outlet = station, evse, observe, outlet
        self.locked = True
        self.stuck = False
        """Whether its motor fails to move it."""

    def move(self, locked: bool, by: By, message_id: str | None = None) -> bool:
        """Drive the motor, which is recorded even if the bolt was in place already. Return whether it moved."""
        if self.stuck:
            return False
        self.locked = locked
        self._observe(
            "ledger",
            station=self._station,
            connector=self._evse,
            part="lock",
            action="locked" if locked else "unlocked",
            by=by,
            message_id=message_id,
            **({} if self._outlet is None else {"outlet": self._outlet}),
        )
        return True


class Contactor:
    """The switch between the supply and the vehicle."""

    __slots__ = ("_evse", "_observe", "_station", "closed")

    def __init__(self, station: str, evse: int, observe: Observe) -> None:
        self._station, self._evse, self._observe = station, evse, observe
        self.closed = False

    def set(self, closed: bool, by: By, message_id: str | None = None) -> None:
        """Switch it, if it is not there already."""
        if self.closed == closed:
            return
        self.closed = closed
        self._observe(
            "ledger",
            station=self._station,
            connector=self._evse,
            part="contactor",
            action="closed" if closed else "opened",
            by=by,
            message_id=message_id,
        )


class Meter:
    """An energy meter: counts up, shows whole Wh, and keeps its register without power."""

    __slots__ = ("_wh",)

    def __init__(self, wh: float = 0.0) -> None:
        self._wh = wh

    def count(self, wh: float) -> None:
        """Let `wh` flow through it."""
        if wh > 0.0:
            self._wh += wh

    @property
    def exact_wh(self) -> float:
        """All the energy that flowed through it, in Wh."""
        return self._wh

    @property
    def register_wh(self) -> int:
        """The register it shows, in whole Wh."""
        return int(self._wh)


# --- the supply ------------------------------------------------------------------------------------------------------

NOMINAL_V = 230.0
UNDER_V = 0.9 * NOMINAL_V
"""Below this a station reports UnderVoltage and delivers nothing."""
NORMAL_V = 0.93 * NOMINAL_V
"""Above this it delivers again."""
DEAD_V = 130.0
"""Below this the controller loses power."""
RESTORED_V = 160.0
"""Above this it starts again."""

RAMP_STEPS = 20

Crossing = Literal["under", "normal", "dead", "restored"]


class PowerSupply:
    """The mains of one station. Sags add up; `crossed` is called when the voltage passes a threshold."""

    __slots__ = (
        "_changed",
        "_crossed",
        "_env",
        "_numbers",
        "_observe",
        "_sags",
        "_station",
        "dead",
        "under",
        "volts",
    )

    def __init__(
        self,
        env: simpy.Environment,
        station: str,
        observe: Observe,
        changed: Callable[[float], None],
        crossed: Callable[[Crossing], None],
    ) -> None:
        self._env, self._station, self._observe = env, station, observe
        self._changed, self._crossed = changed, crossed
        self._sags: dict[int, float] = {}
        self._numbers = itertools.count()
        self.volts = NOMINAL_V
        self.under = False
        """Whether the voltage is too low to charge."""
        self.dead = False
        """Whether it is too low for the controller."""

    def sag(self, depth_v: float, ramp_s: float = 1.0, hold_s: float = 5.0) -> None:
        """Let the voltage ramp down by `depth_v`, stay there and ramp up again."""
        self._env.process(self._sag(depth_v, ramp_s, hold_s))

    def power_cut(self, seconds: float) -> None:
        """Take the supply away for `seconds`."""
        self._env.process(self._sag(NOMINAL_V, 0.0, seconds))

    def wander(self, rng: Draws, depth_v: tuple[float, float], every_s: float) -> None:
        """Let the voltage of a weak grid sag now and then, for ever."""
        self._env.process(self._wander(rng, depth_v, every_s))

    def _wander(self, rng: Draws, depth_v: tuple[float, float], every_s: float) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self._env.timeout(rng.expovariate(1.0 / every_s))
            self.sag(rng.uniform(*depth_v), rng.uniform(0.2, 2.0), rng.uniform(1.0, 20.0))

    def _sag(self, depth_v: float, ramp_s: float, hold_s: float) -> Generator[simpy.Event, Any, None]:
        number = next(self._numbers)
        steps = RAMP_STEPS if ramp_s > 0.0 else 1
        for step in range(1, steps + 1):
            if ramp_s > 0.0:
                yield self._env.timeout(ramp_s / steps)
            self._set(number, depth_v * step / steps)
        yield self._env.timeout(hold_s)
        for step in range(steps - 1, -1, -1):
            if ramp_s > 0.0:
                yield self._env.timeout(ramp_s / steps)
            self._set(number, depth_v * step / steps)

    def _set(self, number: int, depth_v: float) -> None:
        if depth_v > 0.0:
            self._sags[number] = depth_v
        else:
            self._sags.pop(number, None)
        self.volts = volts = max(0.0, NOMINAL_V - sum(self._sags.values()))
        # Count what flowed at the old voltage before anything is switched.
        self._changed(volts)
        if volts < UNDER_V and not self.under:
            self.under = True
            self._cross("under")
        if volts < DEAD_V and not self.dead:
            self.dead = True
            self._cross("dead")
        if self.dead and volts >= RESTORED_V:
            self.dead = False
            self._cross("restored")
        if self.under and volts >= NORMAL_V:
            self.under = False
            self._cross("normal")

    def _cross(self, crossing: Crossing) -> None:
        self._observe("voltage", station=self._station, volts=round(self.volts, 3), crossed=crossing)
        self._crossed(crossing)
