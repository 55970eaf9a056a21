"""The connection to PostgreSQL: where the log is, one connection that is re-established, and its schema.

A connection is used only after its server's settings were found durable and its owner recognised the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any, TypeAlias

import psycopg
from psycopg import errors, pq
from psycopg.conninfo import conninfo_to_dict

from interlock.csms.store import StoreUnavailable

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

BACK_OFF_S = (0.05, 1.0)
"""The first and the longest wait between two attempts to connect."""

MIGRATIONS = tuple(
    file.read_bytes()
    for file in sorted((resources.files(__package__) / "migrations").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
)
"""The scripts that bring a schema from each number to the next."""

DEFAULTS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
"""Connection options that a URL may override: a dead network is noticed in seconds."""
SESSION = {
    "default_transaction_isolation": "read\\ committed",
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Settings of every session. A claim ends with its session, which ends soon after its node's network did."""
FIT = {"synchronous_commit": ("on", "remote_apply"), "fsync": ("on",), "server_encoding": ("UTF8",)}
"""Server settings that durability needs: a server without them is refused, not changed."""

_LOCK = "SELECT pg_advisory_lock(hashtextextended('interlock ' || %s, 0))"
_FIRST = """DO $$ BEGIN IF to_regnamespace('"{0}"') IS NULL THEN CREATE SCHEMA "{0}"; END IF; END $$;
    CREATE TABLE "{0}".migration (number int PRIMARY KEY)"""
_SENTENCES: dict[type[Exception], str] = {
    errors.DiskFull: "no space left to write; nothing was recorded, make room and it goes on",
    errors.ReadOnlySqlTransaction: "it is read-only, a standby or set so; nothing was recorded",
    errors.LockNotAvailable: "somebody has kept the log's lock for 10 s; nothing was recorded",
    TimeoutError: "no answer in time",
    UnicodeError: "a lone surrogate is no text; nothing was recorded",
}


class NotOurs(StoreUnavailable):
    """It is another log, or the node's name is taken: reconnecting does not help."""


