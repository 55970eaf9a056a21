"""A StartTransaction that is sent again is answered ConcurrentTx.

The connector has a transaction already, it is found: the very one this message started. The station takes the answer
at its word and ends the session, and the vehicle does not charge.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class ConcurrentOnARetry(Csms):
    """Does not recognise what it knows."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Refuse a start on a connector that has one."""
        found, reply = super()._reported(state, report)
        if isinstance(report, rp.Start) and state is not None and state.open_transaction(report.evse):
            return [], rp.Reply("ConcurrentTx", reply.transaction_id if not found else "0")
        return found, reply


SPECIMEN = Specimen(
    name="concurrent-on-a-retry",
    title="answers a resent StartTransaction with ConcurrentTx",
    csms=ConcurrentOnARetry,
    caught_by="I32",
    scenario="offline-queue",
    seen_in="back ends with a unique index on the open transaction of a connector",
)
