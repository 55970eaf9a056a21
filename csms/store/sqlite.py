"""The durable log: SQLite in WAL mode with synchronous=FULL, one thread that owns the only connection, group commit.

Appends that wait at the same time share one transaction and so one fsync; each is checked for itself, so one conflict
does not fail its neighbours. Nobody is told before the commit returned.

SQLite before 3.51.3 (3.50.7 and 3.44.6 have the fix too) can lose commits when several connections write and checkpoint
one WAL file. Here one connection does both; on such a version the file is also locked against any other.

A disk that fails to flush. After an fsync that failed, Linux forgets that the pages were dirty: they are in the cache,
not on the disk, and the next fsync succeeds. While the process lives that is harmless: SQLite writes its next commit
over the failed one and flushes that. Until then a crash may leave the failed one in the log, so it is in doubt, not
refused. And whoever opens a log that was not closed finds in the cache what may never have reached the disk, and would
build on it: so the WAL is first written once more, and flushed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from interlock.csms.store import (
    AppendUnconfirmed,
    NewEvent,
    Snapshot,
    StoredEvent,
    StoreError,
    StoreUnavailable,
    Subscriber,
    WrongExpectedVersion,
    already_there,
)

T = TypeVar("T")

BATCH = 512
"""Appends that share one transaction, at the most."""
WAITING = 100_000
"""Appends that may wait; more are refused at once."""
MOST_ROWS = 64
"""Events that share one statement, at the most; a power of two."""
HEADS = 50_000
"""Streams whose version is remembered between appends."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE event (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            event_id TEXT NOT NULL UNIQUE,
            type TEXT NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (stream, version)
        ) STRICT""",
        """CREATE TABLE snapshot (
            stream TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            fold TEXT NOT NULL,
            state BLOB NOT NULL
        ) STRICT, WITHOUT ROWID""",
    ),
)
"""Statements that bring a file from each `user_version` to the next."""

UNWRITTEN = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
"""How a COMMIT fails whose last page, the one that makes it count, was not written."""
CHUNK = 1024 * 1024


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Tell whether a SQLite version can lose commits with several writing connections."""
    if version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


class _Append(msgspec.Struct, eq=False):
    stream: str
    events: Sequence[NewEvent]
    expected: int | None
    done: asyncio.Future[int]
    stored: list[StoredEvent] = []


_Results = list[tuple[_Append, int | Exception]]


@dataclass(slots=True)
class _Query:
    ask: Callable[[sqlite3.Connection], Any]
    done: Future[Any] = field(default_factory=Future)