class Place:
    """Where the log is: how to connect, and its description without the password."""

    def __init__(self, url: str, schema: str) -> None:
        if not re.fullmatch("[a-z_][a-z0-9_]{0,39}", schema):
            raise StoreUnavailable(f"{schema!r} cannot be a schema: small letters, digits and _, 40 at the most")
        self.schema, self.channel = schema, f"interlock_{schema}"
        info: dict[str, Any] = {}
        with contextlib.suppress(psycopg.Error):  # its text holds the whole URL: not to be the cause of ours
            info = {"fallback_application_name": "interlock", **DEFAULTS, **conninfo_to_dict(url)}
        if not info:
            raise StoreUnavailable("the PostgreSQL URL cannot be read: postgresql://user:password@host:port/database")
        session = " ".join(f"-c {name}={value}" for name, value in {**SESSION, "search_path": schema}.items())
        self.info = {**info, "options": f"{info.get('options', '')} {session}"}
        self._secrets = [str(info[name]) for name in ("password", "sslpassword") if info.get(name)]
        where = f"{info.get('host', 'local')}:{info.get('port', 5432)}/{info.get('dbname', '')}"
        self._name = self.hidden(f"PostgreSQL {where}")

    def __str__(self) -> str:
        return self._name

    def unavailable(self, error: Exception) -> StoreUnavailable:
        """Return a database's error as one sentence."""
        text = str(error).partition("\n")[0]
        if isinstance(error, psycopg.Error):
            text = error.diag.message_primary or text
        text = next((known for kind, known in _SENTENCES.items() if isinstance(error, kind)), text)
        return StoreUnavailable(f"{self}: {self.hidden(text)}")

    def hidden(self, text: str) -> str:
        """Return a text without the password."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class Line:
    """One connection, re-established after it broke, no more often than the back-off allows."""

    def __init__(self, place: Place, answer_s: float, recognise: Callable[[Connection], Awaitable[None]]) -> None:
        """`recognise` checks each new connection before it is used, and raises `NotOurs` to refuse it."""
        self.lock = asyncio.Lock()
        self._recognise = recognise
        self._place, self._answer_s = place, answer_s
        self._connection: Connection | None = None
        self._back_off_s, self._not_before = BACK_OFF_S[0], 0.0
        self._why = ""

    async def get(self, until: float) -> Connection:
        """Return a connection that has just been checked; try to make one at least once, and until `until`."""
        if self._connection is not None:
            if _is_alive(self._connection):
                return self._connection
            await self.drop()
        while True:
            if (wait_s := self._not_before - now()) > 0:
                if now() + wait_s > until:
                    raise StoreUnavailable(self._why)
                await asyncio.sleep(wait_s)
            try:
                self._connection = await self._connect()
            except NotOurs:
                raise
            except StoreUnavailable as why:
                self._why, self._not_before = str(why), now() + self._back_off_s
                self._back_off_s = min(self._back_off_s * 2, BACK_OFF_S[1])
            else:
                self._back_off_s = BACK_OFF_S[0]
                return self._connection

    async def ask(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query on the connection of `get`. A server that does not answer is given up."""
        assert self._connection is not None
        try:
            async with asyncio.timeout(self._answer_s):
                cursor = await self._connection.execute(query, values, binary=True)
                return await cursor.fetchall() if cursor.description else []
        except TimeoutError:
            await self.drop()
            raise psycopg.OperationalError(f"no answer within {self._answer_s:g} s") from None

    async def drop(self) -> None:
        """Disconnect; the next `get` connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> Connection:
        """Connect, and refuse a server that is not durable."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._answer_s):
                connection = await psycopg.AsyncConnection.connect(**self._place.info, autocommit=True)
                query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
                for name, setting in await (await connection.execute(query, (list(FIT),))).fetchall():
                    if setting not in FIT[name]:
                        raise StoreUnavailable(f"{self._place} has {name} = {setting}: not a place for a log")
                await self._recognise(connection)
                return connection
        except BaseException as error:
            if connection is not None:
                await connection.close()
            if not isinstance(error, psycopg.Error | TimeoutError | OSError):
                raise
            why = self._place.unavailable(error)
        raise why

    async def migrate(self) -> None:
        """Bring the schema to what this code knows, a transaction for each number, under the lock of the log."""
        connection, known = await self.get(now()), len(MIGRATIONS)
        try:
            # A session's lock, not a transaction's: the transaction begun after it sees what another node migrated.
            await connection.execute(_LOCK, (self._place.schema,))
            while (number := await _number(connection)) < known:
                async with connection.transaction():
                    if number < 0:
                        await connection.execute(_FIRST.format(self._place.schema).encode())
                    else:
                        await connection.execute(MIGRATIONS[number])
                        await connection.execute("INSERT INTO migration VALUES (%s)", (number + 1,))
            await connection.execute("SELECT pg_advisory_unlock_all()")
        except psycopg.Error as error:
            why = self._place.unavailable(error)
        else:
            if number == known:
                return
            newer = f"was written by a newer Interlock (schema {number}, this one knows up to {known})"
            why = StoreUnavailable(f"{self._place} {newer}")
        raise why


async def _number(connection: Connection) -> int:
    """Return the number of the last migration done, -1 before there is a table for it."""
    for query in ("SELECT -1 WHERE to_regclass('migration') IS NULL", "SELECT coalesce(max(number), 0) FROM migration"):
        if row := await (await connection.execute(query)).fetchone():
            break
    return int(row[0]) if row else 0


def _is_alive(connection: Connection) -> bool:
    """Whether a connection still stands: a first read takes the server's last message, a second sees the end."""
    try:
        for _ in range(2):
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return connection.pgconn.transaction_status == pq.TransactionStatus.IDLE


def now() -> float:
    """Return seconds on the event loop's clock."""
    return asyncio.get_running_loop().time()
