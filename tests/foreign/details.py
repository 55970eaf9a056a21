"""Wrong CSMSs that are wrong in a detail: a member of a rare command, an odd value, what is believed in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.foreign.brain import Payload
from tests.foreign.operated import Operated

DETAILS: dict[str, tuple[str, Callable[[], Operated]]] = {}


def _sends(name: str, sentence: str, change: Callable[[str, Payload], Payload]) -> None:
    """Add one that sends something else than it was asked for: `change` gives a command's payload."""

    class Differs(Operated):
        async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
            await super().send(station, name, action, change(action, json.loads(json.dumps(payload))))

    DETAILS[name] = sentence, Differs


def _deep(value: Any, change: Callable[[str, Any], Any]) -> Any:
    """Change every member of an object, and of those within it."""
    if isinstance(value, dict):
        return {name: _deep(change(name, one), change) for name, one in value.items()}
    return [_deep(one, change) for one in value] if isinstance(value, list) else value


def _without(value: Any, member: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, member) for name, one in value.items() if name != member}
    return [_without(one, member) for one in value] if isinstance(value, list) else value


def _later(name: str, value: Any) -> Any:
    if name not in ("expiryDate", "startSchedule"):
        return value
    return (datetime.fromisoformat(value) + timedelta(hours=1)).isoformat()


_sends(
    "connector-0-is-1",
    "what is asked for the whole station goes to connector 1",
    lambda a, p: {**p, "connectorId": 1} if p.get("connectorId") == 0 else p,
)
_sends("zero-is-left-out", "members that are 0 or empty are left out", lambda a, p: {n: v for n, v in p.items() if v})
_sends(
    "limits-are-whole",
    "limits of a charging profile lose their fraction",
    lambda a, p: _deep(p, lambda name, value: int(value) if name == "limit" else value),
)
_sends("lists-without-parents", "a local list loses parents of cards", lambda a, p: _without(p, "parentIdTag"))
_sends("an-hour-later", "a reservation ends an hour later than asked for", lambda a, p: _deep(p, _later))
_sends(
    "cancels-another",
    "a cancelled reservation is that of another number",
    lambda a, p: {"reservationId": 1} if a == "CancelReservation" else p,
)
_sends(
    "one-key-only",
    "of several configuration keys the first one is asked for",
    lambda a, p: {"key": p["key"][:1]} if p.get("key") and a == "GetConfiguration" else p,
)


class _ErrorsStay(Operated):
    """A CALLERROR ends nothing: its command waits for an answer, for ever."""

    def take(self, station: str, text: str) -> list[str]:
        message = json.loads(text) if text.startswith("[4") else []
        if len(message) > 1 and message[1] in self.open:
            self.open.pop(message[1]).set_result(None)
            self.states[message[1]] = "requested"
            return []
        return super().take(station, text)


class _DropsWhileBusy(Operated):
    """What is asked for while a command is open is taken, and never sent."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        if station not in self.locks or not self.locks[station].locked():
            await super().send(station, name, action, payload)


class _LostIsDone(Operated):
    """What had not left when the line was lost counts as accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, list[str]] = {}

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.waiting.setdefault(station, []).append(name)
        await super().send(station, name, action, payload)

    def gone(self, station: str) -> None:
        super().gone(station)
        lost = (name for name in self.waiting.get(station, ()) if self.states[name] == "requested")
        self.states.update(dict.fromkeys(lost, "accepted"))


class _ComesBackFree(Operated):
    def came(self, station: str) -> None:
        super().came(station)
        self.statuses |= {place: "Available" for place in self.statuses if place[0] == station}


class _FaultStays(Operated):
    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        place = station, payload["connectorId"]
        if self.statuses.get(place) != "Faulted":
            self.statuses[place] = payload["status"]
        return {}


class _OneConnector(Operated):
    """Keeps what it is told of connector 1 only."""

    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        return super().on_StatusNotification(station, payload) if payload["connectorId"] < 2 else {}


class _LastCard(Operated):
    """Starts with the card that was seen last at the station."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, str] = {}

    def on_StartTransaction(self, station: str, payload: Payload, name: str) -> Payload:
        self.last[station] = payload["idTag"]
        return super().on_StartTransaction(station, payload, name)

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        card = {"idTag": self.last[station]} if action == "RemoteStartTransaction" and station in self.last else {}
        await super().send(station, name, action, {**payload, **card})


class _AnErrorIsAFault(Operated):
    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        faulted = {} if payload["errorCode"] == "NoError" else {"status": "Faulted"}
        return super().on_StatusNotification(station, {**payload, **faulted})


class _StationIsAll(Operated):
    """A status of the station is believed of all its connectors."""

    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        if payload["connectorId"] == 0:
            self.statuses |= {place: payload["status"] for place in self.statuses if place[0] == station}
        return super().on_StatusNotification(station, payload)


class _SuspendedIsFree(Operated):
    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        known = {**payload, "status": "Available"} if payload["status"].startswith("Suspended") else payload
        return super().on_StatusNotification(station, known)


class _SeenIsOnline(Operated):
    """Who was connected once is connected."""

    def online(self, station: str) -> bool:
        return True


class _BootIsOnline(Operated):
    """Who comes back without a boot is away."""

    def __init__(self) -> None:
        super().__init__()
        self.booted: set[str] = set()

    def came(self, station: str) -> None:
        super().came(station)
        self.booted.discard(station)

    def on_BootNotification(self, station: str, payload: Payload) -> Payload:
        self.booted.add(station)
        return super().on_BootNotification(station, payload)

    def online(self, station: str) -> bool:
        return station in self.booted


DETAILS |= {
    "errors-stay-open": ("a command that was answered with an error waits for its answer for ever", _ErrorsStay),
    "drops-while-busy": ("what is asked for while a command is open is never sent", _DropsWhileBusy),
    "lost-is-done": ("what had not left when the line was lost is accepted on record", _LostIsDone),
    "comes-back-free": ("behind a reconnect all connectors are believed to be Available", _ComesBackFree),
    "an-error-is-a-fault": ("a connector with any error code is believed to be Faulted", _AnErrorIsAFault),
    "the-station-is-all": ("a status of connector 0 is believed of all connectors", _StationIsAll),
    "one-connector-stays": ("what is told of connector 2 is not on record", _OneConnector),
    "card-of-the-last": ("a remote start names the card that was seen last at the station", _LastCard),
    "a-fault-stays": ("a connector that was Faulted once is Faulted", _FaultStays),
    "suspended-is-free": ("a connector that is suspended is believed to be Available", _SuspendedIsFree),
    "seen-is-online": ("a station that was connected once is told to be connected", _SeenIsOnline),
    "boot-is-online": ("a station that comes back without a boot is told to be away", _BootIsOnline),
}
