"""Response times as counts by size, to three digits: what a high dynamic range histogram keeps.

A time in microseconds is counted under its ten highest bits, so that a bucket is at most 0.2 % wide however long the
time is. Distributions of several processes are added, and written as text that HdrHistogram's tools read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BITS = 10
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
HALVINGS = 5
"""Lines of text in each half of what is left of a distribution, as HdrHistogram prints it."""


@dataclass(slots=True)
class Distribution:
    """How often a time of so many microseconds was seen, by the highest time of its bucket."""

    counts: dict[int, int] = field(default_factory=dict)
    total_us: int = 0

    def add(self, seconds: float) -> None:
        """Count one time."""
        us = max(0, round(seconds * 1e6))
        shift = max(0, us.bit_length() - BITS)
        bucket = (us >> shift << shift) + (1 << shift) - 1
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total_us += us

    def merge(self, other: Distribution) -> None:
        """Count what another one counted."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total_us += other.total_us

    @property
    def count(self) -> int:
        """Return how many times were counted."""
        return sum(self.counts.values())

    def percentile_ms(self, percent: float) -> float | None:
        """Return the time in milliseconds that `percent` of all were at most; None of nothing."""
        left = max(1.0, self.count * percent / 100.0)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 1e-9:
                return round(bucket / 1000.0, 3)
        return None

    def mean_ms(self) -> float | None:
        """Return the mean in milliseconds; None of nothing."""
        return round(self.total_us / count / 1000.0, 3) if (count := self.count) else None

    def figures(self) -> dict[str, float | int | None]:
        """Return the count, and the percentiles, the mean and the longest in milliseconds."""
        found: dict[str, float | int | None] = {"count": self.count, "mean_ms": self.mean_ms()}
        found |= {key_of(percent): self.percentile_ms(percent) for percent in PERCENTILES}
        return {**found, "max_ms": self.percentile_ms(100.0)}

    def as_json(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return {"total_us": self.total_us, "counts": sorted(self.counts.items())}

    def hgrm(self) -> Iterator[str]:
        """Yield the lines of HdrHistogram's percentile text, in milliseconds."""
        yield f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}"
        total, seen, due, half = self.count, 0, 0.0, 0.5
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            share = seen / total
            if share < due and seen < total:
                continue
            rest = f"{1.0 / (1.0 - share):14.2f}" if seen < total else f"{'inf':>14}"
            yield f"{bucket / 1000.0:12.3f} {share:14.12f} {seen:10d} {rest}"
            while due <= share < 1.0:
                due += half / HALVINGS
                if due >= 1.0 - half:
                    half /= 2.0
        yield f"#[Mean = {self.mean_ms() or 0.0:12.3f}, Total count = {total:10d}]"


def of(found: Mapping[str, Any]) -> Distribution:
    """Return a distribution from what `as_json` made of it. Raises `ValueError`, `TypeError` or `KeyError`."""
    return Distribution({int(bucket): int(count) for bucket, count in found["counts"]}, int(found["total_us"]))


def total(parts: Iterable[Distribution]) -> Distribution:
    """Return the sum of several."""
    found = Distribution()
    for one in parts:
        found.merge(one)
    return found


def key_of(percent: float) -> str:
    """Return the name of a percentile in JSON: `p95_ms`, `p99_9_ms`."""
    return f"p{percent:g}_ms".replace(".", "_")
