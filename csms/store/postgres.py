"""The log for several nodes: PostgreSQL by psycopg 3. One connection writes, one reads, one listens.

**Writing.** Appends that wait at the same time share one statement and so one commit, at most one append of a stream
(`migrations/0001.sql`). Each is checked separately: one conflict does not fail the others. The statement is sent
in one piece and is its own transaction: a node that freezes holds no lock, as the server finishes without it.

**Order.** Numbers from a sequence are given out before the commit: a reader could pass 7 and never see the 6 that comes
later. Here a position is `max + 1` under an advisory lock that ends after the commit (locking the table would stop
autovacuum): positions have no gap, and whoever reads one can read all before it. The price is one commit at a time in
the whole log, which group commit makes up for.

**Subscribers.** A node delivers its own commits from memory while no other node wrote in between, and reads the rest.
NOTIFY is only a hint to read: it takes a lock of the whole server at commit, so it is sent after the append, on the
reading connection, at most every `HINT_EVERY_S`; where it is lost, polling finds the events.

**Node name and log identity.** The writing session holds an advisory lock on the node's name, so two nodes of one name
cannot append. The log has an identity, and a node keeps the newest event it saw; both are compared on each new
connection. Another log, or one without that event (a replica that lagged behind took its place), ends the store: what
this node keeps in memory, and answered to stations, may not be in it.

A connection pooler must be in session mode: settings and LISTEN belong to a session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from psycopg import errors, sql

from interlock.csms.store import (
    NOTE_BYTES,
    NUMBER_LIMIT,
    READ_BYTES,
    AppendUnconfirmed,
    EventIdReused,
    NameTaken,
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
from interlock.csms.store.postgres_line import Connection, Line, NotOurs, Place, now
from interlock.csms.supervise import Ending, deliver, reason

BATCH = 512
"""Appends that share one transaction, at the most."""
WAITING = 100_000
"""Appends that may wait; more are refused at once."""
PAGE = 1_000
"""Events read at a time to catch up with other nodes."""
HINT_EVERY_S = 0.01
"""NOTIFY is sent at most this often."""
NOTE = "note "
"""Prefix of a notification that is a note; others are positions."""
_COLUMNS = "position, stream, version, event_id, type, data"
_APPEND = """SELECT head, fits, known, before FROM append_1(
    %s::text[], %s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[], %s::bytea[], %s::bool[])"""
CLAIM_S, CLAIM_EVERY_S = 10.0, 0.2
"""How long a start waits for the end of a killed node's session of the same name, and how often it checks."""
_RECOGNISE = "SELECT name, (SELECT event_id FROM event WHERE position = %s) FROM identity"
_CLAIM = "SELECT pg_try_advisory_lock(hashtextextended('interlock node ' || current_schema() || ' ' || %s, 0))"
_PAGE = f"""SELECT {_COLUMNS} FROM (
    SELECT *, sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS size
    FROM (SELECT * FROM event WHERE {{}} ORDER BY position LIMIT %s) AS chosen
) AS paged WHERE size < {READ_BYTES} ORDER BY position"""
_NOTIFY = "SELECT pg_notify(%s, %s)"
_ABOUT_ONE = (psycopg.IntegrityError, psycopg.DataError, errors.ProgramLimitExceeded, UnicodeError)
"""Errors that one append of a batch may cause: the others are tried without it."""


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
        self._place = Place(url, schema)
        self._poll_s, self._patience_s, self._most = poll_s, patience_s, most
        self._writer = Line(self._place, answer_s, self._recognise_writer)
        self._reader, self._listener = (Line(self._place, answer_s, self._recognise) for _ in range(2))
        self.ending = Ending()
        self._identity = ""
        self._newest = (0, "")  # the newest event this node saw: its position and id
        self._name: str | None = None
        self._waiting: dict[str, deque[_Append]] = {}
        self._count = 0
        self._in_doubt: set[str] = set()
        self._work, self._look = asyncio.Event(), asyncio.Event()
        self._subscribers: list[Subscriber] = []
        self._listeners: list[Callable[[str], None]] = []
        self._told = 0  # the position up to which subscribers have been called
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

        `poll_s`: how late a batch of another node is noticed when its NOTIFY was lost. `patience_s`: how long an
        operation waits for an unreachable database. `answer_s`: how long it waits for an answer.
        """
        store = cls(url, schema, poll_s, patience_s, answer_s, BATCH if group_commit else 1)
        try:
            await store._writer.migrate()
            store._identity = (await store._ask("SELECT name FROM identity", patience_s=0))[0][0]
            newest = await store._ask("SELECT position, event_id FROM event ORDER BY position DESC LIMIT 1")
            store._newest = newest[0] if newest else (0, "")
            store._told = store._newest[0]
        except BaseException:
            await store._hang_up()
            raise
        store._tasks = [asyncio.create_task(work()) for work in (store._write, store._follow, store._listen)]
        for task in store._tasks:
            task.add_done_callback(store._task_ended)
        return store

    # --- the port ---

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """See `EventStore.append`."""
        if self._closed:
            raise StoreUnavailable(f"{self._place} is closed")
        check_storable(stream, events)
        if self.ending.why is not None:
            raise self._refusal(events, StoreUnavailable(self.ending.why))
        if self._count >= WAITING:
            raise StoreUnavailable(f"{WAITING} appends are waiting for {self._place}")
        job = _Append(stream, events, expected, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(stream, deque()).append(job)
        self._count += 1
        self._work.set()
        return await job.done

    async def claim(self, node: str) -> None:
        """See `EventStore.claim`. A node that was killed may keep its name for a moment: `CLAIM_S` at most."""
        until, waited = now() + CLAIM_S, False
        while True:
            try:
                async with self._writer.lock:
                    taken = not await self._claimed(await self._writer.get(until), node)
            except psycopg.Error as error:
                raise self._place.unavailable(error) from None
            if not taken:
                self._name = node
                if waited:
                    await asyncio.sleep(2 * self._poll_s)  # by then the former owner of the name has noticed the loss
                return
            waited = True
            if now() > until:
                raise NameTaken(
                    f"another node of {self._place} is called {node!r} and lives: give this one --node NAME"
                )
            await asyncio.sleep(CLAIM_EVERY_S)

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        if not is_name(stream):
            return []
        if limit is not None:
            rows = await self._ask(_PAGE.format("stream = %s AND version > %s"), stream, bounded(after), bounded(limit))
        else:
            query = f"SELECT {_COLUMNS} FROM event WHERE stream = %s AND version > %s ORDER BY version"
            rows = await self._ask(query, stream, bounded(after))
        return [StoredEvent(*row) for row in rows]

    async def read_all(self, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """See `EventStore.read_all`."""
        if limit is not None:
            rows = await self._ask(_PAGE.format("position > %s"), bounded(after), bounded(limit))
            return [StoredEvent(*row) for row in rows]
        found: list[StoredEvent] = []
        while page := await self.read_all(found[-1].position if found else after, PAGE):
            found += page
        return found

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """See `EventStore.find`."""
        query = f"SELECT {_COLUMNS} FROM event WHERE event_id = ANY(%s) ORDER BY position"
        return [StoredEvent(*row) for row in await self._ask(query, [one for one in event_ids if is_name(one)])]

    async def streams(self, prefix: str = "") -> Sequence[str]:
        """See `EventStore.streams`."""
        if prefix and not is_name(prefix):
            return []
        query = "SELECT stream FROM event WHERE version = 1 AND starts_with(stream, %s) ORDER BY stream"
        return [row[0] for row in await self._ask(query, prefix)]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        check_snapshot(snapshot)
        query = (
            "INSERT INTO snapshot VALUES (%s, %s, %s, %s) ON CONFLICT (stream) DO UPDATE SET"
            " version = excluded.version, fold = excluded.fold, state = excluded.state"
            " WHERE excluded.version >= snapshot.version"
        )
        await self._ask(query, snapshot.stream, snapshot.version, snapshot.fold, snapshot.state)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """See `EventStore.load_snapshot`."""
        if not is_name(stream):
            return None
        rows = await self._ask("SELECT stream, version, fold, state FROM snapshot WHERE stream = %s", stream)
        return Snapshot(*rows[0]) if rows else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `EventStore.subscribe`. It may also get what other nodes committed within the last poll interval."""
        self._subscribers = [*self._subscribers, subscriber]

        def stop() -> None:
            self._subscribers = [one for one in self._subscribers if one is not subscriber]

        return stop

    async def send_note(self, note: str) -> None:
        """See `EventStore.send_note`. Lost while the database is unreachable."""
        if len(note.encode()) <= NOTE_BYTES and "\0" not in note:
            with contextlib.suppress(StoreError):
                await self._ask(_NOTIFY, self._place.channel, NOTE + note, patience_s=0)

    def on_note(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """See `EventStore.on_note`."""
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return stop

    async def close(self) -> None:
        """Finish what is queued, notify once more, disconnect."""
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
            async with line.lock:  # a reader may finish
                await line.drop()

    async def _ask(self, query: str, *values: Any, patience_s: float | None = None) -> list[tuple[Any, ...]]:
        """Run a query that may be repeated."""
        until = now() + (self._patience_s if patience_s is None else patience_s)
        async with self._reader.lock:
            for last in (False, True):
                if self._closed and patience_s is None:
                    raise StoreUnavailable(f"{self._place} is closed")
                if self.ending.why is not None:
                    raise StoreUnavailable(self.ending.why)
                connection = await self._reader.get(until)
                try:
                    return await self._reader.ask(query, values)
                except (psycopg.Error, UnicodeError) as error:
                    why = self._place.unavailable(error)
                    if last or not connection.closed:
                        break
        raise why

    # --- which log, and whose ---

    async def _recognise(self, connection: Connection) -> None:
        """Refuse a log that is not, or no longer, the one this node has read."""
        if not self._identity:
            return  # this node has read none yet
        newest = self._newest
        self._compare(newest, await (await connection.execute(_RECOGNISE, newest[:1])).fetchone())
        if self.ending.why is not None:
            raise NotOurs(self.ending.why)

    def _compare(self, newest: tuple[int, str], row: tuple[Any, ...] | None) -> None:
        position, event_id = newest
        if row is None or row[0] != self._identity:
            self._end(f"{self._place}: there is another log in the place of this node's")
        elif position and row[1] != event_id:
            self._end(f"{self._place}: the log went back, event {position} that this node saw is not in it")

    async def _look_again(self) -> None:
        """Look whether the log still has the newest event of this node: rows may go while every connection stands."""
        newest = self._newest
        rows = await self._ask(_RECOGNISE, newest[0], patience_s=0)
        self._compare(newest, rows[0] if rows else None)

    async def _recognise_writer(self, connection: Connection) -> None:
        await self._recognise(connection)
        if self._name is not None and not await self._claimed(connection, self._name):
            self._end(f"{self._place}: another node has taken the name {self._name!r} while this one was cut off")
            raise NotOurs(f"{self.ending.why}")

    async def _hold_claim(self) -> None:
        """Confirm the name before reading others' appends: what they decided for this node, only its owner may send."""
        if self._name is not None and not self._writer.lock.locked():
            async with self._writer.lock:
                await self._writer.get(now())

    async def _claimed(self, connection: Connection, node: str) -> bool:
        row = await (await connection.execute(_CLAIM, (node,))).fetchone()
        return bool(row and row[0])

    # --- its end ---

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not self._closed:
            what = ("writes", "follows other nodes", "listens")[self._tasks.index(task)]
            self._end(f"{self._place}: the task that {what} ended: {reason(task)}")

    def _end(self, why: str) -> None:
        """Refuse waiting requests, and any from now on."""
        if self.ending.why is not None:
            return
        self.ending.end(why)
        waiting, self._waiting, self._count = self._waiting, {}, 0
        for line in waiting.values():
            for job in line:
                _resolve(job, self._refusal(job.events, StoreUnavailable(why)))
        self._work.set()
        for task in self._tasks[1:]:
            task.cancel()

    # --- writing ---

    async def _write(self) -> None:
        while self.ending.why is None and (self._waiting or not self._closed):
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
                continue
            group = self._take()
            results: Sequence[int | StoreError] = []
            try:
                async with self._writer.lock:
                    results = await self._commit(group)
            except Exception as error:
                results = self._doubt(group)
                _report("a group of appends failed", error)
            finally:
                for job, result in zip(group, results or self._doubt(group), strict=True):
                    _resolve(job, result)

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
            await self._writer.get(now() + self._patience_s)
        except StoreUnavailable as why:
            return self._refuse(group, why)
        newest = self._newest
        try:
            rows = await self._writer.ask(_APPEND, _arrays(group))
        except Exception as error:
            if not _is_definite(error):
                await self._writer.drop()
                return self._doubt(group)
            if len(group) > 1 and isinstance(error, _ABOUT_ONE):
                return [result for job in group for result in await self._commit([job])]
            if again and isinstance(error, errors.UniqueViolation):
                return await self._commit(group, again - 1)  # a write without the lock came between: check again
            return self._refuse(group, self._place.unavailable(error))
        if rows and rows[0][3] < newest[0]:  # what it was appended behind is not all that this node saw before
            self._compare(newest, (self._identity, None))
            return self._doubt(group)
        self._committed(group, rows)
        return [await self._judge(job, *row[:3]) for job, row in zip(group, rows, strict=True)]

    async def _judge(self, job: _Append, head: int, fits: bool, known: bool) -> int | StoreError:
        ids = [event.event_id for event in job.events]
        if known:
            try:
                there = {event.event_id: event for event in await self.find(ids)}
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
        return [self._refusal(job.events, why) for job in group]

    def _refusal(self, events: Sequence[NewEvent], why: StoreUnavailable) -> StoreError:
        """Return the error of an append: a repeat of an unconfirmed one stays unconfirmed, as it may be written."""
        in_doubt = any(one.event_id in self._in_doubt for one in events[:1])
        return AppendUnconfirmed(str(why)) if in_doubt else why

    # --- telling ---

    def _committed(self, group: Sequence[_Append], rows: Sequence[tuple[Any, ...]]) -> None:
        position = rows[0][3]
        for job, (head, fits, known, _) in zip(group, rows, strict=True):
            if not fits or known or not job.events:
                continue
            at_once = position == self._told  # else another node wrote in between: read the order from the log
            batch = []
            for version, event in enumerate(job.events, head + 1):
                position += 1
                batch.append(StoredEvent(position, job.stream, version, event.event_id, event.type, event.data))
            self._saw(batch[-1])
            if at_once:
                self._deliver(batch)
            self._behind |= not at_once
            self._written = position
            self._look.set()

    def _deliver(self, batch: Sequence[StoredEvent]) -> None:
        if batch[0].position <= self._told:
            return
        self._told = batch[-1].position
        self._saw(batch[-1])
        deliver(self._subscribers, batch)

    def _saw(self, event: StoredEvent) -> None:
        if event.position > self._newest[0]:
            self._newest = event.position, event.event_id

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._look.wait()
                idle = False
            except TimeoutError:
                self._behind = idle = True
            self._look.clear()
            try:
                if idle:
                    await self._look_again()
                if self._behind:
                    await self._hold_claim()
                    await self._catch_up()
                await self._hint()
            except StoreError:
                continue  # the database is unreachable: the next poll tries again
            except Exception as error:
                self._behind = True
                _report("following other nodes failed", error)

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
        if now() < self._next_hint:
            asyncio.get_running_loop().call_at(self._next_hint, self._look.set)
            return
        self._next_hint, position = now() + HINT_EVERY_S, self._written
        await self._ask(_NOTIFY, self._place.channel, str(position), patience_s=0)
        self._hinted = position

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._listener.get(now())
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._place.channel)))
                self._heard("")
                async for note in connection.notifies():
                    self._heard(note.payload)
            except Exception as error:
                if not isinstance(error, psycopg.Error | StoreError):
                    _report("listening failed", error)
                await self._listener.drop()
                await asyncio.sleep(self._poll_s)

    def _heard(self, position: str) -> None:
        if position.startswith(NOTE):
            deliver(self._listeners, position.removeprefix(NOTE))
            return
        if not position.isdecimal() or len(position) > 19 or int(position) > self._told:
            self._behind = True
            self._look.set()


def _arrays(group: Sequence[_Append]) -> list[list[Any]]:
    rows = [
        (n, number, event.event_id, event.type, event.data, number == len(job.events))
        for n, job in enumerate(group, 1)
        for number, event in enumerate(job.events, 1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    expected = [None if job.expected is None else min(max(job.expected, -1), NUMBER_LIMIT) for job in group]
    return [[job.stream for job in group], expected, *columns]


def _is_definite(error: Exception) -> bool:
    """Whether nothing was written for certain: not sent, or refused on a connection that still works."""
    if isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized is not None:
        return error.diag.severity_nonlocalized == "ERROR"
    return isinstance(error, (UnicodeError, psycopg.DataError))


def _resolve(job: _Append, result: int | StoreError) -> None:
    """Set a result, unless its waiter was cancelled."""
    if job.done.done():
        return
    if isinstance(result, Exception):
        job.done.set_exception(result)
    else:
        job.done.set_result(result)


def _report(what: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
