"""Attackers beside good stations: what the good ones notice, and what memory and disk pay. `make attackers`.

One `interlock serve` on SQLite. Good stations say something durable now and then, in windows of time: alone and beside
the attackers in turn, in one run, so that what else the machine does falls on both. Compared are the medians of the
windows. Each attacker has an address of its own on loopback and makes one of these mischiefs:

- `idle`: opens connections at both doors and says nothing, or half a request;
- `guesses`: shows wrong passwords, a new one each time, under the names of good stations;
- `floods`: dials anew again and again under its own name, and says thousands of frames that mean nothing;
- `followers`: follows the log many times over, and reads nothing;
- `askers`: asks for one event of a long stream, for positions that are none, with heads that are malformed, and as a
  station with NULs in its values;
- `churners`: brings up one new name after another, and dials under the name of a good station;
- `halves`: sends large messages without their ends.

All of them share the machine with what is measured, so attackers keep to a rate each; figures say how many times each
mischief was done. Where there are two processors the node has one, and all generators the other. Good stations and
attackers then wait for each other, so the delay is also measured inside the node (`inside`), and that one is judged.
Talks to loopback only, and ends what it started. Exit code 0: the good ones' p99 inside the node moved by less than
10 % or 5 ms, none lost its connection, memory and disk stayed flat; 1: not so; 3: the machine was too unsteady to say.
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
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.damage import inside
    from interlock.loadtests.processes.nodes import TOKEN, Node, cpu_s, http, machine_cpu_s
except ImportError:  # called by its path
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.damage import inside
    from interlock.loadtests.processes.nodes import TOKEN, Node, cpu_s, http, machine_cpu_s

PASSWORD = "0123456789abcdef"
KEYED = 20
"""Good stations with a password, whose names are guessed at."""
EVERY_S = 2.0
"""How often a good station says something."""
WARM_S = 5.0
MOVES_MS, MOVES_SHARE = 5.0, 0.1
BUSY = 0.9
"""Where more of the machine is in use, whoever waits may have waited for a processor."""
MEMORY_MIB, DISK_MB = 32.0, 1.0
KEY = base64.b64encode(bytes(16)).decode()
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@dataclass
class Ports:
    """Where to attack."""

    ocpp: int
    api: int
    seconds: float
    kinds: tuple[str, ...] = ()
    """The mischiefs to make; empty: all."""


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


async def churners(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Bring up names, and dial under a good station's."""
    number = 0
    while True:
        number += 1
        name = f"NEW{address.rsplit('.', 1)[1]}-{number}" if number % 2 else f"GOOD{KEYED + rng.randrange(KEYED):04d}"
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await dial(ports.ocpp, address)
            writer.write(upgrade(name))
            answer = await asyncio.wait_for(reader.read(12), 5)
            count(f"names dialled, answered {answer[9:12].decode('latin-1') or 'with a closed line'}")
            await asyncio.sleep(0.01)
            writer.transport.abort()
        await asyncio.sleep(0.05)


async def halves(ports: Ports, address: str, rng: random.Random, count: Count) -> None:
    """Send large messages without their ends, on as many connections as there may be."""
    held: list[asyncio.StreamWriter] = []
    half = b"\x81\xff" + (200_000).to_bytes(8, "big") + bytes(4) + b"x" * 190_000
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await dial(ports.ocpp, address)
            writer.write(upgrade(f"HALF{address.rsplit('.', 1)[1]}-{len(held)}"))
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.write(half)
            held.append(writer)
            count("messages left without an end")
        if len(held) > 100:
            held.pop(0).transport.abort()
        await asyncio.sleep(0.1)


MISCHIEF = (idle, guesses, floods, followers, askers, churners, halves)
KINDS: dict[str, Attack] = {one.__name__: one for one in MISCHIEF}


async def attack(ports: Ports, number: int) -> Counter[str]:
    """Let `number` attackers do their mischief for a while; return what they did."""
    done: Counter[str] = Counter()

    def count(what: str) -> None:
        done[what] += 1

    kinds = [KINDS[name] for name in ports.kinds or KINDS]
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


@dataclass
class Window:
    """What was measured of the node between two moments."""

    p99_ms: float
    """As the good stations see it."""
    p50_ms: float
    inside_ms: float
    """The p99 of the delay inside the node."""
    worked_ms: float
    """The p99 of what the node's loop worked between a frame and its answer."""
    answers: int
    cpu: float
    rss: int
    busy: float
    """Share of the machine's processors in use, by whomever."""


