"""Let the storage fail under load, for real, and judge what was acknowledged: a process, sockets, files, a database.

Stations charge and operators ask while the disk is full, does not write, does not flush, or loses its power with what
was never flushed; or while PostgreSQL restarts, is away, or a connection is lost around a COMMIT. After each fault the
node must say so, and work must go on by itself; with SQLite the power is cut then, too. At the end the log is read,
without any code of the CSMS, and held against what every station and operator was told (`storage_checks.py`).

    python loadtests/damage/storage_faults.py                              SQLite
    python loadtests/damage/storage_faults.py --postgres                   PostgreSQL
    python loadtests/damage/storage_faults.py --csms store-error-ignored   a wrong design: exits 1

Exits 0 if everything holds, 1 if not, 3 if a fault could not be brought about.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import random
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms import codec
from interlock.loadtests.damage.kill_nodes import FLAGS, Balancer
from interlock.loadtests.damage.storage_checks import Promise, Row, Seen, Told, Window, content, judge
from interlock.loadtests.damage.storage_database import Database, Line
from interlock.loadtests.damage.storage_disk import Disk, NoCompiler
from interlock.loadtests.processes.nodes import Node, http
from interlock.simulator.clock import EPOCH
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.address import Address
from interlock.simulator.network.dial import Network, Socket
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.profiles import Profile, begin

STATIONS, OPERATORS = 20, 3
BUSY = Profile("faults", "one driver after the other, gone in seconds", stay_s=(1.0, 4.0), pause_s=(0.1, 1.0))
START_S, QUIET_S, PATIENCE_S, WORK_S = 20.0, 60.0, 20.0, 2.0
UNTOLD = 3
OPEN = ("requested", "in-doubt")


@dataclass(slots=True)
class Rig:
    """Everything a fault may reach for."""

    node: Node
    balancer: Balancer
    rng: random.Random
    seen: Seen = field(default_factory=Seen)
    disk: Disk | None = None
    database: Database | None = None
    line: Line | None = None
    heard: dict[str, float] = field(default_factory=dict)
    """When each station last had an answer to a CALL it had sent when."""
    alarms: list[str] = field(default_factory=list)
    ready: list[int] = field(default_factory=list)
    """What the node said to who asked whether it is ready."""

    async def restart(self, *, cut_power: bool = False) -> None:
        """Kill the node, or cut its power, and start it again."""
        self.node.kill()
        self.balancer.cut(self.node)
        if cut_power:
            assert self.disk is not None
            self.disk.cut_power()
        await self.node.start()


@dataclass(frozen=True, slots=True)
class Fault:
    """`bring` makes it, and undoes it at the end. `count` tells how often it was met, to see that it was at all."""

    name: str
    says: str
    bring: Callable[[Rig], AbstractAsyncContextManager[None]]
    count: Callable[[Rig], int]
    open: bool = False
    """Whether something may become durable while it lasts."""
    lasts_s: tuple[float, float] = (3.0, 5.0)


def _failing(**errors: int) -> Callable[[Rig], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def bring(rig: Rig) -> AsyncIterator[None]:
        assert rig.disk is not None
        with rig.disk.failing(**errors):
            yield

    return bring


@asynccontextmanager
async def _flush_then_kill(rig: Rig) -> AsyncIterator[None]:
    assert rig.disk is not None
    with rig.disk.failing(flush=errno.EIO):
        yield
        rig.node.kill()
    await rig.restart()


def _restarted(mode: str) -> Callable[[Rig], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def bring(rig: Rig) -> AsyncIterator[None]:
        assert rig.database is not None
        await rig.database.control("-m", mode, "restart")
        yield

    return bring


@asynccontextmanager
async def _stopped(rig: Rig) -> AsyncIterator[None]:
    assert rig.database is not None
    await rig.database.control("-m", "immediate", "stop")
    try:
        yield
    finally:
        await rig.database.control("start")


def _cut(when: Any) -> Callable[[Rig], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def bring(rig: Rig) -> AsyncIterator[None]:
        assert rig.line is not None
        with rig.line.cutting(when):
            yield

    return bring


def _failed(rig: Rig) -> int:
    return rig.disk.failed if rig.disk is not None else 0


def _cuts(rig: Rig) -> int:
    return rig.line.cuts if rig.line is not None else 0


def _always(rig: Rig) -> int:
    return len(rig.seen.windows) + 1


LOST = "the connection was lost before the answer"
ON_DISK = (
    Fault("full disk", "no space left to write", _failing(write=errno.ENOSPC), _failed),
    Fault("write error", "the disk failed (IOERR_WRITE)", _failing(write=errno.EIO), _failed),
    Fault("flush error", "the disk failed to flush (fsync)", _failing(flush=errno.EIO), _failed),
    Fault("flush error, then killed", "the disk failed to flush (fsync)", _flush_then_kill, _failed),
)
ON_DATABASE = (
    Fault("restart, fast", "PostgreSQL", _restarted("fast"), _always, open=True),
    Fault("restart, immediate", "PostgreSQL", _restarted("immediate"), _always, open=True),
    # Longer than the store waits for a database before it says no.
    Fault("stopped", "PostgreSQL", _stopped, _always, lasts_s=(6.0, 8.0)),
    Fault("cut before COMMIT", LOST, _cut("before"), _cuts, open=True),
    Fault("cut after COMMIT", LOST, _cut("after"), _cuts, open=True),
)


# --- load ------------------------------------------------------------------------------------------------------------


class Edge:
    """The stations' side of the wire: keeps what was told and answered."""

    def __init__(self, rig: Rig, now: Callable[[], float]) -> None:
        self._rig, self._now = rig, now
        self._open: dict[tuple[str, str], tuple[str, Any, float]] = {}

    def observe(self, kind: str, **fields: Any) -> None:
        """Keep which locks were opened remotely."""
        if kind == "ledger" and (fields["part"], fields["action"], fields["by"]) == ("lock", "unlocked", "remote"):
            self._rig.seen.moved[fields["message_id"]] += 1

    def frames(self, edge: str, socket: Socket, text: str) -> None:
        """Take a frame at the station's edge."""
        seen, station, now = self._rig.seen, socket.station_id, self._now()
        if edge == "station.sent" and text.startswith("[2,"):
            _, message_id, action, payload = json.loads(text)
            self._open[station, message_id] = (action, payload, now)
            name = content(station, action, payload)
            seen.sent[name] += 1
            seen.first_sent.setdefault(name, now)
        elif edge == "station.received" and text.startswith("[3,"):
            _, message_id, answer = json.loads(text)
            if (asked := self._open.pop((station, message_id), None)) is not None:
                action, payload, at = asked
                seen.told.append(Told(station, action, payload, answer, at, now))
                self._rig.heard[station] = at


