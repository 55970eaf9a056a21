"""A reconnect storm: the CSMS is killed under thousands of charging stations and restarted; all reconnect at once.

Every station has a session; the CSMS is killed (`kill -9`); every session ends while it is away, so every station has
a StopTransaction in its queue; the CSMS starts again on the same port and the same SQLite file. Then: how long until
all are booted and have told everything, and is every session in the log once, with its end and its energy?

    python loadtests/damage/storm.py --stations 5000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms import codec
from interlock.loadtests.processes.nodes import ONE_ADDRESS
from interlock.scenarios.live.fleet import make_room
from interlock.scenarios.live.serve_process import ServeProcess
from interlock.simulator.clock import EPOCH
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.address import Address
from interlock.simulator.network.dial import Network
from interlock.simulator.network.wall_clock import WallClock

AWAY_S = 5.0
PATIENCE_S = 240.0
FLAGS = ("--tokens", "Accepted", "--quiet", *ONE_ADDRESS)


async def storm(wanted: argparse.Namespace, folder: str) -> int:
    """Run it; return the exit code."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = ServeProcess(folder, FLAGS, port=port)
    await asyncio.to_thread(process.start)
    loop = asyncio.get_running_loop()
    clock = WallClock(loop)
    ended: dict[str, list[int]] = {}

    def observe(kind: str, **fields: Any) -> None:
        if kind == "session.ended":
            ended.setdefault(fields["station"], []).append(fields["energy_wh"])

    network = Network(loop, Address(False, "127.0.0.1", port, "/ocpp"), observe, lambda *_: None, patience_s=60.0)
    skew_s = (datetime.now(UTC).replace(tzinfo=None) - EPOCH).total_seconds()
    patient = {"call_timeout_s": 60.0, "retry_s": 5.0, "boot_retry_s": 5.0, "meter_interval_s": 0.0}
    spec = FleetSpec(
        wanted.stations,
        station={"evses": 1, "reconnect_s": (0.2, 1.0), **patient},
        skew_s=(skew_s, skew_s),
        switch_on_s=wanted.stations / 1000.0,
    )
    fleet = build(clock, spec, wanted.seed, network, observe)
    stations = fleet.stations

    async def until(what: str, condition: Callable[[], bool]) -> float:
        began = loop.time()
        while not condition():
            if loop.time() > began + PATIENCE_S:
                raise SystemExit(f"FAIL: {what} took more than {PATIENCE_S:.0f} s")
            await asyncio.sleep(0.05)
        return loop.time() - began

    fleet.start()
    await until("the first connection", lambda: all(one.online for one in stations))
    for one in stations:
        one.plug(1)
        one.swipe(1, "TAG")
    await until(
        "charging", lambda: all(one.evses[0].session is not None and not one.outbox_pending for one in stations)
    )
    print(f"{wanted.stations} stations are charging; the CSMS is killed", flush=True)
    process.kill()
    await until("losing the connection", lambda: not any(one.online for one in stations))
    for one in stations:
        one.unplug(1)
    await asyncio.sleep(AWAY_S)
    waiting = sum(one.outbox_pending for one in stations)
    began = loop.time()
    await asyncio.to_thread(process.start)
    started_s = loop.time() - began
    back_s = await until("coming back", lambda: all(one.online for one in stations))
    told_s = back_s + await until("telling everything", lambda: not any(one.outbox_pending for one in stations))
    await network.close("over")
    clock.stop()
    process.kill()
    wrong = compare(folder, ended)
    print(f"back on {wanted.stations / back_s:,.0f} stations/s: all booted {back_s:.1f} s after the CSMS listened")
    print(f"  the CSMS took {started_s:.1f} s to start; {waiting} messages waited, all told after {told_s:.1f} s")
    print(f"  sessions lost, doubled or with another energy: {len(wrong)} of {wanted.stations}")
    for line in wrong[:5]:
        print(f"    {line}")
    print("FAIL" if wrong else "PASS")
    return 1 if wrong else 0


def compare(folder: str, ended: dict[str, list[int]]) -> list[str]:
    """Set the log beside what the hardware did."""
    starts: dict[str, dict[str, int]] = {}
    stops: dict[str, list[int]] = {}
    with sqlite3.connect(f"{folder}/interlock.sqlite") as log:
        rows = log.execute("SELECT stream, type, data FROM event WHERE type LIKE 'Transaction%' ORDER BY position")
        for stream, kind, data in rows:
            event = json.loads(data)
            station = stream.removeprefix("station-")
            if codec.kind(kind) == "TransactionStarted":
                starts.setdefault(station, {})[event["transaction_id"]] = event["meter_start_wh"]
            else:
                begun = starts.get(station, {}).get(event["transaction_id"], 0)
                stops.setdefault(station, []).append(event["meter_stop_wh"] - begun)
    return [
        f"{station}: {energies} Wh happened, {stops.get(station)} Wh recorded in {len(starts.get(station, {}))} starts"
        for station, energies in ended.items()
        if stops.get(station) != energies or len(starts.get(station, {})) != len(energies)
    ]


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="A reconnect storm.")
    parser.add_argument("--stations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    make_room(wanted.stations)
    with tempfile.TemporaryDirectory(prefix="interlock-storm-") as folder:
        sys.exit(asyncio.run(storm(wanted, folder)))


if __name__ == "__main__":
    main()