async def window(node: Node, good: Good, phase: str, seconds: float) -> Window:
    """Measure for a while; the first and the last answers count for nobody."""
    assert node.process is not None
    began = time.monotonic()
    good.phase, cpu, machine = phase, cpu_s(node.process.pid), machine_cpu_s()
    await asyncio.sleep(seconds)
    good.phase = "between"
    took = [one * 1000 for one in good.took_s.get(phase, [])]
    used = (cpu_s(node.process.pid) - cpu) / seconds
    busy = (machine_cpu_s() - machine) / seconds / (os.cpu_count() or 1)
    within = [one for one in inside.delays(node.folder) if began <= one[0] < began + seconds]
    return Window(
        percentile(took, 0.99),
        percentile(took, 0.5),
        percentile([1000 * delay for _, delay, _ in within], 0.99),
        percentile([1000 * worked for _, _, worked in within], 0.99),
        len(took),
        used,
        rss(node.process.pid),
        busy,
    )


@contextlib.contextmanager
def apart() -> Iterator[int | None]:
    """Keep this process and its children off one processor, which is the node's; None where there is only one."""
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(own) < 2:
        yield None
        return
    processor = min(own)
    os.sched_setaffinity(0, own - {processor})
    try:
        yield processor
    finally:
        os.sched_setaffinity(0, own)


