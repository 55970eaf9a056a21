"""Random draws: the interface the simulator needs, and a generator of 80 bytes instead of 2.5 KiB."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Draws(Protocol):
    """A seeded stream of random numbers, named as in `random.Random`, which is one."""

    def random(self) -> float:
        """Return a number from 0 up to but not including 1."""
        ...

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between `a` and `b`."""
        ...

    def expovariate(self, lambd: float, /) -> float:
        """Return the time to the next event of a Poisson process with rate `lambd`."""
        ...

    def choice(self, seq: Sequence[T], /) -> T:
        """Return one of `seq`."""
        ...

    def randrange(self, start: int, stop: int, /) -> int:
        """Return a whole number from `start` up to but not including `stop`."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """Return `k` random bits, 64 at the most."""
        ...


def new_uuid(rng: Draws) -> str:
    """Draw 36 characters in the form of a random UUID (version 4)."""
    high, low = rng.getrandbits(64), rng.getrandbits(64)
    digits = f"{high & ~0xF000 | 0x4000:016x}{low & ~(0b11 << 62) | 0b10 << 62:016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class SmallDraws:
    """SplitMix64, a stream for each of many: the state of `random.Random` is a tenth of what a station takes.

    Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int | str) -> None:
        self._state = int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=8).digest(), "big")

    def getrandbits(self, k: int, /) -> int:
        """See `Draws`."""
        self._state = z = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return (z ^ z >> 31) >> 64 - k

    def random(self) -> float:
        """See `Draws`."""
        return self.getrandbits(53) * 2.0**-53

    def uniform(self, a: float, b: float, /) -> float:
        """See `Draws`."""
        return a + (b - a) * self.random()

    def expovariate(self, lambd: float, /) -> float:
        """See `Draws`."""
        return -math.log(1.0 - self.random()) / lambd

    def choice(self, seq: Sequence[T], /) -> T:
        """See `Draws`."""
        return seq[int(self.random() * len(seq))]

    def randrange(self, start: int, stop: int, /) -> int:
        """See `Draws`."""
        return start + int(self.random() * (stop - start))
