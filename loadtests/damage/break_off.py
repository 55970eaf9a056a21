"""Let anything break off anywhere: an exception and a cancellation at each suspension, callback and commit of a node.

A station and an operator have a session with one node in virtual time, under OCPP 1.6 and 2.0.1: boot, status, start,
meter, stop, unlocks, one of them without an answer, a cut, silence. It is done once undisturbed, to count the places;
then once for each place and each way to break off there. Afterwards the node must serve on - station and operator ask
again, as real ones do, until each thing asked for is answered, once, and durable - or say that it is over. Anything in
between is a failure.

    python loadtests/damage/break_off.py            every place
    python loadtests/damage/break_off.py --every 7  each seventh
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from interlock.csms import codec
from interlock.csms.clock import Ids
from interlock.csms.connection import Connection
from interlock.csms.dialects import BY_SUBPROTOCOL
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Rules, Station, evolve
from interlock.csms.handle import Handler
from interlock.csms.node import Csms, Decision
from interlock.csms.settings import Settings
from interlock.csms.store import EventStore, MemoryStore, NewEvent, Snapshot, StoredEvent
from interlock.csms.supervise import Supervisor
from interlock.scenarios.world.loop import Clock, SimLoop

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
WAYS = ("exception", "cancellation")
SETTINGS: dict[str, dict[str, Any]] = {
    "resident": {"snapshot_events": 5},
    "per-request": {"residency": "per-request", "snapshot_events": 7},
    "polled": {"offline_timer": "polled", "heartbeats": "every", "snapshot_every_s": 3.0},
    "2.0.1": {"snapshot_events": 5},
}
"""Ways to run a node that come by other places."""
TRIES = 60


class Broken(Exception):
    """What is thrown in."""


@dataclass
class Place:
    """Breaks off at the `number`th place of a kind (0: nowhere), and counts the places passed."""

    number: int = 0
    way: str = "exception"
    kind: str = "await"
    settings: str = "resident"
    passed: Counter[str] = field(default_factory=Counter)

    def here(self, kind: str) -> bool:
        """Pass a place; tell whether this is the one."""
        self.passed[kind] += 1
        return kind == self.kind and self.passed[kind] == self.number

    def call(self, kind: str, function: Callable[..., Any], *values: Any) -> Any:
        """Call something that may break off before it is done, or right behind."""
        if self.here(kind):
            raise Broken(f"before {kind} {self.number}")
        found = function(*values)
        if self.here(kind):
            raise Broken(f"behind {kind} {self.number}")
        return found


class Interrupted(Coroutine[Any, Any, Any]):
    """A coroutine that may break off wherever it waits."""

    def __init__(self, inner: Coroutine[Any, Any, Any], place: Place) -> None:
        self._inner, self._place = inner, place

    def send(self, value: Any) -> Any:
        """Go on, or not."""
        if not self._place.here("await"):
            return self._inner.send(value)
        if self._place.way == "exception":
            return self._inner.throw(Broken(f"at await {self._place.number}"))
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)  # it cancels what is waited for, too
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        """Throw in."""
        return self._inner.throw(*error)

    def close(self) -> None:
        """End it."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


class Waiting(MemoryStore):
    """A log in memory that lets others run before and behind each operation."""

    async def append(self, stream: str, events: Sequence[NewEvent], expected: int | None) -> int:
        """Append."""
        await asyncio.sleep(0.001)
        found = await super().append(stream, events, expected)
        await asyncio.sleep(0.001)
        return found

    async def read(self, stream: str, after: int = 0, limit: int | None = None) -> Sequence[StoredEvent]:
        """Read."""
        await asyncio.sleep(0.001)
        found = await super().read(stream, after, limit)
        await asyncio.sleep(0.001)
        return found

    async def find(self, event_ids: Sequence[str]) -> Sequence[StoredEvent]:
        """Look up."""
        await asyncio.sleep(0.001)
        return await super().find(event_ids)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep."""
        await asyncio.sleep(0.001)
        await super().save_snapshot(snapshot)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """Look up."""
        await asyncio.sleep(0.001)
        return await super().load_snapshot(stream)


class Timers(Supervisor):
    """Timers whose callbacks break off."""

    place: Place

    def at(self, when: float, what: str, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Set a timer."""
        return super().at(when, what, lambda: self.place.call("callback", callback))


def design(place: Place) -> type[Csms]:
    """Return a node whose timers, and what it does about each commit, may break off."""

    class Breaks(Dispatcher):
        def committed(self, stored: Sequence[StoredEvent]) -> None:
            place.call("commit", super().committed, stored)

    class Folds(Handler):
        def absorb(self, stored: Sequence[StoredEvent]) -> None:
            place.call("commit", super().absorb, stored)

    class Node(Csms):
        supervisor_class = type("Placed", (Timers,), {"place": place})
        dispatcher_class = Breaks
        handler_class = Folds

    return Node


