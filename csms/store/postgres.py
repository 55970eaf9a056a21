"""The log for several nodes: PostgreSQL by psycopg 3. One connection writes, one reads, one listens.

**Writing.** Appends that wait at the same time share one statement and so one commit, at most one append of a stream
(`migrations/0001.sql`). Each is checked for itself: one conflict does not fail its neighbours. The statement goes out
in one piece and is its own transaction: a node that freezes holds no lock, the server finishes without it.

**Order.** Numbers from a sequence are given out before the commit: a reader could pass 7 and never see the 6 that comes
later. Here a position is `max + 1` under an advisory lock that ends after the commit (locking the table would stop
autovacuum): positions have no gap, and whoever sees one has seen all before it. The price is one commit at a time in
the whole log; group commit pays it.

**Telling.** A node delivers its own commits from memory while nobody wrote in between, and reads the rest. NOTIFY only
says "look": it takes a lock of the whole server at commit, so it is sent after the append, on the reading connection,
at most every `HINT_EVERY_S`; where it is lost, the poll finds what it would have told.

A pooler in between must keep a session for each connection: settings and LISTEN belong to one.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from typing import Any, TypeAlias

import psycopg
from psycopg import errors, pq, sql
from psycopg.conninfo import conninfo_to_dict

from interlock.csms.store import (
    AppendUnconfirmed,
    EventIdReused,
    NewEvent,
    Snapshot,
    StoredEvent,
    StoreError,
    StoreUnavailable,
    Subscriber,
    WrongExpectedVersion,
    already_there,
)

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

BATCH = 512
"""Appends that share one transaction, at the most."""
WAITING = 100_000
"""Appends that may wait; more are refused at once."""
PAGE = 1_000
"""Events read at a time to catch up with other nodes."""
HINT_EVERY_S = 0.01
"""NOTIFY is sent at most this often."""
BACK_OFF_S = (0.05, 1.0)
"""The first and the longest wait between two attempts to connect."""

MIGRATIONS = tuple(
    file.read_bytes()
    for file in sorted((resources.files(__package__) / "migrations").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
)
"""What brings a schema from each number to the next."""

DEFAULTS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
"""What a URL that says nothing about it gets: a dead network is noticed in seconds."""
SESSION = {"default_transaction_isolation": "read\\ committed", "lock_timeout": "10s"}
"""What every session is set to."""
FIT = {"synchronous_commit": ("on", "remote_apply"), "fsync": ("on",), "server_encoding": ("UTF8",)}
"""Settings without which it is no place for a log: refused, not changed."""

_COLUMNS = "position, stream, version, event_id, type, data"
_LOCK = "SELECT pg_advisory_lock(hashtextextended('interlock ' || %s, 0))"
_FIRST = """DO $$ BEGIN IF to_regnamespace('"{0}"') IS NULL THEN CREATE SCHEMA "{0}"; END IF; END $$;
    CREATE TABLE "{0}".migration (number int PRIMARY KEY)"""
_APPEND = """SELECT head, fits, known, before FROM append_1(
    %s::text[], %s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[], %s::bytea[], %s::bool[])"""
_NOTIFY = "SELECT pg_notify(%s, %s)"
_SENTENCES: dict[type[Exception], str] = {
    errors.DiskFull: "no space left to write; nothing was recorded, make room and it goes on",
    errors.ReadOnlySqlTransaction: "it is read-only, a standby or set so; nothing was recorded",
    errors.LockNotAvailable: "somebody has kept the log's lock for 10 s; nothing was recorded",
    TimeoutError: "no answer in time",
    UnicodeError: "a lone surrogate is no text; nothing was recorded",
}
_ABOUT_ONE = (psycopg.IntegrityError, psycopg.DataError, errors.ProgramLimitExceeded, UnicodeError)
"""What one append may be to blame for: its neighbours are tried without it."""


@dataclass(slots=True)
class _Append:
    stream: str
    events: Sequence[NewEvent]
    expected: int | None
    done: asyncio.Future[int]


class PostgresStore:
    """An `EventStore` in PostgreSQL, shared by any number of nodes. Make one with `await PostgresStore.open(url)`."""

    alone = False

    def __init__(self, url: str, schema: str, poll_s: float, patience_s: float, answer_s: float, most: int) -> None:
        self._place = _Place(url, schema)
        self._poll_s, self._patience_s, self._most = poll_s, patience_s, most
        self._writer, self._reader, self._listener = (_Line(self._place, answer_s) for _ in range(3))
        self._waiting: dict[str, deque[_Append]] = {}
        self._count = 0
        self._in_doubt: set[str] = set()
        self._work, self._look = asyncio.Event(), asyncio.Event()
        self._subscribers: list[tuple[Subscriber]] = []
        self._told = 0  # the position up to which subscribers have heard everything
        self._behind = False
        self._written = self._hinted = 0
        self._next_hint = 0.0
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        schema: str = "interlock",
        poll_s: float = 1.0,
        patience_s: float = 5.0,
        answer_s: float = 30.0,
        group_commit: bool = True,
    ) -> PostgresStore:
        """Open the log in `schema`, making it if there is none. Raises `StoreUnavailable` with one sentence why not.

        `poll_s`: how late a batch of another node is heard when its NOTIFY was lost. `patience_s`: how long an
        operation waits for a database that is away. `answer_s`: how long it waits for an answer.
        """
        store = cls(url, schema, poll_s, patience_s, answer_s, BATCH if group_commit else 1)
        try:
            await store._writer.migrate()
            store._told = (await store._ask("SELECT coalesce(max(position), 0) FROM event", patience_s=0))[0][0]
        except BaseException:
            await store._hang_up()
            raise
        store._tasks = [asyncio.create_task(work()) for work in (store._write, store._follow, store._listen)]
        return store

    # --- the port ---

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        if self._closed:
            raise StoreUnavailable(f"{self._place} is closed")
        if self._count >= WAITING:
            raise StoreUnavailable(f"{WAITING} appends are waiting for {self._place}")
        if len({event.event_id for event in events}) != len(events):
            raise EventIdReused(f"{stream}: an event id stands twice in one batch")
        job = _Append(stream, events, expected, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(stream, deque()).append(job)
        self._count += 1
        self._work.set()
        return await job.done

    async def read(self, stream: str, after: int = 0) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        query = f"SELECT {_COLUMNS} FROM event WHERE stream = %s AND version > %s ORDER BY version"
        return [StoredEvent(*row) for row in await self._ask(query, stream, after)]

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        query = f"SELECT {_COLUMNS} FROM event WHERE position > %s ORDER BY position LIMIT %s"
        found: list[StoredEvent] = []
        while (page := PAGE if limit is None else min(PAGE, limit - len(found))) > 0:
            rows = await self._ask(query, found[-1].position if found else after, page)
            found += [StoredEvent(*row) for row in rows]
            if len(rows) < page:
                break
        return found

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        query = "SELECT stream FROM event WHERE version = 1 AND starts_with(stream, %s) ORDER BY stream"
        return [row[0] for row in await self._ask(query, prefix)]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        query = (
            "INSERT INTO snapshot VALUES (%s, %s, %s, %s) ON CONFLICT (stream) DO UPDATE SET"
            " version = excluded.version, fold = excluded.fold, state = excluded.state"
            " WHERE excluded.version >= snapshot.version"
        )
        await self._ask(query, snapshot.stream, snapshot.version, snapshot.fold, snapshot.state)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """See `EventStore.load_snapshot`."""
        rows = await self._ask("SELECT stream, version, fold, state FROM snapshot WHERE stream = %s", stream)
        return Snapshot(*rows[0]) if rows else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `EventStore.subscribe`. It may also hear what other nodes committed within the poll before."""
        entry = (subscriber,)
        self._subscribers = [*self._subscribers, entry]

        def stop() -> None:
            self._subscribers = [one for one in self._subscribers if one is not entry]

        return stop

    async def close(self) -> None:
        """Finish what is queued, hint at it once more, hang up."""
        self._closed = True
        self._work.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1])
        self._next_hint = 0.0
        with contextlib.suppress(StoreError):
            await self._hint()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hang_up()

    async def _hang_up(self) -> None:
        for line in (self._writer, self._reader, self._listener):
            async with line.lock:  # whoever reads may finish
                await line.drop()

    async def _ask(self, query: str, *values: Any, patience_s: float | None = None) -> list[tuple[Any, ...]]:
        """Ask something that may be asked twice."""
        until = _now() + (self._patience_s if patience_s is None else patience_s)
        async with self._reader.lock:
            for last in (False, True):
                if self._closed and patience_s is None:
                    raise StoreUnavailable(f"{self._place} is closed")
                connection = await self._reader.get(until)
                try:
                    return await self._reader.ask(query, values)
                except (psycopg.Error, UnicodeError) as error:
                    why = self._place.unavailable(error)
                    if last or not connection.closed:
                        break
        raise why

    # --- writing ---

    async def _write(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
                continue
            group = self._take()
            for job, result in zip(group, await self._commit(group), strict=True):
                if job.done.done():
                    continue  # whoever waited was cancelled
                if isinstance(result, Exception):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)

    def _take(self) -> list[_Append]:
        """Take the first append of each stream; streams that have more go to the end of the line."""
        group = []
        for stream in list(islice(self._waiting, self._most)):
            line = self._waiting.pop(stream)
            group.append(line.popleft())
            if line:
                self._waiting[stream] = line
        self._count -= len(group)
        return group

    async def _commit(self, group: Sequence[_Append], again: int = 3) -> list[int | StoreError]:
        try:
            await self._writer.get(_now() + self._patience_s)
        except StoreUnavailable as why:
            return self._refuse(group, why)
        try:
            rows = await self._writer.ask(_APPEND, _arrays(group))
        except Exception as error:
            if not _is_definite(error):
                await self._writer.drop()
                return self._doubt(group)
            if len(group) > 1 and isinstance(error, _ABOUT_ONE):
                return [result for job in group for result in await self._commit([job])]
            if again and isinstance(error, errors.UniqueViolation):
                return await self._commit(group, again - 1)  # somebody wrote without the lock: look again
            return self._refuse(group, self._place.unavailable(error))
        self._committed(group, rows)
        return [await self._judge(job, *row[:3]) for job, row in zip(group, rows, strict=True)]

    async def _judge(self, job: _Append, head: int, fits: bool, known: bool) -> int | StoreError:
        ids = [event.event_id for event in job.events]
        if known:
            query = f"SELECT {_COLUMNS} FROM event WHERE event_id = ANY(%s)"
            try:
                there = {row[3]: StoredEvent(*row) for row in await self._ask(query, ids, patience_s=0)}
            except StoreUnavailable:
                return self._doubt([job])[0]
        self._in_doubt.difference_update(ids)
        if not known:
            return head + len(ids) if fits else WrongExpectedVersion(job.stream, job.expected or 0, head)
        try:
            return already_there(job.stream, job.events, [there.get(one) for one in ids])
        except EventIdReused as why:
            return why

    def _doubt(self, group: Sequence[_Append]) -> list[int | StoreError]:
        self._in_doubt.update(event.event_id for job in group for event in job.events[:1])
        return [AppendUnconfirmed(f"{self._place}: the connection was lost before the answer") for _ in group]

    def _refuse(self, group: Sequence[_Append], why: StoreUnavailable) -> list[int | StoreError]:
        """Say no; but whoever repeats what was in doubt cannot be told that it was not written."""
        return [
            self._doubt([job])[0] if any(one.event_id in self._in_doubt for one in job.events[:1]) else why
            for job in group
        ]

    # --- telling ---

    def _committed(self, group: Sequence[_Append], rows: Sequence[tuple[Any, ...]]) -> None:
        position = rows[0][3]
        for job, (head, fits, known, _) in zip(group, rows, strict=True):
            if not fits or known or not job.events:
                continue
            at_once = position == self._told  # else another node wrote in between: the log knows in which order
            batch = []
            for version, event in enumerate(job.events, head + 1):
                position += 1
                batch.append(StoredEvent(position, job.stream, version, event.event_id, event.type, event.data))
            if at_once:
                self._deliver(batch)
            self._behind |= not at_once
            self._written = position
            self._look.set()

    def _deliver(self, batch: Sequence[StoredEvent]) -> None:
        if batch[0].position <= self._told:
            return
        self._told = batch[-1].position
        for (subscriber,) in self._subscribers:
            try:
                subscriber(batch)
            except Exception as error:
                context = {"message": "a subscriber of the log raised", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._look.wait()
            except TimeoutError:
                self._behind = True
            self._look.clear()
            with contextlib.suppress(StoreError):  # the database is away: the next poll tries again
                if self._behind:
                    await self._catch_up()
                await self._hint()

    async def _catch_up(self) -> None:
        query = f"SELECT {_COLUMNS}, ends_batch FROM event WHERE position > %s ORDER BY position LIMIT %s"
        self._behind, page, rows = False, PAGE, None
        while rows is None or len(rows) == page:
            told = self._told
            rows = await self._ask(query, told, page, patience_s=0)
            batch: list[StoredEvent] = []
            for row in rows:
                batch.append(StoredEvent(*row[:-1]))
                if row[-1]:
                    self._deliver(batch)
                    batch = []
            if len(rows) == page and self._told == told:
                rows, page = None, page * 2  # a batch longer than the page

    async def _hint(self) -> None:
        if self._written <= self._hinted:
            return
        if _now() < self._next_hint:
            asyncio.get_running_loop().call_at(self._next_hint, self._look.set)
            return
        self._next_hint, position = _now() + HINT_EVERY_S, self._written
        await self._ask(_NOTIFY, self._place.channel, str(position), patience_s=0)
        self._hinted = position

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._listener.get(_now())
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._place.channel)))
                self._heard("")
                async for note in connection.notifies():
                    self._heard(note.payload)
            except (psycopg.Error, StoreError):
                await self._listener.drop()
                await asyncio.sleep(self._poll_s)

    def _heard(self, position: str) -> None:
        if not position.isdecimal() or int(position) > self._told:
            self._behind = True
            self._look.set()


