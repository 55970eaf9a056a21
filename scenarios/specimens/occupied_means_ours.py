"""A doubt ends with the first status that is not "Available".

The start had no answer, and now somebody is at the connector. So it worked, the CSMS concludes; but the start was lost,
and who is there came with a card of his own.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Phase
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen

OCCUPIED = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Occupied")


class OccupiedMeansOurs(Csms):
    """Takes every vehicle for the expected one."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Confirm the starts in doubt on a connector that is in use."""
        found, reply = super()._reported(state, report)
        if isinstance(report, rp.Status) and report.status in OCCUPIED:
            for pending in state.unfinished():
                command = pending.command
                ours = isinstance(command, do.RemoteStart) and command.evse == report.evse
                if ours and pending.phase is Phase.IN_DOUBT:
                    evidence = f"the connector is {report.status}"
                    found.append(ev.CommandConfirmed(self.clock.at(), pending.command_id, evidence))
        return found, reply


SPECIMEN = Specimen(
    name="occupied-means-ours",
    title="takes a connector in use for proof that the start in doubt worked",
    csms=OccupiedMeansOurs,
    caught_by="I07",
    scenario="line-dies-during-start",
)
