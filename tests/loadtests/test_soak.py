"""What the soak concludes from samples: that it bites, and not the innocent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.loadtests.damage.soak import DID, Sample, judged, soak

ALL = Counter(dict.fromkeys(DID, 1))


def run(count: int = 90, every_s: float = 20.0, change: Callable[[int, Sample], Sample] | None = None) -> list[Sample]:
    found = []
    for n in range(count):
        # Up to a level in the first third, and from then on up and down.
        one = Sample(n * every_s, 60 + min(n, 30) + n % 3, 120 + n % 9, 130 + n % 7, 8, n % 16)
        found.append(change(n, one) if change else one)
    return found


def test_what_goes_up_and_down_is_flat() -> None:
    assert judged(run(), ALL, []) == (0, ["memory, descriptors, tasks, threads and the write-ahead file are flat"])


@pytest.mark.parametrize(
    ("name", "each"), [("memory_mib", 0.8), ("descriptors", 1.5), ("tasks", 3.0), ("threads", 0.1), ("wal_mib", 0.9)]
)
def test_what_grows_is_accused_once_it_ran_long_enough(name: str, each: float) -> None:
    def grows(n: int, one: Sample) -> Sample:
        return replace(one, **{name: getattr(one, name) + n * each})

    code, found = judged(run(change=grows), ALL, [])
    assert code == 1
    assert [line.split()[0] for line in found] == [name]
    assert judged(run(every_s=1.0, change=grows), ALL, [])[0] == 3


def test_what_was_lost_is_a_failure_and_what_did_not_happen_is_no_success() -> None:
    assert judged(run(), ALL, ["GOOD0001 lost its connection"])[0] == 1
    assert judged(run(), ALL - Counter([DID[1]]), []) == (3, [f"it never happened that {DID[1]}"])
    assert judged(run(5), ALL, [])[0] == 3


@pytest.mark.slow
def test_a_short_soak_sees_each_kind_of_coming_and_going(tmp_path: Path) -> None:
    code, found = asyncio.run(soak(tmp_path, 8.0, 5, lambda line: None))
    assert code in (0, 3), found
    assert not any("never happened" in line for line in found)
