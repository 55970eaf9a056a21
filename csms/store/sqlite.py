"""The durable log: SQLite in WAL mode with synchronous=FULL, one thread that owns the only connection, group commit.

Appends that wait at the same time share one transaction and so one fsync; each is checked separately, so one conflict
does not fail the others. No result is reported before the commit returned.

The thread passes results to the loop, which skips callers that were cancelled. What a job raises goes to its caller.
If the thread itself ends, waiting and later requests are refused; so they are when it hangs (`watch`), as a disk may
never answer.

SQLite before 3.51.3 (3.50.7 and 3.44.6 have the fix too) can lose commits when several connections write and checkpoint
one WAL file. Here one connection does both; on such a version the file is locked against other processes, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from interlock.csms.domain.bounds import bounds
from interlock.csms.store import (
    READ_BYTES,
    AppendUnconfirmed,
    NewEvent,
    Snapshot,
    StoredEvent,
    StoreError,
    StoreUnavailable,
    Subscriber,
    WrongExpectedVersion,
    already_there,
    bounded,
    check_snapshot,
    check_storable,
    is_name,
)
from interlock.csms.store.sqlite_file import Files, connect, unavailable
from interlock.csms.store.watch import HUNG_S, Watch
from interlock.csms.supervise import Ending, deliver, described

T = TypeVar("T")

BATCH = 512
"""Appends that share one transaction, at the most."""
WAITING = 100_000
"""Appends that may wait; more are refused at once."""
STEP = 1_000_000
"""SQLite VM instructions after which a long query counts as a step for `watch`."""
MOST_ROWS = 64
"""Events that share one statement, at the most; a power of two."""

UNWRITTEN = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
"""Errors of a COMMIT whose last page, which makes it valid, was not written."""


class _Append(msgspec.Struct, eq=False):
    stream: str
    events: Sequence[NewEvent]
    expected: int | None
    done: asyncio.Future[int]
    stored: list[StoredEvent] = []


_Results = list[tuple[_Append, int | Exception]]
_OF_ONE = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Errors that one append may cause; any other `sqlite3.Error` is the database's."""


@dataclass(slots=True, eq=False)
class _Query:
    ask: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


