"""Followers of the log: clients that receive server-sent events, each at a bounded cost.

A follower pulls: it gets a page of events, bounded in number and bytes, and the next one when its transport has sent
the last. So one page and the transport's buffer are held for a slow reader. Recent commits are encoded once for all
followers; one that is further behind reads the log, one page of one follower at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from interlock.csms import codec
from interlock.csms.serve.streams import Streaming
from interlock.csms.store import EventStore, StoredEvent
from interlock.csms.supervise import expect_nobody
from interlock.csms.upcast import UPCASTERS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CREDENTIALS = "credentials"
"""A stream that is not shown, although it holds only digests of secrets."""
SLOW = b'event: dropped\ndata: {"detail": "this follower does not read; follow again from the last id"}\n\n'
"""What is sent last to a follower that does not read."""
ALIVE = b": still here\n\n"
_encode = msgspec.json.Encoder().encode


class Full(Exception):
    """The limit of followers is reached; the text says which."""


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """What followers may cost. Times are seconds."""

    followers: int = 64
    of_an_address: int = 32
    page_events: int = 64
    page_bytes: int = 32 * 1024
    """A page has at least one event, however long it is."""
    recent_bytes: int = 1024 * 1024
    """Bytes of recent commits kept for all followers."""
    pace_s: float = 0.1
    """A follower gets pages no more often than this: many commits make one page."""
    log_share: float = 0.2
    log_pace_s: float = 0.005
    """Pages from the log take this share of the time, of all followers together, with at least a pause between two."""
    alive_s: float = 15.0
    """When nothing happens, a comment is sent this often."""


class Followers:
    """The followers of one node's log, and its recent commits."""

    def __init__(self, store: EventStore, limits: FollowLimits | None = None) -> None:
        self._store, self.limits = store, limits or FollowLimits()
        self._recent: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._after: int | None = None
        """`_recent` holds every event behind this position, without a gap; None: it holds none."""
        self._last = 0
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._reads: set[asyncio.Task[Sequence[StoredEvent]]] = set()
        self._of_address: dict[str, int] = {}
        self.count = self.refused = 0
        self.ended = False

    def stop(self) -> None:
        """End every follower's stream."""
        self.ended = True
        self._news.set()

    def enter(self, address: str) -> None:
        """Count one more follower. Raises `Full`."""
        limits, here = self.limits, self._of_address.get(address, 0)
        if self.count >= limits.followers or here >= limits.of_an_address:
            self.refused += 1
            whose = f"{here} of them from your address" if here >= limits.of_an_address else f"{self.count} in all"
            raise Full(f"there are as many followers as there may be, {whose}; end one, or come back later")
        self.count += 1
        self._of_address[address] = here + 1

    def leave(self, address: str) -> None:
        """Count one less."""
        self.count -= 1
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def committed(self, stored: Sequence[StoredEvent]) -> None:
        """Keep a committed batch for the followers, if there are any, and wake them."""
        if not self.count:
            if self._after is not None:
                self._forget(None)
            return
        for one in stored:
            if self._after is None or one.position != self._last + 1:
                self._forget(one.position - 1)
            line = _line(one)
            self._recent.append((one.position, line))
            self._bytes += len(line)
            self._last = one.position
        while self._bytes > self.limits.recent_bytes:
            self._after, line = self._recent.popleft()
            self._bytes -= len(line)
        self._news.set()
        self._news = asyncio.Event()

    def _forget(self, after: int | None) -> None:
        self._recent.clear()
        self._bytes, self._after = 0, after

    async def follow(self, after: int) -> AsyncGenerator[bytes, None]:
        """Yield pages of events after a position, as server-sent events, until `stop`."""
        limits = self.limits
        while not self.ended:
            news = self._news
            lines, upto = await self._page(after)
            if upto > after:
                after = upto
                if lines:
                    yield lines
                continue
            try:
                async with asyncio.timeout(limits.alive_s):
                    await news.wait()
            except TimeoutError:
                yield ALIVE
            else:
                await asyncio.sleep(limits.pace_s)

    async def _page(self, after: int) -> tuple[bytes, int]:
        """Return the next page behind a position, and up to where it goes: `after` itself when there is no more."""
        if self._after is not None and self._after <= after:
            found = []
            for entry in reversed(self._recent):
                if entry[0] <= after:
                    break
                found.append(entry)
            return self._cut(reversed(found), after)
        async with self._turn:
            loop, limits = asyncio.get_running_loop(), self.limits
            began = loop.time()
            stored = await self._read(after)
            took_s = loop.time() - began
            await asyncio.sleep(max(limits.log_pace_s, took_s * (1 / limits.log_share - 1)))
        return self._cut(((one.position, _line(one)) for one in stored), after)

    def _cut(self, entries: Iterator[tuple[int, bytes]], after: int) -> tuple[bytes, int]:
        page, size = [], 0
        for count, (position, line) in enumerate(entries):
            size += len(line)
            if count and (size > self.limits.page_bytes or count >= self.limits.page_events):
                break
            page.append(line)
            after = position
        return b"".join(page), after

    async def _read(self, after: int) -> Sequence[StoredEvent]:
        # A follower may go at any moment: its read is a task of its own, so that no cancellation gets to the store.
        read = asyncio.ensure_future(self._read_all(after))
        self._reads.add(read)
        read.add_done_callback(self._reads.discard)
        read.add_done_callback(expect_nobody)
        return await asyncio.shield(read)

    async def _read_all(self, after: int) -> Sequence[StoredEvent]:
        return await self._store.read_all(after, self.limits.page_events)


def _line(stored: StoredEvent) -> bytes:
    if stored.stream == CREDENTIALS:
        return b""
    about = {"position": stored.position, "stream": stored.stream, "version": stored.version, "id": stored.event_id}
    kind, old = codec.kind(stored.type), stored.type in UPCASTERS
    data = codec.plain(stored.type, stored.data) if old else msgspec.Raw(stored.data)
    told = _encode({**about, "type": kind, "data": data})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (stored.position, kind.encode(), told)


class EventStream(Streaming):
    """The answer to a follower that was let in, which is counted until the answer ends."""

    def __init__(self, followers: Followers, address: str, after: int) -> None:
        followers.enter(address)
        self._followers, self._address, self._pages = followers, address, followers.follow(after)
        super().__init__(self._pages, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the follower is gone or the node stops."""
        about: Any = scope
        about["last_words"] = SLOW
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._followers.leave(self._address)
            await self._pages.aclose()
