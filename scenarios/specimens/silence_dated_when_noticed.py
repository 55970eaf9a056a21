"""A station that fell silent is recorded as last seen when its silence was noticed.

The record of how long a station was away begins a whole offline time-out too late.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class DatedNow(Handler):
    """Records silence without the time of the last frame."""

    async def insist(self, station: str, news: Any) -> Any:
        """Append what `news` tells, every WentOffline with its own time as that of the last frame."""

        def dated(state: Any) -> Any:
            return [replace(one, last_seen=one.at) if isinstance(one, ev.WentOffline) else one for one in news(state)]

        return await super().insist(station, dated)


class SilenceDatedWhenNoticed(Csms):
    """Dates silence by when it was noticed."""

    handler_class = DatedNow


SPECIMEN = Specimen(
    name="silence-dated-when-noticed",
    title="dates the last sign of life of a silent station by when its silence was noticed",
    csms=SilenceDatedWhenNoticed,
    caught_by="I42",
    scenario="heartbeats-presence",
)
