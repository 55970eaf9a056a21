"""Right CSMSs for the cases: each does something that OCPP 1.6 leaves open otherwise than the others do."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any, ClassVar

from tests.foreign.brain import HangUp, Payload, Refused
from tests.foreign.operated import Operated

MORE = (
    *("DiagnosticsStatusNotification", "FirmwareStatusNotification", "SecurityEventNotification"),
    *("LogStatusNotification", "SignedFirmwareStatusNotification"),
)
"""What is answered with nothing."""


class Whole(Operated):
    """Knows every message of a station, the security extension's too, and the cards that cases show."""

    cards: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("TAG-VALID", "TAG-OTHER", "TAG-GROUP"), "Accepted"),
        "TAG-BLOCKED": "Blocked",
        "TAG-EXPIRED": "Expired",
    }
    otherwise = "Invalid"

    def answer(self, station: str, name: str, action: str, payload: Payload) -> Payload:
        """Answer one request."""
        if action in MORE:
            return {}
        if action == "SignCertificate":
            return {"status": "Rejected"}
        return super().answer(station, name, action, payload)

    def card(self, card: str) -> str:
        """How a card is registered."""
        return self.cards.get(card.upper(), self.otherwise)


class AcceptsEveryCard(Whole):
    """Free charging: whoever comes, charges."""

    cards: ClassVar[dict[str, str]] = {}
    otherwise = "Accepted"
    concurrent = False


class AcceptsUnknownCards(Whole):
    """Refuses what is blocked or expired, and lets all others in."""

    otherwise = "Accepted"


class BlocksUnknownCards(Whole):
    """A card that is not known is Blocked."""

    otherwise = "Blocked"


class Lenient(Whole):
    """Reads what can be read, whatever the schema says."""

    def check(self, action: str, payload: Payload) -> None:
        """Nothing is refused but what cannot be read."""
        if action == "Authorize" and "idTag" not in payload:
            raise Refused("FormationViolation")

    def card(self, card: str) -> str:
        """How a card is registered."""
        return super().card(str(card))


class Strict(Whole):
    """Closes the connection behind what is no message, as a WebSocket endpoint may."""

    def take(self, station: str, text: str) -> list[str]:
        """Return what is sent back for a text of a station."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise HangUp from None
        if not isinstance(message, list) or len(message) < 3 or (message[0] == 2 and len(message) != 4):
            raise HangUp
        return super().take(station, text)


class TellsErrors(Whole):
    """Answers what is no message with a CALLERROR that has an id of its own."""

    def take(self, station: str, text: str) -> list[str]:
        """Return what is sent back for a text of a station."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, list) or len(message) < 3 or message[0] not in (2, 3, 4):
            return ['[4,"-1","FormationViolation","no message of OCPP-J",{}]']
        return super().take(station, text)


class OtherCodes(Whole):
    """Knows few codes of errors."""

    def error(self, name: str, code: str) -> str:
        """Write a CALLERROR."""
        return json.dumps([4, name, "InternalError" if "Violation" in code else "NotSupported", code, {"why": code}])


class PendingFirst(Whole):
    """The first two boots are Pending; nothing else is answered until then."""

    def __init__(self) -> None:
        super().__init__()
        self.boots = 0

    def on_BootNotification(self, station: str, payload: Payload) -> Payload:
        self.boots += 1
        status, interval = ("Pending", 3) if self.boots < 3 else ("Accepted", 300)
        return {"status": status, "currentTime": self.now(), "interval": interval}


class Slow(Whole):
    """Answers each request after four seconds."""

    delay_s = 4.0


class RandomNumbers(Whole):
    """Transaction ids are drawn from all that there are."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.Random(7)

    def new_id(self, station: str) -> int:
        """A number for a session."""
        return self.rng.randrange(1, 2**31)


class Chatty(Whole):
    """Reads and sets up a station behind each boot, and asks for statuses now and then."""

    def take(self, station: str, text: str) -> list[str]:
        """Return what is sent back for a text of a station."""
        said = super().take(station, text)
        self.told = getattr(self, "told", 0) + bool(said)
        if '"BootNotification"' in text:
            said.append(json.dumps([2, f"boot-{self.told}", "GetConfiguration", {}]))
        elif said and self.told % 11 == 5:
            trigger = {"requestedMessage": "StatusNotification", "connectorId": 1}
            said.append(json.dumps([2, f"now-{self.told}", "TriggerMessage", trigger]))
        return said


class Elsewhere(Whole):
    """Times have an offset of half an hour more, and microseconds; answers come with all that is optional."""

    def now(self) -> str:
        """The time."""
        return self.clock().astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()

    def on_Authorize(self, station: str, payload: Payload) -> Payload:
        info: dict[str, Any] = {"status": self.card(payload["idTag"]), "parentIdTag": "FAMILY"}
        if info["status"] == "Accepted":
            info["expiryDate"] = (self.clock() + timedelta(days=1)).isoformat()
        return {"idTagInfo": info}

    def on_StopTransaction(self, station: str, payload: Payload) -> Payload:
        super().on_StopTransaction(station, payload)
        return {"idTagInfo": {"status": self.card(payload["idTag"])}} if "idTag" in payload else {}

    def on_DataTransfer(self, station: str, payload: Payload) -> Payload:
        return {"status": "UnknownMessageId", "data": "no"}


class NumbersOfStations(Whole):
    """Sessions are numbered for each station, and a start is known again by what it says."""

    def new_id(self, station: str) -> int:
        """A number for a session."""
        return 1 + sum(one["station"] == station for one in self.sessions.values())


class AnyLetters(Whole):
    """Cards are read without regard to capitals, as a CiString may be, and DataTransfer is taken."""

    def card(self, card: str) -> str:
        """How a card is registered."""
        return super().card(card.upper())

    def on_DataTransfer(self, station: str, payload: Payload) -> Payload:
        return {"status": "Accepted"}


class OldCore(Operated):
    """Knows the core profile alone, accepts every card but blocked ones."""


RIGHT: tuple[Callable[[], Operated], ...] = (
    *(Whole, AcceptsEveryCard, AcceptsUnknownCards, BlocksUnknownCards, Lenient, Strict, TellsErrors, OtherCodes),
    *(PendingFirst, Slow, RandomNumbers, Chatty, Elsewhere, NumbersOfStations, AnyLetters, OldCore),
)
