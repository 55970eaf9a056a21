"""A lock is kept when something fails under it.

One command at a time per station, by a lock that is released on the way out, and not on the way an exception takes. One
failed append, or one station that was not there, and no command reaches that station until the node restarts.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Known, Refusal
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OneAtATime(Handler):
    """Acquires, works, releases; without a `finally`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.locks: dict[str, asyncio.Lock] = {}

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide under the station's lock."""
        lock = self.locks.setdefault(station, asyncio.Lock())
        await lock.acquire()
        decided = await super().intend(station, command, request_id, timeout_s, force=force)
        lock.release()
        return decided


class LockKeptOnException(Csms):
    """Hangs after the first failure."""

    handler_class = OneAtATime


SPECIMEN = Specimen(
    name="lock-kept-on-exception",
    title="keeps a station's lock when the store fails under it",
    csms=LockKeptOnException,
    caught_by="I19",
    scenario="full-disk",
    seen_in="mobilityhouse/ocpp#46, fixed by mobilityhouse/ocpp#47",
)
