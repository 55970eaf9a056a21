"""Charging profiles: which limit holds when (1.6 section 3.13). Pure: times are seconds of the station's own clock.

Of each purpose the profile of the highest stack level that has a limit at that time counts. A transaction's own profile
goes before the default one, a connector's default before that of the station, and the station's maximum above all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

VOLTS = 230.0
PHASES = 1
"""The station's connectors have one phase."""
SLACK_S = 1.0
"""By so much two clocks may differ: a schedule that begins sooner than in this has begun."""
MILLISECONDS = 3
"""Decimals that count: seconds since 1970 are not exact to more."""
RECURS_S = {"Daily": 86_400.0, "Weekly": 604_800.0}
STATION_MAX, TX_DEFAULT, TX = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"


@dataclass(frozen=True, slots=True)
class Profile:
    """An installed profile. `start` is when its schedule begins, None for one that begins with the transaction."""

    number: int
    connector: int
    purpose: str
    level: int
    unit: str
    periods: tuple[tuple[float, float], ...]
    """Second in the schedule, limit in `unit`."""
    start: float | None
    duration: float | None = None
    recurs: float | None = None
    valid_from: float | None = None
    valid_to: float | None = None

    def limit(self, at: float, begun: float | None) -> float | None:
        """Return the limit in W at a time, None where it gives none; `begun` is when the transaction did."""
        origin = self._origin(at, begun)
        if origin is None:
            return None
        elapsed = round(at - origin, MILLISECONDS)
        if -SLACK_S < elapsed < 0.0:
            elapsed = 0.0
        if elapsed < 0.0 or (self.duration is not None and elapsed >= self.duration):
            return None
        found = [limit for second, limit in self.periods if second <= elapsed]
        return watts(found[-1], self.unit) if found else None

    def _origin(self, at: float, begun: float | None) -> float | None:
        early = self.valid_from is not None and at < self.valid_from - SLACK_S
        if early or (self.valid_to is not None and round(at - self.valid_to, MILLISECONDS) >= 0.0):
            return None
        origin = self.start if self.start is not None else begun
        if origin is not None and self.recurs is not None and at > origin:
            origin += (at - origin) // self.recurs * self.recurs
        return origin

    def changes(self, since: float, until: float, begun: float | None) -> Iterator[float]:
        """Yield the times at which its limit may change."""
        for edge in (self.valid_from, self.valid_to):
            if edge is not None:
                yield edge
        origin = self._origin(since, begun)
        if origin is None:
            origin = self.start if self.start is not None else begun
        while origin is not None and origin < until:
            yield from (origin + second for second, _ in self.periods)
            if self.duration is not None:
                yield origin + self.duration
            origin = origin + self.recurs if self.recurs is not None else None


def watts(limit: float, unit: str) -> float:
    """Return a limit in W."""
    return limit * VOLTS * PHASES if unit == "A" else limit


def in_unit(limit_w: float, unit: str) -> float:
    """Return a limit in W as A or W, with the one decimal that OCPP has."""
    return round(limit_w / (VOLTS * PHASES) if unit == "A" else limit_w, 1)


def read(connector: int, payload: dict[str, Any], seconds: Callable[[str], float | None]) -> Profile | None:
    """Return the profile that a valid payload describes, None for one that means nothing."""
    schedule = payload["chargingSchedule"]
    periods = tuple((float(one["startPeriod"]), float(one["limit"])) for one in schedule["chargingSchedulePeriod"])
    kind, recurring = payload["chargingProfileKind"], payload.get("recurrencyKind")
    ordered = [second for second, _ in periods]
    if not periods or ordered[0] != 0.0 or ordered != sorted(ordered) or min(limit for _, limit in periods) < 0:
        return None
    times = {
        name: seconds(text)
        for name, text in (
            ("start", schedule.get("startSchedule")),
            ("valid_from", payload.get("validFrom")),
            ("valid_to", payload.get("validTo")),
        )
        if text is not None
    }
    recurs = RECURS_S.get(str(recurring)) if kind == "Recurring" else None
    if None in times.values() or (kind == "Recurring" and (recurs is None or "start" not in times)):
        return None
    if kind == "Relative":
        times.pop("start", None)
    return Profile(
        int(payload["chargingProfileId"]),
        connector,
        payload["chargingProfilePurpose"],
        int(payload["stackLevel"]),
        schedule["chargingRateUnit"],
        periods,
        times.get("start"),
        None if schedule.get("duration") is None else float(schedule["duration"]),
        recurs,
        times.get("valid_from"),
        times.get("valid_to"),
    )


def limit_at(profiles: Iterable[Profile], connector: int, at: float, begun: float | None) -> float | None:
    """Return the limit in W of a connector at a time, the station's maximum apart; None: nothing limits it."""
    profiles = list(profiles)
    for purpose, places in ((TX, (connector,)), (TX_DEFAULT, (connector,)), (TX_DEFAULT, (0,))):
        limit = _highest(profiles, purpose, places, at, begun)
        if limit is not None:
            return limit
    return None


def station_limit_at(profiles: Iterable[Profile], at: float) -> float | None:
    """Return the station's maximum in W at a time."""
    return _highest(list(profiles), STATION_MAX, (0,), at, None)


def _highest(
    profiles: Sequence[Profile], purpose: str, places: tuple[int, ...], at: float, begun: float | None
) -> float | None:
    mine = [one for one in profiles if one.purpose == purpose and one.connector in places]
    for one in sorted(mine, key=lambda one: -one.level):
        limit = one.limit(at, begun)
        if limit is not None:
            return limit
    return None


def changes(profiles: Iterable[Profile], since: float, until: float, begun: Iterable[float]) -> list[float]:
    """Return the times after `since` and before `until` at which a limit may change, in order."""
    starts = [*begun] or [since]
    found = {at for one in profiles for start in starts for at in one.changes(since, until, start)}
    return sorted(at for at in found if since < at < until)
