"""Outcomes are de-duplicated by connector.

The id of an outcome names the connector and the kind, so the second unlock of a connector has the same id as the first
and its outcome is taken for a repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.csms.domain import events as ev
from interlock.csms.domain.events import Facts
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler, T
from interlock.csms.node import Csms
from interlock.csms.store import EventIdReused, NewEvent
from interlock.scenarios.specimens import Specimen


class ByConnector(Handler):
    """Names outcomes by where they happened."""

    def _fact_ids(self, station: str, facts: Sequence[ev.StationEvent]) -> list[str]:
        ids = super()._fact_ids(station, facts)
        for number, fact in enumerate(facts):
            if isinstance(fact, ev.CommandAccepted | ev.CommandRejected):
                known = self.resident.get(station)
                pending = known.state.commands.get(fact.command_id) if known else None
                evse = getattr(pending.command, "evse", 0) if pending else 0
                ids[number] = f"{station}:{evse}:{type(fact).__name__}"
        return ids

    async def record(self, station: str, news: Callable[[Station], tuple[Facts, T]]) -> tuple[Station, T]:
        """Append facts; an id the store knows already is taken for the same fact."""
        self.reused = False

        def fresh(state: Station) -> tuple[Facts, T]:
            found, decided = news(state)
            return ([] if self.reused else found), decided

        return await super().record(station, fresh)

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Append, and note when an id was there before."""
        try:
            return await super().durable(stream, batch, expected)
        except EventIdReused:
            self.reused = True
            raise


class OutcomeByConnector(Csms):
    """Loses the second outcome of a connector."""

    handler_class = ByConnector


SPECIMEN = Specimen(
    name="outcome-by-connector",
    title="takes the second outcome of a connector for a repetition of the first",
    csms=OutcomeByConnector,
    caught_by="I05",
    scenario="heartbeats-every",
)
