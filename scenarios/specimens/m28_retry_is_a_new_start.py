"""A resent StartTransaction is a new transaction.

Retries are looked for by message id, if at all, and a station may use a new one.
"""

from __future__ import annotations

from typing import Any

from csms.domain import events as ev
from csms.domain import reports as rp
from csms.node import Csms

from . import Specimen


class RetryIsANewStart(Csms):
    """Opens a transaction per StartTransaction."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Answer each start with an id of its own."""
        if not isinstance(report, rp.Start):
            return super()._reported(state, report)
        number = self.ids.transaction_id()
        started = ev.TransactionStarted(
            self.clock.at(),
            number,
            report.connector,
            report.id_token,
            report.meter_start_wh,
            report.started_at,
            "Accepted",
            None,
        )
        self.last = number
        return [started], rp.Reply("Accepted", number)


SPECIMEN = Specimen(
    name="retry-is-a-new-start",
    title="opens a second transaction when a StartTransaction is sent again",
    csms=RetryIsANewStart,
    caught_by="I24",
    scenario="offline-queue",
    seen_in="steve#1294, maeve-csms start_transaction.go",
)
