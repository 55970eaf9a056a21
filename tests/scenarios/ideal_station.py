"""A station that reads the case and does exactly what it expects: whether a case can be run at all, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interlock.scenarios.cases import match, schemas
from interlock.scenarios.cases.exemplar import CHOSEN, bound_of, refs
from interlock.scenarios.cases.language import LIMITS, Answered, Case, Connects, Cut, Hand, Item, Raw, Say, Sent, Series
from interlock.scenarios.cases.states import STATES

from .vendor_station import KEYS


class Ideal:
    """A hand and a station in one; `leaves_out` is the number of an expectation that it does not fulfil."""

    def __init__(self, limits: Mapping[str, float], leaves_out: int | None = None) -> None:
        self.limits = {**LIMITS, **limits}
        self.leaves_out = leaves_out
        self.script: list[tuple[int, Item]] = []
        self.socket: Any = None
        self.bound: dict[str, Any] = {}
        self.said: dict[str, str] = {}
        self.asked: dict[str, asyncio.Future[Any]] = {}
        self.ids = itertools.count(1)
        self.status = "Available"
        self.tasks: set[asyncio.Task[Any]] = set()
        self.lock = asyncio.Lock()
        self.keys = dict(KEYS)

    def at(self, url: str) -> Ideal:
        self.url = url
        return self

    def start(self) -> None:
        self.life = asyncio.get_running_loop().create_task(self.live())

    async def stop(self) -> None:
        for task in (self.life, *self.tasks):
            task.cancel()
        await asyncio.gather(self.life, *self.tasks, return_exceptions=True)

    def begin(self, case: Case) -> None:
        """A case begins: from here on its state's path and its script are what happens."""
        path = STATES[case.needs.state].path
        numbered = [*((-1, item) for item in path), *enumerate(case.script)]
        self.bound = bound_of(self.limits)
        self.said.clear()
        self.script = numbered
        self.soon(self.go)

    def soon(self, function: Any, *arguments: Any) -> None:
        async def guarded() -> None:
            with contextlib.suppress(ConnectionClosed, AttributeError):
                async with self.lock:
                    await function(*arguments)

        task = asyncio.get_running_loop().create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def live(self) -> None:
        while True:
            with contextlib.suppress(OSError, ConnectionClosed, InvalidStatus):
                async with connect(f"{self.url}/IDEAL", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
                    self.socket = socket
                    first = [2, "boot", "BootNotification", {"chargePointVendor": "x", "chargePointModel": "x"}]
                    if not self.asked:
                        await socket.send(json.dumps(first))
                        self.asked["boot"] = asyncio.get_running_loop().create_future()
                    else:
                        self.soon(self.go)
                    async for text in socket:
                        self.hear(json.loads(text))
            self.socket = None
            if self.script and isinstance(self.script[0][1], Cut):
                self.script.pop(0)
            await asyncio.sleep(0.02)

    def hear(self, parts: list[Any]) -> None:
        if parts[0] != 2:
            waiting = self.asked.get(parts[1])
            if waiting is not None and not waiting.done():
                waiting.set_result(parts[2])
            return
        _, name, action, payload = parts
        item = self.script[0][1] if self.script else None
        meant = isinstance(item, Say) and item.action == action
        if isinstance(item, Say) and meant and match.mismatch(item.payload, payload, self.bound) is None:
            self.script.pop(0)
            self.said[item.name or action] = name
            self.soon(self.go)
            return
        self.soon(self.usual, name, action, payload)

    async def usual(self, name: str, action: str, payload: Any) -> None:
        """Answer what is no part of a case."""
        answer = {}
        if action == "GetConfiguration":
            answer = {"configurationKey": [{"key": k, "readonly": False, "value": v} for k, v in self.keys.items()]}
        elif action == "ChangeConfiguration":
            self.keys[payload["key"]] = payload["value"]
        await self.socket.send(json.dumps([3, name, schemas.sample(f"{action}Response", answer)]))
        if action == "RemoteStopTransaction":
            await self.call("StopTransaction", {"transactionId": payload["transactionId"], "meterStop": 1})
        await self.available()

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        item = self.script[0][1] if self.script else None
        if isinstance(item, Hand) and item.deed == deed:
            self.script.pop(0)
            self.soon(self.go)
        else:
            self.soon(self.available)

    async def available(self) -> None:
        if not self.script and self.status != "Available":
            await self.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})

    # --- its part ---

    async def go(self) -> None:
        """Fulfil expectations up to the next stimulus that has to come."""
        while self.script and self.socket is not None:
            number, item = self.script[0]
            if isinstance(item, Say | Hand | Raw | Cut):
                return
            self.script.pop(0)
            if number == self.leaves_out:
                continue
            if isinstance(item, Answered) and item.key in self.said:
                await self.answer(self.said.pop(item.key), item)
            elif isinstance(item, Sent):
                answer = await self.call(item.action, self.fill(item.fields))
                match.mismatch(item.given, answer, self.bound)
            elif isinstance(item, Series):
                await self.series(item)
            elif isinstance(item, Connects) and not self.fresh:
                await self.socket.close()
                return
        await self.available()

    fresh = True
    """Whether its connection is new since it was cut off."""

    async def series(self, item: Series) -> None:
        for _ in range(item.count):
            await asyncio.sleep(self.limits[item.every])
            fields = self.fill(item.fields)
            if item.stamp is not None:
                fields["meterValue"][0]["timestamp"] = datetime.now(UTC).isoformat()
            await self.call(item.action, fields)

    async def answer(self, name: str, item: Answered) -> None:
        if item.only_errors:
            await self.socket.send(json.dumps([4, name, item.errors[0], "", {}]))
        else:
            await self.socket.send(
                json.dumps([3, name, schemas.sample(f"{item.action}Response", self.fill(item.fields))])
            )

    async def call(self, action: str, fields: dict[str, Any]) -> Any:
        name = f"i{next(self.ids)}"
        if action == "StatusNotification":
            self.status = fields.get("status", self.status)
        self.asked[name] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, name, action, schemas.sample(action, fields)]))
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.asked[name], 0.5)
        return {}

    def fill(self, pattern: Any) -> Any:
        for name in refs(pattern):
            self.bound.setdefault(name, CHOSEN.get(name, 1001))
        return match.fill(pattern, self.bound, datetime.now(UTC))
