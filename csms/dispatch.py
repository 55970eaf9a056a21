"""From intent to CALL to outcome: who may send it, at most once, and what is recorded in each case.

======================================================  ===========================================
what ended the wait                                     what is recorded
======================================================  ===========================================
an answer, in time or late, on any socket               Accepted or Rejected
a CALLERROR: not understood, or not done     Rejected
any other CALLERROR, an answer that breaks its schema   InDoubt; late: recorded beside the outcome
no answer by the deadline, the connection was lost      InDoubt
not sent by its deadline: its node is gone     InDoubt
the node restarted since it may have sent               InDoubt
the frame never reached a socket                        Refuted: not sent
======================================================  ===========================================

No frame is sent a second time. A doubt is resolved by evidence; without any it ends as Unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol

from interlock.csms import codec, ocppj
from interlock.csms import labelled_points as points
from interlock.csms.anomalies import UNPLACED
from interlock.csms.budgets import Budgets
from interlock.csms.dialects import Dialect, NotAcceptable
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts, recall
from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.inflight import Pending, Phase, probe_request
from interlock.csms.domain.station import Station
from interlock.csms.event_ids import COMMAND_ID
from interlock.csms.handle import Handler, Loaded, Unreachable, station_of
from interlock.csms.store import NOT_DURABLE, StoredEvent
from interlock.csms.supervise import Supervisor


class Carrier(Protocol):
    """A connection that may carry a CALL."""

    station: str
    epoch: int

    def call(self, command: ev.CommandRequested) -> None:
        """Queue the CALL of a command and write what may be written."""
        ...


Spawn = Callable[[Coroutine[Any, Any, None]], Any]


UNASKED_PER_MINUTE = 120.0
"""Answers to no known command that are recorded per station; further ones are only counted."""
SOONEST_S = 0.05
"""Seconds between two checks of one command, at least, even if recording the result failed."""


class Dispatcher:
    """Sends the commands of one node after they were decided, and records their outcomes."""

    def __init__(self, handler: Handler, carriers: dict[str, Carrier], spawn: Spawn, supervisor: Supervisor) -> None:
        self.handler, self.carriers, self.spawn = handler, carriers, spawn
        self.node, self.clock, self.settings = handler.node, handler.clock, handler.settings
        self.reach, self.supervisor = handler.reach, supervisor
        self._taken: dict[str, None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._probes: dict[str, int] = {}
        self._waits: dict[str, tuple[datetime, float]] = {}
        """For each command, when it is to be checked next: as time of day, and on the loop's clock."""
        self._unasked = Budgets(UNASKED_PER_MINUTE / 60.0, UNASKED_PER_MINUTE)
        """Limits, per station, how often the log is read for an answer to no known command."""

    # --- intent -> CALL ---

    def committed(self, stored: Sequence[StoredEvent]) -> None:
        """Send the intents of a committed batch that are for this node's connections, whichever node decided them."""
        station = station_of(stored[0].stream)
        for event in stored:
            if station is None or event.type != codec.REQUESTED:
                continue
            intent = codec.decode(event.type, event.data)
            assert isinstance(intent, ev.CommandRequested)
            if intent.node == self.node and intent.command_id not in self._taken:
                self._taken[intent.command_id] = None
                if len(self._taken) > bounds().intents_taken:
                    del self._taken[next(iter(self._taken))]
                self._start(station, intent)

    def _start(self, station: str, intent: ev.CommandRequested) -> None:
        """Send once; if that raises, the command is in doubt, as the frame may have been written."""
        command_id = intent.command_id

        def lost(why: str) -> None:
            doubt = "its sending broke off"
            self.supervisor.until_done(f"{station}: the doubt", lambda: self.doubt(station, command_id, doubt))

        self.supervisor.must_live(f"{station}: sending {command_id}", self.send(station, intent), lost)

    async def send(self, station: str, intent: ev.CommandRequested) -> None:
        """Write the one frame of a durable intent, if the connection it was decided for is still current."""
        await self.reach(points.INTENT_DURABLE, station, intent.command_id)
        carrier = self.carriers.get(station)
        if carrier is None or carrier.epoch != intent.epoch:
            await self.refute(station, intent.command_id, "the connection was gone")
            return
        if self.clock.at() >= intent.deadline:
            # This process was paused: another node may have taken the station over and recorded a doubt meanwhile.
            await self.refute(station, intent.command_id, "the deadline had passed")
            return
        carrier.call(intent)
        await self.reach(points.CALL_WRITTEN, station, intent.command_id)

    # --- CALL -> outcome ---

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed, dialect: Dialect) -> None:
        """Record what a station answered, in time or late. Awaited in the order of the station's frames."""
        command_id = notice.message_id
        await self.reach(points.ANSWER_RECEIVED, station, command_id)
        forgotten: Pending | None = None
        loaded = await self.handler.load(station)
        pending = loaded.state.commands.get(command_id)
        if pending is None:
            pending = forgotten = await self._in_log(station, command_id, loaded)
        if pending is None:
            said = notice.code if isinstance(notice, ocppj.Failed) else str(notice.payload.get("status", ""))[:40]
            await self.handler.noted.anomaly(station, UNPLACED, "", f"{command_id}: {said}")
            return
        if isinstance(notice, ocppj.Failed):
            if notice.code not in dialect.NOT_DONE:
                await self.unsettled(station, command_id, f"the answer is CALLERROR {notice.code[:40]}", forgotten)
                return
            answer = facts.Answer(False, notice.code)
        else:
            try:
                strict = self.settings.acceptance == "strict"
                answer = dialect.answer(pending.command, notice.payload, strict=strict)
            except NotAcceptable as error:
                # The status only: the rest may hold a secret.
                said = ocppj.shown({"status": notice.payload.get("status")})[:80]
                await self.unsettled(station, command_id, f"answer not understood: {error.why[:80]}: {said}", forgotten)
                return
        await self.outcome(station, command_id, answer, forgotten)

    async def _in_log(self, station: str, command_id: str, loaded: Loaded) -> Pending | None:
        """Read a command that the state has dropped from the log; None for an id that was never a command's.

        A station that sends many such answers is delayed, and no other station is.
        """
        if not COMMAND_ID.fullmatch(command_id):
            return None
        now = self.clock.now()
        if wait_s := self._unasked.of(station, now).owe(now):
            await asyncio.sleep(wait_s)
        known = (await self.handler.catch_up(station, loaded)).state.commands.get(command_id)
        return known or await self.handler.recall(station, command_id)

    async def outcome(
        self, station: str, command_id: str, answer: facts.Answer, forgotten: Pending | None = None
    ) -> None:
        """Record an answer and set the next check; `forgotten` is a command read from the log."""

        def news(state: Station) -> facts.Facts:
            return facts.answered(recall.with_command(state, forgotten), command_id, answer, self.clock.at())

        state = await self.handler.insist(station, news)
        await self.reach(points.OUTCOME_DURABLE, station, command_id)
        self.watch(station, state.commands.get(command_id))

    async def doubt(self, station: str, command_id: str, why: str) -> None:
        """Record that the outcome is unknown, and start looking for evidence."""
        state = await self.handler.insist(station, lambda state: facts.doubted(state, command_id, why, self.clock.at()))
        await self.reach(points.DOUBT_DURABLE, station, command_id)
        self.watch(station, state.commands.get(command_id))

    async def unsettled(self, station: str, command_id: str, why: str, forgotten: Pending | None) -> None:
        """Record an answer that means neither yes nor no: as a doubt, or beside the outcome there is."""

        def news(state: Station) -> facts.Facts:
            return facts.unsettled(recall.with_command(state, forgotten), command_id, why, self.clock.at())

        state = await self.handler.insist(station, news)
        await self.reach(points.DOUBT_DURABLE, station, command_id)
        self.watch(station, state.commands.get(command_id))

    async def refute(self, station: str, command_id: str, why: str) -> None:
        """Record that the frame was never sent."""
        await self.handler.insist(station, lambda state: facts.not_sent(state, command_id, why, self.clock.at()))

    async def timed_out(self, station: str, ended: Sequence[ocppj.TimedOut], why: str) -> None:
        """Record the end of CALLs that had no answer."""
        for call in ended:
            if call.sent:
                await self.doubt(station, call.message_id, why)
            else:
                await self.refute(station, call.message_id, why)

    # --- doubt -> evidence ---

    def watch(self, station: str, pending: Pending | None) -> None:
        """Set the timer for the next check of an unfinished command; clear it for a finished one."""
        if pending is None:
            return
        if pending.finished:
            self._probes.pop(pending.command_id, None)
            self._waits.pop(pending.command_id, None)
            if (timer := self._timers.pop(pending.command_id, None)) is not None:
                timer.cancel()
            return
        loaded = self.handler.resident.get(station)
        if loaded is None:
            command_id = pending.command_id
            self.supervisor.until_done(f"{station}: watching", lambda: self._watch_loaded(station, command_id))
            return
        self._arm(station, loaded.state, pending)

    async def _watch_loaded(self, station: str, command_id: str) -> None:
        state = (await self.handler.load(station)).state
        if (pending := state.commands.get(command_id)) is not None:
            self._arm(station, state, pending)

    def _arm(self, station: str, state: Any, pending: Pending) -> None:
        sent = self._probes.get(pending.command_id, 0)
        due = facts.next_check_at(state, pending, self.settings.patience, sent)
        if due is None:
            return
        if (timer := self._timers.pop(pending.command_id, None)) is not None:
            timer.cancel()
        when = self._when(state, pending, due)
        what, command_id = f"{station}: the look at {pending.command_id}", pending.command_id
        self._timers[command_id] = self.supervisor.at(
            when, what, lambda: self.supervisor.until_done(what, lambda: self.seek_evidence(station, command_id))
        )

    def _when(self, state: Station, pending: Pending, due: datetime) -> float:
        """Return when something is due on the loop's clock, at most as long from now as the wait was to last.

        Without that bound, setting the time of day back would prolong a hold on a connector by the step.
        """
        now, command_id = self.clock.now(), pending.command_id
        if command_id in self._waits and self._waits[command_id][0] == due:
            return max(now + SOONEST_S, self._waits[command_id][1])
        began = max(pending.settled_at, state.online_at or pending.settled_at)
        longest_s = max(0.0, (due - began).total_seconds())
        when = max(now + SOONEST_S, min(self.clock.when(due), now + longest_s))
        self._waits[command_id] = due, when
        return when

    async def seek_evidence(self, station: str, command_id: str) -> None:
        """Check a command in doubt on the state as it is now: send a probe, or give up when time is over."""
        self._timers.pop(command_id, None)
        await self.reach(points.PROBE_DUE, station, command_id)
        loaded = await self.handler.load(station)
        state = (await self.handler.catch_up(station, loaded)).state
        pending = state.commands.get(command_id)
        if pending is None or pending.finished:
            self._probes.pop(command_id, None)
            self._waits.pop(command_id, None)
            return
        asked = self._probes.get(command_id, 0)
        due = facts.next_check_at(state, pending, self.settings.patience, asked)
        if due is not None and self._when(state, pending, due) > self.clock.now() + SOONEST_S:
            self._arm(station, state, pending)
            return
        if pending.phase is Phase.REQUESTED:
            await self.doubt(station, command_id, "nobody took it up in time")
            return
        if isinstance(pending.command, do.RemoteStart):
            if asked < self.settings.probes:
                self._probes[command_id] = asked + 1
                await self.probe(station, pending, asked + 1)
                self._arm(station, state, pending)
                return
            why = f"no transaction seen, asked {asked} times"
        else:
            why = "nothing can prove it either way"
        await self.handler.insist(station, lambda state: facts.gave_up(state, command_id, why, self.clock.at()))

    async def probe(self, station: str, pending: Pending, number: int) -> None:
        """Ask the station how the EVSE of a start stands, as a command like any other."""
        assert isinstance(pending.command, do.RemoteStart)
        try:
            await self.handler.intend(
                station,
                do.Probe(pending.command.evse),
                probe_request(pending.command_id, number),
                self.settings.call_timeout_s,
            )
        except (Unreachable, *NOT_DURABLE):
            return  # tried again at the next check

    # --- restart and takeover ---

    async def adopt(self, station: str, *, crashed: bool) -> None:
        """Take over the unfinished commands of a station whose connection is, or was last, this node's.

        After a crash of this node each of its requested commands may or may not have been sent: in doubt.
        """
        state = (await self.handler.load(station)).state
        for pending in list(state.unfinished()):
            if crashed and pending.phase is Phase.REQUESTED and pending.node == self.node:
                await self.doubt(station, pending.command_id, "crash")
            else:
                self.watch(station, pending)

    def close(self) -> None:
        """Forget every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
