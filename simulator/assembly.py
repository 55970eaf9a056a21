"""A station put together: the physical one, and the controller of the OCPP version its description asks for."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from interlock.simulator import v16, v201
from interlock.simulator.network.ports import StationNetwork
from interlock.simulator.ports import Controller
from interlock.simulator.randomness import Draws
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station
from interlock.simulator.timer import Observe

CONTROLLERS: dict[str, Callable[[Station], Controller]] = {"1.6": v16.Controller, "2.0.1": v201.Controller}
"""The controller of each OCPP version."""


def build_station(
    env: simpy.Environment, spec: StationSpec, rng: Draws, network: StationNetwork, observe: Observe
) -> Station:
    """Build a station with its controller. It does nothing until it is started.

    Raises `ValueError` for an OCPP version that no controller speaks.
    """
    if spec.ocpp not in CONTROLLERS:
        raise ValueError(f"a station speaks OCPP {' or '.join(CONTROLLERS)}, not {spec.ocpp!r}")
    return Station(env, spec, rng, network, observe, CONTROLLERS[spec.ocpp])
