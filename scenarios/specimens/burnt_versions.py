"""Versions drawn from a sequence.

A rejected append has drawn its number all the same, so the next one leaves a gap: a reader that waits for the missing
version waits for ever, and one that does not wait cannot tell a gap from an event still on its way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from interlock.csms.node import Csms
from interlock.csms.store import MemoryStore, NewEvent, StoredEvent, WrongExpectedVersion, already_there
from interlock.scenarios.specimens import Specimen


class Sequences(MemoryStore):
    """Burns a version for each append it refuses."""

    def __init__(self) -> None:
        super().__init__()
        self._burnt: Counter[str] = Counter()

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append behind what was burnt."""
        known = self._streams.setdefault(stream, [])
        head = known[-1].version if known else 0
        if any(event.event_id in self._by_id for event in events):
            return already_there(stream, events, [self._by_id.get(event.event_id) for event in events])
        if expected is not None and expected != head:
            self._burnt[stream] += 1
            raise WrongExpectedVersion(stream, expected, head)
        head += self._burnt.pop(stream, 0)
        for version, event in enumerate(events, head + 1):
            stored = StoredEvent(len(self._log) + 1, stream, version, event.event_id, event.type, event.data)
            self._by_id[event.event_id] = stored
            known.append(stored)
            self._log.append(stored)
        for subscriber in self._subscribers:
            subscriber(known[-len(events) :])
        return known[-1].version

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read by version, as places are other numbers here."""
        return [stored for stored in self._streams.get(stream, []) if stored.version > after]


class BurntVersions(Csms):
    """Keeps its log in such a store."""

    store_class = Sequences


SPECIMEN = Specimen(
    name="burnt-versions",
    title="draws versions from a sequence, which a rejected append does not give back",
    csms=BurntVersions,
    caught_by="I08",
    scenario="slow-store",
    seen_in="any SQL identity column used as a version: a sequence is not rolled back",
)
