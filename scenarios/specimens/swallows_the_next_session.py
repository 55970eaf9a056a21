"""A start in the words of a session that is over is taken for that session, told again.

The station was answered, or it could not have stopped the session by its id; so it begins another one. It is answered
with the id of the old one, the old stop stands, and what the second session delivers is billed to nobody.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class SwallowsTheNextSession(Csms):
    """Knows a session by the words it began with, for ever."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Answer a start in known words with the id of whatever began in them."""
        if isinstance(report, rp.Start) and report.transaction_id is None:
            words = report.evse, report.id_token, report.meter_start_wh, report.started_at
            for known in state.transactions.values():
                if (known.evse, known.id_token, known.meter_start_wh, known.started_at) == words:
                    return [], rp.Reply(known.status, known.transaction_id)
        return super()._reported(state, report)


SPECIMEN = Specimen(
    name="swallows-the-next-session",
    title="takes a session that begins in the words of an ended one for that one",
    csms=SwallowsTheNextSession,
    caught_by="I24",
    scenario="clock-stands-still",
    seen_in="back ends with a unique key on connector, tag, meter and time",
    absent_in=(("2.0.1", "a start is known by the id the station gave it, not by its words"),),
)
