"""Transaction 0 is no transaction.

Ids are counted from 0, and a stop whose id is not true is taken for one without an id. The first session of each
station never ends.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class TransactionIdZero(Csms):
    """Asks whether an id is true, not whether it is there."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Number a station's transactions from 0; acknowledge a stop without an id and leave it at that."""
        if isinstance(report, rp.Stop) and not int(report.transaction_id):
            return [], rp.Reply()
        token = getattr(report, "id_token", None)
        return facts.reported(
            state,
            report,
            self.clock.at(),
            registration=self.settings.registration,
            authorization=self.tokens.get(token, self.settings.unknown_tokens) if token else "Accepted",
            new_transaction_id=str(len(state.transactions)),
        )


SPECIMEN = Specimen(
    name="transaction-id-zero",
    title="hands out transaction id 0 and takes it for none when the session is stopped",
    csms=TransactionIdZero,
    caught_by="I24",
    scenario="undervoltage-while-charging",
    seen_in="woopstar/hsem#906: every transaction is 0; OCPP 1.6 errata 3.54 asks for positive ids (ocpp-go#312)",
    absent_in=(("2.0.1", "the station names its transactions, the CSMS draws no id"),),
)
