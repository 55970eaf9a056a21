"""A node under steady use for a long time, with much coming and going: what it holds must stay flat. `make soak`.

One `interlock serve` on SQLite. Good stations speak; others come, say something and go, some without a word; followers
of the log come, read or do not read, and go; operators unlock connectors and wait for the outcome. Meanwhile memory,
descriptors, tasks, threads and the size of the write-ahead file are sampled. After a warm-up of a third, the medians of
the two other thirds are compared.

    python loadtests/damage/soak.py                30 minutes
    python loadtests/damage/soak.py --seconds 60   too short to accuse

Exit code 0: all flat, and nothing was lost on the way; 1: it grew, or something was lost; 3: too short to say.
Talks to loopback only, and ends what it started.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

try:
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.processes.nodes import TOKEN, Node, http
except ImportError:  # called by its path
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from interlock.loadtests.bench.lean_station import LeanStation, LostLine
    from interlock.loadtests.processes.nodes import TOKEN, Node, http

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
LEAST_S = 300.0
"""In a shorter run what grows may still be filling up: it accuses nobody."""
SAMPLES = 12
"""Fewer say nothing."""
SLACK: dict[str, tuple[float, float]] = {
    "memory_mib": (8.0, 0.05),
    "descriptors": (20.0, 0.1),
    "tasks": (40.0, 0.1),
    "threads": (2.0, 0.0),
    "wal_mib": (20.0, 0.0),
}
"""What the last third may be above the second one: so much, and such a share."""
DID = ("stations came and went", "followers came and went", "commands ended", "reports answered")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the node held at a moment."""

    at_s: float
    memory_mib: float
    descriptors: float
    tasks: float
    threads: float
    wal_mib: float


async def sample(node: Node, folder: Path, at_s: float) -> Sample:
    """Look at the node's process from outside, and ask it for its tasks."""
    assert node.process is not None
    proc = Path("/proc") / str(node.process.pid)
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line)
    _, text = await asyncio.wait_for(http(node.api, "GET", "/metrics", decode=bytes.decode), 30)
    tasks = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("interlock_tasks "))
    wal = folder / "log.sqlite-wal"
    return Sample(
        at_s,
        int(status["VmRSS"].split()[0]) / 1024,
        len(os.listdir(proc / "fd")),
        tasks,
        int(status["Threads"]),
        wal.stat().st_size / 2**20 if wal.exists() else 0.0,
    )


def judged(samples: Sequence[Sample], did: Counter[str], lost: Sequence[str]) -> tuple[int, list[str]]:
    """Return the exit code for what was sampled and done, and a sentence for each finding."""
    if lost:
        return 1, list(lost)
    if missing := [what for what in DID if not did[what]]:
        return 3, [f"it never happened that {what}" for what in missing]
    if len(samples) < SAMPLES:
        return 3, [f"{len(samples)} samples say nothing, {SAMPLES} are needed"]
    third = len(samples) // 3
    grew = []
    for name, (slack, share) in SLACK.items():
        before = statistics.median(getattr(one, name) for one in samples[third : 2 * third])
        after = statistics.median(getattr(one, name) for one in samples[2 * third :])
        if after > before * (1 + share) + slack:
            grew.append(f"{name} grew from {before:.1f} to {after:.1f}")
    if not grew:
        return 0, ["memory, descriptors, tasks, threads and the write-ahead file are flat"]
    short = samples[-1].at_s - samples[0].at_s < LEAST_S
    return (3 if short else 1), grew


