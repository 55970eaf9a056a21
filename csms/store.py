"""The event log as a port: append with an expected version, read, snapshot, subscribe - and a store in memory.

What every adapter promises, checked by one contract (`tests/csms/store_contract.py`):

- (stream, version) is unique and versions are 1..n without a gap; a batch is in the log entirely, in one piece, or not
  at all;
- an event id is unique in the whole log. Appending a batch that is already there, with the same content, is a no-op that
  returns where it stands; the same id with other content is `EventIdReused`;
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


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. `data` is the codec's bytes, `type` its explicit name (see `codec`)."""

    event_id: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredEvent:
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
