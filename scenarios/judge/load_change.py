"""What changed between two load tests, and whether the change is more than noise.

Both runs are cut into the same tenths of their time. The noise of a figure is how much its change varies between the
tenths: the half width of the 99 % confidence interval of the mean change of pairs of tenths. What happens in one phase
of a run only (a storm, a ramp) is in both members of a pair and does not count as noise.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.scenarios.judge.thresholds import FIGURES
from interlock.scenarios.record.distribution import Distribution, of, total

PERCENTILES = (50.0, 95.0, 99.0)
LEAST = {50.0: 5, 95.0: 20, 99.0: 100}
"""Calls a tenth must have for such a percentile to be meaningful."""
STUDENT = {2: 9.925, 3: 5.841, 4: 4.604, 5: 4.032, 6: 3.707, 7: 3.499, 8: 3.355, 9: 3.250}
"""Student's t of 99.5 % by degrees of freedom: so many pairs, less one."""
FLOOR_MS = 0.5
"""A smaller change counts as none: timers and greenlets vary by that much."""
SAME = ("shape", "users", "rate", "seconds", "commands", "connectors", "load_shape")
"""Members of a run's plan that must be equal for its figures to be comparable."""

Actions = Mapping[str, Mapping[str, Mapping[str, Any]]]


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in which respects two runs were not asked for the same, from the `spec` of their `run.json`."""
    told = [(name, before.get(name), after.get(name)) for name in SAME if before.get(name) != after.get(name)]
    return [f"{name} {was} then, {now} now" if name != "load_shape" else "another shape" for name, was, now in told]


def change(before: Actions, after: Actions) -> Iterator[dict[str, Any]]:
    """Yield a row for each figure that both runs have, from the `actions` of their `distributions.json`.

    `noise_ms` is None where too few calls were made to tell; `beyond` is `slower`, `faster`, or None for noise.
    """
    for action in sorted(before.keys() & after.keys()):
        for figure in FIGURES:
            was = {part: of(one) for part, one in before[action][figure].items()}
            now = {part: of(one) for part, one in after[action][figure].items()}
            for percent in PERCENTILES:
                yield {"action": action, "figure": figure, "statistic": f"p{percent:g}", **_row(was, now, percent)}


def _row(was: Mapping[str, Distribution], now: Mapping[str, Distribution], percent: float) -> dict[str, Any]:
    first, second = (total(one.values()).percentile_ms(percent) or 0.0 for one in (was, now))
    pairs = [
        (now[part].percentile_ms(percent) or 0.0) - (was[part].percentile_ms(percent) or 0.0)
        for part in sorted(was.keys() & now.keys())
        if min(was[part].count, now[part].count) >= LEAST[percent]
    ]
    noise = _noise(pairs)
    mean = statistics.fmean(pairs) if pairs else 0.0
    beyond = None
    if noise is not None and abs(mean) > noise and min(abs(mean), abs(second - first)) > FLOOR_MS:
        beyond = "slower" if mean > 0 else "faster"
    return {
        "before_ms": first,
        "after_ms": second,
        "change_ms": round(second - first, 3),
        "noise_ms": None if noise is None else round(noise, 3),
        "beyond": beyond,
    }


def _noise(pairs: Sequence[float]) -> float | None:
    if len(pairs) - 1 not in STUDENT:
        return None
    return STUDENT[len(pairs) - 1] * statistics.stdev(pairs) / math.sqrt(len(pairs))
