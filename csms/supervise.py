"""Supervision of tasks that must live, of work that must be done, of timers, and of a store that ended.

asyncio does not report when a task ends by an exception or a cancellation. Every long-lived task, timer and thread of a
node is started here, in one of three ways:

- `until_done`: work that must be done, such as recording an outcome. It is repeated until it succeeds; - `must_live`: a
task that must live, such as the handling of a connection's frames. Its owner gets the reason when it ends; - `Ending`:
a store, whose end is the end of the node: its listeners get the reason, once, in one sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

AGAIN_S = (1.0, 60.0)
"""The first and the longest wait before work that failed is repeated."""

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
Work = Callable[[], Coroutine[Any, Any, None]]


class Ending:
    """Whether something that the whole process needs has ended, why, and its listeners."""

    def __init__(self) -> None:
        self.why: str | None = None
        """One sentence; None while it lives."""
        self._listeners: list[Callable[[str], None]] = []

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the reason once it ends, at once if it has."""
        if self.why is not None:
            listener(self.why)
        else:
            self._listeners.append(listener)

    def end(self, why: str) -> None:
        """Declare it ended. The first reason is kept. To be called in the event loop."""
        if self.why is not None:
            return
        self.why = why
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(why)


def reason(task: asyncio.Task[Any]) -> str | None:
    """Return why a finished task failed, or None when it returned."""
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    return None if error is None else described(error)


def expect_nobody(task: asyncio.Future[Any]) -> None:
    """Retrieve the exception of a task that nobody may await any more, which asyncio would otherwise report as a bug.

    To be passed to `add_done_callback`.
    """
    if not task.cancelled():
        task.exception()


def described(error: BaseException) -> str:
    """Return an exception in one line."""
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    return text[:300]


class Supervisor:
    """Starts what a node runs, and notices how each of it ends."""

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], Any],
        alarm: Callable[[str], None],
        failed: Callable[[str], None] = lambda why: None,
    ) -> None:
        """`alarm` takes sentences for people; `failed` is called for each callback that raised."""
        self._spawn, self._alarm, self._failed = spawn, alarm, failed
        self._timers: set[asyncio.TimerHandle] = set()
        self.closed = False

    def must_live(self, what: str, coroutine: Coroutine[Any, Any, None], lost: Callable[[str], None]) -> None:
        """Start a task that must live until it returns; `lost` is called with the reason if it ends otherwise."""

        def ended(task: asyncio.Task[None]) -> None:
            if (why := reason(task)) is not None:
                self._alarm(f"{what} ended: {why}")
                lost(why)

        self._spawn(coroutine).add_done_callback(ended)

    def until_done(self, what: str, work: Work, wait_s: float = AGAIN_S[0]) -> None:
        """Start work that must be done. If it fails or is cancelled it is repeated after `wait_s`, then twice that.

        So it must be safe to do twice.
        """

        def ended(task: asyncio.Task[None]) -> None:
            why = reason(task)
            if why is None or self.closed:
                return
            self._alarm(f"{what} failed and is done again in {wait_s:g} s: {why}")
            self._later(wait_s, lambda: self.until_done(what, work, min(2 * wait_s, AGAIN_S[1])))

        self._spawn(work()).add_done_callback(ended)

    def at(self, when: float, what: str, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `callback` at `when` on the loop's clock. If it raises, it is called again after a second."""

        def due() -> None:
            try:
                callback()
            except Exception as error:
                self._alarm(f"{what} failed and is done again in {AGAIN_S[0]:g} s: {described(error)}")
                self._failed(described(error))
                self._later(AGAIN_S[0], due)

        return asyncio.get_running_loop().call_at(when, due)

    def _later(self, wait_s: float, callback: Callable[[], None]) -> None:
        if self.closed:
            return

        def due() -> None:
            self._timers.discard(timer)
            callback()

        timer = asyncio.get_running_loop().call_later(wait_s, due)
        self._timers.add(timer)

    def close(self) -> None:
        """Repeat nothing from now on."""
        self.closed = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def deliver(listeners: Iterable[Callable[[Any], None]], batch: Any) -> None:
    """Pass a batch to each listener. One that raises is reported to the loop, and the others still get the batch."""
    for listener in listeners:
        try:
            listener(batch)
        except Exception as error:
            context = {"message": "a subscriber of the log raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
