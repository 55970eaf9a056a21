"""The search for the capacity, on services whose capacity is known, and one short real one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.capacity import LEVEL_MS, Bench, Measured, carried, search
from loadtests.capacity_load import Step

ROOT = Path(__file__).parents[2]


def service(carries: int, **flaws: Callable[[int], object]) -> Callable[[int], Measured]:
    """Return a service that keeps its level up to `carries` stations; `flaws` set fields of a step."""

    def offer(stations: int) -> Measured:
        step = Step(stations, stations * 2.0, 8.0, answered=stations * 16, p99_ms=5.0, busy=0.2)
        if stations > carries:
            step.p99_ms = LEVEL_MS + 1
        for name, flaw in flaws.items():
            setattr(step, name, flaw(stations))
        return Measured(step, 0.5)

    return offer


@pytest.mark.parametrize("carries", [500, 777, 1600, 5000, 7999])
def test_the_capacity_is_found(carries: int) -> None:
    best = carried(search(service(carries), 500, 8000))
    assert best is not None
    assert carries * 0.89 <= best.step.stations <= carries


def test_no_more_is_offered_than_was_asked_for() -> None:
    steps = search(service(10**9), 500, 3000)
    assert [one.step.stations for one in steps] == [500, 1000, 2000, 3000]


def test_nothing_holds() -> None:
    assert carried(search(service(0), 500, 8000)) is None


def test_a_lost_outcome_ends_the_search_there() -> None:
    steps = search(service(10**9, lost=lambda n: ["command c7 opened its lock 2 times"] * (n >= 2000)), 500, 8000)
    assert [one.verdict() for one in steps] == ["holds", "holds", "lost"]
    assert steps[-1].step.stations == 2000


def test_an_error_breaks_a_step() -> None:
    best = carried(search(service(10**9, errors=lambda n: {"connection lost": 1} if n > 1000 else {}), 500, 8000))
    assert best is not None
    assert best.step.stations == 1000


def test_a_busy_generator_tells_nothing() -> None:
    steps = search(service(10**9, busy=lambda n: n / 3000), 500, 8000)
    assert "could not tell" in {one.verdict() for one in steps}
    best = carried(steps)
    assert best is not None
    assert best.step.busy <= 0.7
    assert search(service(10**9, answered=lambda n: 12), 500, 1000)[0].verdict() == "could not tell"


def test_what_was_acknowledged_is_looked_for_in_the_log(tmp_path: Path) -> None:
    bench = Bench([], tmp_path, 1.0, print)
    bench.acknowledged.write_text('["S1", "TransactionStarted", 7]\n["S1", "TransactionStopped", 7]\n')
    started = ("station-S1", "TransactionStarted", b'{"transaction_id":7}')
    stopped = ("station-S1", "TransactionStopped", b'{"transaction_id":7}')
    assert bench.missing([started, stopped]) == []
    assert bench.missing([started]) == ["S1: TransactionStopped 7 was acknowledged and is 0 times in the log"]
    assert bench.missing([started, started, stopped])[0].endswith("is 2 times in the log")


@pytest.mark.asyncio
async def test_a_short_real_one(tmp_path: Path) -> None:
    words = ["--runs", "1", "--seconds", "2", "--first", "150", "--most", "150", "--only", "sqlite"]
    command = [sys.executable, str(ROOT / "loadtests" / "capacity.py"), *words, "--page", str(tmp_path / "page.md")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    # How late the answers are is the machine's matter; that none is lost is ours.
    assert done.returncode in (0, 3), done
    assert ", 0 outcomes or acknowledged transactions lost or doubled" in done.stdout
    assert ": 0 operators' commands" not in done.stdout
    assert (tmp_path / "page.md").read_text().startswith("# Capacity\n")
