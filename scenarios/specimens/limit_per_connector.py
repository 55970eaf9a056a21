"""The station's limit is checked per connector only.

Two starts on two connectors never look at each other, and the station has room for one.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Refusal, Rules, Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class PerConnector(Handler):
    """Believes in as many slots as connectors."""

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide with the wrong limit."""
        return super().decide(command, request_id, state, replace(rules, slots=rules.evses))


class LimitPerConnector(Csms):
    """Overbooks."""

    handler_class = PerConnector


SPECIMEN = Specimen(
    name="limit-per-connector",
    title="checks the station's limit per connector only",
    csms=LimitPerConnector,
    caught_by="I14",
    scenario="start-limit-one",
)
