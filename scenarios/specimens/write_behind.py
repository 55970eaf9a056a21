"""A cache that writes behind.

An append is acknowledged once it is in memory and written a little later. A power cut in between takes events that
everybody was told are durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.csms.store import NewEvent
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.world.storage import as_json

BEHIND_S = 0.5


class Buffered(Handler):
    """Acknowledges what it has not written."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.later: asyncio.Future[Any] | None = None

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Take a batch into the cache, and write it later."""
        if expected is None:
            return await super().durable(stream, batch, expected)
        version = expected + len(batch)
        self.observe("append.acked", node=self.node, stream=stream, version=version, events=as_json(batch))
        self.later = asyncio.ensure_future(self._write(stream, batch, self.later))
        return version

    async def _write(self, stream: str, batch: Sequence[NewEvent], before: asyncio.Future[Any] | None) -> None:
        if before is not None:
            await before
        await asyncio.sleep(BEHIND_S)
        await super().durable(stream, batch, None)


class WriteBehind(Csms):
    """Trusts its cache."""

    handler_class = Buffered


SPECIMEN = Specimen(
    name="write-behind",
    title="acknowledges appends from a cache that is written half a second later",
    csms=WriteBehind,
    caught_by="I09",
    scenario="crash-around-a-command",
    seen_in="synchronous_commit = off, and any store used without a flush before the answer",
)
