"""An old event changes the live status.

A start makes the connector Charging and a stop makes it Available, whenever it was. A station that comes back says
first how its connectors stand and then what its queue has kept; the queue has the last word.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OldEventChangesLiveStatus(Csms):
    """Reads a status out of what it is told about the past."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Add to each start and stop the status it stands for."""
        found, reply = super()._reported(state, report)
        for event in list(found):
            if isinstance(event, ev.TransactionStarted | ev.TransactionStopped):
                status = "Charging" if isinstance(event, ev.TransactionStarted) else "Available"
                found.append(ev.StatusReported(event.at, event.evse, 1, status, "NoError", None, None))
        return found, reply


SPECIMEN = Specimen(
    name="old-event-changes-live-status",
    title="lets a queued start or stop overwrite the status a connector has now",
    csms=OldEventChangesLiveStatus,
    caught_by="I18",
    scenario="old-news",
)
