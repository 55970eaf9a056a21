"""Going offline resets what was held.

The session is gone, and its open commands with it. The station has them all the same, and comes back.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Phase, Refusal, Rules, Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class PerSession(Handler):
    """Keeps what is under way with the connection it was sent on."""

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide as if commands of earlier connections were finished."""
        reset = {
            key: replace(one, phase=Phase.UNKNOWN) if one.phase.open and one.epoch < state.epoch else one
            for key, one in state.commands.items()
        }
        return super().decide(command, request_id, replace(state, commands=reset), rules)


class OfflineResetsHolds(Csms):
    """Forgets open commands with the connection."""

    handler_class = PerSession


SPECIMEN = Specimen(
    name="offline-resets-holds",
    title="lets go of what open commands hold when their connection is gone",
    csms=OfflineResetsHolds,
    caught_by="I13",
    scenario="line-dies-during-start",
)
