"""The outcome is appended at the version of the intent, and a conflict is logged and forgotten.

The intent is durable first, as it should be. But the outcome is treated like a decision that may lose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain.events import Facts
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler, Loaded, T
from interlock.csms.node import Csms
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen

OUTCOMES = (ev.CommandAccepted, ev.CommandRejected)


class Swallows(Handler):
    """Appends an outcome once, at the version the intent was appended at."""

    async def record(self, station: str, news: Callable[[Station], tuple[Facts, T]]) -> tuple[Station, T]:
        """Append facts; give up on an outcome that lost a race."""
        loaded = await self.load(station)
        found, decided = news(loaded.state)
        if not any(isinstance(fact, OUTCOMES) for fact in found):
            return await super().record(station, news)
        command_id = getattr(found[0], "command_id", "")
        stale = Loaded(loaded.state, self.requested_at.get(command_id, loaded.version))
        try:
            return (await self.append(station, stale, found, self._fact_ids(station, found))).state, decided
        except WrongExpectedVersion:
            return loaded.state, decided

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.requested_at: dict[str, int] = {}

    async def append(self, station: str, loaded: Loaded, events: Any, ids: Any) -> Loaded:
        """Append, remembering where intents went."""
        after = await super().append(station, loaded, events, ids)
        for event in events:
            if isinstance(event, ev.CommandRequested):
                self.requested_at[event.command_id] = after.version
        return after


class StaleOutcomeSwallowed(Csms):
    """Loses outcomes quietly."""

    handler_class = Swallows


SPECIMEN = Specimen(
    name="stale-outcome-swallowed",
    title="appends the outcome at the version of its intent and forgets it on a conflict",
    csms=StaleOutcomeSwallowed,
    caught_by="I05",
    scenario="status-vs-unlock",
)
