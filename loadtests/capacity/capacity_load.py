"""The load of one step of `capacity.py`, in a process of its own so that what it costs can be told apart.

Every station makes `PER_STATION` calls a second, each due at a fixed time (open loop): boot, then sessions of
Heartbeat, Authorize, StatusNotification, StartTransaction, three MeterValues, StopTransaction, StatusNotification. An
answer's lateness counts from when its call was due, whatever held it up. Operators unlock connectors and start
transactions meanwhile; the stations do it, or not, and say so. What was acknowledged and what was answered is
recorded, to be compared with the log.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.loadtests.bench.lean_station import LeanStation
from interlock.loadtests.processes.nodes import cpu_s, family, http, machine_cpu_s
from interlock.scenarios.live.fleet import make_room
from interlock.scenarios.refused import Refused

PER_STATION = 2.0
COMMANDS_PER_S = 10.0
SESSION = 9
"""Calls of a session."""
REFUSES = 5
"""A station does not do what the operator wants of it every so many times."""
TICK_S, WARM_S, OUTCOME_S = 0.002, 2.0, 20.0
CONNECTING = 100
"""Handshakes under way at once."""
AT = "2026-01-01T00:00:00.000Z"
ENDED = {"accepted": True, "confirmed": True, "rejected": False, "refuted": False, "unknown": None, "lapsed": None}
"""States no command leaves, and whether they say that it was done."""


@dataclass(slots=True)
class Step:
    """What one step told. Lateness in ms, `errors` by what happened.

    `busy`, `nodes`, `database` and `others` are shares of a core: the generator's, and what the machine did besides.
    `own_ms` is the 99th percentile of how late the generator was itself in sending what was due.
    """

    stations: int
    offered: float
    seconds: float = 0.0
    answered: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    most_ms: float = 0.0
    busy: float = 0.0
    own_ms: float = 0.0
    nodes: float = 0.0
    database: float = 0.0
    others: float = 0.0
    boots_per_s: float = 0.0
    commands: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    """Outcomes that are not there, or twice."""


Call = tuple[str, dict[str, Any]]


class Charger:
    """One station's side of the load. Connector 1 has its own sessions, connector 2 is the operator's."""

    def __init__(self, load: Load, name: str, line: LeanStation, at: int) -> None:
        self.load, self.name, self.line = load, name, line
        self.at = at % SESSION
        """How far its session is. Stations begin at different points: in step, they would all start at once."""
        self.waiting: deque[float] = deque()
        """When the calls that could not be sent yet were due."""
        self.under_way: float | None = None
        self.saying: Call = ("", {})
        self.session, self.transaction, self.remote_transaction = 0, 0, 0
        self.starts, self.remote = 0, deque[bool]()
        """Remote starts so far; what they add to the session: a StartTransaction (True), a StopTransaction."""
        line.commanded = self._commanded
        line.lost = self._lost

    def due(self, when: float) -> None:
        """Make the next call, or make it as soon as the last one is answered."""
        if self.under_way is not None:
            self.waiting.append(when)
        else:
            self._say(when)

    def _say(self, when: float) -> None:
        self.under_way = when
        self.saying = self._remote() if self.remote else self._next()
        self.line.ask(*self.saying, self._answered)

    def _remote(self) -> Call:
        wh = self.starts * 1000
        if self.remote.popleft():
            return "StartTransaction", {"connectorId": 2, "idTag": "OPERATOR", "meterStart": wh, "timestamp": AT}
        return "StopTransaction", {"transactionId": self.remote_transaction, "meterStop": wh + 9, "timestamp": AT}

    def _next(self) -> Call:
        at, wh = self.at, self.session * 1000
        self.at = (at + 1) % SESSION
        if 4 <= at <= 7 and self.transaction == 0:
            return "Heartbeat", {}  # it began in the middle
        status = {"connectorId": 1, "errorCode": "NoError", "timestamp": AT}
        match at:
            case 0:
                self.session += 1
                return "Heartbeat", {}
            case 1:
                return "Authorize", {"idTag": "TAG"}
            case 2:
                return "StatusNotification", {**status, "status": "Charging"}
            case 3:
                return "StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": wh, "timestamp": AT}
            case 4 | 5 | 6:
                energy = {"value": str(wh + at), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
                power = {"value": "7400.0", "measurand": "Power.Active.Import", "unit": "W"}
                values = [{"timestamp": AT, "sampledValue": [energy, power]}]
                return "MeterValues", {"connectorId": 1, "transactionId": self.transaction, "meterValue": values}
            case 7:
                stop = {"transactionId": self.transaction, "meterStop": wh + 9, "timestamp": AT}
                return "StopTransaction", stop
            case _:
                return "StatusNotification", {**status, "status": "Available"}

    def _answered(self, payload: dict[str, Any]) -> None:
        when, self.under_way = self.under_way, None
        assert when is not None
        self.load.note(when)
        action, said = self.saying
        if action == "StartTransaction":
            transaction = payload["transactionId"]
            if said["connectorId"] == 1:
                self.transaction = transaction
            else:
                self.remote_transaction = transaction
            self.load.acknowledged.append((self.name, "TransactionStarted", transaction))
        elif action == "StopTransaction":
            self.load.acknowledged.append((self.name, "TransactionStopped", said["transactionId"]))
        if self.waiting:
            self._say(self.waiting.popleft())
        elif self.load.closed and (now := time.monotonic()) < self.load.window[1]:
            self._say(now)

    def _commanded(self, message_id: str, action: str, payload: Any) -> dict[str, str]:
        load = self.load
        load.received[message_id] += 1
        done = len(load.received) % REFUSES != 0
        load.told[message_id] = done
        if action == "UnlockConnector":
            return {"status": "Unlocked" if done else "UnlockFailed"}
        if done:
            self.starts += 1
            for starts in (True, False):
                # Behind the answer, which leaves when this returns.
                self.remote.append(starts)
                asyncio.get_running_loop().call_soon(self.due, time.monotonic())
        return {"status": "Accepted" if done else "Rejected"}

    def _lost(self, why: str) -> None:
        if not self.load.over:
            self.load.errors[why[:80]] += 1


class Load:
    """One step against running nodes."""

    def __init__(
        self,
        urls: list[str],
        apis: list[int],
        stations: int,
        seconds: float,
        seed: int = 0,
        closed: bool = False,
        per_station: float = PER_STATION,
        nodes: Sequence[int] = (),
        database: int | None = None,
    ) -> None:
        self.urls, self.apis, self.stations, self.seconds, self.closed = urls, apis, stations, seconds, closed
        self.rng, self.per_station = random.Random(seed), per_station
        self.nodes, self.database = nodes, database
        """Processes whose CPU is told; the database's with that of its children."""
        self.chargers: list[Charger] = []
        self.late_s: list[float] = []
        self.acknowledged: list[tuple[str, str, int]] = []
        self.received: Counter[str] = Counter()
        self.told: dict[str, bool] = {}
        """By command: how often its frame came, and whether it was done."""
        self.commands: list[str] = []
        self.own_s: list[float] = []
        self.errors: Counter[str] = Counter()
        self.window = (0.0, 0.0)
        self.answered = 0
        self.over = False
        self.booted: Callable[[], Awaitable[None]] = _at_once
        """Is awaited once every station has booted, before the load."""

    def note(self, when: float) -> None:
        """Note that what was due at `when` is answered."""
        now = time.monotonic()
        if self.window[0] <= when < self.window[1]:
            self.late_s.append(now - when)
        if self.window[0] <= now < self.window[1]:
            self.answered += 1

    async def run(self, prefix: str) -> Step:
        """Connect, boot, load, ask what became of the commands."""
        step = Step(self.stations, self.stations * self.per_station, self.seconds)
        began = time.monotonic()
        room = asyncio.Semaphore(CONNECTING)
        await asyncio.gather(*(self._boot(f"{prefix}{number}", number, room) for number in range(self.stations)))
        step.boots_per_s = self.stations / (time.monotonic() - began)
        await self.booted()
        start = time.monotonic() + 0.5
        self.window = (start + WARM_S, start + WARM_S + self.seconds)
        operators = asyncio.ensure_future(self._operate(start))
        watching = asyncio.ensure_future(self._watch(step))
        await (self._closed_loop() if self.closed else self._open_loop(start))
        await watching
        await operators
        step.lost = await self._outcomes()
        limit = time.monotonic() + OUTCOME_S
        while time.monotonic() < limit and any(one.under_way is not None for one in self.chargers):
            await asyncio.sleep(0.02)
        if waiting := sum(one.under_way is not None for one in self.chargers):
            self.errors["calls never answered"] += waiting
        self.over = True
        for charger in self.chargers:
            charger.line.close()
        step.p50_ms, step.p99_ms, step.most_ms = (_share_ms(self.late_s, share) for share in (0.5, 0.99, 1.0))
        step.own_ms = _share_ms(self.own_s, 0.99)
        step.answered, step.commands, step.errors = self.answered, len(self.commands), dict(self.errors)
        return step

    async def _boot(self, name: str, number: int, room: asyncio.Semaphore) -> None:
        async with room:
            line = await LeanStation.open(self.urls[number % len(self.urls)], name)
            await line.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        self.chargers.append(Charger(self, name, line, number))

    async def _watch(self, step: Step) -> None:
        """Measure what the window of the step costs whom."""

        database = family(self.database) if self.database is not None else []

        async def at(when: float) -> tuple[float, ...]:
            await asyncio.sleep(when - time.monotonic())
            used = (sum(map(cpu_s, processes)) for processes in (self.nodes, database))
            return time.monotonic(), machine_cpu_s(), time.process_time(), *used

        before, after = await at(self.window[0]), await at(self.window[1])
        took_s, *used_s = (end - begin for begin, end in zip(before, after, strict=True))
        all_of_it, step.busy, step.nodes, step.database = (one / took_s for one in used_s)
        step.others = max(0.0, all_of_it - step.busy - step.nodes - step.database)

    async def _open_loop(self, start: float) -> None:
        every = 1.0 / (self.stations * self.per_station)
        order = self.chargers
        due, number = start, 0
        while due < self.window[1]:
            now = time.monotonic()
            while due <= now:
                if due >= self.window[0]:
                    self.own_s.append(now - due)
                order[number % self.stations].due(due)
                number += 1
                due = start + number * every
            await asyncio.sleep(TICK_S)

    async def _closed_loop(self) -> None:
        for charger in self.chargers:
            charger.due(time.monotonic())
        await asyncio.sleep(self.window[1] - time.monotonic())

    async def _operate(self, start: float) -> None:
        number = 0
        asked: list[asyncio.Future[None]] = []
        while (due := start + number / COMMANDS_PER_S) < self.window[1]:
            await asyncio.sleep(due - time.monotonic())
            asked.append(asyncio.ensure_future(self._command(self.rng.choice(self.chargers).name, number)))
            number += 1
        await asyncio.gather(*asked)

    async def _command(self, station: str, number: int) -> None:
        body: dict[str, Any] = {"action": "UnlockConnector", "payload": {"connectorId": 2}}
        if number % 2:
            body = {"action": "RemoteStartTransaction", "payload": {"connectorId": 2, "idTag": "OPERATOR"}}
        api, path = self.rng.choice(self.apis), f"/api/stations/{station}/commands"
        try:
            ask = http(api, "POST", path, body, Idempotency_Key=f"{station}-{number}")
            status, told = await asyncio.wait_for(ask, OUTCOME_S)
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            self.errors[f"operator: {type(error).__name__}"] += 1
            return
        if status == 202:
            self.commands.append(told["id"])
        elif status != 409:  # another of our commands has the connector: refused, nothing happened
            self.errors[f"operator: {status}"] += 1

    async def _outcomes(self) -> list[str]:
        wrong = []
        limit = time.monotonic() + OUTCOME_S
        for command in self.commands:
            while True:
                status, found = await http(self.apis[0], "GET", f"/api/commands/{command}")
                state = found["state"] if status == 200 else f"{status}"
                if state in ENDED or time.monotonic() > limit:
                    break
                await asyncio.sleep(0.05)
            done = self.told.get(command, False)
            if ENDED.get(state) is not done:
                wrong.append(f"command {command} was {'done' if done else 'not done'} and is {state}")
            if self.received[command] > 1:
                wrong.append(f"command {command} came {self.received[command]} times")
        return wrong


