"""A hold ends at the command's deadline.

No answer in time, so the connector is free again. The start may still come, and a second one is sent on top of it.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Phase, Refusal, Rules, Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Impatient(Handler):
    """Holds for as long as it waits."""

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide as if commands in doubt were finished."""
        released = {
            key: replace(one, phase=Phase.UNKNOWN) if one.phase is Phase.IN_DOUBT else one
            for key, one in state.commands.items()
        }
        return super().decide(command, request_id, replace(state, commands=released), rules)


class HoldReleasedAtDeadline(Csms):
    """Sends a second command over a doubt."""

    handler_class = Impatient


SPECIMEN = Specimen(
    name="hold-released-at-deadline",
    title="lets go of the connector when a command has had no answer in time",
    csms=HoldReleasedAtDeadline,
    caught_by="I13",
    scenario="line-dies-during-start",
)
