"""One socket of one station: its frames handled in order, its calls written one at a time.

The content of a frame is durable before it is answered. If the store cannot append it there is no answer, and the
station sends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlock.csms import labelled_points as points
from interlock.csms import ocppj
from interlock.csms.dialects import Dialect, NotAcceptable
from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.store import NOT_DURABLE, NotStorable

if TYPE_CHECKING:
    from interlock.csms.node import Csms


AT_ONCE = 16
"""Frames handled one after another before others get their turn."""


class Connection:
    """One socket of one station, seen from this node. `write` hands a frame to the transport, `close` ends it.

    `dialect` is the OCPP version the socket negotiated: a station that comes back may speak another one.
    """

    def __init__(
        self,
        node: Csms,
        station: str,
        write: Callable[[str], None],
        close: Callable[[str], None],
        dialect: Dialect,
    ) -> None:
        self.node, self.station, self._write, self._close, self.dialect = node, station, write, close, dialect
        self.epoch = 0
        self.registration = ""
        """The registration status last answered to its boot; empty until the first frame."""
        self.endpoint = node.endpoint_class(dialect.CODES, lenient=node.settings.acceptance != "strict")
        self.open = True
        self._timer: asyncio.TimerHandle | None = None
        self._inbox: deque[str] = deque()
        self._returned = False
        self._overtaken = False
        """Whether a newer connection replaced it: frames that still arrive may have been sent before that."""
        self._hung_up: str | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._called_for: dict[str, tuple[str, str]] = {}
        self._abandoned: list[ocppj.TimedOut] = []
        self.rested: Callable[[], None] = _nothing
        """Called when every offered frame has been handled."""
        self.proven = False
        """Whether the station authenticated with a password or a certificate."""
        self.ping: Callable[[], None] | None = None
        """Sends a ping; None where the transport has none."""
        self._sign: asyncio.Future[None] | None = None
        self._turn = node.turn(station)

    @property
    def waiting(self) -> int:
        """Count the frames that wait to be handled."""
        return len(self._inbox)

    # --- the transport's side ---

    def offer(self, frame: str) -> None:
        """Queue a frame from the transport; `run` handles the frames in order."""
        self._inbox.append(frame)
        if self.epoch == 0:  # not welcomed yet: it may be somebody using the station's name
            self.node.presence.heard(self.station, self.node.clock.now())
        if self._sign is not None:
            self._signed()
        if (waiting := self._waiting) is not None and not waiting.done():
            waiting.set_result(None)

    def alive(self, now: float) -> None:
        """Note a ping or a pong: a sign of life, as any frame is (OCPP-J 1.6 section 5.3)."""
        self._signed()
        if self.node.settings.controls == "ignored" or self.node.connections.get(self.station) is not self:
            return
        if not self.node.presence.heard(self.station, now):
            self._returned = True  # it was silent for so long that it is offline in the log
            self._wake()

    async def answers(self, within_s: float) -> bool:
        """Ping the other side; return whether any sign of life came in time."""
        if self.ping is None or self._hung_up is not None:
            return False
        self._sign = sign = self._sign or asyncio.get_running_loop().create_future()
        self.ping()
        await asyncio.wait({sign}, timeout=within_s)
        if self._sign is sign:
            self._sign = None
        return sign.done() and self._hung_up is None

    def _signed(self) -> None:
        if self._sign is not None and not self._sign.done():
            self._sign.set_result(None)

    def hang_up(self, why: str) -> None:
        """Note that the transport is gone; frames that arrived before are still handled."""
        self._hung_up = why
        self._signed()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def run(self) -> None:
        """Become the station's connection, if allowed; then handle frames in order until the transport is gone."""
        loop = asyncio.get_running_loop()
        await self._arrive()
        while True:
            handled = 0
            while self._inbox:
                await self.receive(self._inbox.popleft())
                if (handled := handled + 1) % AT_ONCE == 0:
                    await asyncio.sleep(0)  # frames that are refused wait for nothing: others come between
            if self._returned:
                await self._return()
                continue
            if self._hung_up is not None:
                await self.closed(self._hung_up)
                return
            self.rested()
            if self._inbox:
                continue  # a frame was queued meanwhile
            self._waiting = loop.create_future()
            await self._waiting

    async def _return(self) -> None:
        self._returned = False
        if self._hung_up is not None or self.node.presence.heard(self.station, self.node.clock.now()):
            return
        try:
            await self.node.welcome(self)
        except NOT_DURABLE as error:
            self.node.alarm(f"{self.station}: its return was not recorded: {error}")

    async def _arrive(self) -> None:
        try:
            if await self.node.may_replace(self):
                if self._hung_up is not None:
                    return  # it was never the station's connection
                if not self._turn.begin():
                    await self._turn.wait()
                try:
                    await self.node.welcome(self)
                finally:
                    self._turn.end()
            elif self._hung_up is None:
                self._inbox.clear()
                self._close("another connection of this station answers")
        except NOT_DURABLE as error:  # the next frame tries again
            self.node.alarm(f"{self.station}: its connection was not recorded: {error}")

    # --- frames ---

    async def receive(self, frame: str) -> None:
        """Handle one frame completely: returns once its content is durable and its answer is written."""
        if not self._turn.begin():
            await self._turn.wait()
        try:
            await self._receive(frame)
        finally:
            self._turn.end()

    async def _receive(self, frame: str) -> None:
        node = self.node
        now = node.clock.now()
        notice = self.endpoint.receive(frame, now)
        try:
            outdated = self._outdated()
            self._overtaken = self._overtaken or outdated
            if not node.presence.heard(self.station, now) or self.epoch == 0 or outdated:
                if self.epoch == 0 and not await node.may_replace(self):
                    self._close("another connection of this station answers")
                    return
                await node.welcome(self)
            if isinstance(notice, ocppj.CallReceived):
                await self._called(notice)
            else:
                await self._understood(notice)
        except NOT_DURABLE as error:
            node.alarm(f"{self.station}: a frame was not recorded: {error}")
            # A CALL that is not durable is not answered, so the station resends it. An answer is not resent.
            if isinstance(notice, ocppj.Answered | ocppj.Failed):
                with contextlib.suppress(*NOT_DURABLE):  # all that is lost is the record of an answer to no command
                    await self._understood(notice)
        except NotStorable as error:  # a fault of this message alone; the store works
            node.alarm(f"{self.station}: a message cannot be recorded: {error}")
            if isinstance(notice, ocppj.CallReceived):
                self.endpoint.fail(notice.message_id, "PropertyConstraintViolation", "a value cannot be recorded")
        self.flush()

    def _outdated(self) -> bool:
        """Whether the station belongs to another node by the log, although frames still arrive on this connection."""
        known = self.node.handler.resident.get(self.station)
        if known is None or known.state.epoch <= self.epoch:
            return False
        return self.node.connections.get(self.station) is self  # if not, this node itself replaced the connection

    async def _understood(self, notice: ocppj.Notice | None) -> None:
        match notice:
            case ocppj.Answered() | ocppj.Failed():
                self.flush()  # the next CALL does not wait for the append
                await self._answered(notice)
            case ocppj.Malformed(why=why):
                await self.node.malformed(self.station, why)
            case _:
                pass

    async def _answered(self, notice: ocppj.Answered | ocppj.Failed) -> None:
        dispatcher, station = self.node.dispatcher, self.station
        try:
            await dispatcher.settle(station, notice, self.dialect)
        except NOT_DURABLE:
            raise
        except (Exception, asyncio.CancelledError):
            # An answer is not resent: it is recorded even if this connection ends meanwhile.
            what = f"{station}: the answer to {notice.message_id}"
            self.node.supervisor.until_done(what, lambda: dispatcher.settle(station, notice, self.dialect))
            raise

    async def _called(self, called: ocppj.CallReceived) -> None:
        deviations: Sequence[rp.Deviation] = ()
        try:
            if self.registration in ("Pending", "Rejected"):
                state = (await self.node.handler.load(self.station)).state
                if (barred := self.dialect.barred(called.action, state)) is not None:
                    raise barred
            if self.node.settings.acceptance == "strict":
                report = self.dialect.report(called.action, called.payload)
            else:
                report, deviations = self.dialect.accepted(called.action, called.payload)
                if called.odd:
                    deviations = (rp.Deviation(called.action, "", called.odd, ocppj.ODD[called.odd]), *deviations)
        except NotAcceptable as error:
            await self.node.refused(self.station, called, error.code, error.why)
            self.endpoint.fail(called.message_id, error.code, error.why)
            return
        if deviations:
            await self.node.handler.noted.deviations(self.station, deviations)
        if self._overtaken and isinstance(report, rp.Start):
            report = replace(report, overtaken=True)
        reply = await self.node.record_report(self.station, report)
        if isinstance(report, rp.Boot):
            self.registration = reply.status
        payload = self.dialect.reply(report, reply, self.node.clock.at, self.node.settings.heartbeat_interval_s)
        self.endpoint.answer(called.message_id, payload)
        if self.node.reach is not points.passed and not isinstance(report, rp.Heartbeat):
            self.flush()
            await self.node.reach(points.REPLY_WRITTEN, self.station, None)

    def call(self, intent: ev.CommandRequested) -> None:
        """Queue the CALL of a durable intent and write what may be written."""
        command = self.node.withheld.restored(intent.command)
        if command is None:
            self._not_sent(intent, "the secret it carries is not known on this node")
            return
        try:
            action, payload = self.dialect.call(command)
        except NotAcceptable as error:
            self._not_sent(intent, f"{self.dialect.SUBPROTOCOL} cannot carry it: {error.why}")
            return
        self._called_for[intent.command_id] = (intent.request_id, action)
        clock, most_s = self.node.clock, self.node.settings.call_timeout_s
        deadline = min(clock.when(intent.deadline), clock.now() + most_s)  # even if the time of day was set meanwhile
        self.endpoint.call(intent.command_id, action, payload, deadline)
        self.flush()

    def _not_sent(self, intent: ev.CommandRequested, why: str) -> None:
        self._later(lambda: self.node.dispatcher.refute(self.station, intent.command_id, why))

    def flush(self) -> None:
        """Write the frames the endpoint has ready and set the timer for its next deadline."""
        if not self.open or (self._timer is None and self.endpoint.idle):
            return
        for command_id, frame in self.endpoint.frames_to_send(self.node.clock.now()):
            if command_id is not None:
                request_id, action = self._called_for.pop(command_id)
                self.node.note_sent(command_id)
                self.node.observe(
                    "call",
                    node=self.node.name,
                    station=self.station,
                    command_id=command_id,
                    request_id=request_id,
                    message_id=command_id,
                    action=action,
                )
            self._write(frame)
        if self._timer is not None or not self.endpoint.idle:
            self._set_timer()

    def _set_timer(self) -> None:
        due = self.endpoint.next_deadline()
        if due is None and self._timer is None:
            return
        if self._timer is not None and (due is None or self._timer.when() != due):
            self._timer.cancel()
            self._timer = None
        if due is not None and self._timer is None:
            self._timer = self.node.supervisor.at(due, f"{self.station}: the timer of its calls", self._expire)

    def _expire(self) -> None:
        self._timer = None
        ended = self.endpoint.expired(self.node.clock.now())
        if ended:
            self._later(lambda: self.node.dispatcher.timed_out(self.station, ended, "timeout"))
        self.flush()

    def _later(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.node.supervisor.until_done(f"{self.station}: the end of a call", work)

    async def closed(self, why: str) -> None:
        """The transport is gone: unanswered calls are in doubt. State of a newer connection is left alone."""
        self.end()
        while self._abandoned:
            call = self._abandoned[0]
            await self.node.dispatcher.timed_out(self.station, [call], "connection lost")
            if call in self._abandoned:
                self._abandoned.remove(call)

    def end(self) -> None:
        """Write nothing from now on."""
        if self.open:
            self.open = False
            self._set_timer_off()
            self.node.forget(self)
            self._abandoned = list(self.endpoint.abandon())

    def supersede(self) -> None:
        """End this connection because a newer one of the station replaced it."""
        self._close("superseded by a newer connection")

    def revoke(self) -> None:
        """End this connection because what its station proved itself with counts no more."""
        self._close("its password was changed or taken away")

    def stop(self) -> None:
        """End this connection because the node stops."""
        self._close("the CSMS stops")

    def fail(self) -> None:
        """End this connection because the node cannot serve it any more."""
        self._close("this node is over")
        self.end()

    def _set_timer_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _nothing() -> None:
    pass
