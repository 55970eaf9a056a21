"""Open commands are forgotten after a restart.

What was under way when the power went stays under way in the log for ever, and holds its connector.
"""

from __future__ import annotations

from interlock.csms.dispatch import Dispatcher
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Forgets(Dispatcher):
    """Starts with a clean table."""

    async def adopt(self, station: str, *, crashed: bool) -> None:
        """Take up nothing."""


class Presenceless(Csms):
    """Forgets what it was doing."""

    dispatcher_class = Forgets


SPECIMEN = Specimen(
    name="open-commands-forgotten",
    title="does not look at open commands after a restart",
    csms=Presenceless,
    caught_by="I05",
    scenario="crash-after-send",
)
