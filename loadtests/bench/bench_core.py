"""Simulated calls per CPU second: our core and stations beside `ocpp` 2.1.0 ChargePoints on both ends, in one run.

The same exchange, the same latency, the same virtual clock, schema validation in both. Ours goes through the real core:
endpoint, dialect, decision, event encoded and appended to the memory store, answer. Rounds alternate; medians are
printed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms.clock import Ids
from interlock.csms.dialects import v16
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore
from interlock.scenarios.world.loop import Clock, SimLoop
from interlock.simulator.assembly import build_station
from interlock.simulator.network.links import Network, Socket
from interlock.simulator.ocppj.controller import OcppController
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
AT = "2026-01-01T00:00:00.000Z"
STATIONS, LOOPS, LATENCY_S, ROUNDS, GOAL = 100, 10, 0.05, 5, 7.0


def conversation_of(station: Station) -> Conversation:
    """Return what a simulated station says its messages through."""
    assert isinstance(station.controller, OcppController)
    return station.controller.conversation


def exchange(transaction_id: int, n: int) -> list[tuple[str, dict[str, Any]]]:
    """One charging session as calls; `n` makes it another session than the last."""
    sampled = [
        {"value": str(n), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": "7400.0", "measurand": "Power.Active.Import", "unit": "W"},
        {"value": "230.0", "measurand": "Voltage", "unit": "V"},
    ]
    meter = {
        "connectorId": 1,
        "transactionId": transaction_id,
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
        ("StopTransaction", {"transactionId": transaction_id, "meterStop": n, "timestamp": AT}),
        ("StatusNotification", {**status, "status": "Available"}),
    ]


class _Clock:
    def __init__(self, env: Clock) -> None:
        self.env = env

    def now(self) -> float:
        return self.env.now

    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.env.now)

    def when(self, at: datetime) -> float:
        return (at - EPOCH).total_seconds()


def ours() -> int:
    """Run the exchange through Interlock; return the number of calls answered."""
    env = Clock()
    loop = SimLoop(env)
    answered = 0

    async def main() -> None:
        nonlocal answered
        rng = random.Random(1)
        node = Csms(
            "n", MemoryStore(), _Clock(env), Ids("n", rng), Settings(unknown_tokens="Accepted"), lambda _: Rules(2, 2)
        )
        await node.start()
        left = STATIONS
        done = loop.create_future()

        def dial(socket: Socket) -> bool:
            connection = node.connect(socket.station_id, socket.send_down, lambda why: None, v16)
            socket.on_up = connection.offer
            socket.on_csms_closed = connection.hang_up
            node.spawn(connection.run())
            return True

        network = Network(env, rng, lambda kind, **fields: None, dial, record_frames=False)
        network.latency_s = (LATENCY_S, LATENCY_S)

        def play(station: Station) -> None:
            given, conversation = 1, conversation_of(station)

            def step(n: int, k: int) -> None:
                nonlocal left
                if n == LOOPS:
                    left -= 1
                    if not left:
                        done.set_result(None)
                    return
                calls = exchange(given, n)
                action, payload = calls[k]

                def next_(reply: dict[str, Any] | None) -> None:
                    nonlocal answered, given
                    assert reply is not None
                    answered += 1
                    given = reply.get("transactionId", given)
                    step(*((n, k + 1) if k + 1 < len(calls) else (n + 1, 0)))

                conversation.ask(action, payload, next_)

            def begin() -> None:
                if conversation.registered:
                    step(0, 0)
                else:
                    station.after(0.5, begin)

            station.after(1.0, begin, survives_reboot=True)

        for number in range(STATIONS):
            spec = StationSpec(f"CP{number}", first_boot_s=(0.0, 0.0), heartbeat_s=1e6)
            station = build_station(env, spec, random.Random(number), network, lambda kind, **fields: None)
            station.start()
            play(station)
        await done

    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    return answered


def theirs() -> int:
    """Run the exchange with ChargePoint objects on both ends; return the number of calls answered."""
    import ocpp.messages
    from ocpp.v16 import ChargePoint, call

    from interlock.loadtests.bench.ocpp_central import Central

    ocpp.messages.ASYNC_VALIDATION = False  # threads do not know virtual time
    env = Clock()
    loop = SimLoop(env)

    class Pipe:
        def __init__(self) -> None:
            self.inbox: asyncio.Queue[str] = asyncio.Queue()
            self.other: Pipe | None = None

        async def recv(self) -> str:
            return await self.inbox.get()

        async def send(self, text: str) -> None:
            assert self.other is not None
            loop.call_later(LATENCY_S, self.other.inbox.put_nowait, text)

    snake = ocpp.charge_point.camel_to_snake_case
    answered = 0

    async def main() -> None:
        nonlocal answered

        async def play(number: int) -> None:
            nonlocal answered
            here, there = Pipe(), Pipe()
            here.other, there.other = there, here
            station, central = ChargePoint(f"CP{number}", here), Central(f"CP{number}", there)
            readers = [loop.create_task(station.start()), loop.create_task(central.start())]
            await station.call(call.BootNotification("V", "M"))
            for n in range(LOOPS):
                for action, payload in exchange(1, n):
                    await station.call(getattr(call, action)(**snake(payload)))
                    answered += 1
            for reader in readers:
                reader.cancel()

        await asyncio.gather(*(play(number) for number in range(STATIONS)))

    loop.run_until_complete(main())
    loop.close()
    return answered


def measure(run: Callable[[], int]) -> float:
    """Return calls per CPU second of one run."""
    gc.collect()
    gc.disable()  # as in a run of a scenario, and for both alike
    begun = time.process_time()
    calls = run()
    took_s = time.process_time() - begun
    gc.enable()
    assert calls == STATIONS * LOOPS * len(exchange(1, 0)), f"{calls} calls answered"
    return calls / took_s


def main() -> None:
    """Measure both in turn and print the ratio."""
    logging.disable(logging.CRITICAL)
    print(f"simulated calls per CPU second: {STATIONS} stations, {LOOPS} sessions each, {ROUNDS} rounds in turn")
    measure(ours), measure(theirs)  # the first of each compiles schemas
    mine, peer = [], []
    for _ in range(ROUNDS):
        mine.append(measure(ours))
        peer.append(measure(theirs))
    for name, found in (("Interlock", mine), ("ocpp 2.1.0 on both ends", peer)):
        print(
            f"  {name:<24} median {statistics.median(found):>9,.0f}   min {min(found):>9,.0f}   max {max(found):>9,.0f}"
        )
    ratio = statistics.median(a / b for a, b in zip(mine, peer, strict=True))
    print(f"  ratio {ratio:.1f} (goal {GOAL:.0f})")


if __name__ == "__main__":
    main()