class SqliteStore:
    """An `EventStore` in a file, for the loop that opened it. Make one with `await SqliteStore.open(path)`."""

    alone = True

    def __init__(self, path: Path, *, group_commit: bool = True) -> None:
        self.path = path
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call, so it is asked for once
        self._most = BATCH if group_commit else 1
        self._work: queue.SimpleQueue[list[_Append] | _Query | None] = queue.SimpleQueue()
        self._gathered: list[_Append] = []
        self._unsettled = 0
        self._subscribers: list[Subscriber] = []
        self._opened: Future[None] = Future()
        self._closed = False
        self._heads: dict[str, int] = {}
        self._in_doubt = False
        """A commit failed that may be found in the log after a crash; none has been written over it yet."""
        self._thread = threading.Thread(target=self._own, name=f"log {path.name}", daemon=True)

    @classmethod
    async def open(cls, path: Path | str, *, group_commit: bool = True) -> SqliteStore:
        """Open a log, making the file if there is none. Raises `StoreUnavailable` with one sentence why not."""
        store = cls(Path(path), group_commit=group_commit)
        store._thread.start()
        await asyncio.wrap_future(store._opened)
        return store

    # --- the port ---

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        if self._closed:
            raise StoreUnavailable(f"{self.path.name} is closed")
        if self._unsettled >= WAITING:
            raise StoreUnavailable(f"{WAITING} appends are waiting for {self.path.name}")
        job = _Append(stream, events, expected, self._loop.create_future())
        if not self._gathered:
            # Whatever else this turn of the loop appends goes along: waking the thread costs more than an insert.
            self._loop.call_soon(self._hand_over)
        self._gathered.append(job)
        self._unsettled += 1
        return await job.done

    async def read(self, stream: str, after: int = 0) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        sql = f"SELECT {_COLUMNS} FROM event WHERE stream = ? AND version > ? ORDER BY version"
        return await self._ask(lambda db: _events(db.execute(sql, (stream, after))))

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        sql = f"SELECT {_COLUMNS} FROM event WHERE position > ? ORDER BY position LIMIT ?"
        return await self._ask(lambda db: _events(db.execute(sql, (after, -1 if limit is None else limit))))

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        return await self._ask(lambda db: [row[0] for row in db.execute(_STREAMS, (prefix,))])

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""

        def save(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO snapshot VALUES (?, ?, ?, ?) ON CONFLICT (stream) DO UPDATE SET"
                " version = excluded.version, fold = excluded.fold, state = excluded.state"
                " WHERE excluded.version >= snapshot.version",
                (snapshot.stream, snapshot.version, snapshot.fold, snapshot.state),
            )

        await self._ask(save)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """See `EventStore.load_snapshot`."""
        sql = "SELECT stream, version, fold, state FROM snapshot WHERE stream = ?"
        row = await self._ask(lambda db: db.execute(sql, (stream,)).fetchone())
        return Snapshot(*row) if row else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `EventStore.subscribe`; subscribers are told before whoever waits for the append."""
        self._subscribers = [*self._subscribers, subscriber]

        def stop() -> None:
            self._subscribers = [one for one in self._subscribers if one is not subscriber]

        return stop

    async def close(self) -> None:
        """Finish what is queued, move the WAL into the file, close it."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._work.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    async def check(self, *, quick: bool = False) -> list[str]:
        """Look the file over; return what is wrong with it, nothing if it is sound. `quick` leaves the indexes out."""
        pragma = "PRAGMA quick_check" if quick else "PRAGMA integrity_check"

        def look(db: sqlite3.Connection) -> list[str]:
            wrong = [row[0] for row in db.execute(pragma) if row[0] != "ok"]
            gaps = "SELECT stream FROM event GROUP BY stream HAVING count(*) != max(version) OR min(version) != 1"
            return wrong + [f"{row[0]}: versions have a gap" for row in db.execute(gaps)]

        return await self._ask(look)

    # --- handing over to the thread ---

    def _hand_over(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._work.put(gathered)

    async def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(f"{self.path.name} is closed")
        self._hand_over()
        query = _Query(ask)
        self._work.put(query)
        found: T = await asyncio.wrap_future(query.done)
        return found

    # --- in the thread ---

    def _own(self) -> None:
        try:
            db = _connect(self.path)
        except (sqlite3.Error, OSError, StoreError) as error:
            self._opened.set_exception(_unavailable(error, self.path))
            return
        self._opened.set_result(None)
        try:
            while (work := self._take()) is not None:
                appends, query = work
                for at in range(0, len(appends), self._most):
                    self._commit(db, appends[at : at + self._most])
                if query is not None:
                    self._answer(db, query)
        finally:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _take(self) -> tuple[list[_Append], _Query | None] | None:
        """Wait for work and take all there is; a query waits for the appends before it and ends the batch."""
        appends: list[_Append] = []
        while True:
            try:
                work = self._work.get(block=not appends)
            except queue.Empty:
                return appends, None
            if work is None:
                if not appends:
                    return None
                self._work.put(None)
                return appends, None
            if isinstance(work, _Query):
                return appends, work
            appends += work
            if len(appends) >= self._most:
                return appends, None

    def _commit(self, db: sqlite3.Connection, appends: list[_Append]) -> None:
        results: _Results
        stored: list[list[StoredEvent]] = []
        committing = False
        try:
            db.execute("BEGIN IMMEDIATE")
            found = self._insert_all(db, appends)
            if found is None:
                # A lost race, or an event that is there already: one at a time, so that each learns its own result.
                db.execute("ROLLBACK")
                db.execute("BEGIN IMMEDIATE")
                found = [(job, _insert_or_why(db, job)) for job in appends]
            results = found
            committing = True
            db.execute("COMMIT")
        except sqlite3.Error as error:
            # The disk said no to the whole transaction, and nobody is told that anything of it is in the log.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            self._heads.clear()
            self._in_doubt |= committing and error.sqlite_errorname not in UNWRITTEN
            why: StoreError = _unavailable(error, self.path)
            if self._in_doubt:
                why = AppendUnconfirmed(str(why))
            results = [(job, why) for job in appends]
        else:
            self._note_heads(results)
            stored = [job.stored for job in appends if job.stored]
            if stored:
                self._in_doubt = False
        # One crossing into the loop for the whole batch: a crossing costs more than an insert.
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._tell, stored, results)

    def _insert_all(self, db: sqlite3.Connection, appends: list[_Append]) -> _Results | None:
        """Insert the batches of all, many rows a statement, or return None when one of them has no place.

        A statement lets go of the interpreter and wants it back: for each event that costs more than the insert. What
        is remembered of heads only saves asking; the unique (stream, version) says so when somebody else wrote.
        """
        known = self._heads
        heads = {job.stream: known[job.stream] for job in appends if job.stream in known}
        heads |= _heads(db, [job.stream for job in appends if job.stream not in known])
        rows: list[tuple[_Append, int, NewEvent]] = []
        results: _Results = []
        for job in appends:
            stream = job.stream
            head = heads[stream]
            if job.expected is not None and job.expected != head:
                return None
            for event in job.events:
                head += 1
                rows.append((job, head, event))
            heads[stream] = head
            results.append((job, head))
        at = 0
        try:
            while at < len(rows):
                count = min(1 << (len(rows) - at).bit_length() - 1, MOST_ROWS)
                some = rows[at : at + count]
                values = [
                    value
                    for job, version, event in some
                    for value in (job.stream, version, event.event_id, event.type, event.data)
                ]
                last = db.execute(_INSERT_MANY[count], values).lastrowid
                assert last is not None
                # One writer, and a key that only grows: the rows of a statement stand next to each other.
                for position, (job, version, event) in enumerate(some, last - count + 1):
                    stored = StoredEvent(position, job.stream, version, event.event_id, event.type, event.data)
                    job.stored.append(stored)
                at += count
        except sqlite3.IntegrityError:
            for job in appends:
                job.stored.clear()
            return None
        return results

    def _note_heads(self, results: _Results) -> None:
        heads = self._heads
        for job, result in results:
            heads.pop(job.stream, None)
            if isinstance(result, int) and job.stored:
                heads[job.stream] = result
        while len(heads) > HEADS:
            del heads[next(iter(heads))]

    def _tell(self, stored: list[list[StoredEvent]], results: _Results) -> None:
        """Tell subscribers what is stored, and each who waits what became of it. In the loop, not in the thread."""
        try:
            for subscriber in self._subscribers:
                for batch in stored:
                    subscriber(batch)
        finally:
            self._unsettled -= len(results)
            for job, result in results:
                if job.done.done():
                    continue  # whoever waited was cancelled
                if isinstance(result, Exception):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)

    def _answer(self, db: sqlite3.Connection, query: _Query) -> None:
        try:
            query.done.set_result(query.ask(db))
        except sqlite3.Error as error:
            query.done.set_exception(_unavailable(error, self.path))


