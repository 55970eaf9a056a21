"""The command's id is the id of its events.

The intent takes it. The outcome comes under the same id, looks like a repetition of something that is in the log
already, and is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.handle import Handler, Loaded
from interlock.csms.node import Csms
from interlock.csms.store import EventIdReused
from interlock.scenarios.specimens import Specimen


class NamedAfterCommands(Handler):
    """Knows one id for a command and everything that becomes of it."""

    async def append(self, station: str, loaded: Loaded, events: Sequence[Any], ids: Sequence[str]) -> Loaded:
        """Append under the commands' ids; what is there already need not be written again."""
        transaction = ev.TransactionStarted
        named = [
            event_id if isinstance(event, transaction) else getattr(event, "command_id", event_id)
            for event_id, event in zip(ids, events, strict=True)
        ]
        try:
            return await super().append(station, loaded, events, named)
        except EventIdReused:
            return await self.catch_up(station, loaded)


class EventIdIsCommandId(Csms):
    """Takes outcomes for repetitions."""

    handler_class = NamedAfterCommands


SPECIMEN = Specimen(
    name="event-id-is-command-id",
    title="writes intent and outcome under one event id, so that the outcome is taken for a repetition",
    csms=EventIdIsCommandId,
    caught_by="I05",
    scenario="status-vs-unlock",
)
