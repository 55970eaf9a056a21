"""Appends/s of the SQLite store, 16 writers, synchronous=FULL: group commit beside one commit per append."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from csms.store import NewEvent
from csms.store_sqlite import SqliteStore

WRITERS, SECONDS, ROUNDS, GOAL = 16, 1.0, 5, 4.0
DATA = b'{"at":"2026-01-01T00:00:00Z","connector":1,"status":"Charging","error_code":"NoError","info":null}' * 2


async def appends_per_second(path: Path, *, group_commit: bool) -> float:
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
    total = sum(await asyncio.gather(*(write(writer) for writer in range(WRITERS))))
    took_s = time.perf_counter() - begun
    await store.close()
    return total / took_s


def main() -> None:
    """Measure both in turn and print the ratio."""
    print(
        f"SQLite appends per second, synchronous=FULL: {WRITERS} writers, {SECONDS:g} s each, {ROUNDS} rounds in turn"
    )
    found: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for group_commit in (True, False):
                path = Path(folder) / f"{number}-{group_commit}.sqlite"
                found[group_commit].append(asyncio.run(appends_per_second(path, group_commit=group_commit)))
    for name, rates in (("group commit", found[True]), ("one commit per append", found[False])):
        print(
            f"  {name:<24} median {statistics.median(rates):>9,.0f}   min {min(rates):>9,.0f}   max {max(rates):>9,.0f}"
        )
    ratio = statistics.median(a / b for a, b in zip(found[True], found[False], strict=True))
    print(f"  ratio {ratio:.1f} (goal {GOAL:.0f})")


if __name__ == "__main__":
    main()
