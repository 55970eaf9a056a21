"""What a fleet does, by name: how its drivers behave and how its connections do. Frozen values, all of them here."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

from interlock.simulator.driver import Driver, Habit, Steps, start_habit
from interlock.simulator.personas import PERSONAS
from interlock.simulator.station import Station


@dataclass(frozen=True, slots=True)
class Profile:
    """How a fleet behaves. Pairs are the bounds of a uniform draw; times are seconds."""

    name: str
    summary: str
    habit: Habit | None = None
    """When drivers come, if by a habit."""
    stay_s: tuple[float, float] | None = None
    """How long they stay, if each comes as soon as the last has left."""
    pause_s: tuple[float, float] = (1.0, 8.0)
    """Between those."""
    drops_every_s: float | None = None
    """How often a station loses its connection, on average."""
    station: Mapping[str, Any] = field(default_factory=dict)
    """Differences of its stations from the default one (fields of `StationSpec`)."""


FOREVER_S = 1e9

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("idle", "nobody comes: boot, statuses and heartbeats"),
        Profile(
            "day",
            "drivers come and go as on a working day, about one in two hours to each connector",
            habit=Habit("day", (0.5,), (1_200.0, 9_000.0), FOREVER_S, FOREVER_S),
        ),
        Profile(
            "busy",
            "one driver after the other at each connector, 15 to 45 s each, meter values every 5 s",
            stay_s=(15.0, 45.0),
            station={"meter_interval_s": 5.0},
        ),
        Profile(
            "storm",
            "connections are lost every 20 s or so and opened again at once, sessions go on meanwhile",
            stay_s=(15.0, 45.0),
            drops_every_s=20.0,
            station={"meter_interval_s": 5.0, "reconnect_s": (0.2, 1.0)},
        ),
        Profile(
            "forgetful",
            "as busy, but each start, stop or meter value that was answered may be sent again under a new message id",
            stay_s=(15.0, 45.0),
            station={
                "meter_interval_s": 5.0,
                "retry_s": 2.0,
                "persona": replace(PERSONAS["resends-new-id"], forgets_answer=0.5),
            },
        ),
    )
}
"""Every profile by name."""


def begin(env: simpy.Environment, station: Station, profile: Profile, id_token: str) -> None:
    """Let a station's drivers come and its connections be lost, as `profile` says.

    All of it draws from the station's own stream: a separate one would take 2.5 KiB, and the order of draws in wall
    time is not reproducible anyway.
    """
    if profile.habit is not None:
        start_habit(env, station, station.rng, profile.habit, id_token=id_token)
    if profile.stay_s is not None:
        for evse in station.evses:
            env.process(_one_after_another(env, station, evse.number, profile, profile.stay_s, id_token))
    if profile.drops_every_s is not None:
        env.process(_lose_connections(env, station, profile.drops_every_s))


def _one_after_another(
    env: simpy.Environment,
    station: Station,
    number: int,
    profile: Profile,
    stay_s: tuple[float, float],
    id_token: str,
) -> Steps:
    rng = station.rng
    while True:
        yield env.timeout(rng.uniform(*profile.pause_s))
        stay = rng.uniform(*stay_s)
        yield Driver(env, station, rng, number, id_token, stay, dawdle_s=(0.5, 3.0)).process


def _lose_connections(env: simpy.Environment, station: Station, every_s: float) -> Generator[simpy.Event, Any, None]:
    while True:
        yield env.timeout(station.rng.expovariate(1.0 / every_s))
        station.drop_connection("storm")