_COLUMNS = "position, stream, version, event_id, type, data"
_STREAMS = """
    WITH RECURSIVE found (stream) AS (
        SELECT min(stream) FROM event WHERE stream >= ?1
        UNION ALL
        SELECT (SELECT min(stream) FROM event WHERE event.stream > found.stream) FROM found
        WHERE substr(found.stream, 1, length(?1)) = ?1
    )
    SELECT stream FROM found WHERE substr(stream, 1, length(?1)) = ?1"""
"""From each stream to the next one in the index: DISTINCT would walk past every event of the log."""


def _events(rows: Any) -> list[StoredEvent]:
    return [StoredEvent(*row) for row in rows]


_INSERT = "INSERT INTO event (stream, version, event_id, type, data) "
_NEXT = _INSERT + (
    "SELECT ?1, ?2, ?3, ?4, ?5 WHERE ifnull((SELECT max(version) FROM event WHERE stream = ?1), 0) = ?2 - 1"
)


_INSERT_MANY = {
    count: _INSERT + "VALUES " + ", ".join(["(?, ?, ?, ?, ?)"] * count)
    for count in (1 << power for power in range(MOST_ROWS.bit_length()))
}


_HEADS = {
    count: "WITH wanted (stream) AS (VALUES " + ", ".join(["(?)"] * count) + ") SELECT stream, ifnull("
    "(SELECT max(version) FROM event WHERE event.stream = wanted.stream), 0) FROM wanted"
    for count in _INSERT_MANY
}


def _heads(db: sqlite3.Connection, streams: list[str]) -> dict[str, int]:
    """Return the versions of streams, many a statement: each statement costs a hand-over of the interpreter."""
    found: dict[str, int] = {}
    for at in range(0, len(streams), MOST_ROWS):
        some = streams[at : at + MOST_ROWS]
        count = 1 << (len(some) - 1).bit_length()
        some += some[:1] * (count - len(some))  # asking twice is cheaper than a statement of its own for each count
        found.update(db.execute(_HEADS[count], some).fetchall())
    return found


