"""Drivers, who arrive, plug in, present a card, charge and leave; and habits, which say when how many of them come.

A driver is a SimPy process. What he does depends on the CSMS only through the station in front of him.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from interlock.simulator.randomness import Draws, SmallDraws
from interlock.simulator.station import Station
from interlock.simulator.vehicle import Vehicle

Steps = Generator[simpy.Event, Any, None]


class Driver:
    """One visit to one EVSE, as a process. `done` is the result, once it is over."""

    def __init__(
        self,
        env: simpy.Environment,
        station: Station,
        rng: Draws,
        evse: int,
        id_token: str,
        stay_s: float,
        *,
        arrive_s: float = 0.0,
        dawdle_s: tuple[float, float] = (2.0, 15.0),
        swipes: bool = True,
        swipes_first: bool = False,
        stops_by_card: bool | None = None,
        vehicle: Vehicle | None = None,
    ) -> None:
        self._env, self._station, self._rng = env, station, rng
        self._number, self._id_token, self._stay_s = evse, id_token, stay_s
        self._arrive_s, self._dawdle_s = arrive_s, dawdle_s
        self._swipes, self._swipes_first = swipes, swipes_first
        self._stops_by_card = rng.random() < 0.6 if stops_by_card is None else stops_by_card
        self._vehicle = vehicle if vehicle is not None else Vehicle.drawn(rng)
        self.done: str | None = None
        """`charged`, `no session`, `occupied`, `stuck`, or None while he is there."""
        self.process = env.process(self._visit())

    def _dawdle(self) -> simpy.Event:
        return self._env.timeout(self._rng.uniform(*self._dawdle_s))

    def _visit(self) -> Steps:
        station, number = self._station, self._number
        evse = station.evses[number - 1]
        yield self._env.timeout(self._arrive_s)
        if self._swipes and self._swipes_first:
            station.swipe(number, self._id_token)
            yield self._dawdle()
        if not station.plug(number, self._vehicle):
            self.done = "occupied"
            return
        if self._swipes and not self._swipes_first:
            yield self._dawdle()
            station.swipe(number, self._id_token)
        yield self._env.timeout(self._stay_s / 2)
        charged = evse.session is not None
        yield self._env.timeout(self._stay_s / 2)
        session = evse.session
        if session is not None and self._stops_by_card and session.id_token == self._id_token:
            station.swipe(number, self._id_token)
            yield self._dawdle()
        for _ in range(100):
            if station.unplug(number):
                self.done = "charged" if charged else "no session"
                return
            yield self._env.timeout(60.0)
        self.done = "stuck"


@dataclass(frozen=True, slots=True)
class Habit:
    """When drivers come to a station and how long they stay.

    `by_hour` is how many come per EVSE in each hour, the last entry for all hours after; `ends_s` is when the last
    one comes. Stays are drawn from `stay_s`, but never so long that a visit goes past `gone_s`.
    """

    name: str
    by_hour: tuple[float, ...]
    stay_s: tuple[float, float]
    ends_s: float
    gone_s: float
    swipes_first: float = 0.2


HOUR_S = 3600.0

# From midnight: hardly anybody at night, commuters in the morning, shoppers until late.
# fmt: off
_BY_HOUR = (
    0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.15, 0.45, 0.5, 0.3, 0.2, 0.2,
    0.25, 0.2, 0.2, 0.2, 0.25, 0.4, 0.4, 0.3, 0.2, 0.1, 0.05, 0.0,
)
# fmt: on

HABITS: dict[str, Habit] = {
    habit.name: habit
    for habit in (
        Habit("morning", (2.5, 0.0), (900.0, 2_400.0), 0.75 * HOUR_S, 1.0 * HOUR_S),
        Habit(
            "day",
            _BY_HOUR,
            (1_200.0, 9_000.0),
            23.0 * HOUR_S,
            23.9 * HOUR_S,
        ),
        Habit("busy", (4.0,), (120.0, 600.0), 1e9, 1e9),
    )
}
"""Every habit by name."""


def start_habit(
    env: simpy.Environment,
    station: Station,
    rng: Draws,
    habit: str | Habit,
    *,
    id_token: str = "TAG-DRIVER",
) -> list[simpy.Process]:
    """Let drivers come to each EVSE of a station by a habit. Return the processes."""
    kind = HABITS[habit] if isinstance(habit, str) else habit
    return [env.process(_come(env, station, _own(rng), evse.number, kind, id_token)) for evse in station.evses]


def _own(rng: Draws) -> Draws:
    """Return a stream of the same kind that begins where `rng` says."""
    return (SmallDraws if isinstance(rng, SmallDraws) else random.Random)(rng.getrandbits(64))


def _come(env: simpy.Environment, station: Station, rng: Draws, evse: int, habit: Habit, id_token: str) -> Steps:
    begun = env.now
    while True:
        wait_s = _until_next(rng, habit, env.now - begun)
        if wait_s is None:
            return
        yield env.timeout(wait_s)
        left_s = habit.gone_s - (env.now - begun)
        stay_s = min(rng.uniform(*habit.stay_s), left_s)
        if stay_s < 60.0:
            return
        first = rng.random() < habit.swipes_first
        # One driver at a time: one who arrives while another is there waits, and starts late.
        yield Driver(env, station, rng, evse, id_token, stay_s, swipes_first=first).process


def _until_next(rng: Draws, habit: Habit, since_s: float) -> float | None:
    """Draw how long until the next one comes, or None when nobody does any more."""
    at = since_s
    last = len(habit.by_hour) - 1
    while at < habit.ends_s:
        hour = int(at // HOUR_S)
        rate = habit.by_hour[min(hour, last)]
        if rate <= 0.0 and hour >= last:
            return None
        end = (hour + 1) * HOUR_S
        step = rng.expovariate(rate / HOUR_S) if rate > 0.0 else float("inf")
        if at + step < end:
            at += step
            return at - since_s if at < habit.ends_s else None
        at = end
    return None
