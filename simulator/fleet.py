"""Many stations from one description and one seed, each with random numbers of its own.

A station's stream is named after it, so adding a station, or a draw in one of them, changes nothing for the others.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

from interlock.simulator.assembly import build_station
from interlock.simulator.clock import ClockSpec
from interlock.simulator.network.ports import StationNetwork
from interlock.simulator.personas import PERSONAS
from interlock.simulator.randomness import SmallDraws
from interlock.simulator.spec import OcppVersion, StationSpec
from interlock.simulator.station import Station
from interlock.simulator.timer import Observe


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """A fleet: how many stations, what they have in common, and what differs among them."""

    stations: int = 100
    prefix: str = "CP"
    station: Mapping[str, Any] = field(default_factory=dict)
    """Differences of every station from the default one (fields of `StationSpec`)."""
    personas: Mapping[str, float] = field(default_factory=lambda: {"plain": 1.0})
    """How often each persona occurs, as weights."""
    skew_s: tuple[float, float] = (0.0, 0.0)
    """The range of their clocks' errors at the start, in seconds."""
    drift_ppm: tuple[float, float] = (0.0, 0.0)
    versions: tuple[OcppVersion, ...] = ("1.6",)
    """OCPP versions: the first station speaks the first of them, the second the next, and so on round."""
    switch_on_s: float = 0.0
    """The time over which they are switched on, evenly."""
    ids: tuple[str, ...] = ()
    """Their ids; made of `prefix` and a number where there are none."""

    def station_id(self, number: int) -> str:
        """Return the id of the `number`th station, from 1."""
        if self.ids:
            return self.ids[number - 1]
        return f"{self.prefix}{number:0{max(2, len(str(self.stations)))}d}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The stations of a fleet, in order."""

    stations: tuple[Station, ...]
    switched_on_s: tuple[float, ...]

    def start(self) -> None:
        """Switch each one on at its time."""
        for station, delay_s in zip(self.stations, self.switched_on_s, strict=True):
            station.after(delay_s, station.start)


def build(env: simpy.Environment, spec: FleetSpec, seed: int | str, network: StationNetwork, observe: Observe) -> Fleet:
    """Build a fleet; the same seed builds the same one."""
    stations, delays = [], []
    names, weights = list(spec.personas), list(spec.personas.values())
    for number in range(1, spec.stations + 1):
        station_id = spec.station_id(number)
        made = random.Random(f"{seed}:{station_id}:made")
        clock = ClockSpec(made.uniform(*spec.skew_s), made.uniform(*spec.drift_ppm))
        persona = PERSONAS[made.choices(names, weights)[0]]
        plan = replace(
            StationSpec(
                station_id,
                ocpp=spec.versions[(number - 1) % len(spec.versions)],
                persona=persona,
                clock=clock,
                serial=f"{number:08d}",
            ),
            **spec.station,
        )
        stations.append(build_station(env, plan, SmallDraws(f"{seed}:{station_id}"), network, observe))
        delays.append(made.uniform(0.0, spec.switch_on_s))
    return Fleet(tuple(stations), tuple(delays))