def _share_ms(late_s: list[float], share: float) -> float:
    ordered = sorted(late_s) or [0.0]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3


async def _at_once() -> None:
    pass


def main() -> None:
    """Run one step and print it as JSON."""
    parser = argparse.ArgumentParser(description="The load of one step; see capacity.py.")
    parser.add_argument("--urls", nargs="+", required=True)
    parser.add_argument("--apis", nargs="+", type=int, required=True)
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--acknowledged", type=Path, required=True)
    parser.add_argument("--nodes", type=int, nargs="*", default=(), help="process ids")
    parser.add_argument("--database", type=int, help="process id")
    parser.add_argument("--closed", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    try:
        make_room(wanted.stations)
    except Refused as refused:
        sys.exit(str(refused))
    gc.disable()  # it lives for some seconds, and its own pauses are not to be measured
    load = Load(
        *(wanted.urls, wanted.apis, wanted.stations, wanted.seconds, wanted.seed, wanted.closed),
        nodes=wanted.nodes,
        database=wanted.database,
    )
    try:
        step = asyncio.run(load.run(wanted.prefix))
    except Exception as error:
        step = Step(wanted.stations, 0.0, errors={f"{type(error).__name__}: {error}"[:160]: 1})
    with wanted.acknowledged.open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in load.acknowledged)
        for command in load.commands:
            done = "done" if load.told.get(command, False) else "not done"
            file.write(json.dumps(("", done, command)) + "\n")
    print(json.dumps(asdict(step)))


if __name__ == "__main__":
    main()
