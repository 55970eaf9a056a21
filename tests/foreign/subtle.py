"""Wrong CSMSs of further kinds: what is kept in the wrong place, texts made by hand, limits, CALLs of their own."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.foreign.brain import Brain, HangUp, Payload, Refused, Silent
from tests.foreign.wrong import after, before, fails

SUBTLE: dict[str, tuple[str, Callable[[], Brain]]] = {}


def subtle(name: str, sentence: str, **parts: Any) -> None:
    """Add one: `parts` are attributes and methods that differ."""
    SUBTLE[name] = sentence, type(name, (Brain,), parts)


def _store(self: Brain, name: str) -> dict[Any, Any]:
    """A table of one brain."""
    found: dict[Any, Any] = self.__dict__.setdefault(f"_{name}", {})
    return found


def _refuses(action: str, code: str, when: Callable[[Brain, str, Payload], bool]) -> dict[str, Any]:
    return before(action, fails(Refused, code, when))


# --- what makes a start the same start ---

subtle(
    "key-without-connector",
    "starts of two connectors in one moment are one session",
    key=lambda self, s, p, name: (s, p["timestamp"], p["idTag"]),
)
subtle(
    "key-without-station",
    "the same start at two stations is one session",
    concurrent=False,
    key=lambda self, s, p, name: (p["connectorId"], p["timestamp"], p["idTag"]),
)
subtle(
    "key-without-time",
    "a session behind one without energy is that one",
    key=lambda self, s, p, name: (s, p["connectorId"], p["meterStart"], p["idTag"]),
)
subtle(
    "debounced",
    "a start within three seconds of another one with its card and connector is that one",
    key=lambda self, s, p, name: (
        s,
        p["connectorId"],
        p["idTag"],
        datetime.fromisoformat(p["timestamp"]).timestamp() // 3,
    ),
)
subtle(
    "key-of-the-connection",
    "a start is known as long as its connection lives",
    gone=lambda self, s: [self.starts.pop(key) for key in list(self.starts) if key[0] == s],
)
# --- cards ---

subtle(
    "cards-cut",
    "cards are cut at ten characters",
    running=lambda self, card: any(
        one["card"][:10] == card[:10] and one["stop"] is None for one in self.sessions.values()
    ),
)
subtle(
    "cards-by-prefix",
    "a card that begins like a blocked one is blocked",
    card=lambda self, card: "Blocked" if card.startswith(self.blocked) else "Accepted",
)
subtle(
    "cards-are-numbers",
    "cards of digits lose their zeros in front",
    running=lambda self, card: any(
        one["card"].lstrip("0") == card.lstrip("0") and one["stop"] is None for one in self.sessions.values()
    ),
)
subtle(
    "cards-in-sql",
    "an apostrophe in a card is an error",
    **_refuses("Authorize", "InternalError", lambda b, s, p: "'" in p["idTag"]),
)
subtle(
    "refused-start-cannot-stop",
    "a stop of a session that was refused is an error",
    **_refuses(
        "StopTransaction",
        "PropertyConstraintViolation",
        lambda b, s, p: b.sessions.get(p["transactionId"], {}).get("status", "Accepted") != "Accepted",
    ),
)
subtle(
    "refused-start-runs",
    "a start that was refused as concurrent keeps the card in use",
    started=lambda self, number: (
        (self.sessions[number].update(stop=None) if self.sessions[number]["status"] == "ConcurrentTx" else None)
        or Brain.started(self, number)
    ),
)

# --- sessions ---

subtle(
    "connector-is-taken",
    "a start where the last session was never stopped is an error",
    **_refuses(
        "StartTransaction",
        "GenericError",
        lambda b, s, p: any(
            one["station"] == s
            and one["connector"] == p["connectorId"]
            and one["stop"] is None
            and one["card"] != p["idTag"]
            for one in b.sessions.values()
        ),
    ),
)
subtle(
    "one-session-a-station",
    "a start ends what runs at the other connector",
    **before(
        "StartTransaction",
        lambda b, s, p: (
            [
                one.update(stop=0)
                for one in b.sessions.values()
                if one["station"] == s and one["stop"] is None and one["connector"] != p["connectorId"]
            ]
            and None
        ),
    ),
)
subtle(
    "meters-behind-the-stop",
    "a reading of a session that has ended is an error",
    **_refuses(
        "MeterValues",
        "PropertyConstraintViolation",
        lambda b, s, p: b.sessions.get(p.get("transactionId"), {}).get("stop") is not None,
    ),
)
subtle(
    "meters-of-strangers",
    "a reading of a session nobody knows is an error",
    **_refuses(
        "MeterValues",
        "PropertyConstraintViolation",
        lambda b, s, p: "transactionId" in p and p["transactionId"] not in b.sessions,
    ),
)
subtle(
    "clock-not-set",
    "a start of a station whose clock was never set is an error",
    **_refuses("StartTransaction", "PropertyConstraintViolation", lambda b, s, p: p["timestamp"] < "2001"),
)
subtle(
    "nothing-ahead-of-time",
    "a start an hour ahead is an error",
    **_refuses(
        "StartTransaction",
        "PropertyConstraintViolation",
        lambda b, s, p: datetime.fromisoformat(p["timestamp"]).timestamp() > time.time() + 600,
    ),
)
subtle(
    "status-ends-station",
    "a status of connector 0 ends all sessions of its station",
    **before(
        "StatusNotification",
        lambda b, s, p: (
            [one.update(stop=0) for one in b.sessions.values() if one["station"] == s and p["connectorId"] == 0]
            and None
        ),
    ),
)
subtle(
    "floats",
    "transaction ids are 1.5, 2.5",
    **after("StartTransaction", lambda b, s, p, a: {**a, "transactionId": a["transactionId"] + 0.5}),
)

# --- texts ---

subtle(
    "text-by-hand",
    "message ids are pasted into JSON",
    result=lambda self, s, name, action, answer: [f'[3,"{name}",{json.dumps(answer)}]'],
)
subtle(
    "plain-ids-only",
    "message ids with other signs than letters, digits and dashes are not answered",
    take=lambda self, s, text: (
        Brain.take(self, s, text) if _id_of(text).replace("-", "").isalnum() and _id_of(text).isascii() else []
    ),
)
subtle(
    "error-without-details",
    "errors have four elements",
    error=lambda self, name, code: json.dumps([4, name, code, ""]),
)
subtle(
    "error-with-text",
    "the details of an error are a text",
    error=lambda self, name, code: json.dumps([4, name, code, "", "see log"]),
)
subtle(
    "expires-without-zone",
    "expiry dates are days",
    **after("Authorize", lambda b, s, p, a: {"idTagInfo": {**a["idTagInfo"], "expiryDate": "2099-12-31"}}),
)
subtle(
    "long-parent",
    "parents of cards have 24 characters",
    **after("Authorize", lambda b, s, p, a: {"idTagInfo": {**a["idTagInfo"], "parentIdTag": "P" * 24}}),
)


def _id_of(text: str) -> str:
    try:
        message = json.loads(text)
    except ValueError:
        return "x"
    return message[1] if isinstance(message, list) and len(message) > 1 and isinstance(message[1], str) else "x"


# --- limits ---


def _counts(most: int, error: type[Exception], what: Callable[[str, str], Any]) -> Callable[..., Any]:
    def answer(self: Brain, station: str, name: str, action: str, payload: Payload) -> Payload:
        counted = _store(self, "counted")
        key = what(station, action)
        counted[key] = counted.get(key, 0) + 1
        if counted[key] > most:
            raise error("InternalError")
        return Brain.answer(self, station, name, action, payload)

    return answer


def _visit(self: Brain, station: str) -> None:
    visits = _store(self, "visits")
    visits[station] = visits[""] = visits.get("", 0) + 1


subtle(
    "hundred-visits",
    "after a hundred connections no further one is served",
    came=_visit,
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p) if _store(self, "visits")[s] <= 100 else _raise(HangUp())
    ),
)
subtle(
    "thirty-stations",
    "a thirty-first station is never let in",
    came=lambda self, s: _store(self, "known").setdefault(s, len(_store(self, "known"))),
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p) if _store(self, "known")[s] < 30 else _raise(HangUp())
    ),
)
subtle(
    "hundred-messages",
    "behind a hundred messages a connection is not served",
    answer=_counts(100, Silent, lambda station, action: station),
)
subtle(
    "three-boots",
    "a station that boots a third time is not answered",
    answer=_counts(2, Silent, lambda station, action: (station, action) if action == "BootNotification" else object()),
)


def _raise(error: Exception) -> Any:
    raise error


# --- CALLs of its own, and what is answered to them ---


class _Asks(Brain):
    """Reads the configuration behind each boot."""

    question: tuple[str, Payload] = ("GetConfiguration", {})

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, str] = {}
        self.numbers = Counter[str]()

    def result(self, station: str, name: str, action: str, answer: Payload) -> list[str]:
        """Write a CALLRESULT, and a CALL behind a boot."""
        found = super().result(station, name, action, answer)
        if action == "BootNotification" and answer["status"] == "Accepted" and station not in self.asked:
            self.numbers[station] += 1
            self.asked[station] = f"c{station}-{self.numbers[station]}"[-36:]
            found.append(json.dumps([2, self.asked[station], *self.question]))
        return found

    def gone(self, station: str) -> None:
        """It will not answer any more."""
        self.asked.pop(station, None)

    def take(self, station: str, text: str) -> list[str]:
        """Note answers."""
        try:
            message = json.loads(text)
        except ValueError:
            message = []
        if isinstance(message, list) and len(message) > 2 and message[0] in (3, 4):
            if self.asked.get(station) == message[1]:
                self.asked.pop(station)
                return self.heard(station, message)
            return []
        return super().take(station, text)

    def heard(self, station: str, message: list[Any]) -> list[str]:
        """Take an answer."""
        return []


class _DiesOfErrors(_Asks):
    """A CALLERROR to a question of its own ends the connection."""

    def heard(self, station: str, message: list[Any]) -> list[str]:
        if message[0] == 4:
            raise HangUp
        return []


class _DiesOfEmptyAnswers(_Asks):
    """An answer without what it needs ends the connection."""

    def heard(self, station: str, message: list[Any]) -> list[str]:
        if message[0] == 3 and "configurationKey" not in message[2]:
            raise HangUp
        return []


class _WaitsForItsAnswer(_Asks):
    """Answers nothing while a question of its own is open."""

    def take(self, station: str, text: str) -> list[str]:
        return [] if station in self.asked and text.startswith("[2") else super().take(station, text)


class _AsksAgain(_Asks):
    """Asks once more at each heartbeat while its question is not answered."""

    def on_Heartbeat(self, station: str, payload: Payload) -> Payload:
        self.again = station in self.asked
        return super().on_Heartbeat(station, payload)

    def result(self, station: str, name: str, action: str, answer: Payload) -> list[str]:
        found = super().result(station, name, action, answer)
        if action == "Heartbeat" and station in self.asked:
            self.numbers[station] += 1
            found.append(json.dumps([2, f"a{station}-{self.numbers[station]}"[-36:], "GetConfiguration", {}]))
        return found


class _BelievesAnybody(_Asks):
    """Any answer, whatever its id, ends the wait; one that nobody waits for ends the connection."""

    def take(self, station: str, text: str) -> list[str]:
        if text.startswith("[3"):
            if self.asked.pop(station, None) is None:
                raise HangUp
            return []
        return super().take(station, text)


for _kind in (_DiesOfErrors, _DiesOfEmptyAnswers, _WaitsForItsAnswer, _AsksAgain, _BelievesAnybody):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    SUBTLE[_name] = _sentence[0].lower() + _sentence[1:], _kind


def _schedule(*starts: int) -> Payload:
    periods = [{"startPeriod": start, "limit": 16.0} for start in starts]
    return {"chargingRateUnit": "A", "startSchedule": "2026-01-01T00:00:00Z", "chargingSchedulePeriod": periods}


def _profile(*starts: int) -> Payload:
    about = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfileKind": "Absolute"}
    schedule = {"chargingProfilePurpose": "ChargePointMaxProfile", "chargingSchedule": _schedule(*starts)}
    return {"connectorId": 0, "csChargingProfiles": about | schedule}


def _asks(name: str, sentence: str, action: str, payload: Payload) -> None:
    """Add one that sends a CALL of its own behind each boot."""
    SUBTLE[name] = sentence, type(name, (_Asks,), {"question": (action, payload)})


_asks(
    "profile-begins-late",
    "sets a charging profile whose first period does not begin at 0",
    "SetChargingProfile",
    _profile(60),
)
_asks(
    "profile-goes-back",
    "sets a charging profile whose periods are in no order",
    "SetChargingProfile",
    _profile(0, 600, 60),
)
_asks(
    "list-without-status",
    "sends a full local list that does not say how its cards are registered",
    "SendLocalList",
    {"listVersion": 3, "updateType": "Full", "localAuthorizationList": [{"idTag": "AA"}]},
)
_asks(
    "interval-in-words",
    "sets the heartbeat's interval to a word",
    "ChangeConfiguration",
    {"key": "HeartbeatInterval", "value": "often"},
)


class _Shared(Brain):
    """One current station in a variable: an answer that takes a while goes to whoever spoke last."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Any] = {}
        self.last = ""
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, station: str, text: str) -> list[str]:
        self.last = station
        answers = super().take(station, text)
        if '"Authorize"' not in text:
            return answers

        async def later() -> None:
            await asyncio.sleep(0.002)
            if self.last in self.lines:
                for one in answers:
                    await self.lines[self.last](one)

        self.tasks.add(asyncio.get_running_loop().create_task(later()))
        return []


SUBTLE["current-station"] = "answers to cards go to the station that spoke last", _Shared