async def operate(rig: Rig, stations: list[str], stop: asyncio.Event, number: int) -> None:
    """Ask one command after the other, and the same once more when there was no answer or a 503."""
    loop, rng, count = asyncio.get_running_loop(), random.Random(f"operator {number}"), 0
    while not stop.is_set():
        count += 1
        station, key = rng.choice(stations), f"op{number}-{count}"
        body = rng.choice(
            (
                {"action": "UnlockConnector", "payload": {"connectorId": rng.randint(1, 2)}},
                {"action": "TriggerMessage", "payload": {"requestedMessage": "StatusNotification", "connectorId": 1}},
            )
        )
        for _ in range(60):
            asked_at = loop.time()
            with suppress(OSError, TimeoutError, ValueError, IndexError):
                ask = http(rig.node.api, "POST", f"/api/stations/{station}/commands", body, Idempotency_Key=key)
                status, said = await asyncio.wait_for(ask, 8.0)
                if status == 202 and said is not None:
                    one = Promise(said["id"], station, key, said["known"], asked_at, loop.time())
                    rig.seen.promises.setdefault(one.command_id, one)
                    break
                if status not in (202, 503):
                    break
            await asyncio.sleep(0.2)
        await asyncio.sleep(rng.uniform(0.1, 0.4))


async def look(rig: Rig, stop: asyncio.Event) -> None:
    """Ask again and again whether the node is ready."""
    while not stop.is_set():
        with suppress(OSError, TimeoutError, ValueError, IndexError):
            status, _ = await asyncio.wait_for(http(rig.node.api, "GET", "/health/ready"), 8.0)
            rig.ready.append(status)
        await asyncio.sleep(0.25)


async def listen(rig: Rig, log: Path, stop: asyncio.Event) -> None:
    """Read what the node writes to its log."""
    with open(log) as file:
        while not stop.is_set():
            for line in file:
                if line.startswith("ALARM "):
                    rig.alarms.append(line.strip())
                elif "Traceback" in line or line.startswith("future: "):  # asyncio names the task on this line
                    rig.seen.tracebacks.append(line.strip())
            await asyncio.sleep(0.1)


