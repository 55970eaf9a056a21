"""Limits on connections that have not authenticated yet: in all, and from one address.

An accepted connection has a slot until it is closed. The number of unproven ones is limited: at the limit of an address
its oldest unproven one is closed, or the new one if that is younger than `grace_s`. At the limit of all addresses the
one with most of them loses one. So a peer that holds idle connections open loses those and takes none from other
addresses. An address whose connections keep ending without proof is admitted at a low rate only. No sockets here, and
time is an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.csms.budgets import Budgets, origin_of


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many connections a door lets in. `of_files` takes a share of the file descriptors a process may have."""

    connections: int = 100_000
    unproven: int = 4096
    unproven_of_address: int = 1024
    grace_s: float = 1.0
    failures_per_s: float = 2.0
    failures_burst: float = 200.0
    """Connections of an address that may end unproven; beyond this so many are let in, proven or not:"""
    doubtful_per_s: float = 20.0

    @classmethod
    def of_files(cls, files: int, share: float = 0.8) -> Crowd:
        """Return limits that fit a process with so many file descriptors."""
        connections = max(8, int(files * share))
        return cls(connections, max(8, min(4096, connections // 4)), max(4, min(1024, connections // 16)))


def _nothing() -> None:
    pass


@dataclass(eq=False, slots=True)
class Slot:
    """One connection. `end` aborts it, and is set by the protocol that serves it."""

    address: str
    since: float
    end: Callable[[], None] = field(default=_nothing)
    served: bool = False
    """Whether a protocol serves it, whose `connection_lost` frees the slot."""
    proven: bool = False
    gone: bool = False


class Admission:
    """The connections of one door. `refused` and `evicted` count since the start."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.count = self.unproven = self.refused = self.evicted = 0
        self._waiting: dict[str, OrderedDict[Slot, None]] = {}
        self._failures = Budgets(crowd.failures_per_s, crowd.failures_burst)
        self._doubtful = Budgets(crowd.doubtful_per_s, crowd.doubtful_per_s)

    def enter(self, address: str, now: float) -> Slot | None:
        """Count an accepted connection. None: close it, there is no free slot."""
        crowd, origin = self.crowd, origin_of(address)
        failing = self._failures.of(origin, now).fill(now) < 1.0 and self._doubtful.of(origin, now).take(now)
        if self.count >= crowd.connections or failing:
            self.refused += 1
            return None
        own = self._waiting.get(origin)
        if own is not None and len(own) >= crowd.unproven_of_address:
            oldest = next(iter(own))
            if now - oldest.since < crowd.grace_s:
                self.refused += 1
                return None
            self._evict(oldest, now)
        elif self.unproven >= crowd.unproven:
            heaviest = max(self._waiting.values(), key=len)
            if heaviest is own:
                self.refused += 1
                return None
            self._evict(next(iter(heaviest)), now)
        slot = Slot(origin, now)
        self._waiting.setdefault(origin, OrderedDict())[slot] = None
        self.count += 1
        self.unproven += 1
        return slot

    def prove(self, slot: Slot) -> None:
        """Note that a connection authenticated, as far as this door requires."""
        if not slot.proven and not slot.gone:
            slot.proven = True
            self._settle(slot)

    def leave(self, slot: Slot, now: float) -> None:
        """Note that a connection is gone; repeating it has no effect."""
        if slot.gone:
            return
        slot.gone = True
        slot.end = _nothing  # it refers to the connection, which refers to the slot
        self.count -= 1
        if not slot.proven:
            self._settle(slot)
            self._failures.of(slot.address, now).take(now)

    def _settle(self, slot: Slot) -> None:
        self.unproven -= 1
        own = self._waiting[slot.address]
        del own[slot]
        if not own:
            del self._waiting[slot.address]

    def _evict(self, slot: Slot, now: float) -> None:
        self.evicted += 1
        end = slot.end
        self.leave(slot, now)
        end()
