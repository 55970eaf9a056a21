"""A lock in memory in the place of the expected version.

Within one process nothing can interleave, so appends go to the head unconditionally. There are two processes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms import codec
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Accept, Known, Refusal
from interlock.csms.handle import Handler, Unreachable, station_stream
from interlock.csms.node import Csms
from interlock.csms.store import NewEvent
from interlock.scenarios.specimens import Specimen


class Locked(Handler):
    """One command at a time per station, in this process."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.locks: dict[str, asyncio.Lock] = {}

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide under the lock and append wherever the head is."""
        async with self.locks.setdefault(station, asyncio.Lock()):
            loaded = await self.catch_up(station, await self.load(station))
            decided = self.decide(command, request_id, loaded.state, self.rules(station))
            if not isinstance(decided, Accept):
                return decided
            if not loaded.state.online:
                raise Unreachable(station)
            intent = self.intent(loaded.state, command, request_id, timeout_s)
            batch = [NewEvent(self.ids.event_id(), *codec.encode(intent))]
            await self.durable(station_stream(station), batch, None)
            await self.catch_up(station, loaded)
            return intent


class LockInMemory(Csms):
    """Trusts a lock no other node can see."""

    handler_class = Locked


SPECIMEN = Specimen(
    name="lock-in-memory",
    title="guards decisions with a lock in memory and appends at the head; there are two nodes",
    csms=LockInMemory,
    caught_by="I13",
    scenario="two-unlocks-two-nodes",
)
