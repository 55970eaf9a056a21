"""Every fact is appended strictly: at the version it was worked out on, and an error if that was taken.

Heartbeats are events in the same stream, so nearly everything a station tells while one arrives is an error, and what
the station did is known to nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.csms.domain.events import Facts
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler, T
from interlock.csms.node import Csms
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen


class Strict(Handler):
    """Tries once."""

    async def record(self, station: str, news: Callable[[Station], tuple[Facts, T]]) -> tuple[Station, T]:
        """Append facts, or raise."""
        loaded = await self.load(station)
        found, decided = news(loaded.state)
        if not found:
            return loaded.state, decided
        return (await self.append(station, loaded, found, self._fact_ids(station, found))).state, decided

    async def insist(self, station: str, news: Callable[[Station], Facts]) -> Station:
        """Record what nobody tells again, and go on when that failed: it is in the error log."""
        try:
            return (await self.record(station, lambda state: (news(state), None)))[0]
        except WrongExpectedVersion:
            return (await self.load(station)).state


class StrictAppend(Csms):
    """Takes facts for decisions."""

    handler_class = Strict


SPECIMEN = Specimen(
    name="strict-append",
    title="appends facts at the version they were worked out on, and fails when it was taken",
    csms=StrictAppend,
    caught_by="I05",
    scenario="slow-store",
    seen_in="the same repository method for commands and for reports, as most frameworks suggest",
)
