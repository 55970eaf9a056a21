"""CPU per call of a central system on real sockets: ours, durable, beside peers without any storage.

The peers are `ocpp` 2.1.0's own central system and, where node and npm are there, npm's `ocpp-rpc` 2.2.1 in strict
mode. Each runs in a process of its own. One load generator drives all with the same frames over raw WebSockets: so
many stations, a session of boot, statuses, heartbeats, a transaction and its meter values. What is compared is the
server's own CPU time (user and system, all threads) for each answered call. Closed loop: each station has one call
outstanding and sends the next at once. Its open-loop twin offers half that rate, each call due at a fixed time, and
tells how late answers came, counted from when they were due. A generator that is busier than 70 % measures itself: such
a figure is marked. Ours validates against the schemas, decides, appends to SQLite with synchronous=FULL and answers
then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.loadtests.bench.lean_station import LeanStation

ROOT = Path(__file__).resolve().parents[2]
STATIONS, SECONDS, ROUNDS = 256, 6.0, 5
BUSIEST = 0.7
"""Utilisation of the generator up to which a figure is the server's."""
TICKS = os.sysconf("SC_CLK_TCK")


def peer() -> None:
    """Serve as the `ocpp` package's own example does: websockets, ChargePoint, nothing kept."""
    import logging

    from websockets.asyncio.server import serve

    from interlock.loadtests.bench.ocpp_central import Central

    logging.disable(logging.CRITICAL)

    async def take(socket: Any) -> None:
        await Central(socket.request.path.strip("/"), socket).start()

    async def main() -> None:
        async with serve(take, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
            port = next(iter(server.sockets)).getsockname()[1]
            print(f"ws://127.0.0.1:{port}/ocpp/", flush=True)
            await asyncio.Future()

    asyncio.run(main())


def session(transaction: int, n: int) -> list[tuple[str, dict[str, Any]]]:
    """One charging session as calls, told as it happens: as real stations do, they all tell the time it is."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def meter(k: int) -> dict[str, Any]:
        sampled = [
            {"value": str(10 * n + k), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "7400.0", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = [{"timestamp": at, "sampledValue": sampled}]
        return {"connectorId": 1, "transactionId": transaction, "meterValue": values}

    status = {"connectorId": 1, "errorCode": "NoError", "timestamp": at}
    return [
        ("Heartbeat", {}),
        ("StatusNotification", {**status, "status": "Charging"}),
        ("StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 10 * n, "timestamp": at}),
        ("MeterValues", meter(1)),
        ("MeterValues", meter(2)),
        ("MeterValues", meter(3)),
        ("StopTransaction", {"transactionId": transaction, "meterStop": 10 * n + 5, "timestamp": at}),
        ("StatusNotification", {**status, "status": "Available"}),
    ]


@dataclass(slots=True)
class Told:
    """What the stations saw: calls answered, and how long after it was due each answer came (seconds)."""

    answered: int = 0
    late_s: list[float] = field(default_factory=list)


async def drive(url: str, seconds: float, rate: float | None = None) -> Told:
    """Drive a server, at `rate` calls per second altogether or as fast as it answers."""
    loop = asyncio.get_running_loop()
    told = Told()
    began = loop.time()
    until = began + seconds

    async def station(number: int) -> None:
        line = await LeanStation.open(url, f"B{number}")
        try:
            count = 0
            due = began + 1.0 + (number / rate if rate else 0.0)

            async def say(action: str, payload: dict[str, Any]) -> Any:
                nonlocal count, due
                if rate and count:
                    due += STATIONS / rate
                    await asyncio.sleep(due - loop.time())
                count += 1
                answer = await line.call(action, payload)
                told.answered += 1
                if rate and count > 1:
                    told.late_s.append(loop.time() - due)
                return answer

            await say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            n = transaction = 0
            while loop.time() < until:
                n += 1
                for action, payload in session(transaction, n):
                    answer = await say(action, payload)
                    if action == "StartTransaction":
                        transaction = answer["transactionId"]
        finally:
            line.close()

    await asyncio.gather(*(station(number) for number in range(STATIONS)))
    return told


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running(command: list[str], cwd: str) -> Iterator[tuple[int, str]]:
    """Run a server that prints its URL last on its first line; yields its process id and that URL."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INTERLOCK_API_TOKEN": "bench"}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.pid, process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds of the server's CPU per call, calls per second, the generator's utilisation, lateness in ms."""

    us: float
    rate: float
    busy: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0


def measure(command: list[str], cwd: str, rate: float | None = None) -> Figures:
    """Run a server and drive it once."""
    with running(command, cwd) as (pid, url):
        before, own, began = cpu_s(pid), time.process_time(), time.monotonic()
        told = asyncio.run(drive(url, SECONDS, rate))
        used, mine, took_s = cpu_s(pid) - before, time.process_time() - own, time.monotonic() - began
    late = sorted(told.late_s) or [0.0]
    p50, p99 = (late[int(len(late) * share)] * 1e3 for share in (0.5, 0.99))
    return Figures(used / told.answered * 1e6, told.answered / took_s, mine / took_s, p50, p99)


def medians(found: list[Figures]) -> Figures:
    """Return the median of each figure."""
    names = Figures.__slots__
    return Figures(*(statistics.median(getattr(one, name) for one in found) for name in names))


def npm_peer(folder: str) -> list[str] | None:
    """Install `ocpp-rpc` into a folder; return the command that serves with it, or None when that cannot be."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "ocpp-rpc@2.2.1"]
    if subprocess.run(install, cwd=folder, capture_output=True, timeout=180).returncode != 0:
        return None
    (Path(folder) / "central.js").write_text(Path(__file__).with_name("ocpp_rpc_central.js").read_text())
    return ["node", str(Path(folder) / "central.js")]


