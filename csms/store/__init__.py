"""The event log as a port: append with an expected version, read, find, snapshot, subscribe - and a store in memory.

What every adapter promises, checked by one contract (`tests/csms/store_contract.py`):

- (stream, version) is unique and versions are 1..n without a gap; a batch is in the log entirely, in one piece, or not
  at all;
- an event id is unique in the whole log. Appending a batch that is already there, with the same content, is a no-op
  that returns where it stands; the same id with other content is `EventIdReused`;
- when `append` returns, the batch is durable;
- a name (of a stream, an event, a type) is 1 to `NAME_LIMIT` characters without NUL and lone surrogates, and an event,
  a batch and a snapshot are bounded: anything else is `NotStorable` when it is written, and not found when it is read.
  A position, version or limit may be any whole number;
- an error is raised to the caller whose value or request caused it, and to no other; a cancelled caller does not
  affect others, and its append may or may not be in the log;
- when the store itself ends, `ending` says so; waiting and later requests are refused at once.

Errors::

    StoreError
    +-- WrongExpectedVersion   definite: nothing was written, another append was first
    +-- EventIdReused          definite: nothing was written, the caller has a bug
    +-- AppendUnconfirmed      indefinite: it may or may not be in the log; append the same ids again to find out
    +-- StoreUnavailable       definite: nothing was written, the store cannot take it now (disk full, closed, damaged)
    +-- NotStorable            definite: nothing was written, no store can keep this value; the store is sound
    +-- NameTaken              a running node has the name
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from interlock.csms.supervise import Ending, deliver

NAME_LIMIT = 255
"""Characters of a stream's, an event's or a type's name: what an index of every store takes."""
EVENT_BYTES = 16 * 1024 * 1024
"""Bytes of an event or a snapshot."""
BATCH_EVENTS = 10_000
"""Events of a batch."""
NOTE_BYTES = 4000
"""Bytes of a note from one node to the others; a longer one is not sent."""
NUMBER_LIMIT = 2**53
"""Positions and versions are below; a larger number is answered as this one."""
READ_BYTES = 4 * 1024 * 1024
"""A read with a limit returns no more once its events have so many bytes, but at least one event."""


class StoreError(Exception):
    """Any refusal of a store."""


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


class NotStorable(StoreError):
    """A value that no store accepts."""


class NameTaken(StoreError):
    """A running node has claimed the name."""


NOT_DURABLE = (StoreUnavailable, AppendUnconfirmed)
"""Raised by an append that is not known to be durable, whether or not it is in the log."""


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
"""Called once per committed batch, in commit order, in the event loop; it must not block or raise."""


class EventStore(Protocol):
    """The port. `expected=None` appends at the head, whatever it is."""

    @property
    def alone(self) -> bool:
        """Whether only this process appends while the log is open. A hint: appends are checked all the same."""
        ...

    @property
    def ending(self) -> Ending:
        """Whether the store ended by itself, and why; `close` does not count."""
        ...

    async def claim(self, node: str) -> None:
        """Be the only node of this name while the store is open. Raises `NameTaken`.

        A node that loses its claim afterwards cannot append any more: its store ends.
        """
        ...

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append a batch atomically and durably; return the version of its last event."""
        ...

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read a stream's events with version > `after`, in order; with a limit at most so many, and `READ_BYTES`."""
        ...

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read the whole log's events with position > `after`, in order; with a limit as in `read`."""
        ...

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """Return the events of these ids that are in the log, by position. One index look-up each."""
        ...

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """Name the streams that start with `prefix`, sorted."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Store a snapshot in place of the stream's older one; a newer one is kept."""
        ...

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """Return the stream's snapshot, if there is one."""
        ...

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with each batch committed from now on; the returned function ends it."""
        ...

    async def send_note(self, note: str) -> None:
        """Send a note of at most `NOTE_BYTES` to every node that has this log open. It may be lost."""
        ...

    def on_note(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each note from now on, this node's own included; the returned function ends it."""
        ...

    async def close(self) -> None:
        """Finish accepted requests and release the store."""
        ...


