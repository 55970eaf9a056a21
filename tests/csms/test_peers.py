"""Two nodes of one log: a connection on the other one is asked for a sign of life, and a command is known at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from websockets.exceptions import ConnectionClosed

from interlock.csms import peers
from interlock.csms.domain import commands as do
from interlock.csms.store import NOTE_BYTES, EventStore, MemoryStore, Subscriber
from interlock.csms.supervise import Supervisor

from .serving import Served, Station, dialled, operated, served
from .test_doors import TOKEN, body, get, raw, status

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def two(monkeypatch: pytest.MonkeyPatch, takeover_s: float = 5.0) -> AsyncIterator[tuple[Served, Served]]:
    """Serve two nodes of one log."""
    monkeypatch.setattr(peers, "HEARD_S", 0.1)
    store = MemoryStore()
    async with (
        served(store=store, name="n1", takeover_s=takeover_s) as one,
        served(store=store, name="n2", takeover_s=takeover_s) as other,
    ):
        yield one, other


async def owner(csms: Served, station: str = "CP01") -> str:
    state = await csms.records.station(station)
    assert state is not None
    return state.node


async def deaf(station: Station) -> None:
    """Answer no ping from now on, as behind a line that broke unseen."""
    await asyncio.sleep(0)
    station.socket.transport.pause_reading()


async def test_without_proof_nothing_is_taken_from_one_that_answers_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two(monkeypatch) as (one, other), dialled(one.url()) as station:
        await station.boot()
        async with dialled(other.url()) as newcomer:
            await newcomer.socket.send(json.dumps([2, "1", "Heartbeat", {}]))  # that it speaks proves nothing
            with pytest.raises(ConnectionClosed, match="another connection of this station answers"):
                await newcomer.hear()
        assert await owner(one) == "n1"
        assert (await station.boot())[0] == 3
        assert not one.alarms + other.alarms


async def test_all_who_ask_at_once_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two(monkeypatch) as (one, other), dialled(one.url()) as station:
        await station.boot()
        found = await asyncio.gather(*(other.node.peers.alive("CP01", "n1") for _ in range(5)))
        assert found == [True] * 5


async def test_from_one_that_is_silent_elsewhere_a_silent_newcomer_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two(monkeypatch, takeover_s=0.2) as (one, other), dialled(one.url()) as station:
        await station.boot()
        await deaf(station)
        async with dialled(other.url()) as newcomer:
            while await owner(one) != "n2":
                await asyncio.sleep(0.01)
            assert (await newcomer.boot())[0] == 3
        station.socket.transport.abort()


@pytest.mark.parametrize("gone", ["node", "connection"])
async def test_where_nobody_has_it_the_newcomer_counts(monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    async with two(monkeypatch) as (one, other), dialled(one.url()) as station:
        await station.boot()
        if gone == "node":
            one.node.peers.close()  # as when its process was killed
        else:
            station.socket.transport.abort()
            while one.node.connections:
                await asyncio.sleep(0.01)
        assert await owner(other) == "n1"
        async with dialled(other.url()):
            while await owner(other) != "n2":
                await asyncio.sleep(0.01)
        station.socket.transport.abort()


async def test_what_an_earlier_start_of_a_node_asked_is_not_this_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "HEARD_S", 0.001)
    store, told = MemoryStore(), list[str]()
    store.on_note(told.append)
    supervisor = Supervisor(asyncio.ensure_future, lambda why: None)
    for start in ("n1-a", "n1-b"):
        assert not await peers.Peers("n1", start, store, {}, supervisor, 0.0).alive("CP01", "n2")
    names = [json.loads(note)["name"] for note in told]
    assert len(names) == len(set(names)) == 2 * peers.ASKS


async def test_odd_notes_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two(monkeypatch) as (one, _), dialled(one.url()) as station:
        await station.boot()
        store = one.node.store
        for note in ("", "{", "[]", '{"type":"said","name":"9","asker":"n1","word":"alive"}', "x" * 9000):
            await store.send_note(note)
        heard: list[str] = []
        stop = store.on_note(heard.append)
        await store.send_note("x" * (NOTE_BYTES + 1))
        await store.send_note("short")
        stop()
        await store.send_note("late")
        assert heard == ["short"]
        assert (await station.boot())[0] == 3
        assert not one.alarms


class Late:
    """A log of which this node hears no commit: as long as that takes."""

    def __init__(self, inner: MemoryStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        return lambda: None


async def test_what_one_node_acknowledged_the_other_finds_at_once() -> None:
    store = MemoryStore()
    late = cast(EventStore, Late(store))
    async with (
        served(store=store, name="n1") as one,
        served(store=late, name="n2") as other,
        operated(other) as port,
        dialled(one.url()) as station,
    ):
        await station.boot()
        decided = await one.node.operate("CP01", do.Unlock(1), "key:k1")
        assert decided.answer == "accepted"
        answer = await raw(port, get(f"/api/commands/{decided.command_id}", TOKEN))
        assert status(answer) == 200
        assert json.loads(body(answer))["id"] == decided.command_id
        again = await other.node.operate("CP01", do.Unlock(1), "key:k1")
        assert (again.answer, again.command_id) == ("known", decided.command_id)
        assert status(await raw(port, get(f"/api/commands/c{'0' * 30}", TOKEN))) == 404
