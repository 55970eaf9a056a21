"""Attackers beside good stations: what the good ones notice, and what memory and disk pay. `make attackers`.

One `interlock serve` on SQLite. Good stations say something durable now and then, first alone, then beside the
attackers, in one run; each attacker has an address of its own on loopback and makes one of these mischiefs:

- `idle`: opens connections at both doors and says nothing, or half a request;
- `guesses`: shows wrong passwords, a new one each time, under the names of good stations;
- `floods`: dials anew again and again under its own name, and says thousands of frames that mean nothing;
- `followers`: follows the log many times over, and reads nothing;
- `askers`: asks for one event of a long stream, for positions that are none, with heads that are malformed, and as a
  station with NULs in its values.

All of them share the machine with what is measured, so attackers keep to a rate each; figures say how many times each
mischief was done. Talks to loopback only, and ends what it started.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.processes.nodes import TOKEN, Node, cpu_s, http
except ImportError:  # called by its path
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.processes.nodes import TOKEN, Node, cpu_s, http

PASSWORD = "0123456789abcdef"
KEYED = 20
"""Good stations with a password, whose names are guessed at."""
EVERY_S = 2.0
"""How often a good station says something."""
WARM_S = 5.0
KEY = base64.b64encode(bytes(16)).decode()
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@dataclass
class Ports:
    """Where to attack."""

    ocpp: int
    api: int
    seconds: float


Count = Callable[[str], None]
Attack = Callable[[Ports, str, random.Random, Count], Awaitable[None]]


# --- the attackers ---------------------------------------------------------------------------------------------------


async def dial(port: int, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect from an address of loopback."""
    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)), 5)


def upgrade(station: str, password: str | None = None) -> bytes:
    """Return a handshake."""
    proof = "" if password is None else base64.b64encode(f"{station}:{password}".encode()).decode()
    lines = [f"GET /ocpp/{station} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: ocpp1.6"]
    lines += [f"Authorization: Basic {proof}"] if proof else []
    return "\r\n".join([*lines, "", ""]).encode()


def message(text: str) -> bytes:
    """Return a masked text message, with a mask of zeros."""
    data = text.encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + len(data).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + data


