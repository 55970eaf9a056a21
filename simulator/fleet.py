"""Many stations from one seed, each with a stream of chance of its own, so that one more changes none of the others."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import simpy

from .hardware import Observe
from .network import Network
from .station import Station, StationSpec


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """`count` stations like `station`, named by `prefix` and number."""

    count: int
    station: StationSpec
    prefix: str = "CP"

    def station_id(self, number: int) -> str:
        """Name the `number`th station, from 1."""
        return f"{self.prefix}{number:0{4 if self.count > 99 else 2}d}"


def build(env: simpy.Environment, spec: FleetSpec, seed: int, network: Network, observe: Observe) -> list[Station]:
    """Build the stations of a fleet. None is switched on yet."""
    return [
        Station(
            env,
            replace(spec.station, station_id=spec.station_id(number)),
            random.Random(f"{seed}:{spec.station_id(number)}"),
            network,
            observe,
        )
        for number in range(1, spec.count + 1)
    ]
