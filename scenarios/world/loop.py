"""asyncio on SimPy's clock: the CSMS code that ships runs beside simulated stations, in one thread, in one order.

asyncio keeps its own first-in-first-out ready queue and timers; where it would wait for sockets it lets SimPy step
instead, up to its next timer. `time()` is `env.now`. There are no sockets, threads or executors here: what would need
one raises.

A task belongs to whatever *incarnation* its context carries. `kill` is a power cut: nothing of that incarnation runs
again, `finally` blocks included.
"""

from __future__ import annotations

import asyncio
import heapq
import weakref
from contextvars import Context, ContextVar
from typing import Any

import simpy

INCARNATION: ContextVar[str | None] = ContextVar("incarnation", default=None)
"""Which run of which process the current code belongs to; None is the world itself."""


class Clock(simpy.Environment):
    """A SimPy environment whose time can also be moved by asyncio's timers."""

    def advance(self, until: float) -> None:
        """Move to `until`, where nothing of SimPy's happens before."""
        self._now = until


class Deadlock(RuntimeError):
    """Somebody waits and nothing is left that could wake them."""


class Livelock(RuntimeError):
    """Something goes on and on, and each time a little later: more than any run needs. `node` is whose turn it was."""

    def __init__(self, node: str, text: str) -> None:
        super().__init__(text)
        self.node = node


CALLBACKS = 5_000_000
"""Callbacks after which a run is taken to go on for ever; `SimLoop.limit` may be more for a run of many stations."""
TURNS = 50_000
"""Turns of the loop at one moment, after which whoever keeps it busy is taken for stuck. A rush takes hundreds."""


class _Nowhere:
    """Stands where asyncio waits for sockets: there are none."""

    def close(self) -> None:
        pass


class SimLoop(asyncio.BaseEventLoop):
    """An event loop whose time is `env.now`."""

    _ready: Any
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, env: Clock) -> None:
        super().__init__()
        self.env = env
        self._selector = _Nowhere()
        self._dead: set[str] = set()
        self._buried: list[Any] = []
        self._clock_resolution = 1e-9
        self.turns = 0
        self.limit = CALLBACKS
        """Callbacks that may still run."""
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    def time(self) -> float:
        """Return the simulated time in seconds."""
        return self.env.now

    def _run_once(self) -> None:
        """Do one turn: let time pass if nothing is ready, then run what is; what that makes ready waits its turn."""
        ready, scheduled = self._ready, self._scheduled
        if ready:
            self.turns += 1
            if self.turns > TURNS:
                self.stuck()
        else:
            self.turns = 0
            self._pass_time()
        due = self.env.now + self._clock_resolution
        while scheduled and scheduled[0]._when < due:  # type: ignore[attr-defined]
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            ready.append(timer)
        self.limit -= len(ready)
        if self.limit < 0:
            self._livelocked()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _pass_time(self) -> None:
        """Step the simulation until a callback is ready or the next timer is due."""
        env, ready, scheduled = self.env, self._ready, self._scheduled
        peek, step = env.peek, env.step
        while not ready:
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False  # type: ignore[attr-defined]
            nearest = peek()
            if scheduled and nearest > (until := scheduled[0].when()):
                if until > env.now:
                    env.advance(until)
                return
            if nearest == float("inf"):
                raise Deadlock("nothing is scheduled and the world is not finished")
            step()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        # No bookkeeping: cancelled timers are dropped when they reach the head of the heap.
        pass

    def _write_to_self(self) -> None:
        raise RuntimeError("there are no threads in simulated time")

    def run_in_executor(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Refuse: a thread would not know the simulated time."""
        raise RuntimeError("there are no threads in simulated time")

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        """Start a task, and remember it until it is gone."""
        task: asyncio.Task[Any] = super().create_task(coro, **named)
        self.tasks.add(task)
        return task

    # --- power cuts ---

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Schedule a callback, unless it belongs to something dead."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        if self._dead and handle._context.get(INCARNATION) in self._dead:  # type: ignore[attr-defined]
            self._bury(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule a callback at a time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule a callback after so many seconds."""
        return self.call_at(self.env.now + delay, callback, *args, context=context)

    def kill(self, incarnation: str) -> None:
        """Cut the power of `incarnation`: its scheduled callbacks never run, and it can schedule no more."""
        self._dead.add(incarnation)
        for handle in [*self._ready, *self._scheduled]:
            if handle._context.get(INCARNATION) == incarnation:
                self._bury(handle)

    def stuck(self) -> None:
        """End what spins without letting time pass: the incarnation whose turn it is, or the world itself."""
        self.turns = 0
        handle = self._ready[0]
        incarnation = handle._context.get(INCARNATION)
        if incarnation is None:
            raise Deadlock(f"{TURNS} turns at {self.env.now} s, and time does not pass")
        message = f"{incarnation} is stuck: {TURNS} turns, and time does not pass"
        self.call_exception_handler({"message": message, "handle": handle})
        self.kill(incarnation)

    def _livelocked(self) -> None:
        """End a run that goes on and on: it is the fault of the incarnation whose turn it is, or of the world."""
        self.limit = CALLBACKS  # enough to end it
        incarnation = next((found for handle in self._ready if (found := handle._context.get(INCARNATION))), None)
        text = f"more callbacks than a run needs, and no end at {self.env.now:.3f} s"
        if incarnation is None:
            raise Deadlock(text)
        raise Livelock(incarnation.split("#")[0], text)

    def _bury(self, handle: asyncio.Handle) -> None:
        # Kept, not collected: closing a coroutine would run its `finally` blocks.
        self._buried.append((handle._callback, handle._args))  # type: ignore[attr-defined]
        handle.cancel()

    def is_dead(self, incarnation: str | None) -> bool:
        """Tell whether `incarnation` was killed."""
        return incarnation in self._dead
