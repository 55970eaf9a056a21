"""A task for each status that waits for the next one.

It is forgotten when the connector says the same again. A fleet says the same again every few minutes.
"""

from __future__ import annotations

import asyncio

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class WatcherForEachStatus(Csms):
    """Starts what it never ends."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Record a report; wait for the status to change."""
        if isinstance(report, rp.Status):
            self.spawn(self._changed())
        return await super().record_report(station, report)

    async def _changed(self) -> None:
        await asyncio.Event().wait()


SPECIMEN = Specimen(
    name="watcher-for-each-status",
    title="starts a task for each StatusNotification and never ends it",
    csms=WatcherForEachStatus,
    caught_by="I20",
    scenario="status-vs-unlock",
    seen_in="tasks for each message without an owner",
)