async def refused(rig: Rig) -> int:
    """Ask the node how many appends its store refused; 0 when it is not there to be asked."""
    with suppress(OSError, TimeoutError, ValueError, IndexError):
        text = await asyncio.wait_for(_metrics(rig.node.api), 8.0)
        return int(next(line for line in text if line.startswith("interlock_store_refused_total ")).split()[1])
    return 0


async def _metrics(port: int) -> list[str]:
    _, text = await http(port, "GET", "/metrics", decode=bytes.decode)
    return str(text).splitlines()


async def resumed(rig: Rig, since: float, stations: list[str]) -> float | None:
    """Wait until a new command was accepted and every station had an answer to what it said after `since`."""
    loop = asyncio.get_running_loop()
    while loop.time() < since + PATIENCE_S:
        accepted = any(one.asked_at > since for one in reversed(rig.seen.promises.values()))
        if accepted and all(rig.heard.get(station, 0.0) > since for station in stations):
            return loop.time() - since
        await asyncio.sleep(0.05)
    return None


# --- the campaign ----------------------------------------------------------------------------------------------------


async def suffer(rig: Rig, fault: Fault, stations: list[str]) -> bool:
    """Bring a fault about for its time; tell whether anything met it."""
    loop = asyncio.get_running_loop()
    heard, asked, met, before = len(rig.alarms), len(rig.ready), fault.count(rig), await refused(rig)
    async with fault.bring(rig):
        began = loop.time()
        await asyncio.sleep(rig.rng.uniform(*fault.lasts_s))
        after, ended = await refused(rig), loop.time()
    if fault.open:
        ended = loop.time()
    resumed_s = await resumed(rig, loop.time(), stations)
    after = max(after, await refused(rig))
    unready = 503 in rig.ready[asked:]
    alarms = rig.alarms[heard:]
    rig.seen.windows.append(
        Window(fault.name, began, ended, fault.open, fault.says, alarms, max(0, after - before), unready, resumed_s)
    )
    took = "never resumed" if resumed_s is None else f"resumed after {resumed_s:.1f} s"
    print(f"  {fault.name:<26} {ended - began:4.1f} s, {max(0, after - before):4d} appends refused, {took}", flush=True)
    return fault.count(rig) > met


async def campaign(wanted: argparse.Namespace, rig: Rig, read: Callable[[], list[Row]]) -> int:
    """Run it and return the exit code."""
    loop = asyncio.get_running_loop()
    await rig.node.start()
    edge, clock = Edge(rig, loop.time), WallClock(loop)
    network = Network(loop, Address(False, "127.0.0.1", await rig.balancer.start(), "/ocpp"), edge.observe, edge.frames)
    skew_s = (datetime.now(UTC).replace(tzinfo=None) - EPOCH).total_seconds()
    # A station has one CALL at a time: those that get no answer must not keep the others from being made.
    timing = {"reconnect_s": (0.05, 0.3), "boot_retry_s": 1.0, "retry_s": 1.0, "call_timeout_s": 1.0}
    spec = FleetSpec(
        STATIONS,
        station={"first_boot_s": (0.0, 0.5), "unlock_s": (0.05, 0.3), "meter_interval_s": 1.0, **timing},
        personas={"accepts-second": 1.0},
        skew_s=(skew_s, skew_s),
    )
    fleet = build(clock, spec, wanted.seed, network, edge.observe)
    fleet.start()
    for station in fleet.stations:
        begin(clock, station, BUSY, "TAG")
    names = [station.station_id for station in fleet.stations]
    stop, over = asyncio.Event(), asyncio.Event()
    operators = [asyncio.ensure_future(operate(rig, names, stop, n)) for n in range(OPERATORS)]
    watchers = [asyncio.ensure_future(look(rig, stop))]
    watchers += [asyncio.ensure_future(listen(rig, rig.node.errors, over))]
    faults = [one for one in (ON_DISK if rig.disk is not None else ON_DATABASE) if wanted.only in one.name]
    unmet = set()
    try:
        if await resumed(rig, loop.time(), names) is None:
            raise SystemExit("the stations did not get in")
        for _ in range(wanted.rounds):
            for fault in faults:
                await asyncio.sleep(WORK_S)
                if not await suffer(rig, fault, names):
                    unmet.add(fault.name)
                await asyncio.sleep(WORK_S)
                if rig.disk is not None:
                    await rig.restart(cut_power=True)
                    if await resumed(rig, loop.time(), names) is None:
                        raise SystemExit("it did not come back after the power was cut")
        stop.set()
        await asyncio.gather(*operators)
        await settle(rig)
        over.set()
        await asyncio.gather(*watchers)
    finally:
        for task in (*operators, *watchers):
            task.cancel()
        clock.stop()
        await network.close("over")
        await end(rig.node)
    return report(wanted, rig, judge(rig.seen, read()), sorted(unmet))


