"""Time and ids as arguments: the clocks a node reads, and the source of its ids."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time in two forms: `now`, for waiting, never steps; `at`, for records, is the time of day, which may be set."""

    def now(self) -> float:
        """Return seconds on the event loop's clock."""
        ...

    def at(self) -> datetime:
        """Return the aware UTC time of `now`."""
        ...

    def when(self, at: datetime) -> float:
        """Return the `now` at which the clock reads `at`."""
        ...


class Ids:
    """The ids a node assigns. `prefix` must differ for each start of each node, or two of them assign the same id."""

    def __init__(self, prefix: str, rng: random.Random) -> None:
        self._prefix, self._rng, self._count = prefix, rng, 0

    @property
    def start(self) -> str:
        """Name this start of the node."""
        return self._prefix

    def event_id(self) -> str:
        """Name an attempt to append an event."""
        self._count += 1
        return f"{self._prefix}.{self._count}"

    def command_id(self) -> str:
        """Name a command; it is also the message id of its one CALL, so at most 36 characters."""
        self._count += 1
        return f"{self._prefix}.c{self._count}"

    def remote_start_id(self) -> int:
        """Draw a remoteStartId: the station repeats it in the transaction it begins (0 to 2^31 - 1)."""
        return self._rng.randint(0, 2**31 - 1)

    def fraction(self) -> float:
        """Draw a number from 0 to 1, to spread out waits that several nodes begin at once."""
        return self._rng.random()

    def transaction_id(self) -> int:
        """Draw a transaction id: never 0, never guessable from another (1 to 2^31 - 1)."""
        return self._rng.randint(1, 2**31 - 1)
