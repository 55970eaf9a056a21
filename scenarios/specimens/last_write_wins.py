"""The last write wins.

Every append goes to the head, whatever stands there: the version a decision was made on is not passed on. A decision
that is out of date by the time it is written stands over the one that made it so.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import NewEvent
from interlock.scenarios.specimens import Specimen


class Unconditional(Handler):
    """Never says which version it has read."""

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Append at the head."""
        return await super().durable(stream, batch, None)


class LastWriteWins(Csms):
    """Writes stale decisions."""

    handler_class = Unconditional


SPECIMEN = Specimen(
    name="last-write-wins",
    title="appends every decision at the head, whatever was written since it was made",
    csms=LastWriteWins,
    caught_by="I14",
    scenario="start-limit-one",
    seen_in="microservice_framework_version_6#356: an append without a version takes the next one there is",
)
