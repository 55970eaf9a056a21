"""How much is kept in memory, as one value. What was dropped is looked up in the log when needed (docs/bounds.md).

The fold reads these numbers, so a folded state depends on them: they are chosen once, before anything is folded. Tests
set every bound to 2, which exposes code that is right only as long as nothing has been dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache


@dataclass(frozen=True, slots=True)
class Bounds:
    """Counts of what is kept in memory."""

    closed_commands: int = 64
    """Finished commands of a station, to recognise a repeated request and a late answer without reading the log."""
    closed_transactions: int = 256
    """Ended transactions of a station, to recognise a repeated start or stop without reading the log."""
    connectors: int = 1000
    """The highest connector whose status is kept: a station can report any number."""
    keys: int = 4
    """Keys that a station may be using at once, as the outcome of changing them is unknown; one more is refused."""
    commands_indexed: int = 100_000
    """Commands of all stations whose position in the log the read models keep."""
    frames_noted: int = 100_000
    """Commands of which this process remembers that their frame was written."""
    intents_taken: int = 10_000
    """Intents this node recognises when the store notifies it of the same commit again."""
    heads: int = 50_000
    """Streams whose version a store remembers between appends."""
    guesses: int = 10_000
    """Stations and addresses whose wrong passwords are counted one by one."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 1:
                raise ValueError(f"{one.name} is a count from 1, not {getattr(self, one.name)}")


_in_use = Bounds()


def bounds() -> Bounds:
    """Return the bounds in use."""
    return _in_use


@cache
def of(count: int | None) -> Bounds:
    """Return the bounds that are all `count`; None: as they ship."""
    return Bounds() if count is None else Bounds(*(count for _ in fields(Bounds)))


@contextmanager
def using(chosen: Bounds) -> Iterator[None]:
    """Use other bounds inside a `with` block. No state may be folded partly inside and partly outside of it."""
    global _in_use
    before, _in_use = _in_use, chosen
    try:
        yield
    finally:
        _in_use = before
