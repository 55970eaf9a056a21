"""Wrong CSMSs that do not let a session be over, know a card by its letters, or add to what an operator asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.foreign.brain import Payload
from tests.foreign.operated import Operated

AFTERWARDS: dict[str, tuple[str, Callable[[], Operated]]] = {}


def _wrong(name: str, sentence: str, **parts: Any) -> None:
    AFTERWARDS[name] = sentence, type(name, (Operated,), parts)


class LastStopCounts(Operated):
    """Right: of two stops of one transaction, the last one's meter is on record."""

    def on_StopTransaction(self, station: str, payload: Payload) -> Payload:
        one = self.sessions.get(payload["transactionId"])
        if one is not None and one["station"] == station:
            one["stop"] = payload["meterStop"]
        return {}


class ByLetters(Operated):
    """Right: a card in other letters is nobody's, and refused."""

    def card(self, card: str) -> str:
        return super().card(card) if card == card.upper() else "Invalid"


def _of_the_connector(self: Operated, station: str, connector: int) -> Payload | None:
    found = [one for one in self.sessions.values() if (one["station"], one["connector"]) == (station, connector)]
    return found[-1] if found else None


def _reading_is_filed(self: Operated, station: str, payload: Payload) -> Payload:
    """A reading without a transaction is the last one of the connector's last session."""
    last = _of_the_connector(self, station, payload["connectorId"])
    for one in payload["meterValue"] if "transactionId" not in payload and last is not None and last["stop"] else ():
        for sample in one["sampledValue"]:
            if sample.get("measurand") == "Energy.Active.Import.Register" and sample["value"].isdigit():
                last["stop"] = int(sample["value"])
    return {}


def _free_is_over(self: Operated, station: str, payload: Payload) -> Payload:
    """A connector that is Available has no session; its stop finds none."""
    last = _of_the_connector(self, station, payload["connectorId"])
    if payload["status"] == "Available" and last is not None and last["stop"] is None:
        last["stop"] = last["start"]
    return Operated.on_StatusNotification(self, station, payload)


def _boot_ends_all(self: Operated, station: str, payload: Payload) -> Payload:
    for one in self.sessions.values():
        if one["station"] == station and one["stop"] is None:
            one["stop"] = one["start"]
    return Operated.on_BootNotification(self, station, payload)


class _AllButRejected(Operated):
    """Every answer but Rejected is a yes."""

    def state_of(self, word: str | None) -> str:
        return "rejected" if word in ("Rejected", "UnlockFailed", "NotSupported", None) else "accepted"


class _QuietIsAway(Operated):
    """Who said nothing for ten seconds is away."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, datetime] = {}

    def take(self, station: str, text: str) -> list[str]:
        self.seen[station] = self.clock()
        return super().take(station, text)

    def online(self, station: str) -> bool:
        return super().online(station) and self.clock() - self.seen[station] < timedelta(seconds=10)


class _BootsToBeReached(Operated):
    """Who came back without a boot is out of reach for commands."""

    def __init__(self) -> None:
        super().__init__()
        self.booted: set[str] = set()

    def came(self, station: str) -> None:
        self.booted.discard(station)

    def on_BootNotification(self, station: str, payload: Payload) -> Payload:
        self.booted.add(station)
        return super().on_BootNotification(station, payload)

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        return super().ask(station, action, payload, request) if station in self.booted else ("unreachable", None)


def _trusts_offline_starts(self: Operated, station: str, payload: Payload, name: str) -> Payload:
    answer = Operated.on_StartTransaction(self, station, payload, name)
    late = self.clock() - datetime.fromisoformat(payload["timestamp"]) > timedelta(minutes=5)
    return {**answer, "idTagInfo": {"status": "Accepted"}} if late else answer


class _Adds(Operated):
    """A start for any connector is one for connector 1."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        more = {"connectorId": 1} if action == "RemoteStartTransaction" else {}
        await super().send(station, name, action, {**more, **payload})


_wrong(
    "readings-are-filed",
    "a reading without a transaction is the last of a session that is over",
    on_MeterValues=_reading_is_filed,
)
_wrong("free-is-over", "a session ends when its connector is told to be Available", on_StatusNotification=_free_is_over)
_wrong(
    "a-boot-ends-all", "a boot ends the sessions of a station, without their meters", on_BootNotification=_boot_ends_all
)
_wrong(
    "cards-by-letters",
    "a card in other letters is not the same card",
    card=lambda self, card: "Blocked" if card in self.blocked else "Accepted",
)
AFTERWARDS["adds-a-connector"] = "a start for any connector is sent for connector 1", _Adds
AFTERWARDS["all-but-rejected"] = "answers such as Occupied or VersionMismatch are accepted on record", _AllButRejected
AFTERWARDS["quiet-is-away"] = "a station that says nothing for ten seconds is told to be away", _QuietIsAway
AFTERWARDS["boots-to-be-reached"] = "a station that comes back without a boot is out of reach", _BootsToBeReached
_wrong(
    "trusts-offline-starts",
    "a start that is told late is accepted whatever the card",
    on_StartTransaction=_trusts_offline_starts,
)
