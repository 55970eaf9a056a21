"""A batch written row by row, each with a commit of its own.

Somebody else's event gets in between: what was decided as one thing is in the log as several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from interlock.csms.node import Csms
from interlock.csms.store import MemoryStore, NewEvent
from interlock.scenarios.specimens import Specimen

ROW_S = 1.0


class RowByRow(MemoryStore):
    """Commits after each event."""

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append one event after the other."""
        version = await super().append(stream, events[:1], expected)
        for event in events[1:]:
            await asyncio.sleep(ROW_S)
            version = await super().append(stream, [event], None)
        return version


class TornBatches(Csms):
    """Keeps its log in such a store."""

    store_class = RowByRow


SPECIMEN = Specimen(
    name="row-by-row",
    title="writes the events of a batch in transactions of their own",
    csms=TornBatches,
    caught_by="I22",
    scenario="crash-after-send",
    strategy="search",
    seen_in="autocommit left on",
)
