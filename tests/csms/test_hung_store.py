"""A thread of the log that is given work and never comes back: readiness says so, then the node ends, visibly."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.serve import api
from interlock.csms.store import NewEvent, StoreError, StoreUnavailable, sqlite
from interlock.csms.store.sqlite import SqliteStore
from interlock.csms.store.watch import LOOK_S, Watch
from interlock.csms.store_readiness import UNREADY_S

from .serving import dialled, operated, served
from .test_doors import body, get, raw, status

EVENT = NewEvent("e1", "T", b"{}")


class Loop:
    """Timers that are called by hand."""

    def __init__(self) -> None:
        self.due: list[Any] = []

    def call_later(self, wait_s: float, callback: Any) -> Any:
        self.due.append(callback)
        return callback

    def turn(self) -> None:
        self.due.pop()()


def test_what_gets_on_however_slowly_is_not_hung_and_what_does_not_is() -> None:
    loop, steps, busy, said = Loop(), [0], [True], []
    watch = Watch(loop, lambda: steps[0], lambda: busy[0], said.append, hung_s=5 * LOOK_S)  # type: ignore[arg-type]
    watch.begin()
    watch.begin()
    assert len(loop.due) == 1
    for number in range(40):  # a step every fourth look
        steps[0] += number % 4 == 0
        loop.turn()
    assert said == []
    busy[0] = False
    loop.turn()
    assert loop.due == []  # nothing to do, nobody looks
    busy[0] = True
    watch.begin()
    for _ in range(5):
        assert said == []
        loop.turn()
    assert len(said) == 1
    assert loop.due == []


@pytest.mark.asyncio
async def test_a_hung_disk_is_said_and_then_ends_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "ANSWER_S", 0.05)
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    go_on = threading.Event()
    async with served(store=store) as csms, operated(csms) as port:
        await csms.node.store.append("s", [EVENT], 0)
        asked = asyncio.ensure_future(store._ask(lambda db: go_on.wait(30)))
        await asyncio.sleep(0)
        for _ in range(3):
            answer = await raw(port, get("/health/ready"))
            assert status(answer) == 503
            assert json.loads(body(answer))["detail"] == "the store does not answer"
        assert status(await raw(port, get("/health/live"))) == 200
        assert len(store._asked) == 2  # one probe, however often it is asked
        waiting = asyncio.ensure_future(store.append("s", [NewEvent("e2", "T", b"{}")], 1))
        async with dialled(csms.url()):
            await asyncio.sleep(0.05)
            store.watch._hung_s = LOOK_S
            while csms.node.ended is None:
                store.watch._look()
        for one in (asked, waiting):
            with pytest.raises(StoreError, match="hangs"):
                await one
        answer = await raw(port, get("/health/live"))
        assert status(answer) == 503
        assert b"hangs" in body(answer)
        go_on.set()
    await store.close()


@pytest.mark.asyncio
async def test_a_probe_nobody_waited_for_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "ANSWER_S", 0.01)
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context["message"]))
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    answers: list[asyncio.Future[list[Any]]] = []

    async def read(*_: Any) -> list[Any]:
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    async with served(store=store) as csms, operated(csms) as port:
        with monkeypatch.context() as away:
            away.setattr(store, "read", read)
            assert status(await raw(port, get("/health/ready"))) == 503
            answers[0].set_exception(StoreUnavailable("the database is away"))
            await asyncio.sleep(0)
            assert status(await raw(port, get("/health/ready"))) == 503
            answers[1].set_result([])
        gc.collect()  # a task that failed and was not asked complains when it goes
        assert status(await raw(port, get("/health/ready"))) == 200
    assert complaints == []
    await store.close()


@pytest.mark.asyncio
async def test_a_store_that_refused_is_ready_once_it_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await SqliteStore.open(tmp_path / "log.sqlite")

    async def save_snapshot(*_: Any) -> None:
        raise StoreUnavailable("no space left to write")

    async with served(store=store) as csms, operated(csms) as port:
        outage = csms.node.handler.outage
        outage.refuse(StoreUnavailable("no space left to write"))
        outage._last -= UNREADY_S  # nobody has appended for long
        with monkeypatch.context() as full:
            full.setattr(store, "save_snapshot", save_snapshot)
            assert status(await raw(port, get("/health/ready"))) == 503
            assert await store.read("tokens") == []  # though it can be read
        assert status(await raw(port, get("/health/ready"))) == 200
        assert await store.read_all() == []
    await store.close()


@pytest.mark.asyncio
async def test_a_long_query_takes_steps_and_a_close_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    before = store._steps
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT max(i) FROM n"
    assert await store._ask(lambda db: db.execute(count).fetchone()) == (1000000,)
    assert store._steps - before > 5
    go_on = threading.Event()
    hanging = asyncio.ensure_future(store._ask(lambda db: go_on.wait(30)))
    await asyncio.sleep(0)
    monkeypatch.setattr(sqlite, "HUNG_S", 0.05)
    with pytest.raises(StoreUnavailable, match="was not closed"):
        await store.close()
    go_on.set()
    await hanging
    await store.close()
