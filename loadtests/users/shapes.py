"""The number of users over time: one Locust shape, whose profile is chosen with `--shape`."""

from __future__ import annotations

import math
from typing import Any

from locust import LoadTestShape

QUIET = 0.1
"""Share of the users a rush begins with."""


def wanted(shape: str, users: int, rate: float, seconds: float, t: float) -> int:
    """Return how many users there should be at second `t`. `seconds` is 0 for a run without an end."""
    if shape == "ramp" and seconds:
        return min(users, max(1, math.ceil(users * t / (0.6 * seconds))))
    if shape == "rush" and seconds:
        few = max(1, math.ceil(users * QUIET))
        if t < 0.25 * seconds:
            return min(few, max(1, math.ceil(rate * (t + 1))))
        return min(users, max(few, math.ceil(users * (t - 0.25 * seconds + 1) / (0.15 * seconds))))
    return min(users, max(1, math.ceil(rate * (t + 1))))


class Shape(LoadTestShape):
    """Asks `wanted` once a second, so that no tick takes long to carry out and the run ends in time."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Return (users, spawn rate), or None at the end."""
        options: Any = self.runner.environment.parsed_options if self.runner is not None else None
        t, seconds = self.get_run_time(), float(options.run_time or 0)
        if seconds and t >= seconds:
            return None
        users, rate = int(options.num_users or 1), float(options.spawn_rate or 100.0)
        extra = sum(one.fixed_count for one in self.runner.user_classes) if self.runner is not None else 0
        count = wanted(options.shape, users, rate, seconds, t)
        return count + extra, max(rate, float(users))
