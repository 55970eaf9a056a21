"""Read models for the operator's API, folded from the log: commands with their outcomes, and events of a station."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

import msgspec

from interlock.csms import codec
from interlock.csms.domain import events as ev
from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.inflight import PHASES, Phase
from interlock.csms.domain.station import Station
from interlock.csms.event_ids import intent_id
from interlock.csms.handle import station_of, station_stream
from interlock.csms.node import Csms
from interlock.csms.serve.follow import Followers
from interlock.csms.store import Snapshot, StoredEvent, StoreError
from interlock.csms.supervise import described

STATES = {event.__name__: phase.value for event, phase in PHASES.items()}
"""A command's state by the last event that moved it."""
OPEN = tuple(phase.value for phase in Phase if phase.open)
KEPT, FOLD, KEEP_EVERY = "projection-commands", "commands 2", 200_000
"""Snapshot stream, fold version (to be raised when `_index` changes), and interval in events."""
_OF_COMMANDS = frozenset(
    event.__name__ for event in get_args(ev.Event) if "command_id" in {one.name for one in fields(event)}
)
"""Events that may be about a command."""
_OF_NONE = b'"command_id":null'
"""In the events of most transactions: nothing else in those can hold it, as quotes in a text are escaped."""
ABOUT = ("request_id", "command", "node", "epoch", "deadline", "forced")
"""Members of an intent that describe its command."""
PAGE = 500
PAGE_BYTES = 1024 * 1024
"""Bytes of events in one answer; one event is more only if it is alone."""


class _Folded(msgspec.Struct):
    """The content of a snapshot: how many events there were, and which concern each command."""

    events: int
    commands: dict[str, tuple[str, tuple[int, ...]]]


_fold_of = msgspec.json.Decoder(_Folded).decode