class MemoryStore:
    """The log in memory: the contract without the disk. Durable for as long as the process lives."""

    alone = False

    def __init__(self) -> None:
        self.ending = Ending()
        self._log: list[StoredEvent] = []
        self._streams: dict[str, list[StoredEvent]] = {}
        self._by_id: dict[str, StoredEvent] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._subscribers: list[Subscriber] = []
        self._listeners: list[Callable[[str], None]] = []

    async def claim(self, node: str) -> None:
        """See `EventStore.claim`: nodes that share this memory are of one process, which names them."""

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        check_storable(stream, events)
        known = self._streams.get(stream)
        head = len(known) if known is not None else 0
        by_id = self._by_id
        for new in events:
            if new.event_id in by_id:
                return already_there(stream, events, [by_id.get(event.event_id) for event in events])
        if expected is not None and expected != head:
            raise WrongExpectedVersion(stream, expected, head)
        if not events:
            return head
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
        deliver(self._subscribers, stored)
        return head + len(stored)

    def events(self, stream: str) -> Sequence[StoredEvent]:
        """Return a stream's events, in order, without awaiting."""
        return self._streams.get(stream, ())

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        return page(self._streams.get(stream, []), bounded(after), limit)

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        return page(self._log, bounded(after), limit)

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """See `EventStore.find`."""
        found = (self._by_id.get(event_id) for event_id in set(event_ids))
        return sorted((event for event in found if event is not None), key=lambda event: event.position)

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        return sorted(stream for stream in self._streams if stream.startswith(prefix))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        check_snapshot(snapshot)
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

    async def send_note(self, note: str) -> None:
        """See `EventStore.send_note`."""
        if len(note.encode()) <= NOTE_BYTES:
            deliver(self._listeners, note)

    def on_note(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """See `EventStore.on_note`."""
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return stop

    async def close(self) -> None:
        """See `EventStore.close`."""
        self._subscribers, self._listeners = [], []


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


# --- what every store makes of odd values ---


def is_name(text: str) -> bool:
    """Whether a text may be the name of a stream, an event or a type."""
    if text.isascii():
        return 0 < len(text) <= NAME_LIMIT and "\0" not in text
    return len(text) <= NAME_LIMIT and "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def check_storable(stream: str, events: Sequence[NewEvent]) -> None:
    """Raise `NotStorable` for a batch that no store accepts, `EventIdReused` for one with an id twice."""
    if len(events) == 1:  # nearly always
        (event,) = events
        named = stream and event.event_id and event.type and is_name(stream + event.event_id + event.type)
        if named and len(event.data) <= EVENT_BYTES:
            return
    if not is_name(stream):
        raise NotStorable(f"{stream[:40]!a} cannot name a stream: 1 to {NAME_LIMIT} characters, no NUL, no surrogates")
    if len(events) > BATCH_EVENTS:
        raise NotStorable(f"{stream}: a batch has at most {BATCH_EVENTS} events, not {len(events)}")
    for event in events:
        if not is_name(event.event_id) or not is_name(event.type):
            raise NotStorable(f"{stream}: {event.event_id[:40]!a} or {event.type[:40]!a} cannot name an event or type")
        if len(event.data) > EVENT_BYTES:
            raise NotStorable(f"{stream}: an event has at most {EVENT_BYTES} bytes, not {len(event.data)}")
    if len(events) > 1 and len({event.event_id for event in events}) != len(events):
        raise EventIdReused(f"{stream}: an event id stands twice in one batch")


def check_snapshot(snapshot: Snapshot) -> None:
    """Raise `NotStorable` for a snapshot that no store accepts."""
    fits = is_name(snapshot.stream) and is_name(snapshot.fold) and 0 <= snapshot.version < NUMBER_LIMIT
    if not fits or len(snapshot.state) > EVENT_BYTES:
        raise NotStorable(f"{snapshot.stream[:40]!a}: this snapshot's name, fold, version or size is out of bounds")


def bounded(value: int) -> int:
    """Return a position, version or limit as one that every store can compare."""
    return min(max(value, 0), NUMBER_LIMIT)


def page(events: Sequence[StoredEvent], after: int, limit: int | None) -> Sequence[StoredEvent]:
    """Return the events of a list after the first `after`: all, or a page of at most `limit` and `READ_BYTES`."""
    if limit is None:
        return events[after:]
    return within(events[after : after + bounded(limit)])


def within(events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """Cut a page at `READ_BYTES`."""
    size = 0
    for count, event in enumerate(events, 1):
        size += len(event.data)
        if size >= READ_BYTES:
            return events[:count]
    return events
