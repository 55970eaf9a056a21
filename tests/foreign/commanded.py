"""Wrong CSMSs that take commands, of further kinds: what is left of one command in the way of the next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.foreign.brain import Payload
from tests.foreign.operated import Operated
from tests.foreign.sampled import Sampled


class _FirstAnswerCounts(Operated):
    """Any answer ends the oldest open command of its station, whatever its id."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, str] = {}

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.of[name] = station
        await super().send(station, name, action, payload)

    def take(self, station: str, text: str) -> list[str]:
        if text.startswith("[3"):
            mine = [name for name in self.open if self.of.get(name) == station]
            message = json.loads(text)
            if mine:
                return super().take(station, json.dumps([3, mine[0], message[2]]))
        return super().take(station, text)


class _ErrorEndsTheQueue(Operated):
    """Behind a CALLERROR nothing is sent to that station any more."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[str] = set()

    def take(self, station: str, text: str) -> list[str]:
        if text.startswith("[4"):
            self.dead.add(station)
        return super().take(station, text)

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        if station not in self.dead:
            await super().send(station, name, action, payload)


class _TimeOutEndsTheQueue(Operated):
    """Behind a command without an answer nothing is sent to that station any more."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        lock = self.locks.setdefault(station, asyncio.Lock())
        await lock.acquire()
        self.locks[station], locks = asyncio.Lock(), self.locks
        try:
            await super().send(station, name, action, payload)
        finally:
            locks[station] = lock
            if self.states[name] not in ("unknown", "in-doubt"):
                lock.release()


class _ScheduledIsNo(Operated):
    """Scheduled counts as rejected."""

    def state_of(self, word: str | None) -> str:
        return "rejected" if word == "Scheduled" else super().state_of(word)


class _NotSupportedIsYes(Operated):
    """NotSupported counts as accepted."""

    def state_of(self, word: str | None) -> str:
        return "accepted" if word == "NotSupported" else super().state_of(word)


class _NoWordIsYes(Operated):
    """An answer without a status counts as accepted."""

    def take(self, station: str, text: str) -> list[str]:
        if text.startswith("[3") and isinstance(message := json.loads(text), list) and "status" not in message[2]:
            text = json.dumps([3, message[1], {"status": "Accepted"}])
        return super().take(station, text)


class _EveryFifthIsLost(Operated):
    """One command in five is accepted and not sent."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        if len(self.states) % 5:
            await super().send(station, name, action, payload)


class _LosesOutcomes(Operated):
    """What a station answers is not on record: its command stays open."""

    def state_of(self, word: str | None) -> str:
        return "in-doubt"


class _TimeOfReceipt(Operated):
    """A session is on record under the time at which it was received."""

    def record(self, station: str) -> list[Payload]:
        return [{**one, "at": self.received.get(one["id"], one.get("at"))} for one in super().record(station)]

    def started(self, number: int) -> Payload:
        self.received.setdefault(number, self.now())
        return super().started(number)

    def __init__(self) -> None:
        super().__init__()
        self.received: dict[int, str] = {}


class _LastReadingIsTheStop(Operated):
    """The meter at the end is that of the last reading before it, where there was one."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[Any, int] = {}

    def on_MeterValues(self, station: str, payload: Payload) -> Payload:
        value = payload["meterValue"][-1]["sampledValue"][0]["value"]
        if value.isdigit():
            self.read[payload.get("transactionId")] = int(value)
        return {}

    def record(self, station: str) -> list[Payload]:
        return [
            {**one, "stop": one["stop"] if one["stop"] is None else self.read.get(one["id"], one["stop"])}
            for one in super().record(station)
        ]


class _AcceptedAtOnce(Operated):
    """A command is accepted on record as soon as it has left."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        task = asyncio.get_running_loop().create_task(super().send(station, name, action, payload))
        await asyncio.sleep(0.01)
        while self.states[name] == "requested":
            await asyncio.sleep(0.01)
        if self.states[name] == "in-doubt":
            self.states[name] = "accepted"
        await task


class _OtherStop(Operated):
    """A remote stop names the newest session of its station."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        if action == "RemoteStopTransaction":
            payload = {"transactionId": max((n for n, one in self.sessions.items() if one["station"] == station))}
        await super().send(station, name, action, payload)


