"""A store that reads a stream to its end, however little of it was asked for.

All is well until a station has been there for a year and somebody asks for the first page of its events.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.csms.node import Csms
from interlock.csms.store import StoredEvent
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.world.on_disk import Noted


class _Store(Noted):
    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        found: Sequence[StoredEvent] = await self._note("read", stream, after)
        self.asked[-1] = self.asked[-1].worded(stream, after, limit)
        return found


class PagesWithoutEnd(Csms):
    """Returns all there is."""

    store_class = _Store


SPECIMEN = Specimen(
    name="pages-without-end",
    title="reads a stream to its end, however little is asked for",
    csms=PagesWithoutEnd,
    caught_by="I49",
    scenario="operators-look",
)
