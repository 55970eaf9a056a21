"""An answer after the time-out is dropped.

Nobody waits for it any longer, so nobody reads it. The station said no, and the doubt stays open to whatever looks like
a yes: the driver's own card, for one.
"""

from __future__ import annotations

from interlock.csms import ocppj
from interlock.csms.dialects import Dialect
from interlock.csms.dispatch import Dispatcher
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Closed(Dispatcher):
    """Listens until the deadline."""

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed, dialect: Dialect) -> None:
        """Take answers in time; drop the others."""
        if not notice.late:
            await super().settle(station, notice, dialect)


class LateResultDropped(Csms):
    """Drops late answers and stays in doubt."""

    dispatcher_class = Closed


SPECIMEN = Specimen(
    name="late-result-dropped",
    title="drops an answer that comes after the time-out",
    csms=LateResultDropped,
    caught_by="I07",
    scenario="effect-after-timeout",
    seen_in="mobilityhouse/ocpp#297: ignoring response with unknown unique id; MicroOcpp#22 advises it",
    # A card carries no remoteStartId, so nothing looks like a yes; what was answered late is lost all the same.
    elsewhere=(("2.0.1", "I05", "answer-after-timeout"),),
)
