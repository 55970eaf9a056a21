"""More wrong CSMSs, after what products got wrong: numbers that are 0, long texts, times, connections, commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.foreign.brain import Brain, HangUp, Payload, Refused, Silent
from tests.foreign.operated import Operated
from tests.foreign.wrong import after, also, before, fails

WILD: dict[str, tuple[str, Callable[[], Brain]]] = {}
WILD_OPERATED: dict[str, tuple[str, Callable[[], Operated]]] = {}


def wild(name: str, sentence: str, **parts: Any) -> None:
    """Add one: `parts` are attributes and methods that differ."""
    WILD[name] = sentence, type(name, (Brain,), parts)


def _no_fraction_of(text: str, digits: int) -> bool:
    return "." in text and len(text.split(".")[1].rstrip("Z")) > digits


def _refuses(action: str, code: str, when: Callable[[Brain, str, Payload], bool]) -> dict[str, Any]:
    return before(action, fails(Refused, code, when))


# --- what a station may say, and a program trips over ---

wild(
    "meter-of-zero",
    "a meterStart of 0 is taken for missing",
    **_refuses("StartTransaction", "OccurenceConstraintViolation", lambda b, s, p: not p["meterStart"]),
)
wild(
    "no-energy-no-session",
    "a session without energy cannot stop",
    **_refuses(
        "StopTransaction",
        "PropertyConstraintViolation",
        lambda b, s, p: b.sessions.get(p["transactionId"], {}).get("start") == p["meterStop"],
    ),
)
wild(
    "small-meters",
    "meters beyond 24 bits are an error",
    **_refuses("StartTransaction", "InternalError", lambda b, s, p: p["meterStart"] > 2**24),
)
wild(
    "meters-go-backwards",
    "a meter that was replaced, and stops below its start, is an error",
    **_refuses(
        "StopTransaction",
        "InternalError",
        lambda b, s, p: b.sessions.get(p["transactionId"], {}).get("start", 0) > p["meterStop"],
    ),
)
wild(
    "long-cards",
    "cards of 20 characters are refused",
    **after("Authorize", lambda b, s, p, a: a if len(p["idTag"]) < 20 else {"idTagInfo": {"status": "Invalid"}}),
)
wild(
    "long-serials",
    "a serial number of 25 characters is an error",
    **_refuses("BootNotification", "InternalError", lambda b, s, p: any(len(str(v)) > 20 for v in p.values())),
)
wild(
    "meters-need-a-session",
    "meter values outside a session are an error",
    **_refuses("MeterValues", "OccurenceConstraintViolation", lambda b, s, p: "transactionId" not in p),
)
wild(
    "meters-are-whole",
    "a sample with a fraction or below 0 is an error",
    **_refuses(
        "MeterValues",
        "TypeConstraintViolation",
        lambda b, s, p: (
            any(not v["value"].isdigit() for m in p["meterValue"] for v in m["sampledValue"] if v.get("unit") != "kWh")
            and "L1-N" not in json.dumps(p)
        ),
    ),
)
wild(
    "no-signed-data",
    "signed data ends the connection",
    **before("MeterValues", fails(HangUp, "", lambda b, s, p: "SignedData" in json.dumps(p))),
)
wild(
    "statuses-without-time",
    "a status that holds its time is an error",
    **_refuses("StatusNotification", "FormationViolation", lambda b, s, p: "timestamp" in p),
)
wild(
    "milliseconds-at-most",
    "times with six digits are an error",
    **_refuses("StartTransaction", "FormationViolation", lambda b, s, p: _no_fraction_of(p["timestamp"], 3)),
)
wild(
    "half-hours",
    "an offset of half an hour is an error",
    **_refuses("StartTransaction", "FormationViolation", lambda b, s, p: p["timestamp"].endswith(":30")),
)
wild(
    "below-zero-is-an-error",
    "a stop of transaction -1 is an error",
    **_refuses("StopTransaction", "PropertyConstraintViolation", lambda b, s, p: p["transactionId"] < 1),
)
wild(
    "reservations-first",
    "a start with a reservation that is not known is an error",
    **_refuses("StartTransaction", "GenericError", lambda b, s, p: "reservationId" in p),
)
wild(
    "two-connectors",
    "a third connector is not answered",
    **before("StatusNotification", fails(Silent, "", lambda b, s, p: p["connectorId"] > 2)),
)
wild(
    "many-readings",
    "more than ten readings in one message are an error",
    **_refuses("MeterValues", "InternalError", lambda b, s, p: len(p["meterValue"]) > 10),
)
wild(
    "reasons-of-its-own",
    "a stop without a reason is an error",
    **_refuses("StopTransaction", "OccurenceConstraintViolation", lambda b, s, p: "reason" not in p),
)
wild(
    "diagnostics-are-unknown",
    "DiagnosticsStatusNotification ends the connection",
    answer=lambda self, s, name, action, p: (
        _hang_up() if action == "DiagnosticsStatusNotification" else Brain.answer(self, s, name, action, p)
    ),
)

# --- sessions ---


def _lowest_free(self: Brain, station: str) -> int:
    used = {n for n, one in self.sessions.items() if one["stop"] is None}
    return next(n for n in range(1, 10**6) if n not in used)


wild("lowest-free-number", "the number of an ended session is given again", new_id=_lowest_free)
wild(
    "number-of-the-second",
    "sessions are numbered by the second of their start",
    on_StartTransaction=lambda self, s, p, name: {
        "transactionId": int(datetime.fromisoformat(p["timestamp"]).timestamp()) % 2**31,
        "idTagInfo": {"status": self.card(p["idTag"])},
    },
)
wild(
    "boot-ends-the-answers",
    "starts and stops told behind a second boot are not answered",
    on_BootNotification=lambda self, s, p: (
        self.starts.update({("boots", s): self.starts.get(("boots", s), 0) + 1})
        or Brain.on_BootNotification(self, s, p)
    ),
    **before("StopTransaction", fails(Silent, "", lambda b, s, p: b.starts.get(("boots", s), 0) > 1)),
)
wild(
    "long-ids-are-one",
    "ids of stations are cut at 20 characters, and the newest connection closes the others",
    came=lambda self, s: self.statuses.update({("", -5): self.statuses.get(("", -5), "") + f"|{s}"}),
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p)
        if [one for one in self.statuses.get(("", -5), "").split("|") if one[:20] == s[:20]][-1:] in ([s], [])
        else _hang_up()
    ),
)

# --- connections and frames ---

wild(
    "ids-become-numbers",
    "a message id of digits is answered as a number",
    result=lambda self, s, name, action, answer: [json.dumps([3, int(name) if name.isdigit() else name, answer])],
)
wild(
    "a-mark-in-front",
    "answers begin with a byte order mark",
    result=lambda self, s, name, action, answer: ["\ufeff" + json.dumps([3, name, answer])],
)
wild(
    "type-as-text",
    "the type of a message is a text",
    result=lambda self, s, name, action, answer: [json.dumps(["3", name, answer])],
)
wild(
    "wrapped-payload",
    "payloads are in a list",
    result=lambda self, s, name, action, answer: [json.dumps([3, name, [answer]])],
)
wild(
    "single-quotes",
    "answers are no JSON",
    result=lambda self, s, name, action, answer: [str([3, name, answer])],
)
wild(
    "errors-in-results",
    "an error is told as a CALLRESULT with a member `error`",
    error=lambda self, name, code: json.dumps([3, name, {"error": code}]),
)
wild(
    "changes-the-interval",
    "each boot is followed by a ChangeConfiguration without a value",
    **also("BootNotification", lambda n: json.dumps([2, f"c{n}", "ChangeConfiguration", {"key": "HeartbeatInterval"}])),
)
wild(
    "all-is-an-error",
    "boots are answered with an error",
    **_refuses("BootNotification", "InternalError", lambda b, s, p: True),
)
wild(
    "rejected-for-ever",
    "boots are rejected, for another day",
    **after("BootNotification", lambda b, s, p, a: {**a, "status": "Rejected", "interval": 86400}),
)
wild(
    "boot-not-answered",
    "boots are not answered",
    **before("BootNotification", fails(Silent)),
)


def _hang_up() -> Any:
    raise HangUp


# --- commands ---


class _SendsAgain(Operated):
    """Sends what was not answered once more when the station is back."""

    def __init__(self) -> None:
        super().__init__()
        self.unanswered: dict[str, dict[str, str]] = {}

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        self.unanswered.setdefault(station, {})[name] = json.dumps([2, name, action, payload])
        await super().send(station, name, action, payload)

    def take(self, station: str, text: str) -> list[str]:
        found = super().take(station, text)
        waiting = self.unanswered.get(station, {})
        for name in [name for name in waiting if f'"{name}"' in text]:
            del waiting[name]
        return found

    def came(self, station: str) -> None:
        line = self.lines[station]
        for text in self.unanswered.get(station, {}).values():
            self.tasks.add(asyncio.get_running_loop().create_task(line(text)))


class _TriesAgain(Operated):
    """Sends what was not answered within 5 s once more, under a new id."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        task = asyncio.get_running_loop().create_task(super().send(station, name, action, payload))
        await asyncio.wait([task], timeout=5.0)
        if not task.done() and station in self.lines:
            await self.lines[station](json.dumps([2, name + "x", action, payload]))
        await task


