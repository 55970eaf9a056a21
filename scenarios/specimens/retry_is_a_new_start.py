"""A resent StartTransaction is a new transaction.

Retries are looked for by message id, if at all, and a station may use a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class NamesAttempts(Handler):
    """Gives each transaction an event id of its own."""

    def _fact_ids(self, station: str, facts: Sequence[ev.StationEvent]) -> list[str]:
        ids = super()._fact_ids(station, facts)
        return [
            self.ids.event_id() if isinstance(fact, ev.TransactionStarted) else known
            for known, fact in zip(ids, facts, strict=True)
        ]


class RetryIsANewStart(Csms):
    """Opens a transaction per StartTransaction."""

    handler_class = NamesAttempts

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Answer each start with an id of its own."""
        if isinstance(report, rp.Start):
            state = Station()
        return super()._reported(state, report)


SPECIMEN = Specimen(
    name="retry-is-a-new-start",
    title="opens a second transaction when a StartTransaction is sent again",
    csms=RetryIsANewStart,
    caught_by="I24",
    scenario="offline-queue",
    seen_in="steve#1294, maeve-csms start_transaction.go",
)
