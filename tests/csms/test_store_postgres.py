"""The PostgreSQL store under the contract on a real server, several nodes on one log, and its migrations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
import pytest_asyncio

from interlock.csms.store import (
    EventIdReused,
    NotStorable,
    StoredEvent,
    StoreUnavailable,
    WrongExpectedVersion,
)

from .postgres_server import (
    Open,
    Server,
    ids,
    kill,
    lock_held,
    node,
    positions,
    run,
    session,
    until,
    url,
    waiting_for_lock,
)
from .store_contract import StoreContract, event

# postgres_server skips a test file where a package is missing, so it is imported before these
from interlock.csms.store import postgres as store_postgres  # isort: skip
from interlock.csms.store import postgres_line as store_postgres_line  # isort: skip
from interlock.csms.store.postgres import PostgresStore  # isort: skip

__all__ = ["node", "url"]  # fixtures
pytestmark = pytest.mark.asyncio


class TestPostgresStore(StoreContract):
    @pytest_asyncio.fixture
    async def store(self, node: Open) -> PostgresStore:
        store: PostgresStore = await node()
        return store

    async def test_an_empty_batch_answers_where_the_head_is(self, store: PostgresStore) -> None:
        assert await store.append("a", [], None) == 0
        await store.append("a", [event("1")], 0)
        assert await store.append("a", [], 1) == 1
        with pytest.raises(WrongExpectedVersion):
            await store.append("a", [], 0)
        assert len(await store.read_all()) == 1

    async def test_an_id_twice_in_a_batch_is_an_error(self, store: PostgresStore) -> None:
        with pytest.raises(EventIdReused):
            await store.append("a", [event("1"), event("1")], None)

    async def test_one_id_in_two_streams_at_once_lands_once(self, store: PostgresStore, url: str) -> None:
        async with lock_held(url):
            jobs = [asyncio.create_task(store.append("x", [event("0")], 0))]
            await waiting_for_lock(url)
            # These three wait together, and so share a statement, which the unique id refuses.
            jobs += [asyncio.create_task(store.append(stream, [event(one)], 0)) for stream, one in ("a1", "b1", "c2")]
            await asyncio.sleep(0.02)
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(one) for one in results] == [int, int, EventIdReused, int]

    @pytest.mark.parametrize("stream", ["nul\0", "half \ud83d", "long" * 100_000], ids=["nul", "surrogate", "long"])
    async def test_what_cannot_be_stored_fails_alone(self, store: PostgresStore, url: str, stream: str) -> None:
        if "long" in stream:
            stream = "".join(random.Random(1).choices("abcdefghijklmnop", k=40_000))
        async with lock_held(url):
            jobs = [asyncio.create_task(store.append("x", [event("0")], 0))]
            await waiting_for_lock(url)
            jobs += [
                asyncio.create_task(store.append(one, [event(str(n))], 0)) for n, one in enumerate(("a", stream), 1)
            ]
            await asyncio.sleep(0.02)
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(one) for one in results] == [int, int, NotStorable]
        assert "\n" not in str(results[2])
        assert await store.streams() == ["a", "x"]

    async def test_a_cancelled_caller_harms_nobody(self, store: PostgresStore, url: str) -> None:
        async with lock_held(url):
            job = asyncio.create_task(store.append("a", [event("1")], 0))
            await waiting_for_lock(url)
            job.cancel()
            await asyncio.sleep(0)
        assert await store.append("a", [event("2")], None) == 2

    async def test_a_subscriber_that_raises_harms_nobody(self, store: PostgresStore) -> None:
        heard: list[Sequence[StoredEvent]] = []
        complaints: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context["message"]))
        store.subscribe(lambda batch: 1 / 0)  # type: ignore[arg-type, return-value]
        store.subscribe(heard.append)
        assert await store.append("a", [event("1")], 0) == 1
        assert ids(heard) == [["1"]]
        assert len(complaints) == 1

    async def test_a_big_log_is_not_scanned(self, store: PostgresStore, node: Open, url: str) -> None:
        """The plan was made while the log was small, and that was known; the server counts what it scanned."""
        for number in range(10):
            await store.append("a", [event(str(number))], None)
        await run(url, "ANALYZE interlock.event")
        writing = await node()
        await writing.append("a", [event("10")], None)
        await run(
            url,
            "INSERT INTO interlock.event"
            " SELECT n, 's' || n, 1, 'f' || n, 't', '', true FROM generate_series(12, 9999) n",
        )
        for number in range(30):
            await writing.append("a", [event(f"x{number}")], None)
        await writing.close()  # a session that ends tells its counts
        query = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'event'"
        async with asyncio.timeout(5):
            while (found := (await run(url, query))[0])[1] < 90:
                await asyncio.sleep(0.05)
        assert found[0] < 20


class TestNodes:
    async def test_of_two_nodes_at_one_version_one_wins(self, node: Open) -> None:
        nodes = [await node(), await node()]
        for version in range(25):
            results = await asyncio.gather(
                *(store.append("a", [event(f"{version}-{n}")], version) for n, store in enumerate(nodes)),
                return_exceptions=True,
            )
            assert sorted(map(str, results)) == [str(version + 1), f"a is at version {version + 1}, not {version}"]
        assert len(await nodes[0].read("a")) == 25

    async def test_the_same_batch_from_two_nodes_lands_once(self, node: Open) -> None:
        nodes = [await node(), await node()]
        for number in range(25):
            batch = [event(f"{number}a"), event(f"{number}b")]
            assert await asyncio.gather(*(store.append("a", batch, None) for store in nodes)) == [number * 2 + 2] * 2

    @pytest.mark.parametrize("hints", [True, False])
    async def test_every_node_hears_every_batch_once_in_order(
        self, node: Open, monkeypatch: pytest.MonkeyPatch, hints: bool
    ) -> None:
        if not hints:
            monkeypatch.setattr(store_postgres, "_NOTIFY", "SELECT %s, %s")
        poll_s = 30.0 if hints else 0.1
        nodes = [await node(poll_s=poll_s) for _ in range(3)]
        heard: list[list[Sequence[StoredEvent]]] = [[] for _ in nodes]
        for store, mine in zip(nodes, heard, strict=True):
            store.subscribe(mine.append)

        async def write(n: int, store: PostgresStore) -> None:
            for number in range(40):
                await store.append(f"s{n}", [event(f"{n}-{number}-{part}") for part in range(number % 3 + 1)], None)
                await asyncio.sleep(0.001 * (number % 5))

        await asyncio.gather(*(write(n, store) for n, store in enumerate(nodes)))
        await until(lambda: all(len(mine) >= 120 for mine in heard))
        whole = await nodes[0].read_all()
        for mine in heard:
            assert [one for batch in mine for one in batch] == whole
            assert all(len({one.stream for one in batch}) == 1 for batch in mine)
            assert sorted(ids(mine)) == sorted(ids(heard[0]))
        assert len(heard[0]) == 120

    async def test_a_batch_longer_than_a_page_comes_in_one_piece(
        self, node: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_postgres, "PAGE", 4)
        nodes = [await node(), await node()]
        heard: list[Sequence[StoredEvent]] = []
        nodes[1].subscribe(heard.append)
        for size in (1, 20, 4, 2, 9):
            await nodes[0].append("a", [event(f"{size}-{n}") for n in range(size)], None)
        await until(lambda: len(heard) == 5)
        assert [len(batch) for batch in heard] == [1, 20, 4, 2, 9]

    async def test_own_appends_are_heard_before_they_return(self, node: Open) -> None:
        store, other = await node(poll_s=30), await node()
        heard: list[Sequence[StoredEvent]] = []
        store.subscribe(heard.append)
        await store.append("a", [event("1")], None)
        assert ids(heard) == [["1"]]
        await other.append("a", [event("2")], None)
        await store.append("a", [event("3")], None)
        await until(lambda: len(heard) == 3)
        assert ids(heard) == [["1"], ["2"], ["3"]]

    async def test_a_poll_in_the_middle_of_appending_tells_nothing_twice(self, node: Open) -> None:
        store = await node(poll_s=0.0005)
        heard: list[Sequence[StoredEvent]] = []
        store.subscribe(heard.append)
        for number in range(200):
            await store.append("a", [event(str(number))], number)
        assert ids(heard) == [[str(number)] for number in range(200)]

    async def test_a_dead_listener_comes_back_and_misses_nothing(self, node: Open, url: str) -> None:
        nodes = [await node(poll_s=0.2), await node(poll_s=0.2)]
        heard: list[Sequence[StoredEvent]] = []
        nodes[1].subscribe(heard.append)
        await until(lambda: nodes[1]._listener._connection is not None)
        before = nodes[1]._listener._connection
        await kill(url, nodes[1]._listener)
        for number in range(20):
            await nodes[0].append("a", [event(str(number))], None)
            await asyncio.sleep(0.02)
        await until(lambda: len(heard) == 20)
        assert ids(heard) == [[str(number)] for number in range(20)]
        await until(lambda: nodes[1]._listener._connection not in (None, before))

    async def test_a_reader_never_skips(self, node: Open) -> None:
        """Writers on three nodes, readers that go on from the last position they saw: nothing turns up behind them."""
        nodes = [await node() for _ in range(3)]
        reading = [await node() for _ in range(2)]
        done = False
        rng = random.Random(5)

        async def write(n: int) -> None:
            for number in range(60):
                size = rng.choice((1, 1, 1, 5, 40))
                await nodes[n % 3].append(f"s{n}", [event(f"{n}-{number}-{part}") for part in range(size)], None)

        async def follow(store: PostgresStore) -> list[StoredEvent]:
            seen: list[StoredEvent] = []
            while True:
                last = done
                seen += await store.read_all(seen[-1].position if seen else 0, rng.choice((None, 7, 100)))
                if last and len(seen) == len(await store.read_all()):
                    return seen

        followers = [asyncio.create_task(follow(store)) for store in reading]
        await asyncio.gather(*(write(n) for n in range(12)))
        done = True
        whole = await nodes[0].read_all()
        assert positions(whole) == list(range(1, len(whole) + 1))
        for seen in await asyncio.gather(*followers):
            assert seen == whole

    async def test_another_isolation_level_by_default_changes_nothing(self, node: Open, url: str) -> None:
        await run(url, "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'")
        nodes = [await node(), await node()]
        await asyncio.gather(*(nodes[n % 2].append("a", [event(str(n))], None) for n in range(40)))
        assert [one.version for one in await nodes[0].read("a")] == list(range(1, 41))

    async def test_a_writer_without_the_lock_is_caught_by_the_constraints(self, node: Open, url: str) -> None:
        store = await node()
        await store.append("a", [event("1")], None)
        async with session(url) as rude, rude.transaction():
            await rude.execute("INSERT INTO interlock.event VALUES (2, 'a', 2, 'rude', 't', '', true)")
            job = asyncio.create_task(store.append("a", [event("2")], None))
            await asyncio.sleep(0.1)
            assert not job.done()
        assert await job == 3
        assert positions(await store.read_all()) == [1, 2, 3]


class TestNotes:
    async def test_nodes_hear_each_others_notes_and_no_commit_is_one(self, node: Open) -> None:
        one, other = await node(), await node()
        heard: list[str] = []
        other.on_note(heard.append)
        while not heard:  # until it listens
            await one.send_note("a")
            await asyncio.sleep(0.01)
        await one.append("a", [event("1")], 0)
        for note in ("x" * 5000, "a\0b", "12", "b\u00e9"):
            await one.send_note(note)
        while heard[-1] != "b\u00e9":
            await asyncio.sleep(0.01)
        assert [note for note in heard if note != "a"] == ["12", "b\u00e9"]

    async def test_what_is_acknowledged_at_one_is_found_at_once_at_another(self, node: Open) -> None:
        one, other = await node(), await node(poll_s=60.0)
        for number in range(20):
            await one.append("a", [event(str(number))], number)
            assert len(await other.find([str(number)])) == 1


class TestMigrations:
    async def number(self, url: str) -> int:
        return int((await run(url, "SELECT max(number) FROM interlock.migration"))[0][0])

    async def test_twice(self, node: Open, url: str) -> None:
        await (await node()).append("a", [event("1")], 0)
        assert len(await (await node()).read_all()) == 1
        assert await self.number(url) == len(store_postgres_line.MIGRATIONS)

    async def test_many_at_once(self, url: str) -> None:
        stores = await asyncio.gather(*(PostgresStore.open(url) for _ in range(6)))
        await asyncio.gather(*(store.append("a", [event(str(n))], None) for n, store in enumerate(stores)))
        await asyncio.gather(*(store.close() for store in stores))
        assert await self.number(url) == len(store_postgres_line.MIGRATIONS)

    async def test_half_done(self, node: Open, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        await node()
        known = store_postgres_line.MIGRATIONS
        broken = b"CREATE TABLE interlock.half (n int); SELECT 1 / 0"
        monkeypatch.setattr(store_postgres_line, "MIGRATIONS", (*known, b"CREATE TABLE whole (n int)", broken))
        with pytest.raises(StoreUnavailable, match="division by zero"):
            await PostgresStore.open(url)
        assert await self.number(url) == len(known) + 1  # the one that went well stays, of the other nothing does
        assert await run(
            url, "SELECT to_regclass('interlock.whole') IS NULL, to_regclass('interlock.half') IS NULL"
        ) == [(False, True)]
        monkeypatch.setattr(store_postgres_line, "MIGRATIONS", (*known, b"SELECT 1 / 0", b"CREATE TABLE half (n int)"))
        assert await (await node()).append("a", [event("1")], 0) == 1
        assert await self.number(url) == len(known) + 2

    async def test_newer_than_known(self, node: Open, url: str) -> None:
        await node()
        await run(url, "INSERT INTO interlock.migration VALUES (99)")
        with pytest.raises(StoreUnavailable, match=r"written by a newer Interlock \(schema 99, this one knows up to"):
            await PostgresStore.open(url)

    async def test_two_schemas_are_two_logs(self, node: Open) -> None:
        stores = [await node(schema="one"), await node(schema="user")]
        for store in stores:
            await store.append("a", [event("1")], 0)
        assert [positions(await store.read_all()) for store in stores] == [[1], [1]]
        with pytest.raises(StoreUnavailable, match="cannot be a schema"):
            await node(schema='"; DROP')

    async def test_who_was_given_a_schema_needs_no_right_to_make_one(self, server: Server, url: str) -> None:
        await run(url, "CREATE ROLE modest LOGIN; CREATE SCHEMA interlock AUTHORIZATION modest")
        store = await PostgresStore.open(url.replace("//postgres:", "//modest:"))
        assert await store.append("a", [event("1")], 0) == 1
        await store.close()
