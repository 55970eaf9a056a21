"""The store as one node sees it in virtual time: with delays, and sometimes a lost acknowledgement."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from functools import lru_cache
from typing import Any

import msgspec

from interlock.csms import codec
from interlock.csms.store import (
    AppendUnconfirmed,
    MemoryStore,
    NewEvent,
    Snapshot,
    StoredEvent,
    StoreUnavailable,
    Subscriber,
    WrongExpectedVersion,
)
from interlock.csms.supervise import Ending
from interlock.scenarios.spec import Storage


class NodeStore:
    """A node's way to the shared store. Tells `observe` what the node was told, and `wrote` who is writing."""

    alone = False

    def __init__(
        self,
        inner: MemoryStore,
        node: str,
        storage: Storage,
        rng: random.Random,
        context: Context,
        observe: Callable[..., None],
        wrote: Callable[[str], None],
    ) -> None:
        self.inner, self.node, self.storage, self.rng = inner, node, storage, rng
        self.context, self.observe, self.wrote = context, observe, wrote
        self._slow = storage.latency_s != (0.0, 0.0)
        self._unsubscribe: list[Callable[[], None]] = []
        self.full = False

    async def _travel(self) -> None:
        if self._slow:
            loop, (low, high) = asyncio.get_running_loop(), self.storage.latency_s
            arrived = loop.create_future()
            timer = loop.call_later(low + (high - low) * self.rng.random(), _arrive, arrived)
            try:
                await arrived
            finally:
                timer.cancel()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Let nothing take time inside a `with` block."""
        slow, self._slow = self._slow, False
        try:
            yield
        finally:
            self._slow = slow

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append over the wire to the store."""
        storage = self.storage
        await self._travel()
        if self.full:
            raise StoreUnavailable("no space left on the device")
        if storage.lost_request and self.rng.random() < storage.lost_request:
            self._unconfirmed(stream, events)
        self.wrote(self.node)
        try:
            version = await self.inner.append(stream, events, expected)
        except WrongExpectedVersion as error:
            await self._travel()
            types = [codec.kind(event.type) for event in events]
            self.observe(
                "append.refused",
                node=self.node,
                stream=stream,
                expected=error.expected,
                head=error.head,
                types=types,
            )
            raise
        await self._travel()
        if storage.lost_ack and self.rng.random() < storage.lost_ack:
            self._unconfirmed(stream, events)
        self.observe("append.acked", node=self.node, stream=stream, version=version, events=as_json(events))
        return version

    def _unconfirmed(self, stream: str, events: Sequence[NewEvent]) -> None:
        ids = [event.event_id for event in events]
        self.observe("append.unconfirmed", node=self.node, stream=stream, ids=ids)
        raise AppendUnconfirmed(f"no acknowledgement for {stream}")

    @property
    def ending(self) -> Ending:
        """Whether the store ended."""
        return self.inner.ending

    async def claim(self, node: str) -> None:
        """Claim the node's name: the world gives each its own."""
        await self.inner.claim(node)

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read a stream."""
        await self._travel()
        return await self.inner.read(stream, after, limit)

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read the log."""
        await self._travel()
        return await self.inner.read_all(after, limit)

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """Look events up by their ids."""
        await self._travel()
        return await self.inner.find(event_ids)

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """Name streams."""
        await self._travel()
        return await self.inner.streams(prefix)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        await self._travel()
        await self.inner.save_snapshot(snapshot)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """Return a stream's snapshot."""
        await self._travel()
        return await self.inner.load_snapshot(stream)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Report commits to the node in its own context, which is gone after a crash: a crashed node gets none."""
        loop = asyncio.get_running_loop()

        def told(stored: Sequence[StoredEvent]) -> None:
            loop.call_soon(subscriber, stored, context=self.context)

        stop = self.inner.subscribe(told)
        self._unsubscribe.append(stop)
        return stop

    async def send_note(self, note: str) -> None:
        """Tell the other nodes a note."""
        await self._travel()
        await self.inner.send_note(note)

    def on_note(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Hear notes in the node's own context, as commits are heard."""
        loop = asyncio.get_running_loop()

        def told(note: str) -> None:
            loop.call_soon(listener, note, context=self.context)

        stop = self.inner.on_note(told)
        self._unsubscribe.append(stop)
        return stop

    async def close(self) -> None:
        """Stop telling the node anything."""
        self.cut()

    def cut(self) -> None:
        """Forget the node: it is dead."""
        for stop in self._unsubscribe:
            stop()
        self._unsubscribe.clear()


def _arrive(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


_decode = lru_cache(maxsize=512)(msgspec.json.Decoder().decode)
"""An event is shown as it is stored, acknowledged and read back at rest: one object, which nobody changes."""


def as_json(events: Sequence[NewEvent] | Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """Return events as a history writes them."""
    return [{"id": event.event_id, "type": codec.kind(event.type), "data": _decode(event.data)} for event in events]
