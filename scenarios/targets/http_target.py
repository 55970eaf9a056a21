"""Any CSMS with an HTTP interface as a target: requests and answers as a control file describes them."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.answers import Closed, Misfit, Reading, TargetGone, Unreadable, fetch
from interlock.scenarios.targets.control_file import Described
from interlock.scenarios.targets.exchange import Exchange
from interlock.scenarios.targets.target import CHECK_S, WITHOUT_START
from interlock.scenarios.targets.wording import worded
from interlock.simulator.spec import OcppVersion

UP_S = 0.25
"""Between two looks whether it is up again."""
PACE_S = 0.005
"""Between the beginnings of two requests: simple servers have a short queue of connections and reset what is beyond."""
AGAIN_S = 0.3
"""How long after a request whose connection was reset it is made once more, where that is the same request."""


class HttpTarget:
    """The interface that `described` describes, with secrets from `environment`."""

    def __init__(
        self,
        described: Described,
        environment: Mapping[str, str],
        folder: Path = Path(),
        ocpp: OcppVersion | None = None,
    ) -> None:
        self._described, self._folder = described, folder
        self.ocpp: OcppVersion = ocpp or described.ocpp or "1.6"
        self.restarts = described.restart is not None
        """Whether it can be killed and started again."""
        self.has_samples = described.samples is not None
        """Whether it tells the meter values of a transaction."""
        self.places = described.connectors is not None and described.connectors.evse is not None
        """Whether it tells the connectors of an EVSE apart."""
        self._exchange = Exchange(described, environment, self.ocpp)
        self._next = 0.0
        self.commands, self.tells = described.askable, described.tells
        self.cards = {card: status for status, cards in described.cards.items() for card in cards}

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        kind = type(command).__name__
        request = self._exchange.asking(kind, *worded(command, self.ocpp), station, request_id)
        answered = await self._send(request, again="requests" in self.tells)
        return self._exchange.asked(kind, request_id, *answered)

    async def phase(self, command_id: str) -> str | None:
        """Return where a command stands."""
        outcome = self._described.outcome
        if outcome is None:
            return self._exchange.ended.get(command_id)
        return self._exchange.phase(*await self._get(outcome.path, {"command": command_id, "station": ""}))

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Return its log; without one, the starts and stops of its transactions as events."""
        shape, exchange = self._described.events, self._exchange
        if shape is None:
            return await self._transactions(station)
        found: list[dict[str, Any]] = []
        after: Any = 0
        reading = Reading("[events]")
        while True:
            status, told = await self._get(shape.path, {"station": station, "after": after})
            exchange.answered("events", status)
            for one in exchange.list("events", shape.each, told):
                event = {
                    name: exchange.find("events", getattr(shape, name), one)
                    for name in ("version", "id", "type", "data")
                }
                if type(event["version"]) is not int or not isinstance(event["data"], dict):
                    raise Misfit("[events] finds an event without a version that is a number and data")
                if not isinstance(event["type"], str) or not isinstance(event["id"], str | int):
                    raise Misfit("[events] finds an event without a type and an id")
                found.append(event)
            after = exchange.find("events", shape.next, told) if shape.next else None
            if after is None:
                return found
            if not isinstance(after, str | int):
                raise Misfit(f"[events] next = {shape.next!r} finds no place to go on from")
            reading.page(len(found), after)

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """Return what it believes of each connector, without what the file says nothing about."""
        shape, exchange = self._described.connectors, self._exchange
        also: dict[str, Any] = {}
        if (online := self._described.online) is not None:
            status, about = await self._get(online.path, {"station": station})
            exchange.answered("online", status)
            also["online"] = exchange.online(about)
        if shape is None:
            return [also] if also else None
        status, told = await self._get(shape.path, {"station": station})
        exchange.answered("connectors", status)
        found = []
        for one in exchange.list("connectors", shape.each, told):
            connector = exchange.find("connectors", shape.connector, one)
            if type(connector) is not int:
                raise Misfit(f"[connectors] connector = {shape.connector!r} finds no number")
            # What speaks OCPP 1.6 numbers connectors: each is an EVSE of its own.
            evse = exchange.find("connectors", shape.evse, one) if shape.evse is not None else connector
            if type(evse) is not int:
                raise Misfit(f"[connectors] evse = {shape.evse!r} finds no number")
            belief: dict[str, Any] = {"evse": evse, "connector": min(connector, 1) if shape.evse is None else connector}
            belief |= {"status": exchange.find("connectors", shape.status, one), **also}
            if shape.transaction is not None:
                belief["transaction"] = exchange.find("connectors", shape.transaction, one)
            if shape.held is not None:
                belief["held_by"] = exchange.find("connectors", shape.held, one) or None
            found.append(belief)
        return found

    async def check(self) -> None:
        """Raise `TargetGone` unless it lets us in; without [check], unless somebody is there."""
        if self._described.websocket_only:
            return
        check = self._described.check
        if check is None:
            with contextlib.suppress(Closed, Unreadable):  # it knows no such question, and is there
                await self._get("/", {}, timeout_s=CHECK_S)
            return
        status, _ = await self._get(check.path, {}, timeout_s=CHECK_S)
        if status not in check.ok:
            raise TargetGone(
                f"{self._described.url} answers [check] with {status}; is the address right, and the secret?"
            )

    async def restart(self) -> None:
        """Kill it, start it again, and wait until it is up. Raises `TargetGone` where that cannot be done in time."""
        how = self._described.restart
        if how is None:
            raise TargetGone("the control file has no [restart]")
        try:
            async with asyncio.timeout(how.within_s):
                if how.command:
                    await self._run(how.command)
                else:
                    status, _ = await self._send(self._exchange.request(how.method, how.path, {}), again=False)
                    if not 200 <= status < 300:
                        raise TargetGone(f"[restart] {how.path} is answered {status}")
                while not await self._is_up():
                    await asyncio.sleep(UP_S)
        except TimeoutError:
            raise TargetGone(f"[restart] it is not up again within {how.within_s:g} s") from None

    async def _run(self, command: Sequence[str]) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=self._folder
            )
        except OSError as error:
            raise TargetGone(f"[restart] {command[0]} cannot be run: {error.strerror}") from None
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()  # otherwise it is left to the garbage collector, which reports it
            raise
        if code:
            raise TargetGone(f"[restart] {command[0]} ended with {code}")

    async def _is_up(self) -> bool:
        try:
            await self.check()
        except TargetGone:
            return False
        return True

    async def _transactions(self, station: str) -> list[dict[str, Any]] | None:
        shape = self._described.transactions
        if shape is None:
            return None
        found: list[dict[str, Any]] = []

        def note(type: str, **data: Any) -> None:
            found.append({"version": len(found) + 1, "id": f"{station}:{len(found) + 1}", "type": type, "data": data})

        for one in self._exchange.transactions(*await self._get(shape.path, {"station": station})):
            untold = one["connector"] is None or one["meter_start_wh"] is None
            note(
                WITHOUT_START if untold else "TransactionStarted",
                transaction_id=str(one["id"]),
                evse=one["connector"],
                id_token=one["id_token"],
                meter_start_wh=one["meter_start_wh"],
                started_at=one["started_at"],
                command_id=None,
                **({"meter_stop_wh": one["meter_stop_wh"]} if untold else {}),
            )
            if one["meter_stop_wh"] is not None and not untold:
                note("TransactionStopped", transaction_id=str(one["id"]), meter_stop_wh=one["meter_stop_wh"])
        return found

    async def samples(self, station: str, transaction: str) -> list[dict[str, str | None]]:
        """Return the meter values that it has of a transaction, as `Exchange.samples` reads them."""
        shape = self._described.samples
        assert shape is not None
        names = {"station": station, "transaction": transaction}
        return self._exchange.samples(*await self._get(shape.path, names))

    async def _get(self, path: str, names: Mapping[str, Any], timeout_s: float | None = None) -> tuple[int, Any]:
        return await self._send(self._exchange.request("GET", path, names), timeout_s)

    async def _send(
        self, request: urllib.request.Request, timeout_s: float | None = None, *, again: bool = True
    ) -> tuple[int, Any]:
        """Make a request; `again`: whether it may be made once more when its connection is reset."""
        most_s = min(self._described.timeout_s, timeout_s or self._described.timeout_s)
        now = asyncio.get_running_loop().time()
        self._next = max(now, self._next + PACE_S)
        await asyncio.sleep(self._next - now)
        try:
            return await fetch(request, most_s)
        except Closed:
            if not again:
                raise
        await asyncio.sleep(AGAIN_S)
        return await fetch(request, most_s)
