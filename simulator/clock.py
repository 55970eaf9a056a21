"""A station's own clock: skewed, drifting, stepped. Every timestamp it puts on the wire is read from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

EPOCH = datetime(2026, 1, 1)
"""The UTC time at second 0, as a correct clock reads it."""
OFFSET = timedelta(hours=2)
"""The UTC offset of clocks that write their times with one."""


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """A clock's error: `skew_s` ahead at the start, gaining `drift_ppm` microseconds a second.

    `follows_csms`: it sets itself to the `currentTime` of boot and heartbeat answers when more than `slack_s` off.
    """

    skew_s: float = 0.0
    drift_ppm: float = 0.0
    follows_csms: bool = False
    slack_s: float = 1.0
    written: Literal["milliseconds", "seconds", "microseconds", "offset"] = "milliseconds"
    """How times are written: in UTC with that many digits, or with an offset from UTC and milliseconds."""


class StationClock:
    """A running clock. `now` is always true time, in seconds."""

    __slots__ = ("_rate", "_since", "_skew_s", "_spec")

    def __init__(self, spec: ClockSpec) -> None:
        self._spec, self._skew_s, self._rate, self._since = spec, spec.skew_s, spec.drift_ppm * 1e-6, 0.0

    def skew_s(self, now: float) -> float:
        """Return how far the clock is ahead."""
        return self._skew_s + self._rate * (now - self._since)

    def text(self, now: float) -> str:
        """Return what the clock reads, as OCPP writes it."""
        at = EPOCH + timedelta(seconds=now + self.skew_s(now))
        if self._spec.written == "offset":
            return (at + OFFSET).isoformat(timespec="milliseconds") + "+02:00"
        return at.isoformat(timespec=self._spec.written) + "Z"

    def until(self, text: str, now: float) -> float | None:
        """Return the seconds from now to a time, negative for a past one; None for a text that is no time."""
        try:
            at = datetime.fromisoformat(text.upper())
        except ValueError:
            return None
        if at.tzinfo is not None:
            at = at.astimezone(UTC).replace(tzinfo=None)
        return (at - EPOCH).total_seconds() - now - self.skew_s(now)

    def step(self, seconds: float) -> None:
        """Move the clock by `seconds`, forwards or back."""
        self._skew_s += seconds

    def follow(self, text: str, now: float) -> None:
        """Set itself to the CSMS's `currentTime`, if this clock follows it and `text` is a time."""
        if not self._spec.follows_csms:
            return
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return
        if at.tzinfo is not None:
            at = at.astimezone(UTC).replace(tzinfo=None)
        right = (at - EPOCH).total_seconds()
        if abs(right - now - self.skew_s(now)) > self._spec.slack_s:
            self._skew_s, self._since = right - now, now