class _Place:
    """Where the log is: how to connect, and how to speak of it without the password."""

    def __init__(self, url: str, schema: str) -> None:
        if not re.fullmatch("[a-z_][a-z0-9_]{0,39}", schema):
            raise StoreUnavailable(f"{schema!r} cannot be a schema: small letters, digits and _, 40 at the most")
        self.schema, self.channel = schema, f"interlock_{schema}"
        info: dict[str, Any] = {}
        with contextlib.suppress(psycopg.Error):  # its text has the whole URL in it: it must not be the cause of ours
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
        """Say in one sentence what a database said no with."""
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


class _Line:
    """One connection, made again when it broke, no more often than the back-off allows."""

    def __init__(self, place: _Place, answer_s: float) -> None:
        self.lock = asyncio.Lock()
        self._place, self._answer_s = place, answer_s
        self._connection: Connection | None = None
        self._back_off_s, self._not_before = BACK_OFF_S[0], 0.0
        self._why = ""

    async def get(self, until: float) -> Connection:
        """Return a connection that was alive a moment ago; try to make one at least once, and until `until`."""
        if self._connection is not None:
            if _is_alive(self._connection):
                return self._connection
            await self.drop()
        while True:
            if (wait_s := self._not_before - _now()) > 0:
                if _now() + wait_s > until:
                    raise StoreUnavailable(self._why)
                await asyncio.sleep(wait_s)
            try:
                self._connection = await self._connect()
            except StoreUnavailable as why:
                self._why, self._not_before = str(why), _now() + self._back_off_s
                self._back_off_s = min(self._back_off_s * 2, BACK_OFF_S[1])
            else:
                self._back_off_s = BACK_OFF_S[0]
                return self._connection

    async def ask(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Ask the connection `get` made sure of. A server that says nothing at all is given up."""
        assert self._connection is not None
        try:
            async with asyncio.timeout(self._answer_s):
                cursor = await self._connection.execute(query, values, binary=True)
                return await cursor.fetchall() if cursor.description else []
        except TimeoutError:
            await self.drop()
            raise psycopg.OperationalError(f"no answer within {self._answer_s:g} s") from None

    async def drop(self) -> None:
        """Hang up; the next `get` dials again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> Connection:
        """Dial, and refuse what would lose a log."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._answer_s):
                connection = await psycopg.AsyncConnection.connect(**self._place.info, autocommit=True)
                query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
                for name, setting in await (await connection.execute(query, (list(FIT),))).fetchall():
                    if setting not in FIT[name]:
                        raise StoreUnavailable(f"{self._place} has {name} = {setting}: not a place for a log")
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
        connection, known = await self.get(_now()), len(MIGRATIONS)
        try:
            # The session's lock, not a transaction's: what another node did is seen by a transaction begun after it.
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
    """Return the number of the last migration that was done, -1 before there is a place to note it."""
    for query in ("SELECT -1 WHERE to_regclass('migration') IS NULL", "SELECT coalesce(max(number), 0) FROM migration"):
        if row := await (await connection.execute(query)).fetchone():
            break
    return int(row[0]) if row else 0


def _arrays(group: Sequence[_Append]) -> list[list[Any]]:
    rows = [
        (n, number, event.event_id, event.type, event.data, number == len(job.events))
        for n, job in enumerate(group, 1)
        for number, event in enumerate(job.events, 1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    return [[job.stream for job in group], [job.expected for job in group], *columns]


def _is_definite(error: Exception) -> bool:
    """Whether an error leaves no doubt: it never went out, or the server said no and the connection lives."""
    if isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized is not None:
        return error.diag.severity_nonlocalized == "ERROR"
    return isinstance(error, (UnicodeError, psycopg.DataError))


def _is_alive(connection: Connection) -> bool:
    """Whether a connection is still there: one look takes what the server said last, the next one sees its end."""
    try:
        for _ in range(2):
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return connection.pgconn.transaction_status == pq.TransactionStatus.IDLE


def _now() -> float:
    return asyncio.get_running_loop().time()
