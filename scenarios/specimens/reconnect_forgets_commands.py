"""A reconnect forgets the commands under way.

What waits for an answer stands in a table of the connection. When the connection goes, the table goes; the new one
begins with an empty table, and nothing is ever said about the commands that stood in the old.
Nor is there a deadline elsewhere.
"""

from __future__ import annotations

from interlock.csms import labelled_points as points
from interlock.csms.connection import Connection
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain.station import Station
from interlock.csms.node import Csms
from interlock.csms.presence import Presence
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.specimens._told import WaitsToBeTold


class ForgetsCalls(Connection):
    """Takes its table with it."""

    async def closed(self, why: str) -> None:
        """Drop what had no answer."""
        self.endpoint.abandon()
        await super().closed(why)


class StartsAfresh(Presence):
    """Records that a station came online, and nothing about what was under way."""

    async def online(self, station: str, protocol: str) -> int:
        """Record the new connection and leave open commands as they are."""

        def came(state: Station) -> tuple[facts.Facts, None]:
            found = facts.came_online(state, self.handler.node, protocol, self.clock.at())
            return [fact for fact in found if not isinstance(fact, ev.CommandInDoubt)], None

        state, _ = await self.handler.record(station, came)
        await self.handler.reach(points.ONLINE_DURABLE, station, None)
        self.watch(station, state.epoch)
        return state.epoch


class ReconnectForgetsCommands(Csms):
    """Begins a new life with each socket."""

    connection_class = ForgetsCalls
    presence_class = StartsAfresh
    dispatcher_class = WaitsToBeTold


SPECIMEN = Specimen(
    name="reconnect-forgets-commands",
    title="forgets on a reconnect which commands had no answer yet",
    csms=ReconnectForgetsCommands,
    caught_by="I05",
    scenario="answer-lost",
)
