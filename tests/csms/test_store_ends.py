"""What goes wrong in a store stays with its caller; and when the store itself ends, nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from interlock.csms.store import AppendUnconfirmed, NewEvent, StoreError, StoreUnavailable
from interlock.csms.store import sqlite as store_sqlite
from interlock.csms.store.sqlite import SqliteStore

from .store_contract import event

pytestmark = pytest.mark.asyncio


class Ends(BaseException):
    """What no job may catch."""


class Connection:
    """A SQLite connection that raises at the `at`th statement, before it or behind it."""

    def __init__(self, inner: sqlite3.Connection, at: int, error: BaseException | None, behind: bool) -> None:
        self.inner, self.at, self.error, self.behind, self.count = inner, at, error, behind, 0

    def execute(self, *values: Any) -> Any:
        self.count += 1
        if self.error is not None and self.count == self.at and not self.behind:
            raise self.error
        found = self.inner.execute(*values)
        if self.error is not None and self.count == self.at and self.behind:
            raise self.error
        return found

    @property
    def in_transaction(self) -> bool:
        return self.inner.in_transaction

    def set_progress_handler(self, *values: Any) -> None:
        self.inner.set_progress_handler(*values)

    def close(self) -> None:
        self.inner.close()


Break = Callable[[int, BaseException | None, bool], Connection]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    yield store
    await store.close()


async def works(store: SqliteStore, name: str) -> None:
    async with asyncio.timeout(5):
        before = len(await store.read("works"))
        assert await store.append("works", [event(name)], before) == before + 1
        assert (await store.read("works"))[-1].event_id == name


async def test_a_caller_that_is_cancelled_costs_nothing(store: SqliteStore) -> None:
    """A browser's tab that follows the log is closed while its read is under way."""
    for number in range(50):
        waiting = [
            asyncio.create_task(store.read_all()),
            asyncio.create_task(store.append("a", [event(f"a{number}")], None)),
            asyncio.create_task(store.find(["a1"])),
        ]
        for _ in range(number % 4):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(
            isinstance(result, asyncio.CancelledError) or not isinstance(result, BaseException) for result in results
        )
    await works(store, "on")
    assert store.ending.why is None


@pytest.mark.parametrize("error", [ValueError("odd"), MemoryError(), RecursionError(), sqlite3.ProgrammingError("odd")])
async def test_what_a_query_raises_is_its_callers(store: SqliteStore, error: Exception) -> None:
    def ask(db: sqlite3.Connection) -> None:
        raise error

    with pytest.raises((type(error), StoreUnavailable)):
        await store._ask(ask)
    await works(store, "on")


async def test_positions_beyond_64_bits_are_no_error(store: SqliteStore) -> None:
    await store.append("a", [event("1")], 0)
    assert await store.read_all(2**63) == []
    assert await store.read("a", 2**80, 2**80) == []
    assert len(await store.read("a", -(2**80))) == 1
    await works(store, "on")


async def test_when_the_thread_ends_nobody_waits(store: SqliteStore) -> None:
    told: list[str] = []
    store.ending.on_end(told.append)

    def ask(db: sqlite3.Connection) -> None:
        raise Ends("the end")

    waiting = [asyncio.create_task(store._ask(ask)), *(asyncio.create_task(store.read_all()) for _ in range(5))]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(store.append("a", [event("1")], None)))
    async with asyncio.timeout(5):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, StoreError) for result in results), results
    assert told == [store.ending.why] == ["log.sqlite: the thread of the log ended: Ends: the end"]
    with pytest.raises(StoreUnavailable, match="ended"):
        await store.read_all()
    with pytest.raises(StoreUnavailable, match="ended"):
        await store.append("a", [event("2")], None)
    late: list[str] = []
    store.ending.on_end(late.append)
    assert late == told


ERRORS = [ValueError("odd"), sqlite3.OperationalError("odd"), Ends("end")]


