"""Nothing ends unseen: a connection that breaks off is closed, a node whose store ended says so and leaves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from interlock.csms import codec
from interlock.csms.connection import Connection
from interlock.csms.domain import commands as do
from interlock.csms.node import Csms
from interlock.csms.store import MemoryStore
from interlock.csms.store.sqlite import SqliteStore
from interlock.loadtests.damage.break_off import Interrupted, Place

from .serving import Served, dialled, served
from .test_api import Client

pytestmark = pytest.mark.asyncio


async def test_a_connection_whose_handling_breaks_off_is_closed_and_the_station_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when a file could not be opened, for want of descriptors."""
    receive, broken = Connection.receive, [True]

    async def breaks(self: Connection, frame: str) -> None:
        if broken and "Heartbeat" in frame:
            broken.clear()
            raise OSError(24, "Too many open files")
        await receive(self, frame)

    monkeypatch.setattr(Connection, "receive", breaks)
    async with served() as csms:
        async with dialled(csms.url()) as station:
            await station.boot()
            await station.socket.send('[2,"h","Heartbeat",{}]')
            with pytest.raises(ConnectionClosed) as closed:
                await station.hear()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
            assert "CP01" not in csms.node.connections
        async with dialled(csms.url()) as station:
            assert (await station.say("Heartbeat", {}))[0] == 3
        assert csms.node.ended is None


async def test_health_says_that_the_store_ended() -> None:
    async with served() as csms:
        client = Client(csms)
        assert (await client("GET", "/health/live"))[0] == 200
        csms.node.store.ending.end("the thread of the log ended")
        for path in ("/health/live", "/health/ready"):
            status, told = await client("GET", path)
            assert status == 503
            assert "the thread of the log ended" in told["detail"]


THREAD_ENDS = """
import sys
from interlock.csms.store.sqlite import SqliteStore
commit = SqliteStore._commit
def breaks(self, db, appends):
    if any(job.stream == "station-CP01" for job in appends):
        raise SystemExit("as if by a bug")
    commit(self, db, appends)
SqliteStore._commit = breaks
from interlock.scenarios.cli.main import main
sys.argv = ["interlock", "serve", "--ocpp-port", "0", "--api-port", "0", "--store", "sqlite:///log.sqlite", "--quiet"]
main()
"""


async def test_a_process_whose_log_ended_leaves_with_a_code_of_its_own(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", THREAD_ENDS],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert child.stdout is not None
        line = await asyncio.to_thread(child.stdout.readline)
        url = line.split()[-1] + "CP01"
        async with dialled(url) as station:
            boot: Any = {"chargePointVendor": "V", "chargePointModel": "M"}
            with pytest.raises(ConnectionClosed):  # noqa: PT012 - the node may be gone before the frame is out
                await station.socket.send(json.dumps([2, "b", "BootNotification", boot]))
                await station.hear()
        _, said = await asyncio.to_thread(child.communicate, None, 30)
    finally:
        child.kill()
    assert child.returncode == 4, said
    assert "this node is over" in said
    assert "Traceback" not in said


async def test_a_listener_is_told_once_and_late() -> None:
    store, told = MemoryStore(), list[str]()
    store.ending.on_end(told.append)
    store.ending.end("first")
    store.ending.end("second")
    store.ending.on_end(told.append)
    assert told == ["first", "first"]


@pytest.mark.parametrize("way", ["exception", "cancellation"])
async def test_over_sockets_a_station_is_served_on_or_its_socket_closes(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each third place at which a task of the node waits, in a session on real sockets and a real file."""
    number, count = 0, 1
    while number < count:
        place = Place(number, way)
        monkeypatch.setattr(Csms, "_spawn", _interrupted(place))
        store = await SqliteStore.open(tmp_path / f"{way}{number}.sqlite")
        async with served(store=store) as csms:
            for action, payload in SESSION:
                await _insist(csms, action, payload)
            decision = await csms.node.operate("CP01", do.Relay("GetConfiguration", {}), "r1")
            assert decision.answer in ("accepted", "unreachable")
            types = Counter(codec.kind(stored.type) for stored in await store.read("station-CP01"))
            assert types["TransactionStarted"] == types["TransactionStopped"] == 1
            assert csms.node.ended is None
        await store.close()
        count = max(count, place.passed["await"]) if number == 0 else count
        number += 3
    assert count > 5


SPAWN = Csms._spawn
SESSION: list[tuple[str, Any]] = [
    ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    ("StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 1, "timestamp": "2026-01-01T00:00:00Z"}),
    ("StopTransaction", {"transactionId": 0, "meterStop": 9, "timestamp": "2026-01-01T01:00:00Z"}),
    ("Heartbeat", {}),
]


def _interrupted(place: Place) -> Any:
    def interrupted(self: Csms, coroutine: Any) -> Any:
        return SPAWN(self, Interrupted(coroutine, place))  # type: ignore[arg-type]

    return interrupted


async def _insist(csms: Served, action: str, payload: dict[str, Any]) -> None:
    """Say it over new sockets until it is answered, as a station does."""
    if action == "StopTransaction":
        state = (await csms.node.handler.load("CP01")).state
        payload = {**payload, "transactionId": next(iter(state.transactions))}
    for _ in range(5):
        with suppress(ConnectionClosed):
            async with dialled(csms.url()) as station:
                if (await station.say(action, payload))[0] == 3:
                    return
    raise AssertionError(f"{action} is never answered")
