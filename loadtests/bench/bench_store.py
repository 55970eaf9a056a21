"""Appends/s of the SQLite store, synchronous=FULL: group commit beside one commit per append, and beside no store.

The bare loop is what SQLite gives when nobody waits for anything: one thread, one statement an event, the same table,
as many events a commit as there are writers.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms.store import NewEvent
from interlock.csms.store.sqlite import SqliteStore

SECONDS, ROUNDS, GOAL, BARE_GOAL = 1.0, 5, 4.0, 1.5
WRITERS = (16, 128)
DATA = b'{"at":"2026-01-01T00:00:00Z","connector":1,"status":"Charging","error_code":"NoError","info":null}' * 2


async def appends_per_second(path: Path, writers: int, *, group_commit: bool) -> float:
    """Let the writers append as fast as they can, each to a stream of its own."""
    store = await SqliteStore.open(path, group_commit=group_commit)
    until = time.perf_counter() + SECONDS

    async def write(writer: int) -> int:
        version = 0
        while time.perf_counter() < until:
            batch = [NewEvent(f"{writer}-{version}", "StatusReported", DATA)]
            version = await store.append(f"s{writer}", batch, version)
        return version

    begun = time.perf_counter()
    total = sum(await asyncio.gather(*(write(writer) for writer in range(writers))))
    took_s = time.perf_counter() - begun
    await store.close()
    return total / took_s


def bare_per_second(path: Path, writers: int) -> float:
    """Insert and commit in a loop, with nothing around it, into a file the store made."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    insert = "INSERT INTO event (stream, version, event_id, type, data) VALUES (?, ?, ?, ?, ?)"
    begun = time.perf_counter()
    version = 0
    while time.perf_counter() - begun < SECONDS:
        version += 1
        db.execute("BEGIN IMMEDIATE")
        for writer in range(writers):
            db.execute(insert, (f"s{writer}", version, f"{writer}-{version}", "StatusReported", DATA))
        db.execute("COMMIT")
    took_s = time.perf_counter() - begun
    db.close()
    return version * writers / took_s


async def _empty(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


def main() -> None:
    """Measure all in turn and print the ratios."""
    print(f"SQLite appends per second, synchronous=FULL: {SECONDS:g} s each, {ROUNDS} rounds in turn")
    for writers in WRITERS:
        names = ("group commit", "one commit per append", "bare loop, no store")
        found: dict[str, list[float]] = {name: [] for name in names}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(ROUNDS):
                for name in names[:2]:
                    path = Path(folder) / f"{number}-{name[:3]}.sqlite"
                    together = name == names[0]
                    found[name].append(asyncio.run(appends_per_second(path, writers, group_commit=together)))
                bare = Path(folder) / f"{number}-bare.sqlite"
                asyncio.run(_empty(bare))
                found[names[2]].append(bare_per_second(bare, writers))
        print(f"  {writers} writers")
        for name, rates in found.items():
            at = statistics.median(rates)
            print(f"    {name:<24} median {at:>9,.0f}   min {min(rates):>9,.0f}   max {max(rates):>9,.0f}")
        ours, alone, loop = (found[name] for name in names)
        ratio = statistics.median(a / b for a, b in zip(ours, alone, strict=True))
        print(f"    group commit is {ratio:.1f} times as fast as one commit per append (goal {GOAL:.0f})")
        ratio = statistics.median(b / a for a, b in zip(ours, loop, strict=True))
        print(f"    the bare loop is {ratio:.2f} times as fast as group commit (goal: at most {BARE_GOAL})")


if __name__ == "__main__":
    main()
