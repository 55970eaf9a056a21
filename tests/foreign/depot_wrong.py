"""Wrong CSMSs of OCPP 2.0.1: each is the depot with one part that differs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.foreign.depot import Depot, Payload, Wrong

Book = dict[str, dict[int, Payload]]


class _CountsAsTheyArrive(Depot):
    """Events count in the order in which they arrive, and the last of them says whether a transaction runs."""

    def ordered(self, events: dict[int, Payload]) -> list[int]:
        return list(events)

    def summary(self, name: str, events: dict[int, Payload]) -> Payload:
        found = super().summary(name, events)
        return found if [*events.values()][-1]["eventType"] == "Ended" else {**found, "stop": None}


class _IdsOfAll(Depot):
    """Transactions are known by their ids, over all stations."""

    def book(self, station: str) -> Book:
        found: Book = self.of("all")["sessions"]
        return found

    def record(self, station: str) -> list[Payload]:
        mine = self.of(station).setdefault("names", set())
        return [one for one in super().record(station) if one["id"] in mine]

    def on_TransactionEvent(self, station: str, told: Payload) -> Payload:
        name = told["transactionInfo"].get("transactionId")
        if name not in self.of("all")["sessions"]:
            self.of(station).setdefault("names", set()).add(name)
        return super().on_TransactionEvent(station, told)


class _StartsAnew(Depot):
    """A start that is told again forgets what was told of its transaction."""

    def keep(self, book: Book, name: str, told: Payload) -> None:
        if told["eventType"] == "Started":
            book.pop(name, None)
        super().keep(book, name, told)


class _EndsAtBoots(Depot):
    """A boot ends what runs at the station: what is told of it behind that is answered and lost."""

    def on_BootNotification(self, station: str, told: Payload) -> Payload:
        self.of(station)["over"] = set(self.of(station)["sessions"])
        return super().on_BootNotification(station, told)

    def on_TransactionEvent(self, station: str, told: Payload) -> Payload:
        if told["transactionInfo"].get("transactionId") in self.of(station).get("over", ()):
            return {"idTokenInfo": self.card(told["idToken"])} if "idToken" in told else {}
        return super().on_TransactionEvent(station, told)


class _ForgetsOffline(Depot):
    """What happened while the station was away is answered and lost."""

    def keep(self, book: Book, name: str, told: Payload) -> None:
        if not told.get("offline"):
            super().keep(book, name, told)


class _ConnectorsForEvses(Depot):
    """A transaction is on record with its connector's number in place of its EVSE's."""

    def evse(self, place: Payload) -> int | None:
        return place.get("connectorId", place.get("id"))


class _MultiplierIsIgnored(Depot):
    """The power of ten of a unit is not looked at."""

    def factor(self, unit: Payload) -> float:
        return super().factor({**unit, "multiplier": 0})


class _LastCardPays(Depot):
    """A transaction is that of the card which was shown last."""

    def of_all(self, cards: list[str]) -> str | None:
        return cards[-1] if cards else None


class _FirstSampleIsEnergy(Depot):
    """The first sample of an event is the register, whatever its measurand."""

    def energy(self, event: Payload, context: str) -> int | None:
        samples = [one for value in event.get("meterValue", ()) for one in value["sampledValue"]]
        return round(samples[0]["value"] * self.factor(samples[0].get("unitOfMeasure", {}))) if samples else None


class _NeedsAnEvse(Depot):
    """A start that names no EVSE is an error."""

    def valid(self, action: str, told: Payload) -> None:
        super().valid(action, told)
        if action == "TransactionEvent" and told["eventType"] == "Started" and "evse" not in told:
            raise Wrong("OccurrenceConstraintViolation")


class _NoVendorsWithin(Depot):
    """A vendor's data inside of an object is an error."""

    def valid(self, action: str, told: Payload) -> None:
        super().valid(action, told)
        if any("customData" in one for one in told.values() if isinstance(one, dict)):
            raise Wrong("FormatViolation")