class SqliteStore:
    """An `EventStore` in a file, for the loop that opened it. Make one with `await SqliteStore.open(path)`."""

    alone = True

    def __init__(self, path: Path, *, group_commit: bool = True) -> None:
        self.path = path
        self._loop = asyncio.get_running_loop()  # looked up once, as it costs a system call
        self._most = BATCH if group_commit else 1
        self._work: queue.SimpleQueue[list[_Append] | _Query | None] = queue.SimpleQueue()
        self._gathered: list[_Append] = []
        self._unsettled: set[_Append] = set()
        self._asked: set[_Query] = set()
        self._subscribers: list[Subscriber] = []
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._left: asyncio.Future[None] = self._loop.create_future()
        self._steps = 0
        self.watch = Watch(self._loop, lambda: self._steps, self._is_busy, self._hang)
        self._closed = False
        self.ending = Ending()
        self._lost: set[str] = set()
        """The first event of each append that was under way when the thread ended: it may be in the log."""
        self._heads: dict[str, int] = {}
        self._in_doubt = False
        """A commit failed that may be in the log after a crash, and no later one has overwritten it yet."""
        self._thread = threading.Thread(target=self._own, name=f"log {path.name}", daemon=True)

    @classmethod
    async def open(cls, path: Path | str, *, group_commit: bool = True) -> SqliteStore:
        """Open a log, making the file if there is none. Raises `StoreUnavailable` with one sentence why not."""
        store = cls(Path(path), group_commit=group_commit)
        store._thread.start()
        try:
            await store._opened
        except BaseException:
            store._closed = True
            store._work.put(None)
            raise
        return store

    # --- the port ---

    async def claim(self, node: str) -> None:
        """See `EventStore.claim`: the file is locked, so there is no other node."""

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        if self._closed or self.ending.why is not None:
            raise self._refusal(events)
        check_storable(stream, events)
        if len(self._unsettled) >= WAITING:
            raise StoreUnavailable(f"{WAITING} appends are waiting for {self.path.name}")
        job = _Append(stream, events, expected, self._loop.create_future())
        if not self._gathered:
            # Batched with what else this turn of the loop appends: waking the thread costs more than an insert.
            self._loop.call_soon(self._hand_over)
        self._gathered.append(job)
        self._unsettled.add(job)
        return await job.done

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        if not is_name(stream):
            return []
        sql = f"SELECT {_COLUMNS} FROM event WHERE stream = ? AND version > ? ORDER BY version LIMIT ?"
        return await self._read(sql, (stream, bounded(after)), limit)

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        sql = f"SELECT {_COLUMNS} FROM event WHERE position > ? ORDER BY position LIMIT ?"
        return await self._read(sql, (bounded(after),), limit)

    async def _read(self, sql: str, values: tuple[Any, ...], limit: int | None) -> Sequence[StoredEvent]:
        if limit is None:
            return await self._ask(lambda db: _events(db.execute(sql, (*values, -1))))
        return await self._ask(lambda db: _page(db.execute(sql, (*values, bounded(limit)))))

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """See `EventStore.find`."""
        wanted = [event_id for event_id in dict.fromkeys(event_ids) if is_name(event_id)]
        return await self._ask(lambda db: _find(db, wanted))

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        if prefix and not is_name(prefix):
            return []
        return await self._ask(lambda db: [row[0] for row in db.execute(_STREAMS, (prefix,))])

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        check_snapshot(snapshot)

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
        if not is_name(stream):
            return None
        sql = "SELECT stream, version, fold, state FROM snapshot WHERE stream = ?"
        row = await self._ask(lambda db: db.execute(sql, (stream,)).fetchone())
        return Snapshot(*row) if row else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `EventStore.subscribe`; subscribers are called before the append returns."""
        self._subscribers = [*self._subscribers, subscriber]

        def stop() -> None:
            self._subscribers = [one for one in self._subscribers if one is not subscriber]

        return stop

    async def send_note(self, note: str) -> None:
        """See `EventStore.send_note`: no other node has the file open."""

    def on_note(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """See `EventStore.on_note`: there are no notes."""
        return lambda: None

    async def close(self) -> None:
        """Finish what is queued, move the WAL into the file, close it. Raises `StoreUnavailable` if that went wrong."""
        was_over = self.ending.why is not None
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._work.put(None)
        await asyncio.wait({self._left}, timeout=HUNG_S)
        if not self._left.done():
            raise StoreUnavailable(f"{self.path}: it was not closed: the disk has not answered for {HUNG_S:g} s")
        if not was_over and self.ending.why is not None:
            raise StoreUnavailable(self.ending.why)

    async def check(self, *, quick: bool = False) -> list[str]:
        """Check the file; return what is wrong with it, empty if it is sound. `quick` leaves the indexes out."""
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
            self.watch.begin()

    async def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed or self.ending.why is not None:
            raise self._refusal(())
        self._hand_over()
        query = _Query(ask, self._loop.create_future())
        self._asked.add(query)
        self._work.put(query)
        self.watch.begin()
        found: T = await query.done
        return found

    def _refusal(self, events: Sequence[NewEvent]) -> StoreError:
        if self.ending.why is None:
            return StoreUnavailable(f"{self.path.name} is closed")
        if any(event.event_id in self._lost for event in events[:1]):
            return AppendUnconfirmed(self.ending.why)
        return StoreUnavailable(self.ending.why)

    def _settle(self, query: _Query, result: Any, error: Exception | None) -> None:
        self._asked.discard(query)
        _resolve(query.done, result if error is None else error)

    def _is_busy(self) -> bool:
        return bool(self._unsettled or self._asked) and self.ending.why is None

    def _hang(self, why: str) -> None:
        self._end(f"{self.path.name}: the thread of the log hangs, {why}")

    def _step(self) -> None:
        self._steps += 1

    def _end(self, why: str) -> None:
        """Refuse waiting requests: the thread is gone. Only what had been passed to it may be in the log."""
        self._lost = {job.events[0].event_id for job in self._unsettled if job.events}
        self._lost -= {job.events[0].event_id for job in self._gathered if job.events}
        self.ending.end(why)
        for job in self._unsettled:
            _resolve(job.done, self._refusal(job.events))
        for query in self._asked:
            _resolve(query.done, StoreUnavailable(why))
        self._unsettled.clear()
        self._gathered.clear()
        self._asked.clear()

    # --- in the thread ---

    def _own(self) -> None:
        try:
            self._serve()
        finally:
            self._in_loop(_resolve, self._left, None)

    def _serve(self) -> None:
        try:
            db = connect(self.path)
            db.set_progress_handler(self._step, STEP)
            self._files = Files(self.path)
        except BaseException as error:
            self._in_loop(_resolve, self._opened, unavailable(error, self.path))
            return
        self._in_loop(_resolve, self._opened, None)
        try:
            while (work := self._take()) is not None:
                self._step()
                appends, query = work
                if (why := self._files.lost()) is not None:
                    self._in_loop(self._end, f"{why} while it was open: what is appended to it is lost")
                    return
                for at in range(0, len(appends), self._most):
                    self._step()
                    self._commit(db, appends[at : at + self._most])
                if query is not None:
                    self._answer(db, query)
        except BaseException as error:  # not raised by a job: those go to their callers
            self._in_loop(self._end, f"{self.path.name}: the thread of the log ended: {described(error)}")
        finally:
            with contextlib.suppress(sqlite3.Error):
                db.close()
            if not self._files.closed_well():
                self._in_loop(self._end, f"{self.path.name}: the file was overwritten while it was open")
            self._files.close()

    def _in_loop(self, callback: Callable[..., None], *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(callback, *values)

    def _take(self) -> tuple[list[_Append], _Query | None] | None:
        """Wait for work and take all of it; a query waits for the appends before it and ends the batch."""
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
                # A lost race, or an event that is there already: insert one at a time, so that each gets its own
                # result.
                db.execute("ROLLBACK")
                db.execute("BEGIN IMMEDIATE")
                found = [(job, _insert_or_why(db, job)) for job in appends]
            results = found
            committing = True
            db.execute("COMMIT")
            self._note_heads(results)
        except Exception as error:
            # The disk refused the whole transaction, so every append in it fails.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            self._heads.clear()
            self._in_doubt |= committing and getattr(error, "sqlite_errorname", "") not in UNWRITTEN
            why: StoreError = unavailable(error, self.path)
            if self._in_doubt:
                why = AppendUnconfirmed(str(why))
            results = [(job, why) for job in appends]
        else:
            stored = [job.stored for job in appends if job.stored]
            if stored:
                self._in_doubt = False
        # One call into the loop for the whole batch: a call costs more than an insert.
        self._in_loop(self._tell, stored, results)

    def _insert_all(self, db: sqlite3.Connection, appends: list[_Append]) -> _Results | None:
        """Insert all batches, many rows a statement, or return None when one of them conflicts.

        Each statement releases and reacquires the interpreter lock, which costs more than an insert. Remembered heads
        only save queries; the unique (stream, version) detects another writer.
        """
        known = self._heads
        heads = {job.stream: known[job.stream] for job in appends if job.stream in known}
        heads |= _heads(db, [job.stream for job in appends if job.stream not in known])
        rows: list[tuple[_Append, int, NewEvent]] = []
        values: list[str | int | bytes] = []
        results: _Results = []
        for job in appends:
            stream = job.stream
            head = heads[stream]
            if job.expected is not None and job.expected != head:
                return None
            for event in job.events:
                head += 1
                rows.append((job, head, event))
                values += (stream, head, event.event_id, event.type, event.data)
            heads[stream] = head
            results.append((job, head))
        at = 0
        try:
            while at < len(rows):
                count = min(len(rows) - at, MOST_ROWS)
                some = rows[at : at + count]
                last = db.execute(_INSERT_MANY[count], values[5 * at : 5 * (at + count)]).lastrowid
                assert last is not None
                # One writer and a growing key: the rows of a statement have consecutive positions.
                for position, (job, version, event) in enumerate(some, last - count + 1):
                    stored = StoredEvent(position, job.stream, version, event.event_id, event.type, event.data)
                    job.stored.append(stored)
                at += count
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE):
                raise
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
        while len(heads) > bounds().heads:
            del heads[next(iter(heads))]

    def _tell(self, stored: list[list[StoredEvent]], results: _Results) -> None:
        """Call subscribers with what is stored, then set each waiter's result. Runs in the loop, not in the thread."""
        try:
            for batch in stored:
                deliver(self._subscribers, batch)
        finally:
            self._unsettled.difference_update([job for job, _ in results])
            for job, result in results:
                _resolve(job.done, result)

    def _answer(self, db: sqlite3.Connection, query: _Query) -> None:
        found: Any = None
        why: Exception | None = None
        try:
            found = query.ask(db)
        except sqlite3.Error as error:
            why = unavailable(error, self.path)
        except Exception as error:
            why = error
        if db.in_transaction:
            db.execute("ROLLBACK")
        self._in_loop(self._settle, query, found, why)