class _ErrorsAreFine(Operated):
    """A CALLERROR counts as accepted."""

    def state_of(self, word: str | None) -> str:
        return "accepted" if word is None else super().state_of(word)


class _TimesOutAsRefused(Operated):
    """What was not answered is rejected on record, though the station may have done it."""

    async def send(self, station: str, name: str, action: str, payload: Payload) -> None:
        await super().send(station, name, action, payload)
        if self.states[name] in ("unknown", "in-doubt"):
            self.states[name] = "rejected"


class _StartsAtZero(Operated):
    """The meter at the start is 0 on record."""

    def record(self, station: str) -> list[Payload]:
        return [{**one, "start": 0} for one in super().record(station)]


class _LastStartStops(Operated):
    """A stop ends the newest session of its station."""

    def on_StopTransaction(self, station: str, payload: Payload) -> Payload:
        mine = [one for one in self.sessions.values() if one["station"] == station and one["status"] == "Accepted"]
        if mine:
            mine[-1]["stop"] = payload["meterStop"]
        return {}


class _OneCard(Operated):
    """All sessions of a station are on record under its first card."""

    def record(self, station: str) -> list[Payload]:
        rows = super().record(station)
        return [{**one, "card": rows[0]["card"]} for one in rows]


class _AnyConnector(Operated):
    """Starts and statuses of connector 2 are on record as those of connector 1."""

    def record(self, station: str) -> list[Payload]:
        return [{**one, "connector": 1} for one in super().record(station)]


