"""What more stations and a longer log cost the reference CSMS: `make growth`, which writes docs/growth.md.

Costs that must not grow: memory and idle CPU per connection, the lateness of a durable answer (open loop, the same
`RATE` calls a second whatever the size), and how long a start takes when the log is a hundred times as long.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from csms import codec
from csms.domain import events as ev
from csms.handle import station_stream
from csms.store import NewEvent
from csms.store_sqlite import SqliteStore
from loadtests.capacity_load import Load, Step
from loadtests.machine import machine
from loadtests.nodes import Node, cpu_s, http
from scenarios.fleet import make_room

RATE, SECONDS = 500.0, 8.0
STATIONS, EVENTS = (1_000, 5_000, 10_000), (10_000, 1_000_000)
LOGGED_STATIONS = 200
AT = datetime(2026, 1, 1, tzinfo=UTC)


def resident_mib(node: Node) -> float:
    """Return the memory a node's process holds."""
    assert node.process is not None
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def stations_cost(stations: int, folder: Path, seconds: float) -> list[str]:
    """Connect so many stations, leave them alone for a while, then make the usual number of calls."""
    node = Node(1, f"sqlite:///{folder}/{stations}.sqlite", folder)
    await node.start()
    empty_mib = resident_mib(node)
    load = Load([f"ws://127.0.0.1:{node.ocpp}/ocpp"], [node.api], stations, seconds, per_station=RATE / stations)
    held = idle = 0.0

    async def booted() -> None:
        nonlocal held, idle
        await asyncio.sleep(1.0)
        held, before = resident_mib(node) - empty_mib, cpu_s(node.process.pid)
        await asyncio.sleep(seconds / 2)
        idle = (cpu_s(node.process.pid) - before) / (seconds / 2)

    load.booted = booted
    try:
        step = await load.run("S")
        await node.stop()
    finally:
        node.kill()
    return [
        f"{stations:,}",
        f"{step.boots_per_s:,.0f}",
        f"{held * 1024 / stations:.1f}",
        f"{idle:.1%}",
        *_late(step),
    ]


def _late(step: Step) -> list[str]:
    wrong = [*step.errors, *step.lost]
    return [f"{step.p50_ms:.1f}", f"{step.p99_ms:.1f}", f"{step.busy:.0%}", "; ".join(wrong) or "none"]


def session(station: int, number: int) -> list[ev.StationEvent]:
    """Return the ten events of a charging session."""
    at = AT + timedelta(minutes=number)
    transaction = station * 100_000 + number + 1
    started = ev.TransactionStarted(at, transaction, 1, f"TAG{station}", number * 100, at, "Accepted", None)
    stopped = ev.TransactionStopped(at, transaction, 1, number * 100 + 90, at, "Local", None)
    told: list[ev.StationEvent] = [
        ev.StatusReported(at, 1, status, "NoError", None, at)
        for status in ("Preparing", "Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "Charging", "Finishing")
    ]
    return [told[0], started, *told[1:], stopped]


async def write_log(path: Path, events: int) -> float:
    """Fill a log through the store, as stations would; return how long that took."""
    store = await SqliteStore.open(path)
    began = time.monotonic()

    async def station(number: int) -> None:
        name, version = station_stream(f"L{number}"), 0
        for session_number in range(events // LOGGED_STATIONS // 10):
            batch = [
                NewEvent(f"{number}-{version + at}", *codec.encode(event))
                for at, event in enumerate(session(number, session_number))
            ]
            version = await store.append(name, batch, version)

    await asyncio.gather(*(station(number) for number in range(LOGGED_STATIONS)))
    await store.close()
    return time.monotonic() - began


async def log_cost(events: int, folder: Path, seconds: float) -> list[str]:
    """Start on a log of so many events, twice: as it was written, and with the snapshots of a clean stop."""
    path = folder / f"log-{events}.sqlite"
    wrote_s = await write_log(path, events)
    node = Node(1, f"sqlite:///{path}", folder)
    began = time.monotonic()
    await node.start()
    first_s = time.monotonic() - began
    await node.stop()
    began = time.monotonic()
    await node.start()
    again_s = time.monotonic() - began
    held = resident_mib(node)
    listed_s = []
    for _ in range(5):
        began = time.monotonic()
        status, _found = await http(node.api, "GET", "/api/stations?limit=100")
        assert status == 200, status
        listed_s.append(time.monotonic() - began)
    load = Load(
        [f"ws://127.0.0.1:{node.ocpp}/ocpp"], [node.api], LOGGED_STATIONS, seconds, per_station=RATE / LOGGED_STATIONS
    )
    try:
        step = await load.run("L")
        await node.stop()
    finally:
        node.kill()
    return [
        f"{events:,}",
        f"{wrote_s:.1f}",
        f"{first_s:.1f}",
        f"{again_s:.1f}",
        f"{held:.0f}",
        f"{min(listed_s) * 1e3:.1f}",
        *_late(step),
    ]


LATE = ["p50, ms", "p99, ms", "generator", "errors"]
STATION_HEADS = ["stations", "connect and boot, 1/s", "KiB each", "idle CPU", *LATE]
LOG_HEADS = ["events", "written in, s", "first start, s", "start, s", "memory, MiB", "list of stations, ms", *LATE]


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Write a Markdown table."""
    return ["| " + " | ".join(one) + " |" for one in (heads, ["---"] * len(heads), *rows)]


def main() -> None:
    """Measure, print, write the page."""
    parser = argparse.ArgumentParser(description="What more stations and a longer log cost.")
    parser.add_argument("--stations", type=int, nargs="*", default=STATIONS)
    parser.add_argument("--events", type=int, nargs="*", default=EVENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of each measurement")
    parser.add_argument("--page", type=Path, help="where to write the page")
    wanted = parser.parse_args()
    for stations in wanted.stations:
        make_room(stations)
    with tempfile.TemporaryDirectory(prefix="interlock-growth-") as name:
        connected, logged = [], []
        for stations in wanted.stations:
            connected.append(asyncio.run(stations_cost(stations, Path(name), wanted.seconds)))
            print("  ".join(connected[-1]), flush=True)
        for events in wanted.events:
            logged.append(asyncio.run(log_cost(events, Path(name), wanted.seconds)))
            print("  ".join(logged[-1]), flush=True)
    lines = [
        "# What growth costs",
        "",
        "Made by `make growth`; do not edit. SQLite, load generator and node on one machine; lateness of durable",
        f"answers at {RATE:.0f} calls a second altogether, each due at a fixed time. `KiB each` is what a connected,",
        "booted station adds to the node's memory. The first start folds the log; the next one starts from the",
        "snapshots a clean stop leaves.",
        "",
        *(f"    {line}" for line in machine().splitlines()),
        "",
        *table(STATION_HEADS, connected),
        "",
        *table(LOG_HEADS, logged),
        "",
    ]
    print("\n".join(lines))
    if wanted.page is not None:
        wanted.page.write_text("\n".join(lines))
    sys.exit(0 if all(row[-1] == "none" for row in (*connected, *logged)) else 1)


if __name__ == "__main__":
    main()