async def measure(
    folder: Path, stations: int, attackers: int, seconds: float, rounds: int = 1, kinds: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Run windows alone and attacked in turn, and return the figures."""
    with apart() as processor:
        return await _measured(folder, stations, attackers, seconds, rounds, kinds, processor)


async def _measured(
    folder: Path,
    stations: int,
    attackers: int,
    seconds: float,
    rounds: int,
    kinds: tuple[str, ...],
    processor: int | None,
) -> dict[str, Any]:
    alone, attacked, done = [], [], Counter[str]()
    spans: list[tuple[int, int, int]] = []
    minutes = 0.0
    watched = inside.environment(folder, processor)
    with Node(1, f"sqlite:///{folder}/log.sqlite", folder, ("--loop", "asyncio"), watched) as node:
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
        before = rss(node.process.pid)
        for number in range(rounds):
            alone.append(await window(node, good, f"alone {number}", seconds))
            context = multiprocessing.get_context("spawn")
            told: Any = context.Queue()
            started = await position(node)
            ports = Ports(node.ocpp, node.api, seconds + 2 * WARM_S, kinds)
            process = context.Process(target=_attacking, args=(ports, attackers, told))
            process.start()
            await asyncio.sleep(WARM_S)
            settled, began = await position(node), time.perf_counter()
            attacked.append(await window(node, good, f"attacked {number}", seconds))
            minutes += (time.perf_counter() - began) / 60
            ended = await position(node)
            done.update(await asyncio.to_thread(told.get, True, 60))
            await asyncio.to_thread(process.join)
            spans.append((started, settled, ended))
        over.set()
        await asyncio.gather(*speaking)
        status, _ = await http(node.api, "GET", "/health/ready")
        await node.stop()
    pairs = list(zip(alone, attacked, strict=True))
    return {
        "stations": stations,
        "attackers": attackers,
        "p99_alone_ms": statistics.median(one.p99_ms for one in alone),
        "p99_attacked_ms": statistics.median(one.p99_ms for one in attacked),
        "p99_moved_ms": statistics.median(two.p99_ms - one.p99_ms for one, two in pairs),
        "inside_alone_ms": statistics.median(one.inside_ms for one in alone),
        "inside_attacked_ms": statistics.median(one.inside_ms for one in attacked),
        "inside_moved_ms": statistics.median(two.inside_ms - one.inside_ms for one, two in pairs),
        "worked_alone_ms": statistics.median(one.worked_ms for one in alone),
        "worked_attacked_ms": statistics.median(one.worked_ms for one in attacked),
        "worked_moved_ms": statistics.median(two.worked_ms - one.worked_ms for one, two in pairs),
        "inside_windows_alone_ms": [round(one.inside_ms, 1) for one in alone],
        "inside_windows_attacked_ms": [round(one.inside_ms, 1) for one in attacked],
        "windows_alone_ms": [round(one.p99_ms, 1) for one in alone],
        "windows_attacked_ms": [round(one.p99_ms, 1) for one in attacked],
        "p50_alone_ms": statistics.median(one.p50_ms for one in alone),
        "p50_attacked_ms": statistics.median(one.p50_ms for one in attacked),
        "answers": {"alone": sum(o.answers for o in alone), "attacked": sum(o.answers for o in attacked)},
        "cpu_alone": statistics.median(one.cpu for one in alone),
        "cpu_attacked": statistics.median(one.cpu for one in attacked),
        "busy_attacked": statistics.median(one.busy for one in attacked),
        "dropped": good.dropped,
        "ready": status,
        "memory_mib": (attacked[-1].rss - before) / 2**20,
        "memory_later_mib": (attacked[-1].rss - attacked[0].rss) / 2**20,
        "garbage_mb_a_minute": sum(garbage(folder, settled, ended) for _, settled, ended in spans) / 1e6 / minutes,
        "garbage_first_mb": sum(garbage(folder, started, settled) for started, settled, _ in spans) / 1e6,
        "alarms": (folder / "n1.err").read_text().count("\n"),
        "alarm_bytes": (folder / "n1.err").stat().st_size,
        "done": dict(sorted(done.items())),
    }


def judged(found: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code for the figures, and a sentence."""
    moved, alone, windows = found["inside_moved_ms"], found["inside_alone_ms"], found["inside_windows_alone_ms"]
    wrong = []
    if found["dropped"] or found["ready"] != 200:
        wrong.append(f"{found['dropped']} good stations lost their connection, readiness is {found['ready']}")
    if found["memory_later_mib"] > MEMORY_MIB:
        wrong.append(f"memory grew by {found['memory_later_mib']:.0f} MiB after the first attack")
    if found["garbage_mb_a_minute"] > DISK_MB:
        wrong.append(f"the log grew by {found['garbage_mb_a_minute']:.2f} MB a minute")
    far = moved > MOVES_MS and moved > MOVES_SHARE * alone
    unsteady = max(windows) - min(windows)
    if far and moved > unsteady and found["busy_attacked"] <= BUSY:
        wrong.append(f"the good ones' p99 inside the node moved by {moved:.1f} ms")
    worked = found["worked_moved_ms"] > MOVES_MS  # behind a wait for the processor there is more to do at once
    if worked and found["busy_attacked"] <= BUSY:
        wrong.append(f"the node's loop worked {found['worked_moved_ms']:.1f} ms more before it answered")
    if wrong:
        return 1, "; ".join(wrong)
    shaken = unsteady > max(MOVES_MS, alone)
    if far or worked or shaken or not found["answers"]["alone"] or not found["answers"]["attacked"]:
        busy = f"{found['busy_attacked']:.0%} of the machine's processors were in use"
        quiet = f"by {unsteady:.1f} ms from one quiet window to another"
        return 3, f"p99 moved by {moved:.1f} ms, and {quiet}; {busy}: that may be the machine"
    return 0, "the good ones are served as before"


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stations", type=int, default=500)
    parser.add_argument("--attackers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each window")
    parser.add_argument("--rounds", type=int, default=5, help="windows alone, and as many beside the attackers")
    parser.add_argument("--kinds", nargs="*", choices=sorted(KINDS), default=(), help="only these mischiefs")
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="attackers"))
    try:
        found = asyncio.run(
            measure(folder, words.stations, words.attackers, words.seconds, words.rounds, tuple(words.kinds))
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=1))
    code, sentence = judged(found)
    print(f"{words.stations} good stations beside {words.attackers} attackers, medians of {words.rounds} windows each:")
    for what, name in (("as they see it", "p99"), ("inside the node", "inside"), ("work of its loop", "worked")):
        alone, beside, moved = (found[f"{name}_{word}_ms"] for word in ("alone", "attacked", "moved"))
        print(f"p99 {what}: {alone:.1f} ms alone, {beside:.1f} ms attacked (window to window {moved:+.1f} ms)")
    print(
        f"{found['dropped']} dropped; memory {found['memory_mib']:+.1f} MiB; "
        f"the log grew by {found['garbage_mb_a_minute']:.2f} MB a minute"
    )
    print(f"{('PASS', 'FAIL', '', 'INCONCLUSIVE')[code]}: {sentence}")
    sys.exit(code)


if __name__ == "__main__":
    main()
