"""CPU per call of a central system on real sockets: ours, durable, beside `ocpp` 2.1.0's without any storage.

Each runs in a process of its own. One load generator drives both with the same frames over raw WebSockets: so many
stations, each with one call outstanding, a session of boot, statuses, heartbeats, a transaction and its meter values.
What is compared is the server's own CPU time (user and system) for each answered call; the generator's is printed too.
Ours validates against the schemas, decides, appends to SQLite with synchronous=FULL and answers then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[1]
AT = "2026-01-01T00:00:00.000Z"
STATIONS, SECONDS, ROUNDS, GOAL = 256, 6.0, 5, 5.0
TICKS = os.sysconf("SC_CLK_TCK")


def peer() -> None:
    """Serve as the `ocpp` package's own example does: websockets, ChargePoint, nothing kept."""
    import logging

    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result
    from ocpp.v16.enums import Action
    from websockets.asyncio.server import serve

    logging.disable(logging.CRITICAL)

    class Central(ChargePoint):  # type: ignore[misc]
        @on(Action.boot_notification)
        def boot(self, **_: Any) -> Any:
            return call_result.BootNotification(AT, 300, "Accepted")

        @on(Action.heartbeat)
        def heartbeat(self) -> Any:
            return call_result.Heartbeat(AT)

        @on(Action.status_notification)
        def status(self, **_: Any) -> Any:
            return call_result.StatusNotification()

        @on(Action.start_transaction)
        def start_transaction(self, **_: Any) -> Any:
            return call_result.StartTransaction(1, {"status": "Accepted"})

        @on(Action.meter_values)
        def meter(self, **_: Any) -> Any:
            return call_result.MeterValues()

        @on(Action.stop_transaction)
        def stop(self, **_: Any) -> Any:
            return call_result.StopTransaction()

    async def take(socket: Any) -> None:
        await Central(socket.request.path.strip("/"), socket).start()

    async def main() -> None:
        async with serve(take, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
            port = next(iter(server.sockets)).getsockname()[1]
            print(f"ws://127.0.0.1:{port}/ocpp/", flush=True)
            await asyncio.Future()

    asyncio.run(main())


def session(transaction: int, n: int) -> list[tuple[str, dict[str, Any]]]:
    """One charging session as calls."""
    sampled = [
        {"value": str(n), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": "7400.0", "measurand": "Power.Active.Import", "unit": "W"},
    ]
    meter = {
        "connectorId": 1,
        "transactionId": transaction,
        "meterValue": [{"timestamp": AT, "sampledValue": sampled}],
    }
    status = {"connectorId": 1, "errorCode": "NoError", "timestamp": AT}
    return [
        ("Heartbeat", {}),
        ("StatusNotification", {**status, "status": "Charging"}),
        ("StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": n, "timestamp": AT}),
        ("MeterValues", meter),
        ("MeterValues", meter),
        ("MeterValues", meter),
        ("StopTransaction", {"transactionId": transaction, "meterStop": n, "timestamp": AT}),
        ("StatusNotification", {**status, "status": "Available"}),
    ]


async def drive(url: str, seconds: float) -> int:
    """Drive a server; return the calls answered."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    answered = 0

    async def station(number: int) -> None:
        nonlocal answered
        async with connect(f"{url}B{number}", subprotocols=["ocpp1.6"], compression=None) as socket:  # type: ignore[list-item]
            count = 0

            async def say(action: str, payload: dict[str, Any]) -> Any:
                nonlocal answered, count
                count += 1
                await socket.send(json.dumps([2, str(count), action, payload]))
                answer = json.loads(await socket.recv())
                assert answer[0] == 3, answer
                answered += 1
                return answer[2]

            await say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            n = transaction = 0
            while loop.time() < until:
                n += 1
                for action, payload in session(transaction, n):
                    told = await say(action, payload)
                    if action == "StartTransaction":
                        transaction = told["transactionId"]

    await asyncio.gather(*(station(number) for number in range(STATIONS)))
    return answered


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(command: list[str], cwd: str) -> tuple[float, float, float]:
    """Return (microseconds of CPU per call, calls per second, the generator's utilisation)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INTERLOCK_API_TOKEN": "bench"}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        before, own, began = cpu_s(process.pid), time.process_time(), time.monotonic()
        calls = asyncio.run(drive(url, SECONDS))
        used, mine, took_s = cpu_s(process.pid) - before, time.process_time() - own, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return used / calls * 1e6, calls / took_s, mine / took_s


def main() -> None:
    """Measure both in turn and print the ratio."""
    parser = argparse.ArgumentParser(description="CPU per call: the reference beside ocpp 2.1.0, on real sockets.")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args()
    if wanted.peer:
        peer()
        return
    print(f"server CPU per call: {STATIONS} stations, {SECONDS:.0f} s each, {wanted.rounds} rounds in turn")
    ours: list[tuple[float, float, float]] = []
    theirs: list[tuple[float, float, float]] = []
    for n in range(wanted.rounds):
        with tempfile.TemporaryDirectory() as folder:
            serve = "from scenarios.cli import main; main()"
            flags = [
                "--ocpp-port",
                "0",
                "--api-port",
                "0",
                "--tokens",
                "Accepted",
                "--store",
                f"sqlite:///{folder}/{n}",
            ]
            ours.append(measure([sys.executable, "-u", "-c", serve, "serve", *flags, "--quiet"], folder))
            theirs.append(measure([sys.executable, "-u", __file__, "--peer"], folder))
    for name, found in (("Interlock, durable", ours), ("ocpp 2.1.0, no storage", theirs)):
        us, rate, busy = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"  {name:<24} median {us:>7.1f} us of CPU a call   {rate:>7,.0f} calls/s   generator {busy:.0%} busy")
    ratio = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs, strict=True))
    print(f"  ratio {ratio:.1f} (goal {GOAL:.0f})")


if __name__ == "__main__":
    main()