async def _try(path: Path, monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException | None, behind: bool) -> int:
    """Append and read with one statement broken; return how many statements there were."""
    made: list[Connection] = []
    opened = store_sqlite.connect(path)

    def connect(path: Path) -> Any:
        made.append(Connection(opened, at, error, behind))
        return made[0]

    monkeypatch.setattr(store_sqlite, "connect", connect)
    store = await SqliteStore.open(path)
    jobs = [
        store.append("a", [event("1")], None),
        store.append("a", [event("2"), event("3")], None),
        store.append("b", [event("4")], 7),
        store.read_all(),
        store.append("c", [event("5")], 0),
        store.find(["1"]),
    ]
    async with asyncio.timeout(10):
        results = await asyncio.gather(*jobs, return_exceptions=True)
        if store.ending.why is None:
            made[0].error = None  # a path with fewer statements has not come to it
            await works(store, "on")
            found = {one.event_id for one in await store.read_all()}
            for names, result in ((("1",), results[0]), (("2", "3"), results[1]), (("5",), results[4])):
                if isinstance(result, int):
                    assert found >= set(names), (at, error, behind)
                elif not isinstance(result, AppendUnconfirmed):
                    assert not found & set(names), (at, error, behind, result)
            assert await store.check() == []
        else:
            assert isinstance(error, Ends)
            with pytest.raises(StoreError):
                await store.read_all()
        await store.close()
    return made[0].count


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_error_at_every_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    real = store_sqlite.connect
    count, number = await _try(tmp_path / "0.sqlite", monkeypatch, 0, None, False), 0
    assert count > 10
    for at in range(1, count + 1):
        for behind in (False, True):
            monkeypatch.setattr(store_sqlite, "connect", real)
            number += 1
            await _try(tmp_path / f"{number}.sqlite", monkeypatch, at, error, behind)


@pytest.mark.parametrize("removed", [True, False])
async def test_a_file_that_is_not_there_any_more_is_the_end(tmp_path: Path, store: SqliteStore, removed: bool) -> None:
    """As when an older copy is put in its place: what is appended to the old one nobody will read."""
    await store.append("a", [event("1")], 0)
    if removed:
        store.path.unlink()
    else:
        store.path.rename(tmp_path / "away.sqlite")
        store.path.write_bytes(b"another")
    with pytest.raises(StoreError, match="replaced or removed"):
        await store.append("a", [event("2")], 1)
    with pytest.raises(StoreUnavailable, match="replaced or removed"):
        await store.append("a", [event("3")], 1)
    assert store.ending.why is not None


@pytest.mark.parametrize("how", ["cut", "emptied", "overwritten"])
async def test_a_file_that_is_written_to_by_others_is_the_end(store: SqliteStore, how: str) -> None:
    """As by a copy onto it, or a shell's `>`: no start would find in it what is appended now."""
    await store.append("a", [event("1")], 0)
    await store.read("a")
    if how == "overwritten":
        with store.path.open("r+b") as file:
            file.write(b"hello, this is a text, and no database")
    else:
        os.truncate(store.path, 0 if how == "emptied" else 100)
    with pytest.raises(StoreError, match=r"log\.sqlite: the file was (cut|overwritten) while it was open"):
        await store.append("a", [event("2")], 1)
    assert store.ending.why is not None


@pytest.mark.parametrize("how", ["removed", "replaced", "cut", "overwritten"])
async def test_a_write_ahead_file_that_is_taken_away_is_the_end(store: SqliteStore, how: str) -> None:
    """It may hold all that was acknowledged: after a crash nobody would read it."""
    await store.append("a", [event("1")], 0)
    await store.append("a", [event("2")], 1)  # it is known by now
    wal = store.path.with_name(f"{store.path.name}-wal")
    if how == "cut":
        os.truncate(wal, 0)
    elif how == "overwritten":
        wal.write_bytes(b"another" * (wal.stat().st_size // 7 + 1))
    else:
        wal.unlink()
    if how == "replaced":
        wal.write_bytes(b"another" * 1000)
    with pytest.raises(StoreError, match=r"-wal: the file was (replaced or removed|cut|overwritten) while it was open"):
        await store.append("a", [event("3")], 2)
    assert store.ending.why is not None


async def test_a_write_ahead_file_whose_pages_are_no_pages_is_said_at_the_latest_when_it_is_closed(
    tmp_path: Path,
) -> None:
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    await store.append("a", [event("1")], 0)
    wal = store.path.with_name(f"{store.path.name}-wal")
    with wal.open("r+b") as file:
        file.seek(32)
        file.write(b"\xff" * (wal.stat().st_size - 32))
    with pytest.raises(StoreUnavailable, match="overwritten while it was open"):
        await store.close()


async def test_a_write_ahead_file_that_is_used_again_from_its_beginning_is_no_end(store: SqliteStore) -> None:
    for number in range(60):  # 12 MB and more: moved into the file, and begun anew, without being cut
        await store.append("a", [NewEvent(f"e{number}", "T", bytes(400_000))], number)
    assert store.ending.why is None
