"""A meter that ran backwards is taken for noise, and nothing is kept of it.

The stop is acknowledged and recorded with the register it tells. Whoever bills the session finds less energy at its end
than at its start, and no word that the station was heard to say so.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class BackwardsIsNoise(Csms):
    """Records a stop without what is wrong with its register."""

    def _reported(self, state: Any, report: rp.Report) -> Any:
        """Leave out that the meter ran backwards."""
        found, reply = super()._reported(state, report)
        return [one for one in found if not _backwards(one)], reply


def _backwards(event: ev.Event) -> bool:
    return isinstance(event, ev.AnomalyRecorded) and event.what == "meter ran backwards"


SPECIMEN = Specimen(
    name="backwards-is-noise",
    title="takes a meter that ran backwards for noise and keeps no anomaly",
    csms=BackwardsIsNoise,
    caught_by="I45",
    scenario="what-cannot-be",
    elsewhere=(("2.0.1", "I45", "what-cannot-be-2-0-1"),),
)
