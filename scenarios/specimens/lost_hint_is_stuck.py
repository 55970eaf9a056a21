"""A command whose hint is lost is never sent.

A node learns what to send from the store's notification and looks nowhere else. The notification comes over the
connection that has just broken: the append is in the log, and nobody is told. Nor is there a deadline: that would be
armed by whoever sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import AppendUnconfirmed, NewEvent, StoredEvent
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.specimens._told import WaitsToBeTold

RECONNECT_S = 1.0


class OneConnection(Handler):
    """Listens over the connection it appends on."""

    deaf_until = 0.0

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Append; where no acknowledgement comes, the connection is opened again."""
        try:
            version = await self.store.append(stream, batch, expected)
        except AppendUnconfirmed:
            self.deaf_until = self.clock.now() + RECONNECT_S
            version = await super().durable(stream, batch, expected)
        return version


class LostHintIsStuck(Csms):
    """Waits to be told."""

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        handler: Any = self.handler
        if self.clock.now() >= handler.deaf_until:
            super()._committed(stored)

    handler_class = OneConnection
    dispatcher_class = WaitsToBeTold


SPECIMEN = Specimen(
    name="lost-hint-is-stuck",
    title="learns of commands from notifications alone, and one that is lost is a command never sent",
    csms=LostHintIsStuck,
    caught_by="I05",
    scenario="lost-acknowledgements",
    seen_in="dbos-transact-py#562, graphile/worker#541, node-postgres#967",
)
