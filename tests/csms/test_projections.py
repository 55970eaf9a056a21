"""What an operator reads is the same whether it is folded from the whole log or from a snapshot and what came after."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.csms import codec
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.serve import projections
from interlock.csms.serve.projections import FOLD, KEPT, Projections
from interlock.csms.serve.wall_clock import WallClock, fresh_ids
from interlock.csms.settings import Settings
from interlock.csms.store import EventStore, MemoryStore, NewEvent, Snapshot, StoredEvent
from interlock.csms.store.sqlite import SqliteStore

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Read(MemoryStore):
    """A log that knows how much of it was read in order; something may be appended once a page was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_of_all = 0
        self.meanwhile: list[str] = []

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        found = await super().read_all(after, limit)
        self.read_of_all += len(found)
        if not found and self.meanwhile:
            await command(self, self.meanwhile.pop())
        return found


async def command(store: EventStore, command_id: str) -> None:
    """Append an intent."""
    intent = ev.CommandRequested(AT, command_id, f"r-{command_id}", "n1", 1, AT, do.Unlock(1))
    await store.append("station-A", [NewEvent(f"e-{command_id}", *codec.encode(intent))], None)


def records(store: EventStore) -> Projections:
    """Return read models of a log, not started."""
    clock = WallClock(asyncio.get_running_loop())
    return Projections(Csms("n1", store, clock, fresh_ids("n1"), Settings(), lambda _: Rules(2, 2)))


@pytest.mark.asyncio
@pytest.mark.parametrize("kept_after", range(7))
async def test_a_snapshot_and_what_came_after_is_the_whole_log(kept_after: int) -> None:
    store = Read()
    for number in range(kept_after):
        await command(store, f"c{number}")
    first = records(store)
    assert await first.start() == kept_after
    await first.keep()
    for number in range(kept_after, 7):
        await command(store, f"c{number}")
    assert first.commands == {f"c{number}": ("A", (number + 1,)) for number in range(7)}
    store.read_of_all = 0
    again = records(store)
    assert await again.start() == 7
    assert again.commands == first.commands
    assert store.read_of_all == 7 - kept_after


@pytest.mark.asyncio
async def test_what_is_committed_while_it_starts_is_not_missed() -> None:
    store = Read()
    await command(store, "c0")
    store.meanwhile = ["c1"]
    found = records(store)
    assert await found.start() == 2
    assert list(found.commands) == ["c0", "c1"]


@pytest.mark.asyncio
async def test_what_was_read_and_is_told_afterwards_counts_once() -> None:
    store = Read()
    await command(store, "c0")
    found = records(store)
    await found.start()
    found._committed(await store.read_all())
    await command(store, "c1")
    await found.keep()
    assert await records(store).start() == 2


@pytest.mark.asyncio
async def test_another_fold_is_dropped() -> None:
    store = Read()
    await command(store, "c0")
    await store.save_snapshot(Snapshot(KEPT, 1, f"not {FOLD}", b"nonsense"))
    found = records(store)
    assert await found.start() == 1
    assert list(found.commands) == ["c0"]


@pytest.mark.asyncio
async def test_it_is_kept_every_so_many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projections, "KEEP_EVERY", 3)
    store = Read()
    found = records(store)
    await found.start()
    for number in range(3):
        assert await store.load_snapshot(KEPT) is None
        await command(store, f"c{number}")
    await found.node.stop()  # it is under way
    kept = await store.load_snapshot(KEPT)
    assert kept is not None
    assert kept.version == 3


@pytest.mark.asyncio
async def test_streams_are_named_without_a_look_at_each_event(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    await command(store, "c0")
    await store.close()
    with sqlite3.connect(tmp_path / "log.sqlite") as log:
        from interlock.csms.store.sqlite import _STREAMS

        plan = [row[3] for row in log.execute(f"EXPLAIN QUERY PLAN {_STREAMS}", ("station-",))]
    assert any("SEARCH event" in line for line in plan)
    assert not any("SCAN event" in line for line in plan), plan


@pytest.mark.asyncio
async def test_a_command_costs_as_many_reads_however_much_came_after_it() -> None:
    class Counted(MemoryStore):
        returned = 0

        async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
            found = await super().read(stream, after, limit)
            self.returned += len(found)
            return found

    store = Counted()
    found = records(store)
    await found.start()
    await command(store, "c0")
    for number in range(1, 2001):
        event: ev.StationEvent = ev.HeartbeatReceived(AT)
        if number == 1500:
            event = ev.CommandAccepted(AT, "c0", "Unlocked")
        elif number == 1900:
            event = ev.ContradictingEvidence(AT, "c0", "accepted", "the cable is still there")
        await store.append("station-A", [NewEvent(f"e-{number}", *codec.encode(event))], None)
    again = records(store)
    await again.start()
    for one in (found, again):
        store.returned = 0
        shown = await one.command("c0")
        assert shown is not None
        assert shown["state"] == "accepted"
        assert [(event["version"], event["type"]) for event in shown["history"]] == [
            (1, "CommandRequested"),
            (1501, "CommandAccepted"),
            (1901, "ContradictingEvidence"),
        ]
        assert store.returned == 3
