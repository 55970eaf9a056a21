"""Race schedules per CPU second: the two-node heartbeat race, built, run to quiet and judged, beside `ocpp` objects.

A schedule is what `interlock search` examines: two nodes on one store, a station, heartbeats and an unlock with its
retries, faults healed, a rest, fifty invariants. The peer exchanges the same frames in the same virtual time between
`ocpp` 2.1.0 ChargePoint objects, one for the station and one for the CSMS; it has no second node, no log, no hardware
and nothing is judged. Rounds alternate; medians are printed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms.node import Csms
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.record.history import History
from interlock.scenarios.runner import examine, many
from interlock.scenarios.spec import Scenario
from interlock.scenarios.world.loop import Clock, SimLoop

SCHEDULES, ROUNDS, GOAL, GOAL_RATIO = 300, 5, 1500.0, 5.0
LATENCY_S = 0.05


def race() -> Scenario:
    """Return the heartbeat race with two nodes, as short as a search shrinks it."""
    base = scenarios()["heartbeat-vs-unlock"]
    return replace(base, nodes=2, moments=(("race", 8.0, 12.0),), faults_s=20.0, settle_s=5.0)


def ours(spec: Scenario) -> History:
    """Examine the schedules; return the last history."""
    with many():
        for seed in range(SCHEDULES):
            history, findings = examine(spec, seed, Csms)
            assert all(found.verdict < Verdict.FAIL for found in findings)
    return history


def calls(history: History) -> tuple[list[tuple[str, Any]], int]:
    """Return the station's CALLs of a race, and how many the CSMS made."""
    frames = [(seen["edge"], json.loads(seen["text"])) for seen in history.of("frame")]
    up = [(text[2], text[3]) for edge, text in frames if edge == "station.sent" and text[0] == 2]
    down = sum(edge == "csms.sent" and text[0] == 2 for edge, text in frames)
    return up, down


def theirs(up: list[tuple[str, Any]], down: int) -> None:
    """Exchange the same frames between `ocpp` objects, as often."""
    import ocpp.messages
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call, call_result
    from ocpp.v16.enums import Action

    ocpp.messages.ASYNC_VALIDATION = False  # threads do not know virtual time
    snake = ocpp.charge_point.camel_to_snake_case
    at = "2026-01-01T00:00:00.000Z"

    class Pipe:
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self.inbox: asyncio.Queue[str] = asyncio.Queue()
            self.loop = loop
            self.other: Pipe | None = None

        async def recv(self) -> str:
            return await self.inbox.get()

        async def send(self, text: str) -> None:
            assert self.other is not None
            self.loop.call_later(LATENCY_S, self.other.inbox.put_nowait, text)

    class Central(ChargePoint):  # type: ignore[misc]
        @on(Action.boot_notification)
        def boot(self, **_: Any) -> Any:
            return call_result.BootNotification(at, 300, "Accepted")

        @on(Action.heartbeat)
        def heartbeat(self) -> Any:
            return call_result.Heartbeat(at)

        @on(Action.status_notification)
        def status(self, **_: Any) -> Any:
            return call_result.StatusNotification()

    class Charger(ChargePoint):  # type: ignore[misc]
        @on(Action.unlock_connector)
        def unlock(self, **_: Any) -> Any:
            return call_result.UnlockConnector("Unlocked")

    async def once(loop: SimLoop) -> None:
        here, there = Pipe(loop), Pipe(loop)
        here.other, there.other = there, here
        station, central = Charger("CP01", here), Central("CP01", there)
        readers = [loop.create_task(station.start()), loop.create_task(central.start())]
        unlocks = [loop.create_task(central.call(call.UnlockConnector(1))) for _ in range(down)]
        for action, payload in up:
            await station.call(getattr(call, action)(**snake(payload)))
        await asyncio.gather(*unlocks)
        for reader in readers:
            reader.cancel()

    for _ in range(SCHEDULES):
        loop = SimLoop(Clock())
        loop.run_until_complete(once(loop))
        loop.close()


def timed(run: Any, *arguments: Any) -> float:
    """Return CPU seconds."""
    gc.collect()
    begun = time.process_time()
    run(*arguments)
    return time.process_time() - begun


def main() -> None:
    """Measure both in turn and print the ratio."""
    logging.disable(logging.CRITICAL)
    spec = race()
    up, down = calls(ours(spec))
    theirs(up, down)
    print(f"race schedules per CPU second: {SCHEDULES} a round, {ROUNDS} rounds in turn; {len(up)} + {down} CALLs each")
    mine, peer = [], []
    for _ in range(ROUNDS):
        mine.append(SCHEDULES / timed(ours, spec))
        peer.append(SCHEDULES / timed(theirs, up, down))
    for name, found in (("Interlock, judged", mine), ("ocpp 2.1.0, exchange only", peer)):
        print(
            f"  {name:<26} median {statistics.median(found):>7,.0f}   min {min(found):>7,.0f}   max {max(found):>7,.0f}"
        )
    ratio = statistics.median(a / b for a, b in zip(mine, peer, strict=True))
    print(f"  {statistics.median(mine):.0f} schedules (goal {GOAL:.0f}), ratio {ratio:.1f} (goal {GOAL_RATIO:.0f})")


if __name__ == "__main__":
    main()