def _head(db: sqlite3.Connection, stream: str) -> int:
    return _heads(db, [stream])[stream]


def _insert_or_why(db: sqlite3.Connection, job: _Append) -> int | Exception:
    try:
        return _insert(db, job)
    except StoreError as error:
        return error


def _insert(db: sqlite3.Connection, job: _Append) -> int:
    """Insert a batch, or leave everything as it was and raise."""
    version = _head(db, job.stream) if job.expected is None else job.expected
    whole = len(job.events) == 1
    if not whole:
        db.execute("SAVEPOINT batch")
    try:
        for number, event in enumerate(job.events, 1):
            row = (job.stream, version + number, event.event_id, event.type, event.data)
            cursor = db.execute(_NEXT, row)
            if cursor.rowcount != 1:
                raise sqlite3.IntegrityError
            assert cursor.lastrowid is not None
            job.stored.append(StoredEvent(cursor.lastrowid, *row))
    except sqlite3.IntegrityError:
        job.stored.clear()
        if not whole:
            db.execute("ROLLBACK TO batch")
        return _refuse(db, job)
    finally:
        if not whole:
            db.execute("RELEASE batch")
    return version + len(job.events)


def _refuse(db: sqlite3.Connection, job: _Append) -> int:
    """Say why a batch has no place: it is there already, or somebody was first."""
    wanted = [event.event_id for event in job.events]
    sql = f"SELECT {_COLUMNS} FROM event WHERE event_id IN ({','.join('?' * len(wanted))})"
    found = {event.event_id: event for event in _events(db.execute(sql, wanted))}
    if found:
        return already_there(job.stream, job.events, [found.get(event_id) for event_id in wanted])
    raise WrongExpectedVersion(job.stream, job.expected or 0, _head(db, job.stream))


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        if has_wal_reset_bug(sqlite3.sqlite_version_info):
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # The same few pages change again and again: move them into the file less often than every 4 MB of log.
        db.execute("PRAGMA wal_autocheckpoint = 4000")
        db.execute("PRAGMA cache_size = -16384")
        wanted = {"journal_mode": "wal", "synchronous": 2}
        for name, value in wanted.items():
            db.execute(f"PRAGMA {name} = {value}")
        for name, value in wanted.items():
            # A pragma that did not take says nothing; a log that is not durable must not look as if it were.
            got = db.execute(f"PRAGMA {name}").fetchone()[0]
            if got != value:
                raise StoreUnavailable(f"{path} does not take {name}={value}, it stays at {got}: not a place for a log")
        db.execute("BEGIN IMMEDIATE")
        _flush_again(Path(f"{path}-wal"))
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreUnavailable(
                f"{path} was written by a newer Interlock (schema {version}, this one knows up to {len(MIGRATIONS)})"
            )
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _flush_again(path: Path) -> None:
    """Write a file over with what it holds and flush it: an fsync that failed before us left pages that only look so.

    The caller holds SQLite's write lock. Raises `OSError`.
    """
    if not path.exists():
        return
    with open(path, "r+b", buffering=0) as file:
        for offset in range(0, os.fstat(file.fileno()).st_size, CHUNK):
            held = os.pread(file.fileno(), CHUNK, offset)
            while held:
                done = os.pwrite(file.fileno(), held, offset)
                held, offset = held[done:], offset + done
        os.fsync(file.fileno())


def _unavailable(error: Exception, path: Path) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_IOERR_FSYNC":
        return StoreUnavailable(
            f"{path}: the disk failed to flush (fsync): what was written may not be there after a crash"
        )
    if name.startswith("SQLITE_IOERR"):
        return StoreUnavailable(f"{path}: the disk failed ({name.removeprefix('SQLITE_')}); nothing was recorded")
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreUnavailable(f"{path} is in use by another process; one process at a time may have it open")
    if "full" in text:
        return StoreUnavailable(f"{path}: no space left to write; nothing was recorded, make room and it goes on")
    if "not a database" in text or "malformed" in text:
        return StoreUnavailable(f"{path} is damaged or no Interlock log: {text}")
    if "unable to open" in text:
        return StoreUnavailable(f"{path} cannot be opened: is the folder there, and may it be written?")
    return StoreUnavailable(f"{path}: {text}")
