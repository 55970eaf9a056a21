"""An error of the store is ignored.

It is logged, and the station gets its answer all the same: an error would only make it send again. What it reported is
nowhere, and the station has forgotten it.
"""

from __future__ import annotations

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.csms.store import StoreUnavailable
from interlock.scenarios.specimens import Specimen


class StoreErrorIgnored(Csms):
    """Answers in any case."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Record what a station reports if that can be done."""
        try:
            return await super().record_report(station, report)
        except StoreUnavailable as error:
            self.alarm(f"{station}: not recorded: {error}")
            return rp.Reply("Accepted", str(self.ids.transaction_id()))


SPECIMEN = Specimen(
    name="store-error-ignored",
    title="answers a station although the store did not take what it reported",
    csms=StoreErrorIgnored,
    caught_by="I30",
    scenario="full-disk",
    seen_in="PostgreSQL before 11.2, one floor down: an fsync that failed was tried again and believed",
)