async def settle(rig: Rig) -> None:
    """Wait until no command is open any more, or long enough."""
    loop = asyncio.get_running_loop()
    waiting, limit = set(rig.seen.promises), loop.time() + QUIET_S
    while waiting and loop.time() < limit:
        for command in list(waiting):
            with suppress(OSError, ValueError, IndexError):
                status, found = await http(rig.node.api, "GET", f"/api/commands/{command}")
                if status == 404 or (status == 200 and found["state"] not in OPEN):
                    waiting.discard(command)
        await asyncio.sleep(0.5)


async def end(node: Node) -> None:
    """Stop it cleanly, so that its log can be read."""
    if node.process is not None:
        node.process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(node.process.wait), 30.0)
        node.kill()


def report(wanted: argparse.Namespace, rig: Rig, wrong: dict[str, list[str]], unmet: list[str]) -> int:
    """Print the table and return the exit code."""
    seen = rig.seen
    print(f"{'PostgreSQL' if wanted.postgres else 'SQLite'}, {STATIONS} stations, {wanted.csms}:")
    print(f"  {'frames answered':<32} {len(seen.told)}")
    print(f"  {'commands acknowledged':<32} {len(seen.promises)}, locks opened {seen.moved.total()}")
    for name, found in wrong.items():
        print(f"  {name:<32} {len(found)}{f', first: {found[0]}' if found else ''}")
    if any(wrong.values()):
        print("FAIL")
        return 1
    if unmet:
        print(f"INCONCLUSIVE: nothing met {', '.join(unmet)}")
        return UNTOLD
    print("PASS")
    return 0


def read_sqlite(path: Path) -> list[Row]:
    """Read the log with nothing but SQLite."""
    db = sqlite3.connect(path)
    try:
        rows = db.execute("SELECT stream, version, type, data FROM event ORDER BY position").fetchall()
    finally:
        db.close()
    return [Row(stream, version, codec.kind(kind), json.loads(data)) for stream, version, kind, data in rows]


def read_postgres(url: str) -> list[Row]:
    """Read the log with nothing but psycopg."""
    import psycopg

    with psycopg.connect(url) as db:
        query = "SELECT stream, version, type, data FROM interlock.event ORDER BY position"
        return [
            Row(stream, version, codec.kind(kind), json.loads(data))
            for stream, version, kind, data in db.execute(query)
        ]


async def on_disk(wanted: argparse.Namespace, folder: Path) -> int:
    """Run it on a disk that fails."""
    rng, disk, path = random.Random(wanted.seed), Disk(folder), folder / "log.sqlite"
    node = Node(1, f"sqlite:///{path}", folder, [*FLAGS, "--heartbeat-s", "3", "--csms", wanted.csms], disk.environment)
    return await campaign(wanted, Rig(node, Balancer([node], rng), rng, disk=disk), lambda: read_sqlite(path))


async def on_database(wanted: argparse.Namespace, folder: Path) -> int:
    """Run it on a database that fails."""
    rng, database = random.Random(wanted.seed), Database(folder / "database")
    try:
        line = Line(database, rng)
        node = Node(1, await line.start(), folder, [*FLAGS, "--heartbeat-s", "3", "--csms", wanted.csms])
        rig = Rig(node, Balancer([node], rng), rng, database=database, line=line)
        return await campaign(wanted, rig, lambda: read_postgres(database.url))
    finally:
        database.end()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Let the storage fail under load and judge what was acknowledged.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault is brought about")
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    parser.add_argument("--csms", default="reference", help="the reference, or a wrong design by name")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    if not any(wanted.only in one.name for one in (ON_DATABASE if wanted.postgres else ON_DISK)):
        parser.error(f"no fault's name holds {wanted.only!r}")
    with tempfile.TemporaryDirectory(prefix="interlock-faults-") as folder:
        try:
            code = asyncio.run((on_database if wanted.postgres else on_disk)(wanted, Path(folder)))
        except NoCompiler as why:
            print(f"INCONCLUSIVE: {why}")
            code = UNTOLD
    sys.exit(code)


if __name__ == "__main__":
    main()
