"""Any CSMS with an HTTP interface as a target: requests and answers as a file describes them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.answers import ID_LONGEST, Misfit, Reading, TargetGone, fetch
from interlock.scenarios.targets.control_file import COMMANDS, Described, fill


class HttpTarget:
    """The interface that `described` describes, with secrets from `environment`."""

    def __init__(self, described: Described, environment: Mapping[str, str]) -> None:
        self._described, self._environment = described, environment
        self.commands, self.tells = described.askable, described.tells
        self.cards = {card: status for status, cards in described.cards.items() for card in cards}
        self._words = {theirs: ours for ours, words in described.states.items() for theirs in words}
        self._ended: dict[str, str | None] = {}

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        kind = type(command).__name__
        ask = self._described.request(kind)
        action, payload = v16.call(command)
        names = {
            **dict.fromkeys(COMMANDS[kind]),
            **payload,
            "station": station,
            "request": request_id,
            "action": action,
            "payload": payload,
        }
        status, told = await self._send(ask.method, ask.path, names, ask.body, ask.headers)
        if status in ask.accepted and not (ask.refused_when and self._find("ask", ask.refused_when, told)):
            known = bool(ask.known and self._find("ask", ask.known, told))
            found = self._find("ask", ask.id, told) if ask.id else request_id
            if found is not None and (not isinstance(found, str | int) or len(str(found)) > ID_LONGEST):
                raise Misfit(f"[ask] id = {ask.id!r} finds no id of at most {ID_LONGEST} characters")
            if found is None:
                raise Misfit(f"[ask] id = {ask.id!r} finds nothing in an answer with status {status}")
            if ask.state:
                self._ended[str(found)] = self._state("ask", ask.state, told)
            return Decision("known" if known else "accepted", str(found))  # its length was looked at
        reason = self._find("ask", ask.reason, told) if ask.reason else None
        answer: Any = "refused" if status in (*ask.accepted, *ask.refused) else "failed"
        answer = "unreachable" if status in ask.unreachable else answer
        return Decision(answer, None, f"status {status}" if reason is None else str(reason)[:ID_LONGEST])

    async def phase(self, command_id: str) -> str | None:
        """Return where a command stands."""
        outcome = self._described.outcome
        if outcome is None:
            return self._ended.get(command_id)
        status, told = await self._send("GET", outcome.path, {"command": command_id, "station": ""})
        return self._state("outcome", outcome.state, told) if status == 200 else None

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Return its log; without one, the starts and stops of its transactions as events."""
        shape = self._described.events
        if shape is None:
            return await self._transactions(station)
        found: list[dict[str, Any]] = []
        after: Any = 0
        reading = Reading("[events]")
        while True:
            status, told = await self._send("GET", shape.path, {"station": station, "after": after})
            if status != 200:
                return found
            for one in self._list("events", shape.each, told):
                event = {
                    name: self._find("events", getattr(shape, name), one) for name in ("version", "id", "type", "data")
                }
                if type(event["version"]) is not int or not isinstance(event["data"], dict):
                    raise Misfit("[events] finds an event without a version that is a number and data")
                if not isinstance(event["type"], str) or not isinstance(event["id"], str | int):
                    raise Misfit("[events] finds an event without a type and an id")
                found.append(event)
            after = self._find("events", shape.next, told) if shape.next else None
            if after is None:
                return found
            if not isinstance(after, str | int):
                raise Misfit(f"[events] next = {shape.next!r} finds no place to go on from")
            reading.page(len(found), after)

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """Return what it believes of each connector, without what the file says nothing about."""
        shape = self._described.connectors
        if shape is None:
            return None
        status, told = await self._send("GET", shape.path, {"station": station})
        if status != 200:
            return None
        also: dict[str, Any] = {}
        if (online := self._described.online) is not None:
            _, about = await self._send("GET", online.path, {"station": station})
            also["online"] = bool(self._find("online", online.online, about))
        found = []
        for one in self._list("connectors", shape.each, told):
            connector = self._find("connectors", shape.connector, one)
            if type(connector) is not int:
                raise Misfit(f"[connectors] connector = {shape.connector!r} finds no number")
            # What speaks OCPP 1.6 numbers connectors: each is an EVSE of its own.
            belief: dict[str, Any] = {"evse": connector, "connector": min(connector, 1)}
            belief |= {"status": self._find("connectors", shape.status, one), **also}
            if shape.transaction is not None:
                belief["transaction"] = self._find("connectors", shape.transaction, one)
            if shape.held is not None:
                belief["held_by"] = self._find("connectors", shape.held, one) or None
            found.append(belief)
        return found

    async def check(self) -> None:
        """Raise `TargetGone` unless it lets us in."""
        if (check := self._described.check) is not None:
            status, _ = await self._send("GET", check.path, {})
            if status not in check.ok:
                raise TargetGone(
                    f"{self._described.url} answers [check] with {status}; is the address right, and the secret?"
                )

    async def _transactions(self, station: str) -> list[dict[str, Any]] | None:
        shape = self._described.transactions
        if shape is None:
            return None
        status, told = await self._send("GET", shape.path, {"station": station})
        found: list[dict[str, Any]] = []

        def note(type: str, **data: Any) -> None:
            found.append({"version": len(found) + 1, "id": f"{station}:{len(found) + 1}", "type": type, "data": data})

        for one in self._list("transactions", shape.each, told) if status == 200 else ():
            numbers: dict[str, int | None] = {}
            for name in ("id", "connector", "meter_start_wh", "meter_stop_wh"):
                numbers[name] = value = _whole(self._find("transactions", getattr(shape, name), one))
                if value is None and name != "meter_stop_wh":
                    raise Misfit(f"[transactions] {name} = {getattr(shape, name)!r} finds no whole number")
            note(
                "TransactionStarted",
                transaction_id=str(numbers["id"]),
                evse=numbers["connector"],
                id_token=self._find("transactions", shape.id_token, one),
                meter_start_wh=numbers["meter_start_wh"],
                started_at=self._find("transactions", shape.started_at, one),
                command_id=None,
            )
            if numbers["meter_stop_wh"] is not None:
                note("TransactionStopped", transaction_id=str(numbers["id"]), meter_stop_wh=numbers["meter_stop_wh"])
        return found

    def _find(self, table: str, expression: str, told: Any) -> Any:
        try:
            return jmespath.search(expression, told)
        except (JMESPathError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise Misfit(f"[{table}] {expression!r} cannot be applied: {why}") from None
        except RecursionError:
            raise Misfit(f"[{table}] {expression!r} cannot be applied: it is too deep") from None

    def _list(self, table: str, expression: str, told: Any) -> list[Any]:
        found = self._find(table, expression, told)
        if not isinstance(found, list):
            raise Misfit(f"[{table}] each = {expression!r} finds no list in the answer")
        return found

    def _state(self, table: str, expression: str, told: Any) -> str | None:
        word = self._find(table, expression, told)
        if word is None:
            return None
        if str(word) not in self._words:
            raise Misfit(f"[{table}] state is {str(word)[:40]!r}, which [states] does not name")
        return self._words[str(word)]

    async def _send(
        self,
        method: str,
        path: str,
        names: Mapping[str, Any],
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        environment, all_headers = self._environment, {**self._described.headers, **(headers or {})}
        url = self._described.url.rstrip("/") + fill(path, names, environment, url=True)
        sent = {name: str(fill(text, names, environment)) for name, text in all_headers.items()}
        data = None if body is None else json.dumps(fill(body, names, environment)).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, data, sent, method=method)
        return await fetch(request, self._described.timeout_s)


def _whole(value: Any) -> int | None:
    """Return a number of Wh or an id, also where it is written as text."""
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
