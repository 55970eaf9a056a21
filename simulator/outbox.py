"""The queue of messages a station owes: strictly in order, sent again until answered, kept over a reboot.

OCPP 1.6 sections 3.7.1 and 4.10: transaction messages are delivered in order, also those of sessions that began and
ended offline. A transaction id a start was given later finds its way into the messages behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .connector import Session
from .v16 import Payload


class Entry:
    """One message owed: how to write it once its turn comes, and under which id it was sent last."""

    __slots__ = ("action", "attempts", "message_id", "payload", "session")

    def __init__(self, action: str, session: Session | None, payload: Callable[[], Payload]) -> None:
        self.action, self.session, self.payload = action, session, payload
        self.message_id: str | None = None
        self.attempts = 0


class Outbox:
    """The messages owed, oldest first."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Owe one more message."""
        self._entries.append(entry)

    def head(self) -> Entry | None:
        """Return the message whose turn it is."""
        return self._entries[0] if self._entries else None

    def done(self, entry: Entry) -> None:
        """Owe this one no more."""
        if self._entries and self._entries[0] is entry:
            self._entries.popleft()

    def clear(self) -> None:
        """Forget everything: what a station does that keeps its queue in memory only."""
        self._entries.clear()