class _BelievesConnectorZero(Operated):
    """A status of connector 1 is believed of all connectors."""

    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        for connector in (1, 2) if payload["connectorId"] == 1 else (payload["connectorId"],):
            self.statuses[station, connector] = payload["status"]
        return {}


class Cautious(Operated):
    """Right: takes no command while one is open, waits a minute, and keeps commands for stations that are away."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, list[tuple[str, str, Payload]]] = {}
        self.working: dict[str, int] = {}

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        if request in self.requests:
            return "known", self.requests[request]
        if self.working.get(station):
            return "refused", None
        if station in self.lines:
            return super().ask(station, action, payload, request)
        self.requests[request] = name = f"k{len(self.states) + 1}"
        self.states[name] = "requested"
        self.kept.setdefault(station, []).append((name, action, payload))
        return "accepted", name

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.working[station] = self.working.get(station, 0) + 1
        try:
            await super().send(station, name, action, payload)
        finally:
            self.working[station] -= 1

    def came(self, station: str) -> None:
        for name, action, payload in self.kept.pop(station, ()):
            self.tasks.add(asyncio.get_running_loop().create_task(self.send(station, name, action, payload)))


class Restarted(Operated):
    """Right: can be killed, and has everything on disk that it answered; a command that was open is unknown then."""

    restarts = True

    def fall(self) -> None:
        """Lose every connection, and what is not on disk."""
        for name, state in self.states.items():
            if state in ("requested", "in-doubt"):
                self.states[name] = "unknown"
        for task in self.tasks:
            task.cancel()
        for line in list(self.lines.values()):
            line.__self__.transport.abort()  # type: ignore[attr-defined]
        self.open.clear()
        self.locks.clear()


class _AllInMemory(Restarted):
    """Has nothing on disk: behind a restart all sessions are gone."""

    def fall(self) -> None:
        super().fall()
        self.sessions.clear()
        self.starts.clear()


class _CountsAnew(Restarted):
    """Behind a restart sessions are numbered from 1 again."""

    def fall(self) -> None:
        super().fall()
        self.counted = 0


class _ForgetsItsRequests(Restarted):
    """Behind a restart a request that is made again is sent again."""

    def fall(self) -> None:
        super().fall()
        self.requests.clear()


class _StartsAreInMemory(Restarted):
    """Behind a restart a start that is told again is a new session."""

    def fall(self) -> None:
        super().fall()
        self.starts.clear()


class _SendsOpenOnesAgain(Restarted):
    """Behind a restart commands that were open are sent again."""

    def fall(self) -> None:
        self.again = dict(self.sent)
        super().fall()

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.again: dict[str, str] = {}

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.sent[station] = json.dumps([2, f"{name}-again", action, payload])
        await super().send(station, name, action, payload)
        self.sent.pop(station, None)

    def came(self, station: str) -> None:
        if station in self.again:
            self.tasks.add(asyncio.get_running_loop().create_task(self.lines[station](self.again.pop(station))))


class _OpenOnesAreAccepted(Restarted):
    """Behind a restart commands that were open are accepted on record."""

    def fall(self) -> None:
        waiting = [name for name, state in self.states.items() if state in ("requested", "in-doubt")]
        super().fall()
        self.states.update(dict.fromkeys(waiting, "accepted"))


RIGHT_OPERATED: dict[str, Callable[[], Operated]] = {
    "operated": Operated,
    "cautious": Cautious,
    "restarted": Restarted,
    "sampled": Sampled,
}
COMMANDED: dict[str, tuple[str, Callable[[], Operated]]] = {}
for _kind in (
    *(_FirstAnswerCounts, _ErrorEndsTheQueue, _TimeOutEndsTheQueue, _ScheduledIsNo, _NotSupportedIsYes, _NoWordIsYes),
    *(_EveryFifthIsLost, _TimeOfReceipt, _LastReadingIsTheStop, _AcceptedAtOnce, _OtherStop, _BelievesConnectorZero),
    *(
        _LosesOutcomes,
        _AllInMemory,
        _CountsAnew,
        _ForgetsItsRequests,
        _StartsAreInMemory,
        _SendsOpenOnesAgain,
        _OpenOnesAreAccepted,
    ),
):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    COMMANDED[_name] = _sentence[0].lower() + _sentence[1:], _kind
