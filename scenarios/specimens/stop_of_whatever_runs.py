"""A stop with a number nobody knows ends whatever is running.

The transaction id of a StopTransaction is a hint: if it fits nothing, the open transaction must be meant. A number left
from another CSMS, or made up, ends somebody else's session and bills it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class StopOfWhateverRuns(Csms):
    """Does not ask whose transaction it is."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Read a stop of no known transaction as one of the transaction that is open."""
        if isinstance(report, rp.Stop) and report.transaction_id not in state.transactions:
            running = next((one for one in state.transactions.values() if one.open), None)
            if running is not None:
                report = replace(report, transaction_id=running.transaction_id)
        return super()._reported(state, report)


SPECIMEN = Specimen(
    name="stop-of-whatever-runs",
    title="ends the running transaction on a stop that names another one",
    csms=StopOfWhateverRuns,
    caught_by="I24",
    scenario="two-sockets",
    seen_in="OCPP.Core#34; lbbrhzn/ocpp#2123: falls back to connector 1",
)
