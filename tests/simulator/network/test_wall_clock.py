"""SimPy driven by an event loop: on time, in order, never early, and late only as long as it has to be."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator
from typing import Any

import pytest
import simpy

from interlock.simulator.network.wall_clock import BATCH, WallClock
from interlock.simulator.timer import Timer


class Alarm:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.armed: list[tuple[float, int, Alarm, Callable[[], object]]] = []
        self._count = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Alarm:
        alarm = Alarm()
        heapq.heappush(self.armed, (when, next(self._count), alarm, callback))
        return alarm

    def pass_time(self, seconds: float) -> None:
        """Let time pass, waking whoever wants to be woken on the way."""
        end = self.now + seconds
        while self.armed and self.armed[0][0] <= end:
            when, _, alarm, callback = heapq.heappop(self.armed)
            if not alarm.cancelled:
                self.now = max(self.now, when)
                callback()
        self.now = end

    def block(self, seconds: float) -> None:
        """Let time pass while nobody is woken."""
        self.now += seconds


def made() -> tuple[Loop, WallClock, list[tuple[str, float]]]:
    loop = Loop()
    return loop, WallClock(loop), []


def test_now_is_the_present_whoever_asks() -> None:
    loop, clock, _ = made()
    assert clock.now == 0.0
    loop.block(2.5)
    assert clock.now == 2.5


def test_timers_come_in_order_and_not_early() -> None:
    loop, clock, seen = made()
    for name, delay in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("a2", 1.0)):
        Timer(clock, delay, lambda _, name=name: seen.append((name, clock.now)))  # type: ignore[misc]
    loop.pass_time(0.999)
    assert seen == []
    loop.pass_time(5.0)
    assert seen == [("a", 1.0), ("a2", 1.0), ("b", 2.0), ("c", 3.0)]


def test_what_comes_from_outside_counts_from_when_it_came() -> None:
    loop, clock, seen = made()
    Timer(clock, 10.0, lambda _: None)
    loop.pass_time(4.0)
    Timer(clock, 1.0, lambda _: seen.append(("after it", clock.now)))
    loop.pass_time(2.0)
    assert seen == [("after it", 5.0)]


def test_processes_run_as_in_simulated_time() -> None:
    loop, clock, seen = made()

    def process() -> Generator[simpy.Event, Any, None]:
        for _ in range(3):
            yield clock.timeout(0.5)
            seen.append(("tick", clock.now))

    def waits(for_it: simpy.Process) -> Generator[simpy.Event, Any, None]:
        yield for_it
        seen.append(("done", clock.now))

    clock.process(waits(clock.process(process())))
    loop.pass_time(10.0)
    assert seen == [("tick", 0.5), ("tick", 1.0), ("tick", 1.5), ("done", 1.5)]


def test_a_loop_that_was_blocked_makes_things_late_and_says_how_late() -> None:
    loop, clock, seen = made()
    Timer(clock, 1.0, lambda _: seen.append(("a", clock.now)))
    Timer(clock, 2.0, lambda _: seen.append(("b", clock.now)))
    loop.block(5.0)
    loop.pass_time(0.0)
    assert seen == [("a", 5.0), ("b", 5.0)]
    assert clock.behind_s == pytest.approx(4.0)


def test_a_cancelled_timer_does_nothing() -> None:
    loop, clock, seen = made()
    timer = Timer(clock, 1.0, lambda _: seen.append(("a", clock.now)))
    timer.cancel()
    loop.pass_time(2.0)
    assert seen == []


def test_sockets_get_their_turn_among_many_events() -> None:
    loop, clock, seen = made()
    for _ in range(BATCH + 1):
        Timer(clock, 1.0, lambda _: seen.append(("a", clock.now)))
    loop.block(1.0)
    *_, callback = next(entry for entry in sorted(loop.armed, key=lambda one: one[1]) if not entry[2].cancelled)
    callback()
    assert len(seen) == BATCH
    loop.pass_time(0.0)
    assert len(seen) == BATCH + 1


def test_only_an_earlier_event_asks_the_loop_again() -> None:
    loop, clock, _ = made()
    Timer(clock, 1.0, lambda _: None)
    for _ in range(100):
        Timer(clock, 5.0, lambda _: None)
    assert len(loop.armed) == 1


def test_an_error_reaches_the_loop_and_the_rest_goes_on() -> None:
    loop, clock, seen = made()

    def breaks() -> Generator[simpy.Event, Any, None]:
        yield clock.timeout(1.0)
        raise RuntimeError("broken")

    clock.process(breaks())
    Timer(clock, 2.0, lambda _: seen.append(("a", clock.now)))
    with pytest.raises(RuntimeError, match="broken"):
        loop.pass_time(1.5)
    loop.pass_time(5.0)
    assert seen != []


def test_after_stop_nothing_happens() -> None:
    loop, clock, seen = made()
    Timer(clock, 1.0, lambda _: seen.append(("a", clock.now)))
    clock.stop()
    loop.pass_time(5.0)
    assert seen == []
