"""One CSMS process: connections on one side, an operator on the other, the log behind both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakValueDictionary

from interlock.csms import codec, ocppj
from interlock.csms import labelled_points as points
from interlock.csms.anomalies import MALFORMED, REFUSED
from interlock.csms.bucket import Bucket
from interlock.csms.clock import Clock, Ids
from interlock.csms.connection import Connection
from interlock.csms.dialects import BY_SUBPROTOCOL, Dialect, recorded
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts, recall
from interlock.csms.domain import reports as rp
from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.station import Known, Refusal, Rules, Station
from interlock.csms.domain.tokens import Tokens
from interlock.csms.handle import STATION_STREAM, Handler, Observe, Unreachable, station_of, unobserved
from interlock.csms.peers import Peers
from interlock.csms.presence import Presence
from interlock.csms.settings import Settings
from interlock.csms.store import NOT_DURABLE, EventStore, NewEvent, StoredEvent
from interlock.csms.supervise import Supervisor, described
from interlock.csms.turn import Turn
from interlock.csms.withheld import Withheld

LOG = logging.getLogger(__name__)
TOKENS = "tokens"
"""The stream of token registrations."""
LOOKUPS_A_MINUTE = 30.0
"""How many stops of unknown transactions a station may send a minute before it is delayed: each reads the log."""
WRONG_CARDS_A_MINUTE = 60.0
"""Cards a station may present a minute that are not accepted; beyond, it is treated as guessing (S35)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a command was decided: `accepted` for execution, `known` before, `refused`, `unreachable` or `failed`."""

    answer: Literal["accepted", "known", "refused", "unreachable", "failed"]
    command_id: str | None = None
    reason: str | None = None


class Csms:
    """A node. Its parts are classes named as attributes, so a variant design replaces one part in one line."""

    handler_class: type[Handler] = Handler
    dispatcher_class: type[Dispatcher] = Dispatcher
    presence_class: type[Presence] = Presence
    connection_class: type[Connection] = Connection
    endpoint_class: type[ocppj.Endpoint] = ocppj.Endpoint
    supervisor_class: type[Supervisor] = Supervisor

    def __init__(
        self,
        name: str,
        store: EventStore,
        clock: Clock,
        ids: Ids,
        settings: Settings,
        rules: Callable[[str], Rules],
        *,
        reach: points.Reach = points.passed,
        observe: Observe = unobserved,
        spawn: Callable[[Coroutine[Any, Any, None]], Any] | None = None,
        alarm: Callable[[str], None] = LOG.error,
        dialects: Mapping[str, Dialect] = BY_SUBPROTOCOL,
        endpoint: type[ocppj.Endpoint] = ocppj.Endpoint,
    ) -> None:
        """`endpoint` reads and writes the frames of a design that does not bring its own."""
        self.name, self.store, self.clock, self.ids, self.settings = name, store, clock, ids, settings
        self.reach, self.observe, self.alarm = reach, observe, alarm
        self.dialects = dialects
        """The OCPP versions spoken, by subprotocol, the preferred one first."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.spawn = spawn or self._spawn
        self.connections: dict[str, Any] = {}
        self.supervisor = self.supervisor_class(self.spawn, alarm, self._callback_failed)
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()
        self.handler = self.handler_class(name, store, clock, ids, settings, rules, reach, observe, alarm)
        self.dispatcher = self.dispatcher_class(self.handler, self.connections, self.spawn, self.supervisor)
        self.presence = self.presence_class(self.handler, self.spawn, self.supervisor)
        self.peers = Peers(name, ids.start, store, self.connections, self.supervisor, settings.takeover_s)
        self.tokens = Tokens()
        self._guesses: dict[str, Bucket] = {}
        self._lookups: dict[str, Bucket] = {}
        self.withheld = Withheld()
        self.endpoint_class = self.endpoint_class if self.endpoint_class is not ocppj.Endpoint else endpoint
        self.sent: dict[str, None] = {}
        """The commands whose frames this process sent lately, the last `bounds().frames_noted` of them."""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._snapshot_timer: asyncio.TimerHandle | None = None

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _callback_failed(self, why: str) -> None:
        self.observe("task.failed", node=self.name, error=why)

    def note_sent(self, command_id: str) -> None:
        """Note that the frame of a command leaves now."""
        self.sent[command_id] = None
        if len(self.sent) > bounds().frames_noted:
            del self.sent[next(iter(self.sent))]

    # --- life ---

    async def start(self) -> None:
        """Claim this node's name, load its stations from the log and resume what was open."""
        await self.store.claim(self.name)
        self.store.ending.on_end(self._store_ended)
        self._unsubscribe = self.store.subscribe(self._committed)
        self.peers.start()
        await self.read_tokens()
        stations = [station_of(stream) for stream in await self.store.streams("station-")]
        recovered: list[str] = []
        for station in stations:
            assert station is not None
            state = (await self.handler.load(station)).state
            if state.node == self.name:
                recovered.append(station)
        self.handler.complete = self.store.alone and self.settings.residency == "resident"
        await self.reach(points.RECOVERY_BEGUN, None, None)
        for station in recovered:
            await self.recover(station)
        if self.settings.snapshot_every_s is not None:
            self._snapshot_later(self.settings.snapshot_every_s)

    def _store_ended(self, why: str) -> None:
        """The store has ended, so nothing can be recorded: send nothing and close every connection."""
        self.alarm(f"node {self.name} is over: {why}")
        self.supervisor.close()
        for connection in list(self.connections.values()):
            connection.fail()

    async def recover(self, station: str) -> None:
        """Resume a station that was last connected here: restart its offline timer, and doubt what was under way."""
        state = (await self.handler.load(station)).state
        if state.online:
            self.presence.watch(station, state.epoch)
        await self.dispatcher.adopt(station, crashed=True)

    @property
    def ended(self) -> str | None:
        """Why this node no longer serves although its process runs, in one sentence; None while it serves."""
        return self.store.ending.why

    async def stop(self) -> None:
        """Stop cleanly: close connections, wait for what is under way, snapshot."""
        for connection in list(self.connections.values()):
            connection.stop()
            try:
                await connection.closed("node stopped")
            except NOT_DURABLE as error:  # the next start resumes it
                self.alarm(f"{connection.station}: what was under way is not recorded: {error}")
        self.supervisor.close()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self.dispatcher.close()
        self.presence.close()
        if self._snapshot_timer is not None:
            self._snapshot_timer.cancel()
        if self.settings.snapshot_on_stop:
            await self.handler.snapshot_changed()
        self._unsubscribe()
        self.peers.close()

    def _snapshot_later(self, every_s: float) -> None:
        def due() -> None:
            self._snapshot_later(every_s)
            # The log is complete without it.
            self.supervisor.must_live("a snapshot", self.handler.snapshot_changed(), _left)

        when = asyncio.get_running_loop().time() + every_s
        self._snapshot_timer = self.supervisor.at(when, "the timer of snapshots", due)

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        stream = stored[0].stream
        if stream == TOKENS:
            self._registered(stored)
        if not stream.startswith(STATION_STREAM):
            return
        try:
            self.handler.absorb(stored)
            self.dispatcher.committed(stored)
        except Exception as error:
            self.alarm(f"{stream}: a batch of the log was not understood: {described(error)}")
            self.handler.forget(stream.removeprefix(STATION_STREAM))
            self.supervisor.until_done(f"{stream}: a batch of the log", lambda: self._committed_again(stored))

    async def _committed_again(self, stored: Sequence[StoredEvent]) -> None:
        self.dispatcher.committed(stored)

    # --- stations ---

    def connect(
        self, station: str, write: Callable[[str], None], close: Callable[[str], None], dialect: Dialect
    ) -> Connection:
        """Return a connection for an authenticated station's new socket; `welcome` lets it replace an older one."""
        return self.connection_class(self, station, write, close, dialect)

    def serve(self, connection: Connection, closed: Callable[[str], None]) -> None:
        """Handle a connection's frames until its transport is gone. `closed` is told why if that ends in another way.

        The station is then treated as disconnected: nothing is sent, and its offline timer runs.
        """
        station = connection.station

        def lost(why: str) -> None:
            closed(why)
            connection.end()
            self.supervisor.until_done(f"{station}: what its connection left", lambda: self._after(connection, why))

        self.supervisor.must_live(f"{station}: the handling of its frames", connection.run(), lost)

    async def _after(self, connection: Connection, why: str) -> None:
        """Clean up after a connection whose handling failed at any point, from the state in the log."""
        await connection.closed(f"its handling ended: {why}")
        station = connection.station
        state = (await self.handler.catch_up(station, await self.handler.load(station))).state
        if state.online and state.node == self.name and station not in self.connections:
            self.presence.watch(station, state.epoch)
        await self.dispatcher.adopt(station, crashed=False)

    def turn(self, station: str) -> Turn:
        """Return what serialises a station's frames across all its sockets on this node."""
        found = self._turns.get(station)
        if found is None:
            found = self._turns[station] = Turn()
        return found

    async def may_replace(self, connection: Connection) -> bool:
        """Decide whether a new connection may replace the older one: if it is authenticated, or the older is dead.

        An older connection that does not answer a ping is dead, even if its TCP connection still stands. One held by
        another node, by the log, is pinged there.
        """
        while not connection.proven:
            older = self.connections.get(connection.station)
            if older is connection:
                return True
            if older is None:
                state = (await self.handler.load(connection.station)).state
                elsewhere = state.online and state.node != self.name
                if elsewhere and await self.peers.alive(connection.station, state.node):
                    return False
                if self.connections.get(connection.station) is None:
                    return True
                continue  # yet another connection was welcomed meanwhile
            if await older.answers(self.settings.takeover_s):
                return False
            if self.connections.get(connection.station) in (None, older):
                return True
        return True

    async def welcome(self, connection: Connection) -> None:
        """Make a connection the station's own: give it the next epoch and end the one it replaces."""
        connection.epoch = await self.presence.online(connection.station, connection.dialect.SUBPROTOCOL)
        replaced = self.connections.get(connection.station)
        if replaced is not None and replaced is not connection and replaced.epoch > connection.epoch:
            connection.supersede()  # an even newer one was recorded meanwhile
            return
        self.connections[connection.station] = connection
        if replaced is not None and replaced is not connection:
            replaced.supersede()
        station = connection.station
        adopt = self.dispatcher.adopt
        self.supervisor.until_done(f"{station}: taking over its commands", lambda: adopt(station, crashed=False))
        connection.registration = (await self.handler.load(station)).state.registration

    def forget(self, connection: Connection) -> None:
        """Remove a connection that is gone, unless a newer one has taken its place."""
        if self.connections.get(connection.station) is connection:
            del self.connections[connection.station]

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Record what a station reports; return how to answer it, once that is durable."""
        kind = type(report)
        if kind is rp.Heartbeat and self.settings.heartbeats == "presence":
            return rp.TAKEN
        if self.reach is not points.passed:
            await self.reach(points.REPORT_RECEIVED, station, None)
        reply = rp.TAKEN
        if kind is rp.Status:  # by far the most
            _, reply = await self.handler.record(station, lambda state: self._reported(state, report))
        elif kind is rp.Heartbeat:
            await self.handler.record(station, _once(ev.HeartbeatReceived(self.clock.at())))
        elif isinstance(report, (rp.Authorize, rp.Transfer)):
            _, reply = self._reported(Station(), report)
            if isinstance(report, rp.Authorize):
                word = self._unless_guessing(station, reply.status)
                reply = reply if word == reply.status else rp.Reply(word)
        else:
            if isinstance(report, (rp.Meter, rp.Start, rp.Update, rp.Stop)) and report.samples:
                await self._sampled(station, report)
            if isinstance(report, rp.Stop):
                told = await self._forgotten(station, report)
                _, reply = await self.handler.record(
                    station, lambda state: self._reported(recall.with_transactions(state, told), report)
                )
            elif not isinstance(report, rp.Meter):
                _, reply = await self.handler.record(station, lambda state: self._reported(state, report))
        if self.reach is not points.passed:
            await self.reach(points.REPORT_DURABLE, station, None)
        return reply

    async def _sampled(self, station: str, report: rp.Meter | rp.Start | rp.Update | rp.Stop) -> None:
        """Record the meter readings of a report, before its other content: a repeat brings both again."""
        at, evse = self.clock.at(), report.evse
        if evse == 0 and report.transaction_id is not None:  # stated only when the transaction began
            known = (await self.handler.load(station)).state.transactions.get(report.transaction_id)
            evse = known.evse if known is not None else 0
        samples = [
            ev.MeterSampled(
                at,
                evse,
                report.transaction_id,
                sample.sampled_at,
                sample.energy_wh,
                sample.power_w,
                sample.voltage_v,
                sample.readings,
            )
            for sample in report.samples
        ]
        await self.handler.samples(station, report.transaction_id, samples)

    async def _forgotten(self, station: str, report: rp.Stop) -> Sequence[Any]:
        """Read the transaction of a stop from the log, if the state does not have it (any more)."""
        handler, transaction = self.handler, report.transaction_id
        loaded = await handler.load(station)
        if transaction in loaded.state.transactions:
            return ()
        if transaction in (await handler.catch_up(station, loaded)).state.transactions:
            return ()
        # This may read a whole stream: a station that causes it often is delayed, and no other station is.
        if wait_s := _bucket(self._lookups, station, LOOKUPS_A_MINUTE, self.clock.now()).owe(self.clock.now()):
            await asyncio.sleep(wait_s)
        return await handler.transaction_events(station, transaction)

    def _reported(self, state: Station, report: rp.Report) -> tuple[facts.Facts, rp.Reply]:
        token = getattr(report, "id_token", None)
        found, reply = facts.reported(
            state,
            report,
            self.clock.at(),
            registration=self.settings.registration,
            authorization=self.tokens.word(token, self.settings.unknown_tokens) if token else "Accepted",
            new_transaction_id=str(self.ids.transaction_id()) if isinstance(report, rp.Start) else "",
        )
        parent = self.tokens.parent(token) if token else None
        return found, reply if parent is None else replace(reply, parent=parent)

    def _unless_guessing(self, station: str, status: str) -> str:
        """Return the answer to a card: Invalid for any card while the station presents too many wrong ones."""
        now, guesses = self.clock.now(), self._guesses.get(station)
        if status == "Accepted":
            return status if guesses is None or guesses.fill(now) >= 1.0 else "Invalid"
        if guesses is None:
            guesses = _bucket(self._guesses, station, WRONG_CARDS_A_MINUTE, now)
        return "Invalid" if guesses.take(now) else status

    async def malformed(self, station: str, why: str) -> None:
        """Record that a station sent a malformed frame."""
        await self.handler.noted.anomaly(station, MALFORMED, why, why[:200])

    async def refused(self, station: str, called: ocppj.CallReceived, code: str, why: str) -> None:
        """Record that a CALL of a station was answered with an error, and its content."""
        action = "".join(letter if letter.isprintable() else "?" for letter in called.action[:40])
        detail = f"{action} was answered {code}, {why[:200]}: {ocppj.shown(called.payload)}"
        await self.handler.noted.anomaly(station, REFUSED, f"{code}, {why}", detail, action)

    # --- operator ---

    async def operate(self, station: str, command: do.Command, request_id: str, *, force: bool = False) -> Decision:
        """Decide an operator's command. `accepted` means its intent is durable; its outcome comes later.

        With `force` a refusal is overruled, and its reason is recorded in the intent. The same `request_id` again does
        nothing and returns the command it became; so after `failed`, which may mean a lost acknowledgement, asking
        again shows what is in the log.
        """
        try:
            timeout_s = self.settings.call_timeout_s
            decided = await self.handler.intend(station, command, request_id, timeout_s, force=force)
        except Unreachable:
            return Decision("unreachable", None, "the station is not connected")
        except NOT_DURABLE as error:
            return Decision("failed", None, str(error))
        match decided:
            case Known(command_id=command_id):
                return Decision("known", command_id)
            case Refusal(reason=reason):
                return Decision("refused", None, reason)
            case ev.CommandRequested(command_id=command_id):
                self.dispatcher.watch(station, (await self.handler.load(station)).state.commands.get(command_id))
                return Decision("accepted", command_id)

    def dialect_of(self, station: str, protocol: str) -> Dialect:
        """Return the dialect of a station's connection, or of `protocol` where it has none."""
        connection = self.connections.get(station)
        found: Dialect = connection.dialect if connection is not None else recorded(protocol)
        return found

    async def close_doubt(self, station: str, command_id: str, statement: str) -> str | None:
        """End the doubt about a command by an operator's statement. Returns why that is refused, or None.

        Raises one of `NOT_DURABLE` when the store does not confirm the append.
        """

        def news(state: Station) -> tuple[facts.Facts, str | None]:
            against = facts.closable(state, command_id)
            return facts.closed(state, command_id, statement, self.clock.at()), against

        state, against = await self.handler.record(station, news)
        self.dispatcher.watch(station, state.commands.get(command_id))
        return against

    async def phase(self, station: str, command_id: str) -> str | None:
        """Return a command's phase by the log, or None for one that is not in it.

        This node's cache may be behind other nodes' appends, so the rest of the log is read first.
        """
        loaded = await self.handler.catch_up(station, await self.handler.load(station))
        pending = loaded.state.commands.get(command_id)
        if pending is None:
            pending = await self.handler.recall(station, command_id)
        return pending.phase.value if pending else None

    async def register_token(self, id_token: str, status: str, parent: str | None = None) -> None:
        """Register how a token is answered from now on."""
        event = ev.TokenRegistered(self.clock.at(), id_token, status, parent)
        await self.handler.durable(TOKENS, [NewEvent(self.ids.event_id(), *codec.encode(event))], None)
        self.tokens.register(id_token, status, parent)

    async def read_tokens(self) -> None:
        """Fold the token stream."""
        self._registered(await self.store.read(TOKENS))

    def _registered(self, stored: Sequence[StoredEvent]) -> None:
        """Fold token registrations, of this node or of another."""
        for one in stored:
            event = codec.decode(one.type, one.data)
            if isinstance(event, ev.TokenRegistered):
                self.tokens.register(event.id_token, event.status, event.parent)


def _once(event: ev.StationEvent) -> Callable[[Station], tuple[facts.Facts, None]]:
    """Return a `news` function for an event that is always new, as it has just happened."""
    return lambda state: ([event], None)


def _bucket(counted: dict[str, Bucket], station: str, a_minute: float, now: float) -> Bucket:
    """Return a station's bucket, a new one if it has none; beyond the bound the oldest is dropped."""
    found = counted.get(station)
    if found is None:
        found = counted[station] = Bucket(a_minute / 60.0, a_minute)
        found.at = now
        if len(counted) > bounds().guesses:
            del counted[next(iter(counted))]
    return found


def _left(why: str) -> None:
    """Ignore the failure: the next snapshot covers it."""