def _resolve(done: asyncio.Future[Any], result: Any) -> None:
    """Set a result, unless its waiter was cancelled."""
    if done.done():
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)


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


def _page(rows: Any) -> list[StoredEvent]:
    """Fetch rows up to `READ_BYTES`; the rest is not read."""
    found, size = [], 0
    for row in rows:
        found.append(StoredEvent(*row))
        size += len(found[-1].data)
        if size >= READ_BYTES:
            break
    return found


def _find(db: sqlite3.Connection, event_ids: Sequence[str]) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    for at in range(0, len(event_ids), 500):
        some = event_ids[at : at + 500]
        sql = f"SELECT {_COLUMNS} FROM event WHERE event_id IN ({','.join('?' * len(some))})"
        found += _events(db.execute(sql, some))
    return sorted(found, key=lambda event: event.position)


_INSERT = "INSERT INTO event (stream, version, event_id, type, data) "
_NEXT = _INSERT + (
    "SELECT ?1, ?2, ?3, ?4, ?5 WHERE ifnull((SELECT max(version) FROM event WHERE stream = ?1), 0) = ?2 - 1"
)


_INSERT_MANY = {
    count: _INSERT + "VALUES " + ", ".join(["(?, ?, ?, ?, ?)"] * count) for count in range(1, MOST_ROWS + 1)
}


