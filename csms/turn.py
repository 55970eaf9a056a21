"""A lock that is passed on in order of arrival, cheaper than `asyncio.Lock` while nobody waits."""

from __future__ import annotations

import asyncio
from collections import deque


class Turn:
    """Serialises the handling of one station's frames, across all its sockets.

    An `asyncio.Lock` would cost a coroutine and three calls for each frame, although hardly any frame waits::

        if not turn.begin():
            await turn.wait()
        try:
            ...
        finally:
            turn.end()
    """

    __slots__ = ("__weakref__", "_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def begin(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def wait(self) -> None:
        """Wait for all earlier ones, then hold the lock. A waiter that is cancelled does not hold it."""
        handed_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(handed_over)
        try:
            await handed_over
        except BaseException:
            if handed_over.done() and not handed_over.cancelled():
                self.end()  # it was this one's turn already
            raise

    def end(self) -> None:
        """Pass the lock to the longest waiter, or free it."""
        while self._waiting:
            one = self._waiting.popleft()
            if not one.done():
                one.set_result(None)
                return
        self._taken = False
