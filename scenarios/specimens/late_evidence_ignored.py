"""A doubt is closed by the clock as "not done", and what arrives later is dropped.

The answer of a slow station comes, finds the command finished, and is thrown away.
"""

from __future__ import annotations

from interlock.csms import ocppj
from interlock.csms.dialects import Dialect
from interlock.csms.dispatch import Dispatcher
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Deaf(Dispatcher):
    """Closes at the deadline."""

    async def doubt(self, station: str, command_id: str, why: str) -> None:
        """Call it not done."""
        await self.refute(station, command_id, why)

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed, dialect: Dialect) -> None:
        """Take answers in time; drop the others."""
        if not notice.late:
            await super().settle(station, notice, dialect)


class LateEvidenceIgnored(Csms):
    """Drops late answers."""

    dispatcher_class = Deaf


SPECIMEN = Specimen(
    name="late-evidence-ignored",
    title="closes a doubt at the deadline as not done and drops the late answer",
    csms=LateEvidenceIgnored,
    caught_by="I07",
    scenario="answer-after-timeout",
    seen_in="mobilityhouse/ocpp logs and drops an answer it no longer waits for; SteVe evicts the entry",
)
