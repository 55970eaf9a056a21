"""A station's own clock: it starts wrong, runs wrong, and can be set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import simpy

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""True time at second 0 of the simulation."""


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """How wrong a clock is: `skew_s` at the start, `drift_ppm` from then on; whether it takes the CSMS's time."""

    skew_s: float = 0.0
    drift_ppm: float = 0.0
    obeys: bool = True


class StationClock:
    """A clock that may be wrong."""

    def __init__(self, env: simpy.Environment, spec: ClockSpec) -> None:
        self._env, self._spec, self._offset_s = env, spec, spec.skew_s
        self._set_at = 0.0

    def error_s(self) -> float:
        """Return how far ahead of true time the clock is."""
        return self._offset_s + (self._env.now - self._set_at) * self._spec.drift_ppm * 1e-6

    def read(self) -> str:
        """Return the time it shows, as OCPP writes it."""
        at = EPOCH + timedelta(seconds=self._env.now + self.error_s())
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"

    def told(self, text: str) -> None:
        """Set it to the time a CSMS told, if it obeys and the time can be read."""
        if not self._spec.obeys:
            return
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return
        if at.tzinfo is not None:
            self._offset_s = (at - EPOCH).total_seconds() - self._env.now
            self._set_at = self._env.now

    def step(self, seconds: float) -> None:
        """Let it jump."""
        self._offset_s += seconds
