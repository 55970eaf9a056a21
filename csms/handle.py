"""Load, decide, append, and what follows when another append came first. This is the only file that handles that.

An intent is *decided again* on the newer state: nothing has been sent yet. A fact is *appended again* at the next
version: it has happened. An append whose acknowledgement was lost is repeated with the same event ids, which the store
recognises.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from interlock.csms import codec
from interlock.csms import labelled_points as points
from interlock.csms.anomalies import Noted
from interlock.csms.clock import Clock, Ids
from interlock.csms.domain import bounds, recall
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import station as fold
from interlock.csms.domain.events import Facts
from interlock.csms.domain.station import Accept, Known, Pending, Refusal, Rules, Station, decide, evolve
from interlock.csms.event_ids import OUTCOMES, command_name, digest, fact_id, intent_id, outcome_id, sample_ids, stop_id
from interlock.csms.settings import Settings
from interlock.csms.store import (
    NOT_DURABLE,
    AppendUnconfirmed,
    EventIdReused,
    EventStore,
    NewEvent,
    Snapshot,
    StoredEvent,
    StoreUnavailable,
    WrongExpectedVersion,
)
from interlock.csms.store_readiness import Outage

Observe = Callable[..., None]
"""`observe(kind, **fields)`: passes what happened to the recorder of a run; does nothing in production."""

ATTEMPTS = 100
"""Lost races in a row after which the fault is taken to be the store's rather than one of timing."""
RESEND_AFTER_S = 0.05
BACK_OFF_S = 0.002
"""Upper bound of the first wait, after the second lost race in a row; it doubles with each."""
READ_PAGE = 500
INSIST_EVERY_S = 1.0


