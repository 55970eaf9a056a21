"""The SQLite file of a log: how it is opened, checked, brought up to date, and what its errors mean in a sentence.

After a failed fsync, Linux marks the pages clean: they are in the cache, not on the disk, and the next fsync succeeds.
While the process lives that is harmless: SQLite overwrites the failed commit with the next one and flushes that. Until
then a crash may leave the failed commit in the log, so it is unconfirmed rather than refused. A log that was not closed
may be read from a cache that never reached the disk: so on opening, the WAL is first rewritten and flushed.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from interlock.csms.store import StoreUnavailable

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

CHUNK = 1024 * 1024
HEADER_BYTES = 18
"""The part of a SQLite file's header that never changes: the format and the page size."""
WAL_HEADER_BYTES = 12
"""The part of a write-ahead file's header that never changes."""


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether a SQLite version can lose commits with several writing connections."""
    if version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


def connect(path: Path) -> sqlite3.Connection:
    """Open a log with durable settings, making it if there is none. Raises `sqlite3.Error`, `StoreUnavailable`."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        # Not only because of that bug: a second node of this log would not notice what the first one appends.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # The same few pages change repeatedly: checkpoint less often than every 4 MB of log.
        db.execute("PRAGMA wal_autocheckpoint = 4000")
        db.execute("PRAGMA cache_size = -16384")
        wanted = {"journal_mode": "wal", "synchronous": 2}
        for name, value in wanted.items():
            db.execute(f"PRAGMA {name} = {value}")
        for name, value in wanted.items():
            # A pragma that had no effect raises nothing, so the settings that durability needs are read back.
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
    """Rewrite a file with its own content and flush it: an earlier failed fsync left pages that only seem written.

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


class Files:
    """The files of an open log, to check that they are still in place: SQLite would not notice their removal.

    One is the write-ahead file, which may hold all recent commits; while a log is open SQLite neither recreates nor
    truncates it. Nor does it truncate the log itself, or change the beginning of its header.
    """

    def __init__(self, path: Path) -> None:
        """Raises `OSError` when there is no file."""
        self._path, self._wal = path, Path(f"{path}-wal")
        found = os.stat(path)
        self._file = found.st_dev, found.st_ino
        self._bytes = found.st_size
        self._log: tuple[int, int] | None = None
        self._size = 0
        # Closed only after SQLite closed its own: closing any descriptor of a file releases the process's locks on it.
        self._descriptor = os.open(path, os.O_RDONLY)
        self._wal_descriptor: int | None = None
        self._wal_header = b""
        self._header = os.pread(self._descriptor, HEADER_BYTES, 0)

    def close(self) -> None:
        """Close the descriptors, after SQLite closed its own."""
        os.close(self._descriptor)
        if self._wal_descriptor is not None:
            os.close(self._wal_descriptor)

    def closed_well(self) -> bool:
        """Tell whether the log begins as it did, behind SQLite's last checkpoint, which trusts the write-ahead file."""
        try:
            return os.pread(self._descriptor, HEADER_BYTES, 0) == self._header
        except OSError:
            return True  # nobody can tell

    def lost(self) -> str | None:
        """Return what happened to one of the files, in words; None if both are in place or cannot be checked."""
        try:
            return self._lost()
        except OSError:
            return None

    def _lost(self) -> str | None:
        found = _stat(self._path)
        if found is None or (found.st_dev, found.st_ino) != self._file:
            return f"{self._path.name}: the file was replaced or removed"
        if found.st_size < self._bytes:
            return f"{self._path.name}: the file was cut"
        self._bytes = found.st_size
        if os.pread(self._descriptor, HEADER_BYTES, 0) != self._header:
            return f"{self._path.name}: the file was overwritten"
        found = _stat(self._wal)
        if found is not None and self._log is None:
            self._log = found.st_dev, found.st_ino
        if self._log is None:
            return None
        if found is None or (found.st_dev, found.st_ino) != self._log:
            return f"{self._wal.name}: the file was replaced or removed"
        if found.st_size < self._size:
            return f"{self._wal.name}: the file was cut"
        self._size = found.st_size
        if self._wal_descriptor is None:
            if found.st_size < WAL_HEADER_BYTES:
                return None  # nothing was written yet
            self._wal_descriptor = os.open(self._wal, os.O_RDONLY)
            self._wal_header = os.pread(self._wal_descriptor, WAL_HEADER_BYTES, 0)
        if os.pread(self._wal_descriptor, WAL_HEADER_BYTES, 0) != self._wal_header:
            return f"{self._wal.name}: the file was overwritten"
        return None


def _stat(path: Path) -> os.stat_result | None:
    """Return a file's status; None when it is not there. Raises `OSError` when that cannot be checked."""
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def unavailable(error: BaseException, path: Path) -> StoreUnavailable:
    """Return the error of a file or disk as one sentence."""
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
