"""An index of the log keeps where each command begins and where it was last heard of.

What lies in between, such as the doubt about it, is in the log and shown to nobody.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.csms.serve.projections import Projections
from interlock.csms.store import StoredEvent
from interlock.scenarios.specimens import Specimen


class _Index(Projections):
    def _index(self, stored: StoredEvent) -> None:
        super()._index(stored)
        for command_id, (station, versions) in self.commands.items():
            if len(versions) > 2:
                self.commands[command_id] = station, (versions[0], versions[-1])


class FirstAndLast(Csms):
    """Shows the beginning of a command, and its end."""

    projections_class = _Index


SPECIMEN = Specimen(
    name="first-and-last",
    title="shows of a command's history the first event and the last",
    csms=FirstAndLast,
    caught_by="I47",
    scenario="operators-look",
)
