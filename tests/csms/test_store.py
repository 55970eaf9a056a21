"""Both stores under the contract, and what only a file can get wrong."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from interlock.csms.store import MemoryStore, NewEvent, StoreUnavailable
from interlock.csms.store.sqlite import SqliteStore
from interlock.csms.store.sqlite_file import has_wal_reset_bug

from .store_contract import StoreContract, event

KILLS = 8


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    pytestmark = pytest.mark.asyncio


class TestSqliteStore(StoreContract):
    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await SqliteStore.open(tmp_path / "log.sqlite")
        yield store
        await store.close()

    async def test_it_is_all_there_after_opening_again(self, tmp_path: Path) -> None:
        store = await SqliteStore.open(tmp_path / "again.sqlite")
        await store.append("a", [event("1")], 0)
        await store.close()
        store = await SqliteStore.open(tmp_path / "again.sqlite")
        assert [one.event_id for one in await store.read("a")] == ["1"]
        assert await store.check() == []
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.read("a")

    async def test_a_second_opener_is_refused_in_a_sentence(self, tmp_path: Path, store: SqliteStore) -> None:
        if not has_wal_reset_bug(sqlite3.sqlite_version_info):
            pytest.skip("this SQLite may be shared")
        with pytest.raises(StoreUnavailable, match="in use by another process"):
            await SqliteStore.open(tmp_path / "log.sqlite")

    async def test_a_full_disk_loses_nothing_and_work_goes_on(self, tmp_path: Path) -> None:
        store = await SqliteStore.open(tmp_path / "full.sqlite")
        await store.append("a", [event("1")], 0)
        pages = await store._ask(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await store._ask(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 1}"))
        with pytest.raises(StoreUnavailable, match="no space left"):
            await store.append("a", [event("2", b"x" * 100_000)], 1)
        await store._ask(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
        assert await store.append("a", [event("2", b"x" * 100_000)], 1) == 2
        assert await store.check() == []
        await store.close()

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("junk.sqlite", b"this is no database" * 100, "damaged or no Interlock log"),
            ("no/such/dir", None, "cannot be opened"),
        ],
    )
    async def test_what_is_no_log_is_refused_in_a_sentence(
        self, tmp_path: Path, name: str, content: bytes | None, says: str
    ) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StoreUnavailable, match=says):
            await SqliteStore.open(path)

    async def test_a_newer_schema_is_refused(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "new.sqlite") as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(StoreUnavailable, match="newer Interlock"):
            await SqliteStore.open(tmp_path / "new.sqlite")


@pytest.mark.parametrize(
    ("version", "bad"),
    [
        ((3, 40, 1), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_versions_with_the_wal_reset_bug(version: tuple[int, int, int], bad: bool) -> None:
    assert has_wal_reset_bug(version) is bad


WRITER = """
import asyncio, sys
from interlock.csms.store import NewEvent
from interlock.csms.store.sqlite import SqliteStore
async def main(path, run):
    store = await SqliteStore.open(path)
    async def write(writer):
        stream, n = f"s{writer}", len(await store.read(f"s{writer}"))
        while True:
            name = f"{run}-{writer}-{n}"
            n = await store.append(stream, [NewEvent(name, "Booted", b"{}")], n)
            print(name, flush=True)
    await asyncio.gather(*(write(writer) for writer in range(16)))
asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, acknowledged, rng = tmp_path / "killed.sqlite", set[str](), random.Random(9)
    for run in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(run)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert child.stdout is not None
        acknowledged.add(child.stdout.readline().strip())  # it is up and writing
        time.sleep(rng.uniform(0.02, 0.3))
        child.send_signal(signal.SIGKILL)
        lines = child.stdout.read().split("\n")
        # The last line may have been cut in two by the kill: only whole ones were acknowledged.
        acknowledged.update(line for line in lines[:-1] if line)
        child.stdout.close()
        child.wait()

    async def look() -> tuple[set[str], list[str]]:
        store = await SqliteStore.open(path)
        found = {one.event_id for one in await store.read_all()}
        wrong = await store.check()
        await store.close()
        return found, wrong

    found, wrong = asyncio.run(look())
    assert wrong == []
    assert len(acknowledged) > KILLS
    assert acknowledged <= found


def test_a_lost_event_would_be_noticed(tmp_path: Path) -> None:
    """The check above bites: a gap made by hand is reported."""

    async def damage() -> list[str]:
        store = await SqliteStore.open(tmp_path / "gap.sqlite")
        await store.append("a", [NewEvent(str(n), "Booted", b"{}") for n in range(3)], 0)
        await store._ask(lambda db: db.execute("DELETE FROM event WHERE version = 2"))
        wrong = await store.check()
        await store.close()
        return wrong

    assert asyncio.run(damage()) == ["a: versions have a gap"]
