"""A fold that reads the clock.

`evolve` stamps what it applies with the time of folding in the place of the time of the event. Each replay gives
another state.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Impure(Handler):
    """Folds with the clock in hand."""

    def evolve(self, state: Station, event: ev.Event) -> Station:
        """Apply an event as if it happened now."""
        after = super().evolve(state, event)
        return replace(after, online_at=self.clock.at()) if isinstance(event, ev.CameOnline) else after


class ImpureFold(Csms):
    """Remembers when it folded, not when it happened."""

    handler_class = Impure


SPECIMEN = Specimen(
    name="impure-fold",
    title="reads the clock while folding",
    csms=ImpureFold,
    caught_by="I26",
    scenario="snapshot-and-replay",
)
