"""What more stations and a longer log cost the reference CSMS: `make growth`, which writes docs/growth.md.

Costs that must not grow: memory and idle CPU per connection, the lateness of a durable answer (open loop, the same
`RATE` calls a second whatever the size), and how long a start takes when the log is a hundred times as long: after a
clean stop, and after a `kill -9`, when the file is looked over first.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms import codec
from interlock.csms.domain import events as ev
from interlock.csms.handle import station_stream
from interlock.csms.store import NewEvent
from interlock.csms.store.sqlite import SqliteStore
from interlock.loadtests.capacity.capacity import BUSIEST
from interlock.loadtests.capacity.capacity_load import Load, Step
from interlock.loadtests.processes.machine import machine
from interlock.loadtests.processes.nodes import ONE_ADDRESS, Node, cpu_s, http
from interlock.scenarios.live.fleet import make_room
from interlock.scenarios.refused import Refused

RATE, SECONDS = 500.0, 8.0
STATIONS, EVENTS = (1_000, 5_000, 10_000), (10_000, 1_000_000)
LOGGED_STATIONS = 200
AT = datetime(2026, 1, 1, tzinfo=UTC)


def resident_mib(node: Node) -> float:
    """Return the memory a node's process holds."""
    assert node.process is not None
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def stations_cost(node: Node, stations: int, seconds: float) -> list[str]:
    """Connect so many stations, leave them alone for a while, then make the usual number of calls."""
    await node.start()
    empty_mib = resident_mib(node)
    load = _load(node, stations, seconds)
    held = idle = 0.0

    async def booted() -> None:
        nonlocal held, idle
        await asyncio.sleep(1.0)
        assert node.process is not None
        held, before = resident_mib(node) - empty_mib, cpu_s(node.process.pid)
        await asyncio.sleep(seconds / 2)
        idle = (cpu_s(node.process.pid) - before) / (seconds / 2)

    load.booted = booted
    step = await load.run("S")
    await node.stop()
    start_s = await started_s(node)
    return [
        f"{stations:,}",
        f"{step.boots_per_s:,.0f}",
        f"{held * 1024 / stations:.1f}",
        f"{idle:.1%}",
        f"{start_s:.1f}",
        *_late(step),
    ]


def _load(node: Node, stations: int, seconds: float) -> Load:
    assert node.process is not None
    url, rate = f"ws://127.0.0.1:{node.ocpp}/ocpp", RATE / stations
    return Load([url], [node.api], stations, seconds, per_station=rate, nodes=[node.process.pid])


async def started_s(node: Node) -> float:
    """Start a node; return how long it took until it listened."""
    began = time.monotonic()
    await node.start()
    return time.monotonic() - began


def _late(step: Step) -> list[str]:
    wrong = "; ".join([*step.errors, *step.lost]) or "none"
    told = [f"{step.p50_ms:.1f}", f"{step.p99_ms:.1f}"] if step.busy <= BUSIEST else ["could not tell", ""]
    return [*told, f"{step.busy:.0%}", f"{step.others:.0%}", wrong]


def session(station: int, number: int) -> list[ev.StationEvent]:
    """Return the ten events of a charging session."""
    at = AT + timedelta(minutes=number)
    transaction = str(station * 100_000 + number + 1)
    started = ev.TransactionStarted(at, transaction, 1, f"TAG{station}", number * 100, at, "Accepted", None)
    stopped = ev.TransactionStopped(at, transaction, 1, number * 100 + 90, at, "Local", None)
    told: list[ev.StationEvent] = [
        ev.StatusReported(at, 1, 1, status, "NoError", None, at)
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


async def log_cost(node: Node, path: Path, events: int, seconds: float) -> list[str]:
    """Start on a log of so many events: as it was written, with the snapshots of a clean stop, and after a kill."""
    wrote_s = await write_log(path, events)
    first_s = await started_s(node)
    await node.stop()
    again_s = await started_s(node)
    held = resident_mib(node)
    listed_s = []
    for _ in range(5):
        began = time.monotonic()
        status, _found = await http(node.api, "GET", "/api/stations?limit=100")
        assert status == 200, status
        listed_s.append(time.monotonic() - began)
    load = _load(node, LOGGED_STATIONS, seconds)
    step = await load.run("L")
    node.kill()
    killed_s = await started_s(node)
    return [
        f"{events:,}",
        f"{wrote_s:.1f}",
        f"{first_s:.1f}",
        f"{again_s:.1f}",
        f"{killed_s:.1f}",
        f"{held:.0f}",
        f"{statistics.median(listed_s) * 1e3:.1f}",
        *_late(step),
    ]


LATE = ["p50, ms", "p99, ms", "generator", "others", "errors"]
STATION_HEADS = ["stations", "connect and boot, 1/s", "KiB each", "idle CPU", "start again, s", *LATE]
LOG_HEADS = ["events", "written in, s", "first start, s", "start, s", "start after kill -9, s", "memory, MiB"]
LOG_HEADS += ["list of stations, ms", *LATE]


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
    if wanted.seconds <= 0 or min([1, *wanted.stations]) < 1 or min([1, *wanted.events]) < 1:
        parser.error("stations, events and seconds are more than 0")
    try:
        make_room(max([0, *wanted.stations]))
    except Refused as refused:
        print(f"{refused}: ask for fewer --stations", file=sys.stderr)
        sys.exit(3)
    gc.disable()  # as in capacity_load
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))  # asked to end, it ends what it started
    with tempfile.TemporaryDirectory(prefix="interlock-growth-") as name:
        connected, logged = [], []
        for stations in wanted.stations:
            with Node(1, f"sqlite:///{name}/{stations}.sqlite", Path(name), ONE_ADDRESS) as node:
                connected.append(asyncio.run(stations_cost(node, stations, wanted.seconds)))
            print("  ".join(connected[-1]), flush=True)
        for events in wanted.events:
            path = Path(name) / f"log-{events}.sqlite"
            with Node(1, f"sqlite:///{path}", Path(name), ONE_ADDRESS) as node:
                logged.append(asyncio.run(log_cost(node, path, events, wanted.seconds)))
            print("  ".join(logged[-1]), flush=True)
    lines = [
        "# What growth costs",
        "",
        "Made by `make growth`; do not edit. SQLite, load generator and node on one machine; lateness of durable",
        f"answers at {RATE:.0f} calls a second altogether, each due at a fixed time. `KiB each` is what a connected,",
        "booted station adds to the node's memory; it starts again with all of them in the log. The first start of a",
        "log without snapshots folds all of it; the next one starts from what a clean stop leaves; after a `kill -9`",
        "the whole file is looked over for damage first. `Others` is what the machine did besides, in shares of a",
        f"core; a measurement whose generator was busier than {BUSIEST:.0%} says nothing.",
        "",
        *(f"    {line}" for line in machine(f"SQLite {sqlite3.sqlite_version}").splitlines()),
        "",
        *table(STATION_HEADS, connected),
        "",
        *table(LOG_HEADS, logged),
        "",
    ]
    print("\n".join(lines))
    if wanted.page is not None:
        wanted.page.write_text("\n".join(lines))
    rows = [*connected, *logged]
    sys.exit(1 if any(row[-1] != "none" for row in rows) else 3 if any("could not tell" in row for row in rows) else 0)


if __name__ == "__main__":
    main()
