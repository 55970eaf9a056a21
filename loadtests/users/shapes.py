"""The number of users over time: one Locust shape, which does what the `LoadShape` of the run says."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

from locust import LoadTestShape

from interlock.scenarios.live.load_shape import BUILT_IN, LoadShape, of


def wanted(shape: LoadShape, users: int, rate: float, seconds: float, t: float) -> int:
    """Return how many users there should be at second `t`. `seconds` is 0 for a run without an end."""
    share = shape.users_at(t / seconds) if seconds else 1.0
    return max(1, min(users, math.ceil(rate * (t + 1)), math.ceil(users * share - 1e-9)))


@cache
def shape_of(text: str, name: str) -> LoadShape:
    """Return the shape that is written as JSON, or the one of that name where nothing is."""
    return of(json.loads(text)) if text else BUILT_IN[name]


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
        count = wanted(shape_of(options.load_shape, options.shape), users, rate, seconds, t)
        return count + extra, max(rate, float(users))