@dataclass(eq=False, slots=True)
class _Wait:
    """An operator who waits for news of a command; other commits do not concern it."""

    stream: str
    command_id: bytes
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Projections:
    """Kept up to date by the store's commits; `start` reads what came before."""

    def __init__(self, node: Csms) -> None:
        self.node = node
        self.followers = Followers(node.store)
        self.commands: dict[str, tuple[str, tuple[int, ...]]] = {}
        """For each command: its station, and the versions of its events in that station's stream."""
        self.appended: dict[str, int] = {}
        """Events by type since the start."""
        self._position = self._events = self._kept = 0
        """Up to where the log is folded, how many events that were, and how many of them a snapshot covers."""
        self._started = False
        self._told = 0
        """Up to where commits were told of before `start` was through with the log."""
        self._waits: set[_Wait] = set()
        self.ended = False

    async def start(self) -> int:
        """Read what the last snapshot does not cover; return how many events the log holds."""
        self.node.store.subscribe(self._committed)
        snapshot = await self.node.store.load_snapshot(KEPT)
        if snapshot is not None and snapshot.fold == FOLD:
            folded = _fold_of(snapshot.state)
            self._position, self._events, self._kept = snapshot.version, folded.events, folded.events
            self.commands = folded.commands
        await self._catch_up()
        return self._events

    async def _catch_up(self) -> None:
        batch = await self.node.store.read_all(self._position, PAGE)
        while batch or self._told > self._position:
            self._fold(batch)
            batch = await self.node.store.read_all(self._position, PAGE)
        self._started = True

    async def keep(self) -> None:
        """Snapshot the fold, so that the next start need not read the whole log. Raises `StoreError`."""
        if not self._started or self._events == self._kept:
            return
        self._kept = self._events
        state = msgspec.json.encode(_Folded(self._events, self.commands))
        await self.node.store.save_snapshot(Snapshot(KEPT, self._position, FOLD, state))

    @property
    def position(self) -> int:
        """Up to where the log is folded."""
        return self._position

    def stop(self) -> None:
        """End all waits."""
        self.ended = True
        for wait in self._waits:
            wait.changed.set()
        self.followers.stop()

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        try:
            self._counted(stored)
        except Exception as error:
            self.node.alarm(f"the read models did not take in {stored[0].stream}: {described(error)}")
            self._started, self._told = False, max(self._told, stored[-1].position)
            self.node.supervisor.until_done("the read models' reading of the log", self._catch_up)
        finally:
            self.followers.committed(stored)
            for wait in self._waits:
                if wait.stream == stored[0].stream and any(wait.command_id in one.data for one in stored):
                    wait.changed.set()

    def _counted(self, stored: Sequence[StoredEvent]) -> None:
        for one in stored:
            kind = codec.kind(one.type)
            self.appended[kind] = self.appended.get(kind, 0) + 1
        if self._started:
            self._fold(stored)
            if self._events - self._kept >= KEEP_EVERY:
                self.node.supervisor.until_done("a snapshot of the read models", self._keep_if_possible)
        else:
            self._told = stored[-1].position

    async def _keep_if_possible(self) -> None:
        with contextlib.suppress(StoreError):  # the next snapshot covers it
            await self.keep()

    def _fold(self, batch: Sequence[StoredEvent]) -> None:
        for stored in batch:
            if stored.position > self._position:
                self._index(stored)
                self._events += 1
                self._position = stored.position

    def _index(self, stored: StoredEvent) -> None:
        kind = codec.kind(stored.type)
        if kind not in _OF_COMMANDS or (kind.startswith("Transaction") and _OF_NONE in stored.data):
            return
        station = station_of(stored.stream)
        command_id = codec.plain(stored.type, stored.data).get("command_id")
        if station is None or not isinstance(command_id, str):
            return
        if kind == "CommandRequested":
            self.commands[command_id] = (station, (stored.version,))
            if len(self.commands) > bounds().commands_indexed:
                del self.commands[next(iter(self.commands))]
        elif (known := self.commands.get(command_id)) is not None:
            self.commands[command_id] = (station, (*known[1], stored.version))

    async def stations(self) -> list[str]:
        """Return the ids of the stations in the log, sorted."""
        found = [station_of(stream) for stream in await self.node.store.streams("station-")]
        return [station for station in found if station is not None]

    async def station(self, station: str) -> Station | None:
        """Return a station as the log has it, or None for one it does not know."""
        handler = self.node.handler
        loaded = await handler.load(station)
        loaded = await handler.catch_up(station, loaded)
        return loaded.state if loaded.version else None

    async def command(self, command_id: str) -> dict[str, Any] | None:
        """Return a command with its history, or None for one the log does not know."""
        if command_id in self.commands:
            station, versions = self.commands[command_id]
            told = self._at(station, versions)
        else:
            intents = await self.node.store.find([intent_id(command_id)])  # dropped here, or not read yet
            if not intents or (known := station_of(intents[0].stream)) is None:
                return None
            station, versions = known, (intents[0].version,)
            told = self._stream(station, intents[0].version - 1)
        history = []
        state = "requested"
        about: dict[str, Any] = {}
        answer: Any = None
        async for stored in told:
            if command_id.encode() not in stored.data:
                continue
            data, kind = codec.plain(stored.type, stored.data), codec.kind(stored.type)
            if data.get("command_id") != command_id:
                continue
            state = STATES.get(kind, state)
            if kind == "CommandRequested":
                about = {name: data.get(name) for name in ABOUT}
            answer = data.get("answer", answer)
            shown = {name: value for name, value in data.items() if name not in ("command_id", *about)}
            history.append({"version": stored.version, "type": kind, **shown})
        # That a frame was written is no event: it is shown as long as this process remembers it.
        sent = command_id in self.node.sent
        found = {"id": command_id, "station": station, "state": state, "sent": sent, "answer": answer}
        return {**found, **about, "history": history}

    async def settled(self, command_id: str, wait_s: float) -> dict[str, Any] | None:
        """Return a command once it is no longer open, or after `wait_s` as it is then."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + wait_s
        found = await self.command(command_id)
        if found is None or wait_s <= 0.0:
            return found
        wait = _Wait(station_stream(found["station"]), command_id.encode())
        self._waits.add(wait)
        try:
            while True:
                wait.changed.clear()
                found = await self.command(command_id)
                if found is None or found["state"] not in OPEN or loop.time() >= limit or self.ended:
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(limit):
                        await wait.changed.wait()
        finally:
            self._waits.discard(wait)

    async def events(self, station: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Return a page of a station's events after a version as JSON objects: at most `limit`, and `PAGE_BYTES`."""
        found: list[dict[str, Any]] = []
        size = 0
        for one in await self.node.store.read(station_stream(station), after, limit):
            size += len(one.data)
            if found and size > PAGE_BYTES:
                break
            found.append(shown(one))
        return found

    async def of_kinds(self, station: str, kinds: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """Return a station's events of some kinds, in order. A recorded deviation stands there once for each kind."""
        found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        async for one in self._stream(station, 0):
            if (kind := codec.kind(one.type)) in found:
                found[kind].append(codec.plain(one.type, one.data))
        return found

    async def _at(self, station: str, versions: Sequence[int]) -> AsyncIterator[StoredEvent]:
        """Iterate over a command's events: where they are known to be, and behind those while more is to come.

        So an old command costs what a new one does, and what another node just appended to an open one is not missed.
        """
        kind = ""
        for version in versions:
            for one in await self.node.store.read(station_stream(station), version - 1, 1):
                yield one
                kind = codec.kind(one.type) if codec.kind(one.type) in STATES else kind
        if STATES.get(kind) in OPEN:
            async for one in self._stream(station, versions[-1]):
                yield one

    async def _stream(self, station: str, after: int) -> AsyncIterator[StoredEvent]:
        while page := await self.node.store.read(station_stream(station), after, PAGE):
            for one in page:
                yield one
            after = page[-1].version


def shown(stored: StoredEvent) -> dict[str, Any]:
    """Return an event as a JSON object."""
    return {
        "position": stored.position,
        "stream": stored.stream,
        "version": stored.version,
        "id": stored.event_id,
        "type": codec.kind(stored.type),
        "data": codec.plain(stored.type, stored.data),
    }