_HEADS = {
    count: "WITH wanted (stream) AS (VALUES " + ", ".join(["(?)"] * count) + ") SELECT stream, ifnull("
    "(SELECT max(version) FROM event WHERE event.stream = wanted.stream), 0) FROM wanted"
    for count in (1 << power for power in range(MOST_ROWS.bit_length()))
}


def _heads(db: sqlite3.Connection, streams: list[str]) -> dict[str, int]:
    """Return the versions of streams, many a statement: each statement switches the interpreter lock."""
    found: dict[str, int] = {}
    for at in range(0, len(streams), MOST_ROWS):
        some = streams[at : at + MOST_ROWS]
        count = 1 << (len(some) - 1).bit_length()
        some += some[:1] * (count - len(some))  # repeats are cheaper than a statement for each count
        found.update(db.execute(_HEADS[count], some).fetchall())
    return found


def _head(db: sqlite3.Connection, stream: str) -> int:
    return _heads(db, [stream])[stream]


def _insert_or_why(db: sqlite3.Connection, job: _Append) -> int | Exception:
    """Insert a batch and return its version, or why it was left out. Raises errors that end the transaction."""
    result: int | Exception
    db.execute("SAVEPOINT batch")
    try:
        result = _insert(db, job)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE):
            raise
        job.stored.clear()
        db.execute("ROLLBACK TO batch")
        result = error
    db.execute("RELEASE batch")
    return result


def _insert(db: sqlite3.Connection, job: _Append) -> int:
    version = _head(db, job.stream)
    if job.expected is not None and job.expected != version:
        return _refuse(db, job)
    try:
        for place, event in enumerate(job.events, 1):
            row = (job.stream, version + place, event.event_id, event.type, event.data)
            cursor = db.execute(_NEXT, row)
            if cursor.rowcount != 1:
                raise sqlite3.IntegrityError
            assert cursor.lastrowid is not None
            job.stored.append(StoredEvent(cursor.lastrowid, *row))
    except sqlite3.IntegrityError:
        job.stored.clear()
        db.execute("ROLLBACK TO batch")
        return _refuse(db, job)
    return version + len(job.events)


def _refuse(db: sqlite3.Connection, job: _Append) -> int:
    """Return the version of a batch that is there already, or raise why it conflicts."""
    wanted = [event.event_id for event in job.events]
    found = {event.event_id: event for event in _find(db, wanted)}
    if found:
        return already_there(job.stream, job.events, [found.get(event_id) for event_id in wanted])
    raise WrongExpectedVersion(job.stream, job.expected or 0, _head(db, job.stream))
