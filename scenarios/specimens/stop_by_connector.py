"""Stops are de-duplicated by connector.

A stop of a connector that has had one is taken for the same one sent again. The second session of the day never ends.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class StopByConnector(Csms):
    """Knows one stop per connector."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Acknowledge a stop of a connector that was stopped before, and keep nothing of it."""
        found, reply = super()._reported(state, report)
        if isinstance(report, rp.Stop) and (known := state.transactions.get(report.transaction_id)):
            before = [one for one in state.transactions.values() if one.evse == known.evse]
            if any(one.meter_stop_wh is not None for one in before):
                return [], reply
        return found, reply


SPECIMEN = Specimen(
    name="stop-by-connector",
    title="takes the second stop of a connector for a repetition of the first",
    csms=StopByConnector,
    caught_by="I24",
    scenario="undervoltage-while-charging",
    seen_in="OCPP.Core#34, lbbrhzn/ocpp#2128 and connectorio-addons#161 place a stop by connector as well",
)
