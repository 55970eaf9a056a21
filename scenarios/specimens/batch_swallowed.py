"""A batch of which one event is in the log counts as written.

Duplicates are ignored, by the batch. A station comes back as it is called offline: the batch begins with the same
WentOffline, so the CameOnline behind it is never written, and the station is there for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.csms.domain import events as ev
from interlock.csms.handle import Handler, Loaded
from interlock.csms.node import Csms
from interlock.csms.store import EventIdReused
from interlock.scenarios.specimens import Specimen


class IgnoresDuplicates(Handler):
    """Inserts, and on a conflict does nothing."""

    async def append(self, station: str, loaded: Loaded, events: Sequence[ev.Event], ids: Sequence[str]) -> Loaded:
        """Append; if part of it is known, all of it is."""
        try:
            return await super().append(station, loaded, events, ids)
        except EventIdReused:
            return await self.catch_up(station, loaded)


class BatchSwallowed(Csms):
    """Loses what stands behind a duplicate."""

    handler_class = IgnoresDuplicates


SPECIMEN = Specimen(
    name="batch-swallowed",
    title="takes a batch for written when one of its events is in the log",
    csms=BatchSwallowed,
    caught_by="I18",
    scenario="line-dies-during-start",
    seen_in="sliceworkz/eventstore#166: any known key in a batch swallows the batch",
)