async def idle(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Open connections, and say nothing or half of something."""
    held: list[asyncio.StreamWriter] = []
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            _, writer = await dial(rng.choice((ports.ocpp, ports.api)), address)
            writer.write(rng.choice((b"", b"GET /", b"\x16\x03\x01")))
            held.append(writer)
            count("connections opened and left")
        if len(held) > 400:
            held.pop(0).transport.abort()
        await asyncio.sleep(0.02)


async def guesses(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Show wrong passwords under the names of good stations."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await dial(ports.ocpp, address)
            writer.write(upgrade(f"GOOD{rng.randrange(KEYED):04d}", f"{rng.getrandbits(64):016x}"))
            answer = await asyncio.wait_for(reader.read(12), 5)
            count(f"guesses answered {answer[9:12].decode('latin-1') or 'with a closed line'}")
            writer.transport.abort()
        await asyncio.sleep(0.05)


async def floods(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Dial anew again and again, and flood."""
    junk = [message(text) for text in ("{", '[2,"1","Nope",{}]', '[3,"x",{}]', '[4,"x","","",{}]', "[2]", "x" * 300)]
    name = f"FLOOD{address.rsplit('.', 1)[1]}"
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await dial(ports.ocpp, address)
            writer.write(upgrade(name))
            if b" 101 " in await asyncio.wait_for(reader.readline(), 5):
                for _ in range(10):
                    writer.write(b"".join(rng.choices(junk, k=200)))
                    await asyncio.wait_for(writer.drain(), 1)
                    count("200 frames of garbage sent")
            else:
                count("dialled anew and refused")
            writer.transport.abort()
        await asyncio.sleep(0.1)


async def followers(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Follow the log, and read nothing."""
    loop, held = asyncio.get_running_loop(), []
    ask = f"GET /api/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    while True:
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError, TimeoutError):
            one.bind((address, 0))
            await asyncio.wait_for(loop.sock_connect(one, ("127.0.0.1", ports.api)), 5)
            await loop.sock_sendall(one, ask)
            count("followers that do not read")
        held.append(one)
        if len(held) > 75:
            held.pop(0).close()
        await asyncio.sleep(0.05)


async def askers(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Ask for what is costly or malformed."""
    token = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    asks = [
        f"GET /api/stations/LONG/events?limit=1 HTTP/1.1\r\n{token}\r\n",
        f"GET /api/events?after={2**63} HTTP/1.1\r\n{token}\r\n",
        f"GET /api/stations/LONG/events?after=x HTTP/1.1\r\n{token}\r\n",
        f"GET /api/commands/none HTTP/1.1\r\n{token}\r\n",
        f"GET /api/stations HTTP/1.1\r\n{token}{token}\r\n",
        f"POST /api/tokens HTTP/1.1\r\n{token}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
    start = {"connectorId": 1, "idTag": "a\0b", "meterStart": 1, "timestamp": "2026-01-01T00:00:00Z"}
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await dial(ports.api, address)
            writer.write(rng.choice(asks).encode())
            answer = await asyncio.wait_for(reader.read(12), 5)
            count(f"questions answered {answer[9:12].decode('latin-1')}")
            writer.transport.abort()
        if rng.random() < 0.1:
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await dial(ports.ocpp, address)
                writer.write(upgrade(f"NUL{address.rsplit('.', 1)[1]}"))
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                writer.write(message(json.dumps([2, "1", "StartTransaction", start])))
                await asyncio.wait_for(reader.read(100), 2)
                count("starts with NUL in the tag")
                writer.transport.abort()
        await asyncio.sleep(0.05)


KINDS: dict[str, Attack] = {one.__name__: one for one in (idle, guesses, floods, followers, askers)}


async def attack(ports: Ports, number: int) -> Counter[str]:
    """Let `number` attackers do their mischief for a while; return what they did."""
    done: Counter[str] = Counter()

    def count(what: str) -> None:
        done[what] += 1

    kinds = list(KINDS.values())
    tasks = [
        asyncio.ensure_future(kinds[n % len(kinds)](ports, f"127.0.0.{n + 2}", random.Random(n), count))
        for n in range(number)
    ]
    await asyncio.sleep(ports.seconds)
    done["attackers that broke"] += sum(task.done() for task in tasks)
    running = set(tasks)
    while running:  # a time-out of Python 3.11 may swallow a cancellation
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=1)
    return done


def _attacking(ports: Ports, number: int, told: Any) -> None:
    os.nice(10)  # they would be on machines of their own
    told.put(asyncio.run(attack(ports, number)))


# --- the good ones ---------------------------------------------------------------------------------------------------


@dataclass
class Good:
    """The good stations: how long each answer took by phase, and how many lost their connection."""

    port: int
    count: int
    phase: str = "alone"
    took_s: dict[str, list[float]] = field(default_factory=dict)
    dropped: int = 0

    async def run(self, over: asyncio.Event) -> list[asyncio.Task[None]]:
        """Connect all, and let them speak until `over`."""
        url, found = f"http://127.0.0.1:{self.port}/ocpp", []
        for number in range(self.count):
            name = f"GOOD{number:04d}"
            station = await LeanStation.open(url, name, PASSWORD if number < KEYED else None)
            found.append(asyncio.ensure_future(self._speak(station, number, over)))
        return found

    async def _speak(self, station: LeanStation, number: int, over: asyncio.Event) -> None:
        rng = random.Random(number)
        await asyncio.sleep(rng.uniform(0, EVERY_S))
        try:
            while not over.is_set():
                began = time.perf_counter()
                phase = self.phase
                await station.call("StatusNotification", {**STATUS, "connectorId": 1 + rng.randrange(2)})
                if phase == self.phase:
                    self.took_s.setdefault(phase, []).append(time.perf_counter() - began)
                await asyncio.sleep(EVERY_S * rng.uniform(0.9, 1.1))
        except LostLine:
            self.dropped += 1
        finally:
            station.close()


def percentile(values: list[float], share: float) -> float:
    """Return a percentile; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else 0.0


def rss(process: int) -> int:
    """Return the resident bytes of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


async def position(node: Node) -> int:
    """Return how many events the log holds."""
    _, text = await http(node.api, "GET", "/metrics", decode=bytes.decode)
    return sum(int(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("interlock_events_total{"))


def garbage(folder: Path, after: int, upto: int) -> int:
    """Return the bytes of the events between two positions that are not the good stations', with 100 for each."""
    query = (
        "SELECT coalesce(sum(length(data) + 100), 0) FROM event "
        "WHERE position > ? AND position <= ? AND stream NOT LIKE 'station-GOOD%'"
    )
    with contextlib.closing(sqlite3.connect(folder / "log.sqlite")) as log:
        return int(log.execute(query, (after, upto)).fetchone()[0])


# --- the figure ------------------------------------------------------------------------------------------------------


async def measure(folder: Path, stations: int, attackers: int, seconds: float) -> dict[str, Any]:
    """Run both phases and return the figures."""
    with Node(1, f"sqlite:///{folder}/log.sqlite", folder) as node:
        await node.start()
        assert node.process is not None
        for number in range(min(KEYED, stations)):
            await http(node.api, "PUT", f"/api/stations/GOOD{number:04d}/key", {"password": PASSWORD})
        long = await LeanStation.open(f"http://127.0.0.1:{node.ocpp}/ocpp", "LONG")
        for _ in range(400):
            await long.call("StatusNotification", STATUS)
        long.close()
        over, good = asyncio.Event(), Good(node.ocpp, stations, "warm")
        speaking = await good.run(over)
        await asyncio.sleep(WARM_S)
        good.phase, cpu = "alone", [cpu_s(node.process.pid)]
        await asyncio.sleep(seconds)
        good.phase = "change"
        cpu.append(cpu_s(node.process.pid))
        before = rss(node.process.pid), await position(node)
        told: Any = multiprocessing.get_context("spawn").Queue()
        ports = Ports(node.ocpp, node.api, seconds + 2 * WARM_S)
        process = multiprocessing.get_context("spawn").Process(target=_attacking, args=(ports, attackers, told))
        process.start()
        await asyncio.sleep(WARM_S)
        began = time.perf_counter()
        settled = rss(node.process.pid), await position(node)
        good.phase = "attacked"
        cpu.append(cpu_s(node.process.pid))
        await asyncio.sleep(seconds)
        good.phase = "after"
        cpu.append(cpu_s(node.process.pid))
        minutes = (time.perf_counter() - began) / 60
        after = rss(node.process.pid), await position(node)
        done = await asyncio.to_thread(told.get, True, 60)
        await asyncio.to_thread(process.join)
        over.set()
        await asyncio.gather(*speaking)
        status, _ = await http(node.api, "GET", "/health/ready")
        await node.stop()
    return {
        "stations": stations,
        "attackers": attackers,
        "p99_alone_ms": percentile(good.took_s.get("alone", []), 0.99) * 1000,
        "p99_attacked_ms": percentile(good.took_s.get("attacked", []), 0.99) * 1000,
        "p50_alone_ms": percentile(good.took_s.get("alone", []), 0.5) * 1000,
        "p50_attacked_ms": percentile(good.took_s.get("attacked", []), 0.5) * 1000,
        "answers": {phase: len(took) for phase, took in good.took_s.items()},
        "cpu_alone": (cpu[1] - cpu[0]) / seconds,
        "cpu_attacked": (cpu[3] - cpu[2]) / seconds,
        "dropped": good.dropped,
        "ready": status,
        "memory_mib": (after[0] - before[0]) / 2**20,
        "memory_settled_mib": (after[0] - settled[0]) / 2**20,
        "garbage_mb_a_minute": garbage(folder, settled[1], after[1]) / 1e6 / minutes,
        "garbage_first_mb": garbage(folder, before[1], settled[1]) / 1e6,
        "alarms": (folder / "n1.err").read_text().count("\n"),
        "alarm_bytes": (folder / "n1.err").stat().st_size,
        "done": dict(sorted(done.items())),
    }


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stations", type=int, default=500)
    parser.add_argument("--attackers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="attackers"))
    try:
        found = asyncio.run(measure(folder, words.stations, words.attackers, words.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=1))
    moved = found["p99_attacked_ms"] - found["p99_alone_ms"]
    share = 100 * moved / found["p99_alone_ms"] if found["p99_alone_ms"] else 0.0
    print(
        f"{words.stations} good stations beside {words.attackers} attackers: p99 {found['p99_alone_ms']:.1f} ms alone, "
        f"{found['p99_attacked_ms']:.1f} ms attacked ({moved:+.1f} ms, {share:+.0f} %); {found['dropped']} dropped; "
        f"memory {found['memory_mib']:+.1f} MiB; the log grew by {found['garbage_mb_a_minute']:.2f} MB a minute"
    )


if __name__ == "__main__":
    main()
