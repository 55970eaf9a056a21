"""The expected version is checked outside the transaction.

The head is read, compared, and then the events are appended: two steps, and another node fits in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import NewEvent, WrongExpectedVersion
from interlock.scenarios.specimens import Specimen


class ChecksFirst(Handler):
    """Compares versions in the application."""

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Look whether anything is newer, then append."""
        if expected is not None and (newer := await self.store.read(stream, expected)):
            raise WrongExpectedVersion(stream, expected, newer[-1].version)
        return await super().durable(stream, batch, None)


class CheckThenAct(Csms):
    """Races between the check and the append."""

    handler_class = ChecksFirst


SPECIMEN = Specimen(
    name="check-then-act",
    title="compares the expected version before the append in the place of within it",
    csms=CheckThenAct,
    caught_by="I13",
    scenario="two-unlocks-two-nodes",
    seen_in="NEventStore#415, marten#1665, microservice_framework_version_6#356",
)