class _OldStatus(Operated):
    """Believes the first status of a connector for ever."""

    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        self.statuses.setdefault((station, payload["connectorId"]), payload["status"])
        return {}


class _WaitsForAll(Operated):
    """One lock for all stations: while one has not answered, no command leaves for another."""

    def __init__(self) -> None:
        super().__init__()
        one = asyncio.Lock()
        self.locks = type("One", (dict,), {"setdefault": lambda self, key, new: one})()


class _SaysNoAndDoesIt(Operated):
    """Tells the operator that a reset is refused, and sends it."""

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        answer, name = super().ask(station, action, payload, request)
        return ("refused", name) if action == "Reset" and answer == "accepted" else (answer, name)


class _RefusesAll(Operated):
    """Refuses every command."""

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        return "refused", None


class _AwayIsAccepted(Operated):
    """Accepts commands for stations that are away, and never sends them."""

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        if station not in self.lines:
            self.requests[request] = name = f"a{len(self.states)}"
            self.states[name] = "accepted"
            return "accepted", name
        return super().ask(station, action, payload, request)


for _kind in (
    *(_SendsAgain, _TriesAgain, _ErrorsAreFine, _TimesOutAsRefused, _StartsAtZero, _LastStartStops, _OneCard),
    *(_AnyConnector, _OldStatus, _WaitsForAll, _SaysNoAndDoesIt, _RefusesAll, _AwayIsAccepted),
):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    WILD_OPERATED[_name] = _sentence[0].lower() + _sentence[1:], _kind
