"""PostgreSQL: a node's name is its own, a log that went back or is another one is noticed, an end is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from interlock.csms.store import AppendUnconfirmed, NameTaken, StoreError, StoreUnavailable
from interlock.csms.store import postgres as store_postgres
from interlock.csms.store.postgres import PostgresStore

from .postgres_server import Open, insist, kill, lock_held, node, run, until, url, waiting_for_lock
from .store_contract import event

__all__ = ["node", "url"]  # fixtures
pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_postgres, "CLAIM_S", 0.3)


class TestNames:
    async def test_a_second_node_of_a_name_is_refused_in_a_sentence(self, node: Open) -> None:
        first, second = await node(), await node()
        await first.claim("n1")
        with pytest.raises(NameTaken, match=r"another node of PostgreSQL .* is called 'n1'.*--node NAME"):
            await second.claim("n1")
        await second.claim("n2")
        await first.claim("n1")  # it is its own

    async def test_a_name_is_free_again_when_its_node_is_gone(self, node: Open) -> None:
        first, second = await node(), await node()
        await first.claim("n1")
        await first.close()
        await second.claim("n1")

    async def test_a_name_is_of_one_log(self, node: Open) -> None:
        first, second = await node(), await node(schema="one")
        await first.claim("n1")
        await second.claim("n1")

    async def test_a_node_that_lost_its_session_takes_its_name_again(self, node: Open, url: str) -> None:
        store = await node()
        await store.claim("n1")
        await kill(url, store._writer)
        assert await insist(store, "a", [event("1")], 0) == 1
        with pytest.raises(NameTaken):
            await (await node()).claim("n1")

    async def test_a_node_whose_name_was_taken_cannot_append(self, node: Open, url: str) -> None:
        old, new = await node(), await node()
        await old.claim("n1")
        await kill(url, old._writer)
        await new.claim("n1")
        told: list[str] = []
        old.ending.on_end(told.append)
        with pytest.raises(StoreError, match="taken the name 'n1'"):
            await insist(old, "a", [event("1")], 0)
        assert len(told) == 1
        assert await new.read_all() == []
        with pytest.raises(StoreUnavailable, match="taken the name"):
            await old.read_all()


class TestTheLog:
    async def filled(self, open_node: Open) -> PostgresStore:
        store: PostgresStore = await open_node(poll_s=0.05)
        for number in range(5):
            await store.append("a", [event(str(number))], number)
        return store

    @pytest.mark.parametrize(
        ("damage", "says"),
        [
            ("DELETE FROM interlock.event WHERE position = 5", "went back"),
            ("UPDATE interlock.event SET event_id = 'other' WHERE position = 5", "went back"),
            ("UPDATE interlock.identity SET name = 'another'", "another log"),
            ("DELETE FROM interlock.identity", "another log"),
        ],
    )
    @pytest.mark.parametrize("line", ["_writer", "_reader", "_listener"])
    async def test_that_is_not_what_it_was_is_noticed_on_any_connection(
        self, node: Open, url: str, damage: str, says: str, line: str
    ) -> None:
        store = await self.filled(node)
        await run(url, damage)
        await kill(url, getattr(store, line))
        if line == "_writer":
            with pytest.raises(StoreError):
                await insist(store, "a", [event("new")], None)
        elif line == "_reader":
            with pytest.raises(StoreError):
                await store.read("a")
        await until(lambda: store.ending.why is not None)
        assert says in str(store.ending.why)
        with pytest.raises(StoreUnavailable, match=says):
            await store.append("a", [event("later")], None)

    @pytest.mark.parametrize("damage", ["DELETE FROM interlock.event", "TRUNCATE interlock.event"])
    async def test_that_is_emptied_under_a_living_connection_takes_nothing_more(
        self, node: Open, url: str, damage: str
    ) -> None:
        store = await self.filled(node)
        store._tasks[1].remove_done_callback(store._task_ended)
        store._tasks[1].cancel()  # nothing but the append can notice it
        await run(url, damage)
        with pytest.raises(AppendUnconfirmed):
            await store.append("b", [event("new")], None)
        assert "went back" in str(store.ending.why)

    async def test_that_is_emptied_is_noticed_though_nobody_appends(self, node: Open, url: str) -> None:
        store = await self.filled(node)
        await run(url, "DELETE FROM interlock.event WHERE position = 5")
        await until(lambda: store.ending.why is not None)
        assert "went back" in str(store.ending.why)

    async def test_that_is_as_it_was_or_longer_is_the_log(self, node: Open, url: str) -> None:
        store, other = await self.filled(node), await node()
        await other.append("b", [event("more")], 0)
        await kill(url, store._writer, store._reader, store._listener)
        assert await insist(store, "a", [event("5")], 5) == 6
        assert len(await store.read_all()) == 7
        assert store.ending.why is None


class TestEnds:
    @pytest.mark.parametrize("task", [0, 1, 2])
    async def test_a_task_that_ends_is_the_end_and_nobody_waits(self, node: Open, url: str, task: int) -> None:
        store: PostgresStore = await node(poll_s=0.05)
        async with lock_held(url):
            waiting = [asyncio.create_task(store.append("a", [event(f"{n}")], None)) for n in range(3)]
            await waiting_for_lock(url)
            store._tasks[task].cancel()
            await until(lambda: store.ending.why is not None)
        async with asyncio.timeout(5):
            results = await asyncio.gather(*waiting, return_exceptions=True)
        if task == 0:
            assert isinstance(results[0], AppendUnconfirmed)
        assert all(isinstance(one, StoreError | int) for one in results)
        with pytest.raises(StoreError):
            await store.append("a", [event("new")], None)
        with pytest.raises(StoreUnavailable):
            await store.read_all()

    async def test_what_breaks_in_one_round_is_not_the_end(self, node: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        """An exception nobody thought of, in each thing the tasks do."""
        store: PostgresStore = await node(poll_s=0.05)
        for name in ("_committed", "_judge", "_catch_up", "_hint", "_heard"):
            broken, real = [True], getattr(store, name)

            def breaks(*values: Any, broken: list[bool] = broken, real: Callable[..., Any] = real, **named: Any) -> Any:
                if broken:
                    broken.clear()
                    raise RuntimeError("odd")
                return real(*values, **named)

            monkeypatch.setattr(store, name, breaks)
            store._behind = True
            await insist(store, "a", [event(name)], None)
            if name != "_heard":  # that one is left to the task that listens
                store._heard("")
            async with asyncio.timeout(30.0):
                while broken:
                    await asyncio.sleep(0.01)
            await insist(store, "a", [event(f"{name} again")], None)
        assert store.ending.why is None
        assert len(await store.read("a")) == 10

    async def test_a_caller_that_is_cancelled_costs_nothing(self, node: Open) -> None:
        store: PostgresStore = await node()
        for number in range(30):
            waiting = [
                asyncio.create_task(store.read_all()),
                asyncio.create_task(store.append("a", [event(f"{number}")], None)),
                asyncio.create_task(store.find(["1", "2"])),
            ]
            for _ in range(number % 7):
                await asyncio.sleep(0.0005)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        assert await insist(store, "b", [event("on")], None) == 1
        assert (await store.read("b"))[0].event_id == "on"
        assert store.ending.why is None
