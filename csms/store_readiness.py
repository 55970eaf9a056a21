"""Whether the store accepts appends: an alarm when it begins to refuse, and a message when it accepts again."""

from __future__ import annotations

from collections.abc import Callable

from interlock.csms.clock import Clock
from interlock.csms.store import StoreError

UNREADY_S = 10.0
"""How long a refusal counts while nothing more is appended."""


class Outage:
    """The store's answer to the last append. `refused` counts the refusals since the start."""

    def __init__(self, clock: Clock, alarm: Callable[[str], None]) -> None:
        self._clock, self._alarm = clock, alarm
        self.refused = 0
        self.since: float | None = None
        """When it began to refuse; None while it accepts."""
        self._last = self._before = 0.0

    def refuse(self, error: StoreError) -> None:
        """Note that an append was refused, or not confirmed."""
        self.refused += 1
        self._last = self._clock.now()
        if self.since is None:
            self.since, self._before = self._last, self.refused - 1
            self._alarm(f"the store takes nothing, and nothing is acknowledged until it does: {error}")

    def end(self) -> None:
        """Note that an append was accepted."""
        if self.since is not None:
            lasted_s, self.since = self._clock.now() - self.since, None
            self._alarm(
                f"the store takes appends again, after {lasted_s:.1f} s and {self.refused - self._before} refusals"
            )

    @property
    def now(self) -> bool:
        """Whether the store counts as refusing appends.

        Expires `UNREADY_S` after the last refusal: a balancer sends no traffic to an unready node, so no append
        would try the store again. From then on whoever asks has to try it (`since`).
        """
        return self.since is not None and self._clock.now() < self._last + UNREADY_S
