"""The event log as a port: append with an expected version, read, snapshot, subscribe - and a store in memory.

What every adapter promises, checked by one contract (`tests/csms/store_contract.py`):

- (stream, version) is unique and versions are 1..n without a gap; a batch is in the log entirely, in one piece, or not
  at all;
- an event id is unique in the whole log. Appending a batch that is already there, with the same content, is a no-op
  that returns where it stands; the same id with other content is `EventIdReused`;
- when `append` returns, the batch is durable.

Errors::

    StoreError
    +-- WrongExpectedVersion   definite: nothing was written, somebody else was first
    +-- EventIdReused          definite: nothing was written, the caller has a bug
    +-- AppendUnconfirmed      indefinite: it may or may not be in the log; append the same ids again to find out
    +-- StoreUnavailable       definite: nothing was written, the store cannot take it now (disk full, closed, damaged)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec


class StoreError(Exception):
    """Anything a store can say no with."""


class WrongExpectedVersion(StoreError):
    """The stream's head was not where the caller thought."""

    def __init__(self, stream: str, expected: int, head: int) -> None:
        super().__init__(stream, expected, head)
        self.stream, self.expected, self.head = stream, expected, head

    def __str__(self) -> str:
        return f"{self.stream} is at version {self.head}, not {self.expected}"


class EventIdReused(StoreError):
    """An event id stands in the log with other content, or only part of the batch stands there."""


class AppendUnconfirmed(StoreError):
    """The acknowledgement was lost."""


class StoreUnavailable(StoreError):
    """The store cannot take the batch."""


NOT_DURABLE = (StoreUnavailable, AppendUnconfirmed)
"""What an append raises that cannot be relied on, whether or not it is in the log."""


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to append. `data` is the codec's bytes, `type` its explicit name (see `codec`)."""

    event_id: str
    type: str
    data: bytes


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event in the log; `position` orders the whole log from 1, `version` its stream from 1."""

    position: int
    stream: str
    version: int
    event_id: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The fold of a stream's first `version` events; `fold` names the code that folded (other code: drop it)."""

    stream: str
    version: int
    fold: str
    state: bytes


Subscriber = Callable[[Sequence[StoredEvent]], None]
"""Called once per committed batch, in commit order, in the event loop; a hint to look, it must not block or raise."""


class EventStore(Protocol):
    """The port. `expected=None` appends at the head, whatever it is."""

    @property
    def alone(self) -> bool:
        """Whether only this process adds to the log while it is open. A hint: an append finds out the truth."""
        ...

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append a batch atomically and durably; return the version of its last event."""
        ...

    async def read(self, stream: str, after: int = 0) -> Sequence[StoredEvent]:
        """Read a stream's events with version > `after`, in order."""
        ...

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read the whole log's events with position > `after`, in order."""
        ...

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """Name the streams that start with `prefix`, sorted."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, replacing the stream's older one; a newer one already there stays."""
        ...

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """Return the stream's snapshot, if there is one."""
        ...

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of each committed batch from now on; call the returned function to end it."""
        ...

    async def close(self) -> None:
        """Finish what was taken and release the store."""
        ...


class MemoryStore:
    """The log in memory: the contract without the disk. Durable for as long as the process lives."""

    alone = False

    def __init__(self) -> None:
        self._log: list[StoredEvent] = []
        self._streams: dict[str, list[StoredEvent]] = {}
        self._by_id: dict[str, StoredEvent] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._subscribers: list[Subscriber] = []

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        known = self._streams.get(stream)
        head = len(known) if known is not None else 0
        by_id = self._by_id
        if any(event.event_id in by_id for event in events):
            return already_there(stream, events, [by_id.get(event.event_id) for event in events])
        if expected is not None and expected != head:
            raise WrongExpectedVersion(stream, expected, head)
        if known is None:
            known = self._streams[stream] = []
        position = len(self._log)
        stored = [
            StoredEvent(position + n, stream, head + n, event.event_id, event.type, event.data)
            for n, event in enumerate(events, 1)
        ]
        for event in stored:
            by_id[event.event_id] = event
        known += stored
        self._log += stored
        for subscriber in self._subscribers:
            subscriber(stored)
        return head + len(stored)

    def events(self, stream: str) -> Sequence[StoredEvent]:
        """Look at a stream's events, in order, without waiting."""
        return self._streams.get(stream, ())

    async def read(self, stream: str, after: int = 0) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        return self._streams.get(stream, [])[after:]

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        return self._log[after : None if limit is None else after + limit]

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        return sorted(stream for stream in self._streams if stream.startswith(prefix))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        older = self._snapshots.get(snapshot.stream)
        if older is None or older.version <= snapshot.version:
            self._snapshots[snapshot.stream] = snapshot

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """See `EventStore.load_snapshot`."""
        return self._snapshots.get(stream)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `EventStore.subscribe`."""
        self._subscribers = [*self._subscribers, subscriber]

        def stop() -> None:
            self._subscribers = [one for one in self._subscribers if one is not subscriber]

        return stop

    async def close(self) -> None:
        """See `EventStore.close`."""
        self._subscribers = []


def already_there(stream: str, events: Sequence[NewEvent], found: Sequence[StoredEvent | None]) -> int:
    """Return the version of the last event of a batch that is in the log as it is, or raise `EventIdReused`."""
    first = found[0].version if found[0] is not None else 0
    for n, (event, stored) in enumerate(zip(events, found, strict=True)):
        if stored is None:
            raise EventIdReused(f"{stream}: only part of the batch is in the log, {event.event_id} is not")
        same = (event.type, event.data) == (stored.type, stored.data) and stored.stream == stream
        if not same or stored.version != first + n:
            raise EventIdReused(f"{stream}: event id {event.event_id} stands in the log with other content")
    return first + len(events) - 1
