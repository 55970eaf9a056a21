"""An intent does not hold its connector.

Until the first outcome is in, a second command for the same connector looks just as acceptable.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Phase, Refusal, Rules, Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Blind(Handler):
    """Looks at transactions and at nothing under way."""

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide as if open commands were finished."""
        done = {key: replace(one, phase=Phase.UNKNOWN) for key, one in state.commands.items()}
        return super().decide(command, request_id, replace(state, commands=done), rules)


class IntentDoesNotHold(Csms):
    """Accepts a second command over the first."""

    handler_class = Blind


SPECIMEN = Specimen(
    name="intent-does-not-hold",
    title="accepts a second command for a connector while the first is under way",
    csms=IntentDoesNotHold,
    caught_by="I13",
    scenario="two-unlocks-one-node",
)
