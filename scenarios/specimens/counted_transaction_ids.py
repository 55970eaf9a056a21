"""Transaction ids are counted in the process.

1, 2, 3, and from 1 again after a restart and at every other node. A stop names its transaction by that number alone, so
two sessions with one number are one session to whoever bills them.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class CountedTransactionIds(Csms):
    """Numbers the transactions it has seen itself."""

    counted = 0

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Give each start the next number."""
        token = getattr(report, "id_token", None)
        self.counted += isinstance(report, rp.Start)
        return facts.reported(
            state,
            report,
            self.clock.at(),
            registration=self.settings.registration,
            authorization=self.tokens.get(token, self.settings.unknown_tokens) if token else "Accepted",
            new_transaction_id=str(self.counted),
        )


SPECIMEN = Specimen(
    name="counted-transaction-ids",
    title="counts transaction ids in memory, from 1 at every start and at every node",
    csms=CountedTransactionIds,
    caught_by="I06",
    scenario="offline-queue",
    seen_in="evcc#15951, openhab-addons#21265, connectorio-addons#161; lbbrhzn/ocpp#2123: the second of the start",
    absent_in=(("2.0.1", "the station names its transactions, the CSMS draws no id"),),
)
