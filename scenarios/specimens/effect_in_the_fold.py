"""The effect is in the event handler, so folding the log sends.

Whoever applies `CommandRequested` to the aggregate also sends its frame. It works until the first restart.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler, Loaded
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Sends(Handler):
    """A fold with a gateway to call."""

    node_: Csms

    async def load(self, station: str) -> Loaded:
        """Return the station, with its connection at hand."""
        self.replaying = station
        return await super().load(station)

    def replay(self, station: str, start: Any, stored: Any) -> Any:
        """Fold, with the station's connection at hand."""
        self.replaying = station
        return super().replay(station, start, stored)

    def evolve(self, state: Station, event: ev.Event) -> Station:
        """Apply an event and do what it says."""
        if isinstance(event, ev.CommandRequested):
            connection = self.node_.connections.get(getattr(self, "replaying", ""))
            if connection is not None:
                connection.call(event)
        return super().evolve(state, event)


class EffectInTheFold(Csms):
    """Replays effects."""

    handler_class = Sends

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.handler, Sends)
        self.handler.node_ = self


SPECIMEN = Specimen(
    name="effect-in-the-fold",
    title="sends frames while it folds the log",
    csms=EffectInTheFold,
    caught_by="I12",
    scenario="lost-acknowledgements",
)
