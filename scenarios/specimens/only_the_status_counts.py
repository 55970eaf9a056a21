"""Of a status report the status is kept, the error code and the note are not.

The table has one column. A connector that is Available with a broken lock is Available.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OnlyTheStatusCounts(Csms):
    """Keeps one word."""

    async def record_report(self, station: str, report: rp.Report) -> Any:
        """Record what a station reports, without what went wrong."""
        if isinstance(report, rp.Status):
            report = replace(report, error_code="NoError", info=None)
        return await super().record_report(station, report)


SPECIMEN = Specimen(
    name="only-the-status-counts",
    title="drops the error code of a status",
    csms=OnlyTheStatusCounts,
    caught_by="I35",
    scenario="two-cards-at-once",
    absent_in=(("2.0.1", "a status has no error code there"),),
)
