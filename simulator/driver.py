"""EV drivers: they arrive, plug in, show a card, wait and leave. Habits say when."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Any

import simpy

from .station import Station

HOUR_S = 3600.0


def visit(
    env: simpy.Environment, station: Station, rng: random.Random, connector: int, id_tag: str, stay_s: float
) -> Generator[Any, Any, None]:
    """One driver's visit to one connector. Somebody who finds it taken drives on."""
    outlet = station.connectors[connector]
    if outlet.plugged:
        return
    station.plug(connector)
    yield env.timeout(rng.uniform(2.0, 20.0))
    station.swipe(connector, id_tag)
    yield env.timeout(stay_s)
    if outlet.session is not None and rng.random() < 0.7:
        station.swipe(connector, id_tag)
        yield env.timeout(rng.uniform(2.0, 15.0))
    station.unplug(connector)


def _morning(rng: random.Random) -> list[tuple[float, float]]:
    return [(rng.betavariate(2, 4) * HOUR_S, rng.uniform(600.0, 2400.0))]


def _day(rng: random.Random) -> list[tuple[float, float]]:
    visits, at_s = [], 0.0
    for _ in range(rng.choice((1, 2, 2, 3))):
        at_s += rng.uniform(1.0, 7.0) * HOUR_S
        stay_s = rng.uniform(0.5, 3.0) * HOUR_S
        visits.append((at_s, stay_s))
        at_s += stay_s
    return visits


HABITS: dict[str, Callable[[random.Random], list[tuple[float, float]]]] = {"morning": _morning, "day": _day}
"""By name: draws when drivers come and how long they stay, in seconds."""


def start_habit(env: simpy.Environment, station: Station, rng: random.Random, habit: str, id_tag: str) -> None:
    """Let drivers come to a station by a habit."""

    def come(arrival_s: float, stay_s: float) -> Generator[Any, Any, None]:
        yield env.timeout(arrival_s)
        connector = rng.randint(1, len(station.connectors) - 1)
        yield from visit(env, station, rng, connector, id_tag, stay_s)

    for arrival_s, stay_s in HABITS[habit](rng):
        env.process(come(arrival_s, stay_s))
