"""Commands are accepted, and then nothing happens.

The queue between the API and the sockets is not connected. Each command is doubted at its deadline and unknown in the
end, which is what a station that never answers looks like too.
"""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import events as ev
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Unplugged(Dispatcher):
    """Takes up intents and leaves it at that."""

    async def send(self, station: str, intent: ev.CommandRequested) -> None:
        """Send nothing."""


class AcceptsAndSendsNothing(Csms):
    """Says yes."""

    dispatcher_class = Unplugged


SPECIMEN = Specimen(
    name="accepts-and-sends-nothing",
    title="accepts commands and never sends them",
    csms=AcceptsAndSendsNothing,
    caught_by="I38",
    scenario="every-command",
)
