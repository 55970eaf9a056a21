"""A reservation under way holds nothing.

It is sent like any message that decides nothing, so a start for somebody else is accepted while the station is making
up its mind whom to keep the connector for.
"""

from __future__ import annotations

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Refusal, Rules, Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Unreserved(Handler):
    """Takes a reservation for a message among others."""

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide as if no reservation were under way, and let every reservation through."""
        found = super().decide(command, request_id, _without(state), rules)
        return Accept() if isinstance(command, do.Reserve) and isinstance(found, Refusal) else found


def _without(state: Station) -> Station:
    kept = {key: one for key, one in state.commands.items() if not isinstance(one.command, do.Reserve)}
    return state.changed(commands=kept)


class ReservationHoldsNothing(Csms):
    """Starts a session where somebody else's reservation is under way."""

    handler_class = Unreserved


SPECIMEN = Specimen(
    name="reservation-holds-nothing",
    title="accepts a start for one driver while a reservation for another is under way",
    csms=ReservationHoldsNothing,
    caught_by="I13",
    scenario="reservation-vs-start",
)
