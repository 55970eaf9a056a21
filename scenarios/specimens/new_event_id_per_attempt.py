"""A new event id for each attempt to append.

The first attempt was in the log and only its acknowledgement was lost. The second, under a new id and at the head, is
the same fact a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import AppendUnconfirmed, NewEvent
from interlock.scenarios.specimens import Specimen


class NewIds(Handler):
    """Names attempts, not events."""

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Append until the store answers, each time under new ids and at the head."""
        while True:
            try:
                return await self.store.append(stream, batch, expected)
            except AppendUnconfirmed:
                batch = [replace(event, event_id=self.ids.event_id()) for event in batch]
                expected = None


class NewEventIdPerAttempt(Csms):
    """Writes facts twice."""

    handler_class = NewIds


SPECIMEN = Specimen(
    name="new-event-id-per-attempt",
    title="repeats an unconfirmed append under new event ids",
    csms=NewEventIdPerAttempt,
    caught_by="I06",
    scenario="lost-acknowledgements",
)