def name_of_fold(directory: Path) -> str:
    """Return a digest of the source files in a directory."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


FOLD = name_of_fold(Path(fold.__file__).parent)
"""Digest of the code that folds, the whole domain: a snapshot made by any other code is not used."""

T = TypeVar("T")


def fold_name() -> str:
    """Identify the fold in use by its code and its bounds."""
    return _named(bounds.bounds())


@cache
def _named(chosen: bounds.Bounds) -> str:
    return f"{FOLD} {digest(repr(chosen))}"


STATION_STREAM = "station-"
"""Prefix of the names of streams that decide about a station."""


def station_stream(station: str) -> str:
    """Name the stream that decides about `station`."""
    return STATION_STREAM + station


def station_of(stream: str) -> str | None:
    """Return the station a stream decides about, or None for any other stream."""
    return stream[len(STATION_STREAM) :] if stream.startswith(STATION_STREAM) else None


class Loaded(msgspec.Struct, frozen=True):
    """A folded station and the version it stands at."""

    state: Station
    version: int


class Unreachable(Exception):
    """The station is not connected anywhere, so nothing can be sent and nothing was decided."""


class Handler:
    """The folded stations of one node: a cache only; every append is checked by the store."""

    def __init__(
        self,
        node: str,
        store: EventStore,
        clock: Clock,
        ids: Ids,
        settings: Settings,
        rules: Callable[[str], Rules],
        reach: points.Reach,
        observe: Observe,
        alarm: Callable[[str], None],
    ) -> None:
        self.node, self.store, self.clock, self.ids, self.settings = node, store, clock, ids, settings
        self.rules, self.reach, self.observe = rules, reach, observe
        self.outage = Outage(clock, alarm)
        self.resident: dict[str, Loaded] = {}
        self.complete = False
        """Whether every station of the log is resident and only this node appends: any other station is then new."""
        self.noted = Noted(clock.at, self.once)
        self._snapshot_version: dict[str, int] = {}
        self._appending: dict[str, int] = {}

    # --- load ---

    async def load(self, station: str) -> Loaded:
        """Return the station as this node has it. It may be behind the log, which its next append detects."""
        known = self.resident.get(station)
        if known is not None:
            return known
        if self.complete:
            return Loaded(Station(), 0)  # if it is in the log after all, the append fails
        stream = station_stream(station)
        start, source = Loaded(Station(), 0), "log"
        snapshot = await self.store.load_snapshot(stream)
        if snapshot is not None and snapshot.fold == fold_name():
            start = Loaded(codec.decode_state(snapshot.state), snapshot.version)
            source = "snapshot"
            self._snapshot_version[station] = snapshot.version
        loaded = self.replay(station, start, await self.store.read(stream, start.version))
        self.observe(
            "loaded",
            node=self.node,
            station=station,
            version=loaded.version,
            digest=codec.digest(loaded.state),
            source=source,
        )
        return self._keep(station, loaded)

    def replay(self, station: str, start: Loaded, stored: Sequence[StoredEvent]) -> Loaded:
        """Fold stored events onto a state. Has no way to send anything."""
        self.observe("replay.begun", node=self.node, station=station)
        state, version = start.state, start.version
        for event in stored:
            state, version = self.evolve(state, codec.decode(event.type, event.data)), event.version
        self.observe("replay.ended", node=self.node, station=station)
        return Loaded(state, version)

    def evolve(self, state: Station, event: ev.Event) -> Station:
        """Apply one event."""
        return evolve(state, event)

    def _keep(self, station: str, loaded: Loaded) -> Loaded:
        if self.settings.residency == "resident":
            known = self.resident.get(station)
            if known is not None and known.version >= loaded.version:
                return known
            self.resident[station] = loaded
        return loaded

    def forget(self, station: str) -> None:
        """Drop a station from the cache: it is folded from the log when it is needed again."""
        self.complete = False
        self.resident.pop(station, None)
        self._snapshot_version.pop(station, None)

    async def catch_up(self, station: str, behind: Loaded) -> Loaded:
        """Read and fold what was appended since `behind`."""
        newest = self.resident.get(station, behind)
        base = newest if newest.version > behind.version else behind
        stored = await self.store.read(station_stream(station), base.version)
        return self._keep(station, self.replay(station, base, stored) if stored else base)

    def absorb(self, stored: Sequence[StoredEvent]) -> None:
        """Fold events another node appended, if the station is resident and they follow its version."""
        station = station_of(stored[0].stream)
        known = self.resident.get(station) if station and not self._appending.get(station) else None
        if station and known is not None and stored[0].version == known.version + 1:
            self._keep(station, self.replay(station, known, stored))

    # --- append ---

    async def append(self, station: str, loaded: Loaded, events: Sequence[ev.Event], ids: Sequence[str]) -> Loaded:
        """Append a batch right after `loaded`; raise `WrongExpectedVersion` if another append was first."""
        batch = [NewEvent(event_id, *codec.encode(event)) for event_id, event in zip(ids, events, strict=True)]
        self._appending[station] = self._appending.get(station, 0) + 1
        try:
            version = await self.durable(station_stream(station), batch, loaded.version)
        finally:
            self._appending[station] -= 1
        if version != loaded.version + len(batch):
            # The batch is in the log from an earlier attempt of ours whose acknowledgement was lost.
            return await self.catch_up(station, loaded)
        state = loaded.state
        for event in events:
            state = self.evolve(state, event)
        after = self._keep(station, Loaded(state, version))
        every = self.settings.snapshot_events
        if every is not None and version - self._snapshot_version.get(station, 0) >= every:
            await self.snapshot(station, after)
        return after

    async def durable(self, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
        """Append, repeating while the acknowledgement is lost, until the store accepts or refuses."""
        for _ in range(ATTEMPTS):
            try:
                version = await self.store.append(stream, batch, expected)
            except StoreUnavailable as error:
                self.outage.refuse(error)
                raise
            except AppendUnconfirmed as error:
                self.outage.refuse(error)
                await asyncio.sleep(RESEND_AFTER_S)
            else:
                if self.outage.since is not None:
                    self.outage.end()
                return version
        raise AppendUnconfirmed(f"no acknowledgement from the store after {ATTEMPTS} attempts")

    # --- the two meanings of a lost race ---

    async def intend(
        self, station: str, command: do.Command, request_id: str, timeout_s: float, *, force: bool = False
    ) -> Known | Refusal | ev.CommandRequested:
        """Decide a command and make its intent durable. A lost race is decided again. Sends nothing.

        With `force` a refusal is overruled, and its reason is recorded in the intent. Raises `Unreachable` when the
        station is not connected, one of `NOT_DURABLE` when the store does not confirm the append.
        """
        loaded, named = await self.load(station), command_name(station, request_id)
        for attempt in range(ATTEMPTS):
            self._observe_loaded(station, loaded)
            decision = self.decide(command, request_id, loaded.state, self.rules(station))
            forced = decision.reason if force and isinstance(decision, Refusal) else None
            if isinstance(decision, Known | Refusal) and forced is None:
                fresh = await self.catch_up(station, loaded)
                if isinstance(decision, Known):
                    return decision
                if fresh.version == loaded.version:
                    return await self.known(station, request_id) or decision
                loaded = fresh  # refused on an old state: decide on the newer one
                continue
            if not loaded.state.online:
                fresh = await self.catch_up(station, loaded)
                if fresh.state.online:
                    loaded = fresh
                    continue
                if (known := await self.known(station, request_id)) is not None:
                    return known
                raise Unreachable(station)
            intent = self.intent(loaded.state, command, request_id, timeout_s)
            intent = replace(intent, command_id=named, forced=forced)
            await self.reach(points.INTENT_DECIDED, station, intent.command_id)
            try:
                await self.append(station, loaded, [intent], [intent_id(named)])
            except WrongExpectedVersion:
                await self.back_off(attempt)
                loaded = await self.catch_up(station, loaded)
                continue
            except EventIdReused:
                if (known := await self.known(station, request_id)) is not None:
                    return known  # decided before, and dropped from the state or not read here yet
                raise
            return intent
        raise StoreUnavailable(f"lost {ATTEMPTS} races in a row for station {station}")

    async def back_off(self, attempt: int) -> None:
        """Wait after a lost race: longer each time, by a random part so that those who lost the same race differ."""
        if attempt > 0:
            most_s = BACK_OFF_S * 2 ** min(attempt, 8)
            await asyncio.sleep(self.ids.fraction() * most_s)

    async def known(self, station: str, request_id: str) -> Known | None:
        """Look a request up in the log; None when it was never decided."""
        name = command_name(station, request_id)
        return Known(name) if await self.store.find([intent_id(name)]) else None

    async def recall(self, station: str, command_id: str) -> Pending | None:
        """Read a command from the log that the station's state has dropped; None for one that is not there."""
        names = [intent_id(command_id), *(outcome_id(command_id, kind) for kind in OUTCOMES)]
        found = [one for one in await self.store.find(names) if one.stream == station_stream(station)]
        return recall.command((codec.decode(one.type, one.data) for one in found), command_id)

    async def transaction_events(self, station: str, transaction_id: Any) -> list[Any]:
        """Read the start and the stop of a transaction from the log, where the station's state has dropped it.

        A stop is found by its event id. A start's id is made of its content, so the stream is read, page by page.
        """
        stream, after = station_stream(station), 0
        ended = await self.store.find([stop_id(station, transaction_id)])
        found = [codec.decode(one.type, one.data) for one in ended]
        while not found and (page := await self.store.read(stream, after, READ_PAGE)):
            after = page[-1].version
            for one in page:
                if codec.kind(one.type) == "TransactionStarted":
                    event = codec.decode(one.type, one.data)
                    if getattr(event, "transaction_id", None) == transaction_id:
                        found.append(event)
        return found

    def decide(self, command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
        """Decide one command."""
        return decide(command, request_id, state, rules)

    def intent(self, state: Station, command: do.Command, request_id: str, timeout_s: float) -> ev.CommandRequested:
        """Make the intent of a command accepted on `state`: to be sent by the node that holds the connection."""
        at = self.clock.at()
        deadline = at + timedelta(seconds=timeout_s)
        if isinstance(command, do.RemoteStart) and command.remote_start_id is None:
            command = replace(command, remote_start_id=self.ids.remote_start_id())
        return ev.CommandRequested(at, self.ids.command_id(), request_id, state.node, state.epoch, deadline, command)

    async def record(self, station: str, news: Callable[[Station], tuple[Facts, T]]) -> tuple[Station, T]:
        """Append the facts that are new to the log, at its head, as often as races are lost.

        `news` takes the state and returns the new facts and a result, such as how a report is answered. It is called
        again after each lost race, so it must be pure; it returns no facts when all are known. Returns the new state
        and the result of the last call.
        """
        loaded = await self.load(station)
        told: dict[str, StoredEvent] = {}  # events of the log that the state has dropped, by id
        for attempt in range(ATTEMPTS):
            facts, decided = news(_with(loaded.state, told) if told else loaded.state)
            ids = self._fact_ids(station, facts)
            if told:
                facts = [fact for fact, name in zip(facts, ids, strict=True) if name not in told]
                ids = [name for name in ids if name not in told]
            if not facts:
                fresh = await self.catch_up(station, loaded)
                if fresh.version == loaded.version:
                    return loaded.state, decided
                loaded = fresh
                continue
            try:
                return (await self.append(station, loaded, facts, ids)).state, decided
            except WrongExpectedVersion:
                await self.back_off(attempt)  # another append was first: compute the facts on the newer state
            except EventIdReused:
                # This fact is in the log with other content: so it is known.
                told.update({one.event_id: one for one in await self.store.find(ids)})
            loaded = await self.catch_up(station, loaded)
        raise StoreUnavailable(f"lost {ATTEMPTS} races in a row for station {station}")

    async def once(self, station: str, event: ev.StationEvent, event_id: str) -> bool:
        """Append an event that its id identifies fully; return whether it is new to the log."""
        loaded = await self.load(station)
        for _ in range(ATTEMPTS):
            try:
                await self.append(station, loaded, [event], [event_id])
            except EventIdReused:
                return False
            except WrongExpectedVersion:
                loaded = await self.catch_up(station, loaded)
            else:
                return True
        raise StoreUnavailable(f"lost {ATTEMPTS} races in a row for station {station}")

    async def insist(self, station: str, news: Callable[[Station], Facts]) -> Station:
        """Record facts that nobody will report again, such as an outcome: retry for as long as the store fails."""
        while True:
            try:
                return (await self.record(station, lambda state: (news(state), None)))[0]
            except NOT_DURABLE:
                if self.store.ending.why is not None:
                    raise  # it will never append again
                await asyncio.sleep(INSIST_EVERY_S)

    def _fact_ids(self, station: str, facts: Sequence[ev.StationEvent]) -> list[str]:
        return [fact_id(station, fact) or self.ids.event_id() for fact in facts]

    async def samples(self, station: str, transaction_id: str | None, samples: Sequence[ev.MeterSampled]) -> None:
        """Append meter samples to their own stream, which no decision reads. Repeats are recognised by their ids."""
        names = sample_ids(station, samples) or [self.ids.event_id() for _ in samples]
        batch = [NewEvent(name, *codec.encode(sample)) for name, sample in zip(names, samples, strict=True)]
        try:
            await self.durable(f"meter-{station}-{transaction_id or 0}", batch, None)
        except EventIdReused:
            return  # the same readings, recorded at another time

    # --- snapshots ---

    async def snapshot(self, station: str, loaded: Loaded) -> None:
        """Store the fold of what is durable. A failure is ignored, since the log is complete without it."""
        await self.reach(points.SNAPSHOT_DUE, station, None)
        stream = station_stream(station)
        self._snapshot_version[station] = loaded.version
        try:
            kept = codec.encode_state(loaded.state)
            await self.store.save_snapshot(Snapshot(stream, loaded.version, fold_name(), kept))
        except NOT_DURABLE as error:
            self.outage.refuse(error)
            return
        self.observe("snapshot.written", node=self.node, stream=stream, version=loaded.version)

    async def snapshot_changed(self) -> None:
        """Snapshot every resident station that changed since its last snapshot."""
        for station, loaded in list(self.resident.items()):
            if loaded.version > self._snapshot_version.get(station, 0):
                await self.snapshot(station, loaded)

    def _observe_loaded(self, station: str, loaded: Loaded) -> None:
        if self.observe is not unobserved:
            self.observe(
                "loaded",
                node=self.node,
                station=station,
                version=loaded.version,
                digest=codec.digest(loaded.state),
                source="resident",
            )


def unobserved(kind: str, **fields: Any) -> None:
    """Do nothing."""


def _with(state: Station, told: Mapping[str, StoredEvent]) -> Station:
    return recall.with_transactions(state, [codec.decode(one.type, one.data) for one in told.values()])
