"""PostgreSQL behind a wire that fails: lost acknowledgements, a server that is away, and what errors may show."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence

import pytest

from interlock.csms.store import (
    AppendUnconfirmed,
    EventIdReused,
    Snapshot,
    StoredEvent,
    StoreUnavailable,
)

from .postgres_server import (
    SECRET,
    Open,
    Server,
    Wire,
    ids,
    insist,
    kill,
    lock_held,
    node,
    positions,
    run,
    until,
    url,
    waiting_for_lock,
    wire,
)
from .store_contract import event

# postgres_server skips a test file where a package is missing, so it is imported before these
from interlock.csms.store.postgres import PostgresStore  # isort: skip

__all__ = ["node", "url", "wire"]  # fixtures
pytestmark = pytest.mark.asyncio


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
