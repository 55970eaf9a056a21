"""A doubt ends with the first "Available".

The start had no answer in time, and the station says that its connector is free. So it did not start, the CSMS
concludes; but the station was only slow, and starts a moment later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Phase
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class AvailableMeansNotStarted(Csms):
    """Concludes from a status nobody asked for."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Read each status as if it were the answer to a question about every start in doubt."""
        if isinstance(report, rp.Status):
            asked = {
                key: replace(one, probed=True) if one.phase is Phase.IN_DOUBT else one
                for key, one in state.commands.items()
            }
            state = replace(state, commands=asked)
        return super()._reported(state, report)


SPECIMEN = Specimen(
    name="available-means-not-started",
    title="takes 'Available' right after the time-out for proof that nothing started",
    csms=AvailableMeansNotStarted,
    caught_by="I07",
    scenario="effect-after-timeout",
)
