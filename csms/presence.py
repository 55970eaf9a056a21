"""Presence: CameOnline when a connection is welcomed, WentOffline after a silence.

A heartbeat is no event: when a station was last heard is kept in memory, the log holds only the changes. The offline
timer can be restarted, so after a crash it starts anew for every station that is online in the log: WentOffline may
then be late, but is never wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from interlock.csms import labelled_points as points
from interlock.csms.domain import facts
from interlock.csms.domain.station import Station
from interlock.csms.handle import Handler
from interlock.csms.supervise import Supervisor


class Presence:
    """When each station was last heard by one node, and the offline timers."""

    def __init__(
        self, handler: Handler, spawn: Callable[[Coroutine[Any, Any, None]], Any], supervisor: Supervisor
    ) -> None:
        self.handler, self.spawn, self.supervisor = handler, spawn, supervisor
        self.clock, self.settings = handler.clock, handler.settings
        self._last_heard: dict[str, float] = {}
        self._epochs: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    def heard(self, station: str, now: float) -> bool:
        """Note that a frame of `station` arrived, which restarts its offline timer. Return whether it is online."""
        self._last_heard[station] = now
        return station in self._epochs

    async def online(self, station: str, protocol: str) -> int:
        """Record that `station` speaks `protocol` on a new connection of this node; return the connection's epoch."""
        state, _ = await self.handler.record(
            station, lambda state: (facts.came_online(state, self.handler.node, protocol, self.clock.at()), None)
        )
        await self.handler.reach(points.ONLINE_DURABLE, station, None)
        self.watch(station, state.epoch)
        return state.epoch

    def watch(self, station: str, epoch: int) -> None:
        """Expect frames of `station` on connection `epoch` from now on, or still: that is no sign of life."""
        if self._epochs.get(station) != epoch:
            self._last_heard[station] = self.clock.now()
        self._epochs[station] = epoch
        if self.settings.offline_timer == "polled":
            if self._sweeper is None:
                self._sweep_later()
        elif station not in self._timers:
            self._arm(station, self._last_heard[station] + self.settings.offline_after_s)

    def _arm(self, station: str, when: float) -> None:
        what = f"{station}: its offline timer"
        self._timers[station] = self.supervisor.at(when, what, lambda: self._fire(station))

    def _fire(self, station: str) -> None:
        # Frames only move `_last_heard`: the one timer per station is set again when it finds that it fired too early.
        due = self._last_heard[station] + self.settings.offline_after_s
        self._timers.pop(station, None)
        if due > self.clock.now():
            self._arm(station, due)
        elif (epoch := self._epochs.get(station)) is not None:
            self._end(station, epoch)

    def _end(self, station: str, epoch: int) -> None:
        self.supervisor.until_done(f"{station}: its silence", lambda: self.offline(station, epoch))

    def _sweep_later(self) -> None:
        every = self.settings.offline_after_s / 2
        when = asyncio.get_running_loop().time() + every
        self._sweeper = self.supervisor.at(when, "the sweep for silent stations", self._sweep)

    def _sweep(self) -> None:
        self._sweep_later()
        limit = self.clock.now() - self.settings.offline_after_s
        for station, epoch in list(self._epochs.items()):
            if self._last_heard[station] <= limit:
                self._end(station, epoch)

    async def offline(self, station: str, epoch: int) -> None:
        """Record that connection `epoch` fell silent, unless a newer one is in the log."""
        await self.handler.reach(points.OFFLINE_DUE, station, None)

        def news(state: Station) -> facts.Facts:
            # Checked again for each attempt: a frame may have arrived while an append was under way.
            now, heard = self.clock.now(), self._last_heard[station]
            if now < heard + self.settings.offline_after_s:  # compared in this form, as rounding differs in others
                return []
            at = self.clock.at()
            return facts.went_offline(state, epoch, at - timedelta(seconds=now - heard), at)

        state = await self.handler.insist(station, news)
        if state.online and state.epoch == epoch:
            if self.settings.offline_timer == "restartable" and station not in self._timers:
                self._arm(station, self._last_heard[station] + self.settings.offline_after_s)
        elif self._epochs.get(station) == epoch:
            del self._epochs[station]

    def close(self) -> None:
        """Cancel every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
