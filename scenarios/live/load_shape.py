"""What happens in a load test, as a value: how many stations when, how long sessions are, what operators ask for.

    [users]
    curve = [[0.0, 0.1], [0.5, 0.1], [0.6, 1.0]]    # (share of the time, share of --users), straight lines between
    [sessions]
    stay_s = [4, 12]                  # how long a driver stays: the least and the most
    pause_s = [0.2, 3]                # between two drivers of a connector
    [connections]
    drops_every_s = 60                # a station loses its connection this often, on average
    all_drop_at = [0.4, 0.7]          # shares of the time at which all connections are lost
    [station]
    meter_interval_s = 5              # any option of a simulated station
    [commands]
    UnlockConnector = 40              # weights of what operators ask for; what is left out is not asked for

Every table may be left out. In Python it is a subclass of `LoadShape` with other defaults, and `users_at` to override.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from interlock.scenarios.judge.thresholds import COMMANDS
from interlock.simulator.profiles import Profile

SAMPLES = 200
"""Points that stand for a curve which a Python class computes."""
MIX: Mapping[str, float] = dict(zip(COMMANDS, (40, 12, 12, 10, 6, 6, 6, 6, 2), strict=True))
Pair = tuple[float, float]


@dataclass(frozen=True)
class LoadShape:
    """One way of a load test to go. Times are seconds, pairs the least and the most of what is drawn evenly."""

    name: str = "mine"
    summary: str = "as its file says"
    curve: tuple[Pair, ...] = ()
    """(share of the time, share of the stations), in order of time; empty: all, as fast as they are spawned."""
    stay_s: Pair = (15.0, 45.0)
    pause_s: Pair = (1.0, 8.0)
    drops_every_s: float | None = None
    all_drop_at: tuple[float, ...] = ()
    station: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, float] = field(default_factory=lambda: dict(MIX))
    """Weights by action."""

    def users_at(self, share: float) -> float:
        """Return the share of the stations that is there when this share of the time is over."""
        if not self.curve:
            return 1.0
        at = bisect_right([t for t, _ in self.curve], share)
        if at in (0, len(self.curve)):
            return self.curve[min(at, len(self.curve) - 1)][1]
        (t0, u0), (t1, u1) = self.curve[at - 1 : at + 1]
        return u0 + (u1 - u0) * (share - t0) / (t1 - t0)

    def profile(self) -> Profile:
        """Return what drivers and connections of a station do."""
        return Profile(
            self.name,
            self.summary,
            stay_s=self.stay_s,
            pause_s=self.pause_s,
            drops_every_s=self.drops_every_s,
            station=self.station,
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `of` reads: a curve that is computed is sampled, so that no process needs the class."""
        own = type(self).users_at is not LoadShape.users_at
        curve = [(n / SAMPLES, float(self.users_at(n / SAMPLES))) for n in range(SAMPLES + 1)] if own else self.curve
        return {**asdict(self), "curve": [list(one) for one in curve]}


def of(found: Mapping[str, Any]) -> LoadShape:
    """Return a shape from its JSON."""
    pairs = {name: tuple(found[name]) for name in ("stay_s", "pause_s", "all_drop_at")}
    station = {name: tuple(one) if isinstance(one, list) else one for name, one in found["station"].items()}
    curve = tuple((float(t), float(u)) for t, u in found["curve"])
    return LoadShape(**{**found, **pairs, "station": station, "curve": curve})


BUILT_IN: dict[str, LoadShape] = {
    one.name: one
    for one in (
        LoadShape(
            "ramp",
            "stations come one after the other until all are there",
            ((0.0, 0.0), (0.6, 1.0)),
            stay_s=(4.0, 12.0),
            pause_s=(0.2, 3.0),
            station={"meter_interval_s": 5.0},
        ),
        LoadShape(
            "rush",
            "a quiet start, then everybody within a short time",
            ((0.0, 0.1), (0.25, 0.1), (0.4, 1.0)),
            stay_s=(10.0, 30.0),
            pause_s=(0.0, 4.0),
            station={"meter_interval_s": 5.0},
        ),
        LoadShape(
            "storm",
            "all connections are lost at once, twice, and now and then one by one",
            stay_s=(6.0, 20.0),
            pause_s=(0.2, 3.0),
            drops_every_s=60.0,
            all_drop_at=(0.4, 0.7),
            station={"meter_interval_s": 5.0, "reconnect_s": (0.1, 1.0)},
        ),
        LoadShape(
            "meters",
            "long sessions with meter values every second",
            stay_s=(20.0, 60.0),
            pause_s=(0.0, 1.0),
            station={"meter_interval_s": 1.0},
        ),
        LoadShape("soak", "the same all the time, for a long time", station={"meter_interval_s": 10.0}),
    )
}