class Rig:
    """One node, one station and one operator."""

    def __init__(self, place: Place, store: EventStore | None = None) -> None:
        self.place, self.env = place, Clock()
        self.newer = place.settings == "2.0.1"
        self.loop = SimLoop(self.env)
        self.loop.set_exception_handler(lambda loop, context: None)
        self.store = store or Waiting()
        self.alarms: list[str] = []
        more = SETTINGS[place.settings]
        settings = Settings(offline_after_s=60.0, call_timeout_s=5.0, lateness_s=10.0, **more)
        self.node = design(place)(
            *("n", self.store, self, Ids("n1", random.Random(1)), settings, lambda _: Rules(2, 2)),
            spawn=self.spawn,
            alarm=self.alarms.append,
        )
        self.node.tokens["TAG"] = "Accepted"
        self.connection: Connection | None = None
        self.answers: dict[str, Any] = {}
        self.calls: Counter[str] = Counter()
        self.silent = False
        self._count = 0

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that may break off."""
        return self.loop.create_task(Interrupted(coroutine, self.place))

    def now(self) -> float:
        """Return simulated seconds."""
        return self.env.now

    def at(self) -> datetime:
        """Return the simulated time of day."""
        return EPOCH + timedelta(seconds=self.env.now)

    def when(self, at: datetime) -> float:
        """Return the second of a time."""
        return (at - EPOCH).total_seconds()

    # --- the station ---

    def dial(self) -> Connection:
        """Open a connection."""

        def write(frame: str) -> None:
            message = json.loads(frame)
            if message[0] != 2:
                self.answers[message[1]] = message[2]
                return
            self.calls[message[1]] += 1
            if not self.silent and message[2] == "UnlockConnector":
                self.loop.call_later(0.05, connection.offer, json.dumps([3, message[1], {"status": "Unlocked"}]))

        def close(why: str) -> None:
            if self.connection is connection:
                self.connection = None
            connection.hang_up(why)

        spoken = "ocpp2.0.1" if self.newer else "ocpp1.6"
        connection = self.connection = self.node.connect("CP1", write, close, BY_SUBPROTOCOL[spoken])
        self.node.serve(connection, close)
        return connection

    async def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Say something until it is answered, over as many connections as that takes."""
        for _ in range(TRIES):
            connection = self.connection or self.dial()
            self._count += 1
            name = f"m{self._count}"
            connection.offer(json.dumps([2, name, action, payload]))
            for _ in range(100):
                await asyncio.sleep(0.02)
                if name in self.answers:
                    found: dict[str, Any] = self.answers[name]
                    return found
                if self.connection is not connection:
                    break
        raise AssertionError(f"{action} is never answered")

    def cut(self) -> None:
        """Lose the connection."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.hang_up("cut")

    # --- the operator ---

    async def unlock(self, request_id: str) -> str:
        """Ask until there is a decision; return the command."""
        for _ in range(TRIES):
            asked = self.spawn(self.node.operate("CP1", do.Unlock(1), request_id))
            await asyncio.wait({asked}, timeout=20.0)
            if asked.done() and not asked.cancelled() and asked.exception() is None:
                decision: Decision = asked.result()
                if decision.command_id is not None:
                    return decision.command_id
                if decision.answer == "unreachable":
                    await self.say("Heartbeat", {})
            await asyncio.sleep(1.0)
        raise AssertionError(f"{request_id} is never decided")

    # --- the session ---

    async def session(self) -> None:
        """Have it, and then look."""
        started = self.spawn(self.node.start())
        await asyncio.wait({started})
        if started.cancelled() or started.exception() is not None:
            return  # a process whose start fails is visibly gone
        boot: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}
        if self.newer:
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
        await self.say("BootNotification", boot)
        await self._charge(1000)
        await self.unlock("first")
        self.silent = True
        await self.unlock("without an answer")
        await asyncio.sleep(20.0)
        self.silent = False
        self.cut()
        await self.say("Heartbeat", {})
        await self._charge(2000)
        await self.unlock("last")
        await asyncio.sleep(30.0)
        if self.node.ended is None:
            await self._look(online=True)
        await asyncio.sleep(200.0)
        self.cut()
        if self.node.ended is None:
            await self._look(online=False)
        stopping = self.loop.create_task(self.node.stop())
        await asyncio.wait({stopping}, timeout=60.0)
        assert stopping.done(), "a stop hangs"

    async def _charge(self, meter_wh: int) -> None:
        at = self.at().isoformat()
        if self.newer:
            await self._charge_201(meter_wh, at)
            return
        status = {"connectorId": 1, "errorCode": "NoError", "timestamp": at}
        await self.say("StatusNotification", {**status, "status": "Preparing"})
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": meter_wh, "timestamp": at}
        first = await self.say("StartTransaction", start)
        again = await self.say("StartTransaction", start)
        assert first == again, "a start told again is another one"
        sample = {"timestamp": at, "sampledValue": [{"value": str(meter_wh)}]}
        transaction = first["transactionId"]
        await self.say("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": [sample]})
        await self.say("StopTransaction", {"transactionId": transaction, "meterStop": meter_wh + 5, "timestamp": at})
        await self.say("StatusNotification", {**status, "status": "Available"})

    async def _charge_201(self, meter_wh: int, at: str) -> None:
        where: dict[str, Any] = {"evseId": 1, "connectorId": 1}
        await self.say("StatusNotification", {**where, "timestamp": at, "connectorStatus": "Occupied"})
        about = {"transactionInfo": {"transactionId": f"t{meter_wh}"}, "evse": {"id": 1, "connectorId": 1}}
        token = {"idToken": {"idToken": "TAG", "type": "ISO14443"}}

        def event(kind: str, why: str, number: int, **more: Any) -> dict[str, Any]:
            sample = {"timestamp": at, "sampledValue": [{"value": float(meter_wh + 5 * number)}]}
            said = {"eventType": kind, "triggerReason": why, "seqNo": number, "timestamp": at, "meterValue": [sample]}
            return {**said, **about, **more}

        start = event("Started", "Authorized", 0, **token)
        assert await self.say("TransactionEvent", start) == await self.say("TransactionEvent", start)
        await self.say("TransactionEvent", event("Updated", "MeterValuePeriodic", 1))
        await self.say("TransactionEvent", event("Ended", "StopAuthorized", 2))
        await self.say("StatusNotification", {**where, "timestamp": at, "connectorStatus": "Available"})

    async def _look(self, online: bool) -> None:
        log = await MemoryStore.read(self.store, "station-CP1")  # type: ignore[arg-type]
        types = Counter(codec.kind(stored.type) for stored in log)
        state = Station()
        requests: Counter[str] = Counter()
        for stored in log:
            event: Any = codec.decode(stored.type, stored.data)
            state = evolve(state, event)
            if codec.kind(stored.type) == "CommandRequested":
                requests[event.request_id] += 1
        assert types["TransactionStarted"] == types["TransactionStopped"] == 2, types
        assert requests == {"first": 1, "without an answer": 1, "last": 1}, requests
        assert all(times == 1 for times in self.calls.values()), "a frame left twice"
        assert not list(state.unfinished()), "a command without an end"
        assert state.online is online, f"the log says online={state.online}"
        known = self.node.handler.resident.get("CP1")
        assert known is None or known.version > len(log) or known.state == fold(log[: known.version]), "a wrong fold"


def fold(log: Sequence[StoredEvent]) -> Station:
    """Fold a stream."""
    state = Station()
    for stored in log:
        event: Any = codec.decode(stored.type, stored.data)
        state = evolve(state, event)
    return state


def session(place: Place) -> str | None:
    """Have a session with one break; return what is wrong afterwards."""
    rig = Rig(place)
    asyncio.set_event_loop(None)
    try:
        rig.loop.run_until_complete(rig.session())
    except AssertionError as error:
        return f"{place.settings}: {place.way} at {place.kind} {place.number}: {error}"
    finally:
        for task in rig.loop.unfinished():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        with suppress(RuntimeError):
            rig.loop.close()
    return None


def sweep(every: int = 1, offset: int = 0) -> tuple[int, list[str]]:
    """Break off at every place (or each `every`th); return how many there were and what is wrong."""
    wrong, everywhere = [], []
    for settings in SETTINGS:
        counted = Place(settings=settings)
        wrong += [found] if (found := session(counted)) else []
        everywhere += places(counted)
    chosen = everywhere[offset::every]
    wrong += [found for place in chosen if (found := session(place))]
    return len(chosen), wrong


def places(counted: Place) -> list[Place]:
    """Return every place at which to break off, from a session without a break in which they were counted."""
    return [
        Place(number, way, kind, counted.settings)
        for kind, count in sorted(counted.passed.items())
        for number in range(1, count + 1)
        for way in (WAYS if kind == "await" else WAYS[:1])
    ]


def main(sweep: Callable[[int, int], tuple[int, list[str]]], where: str) -> None:
    """Read the arguments, sweep `where`, and exit 1 if a break left the node half alive."""
    parser = argparse.ArgumentParser(description=f"An exception and a cancellation everywhere {where}.")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--offset", type=int, default=0)
    wanted = parser.parse_args()
    count, wrong = sweep(wanted.every, wanted.offset)
    for line in wrong[:20]:
        print(f"  {line}")
    print(f"{count} breaks {where}, {len(wrong)} after which the node was half alive")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sweep, "in a node")