class Soak:
    """What happens to the node. `did` counts it, `lost` says what should not have happened."""

    def __init__(self, node: Node, stations: int, rng: random.Random) -> None:
        self.node, self.stations, self.rng = node, stations, rng
        self.did: Counter[str] = Counter()
        self.lost: list[str] = []
        self.over = False

    def parts(self) -> list[Callable[[], Awaitable[None]]]:
        """Return all that goes on at once."""
        good = [lambda number=number: self._good(number) for number in range(self.stations)]
        return [*good, *[self._guest] * 4, *[self._follower] * 4, *[self._operator] * 2]

    async def _open(self, name: str) -> LeanStation:
        station = await LeanStation.open(f"http://127.0.0.1:{self.node.ocpp}/ocpp", name)
        station.commanded = lambda message, action, payload: {"status": "Unlocked"}
        return station

    async def _good(self, number: int) -> None:
        rng = random.Random(number)
        await asyncio.sleep(rng.uniform(0, 2.0))
        station = await self._open(f"GOOD{number:04d}")
        try:
            while not self.over:
                await station.call("StatusNotification", {**STATUS, "connectorId": rng.randint(1, 2)})
                self.did["reports answered"] += 1
                await asyncio.sleep(rng.uniform(1.0, 3.0))
        except LostLine as error:
            self.lost.append(f"GOOD{number:04d} lost its connection: {error}")
        finally:
            station.close()

    async def _guest(self) -> None:
        while not self.over:
            with contextlib.suppress(LostLine, OSError):
                station = await self._open(f"GUEST{self.rng.randrange(200):04d}")
                if self.rng.random() < 0.7:
                    await station.call("StatusNotification", STATUS)
                await asyncio.sleep(self.rng.uniform(0.0, 0.5))
                station.close()
                self.did["stations came and went"] += 1
            await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def _follower(self) -> None:
        ask = f"GET /api/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        while not self.over:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.node.api)
                writer.write(ask.encode())
                until, reads = time.monotonic() + self.rng.uniform(0.0, 5.0), self.rng.random() < 0.7
                while time.monotonic() < until:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(65536) if reads else asyncio.sleep(1.0), 1.0)
                writer.transport.abort()
                self.did["followers came and went"] += 1

    async def _operator(self) -> None:
        body = {"action": "UnlockConnector", "payload": {"connectorId": 1}}
        while not self.over:
            station = f"GOOD{self.rng.randrange(self.stations):04d}"
            with contextlib.suppress(OSError, TimeoutError):
                status, told = await http(self.node.api, "POST", f"/api/stations/{station}/commands", body)
                if status == 202:
                    _, found = await http(self.node.api, "GET", f"/api/commands/{told['id']}?wait=10s")
                    self.did["commands ended"] += found["state"] == "accepted"
                    if found["state"] not in ("accepted", "requested"):
                        self.lost.append(f"an unlock of {station} ended as {found['state']}")
                elif status >= 500:
                    self.lost.append(f"a command for {station} was answered {status}")
            await asyncio.sleep(self.rng.uniform(0.1, 0.5))


async def soak(folder: Path, seconds: float, stations: int, say: Callable[[str], None]) -> tuple[int, list[str]]:
    """Let it run; return the exit code and what was found."""
    samples: list[Sample] = []
    with Node(1, f"sqlite:///{folder}/log.sqlite", folder) as node:
        await node.start()
        one = Soak(node, stations, random.Random(0))
        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(part()) for part in one.parts()]
        loop = asyncio.get_running_loop()
        began, every = loop.time(), max(0.25, seconds / 90)
        say("  ".join(f"{field.name:>12}" for field in fields(Sample)))
        while (at_s := loop.time() - began) < seconds:
            await asyncio.sleep(every)
            if node.process is None or node.process.poll() is not None:
                return 1, [f"the node ended: {node.said()[-300:]}"]
            samples.append(await sample(node, folder, at_s))
            if len(samples) % 6 == 1:
                say("  ".join(f"{value:12.1f}" for value in astuple(samples[-1])))
            broken = [task.exception() for task in tasks if task.done() and not one.over]
            one.lost += [f"{type(error).__name__}: {error}" for error in broken if error is not None][:1]
        one.over = True
        await asyncio.wait(tasks, timeout=15)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await node.stop()
    say(f"did: {dict(one.did)}")
    return judged(samples, one.did, one.lost[:5])


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--stations", type=int, default=100)
    words = parser.parse_args()
    if words.seconds <= 0 or words.stations < 1:
        parser.error("seconds and stations are more than 0")
    with tempfile.TemporaryDirectory(prefix="interlock-soak-") as folder:
        code, found = asyncio.run(
            soak(Path(folder), words.seconds, words.stations, lambda line: print(line, flush=True))
        )
    for line in found:
        print(f"  {line}")
    print({0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE"}[code])
    sys.exit(code)


if __name__ == "__main__":
    main()