def main() -> None:
    """Measure all in turn and print the ratios."""
    parser = argparse.ArgumentParser(description="CPU per call: the reference beside its peers, on real sockets.")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args()
    if wanted.peer:
        peer()
        return
    print(f"server CPU per call: {STATIONS} stations, {SECONDS:.0f} s each, {wanted.rounds} rounds in turn")
    with tempfile.TemporaryDirectory() as folder:
        serve = [sys.executable, "-u", "-m", "interlock", "serve", "--quiet"]
        serve += ["--ocpp-port", "0", "--api-port", "0", "--tokens", "Accepted"]
        ours = {"Interlock, durable": "asyncio"}
        if find_spec("uvloop"):
            ours["Interlock, durable, uvloop"] = "uvloop"
        peers = {"ocpp 2.1.0, no storage": [sys.executable, "-u", __file__, "--peer"]}
        if npm := npm_peer(folder):
            peers["ocpp-rpc 2.2.1, no storage"] = npm
        else:
            print("  (no node and npm, or no registry: ocpp-rpc is left out)")

        def once(name: str, number: int, rate: float | None = None) -> Figures:
            if name in peers:
                return measure(peers[name], folder, rate)
            log = f"sqlite:///{folder}/{ours[name]}-{number}-{rate is None}"
            return measure([*serve, "--store", log, "--loop", ours[name]], folder, rate)

        found: dict[str, list[Figures]] = {name: [] for name in (*ours, *peers)}
        for number in range(wanted.rounds):
            for name, figures in found.items():
                figures.append(once(name, number))
        twins = {name: once(name, 0, medians(figures).rate / 2) for name, figures in found.items()}
    for name, figures in found.items():
        at, twin = medians(figures), twins[name]
        spread = f"{min(one.us for one in figures):.0f} to {max(one.us for one in figures):.0f}"
        print(f"  {name:<27} {at.us:>6.1f} us a call ({spread})  {at.rate:>7,.0f} calls/s  {_busy(at.busy)}")
        late = f"answered after p50 {twin.p50_ms:.1f} ms, p99 {twin.p99_ms:.1f} ms"
        print(f"    open loop, half that rate {twin.us:>6.1f} us a call  {late}  {_busy(twin.busy)}")
    goals = {"ocpp 2.1.0, no storage": "goal 5 to 7", "ocpp-rpc 2.2.1, no storage": "goal at least 0.4"}
    for name in ours:
        for other in peers:
            ratio = statistics.median(b.us / a.us for a, b in zip(found[name], found[other], strict=True))
            print(f"  {other} costs {ratio:.2f} times what {name} costs ({goals[other]})")


def _busy(share: float) -> str:
    return f"generator {share:.0%} busy" + ("" if share <= BUSIEST else " (TOO BUSY: could not tell)")


if __name__ == "__main__":
    main()
