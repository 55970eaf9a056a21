"""How much is remembered, as one value. What is forgotten is in the log, and is asked there (docs/bounds.md).

The fold reads these numbers, so they are part of it: they are chosen once, before anything is folded. Small ones are
for tests: with every bound at 2, whatever leans on a bound falls.
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
    """Finished commands of a station, to recognise a request told again and a late answer without asking the log."""
    closed_transactions: int = 256
    """Ended transactions of a station, to recognise a start or stop told again without asking the log."""
    connectors: int = 1000
    """The highest connector of which a status is kept: a station may invent any number."""
    keys: int = 4
    """Keys of a station of which it may be unclear which one it took; one more is refused."""
    commands_indexed: int = 100_000
    """Commands of all stations whose place in the log the read models know without asking."""
    frames_noted: int = 100_000
    """Commands of which this process remembers that their frame was written."""
    intents_taken: int = 10_000
    """Intents this node recognises when it is told of the same commit again."""
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
    """Use other bounds inside a `with` block. Nothing folded outside may be folded on inside, nor the other way."""
    global _in_use
    before, _in_use = _in_use, chosen
    try:
        yield
    finally:
        _in_use = before
