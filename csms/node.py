"""One CSMS process: connections on one side, an operator on the other, the log behind both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakValueDictionary

from interlock.csms import codec, ocppj
from interlock.csms import labelled_points as points
from interlock.csms.bucket import Bucket
from interlock.csms.clock import Clock, Ids
from interlock.csms.connection import Connection
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Known, Refusal, Rules
from interlock.csms.handle import STATION_STREAM, Handler, Observe, Unreachable, station_of, unobserved
from interlock.csms.presence import Presence
from interlock.csms.settings import Settings
from interlock.csms.store import NOT_DURABLE, EventStore, NewEvent, StoredEvent

LOG = logging.getLogger(__name__)
WRONG_CARDS_A_MINUTE = 60.0
"""Cards that are not accepted which a station may show; beyond, it is taken for one that guesses (S35)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator is told: `accepted` for execution, `known` from before, `refused`, `unreachable` or `failed`."""

    answer: Literal["accepted", "known", "refused", "unreachable", "failed"]
    command_id: str | None = None
    reason: str | None = None


class Csms:
    """A node. Its parts are classes it names, so that a design that differs in one part differs in one line."""

    handler_class: type[Handler] = Handler
    dispatcher_class: type[Dispatcher] = Dispatcher
    presence_class: type[Presence] = Presence
    connection_class: type[Connection] = Connection
    endpoint_class: type[ocppj.Endpoint] = ocppj.Endpoint

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
    ) -> None:
        self.name, self.store, self.clock, self.ids, self.settings = name, store, clock, ids, settings
        self.reach, self.observe, self.alarm = reach, observe, alarm
        self._tasks: set[asyncio.Task[None]] = set()
        self.spawn = spawn or self._spawn
        self.connections: dict[str, Any] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.handler = self.handler_class(name, store, clock, ids, settings, rules, reach, observe, alarm)
        self.dispatcher = self.dispatcher_class(self.handler, self.connections, self.spawn)
        self.presence = self.presence_class(self.handler, self.spawn)
        self.tokens: dict[str, str] = {}
        self._guesses: dict[str, Bucket] = {}
        self.unseal: Callable[[do.Command], do.Command | None] = _as_it_is
        """What a stored command is sent as: one that carries a secret is stored without. None: it is not known here."""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._snapshot_timer: asyncio.TimerHandle | None = None

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- life ---

    async def start(self) -> None:
        """Read what the log says about this node's stations and take up what it left open."""
        self._unsubscribe = self.store.subscribe(self._committed)
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

    async def recover(self, station: str) -> None:
        """Take up a station that was last connected here: listen for it again, and doubt what was under way."""
        state = (await self.handler.load(station)).state
        if state.online:
            self.presence.watch(station, state.epoch)
        await self.dispatcher.adopt(station, crashed=True)

    async def stop(self) -> None:
        """Stop cleanly: close connections, wait for what is under way, snapshot."""
        for connection in list(self.connections.values()):
            connection.supersede()
            await connection.closed("node stopped")
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self.dispatcher.close()
        self.presence.close()
        if self._snapshot_timer is not None:
            self._snapshot_timer.cancel()
        if self.settings.snapshot_on_stop:
            await self.handler.snapshot_changed()
        self._unsubscribe()

    def _snapshot_later(self, every_s: float) -> None:
        def due() -> None:
            self.spawn(self.handler.snapshot_changed())
            self._snapshot_later(every_s)

        self._snapshot_timer = asyncio.get_running_loop().call_later(every_s, due)

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        if not stored[0].stream.startswith(STATION_STREAM):
            return
        self.handler.absorb(stored)
        self.dispatcher.committed(stored)

    # --- stations ---

    def connect(self, station: str, write: Callable[[str], None], close: Callable[[str], None]) -> Connection:
        """Take a new socket of an authenticated station. It counts once its `run` begins, frame or no frame."""
        return self.connection_class(self, station, write, close)

    def turn(self, station: str) -> asyncio.Lock:
        """Return what lets one frame of a station be handled at a time, on whichever of its sockets here it came."""
        found = self._turns.get(station)
        if found is None:
            found = self._turns[station] = asyncio.Lock()
        return found

    async def may_replace(self, connection: Connection) -> bool:
        """Decide whether a new connection counts: not while an older one answers, unless the new one is proven.

        An older connection that gives no sign of life when it is asked has lost its station, whatever TCP knows. One
        that the log says is another node's cannot be asked: then the new one has to speak first.
        """
        while not connection.proven:
            older = self.connections.get(connection.station)
            if older is connection:
                return True
            if older is None:
                state = (await self.handler.load(connection.station)).state
                return not state.online or state.node == self.name or await connection.speaks()
            if await older.answers(self.settings.takeover_s):
                return False
            if self.connections.get(connection.station) in (None, older):
                return True
        return True

    async def welcome(self, connection: Connection) -> None:
        """Let a connection count: give it the next epoch and end the one it replaces."""
        connection.epoch = await self.presence.online(connection.station)
        replaced = self.connections.get(connection.station)
        if replaced is not None and replaced is not connection and replaced.epoch > connection.epoch:
            connection.supersede()  # an even newer one was recorded meanwhile
            return
        self.connections[connection.station] = connection
        if replaced is not None and replaced is not connection:
            replaced.supersede()
        self.spawn(self.dispatcher.adopt(connection.station, crashed=False))

    def forget(self, connection: Connection) -> None:
        """A connection is gone. If a newer one has taken its place, that one stays."""
        if self.connections.get(connection.station) is connection:
            del self.connections[connection.station]

    async def take(self, station: str, report: rp.Report) -> rp.Reply:
        """Record what a station reports; return how to answer it, once that is durable."""
        settings = self.settings
        if isinstance(report, rp.Heartbeat) and settings.heartbeats == "presence":
            return rp.TAKEN
        if self.reach is not points.passed:
            await self.reach(points.REPORT_RECEIVED, station, None)
        reply = rp.TAKEN
        if isinstance(report, rp.Heartbeat):
            await self.handler.record(station, _once(ev.HeartbeatReceived(self.clock.at())))
        elif isinstance(report, rp.Meter):
            at = self.clock.at()
            samples = [
                ev.MeterSampled(
                    at,
                    report.connector,
                    report.transaction_id,
                    sample.sampled_at,
                    sample.energy_wh,
                    sample.power_w,
                    sample.voltage_v,
                )
                for sample in report.samples
            ]
            await self.handler.samples(station, report.transaction_id, samples)
        elif isinstance(report, (rp.Authorize, rp.Transfer)):
            _, reply = self._reported(None, report)
            if isinstance(report, rp.Authorize):
                reply = rp.Reply(self._unless_guessing(station, reply.status))
        else:

            def news(state: Any) -> facts.Facts:
                nonlocal reply
                found, reply = self._reported(state, report)
                return found

            await self.handler.record(station, news)
        if self.reach is not points.passed:
            await self.reach(points.REPORT_DURABLE, station, None)
        return reply

    def _reported(self, state: Any, report: rp.Report) -> tuple[facts.Facts, rp.Reply]:
        token = getattr(report, "id_token", None)
        return facts.reported(
            state,
            report,
            self.clock.at(),
            registration=self.settings.registration,
            authorization=self.tokens.get(token, self.settings.unknown_tokens) if token else "Accepted",
            new_transaction_id=self.ids.transaction_id() if isinstance(report, rp.Start) else 0,
        )

    def _unless_guessing(self, station: str, status: str) -> str:
        """Answer a card. To a station that shows one wrong card after another, every card is Invalid for a while."""
        now, guesses = self.clock.now(), self._guesses.get(station)
        if status == "Accepted":
            return status if guesses is None or guesses.fill(now) >= 1.0 else "Invalid"
        if guesses is None:
            guesses = self._guesses[station] = Bucket(WRONG_CARDS_A_MINUTE / 60.0, WRONG_CARDS_A_MINUTE)
            guesses.at = now
        return "Invalid" if guesses.take(now) else status

    async def malformed(self, station: str, why: str) -> None:
        """Keep that a station sent a frame that means nothing."""
        at = self.clock.at()
        await self.handler.record(station, _once(ev.AnomalyRecorded(at, "malformed frame", why[:200])))

    # --- operator ---

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Decide an operator's command. `accepted` means its intent is durable; its outcome comes later.

        The same `request_id` again is answered with the command it became, and does nothing: so asking again is the
        way to find out what `failed` for want of an acknowledgement left in the log.
        """
        try:
            decided = await self.handler.intend(station, command, request_id, self.settings.call_timeout_s)
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

    async def phase(self, station: str, command_id: str) -> str | None:
        """Return where a command stands, or None for one the log does not know."""
        loaded = await self.handler.load(station)
        pending = loaded.state.commands.get(command_id)
        if pending is None:
            pending = (await self.handler.catch_up(station, loaded)).state.commands.get(command_id)
        return pending.phase.value if pending else None

    async def register_token(self, id_token: str, status: str, parent: str | None = None) -> None:
        """Say how a token is answered from now on."""
        event = ev.TokenRegistered(self.clock.at(), id_token, status, parent)
        await self.handler.durable("tokens", [NewEvent(self.ids.event_id(), *codec.encode(event))], None)
        self.tokens[id_token] = status

    async def read_tokens(self) -> None:
        """Fold the token stream."""
        for stored in await self.store.read("tokens"):
            event = codec.decode(stored.type, stored.data)
            if isinstance(event, ev.TokenRegistered):
                self.tokens[event.id_token] = event.status


def _once(event: ev.StationEvent) -> Callable[[Any], Sequence[ev.StationEvent]]:
    """Return news that is always news: something that happened just now and has no other trace."""
    return lambda state: [event]


def _as_it_is(command: do.Command) -> do.Command | None:
    return command
