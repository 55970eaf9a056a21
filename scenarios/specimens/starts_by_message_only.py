"""A remote start is over with its answer; the transaction that follows is somebody's.

Nobody ties the two together: the start lapses while its vehicle charges, and until then its hold keeps others away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class StartsByMessageOnly(Csms):
    """Knows answers, not effects."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Return the facts of a report; none is the effect of a command."""
        found, reply = super()._reported(state, report)
        kept = [one for one in found if not isinstance(one, ev.CommandConfirmed)]
        changed = [replace(one, command_id=None) if isinstance(one, ev.TransactionStarted) else one for one in kept]
        return changed, reply


SPECIMEN = Specimen(
    name="starts-by-message-only",
    title="does not recognise the transaction a remote start was for",
    csms=StartsByMessageOnly,
    caught_by="I40",
    scenario="two-cards-at-once",
    absent_in=(("2.0.1", "the station names the remote start in its transaction, by remoteStartId"),),
)
