"""Intent -> CALL -> outcome. Who may send, at most once, and what each ending becomes.

======================================================  ===========================================
what ended the wait                                     what is recorded
======================================================  ===========================================
an answer, in time or late, on any socket               Accepted or Rejected
a CALLERROR that says it was not understood or done     Rejected
any other CALLERROR, an answer that breaks its schema   InDoubt
no answer by the deadline, the connection was lost      InDoubt
nobody took it up by its deadline: its node is gone     InDoubt
the node restarted since it may have sent               InDoubt
the frame never reached a socket                        Refuted: not sent
======================================================  ===========================================

Nothing here sends a second time. A doubt is resolved by evidence; when there can be none, it ends as Unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from interlock.csms import codec, ocppj, v16
from interlock.csms import labelled_points as points
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain.station import Pending, Phase, probe_request
from interlock.csms.handle import Handler, Unreachable, station_of
from interlock.csms.serve.budgets import Budgets
from interlock.csms.store import NOT_DURABLE, StoredEvent


class Carrier(Protocol):
    """A connection that may carry a CALL."""

    station: str
    epoch: int

    def call(self, command: ev.CommandRequested) -> None:
        """Queue the CALL of a command and write what may be written."""
        ...


Spawn = Callable[[Coroutine[Any, Any, None]], Any]


UNASKED_PER_MINUTE = 20.0
"""Answers to no known command that are recorded for each station; more of them say nothing new."""
SOONEST_S = 0.05
"""Between two looks at one command, whatever the store does with what was found."""


class Dispatcher:
    """Everything one node does about commands after they were decided."""

    def __init__(self, handler: Handler, carriers: dict[str, Carrier], spawn: Spawn) -> None:
        self.handler, self.carriers, self.spawn = handler, carriers, spawn
        self.node, self.clock, self.settings = handler.node, handler.clock, handler.settings
        self.reach = handler.reach
        self._taken: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._probes: dict[str, int] = {}
        self._unasked = Budgets(UNASKED_PER_MINUTE / 60.0, UNASKED_PER_MINUTE)
        self.unasked = 0
        """Answers to no known command that were counted, and not recorded one by one."""

    # --- intent -> CALL ---

    def committed(self, stored: Sequence[StoredEvent]) -> None:
        """Take up the intents in a committed batch that are this node's to send, whichever node decided them."""
        station = station_of(stored[0].stream)
        for event in stored:
            if station is None or event.type != "CommandRequested":
                continue
            intent = codec.decode(event.type, event.data)
            assert isinstance(intent, ev.CommandRequested)
            if intent.node == self.node and intent.command_id not in self._taken:
                self._taken.add(intent.command_id)
                self.spawn(self.send(station, intent))

    async def send(self, station: str, intent: ev.CommandRequested) -> None:
        """Write the one frame of a durable intent, if the connection it was decided for is still the one."""
        await self.reach(points.INTENT_DURABLE, station, intent.command_id)
        carrier = self.carriers.get(station)
        if carrier is None or carrier.epoch != intent.epoch:
            await self.refute(station, intent.command_id, "the connection was gone")
            return
        if self.clock.at() >= intent.deadline:
            # This process was paused: somebody else may have taken the station over meanwhile, and doubted this.
            await self.refute(station, intent.command_id, "the deadline had passed")
            return
        carrier.call(intent)
        await self.reach(points.CALL_WRITTEN, station, intent.command_id)

    # --- CALL -> outcome ---

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed) -> None:
        """Record what a station answered, in time or late. Awaited in the order of the station's frames."""
        command_id = notice.message_id
        await self.reach(points.ANSWER_RECEIVED, station, command_id)
        loaded = await self.handler.load(station)
        pending = loaded.state.commands.get(command_id)
        if pending is None:
            now = self.clock.now()
            if self._unasked.of(station, now).take(now):
                self.unasked += 1  # one answer after another that nobody asked for: not worth a look into the log
                return
            pending = (await self.handler.catch_up(station, loaded)).state.commands.get(command_id)
        if isinstance(notice, ocppj.Failed):
            if notice.code not in v16.NOT_DONE:
                await self.doubt(station, command_id, f"the answer is CALLERROR {notice.code}")
                return
            answer = facts.Answer(False, notice.code)
        elif pending is None:
            answer = facts.Answer(True, str(notice.payload.get("status", ""))[:40])
        else:
            try:
                answer = v16.answer(pending.command, notice.payload)
            except v16.NotAcceptable as error:
                await self.doubt(station, command_id, f"answer not understood: {error.why[:80]}")
                return
        await self.outcome(station, command_id, answer)

    async def outcome(self, station: str, command_id: str, answer: facts.Answer) -> None:
        """Record an answer and look after what it leaves open."""
        state = await self.handler.insist(
            station, lambda state: facts.answered(state, command_id, answer, self.clock.at())
        )
        await self.reach(points.OUTCOME_DURABLE, station, command_id)
        self.watch(station, state.commands.get(command_id))

    async def doubt(self, station: str, command_id: str, why: str) -> None:
        """Record that nobody knows, and start looking for evidence."""
        state = await self.handler.insist(station, lambda state: facts.doubted(state, command_id, why, self.clock.at()))
        await self.reach(points.DOUBT_DURABLE, station, command_id)
        self.watch(station, state.commands.get(command_id))

    async def refute(self, station: str, command_id: str, why: str) -> None:
        """Record that the frame never left."""
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
        """Look at an unfinished command again when there may be evidence; leave a finished one alone."""
        if pending is None:
            return
        if pending.finished:
            self._probes.pop(pending.command_id, None)
            if (timer := self._timers.pop(pending.command_id, None)) is not None:
                timer.cancel()
            return
        loaded = self.handler.resident.get(station)
        if loaded is None:
            self.spawn(self._watch_loaded(station, pending.command_id))
            return
        self._arm(station, loaded.state, pending)

    async def _watch_loaded(self, station: str, command_id: str) -> None:
        state = (await self.handler.load(station)).state
        if (pending := state.commands.get(command_id)) is not None:
            self._arm(station, state, pending)

    def _arm(self, station: str, state: Any, pending: Pending) -> None:
        sent = self._probes.get(pending.command_id, 0)
        due = facts.look_again_at(state, pending, self.settings.patience, sent)
        if due is None:
            return
        if (timer := self._timers.pop(pending.command_id, None)) is not None:
            timer.cancel()
        when = max(self.clock.now() + SOONEST_S, self.clock.when(due))
        self._timers[pending.command_id] = asyncio.get_running_loop().call_at(
            when, lambda: self.spawn(self.look(station, pending.command_id))
        )

    async def look(self, station: str, command_id: str) -> None:
        """Look at a command in doubt: ask the station, or give up. A decision on the state as it is now."""
        self._timers.pop(command_id, None)
        await self.reach(points.PROBE_DUE, station, command_id)
        loaded = await self.handler.load(station)
        state = (await self.handler.catch_up(station, loaded)).state
        pending = state.commands.get(command_id)
        if pending is None or pending.finished:
            return
        asked = self._probes.get(command_id, 0)
        due = facts.look_again_at(state, pending, self.settings.patience, asked)
        if due is not None and self.clock.when(due) > self.clock.now() + 1e-3:
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
        """Ask the station for the status of a start's connector, as a command like any other."""
        assert isinstance(pending.command, do.RemoteStart)
        question = do.Trigger("StatusNotification", pending.command.connector)
        try:
            await self.handler.intend(
                station, question, probe_request(pending.command_id, number), self.settings.call_timeout_s
            )
        except (Unreachable, *NOT_DURABLE):
            return  # asked again at the next look

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