class _NobodyIsInvalid(Depot):
    """A transaction that nobody has to be authorized for is Invalid."""

    def card(self, token: Payload) -> Payload:
        return {"status": "Invalid"} if token["type"] == "NoAuthorization" else super().card(token)


class _NoGaps(Depot):
    """An event whose seqNo is not the next one is an error."""

    def keep(self, book: Book, name: str, told: Payload) -> None:
        if book.get(name) and told["seqNo"] > max(book[name]) + 1:
            raise Wrong("GenericError")
        super().keep(book, name, told)


class _JoinsByEvse(Depot):
    """Any transaction that begins at a station is the one that was requested there."""

    def join(self, station: str, told: Payload) -> None:
        for one in self.tickets.values():
            mine = one["station"] == station and one["action"] == "RequestStartTransaction"
            if mine and told["eventType"] == "Started" and one["state"] == "unknown":
                one["state"] = "confirmed"


class _NotImplementedIsDone(Depot):
    """A trigger that a station does not know is accepted on record."""

    def outcome(self, action: str, said: Payload) -> str:
        return "accepted" if said.get("status") == "NotImplemented" else super().outcome(action, said)


class _SettingsAreDone(Depot):
    """Variables that a station refuses to set are accepted on record."""

    def outcome(self, action: str, said: Payload) -> str:
        return "accepted" if action == "SetVariables" else super().outcome(action, said)


class _ScheduledIsRefused(Depot):
    """What a station does later is rejected on record."""

    def outcome(self, action: str, said: Payload) -> str:
        return "rejected" if said.get("status") == "Scheduled" else super().outcome(action, said)


class _WholeStation(Depot):
    """Availability is always that of the whole station."""

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        if action == "ChangeAvailability":
            payload = {name: one for name, one in payload.items() if name != "evse"}
        return super().ask(station, action, payload, request)


class _OneStatusPerEvse(Depot):
    """The status of any connector is that of all connectors of its EVSE."""

    def on_StatusNotification(self, station: str, told: Payload) -> Payload:
        super().on_StatusNotification(station, told)
        for place in [one for one in self.of(station)["places"] if one[0] == told["evseId"]]:
            self.of(station)["places"][place] = told["connectorStatus"]
        return {}


class _ErrorCodesOf16(Depot):
    """Error codes are spelt as in 1.6."""

    def answer(self, station: str, action: str, told: Any) -> Payload:
        try:
            return super().answer(station, action, told)
        except Wrong as error:
            code = str(error).replace("Occurrence", "Occurence").replace("FormatV", "FormationV")
            raise Wrong(code) from None


class _ShortIds(Depot):
    """A transaction's id has to be a UUID."""

    def valid(self, action: str, told: Payload) -> None:
        super().valid(action, told)
        if action == "TransactionEvent":
            try:
                uuid.UUID(told["transactionInfo"].get("transactionId"))
            except ValueError:
                raise Wrong("PropertyConstraintViolation") from None


class _LocalTime(Depot):
    """Times are told without a zone."""

    def now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


WRONG_DEPOT: dict[str, tuple[str, Callable[[], Depot]]] = {}
"""Wrong ones by name: what is wrong, and what makes one."""
for _kind in (
    *(_CountsAsTheyArrive, _IdsOfAll, _StartsAnew, _EndsAtBoots, _ForgetsOffline),
    *(_ConnectorsForEvses, _MultiplierIsIgnored, _LastCardPays, _FirstSampleIsEnergy, _NeedsAnEvse, _NoVendorsWithin),
    *(_NobodyIsInvalid, _NoGaps, _JoinsByEvse, _NotImplementedIsDone, _SettingsAreDone, _ScheduledIsRefused),
    *(_WholeStation, _OneStatusPerEvse, _ErrorCodesOf16, _ShortIds, _LocalTime),
):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    WRONG_DEPOT[f"{_name}-201"] = _sentence[0].lower() + _sentence[1:], _kind
