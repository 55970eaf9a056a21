"""Decisions are made on a projection.

A read model answers the question whether the connector is free, and it is half a second behind. The append is guarded
by the version of the log, which the decision never looked at.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Accept, Known, Refusal, Station
from interlock.csms.handle import Handler, Loaded, Unreachable
from interlock.csms.node import Csms
from interlock.csms.store import WrongExpectedVersion
from interlock.scenarios.specimens import Specimen

BEHIND_S = 0.5


class Projected(Handler):
    """Keeps a read model beside the aggregate, and asks the wrong one."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read_model: dict[str, Station] = {}

    def _keep(self, station: str, loaded: Loaded) -> Loaded:
        """Keep a state, and show it to readers later."""
        asyncio.get_running_loop().call_later(BEHIND_S, self.read_model.__setitem__, station, loaded.state)
        return super()._keep(station, loaded)

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide on the read model and append at the version of the log."""
        loaded = await self.load(station)
        decided = self.decide(command, request_id, self.read_model.get(station, Station()), self.rules(station))
        if not isinstance(decided, Accept):
            return decided
        intent = self.intent(loaded.state, command, request_id, timeout_s)
        while loaded.state.online:
            try:
                await self.append(station, loaded, [intent], [self.ids.event_id()])
            except WrongExpectedVersion:
                loaded = await self.catch_up(station, loaded)
                continue
            return intent
        raise Unreachable(station)


class DecidesOnAProjection(Csms):
    """Decides on a read model that lags the log by `BEHIND_S`."""

    handler_class = Projected


SPECIMEN = Specimen(
    name="decides-on-a-projection",
    title="decides on a read model that is behind the log",
    csms=DecidesOnAProjection,
    caught_by="I13",
    scenario="two-unlocks-one-node",
)
