"""A CALL waits for its answer for ever.

The answer was lost with its frame. Nobody doubts the command, the connector stays held, and the next command waits
behind the one that nobody answers.
"""

from __future__ import annotations

import math
from typing import Any

from interlock.csms import ocppj
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain.station import Pending, Phase
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Patient(ocppj.Endpoint):
    """Gives a CALL all the time in the world."""

    def call(self, message_id: str, action: str, payload: dict[str, Any], deadline: float) -> None:
        """Queue a CALL without a deadline."""
        super().call(message_id, action, payload, math.inf)

    def next_deadline(self) -> float | None:
        """Wait for nothing."""
        return None


class Trusting(Dispatcher):
    """Looks only after what was answered."""

    def watch(self, station: str, pending: Pending | None) -> None:
        """Leave a command that was only sent to its answer."""
        if pending is None or pending.phase is not Phase.REQUESTED:
            super().watch(station, pending)


class NoTimeOut(Csms):
    """Never gives up."""

    endpoint_class = Patient
    dispatcher_class = Trusting


SPECIMEN = Specimen(
    name="no-time-out",
    title="sends CALLs without a time-out",
    csms=NoTimeOut,
    caught_by="I05",
    scenario="late-answer-next-call",
    seen_in="await send(), in any back end",
)
