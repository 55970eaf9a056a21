"""A stop names no connector, so it is booked to the first one.

Transactions begin where they begin, and all of them end at EVSE 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class StopAtItsOwnEvse(Csms):
    """Fills in what the message does not say."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Return the facts of a report; every stop is one at EVSE 1."""
        found, reply = super()._reported(state, report)
        changed = [replace(one, evse=1) if isinstance(one, ev.TransactionStopped) else one for one in found]
        return changed, reply


SPECIMEN = Specimen(
    name="stop-at-its-own-evse",
    title="books every stop to EVSE 1",
    csms=StopAtItsOwnEvse,
    caught_by="I36",
    scenario="two-cards-at-once",
)
