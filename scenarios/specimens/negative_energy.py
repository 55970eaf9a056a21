"""Energy is counted from two different zeros.

The start keeps what the meter has counted in its life, the stop what it counted in the session. Their difference is
what is billed, and it is negative.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class NegativeEnergy(Csms):
    """Stores the energy of a session in the place of the register."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Subtract the start's register, which whoever reads the log will do once more."""
        if isinstance(report, rp.Stop) and (known := state.transactions.get(report.transaction_id)):
            report = replace(report, meter_stop_wh=report.meter_stop_wh - known.meter_start_wh)
        return super()._reported(state, report)


SPECIMEN = Specimen(
    name="negative-energy",
    title="mixes a register that counts for life with one that counts a session, and bills negative energy",
    csms=NegativeEnergy,
    caught_by="I24",
    scenario="undervoltage-while-charging",
    seen_in="lbbrhzn/ocpp#1031, lbbrhzn/ocpp#1069, lbbrhzn/ocpp#2093",
)
