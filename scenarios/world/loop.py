"""asyncio on SimPy's clock: the production CSMS code runs beside simulated stations, in one thread, in one order.

asyncio keeps its own first-in-first-out ready queue and timers; where it would wait for sockets it lets SimPy step
instead, up to its next timer. `time()` is `env.now`. There are no sockets, threads or executors: code that
needs one raises.

A task belongs to the *incarnation* in its context. `kill` is a power cut: nothing of that incarnation runs again,
`finally` blocks included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any

import msgspec
import simpy

from interlock.simulator.timer import Timer

INCARNATION: ContextVar[str | None] = ContextVar("incarnation", default=None)
"""Which run of which process the current code belongs to; None is the world itself."""


class Clock(simpy.Environment):
    """A SimPy environment whose time can also be moved by asyncio's timers."""

    _now: float
    now: float = property(attrgetter("_now"))  # type: ignore[assignment]

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
CROWD = 256
"""Tasks after which those that ended are forgotten."""
TURNS = 50_000
"""Turns of the loop at one moment, after which whoever keeps it busy is taken for stuck. A rush takes hundreds."""


class _Nowhere:
    """Stands where asyncio waits for sockets: there are none."""

    def close(self) -> None:
        pass


class Soon(msgspec.Struct, eq=False):
    """A callback that is due, or will be. asyncio's own handle asks the loop twice whether it debugs."""

    callback: Callable[..., Any]
    args: tuple[Any, ...]
    context: Context
    cancelled_: bool = False

    def cancel(self) -> None:
        """Do not call it, and let go of what it would be called with."""
        self.cancelled_, self.callback, self.args = True, _nothing, ()

    def cancelled(self) -> bool:
        """Tell whether it was cancelled."""
        return self.cancelled_


class Later(Soon, kw_only=True, eq=False):
    """A callback that is due at a simulated second."""

    due: float

    def when(self) -> float:
        """Return when it is due."""
        return self.due

    def __lt__(self, other: Later) -> bool:
        return self.due < other.due


def _nothing() -> None:
    pass


class SimLoop(asyncio.BaseEventLoop):
    """An event loop whose time is `env.now`."""

    _ready: Any
    _stopping: bool
    _scheduled: Any  # pairs of second and `Later`: pairs are compared without a call into Python

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
        self._tasks: list[asyncio.Task[Any]] = []
        self._crowd = CROWD

    get_debug = staticmethod(bool)
    """Never, said without a call into Python: each future and task asks when it is made."""

    def time(self) -> float:
        """Return the simulated time in seconds."""
        return self.env._now

    def _run_once(self) -> None:
        """Do turns until the loop is to stop.

        In each, time passes if nothing is ready; then what is ready runs, and what that makes ready waits its turn.
        """
        ready, scheduled, env, resolution = self._ready, self._scheduled, self.env, self._clock_resolution
        while not self._stopping:
            if ready:
                self.turns += 1
                if self.turns > TURNS:
                    self.stuck()
            else:
                self.turns = 0
                self._pass_time()
            if scheduled:
                due = env._now + resolution
                while scheduled and scheduled[0][0] < due:
                    ready.append(heappop(scheduled)[1])
            count = len(ready)
            self.limit -= count
            if self.limit < 0:
                self._livelocked()
            for _ in range(count):
                handle = ready.popleft()
                if handle.cancelled_:
                    continue
                try:
                    handle.context.run(handle.callback, *handle.args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    message = f"Exception in callback {handle.callback}"
                    self.call_exception_handler({"message": message, "exception": error, "handle": handle})

    def _pass_time(self) -> None:
        """Step the simulation until a callback is ready or the next timer is due."""
        env, ready, scheduled, queue = self.env, self._ready, self._scheduled, self.env._queue
        while not ready:
            while scheduled and scheduled[0][1].cancelled_:
                heappop(scheduled)
            if scheduled and (not queue or queue[0][0] > scheduled[0][0]):
                if (until := scheduled[0][0]) > env._now:
                    env.advance(until)
                return
            if not queue:
                raise Deadlock("nothing is scheduled and the world is not finished")
            event: Any = queue[0][3]
            if type(event) is not Timer:
                env.step()
                continue
            env._now = heappop(queue)[0]  # a step, without what else SimPy's events may be
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks or ():
                callback(event)

    def _write_to_self(self) -> None:
        raise RuntimeError("there are no threads in simulated time")

    def run_in_executor(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Refuse: a thread would not know the simulated time."""
        raise RuntimeError("there are no threads in simulated time")

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Start a task."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if len(self._tasks) > self._crowd:
            self._tasks = self.unfinished()
            self._crowd = 2 * len(self._tasks) + CROWD
        return task

    def unfinished(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that have not ended."""
        return [task for task in self._tasks if not task.done()]

    def close(self) -> None:
        """Let go of everything that was still to happen."""
        super().close()
        self._tasks = []

    # --- power cuts ---

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        """Schedule a callback, unless it belongs to something dead."""
        handle = Soon(callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        if self._dead and self.is_dead(handle.context.get(INCARNATION)):
            self._bury(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        """Schedule a callback at a time."""
        timer = Later(callback, args, copy_context() if context is None else context, due=when)
        heappush(self._scheduled, (when, timer))
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        """Schedule a callback after so many seconds."""
        when = self.env._now + delay
        timer = Later(callback, args, copy_context() if context is None else context, due=when)
        heappush(self._scheduled, (when, timer))
        return timer

    def kill(self, incarnation: str) -> None:
        """Cut the power of `incarnation`: its scheduled callbacks never run, and it can schedule no more."""
        self._dead.add(incarnation)
        for handle in [*self._ready, *(timer for _, timer in self._scheduled)]:
            if handle.context.get(INCARNATION) == incarnation:
                self._bury(handle)

    def stuck(self) -> None:
        """End what spins without letting time pass: the incarnation whose turn it is, or the world itself."""
        self.turns = 0
        handle = self._ready[0]
        incarnation = handle.context.get(INCARNATION)
        if incarnation is None:
            raise Deadlock(f"{TURNS} turns at {self.env.now} s, and time does not pass")
        message = f"{incarnation} is stuck: {TURNS} turns, and time does not pass"
        self.call_exception_handler({"message": message, "handle": handle})
        self.kill(incarnation)

    def _livelocked(self) -> None:
        """End a run that goes on and on: it is the fault of the incarnation whose turn it is, or of the world."""
        self.limit = CALLBACKS  # enough to end it
        incarnation = next((found for handle in self._ready if (found := handle.context.get(INCARNATION))), None)
        text = f"more callbacks than a run needs, and no end at {self.env.now:.3f} s"
        if incarnation is None:
            raise Deadlock(text)
        raise Livelock(incarnation.split("#")[0], text)

    def _bury(self, handle: Soon) -> None:
        # Kept, not collected: closing a coroutine would run its `finally` blocks.
        self._buried.append((handle.callback, handle.args))
        handle.cancel()

    def is_dead(self, incarnation: str | None) -> bool:
        """Tell whether `incarnation` was killed."""
        return incarnation in self._dead
