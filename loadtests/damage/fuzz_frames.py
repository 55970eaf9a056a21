"""Bad frames, a great many: in process through the whole CSMS, and over sockets against a running one.

Frames are made from good ones by damage to bytes and to JSON, and from shapes that are no frames at all; every so
often a good one follows, and must be answered as if nothing had been. Nothing may escape, stay behind, or grow.

    python loadtests/damage/fuzz_frames.py --frames 1000000 --sockets 50000 [--seed N]

A failure names the seed, the number and the frame.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from interlock.csms import codec
from interlock.csms.clock import Ids
from interlock.csms.dialects import BY_SUBPROTOCOL
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.serve.wall_clock import WallClock
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore, StoredEvent
from interlock.scenarios.live.serve_process import ServeProcess

AT = "2026-01-01T00:00:00Z"
GOOD_EVERY = 20
STATIONS = 20
SUBPROTOCOLS = ("ocpp1.6", "ocpp2.0.1")
GROWTH_MIB = 700
"""What a million frames may leave in memory: most is the log itself, kept in memory here."""

SEEDS: list[list[Any]] = [
    [2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}],
    [2, "1", "Heartbeat", {}],
    [2, "1", "Authorize", {"idTag": "TAG"}],
    [2, "1", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": AT}],
    [2, "1", "StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}],
    [2, "1", "StopTransaction", {"transactionId": 7, "meterStop": 9, "timestamp": AT}],
    [2, "1", "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]}],
    [2, "1", "DataTransfer", {"vendorId": "v", "data": "x"}],
    [2, "1", "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}],
    [2, "1", "Authorize", {"idToken": {"idToken": "TAG", "type": "ISO14443"}}],
    [2, "1", "StatusNotification", {"timestamp": AT, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}],
    [
        *(2, "1", "TransactionEvent"),
        {
            "eventType": "Started",
            "timestamp": AT,
            "triggerReason": "RemoteStart",
            "seqNo": 0,
            "offline": False,
            "transactionInfo": {"transactionId": "T", "chargingState": "Charging", "remoteStartId": 1},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "TAG", "type": "ISO14443"},
            "meterValue": [
                {
                    "timestamp": AT,
                    "sampledValue": [{"value": 1.5, "unitOfMeasure": {"unit": "kWh", "multiplier": 0}}],
                }
            ],
        },
    ],
    [
        *(2, "1", "NotifyEvent"),
        {
            "generatedAt": AT,
            "seqNo": 0,
            "eventData": [
                {
                    "eventId": 1,
                    "timestamp": AT,
                    "trigger": "Delta",
                    "actualValue": "Available",
                    "eventNotificationType": "HardWiredNotification",
                    "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                    "variable": {"name": "AvailabilityState"},
                }
            ],
        },
    ],
    [3, "1", {"status": "Unlocked"}],
    [4, "1", "GenericError", "", {}],
]
ODD: list[Any] = [
    *(None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 1.5, 1e308, "", "x" * 300, "\u0000", "\u202e", "\x1b[2J"),
    *([], {}, [[]], {"": None}, "2024-13-01T00:00:00Z", "0000-00-00", "1000000", "=cmd|'/C calc'!A0", "<svg onload=1>"),
]
RAW = [
    *("", " ", "null", "true", "[]", "{}", "[2]", '["2","1","Heartbeat",{}]', "[2.0,1]", '[2,"1"', "[" * 5000),
    *('{"a":' * 400, '[2,"1","Heartbeat",{"n":' + "9" * 5000 + "}]", '[2,"1","Heartbeat",{"n":1e999}]', "\ud800"),
    *(
        '[2,"1","Heartbeat",{"a":1,"a":2}]',
        '[2,"1","Heartbeat",{}]garbage',
        '[2,"1","StartTransaction",{"connectorId":',
    ),
    *('[3,"node.c1",{}]', '[3,"",{}]', '[4,"1"]', '[5,"1",{}]', '[2,"1",["Heartbeat"],{}]', '[2,"1","heartbeat",{}]'),
]


def bad(rng: random.Random) -> str:
    """Make a frame that is probably bad."""
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(RAW)
    frame = json.loads(json.dumps(rng.choice(SEEDS)))
    if kind < 0.55:
        for _ in range(rng.choice((1, 1, 2, 3))):
            _hurt(frame, rng)
        if rng.random() < 0.3:
            frame[1:2] = [rng.choice(("1", "x" * 37, "", 1, None, [], f"{rng.getrandbits(64):x}"))]
        return json.dumps(frame)
    data = bytearray(json.dumps(frame).encode())
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) or 1)
        match rng.randrange(4):
            case 0 if data:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randrange(1, 9)]
            case 2:
                data[at:at] = data[: rng.randrange(1, 20)]
            case _:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 6)))
    return data.decode("utf-8", "replace")


def _hurt(frame: Any, rng: random.Random) -> None:
    where = frame
    while isinstance(where, list | dict) and where:
        key = rng.choice(list(where)) if isinstance(where, dict) else rng.randrange(len(where))
        if isinstance(where[key], list | dict) and where[key] and rng.random() < 0.7:
            where = where[key]
            continue
        match rng.randrange(3):
            case 0:
                where[key] = copy.deepcopy(rng.choice(ODD))
            case 1:
                del where[key]
            case _ if isinstance(where, dict):
                where[rng.choice(("x", key * 2, "idTag"))] = copy.deepcopy(rng.choice(ODD))
            case _:
                where.insert(key, copy.deepcopy(rng.choice(ODD)))
        return


def spoken(station: int) -> str:
    """Return the subprotocol of a station: half of them speak each version."""
    return SUBPROTOCOLS[station % len(SUBPROTOCOLS)]


def good(number: int) -> tuple[int, str, str]:
    """Return a frame that the version of its station (`number // GOOD_EVERY`) knows, and that leaves its number."""
    message_id = f"good-{number}"
    if spoken(number // GOOD_EVERY % STATIONS) == "ocpp1.6":
        payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": str(number)}
        return number, json.dumps([2, message_id, "StatusNotification", payload]), message_id
    payload = {"type": "InvalidMessages", "timestamp": AT, "techInfo": str(number)}
    return number, json.dumps([2, message_id, "SecurityEventNotification", payload]), message_id


def left_by(event: StoredEvent) -> str | None:
    """Return the number that a good frame left in an event."""
    data = json.loads(event.data)
    found = data.get("info") if codec.kind(event.type) == "StatusReported" else data.get("payload", {}).get("techInfo")
    return None if found is None else str(found)


def frames(count: int, seed: int) -> Iterator[tuple[int, str, str | None]]:
    """Yield (number, frame, message id where it is a good one)."""
    rng = random.Random(f"fuzz:{seed}")
    for number in range(count):
        if number % GOOD_EVERY == 0:
            yield good(number)
        else:
            yield number, bad(rng), None


class Failed(Exception):
    """A frame did what none may."""


async def in_process(count: int, seed: int) -> str:
    """Send them through connections of a node whose log is in memory."""
    loop = asyncio.get_running_loop()
    broken: list[str] = []
    loop.set_exception_handler(lambda _, context: broken.append(str(context.get("exception") or context["message"])))
    settings = Settings(unknown_tokens="Accepted")
    node = Csms("n", MemoryStore(), WallClock(loop), Ids("n", random.Random(seed)), settings, lambda _: Rules(2, 2))
    await node.start()
    written: list[str] = []
    connections = [
        node.connect(f"CP{n}", written.append, lambda why: None, BY_SUBPROTOCOL[spoken(n)]) for n in range(STATIONS)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    good = 0
    for number, frame, message_id in frames(count, seed):
        connection = connections[number % STATIONS if message_id is None else number // GOOD_EVERY % STATIONS]
        written.clear()
        try:
            await connection.receive(frame)
        except Exception as error:
            raise Failed(f"frame {number}: {type(error).__name__}: {error}: {frame[:300]!r}") from error
        if any(len(text) > 600 for text in written):
            raise Failed(f"frame {number} was answered with {max(map(len, written))} characters: {frame[:300]!r}")
        if message_id is not None:
            good += 1
            if f'[3,"{message_id}",{{}}]' not in written:
                raise Failed(f"frame {number} is good and was answered {written}: {frame}")
        if broken:
            raise Failed(f"frame {number}: a task failed: {broken[0]}: {frame[:300]!r}")
        if number % 4096 == 0:
            await asyncio.sleep(0)
    stored = {left_by(event) for event in await node.store.read_all()}
    missing = [number for number in range(0, count, GOOD_EVERY) if str(number) not in stored]
    if missing:
        raise Failed(f"frame {missing[0]} is good, was answered, and is not in the log")
    for connection in connections:
        await connection.closed("over")
    await node.stop()
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if left or node.connections:
        raise Failed(f"{len(left)} tasks and {len(node.connections)} connections are left: {left[:1]}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > GROWTH_MIB:
        raise Failed(f"memory grew by {grown:.0f} MiB, {GROWTH_MIB} is the limit")
    anomalies = sum(event.type == "AnomalyRecorded" for event in await node.store.read_all())
    return f"{good} good ones answered and in the log, {anomalies} bad ones on record, memory grew by {grown:.0f} MiB"


async def over_sockets(count: int, seed: int, url: str) -> str:
    """Send them over sockets to a running CSMS."""
    every = list(frames(count, seed + 1))
    answered = closed = 0

    async def station(n: int, mine: list[tuple[int, str, str | None]]) -> None:
        nonlocal answered, closed
        name, todo, version = f"F{n}", list(mine), spoken(n)
        while todo:
            try:
                async with connect(f"{url}{name}", subprotocols=[version], compression=None) as socket:  # type: ignore[list-item]
                    while todo:
                        number, frame, message_id = todo[0]
                        if message_id is None:
                            todo.pop(0)
                            raw: Any = frame.encode("utf-8", "replace")
                            await socket.send(raw if number % 997 == 1 else raw.decode())
                            continue
                        await socket.send(frame)
                        while True:
                            heard = await asyncio.wait_for(socket.recv(), 20)
                            if json.loads(heard)[:2] == [3, message_id]:
                                break
                        answered += 1
                        todo.pop(0)
            except ConnectionClosed:
                closed += 1  # a binary frame is answered so; whoever is good comes back
            except TimeoutError:
                raise Failed(f"frame {todo[0][0]} is good and was not answered on a socket") from None

    # A share keeps the order, has its good frames, and one at its end: an answer to it means that all was handled.
    shares = [
        [one for one in every if one[0] // GOOD_EVERY % STATIONS == n] + [good(n * GOOD_EVERY)] for n in range(STATIONS)
    ]
    await asyncio.gather(*(station(n, share) for n, share in enumerate(shares)))
    return f"{answered} good ones answered, {closed} sockets closed and opened again"


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Bad frames, a great many.")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--sockets", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    try:
        began = time.monotonic()
        told = asyncio.run(in_process(wanted.frames, wanted.seed))
        rate = wanted.frames / (time.monotonic() - began)
        print(f"in process: {wanted.frames:,} frames, {rate:,.0f}/s: {told}", flush=True)
        if wanted.sockets:
            with tempfile.TemporaryDirectory() as folder:
                _sockets(wanted, folder)
    except Failed as error:
        print(f"FAIL: seed {wanted.seed}: {error}")
        sys.exit(1)
    print("PASS")


def _sockets(wanted: argparse.Namespace, folder: str) -> None:
    with ServeProcess(folder, ("--tokens", "Accepted", "--store", f"sqlite:///{folder}/log", "--quiet")) as node:
        began = time.monotonic()
        told = asyncio.run(over_sockets(wanted.sockets, wanted.seed, node.stations_url + "/"))
        rate = wanted.sockets / (time.monotonic() - began)
        if node.process.poll() is not None:
            raise Failed(f"the CSMS ended with {node.process.returncode}: {node.errors[-500:]}")
    if node.process.returncode != 0 or "Traceback" in node.errors:
        raise Failed(f"the CSMS ended with {node.process.returncode}: {node.errors[-500:]}")
    print(f"sockets: {wanted.sockets:,} frames, {rate:,.0f}/s: {told}", flush=True)


if __name__ == "__main__":
    main()
