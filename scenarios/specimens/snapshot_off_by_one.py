"""A snapshot that claims one event more than it holds.

The next load reads the tail after it, so one event is never folded.
"""

from __future__ import annotations

from interlock.csms.handle import Handler, Loaded
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OffByOne(Handler):
    """Counts wrongly when it snapshots."""

    async def snapshot(self, station: str, loaded: Loaded) -> None:
        """Keep the state under the next version's number."""
        await super().snapshot(station, Loaded(loaded.state, loaded.version + 1))


class SnapshotOffByOne(Csms):
    """Skips one event a snapshot."""

    handler_class = OffByOne


SPECIMEN = Specimen(
    name="snapshot-off-by-one",
    title="writes snapshots that claim one event too many",
    csms=SnapshotOffByOne,
    caught_by="I11",
    scenario="snapshot-and-replay",
)
