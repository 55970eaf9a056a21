"""A foreign CSMS that takes commands of an operator, and wrong ones: `Operated` is the brain, `Hand` its control."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from websockets import ConnectionClosed

from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.simulator.spec import OcppVersion
from tests.foreign.brain import Brain, Payload


class Operated(Brain):
    """A right CSMS with an operator's side: one CALL at a time to each station, each request once."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Callable[[str], Awaitable[None]]] = {}
        self.requests: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.open: dict[str, asyncio.Future[None]] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, station: str, text: str) -> list[str]:
        """Answer requests, and note answers."""
        try:
            message = json.loads(text)
        except ValueError:
            return []
        if isinstance(message, list) and len(message) > 2 and message[0] in (3, 4) and message[1] in self.open:
            word = message[2].get("status") if message[0] == 3 else None
            self.states[message[1]] = self.state_of(word)
            waiting = self.open.pop(message[1])
            if not waiting.done():
                waiting.set_result(None)
        return super().take(station, text)

    def state_of(self, word: str | None) -> str:
        """What a station's word means."""
        return "accepted" if word in ("Accepted", "Unlocked", "Scheduled", "RebootRequired") else "rejected"

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        """Take a command; return what the operator is told, and its id."""
        if request in self.requests:
            return "known", self.requests[request]
        if station not in self.lines:
            return "unreachable", None
        name = f"m{len(self.states) + 1}"
        self.requests[request], self.states[name] = name, "requested"
        task = asyncio.get_running_loop().create_task(self.send(station, name, action, payload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return "accepted", name

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        """Send a command and wait for what comes of it."""
        async with self.locks.setdefault(station, asyncio.Lock()):
            self.open[name] = asyncio.get_running_loop().create_future()
            line = self.lines.get(station)
            if line is None:
                self.states[name] = "unknown"
                return
            with contextlib.suppress(ConnectionClosed):
                await line(json.dumps([2, name, action, payload]))
            self.states[name] = "in-doubt"
            try:
                async with asyncio.timeout(20.0):
                    await self.open[name]
            except TimeoutError:
                self.states[name] = "unknown"

    def online(self, station: str) -> bool:
        """Whether a station is told to be connected."""
        return station in self.lines

    def record(self, station: str) -> list[Payload]:
        """All transactions of a station."""
        return [
            {"id": n, **one}
            for n, one in self.sessions.items()
            if one["station"] == station and one["status"] == "Accepted"
        ]


class Hand:
    """The operator's side of it, as a check uses one."""

    tells = frozenset(("requests", "payloads", "outcomes", "transactions", "connectors"))
    commands = frozenset(COMMANDS)
    ocpp: OcppVersion = "1.6"

    def __init__(self, brain: Operated) -> None:
        self.brain = brain
        self.restarts = getattr(brain, "restarts", False)
        self.has_samples = hasattr(brain, "samples")

    async def restart(self) -> None:
        """Kill it, and start it again."""
        self.brain.fall()  # type: ignore[attr-defined]

    async def check(self) -> None:
        """It is there."""

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        action, payload = v16.call(command)
        answer: Any
        answer, id = self.brain.ask(station, action, dict(payload), request_id)
        return Decision(answer, id)

    async def phase(self, command_id: str) -> str | None:
        """Where a command stands."""
        return self.brain.states.get(command_id)

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Starts and stops."""
        found = []
        for one in self.brain.record(station):
            start = {"transaction_id": str(one["id"]), "evse": one["connector"], "id_token": one["card"]}
            start["started_at"] = one["at"]
            found.append({"type": "TransactionStarted", "data": {**start, "meter_start_wh": one["start"]}})
            if one["stop"] is not None:
                stop = {"transaction_id": str(one["id"]), "meter_stop_wh": one["stop"]}
                found.append({"type": "TransactionStopped", "data": stop})
        return found

    async def samples(self, station: str, transaction: str) -> list[dict[str, str | None]]:
        """The meter values of a transaction."""
        found: dict[int, list[dict[str, str | None]]] = self.brain.samples  # type: ignore[attr-defined]
        return found.get(int(transaction), [])

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """What it believes of connectors."""
        return [
            {"evse": connector, "connector": 1, "status": status, "online": self.brain.online(station)}
            for (name, connector), status in self.brain.statuses.items()
            if name == station and connector
        ]


class _NeverSends(Operated):
    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.states[name] = "requested"


def _sends(change: Callable[[Operated, str, str, Payload], tuple[str, str, Payload]]) -> type[Operated]:
    class Differs(Operated):
        async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
            await super().send(
                *change(self, station, action, payload)[:1], name, *change(self, station, action, payload)[1:]
            )

    return Differs


class _SendsTwice(Operated):
    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        await super().send(station, name, action, payload)
        await super().send(station, name + "b", action, payload)


class _ForgetsRequests(Operated):
    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        self.requests.pop(request, None)
        return super().ask(station, action, payload, request)


class _AllIsAccepted(Operated):
    def state_of(self, word: str | None) -> str:
        return "accepted"


class _AllIsRejected(Operated):
    def state_of(self, word: str | None) -> str:
        return "rejected"


class _KeepsOldLine(Operated):
    """Sends to the connection a station came on first."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, Callable[[str], Awaitable[None]]] = {}

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.lines[station] = self.first.setdefault(station, self.lines[station])
        await super().send(station, name, action, payload)

    def came(self, station: str) -> None:
        self.first.setdefault(station, self.lines[station])


class _BillsDouble(Operated):
    def record(self, station: str) -> list[Payload]:
        return [{**one, "stop": one["stop"] and one["stop"] + one["start"]} for one in super().record(station)]


class _ForgetsStops(Operated):
    def record(self, station: str) -> list[Payload]:
        return [{**one, "stop": None} for one in super().record(station)]


class _SwapsConnectors(Operated):
    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        self.statuses[station, payload["connectorId"]] = "Faulted" if payload["connectorId"] == 2 else payload["status"]
        return {}


class _WaitsForAnswers(Operated):
    """Answers nothing while a CALL of its own is open."""

    def take(self, station: str, text: str) -> list[str]:
        lock = self.locks.get(station)
        if lock is not None and lock.locked() and text.startswith("[2"):
            return []
        return super().take(station, text)


WRONG_OPERATED: dict[str, tuple[str, Callable[[], Operated]]] = {
    "never-sends": ("commands are accepted and never sent", _NeverSends),
    "unlocks-connector-1": (
        "every command is about connector 1",
        _sends(lambda b, s, a, p: (s, a, {**p, "connectorId": 1} if "connectorId" in p else p)),
    ),
    "always-hard": (
        "every reset is a hard one",
        _sends(lambda b, s, a, p: (s, a, {"type": "Hard"} if a == "Reset" else p)),
    ),
    "always-operative": (
        "availability is always Operative",
        _sends(lambda b, s, a, p: (s, a, {**p, "type": "Operative"} if a == "ChangeAvailability" else p)),
    ),
    "sends-to-another": (
        "commands go to another station",
        _sends(lambda b, s, a, p: (next((one for one in b.lines if one != s), s), a, p)),
    ),
    "card-in-small-letters": (
        "cards are sent in small letters",
        _sends(lambda b, s, a, p: (s, a, {**p, "idTag": p["idTag"].lower()} if "idTag" in p else p)),
    ),
    "sends-twice": ("each command is sent twice", _SendsTwice),
    "forgets-requests": ("a request made again is sent again", _ForgetsRequests),
    "all-is-accepted": ("what a station rejects is accepted on record", _AllIsAccepted),
    "all-is-rejected": ("what a station accepts is rejected on record", _AllIsRejected),
    "keeps-old-line": ("commands go to the first connection of a station", _KeepsOldLine),
    "bills-double": ("the meter at the end is wrong on record", _BillsDouble),
    "forgets-stops": ("stops are not on record", _ForgetsStops),
    "believes-faulted": ("connector 2 is believed to be Faulted", _SwapsConnectors),
    "waits-for-answers": ("answers nothing while a CALL of its own is open", _WaitsForAnswers),
}
