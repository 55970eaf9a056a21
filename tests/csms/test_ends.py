"""Nothing ends unseen: a connection that breaks off is closed, a node whose store ended says so and leaves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from interlock.csms.connection import Connection
from interlock.csms.store import MemoryStore

from .serving import dialled, served
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
            await station.socket.send(json.dumps([2, "b", "BootNotification", boot]))
            with pytest.raises(ConnectionClosed):
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
