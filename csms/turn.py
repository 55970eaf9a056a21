"""One at a time, in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque


class Turn:
    """Whose turn it is to handle a frame of one station, on whichever of its sockets it came.

    An `asyncio.Lock` costs a coroutine and three calls for each frame, though hardly ever does anybody wait::

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
        """Begin, unless somebody else has the turn; return whether it began."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def wait(self) -> None:
        """Begin once everybody who came before has ended. Whoever is cancelled meanwhile has not begun."""
        handed_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(handed_over)
        try:
            await handed_over
        except BaseException:
            if handed_over.done() and not handed_over.cancelled():
                self.end()  # it was this one's turn already
            raise

    def end(self) -> None:
        """Hand the turn over to whoever has waited longest."""
        while self._waiting:
            one = self._waiting.popleft()
            if not one.done():
                one.set_result(None)
                return
        self._taken = False
