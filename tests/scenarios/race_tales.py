"""Histories of the stage "races" in a few lines each: for every check one that breaks it and one told rightly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from interlock.scenarios.record.domain_view import Observation

RUN = {
    "spec": {"cards": {"GOOD": "Accepted", "BAD": "Blocked"}, "began": "2026-01-01T00:00:00+00:00"},
    "rules": {"told": ["requests", "outcomes", "transactions", "connectors"]},
}
T0 = "2026-01-01T00:00:0"


class Tale:
    """Builds a history."""

    def __init__(self) -> None:
        self.rows: list[Observation] = []
        self.count = 0

    def note(self, kind: str, t: float = 0.0, **fields: Any) -> None:
        self.rows.append(Observation(len(self.rows), t, kind, fields))

    def frame(self, edge: str, station: str, message: list[Any], t: float) -> None:
        about = {"edge": edge, "station": station, "socket": 1, "node": "csms"}
        self.note("frame", t, **about, text=json.dumps(message))

    def call(
        self,
        action: str,
        payload: dict[str, Any],
        answer: Any,
        station: str = "A",
        t: float = 0.0,
        id: str | None = None,
    ) -> None:
        """A CALL of a station and its answer; a text is the code of a CALLERROR."""
        self.count += 1
        name = id or str(self.count)
        self.frame("station.sent", station, [2, name, action, payload], t)
        error = [4, name, answer, "", {}]
        self.frame("station.received", station, error if isinstance(answer, str) else [3, name, answer], t)

    def order(self, action: str, payload: dict[str, Any], status: str, station: str = "A") -> None:
        """A CALL of the CSMS and its answer."""
        self.count += 1
        self.frame("station.received", station, [2, f"c{self.count}", action, payload], 0.0)
        self.frame("station.sent", station, [3, f"c{self.count}", {"status": status}], 0.0)

    def ask(
        self, action: str, payload: dict[str, Any], request: str = "r1", attempt: int = 1, station: str = "A"
    ) -> None:
        asked = {"request_id": request, "attempt": attempt, "station": station, "action": action, "payload": payload}
        self.note("request.asked", **asked)

    def start(self, number: int, status: str = "Accepted", card: str = "X", station: str = "A", **how: Any) -> None:
        at = how.get("at", f"{T0}{self.count % 10}Z")
        payload = {"connectorId": 1, "idTag": card, "meterStart": how.get("wh", self.count), "timestamp": at}
        answer = {"transactionId": number, "idTagInfo": {"status": status}}
        self.call("StartTransaction", payload, answer, station, id=how.get("id"))

    def stop(self, number: int, station: str = "A", wh: int = 9) -> None:
        self.call("StopTransaction", {"transactionId": number, "meterStop": wh, "timestamp": f"{T0}9Z"}, {}, station)

    def authorize(self, card: str, status: str, station: str = "A", **more: Any) -> None:
        self.call("Authorize", {"idTag": card}, {"idTagInfo": {"status": status, **more}}, station)

    def status(self, status: str) -> None:
        self.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status}, {})


def _card_201(
    tale: Tale, expires: str = "2026-01-02T00:00:00Z", status: str = "Accepted", text: str = "X", type: str = "ISO14443"
) -> None:
    tale.note("socket.opened", station="A", socket=1, node="csms", subprotocol="ocpp2.0.1")
    info = {"status": status, "cacheExpiryDateTime": expires}
    tale.call("Authorize", {"idToken": {"idToken": text, "type": type}}, {"idTokenInfo": info})


def _joined(tale: Tale, how: str, state: str) -> None:
    about = {"action": "RequestStartTransaction", "request_id": "r"}
    tale.note("joined", station="A", how=how, state=state, **about)


def _both_unlocks(tale: Tale, *connectors: int) -> None:
    """Both connectors are asked to be unlocked, and these are."""
    for connector in (1, 2):
        tale.ask("UnlockConnector", {"connectorId": connector}, f"r{connector}")
    for connector in connectors:
        tale.order("UnlockConnector", {"connectorId": connector}, "Unlocked")


def _stop_201(tale: Tale, number: str) -> None:
    tale.note("socket.opened", station="A", socket=1, node="csms", subprotocol="ocpp2.0.1")
    token = {"idToken": "X", "type": "ISO14443"}
    started = {"eventType": "Started", "timestamp": f"{T0}0Z", "seqNo": 0, "transactionInfo": {"transactionId": "T1"}}
    answer = {"idTokenInfo": {"status": "Accepted"}}
    tale.call("TransactionEvent", {**started, "idToken": token, "evse": {"id": 2}}, answer)
    tale.ask("RequestStopTransaction", {"transactionId": "T1"})
    tale.order("RequestStopTransaction", {"transactionId": number}, "Accepted")


def _start_201(
    tale: Tale, request: str = "r1", card: str = "X", type: str = "ISO14443", evse: int = 2, number: int = 1
) -> None:
    tale.ask("RequestStartTransaction", {"idToken": {"idToken": "X"}, "evseId": 2}, request)
    token = {"idToken": card, "type": type}
    tale.order("RequestStartTransaction", {"idToken": token, "evseId": evse, "remoteStartId": number}, "Accepted")


def _record_201(tale: Tale, stop_wh: int = 10_000, names: tuple[str, ...] = ("T1",), refused: bool = False) -> None:
    """A session of 10 kWh that is told twice, and what is on record; `refused`: another one was not accepted."""
    tale.note("socket.opened", station="A", socket=1, node="csms", subprotocol="ocpp2.0.1")
    if refused:
        event = {"eventType": "Started", "timestamp": f"{T0}0Z", "seqNo": 0, "transactionInfo": {"transactionId": "T2"}}
        token = {"idToken": {"idToken": "X", "type": "ISO14443"}, "evse": {"id": 1}}
        tale.call("TransactionEvent", {**event, **token}, {"idTokenInfo": {"status": "ConcurrentTx"}})
    answer = {"idTokenInfo": {"status": "Accepted"}}
    for _ in range(2):  # told twice
        for kind, seq_no, value in (("Started", 0, 0.0), ("Ended", 1, 10.0)):
            sample = {"value": value, "unitOfMeasure": {"unit": "kWh"}, "context": f"Transaction.{kind[:-2]}"}
            event = {"eventType": kind, "timestamp": f"{T0}{seq_no}Z", "seqNo": seq_no, "triggerReason": "Authorized"}
            event |= {"transactionInfo": {"transactionId": "T1"}, "idToken": {"idToken": "X", "type": "ISO14443"}}
            event |= {"meterValue": [{"timestamp": f"{T0}1Z", "sampledValue": [sample]}]}
            place = {"evse": {"id": 2, "connectorId": 1}} if kind == "Started" else {}
            tale.call("TransactionEvent", {**event, **place}, answer)
    row = {"connector": 2, "id_token": "X", "start_wh": 0, "stop_wh": stop_wh, "started_at": f"{T0}0Z"}
    for name in names:
        tale.note("csms.session", station="A", transaction_id=name, **row)
    tale.note("csms.sessions", station="A", count=1)


def _steps(tale: Tale, last: str) -> None:
    for relation, word in (("plain", "Accepted"), ("indented", "Accepted"), ("kWh", last)):
        tale.note("step", station="A", story="session", relation=relation, label="start", word=word, card="X")


def _stops(tale: Tale, last: str) -> None:
    for word in ("Accepted", "Accepted", last):
        tale.note("step", station="A", story="session", relation="plain", label="stop", word=word, card="X")


def _cards(tale: Tale, last: str) -> None:
    tale.authorize("X", "Accepted")
    tale.authorize("X", last)


def _in_use(tale: Tale, stops: bool) -> None:
    tale.start(1)
    if not stops:
        tale.authorize("X", "ConcurrentTx", "B")
        tale.stop(1)
        tale.authorize("X", "Accepted", "B")
    else:
        tale.stop(1)
        tale.authorize("X", "ConcurrentTx", "B")


def _probes(tale: Tale, second: str, last: str) -> None:
    for after, word in (("it began", "ConcurrentTx"), ("a reconnect", second), ("it ended", last)):
        tale.note("probe", station="B", card="X", after=after, word=word)


def _numbers(tale: Tale, shared: bool, each: bool = False, one_id: bool = False) -> None:
    for number in range(24):
        given = number // 8 + 1 if each else number + 1
        if shared and number == 23:
            given = 1
        tale.start(given, card=f"X{number}", station=f"S{number % 8}", id="7" if one_id else None)


def _times(tale: Tale, seconds: tuple[int, ...]) -> None:
    for t, told in zip((0, 4, 8), seconds, strict=True):
        tale.call("Heartbeat", {}, {"currentTime": f"{T0}{told}Z"}, t=float(t))


def _odd(tale: Tale, word: str, fair: bool = True) -> None:
    tale.note("odd", station="A", what="a late answer", fair=fair, word=word, why="closed by the CSMS")
    tale.note("odd", station="A", what="white space", fair=True, word="answered", why="")


def _orders(tale: Tale, sent: dict[str, Any], station: str = "A", times: int = 1) -> None:
    tale.ask("UnlockConnector", {"connectorId": 2})
    for _ in range(times):
        tale.order("UnlockConnector", sent, "Unlocked", station)


def outcome(tale: Tale, word: str, state: str) -> None:
    tale.ask("UnlockConnector", {"connectorId": 2})
    tale.order("UnlockConnector", {"connectorId": 2}, word)
    tale.note("command.state", command_id="m1", state=state, request_id="r1", station="A")


def _race(tale: Tale, word: str) -> None:
    tale.note("race", station="A", card="Y", words=["Accepted", word])


def _refused(tale: Tale) -> None:
    tale.note("request.answered", request_id="r1", attempt=1, station="A", answer="unreachable", command_id=None)


def _unanswered(tale: Tale) -> None:
    _record(tale, more=True)
    lost = {"connectorId": 1, "idTag": "X", "meterStart": 10, "timestamp": f"{T0}0Z"}
    tale.frame("station.sent", "A", [2, "lost", "StartTransaction", lost], 0.0)


def _belief(tale: Tale, status: str, online: bool | None = None) -> None:
    tale.status("Available")
    tale.ask("UnlockConnector", {"connectorId": 1})
    tale.note("belief", station="A", connector=1, status=status, online=online)


def _record(tale: Tale, number: int = 5, stop_wh: int | None = 90, more: bool = False) -> None:
    tale.start(5, wh=10)
    tale.stop(5, wh=90)
    row = {"station": "A", "connector": 1, "id_token": "X", "start_wh": 10}
    tale.note("csms.session", **row, transaction_id=str(number), stop_wh=stop_wh)
    if more:
        tale.note("csms.session", **row, transaction_id="77", stop_wh=None)
    tale.note("csms.sessions", station="A", count=1)


def boots(tale: Tale, last: str, gap_s: float = 5.0, order: bool = False) -> None:
    words = ["Pending"] * 8 + [last]
    for number, word in enumerate(words):
        told = {"status": word, "interval": 5, "currentTime": f"2026-01-01T00:00:{int(number * gap_s):02d}Z"}
        tale.call("BootNotification", {}, told, f"S{number // 3}", t=number * gap_s)
    if order:
        tale.order("TriggerMessage", {"requestedMessage": "BootNotification"}, "Accepted", "S0")


def _first_pending(tale: Tale, *last: str) -> None:
    for station, word in zip("ABC", ("Accepted", "Accepted", *last), strict=False):
        for number, boot in enumerate(("Pending", word)):
            tale.call("BootNotification", {}, {"status": boot, "interval": 1}, station, t=float(number))
            tale.note("step", station=station, story="session", relation="plain", label="boot", word=boot, card=None)


def _one_boot(tale: Tale, word: str) -> None:
    """Two stations that are accepted, and one that boots once and is told to come back in hours."""
    for station, said in zip("ABC", ("Accepted", "Accepted", word), strict=True):
        tale.call("BootNotification", {}, {"status": said, "interval": 14400}, station)
        tale.note("step", station=station, story="session", relation="plain", label="boot", word=said, card=None)


def _varied(tale: Tale, word: str, action: str = "MeterValues") -> None:
    tale.note("variety", station="A", what="signed data", action=action, word=word, why="")


def _pair(tale: Tale, word: str) -> None:
    for turn, said in enumerate(("answered", word)):
        tale.note("pair", station=f"LONG{turn}", turn=turn, word=said, why="")


def _late(tale: Tale, states: tuple[str, str], word: str = "Unlocked", sent: bool = True) -> None:
    """A command, what is on record of it, its answer, and what is on record then."""
    tale.ask("UnlockConnector", {"connectorId": 2})
    if sent:
        tale.frame("station.received", "A", [2, "c", "UnlockConnector", {"connectorId": 2}], 0.0)
    tale.note("command.state", command_id="m1", state=states[0], request_id="r1", station="A")
    error = [4, "c", word, "", {}]
    if sent:
        answer = error if word.endswith("Error") else [3, "c", {"status": word}]
        tale.frame("station.sent", "A", answer, 9.0)
    tale.note("command.state", command_id="m1", state=states[1], request_id="r1", station="A")


def _started_at(tale: Tale, on_record: str) -> None:
    tale.start(5, wh=10, at="2026-01-01T02:00:00+02:00")
    tale.stop(5, wh=90)
    row = {"station": "A", "connector": 1, "id_token": "X", "start_wh": 10, "stop_wh": 90, "started_at": on_record}
    tale.note("csms.session", **row, transaction_id="5")
    tale.note("csms.sessions", station="A", count=1)


def _own_calls(tale: Tale, word: str, how: str = "slow", calls: int = 1) -> None:
    calls_seen = ["GetConfiguration"] * calls
    tale.note("own calls", station="A", how="refuses", calls=["GetConfiguration"], word="answered", why="")
    tale.note("own calls", station="A", how=how, calls=calls_seen, word=word, why="")


def _door(tale: Tale, word: str, open: int, most: int = 9) -> None:
    tale.note("door", station="A", word="let in", open=0, most=most, why="")
    tale.note("door", station="B", word=word, open=open, most=most, why="")


def _ping(tale: Tale, answered: bool) -> None:
    tale.note("ping", station="A", answered=answered, word="answered", why="")


def _read(tale: Tale, status: str, how: str = "told", online: bool | None = None) -> None:
    about = {"connector": 1, "status": status, "online": online}
    tale.note("believed", station="A", how=how, told=None if how == "away" else "Preparing", **about)


def dialect(tale: Tale, sent: Any, action: str = "ReserveNow") -> None:
    asked = {"connectorId": 0, "expiryDate": "2026-01-01T00:20:00Z", "idTag": "X", "reservationId": 7}
    tale.ask(action, asked if action == "ReserveNow" else {"csChargingProfiles": {"stackLevel": 0, "limits": [1, 2]}})
    tale.order(action, sent, "Accepted")


def limits(*limits: int, **more: Any) -> dict[str, Any]:
    return {"csChargingProfiles": {"stackLevel": 0, "limits": [*limits], **more}}


def _errored(tale: Tale, state: str) -> None:
    """A command that is answered with an error, and what is on record of it ten seconds later."""
    tale.ask("UnlockConnector", {"connectorId": 2})
    tale.frame("station.received", "A", [2, "c", "UnlockConnector", {"connectorId": 2}], 0.0)
    tale.frame("station.sent", "A", [4, "c", "NotImplemented", "", {}], 0.1)
    tale.note("command.state", 10.0, command_id="m1", state=state, request_id="r1", station="A")


def _two_commands(tale: Tale, state: str) -> None:
    """A command that is accepted, another one that is rejected, and what is on record of the second one."""
    for request, action, word in (("r1", "UnlockConnector", "Unlocked"), ("r2", "ClearCache", "Rejected")):
        tale.ask(action, {}, request)
        tale.order(action, {}, word)
    tale.note("command.state", command_id="m2", state=state, request_id="r2", station="A")


def _own_reads(tale: Tale, stations: str) -> None:
    """The CSMS reads configurations by itself, also where an operator asked for something alike."""
    tale.ask("GetConfiguration", {"key": ["X"]}, "g1")
    for station in stations:
        tale.order("GetConfiguration", {}, "Accepted", station)


def _kept(
    tale: Tale, state: str, name: str = "1", word: str = "Accepted", answered_s: float = 0.1, asked_s: float = 9.0
) -> None:
    """A command that a station answers so soon, and what is on record of it at a later second."""
    station, payload = f"K{name}", {"type": "Soft"}
    asked = {"request_id": f"k{name}", "attempt": 1, "station": station, "action": "Reset", "payload": payload}
    tale.note("request.asked", **asked)
    tale.frame("station.received", station, [2, "c", "Reset", payload], 0.0)
    tale.frame("station.sent", station, [3, "c", {"status": word}], answered_s)
    told = {"command_id": "m", "request_id": f"k{name}", "station": station}
    tale.note("command.state", asked_s, state=state, **told)


def _lost_start(tale: Tale) -> None:
    """The CSMS gave a number that the station never heard."""
    told = {"connectorId": 1, "idTag": "X", "meterStart": 10, "timestamp": f"{T0}0Z"}
    tale.frame("station.sent", "A", [2, "lost", "StartTransaction", told], 0.0)
    tale.start(8, station="B")
    for station, number in (("A", 7), ("B", 8)):
        tale.order("RemoteStopTransaction", {"transactionId": number}, "Accepted", station)


def _letters(tale: Tale, *words: str) -> None:
    tale.note("letters", station="A", action="Authorize", cards=["GOOD", "good"], words=list(words))


def _second_stop(tale: Tale, stop_wh: int) -> None:
    """A session with a stop, another stop with another meter, and what is on record: the card in other letters."""
    tale.start(5, wh=10)
    for wh in (90, 190):
        tale.stop(5, wh=wh)
    row = {"station": "A", "connector": 1, "id_token": "x", "start_wh": 10, "stop_wh": stop_wh}
    tale.note("csms.session", **row, transaction_id="5")
    tale.note("csms.sessions", station="A", count=1)


def _samples(tale: Tale, *on_record: tuple[str, str | None]) -> None:
    """A session with readings of 20 Wh and 0.03 kWh, and what is on record of it: value and unit."""

    def reading(value: str, unit: str, **more: Any) -> None:
        meter = [{"timestamp": f"{T0}1Z", "sampledValue": [{"value": value, "unit": unit}]}]
        tale.call("MeterValues", {"connectorId": 1, "meterValue": meter, **more}, {})

    tale.start(5, wh=10)
    reading("20", "Wh", transactionId=5)
    reading("0.03", "kWh", transactionId=5)
    reading("35", "Wh")
    tale.stop(5, wh=90)
    reading("95", "Wh")
    rows = [{"value": value, "unit": unit, "at": f"{T0}1Z"} for value, unit in on_record]
    tale.note("csms.samples", station="A", transaction_id="5", samples=rows)


CASES: list[tuple[str, Callable[[Tale], Any], Callable[[Tale], Any]]] = [
    ("R01", lambda t: _steps(t, "Invalid"), lambda t: _steps(t, "Accepted")),
    ("R01", lambda t: _steps(t, "closed"), lambda t: (_steps(t, "Accepted"), _steps(t, "cut"))),
    ("R01", lambda t: _stops(t, "CALLERROR InternalError"), lambda t: _stops(t, "answered")),
    ("R02", lambda t: _cards(t, "Invalid"), lambda t: _cards(t, "Accepted")),
    ("R03", lambda t: t.authorize("BAD", "Accepted"), lambda t: t.authorize("BAD", "Blocked")),
    ("R03", lambda t: t.authorize("BAD", "Invalid"), lambda t: t.authorize("GOOD", "ConcurrentTx")),
    ("R04", lambda t: _in_use(t, True), lambda t: _in_use(t, False)),
    ("R05", lambda t: _probes(t, "Accepted", "Accepted"), lambda t: _probes(t, "ConcurrentTx", "Accepted")),
    ("R05", lambda t: _probes(t, "ConcurrentTx", "ConcurrentTx"), lambda t: _probes(t, "closed", "Accepted")),
    ("R05", lambda t: (_probes(t, "ConcurrentTx", "Accepted"), _race(t, "Accepted")),
     lambda t: (_probes(t, "ConcurrentTx", "Accepted"), _race(t, "ConcurrentTx"))),
    ("R06", lambda t: t.start(0), lambda t: (t.start(1), t.start(0, "Invalid", card="Y"))),
    ("R07", lambda t: _numbers(t, True), lambda t: _numbers(t, False)),
    ("R07", lambda t: _numbers(t, True, one_id=True), lambda t: _numbers(t, False, each=True)),
    ("R08", lambda t: _times(t, (0, 0, 0)), lambda t: _times(t, (1, 4, 9))),
    ("R08", lambda t: _times(t, (0, 9, 8)), lambda t: _times(t, (0, 5, 8))),
    ("R09", lambda t: t.authorize("X", "Accepted", expiryDate="2020-01-01T00:00:00Z"),
     lambda t: t.authorize("X", "Accepted", expiryDate="2030-01-01T00:00:00Z")),
    ("R09", lambda t: _card_201(t, "2020-01-01T00:00:00Z"), lambda t: _card_201(t, "2025-12-31T23:00:00Z")),
    ("R02", lambda t: (_card_201(t), _card_201(t, status="Invalid")),
     lambda t: (_card_201(t), _card_201(t), _card_201(t, status="Invalid", type="KeyCode"))),
    ("R03", lambda t: _card_201(t, status="Unknown", text="", type="NoAuthorization"),
     lambda t: _card_201(t, text="", type="NoAuthorization")),
    ("R09", lambda t: t.call("BootNotification", {}, {"status": "Accepted", "interval": -1}),
     lambda t: t.call("BootNotification", {}, {"status": "Accepted", "interval": 0})),
    ("R10", lambda t: _odd(t, "closed"), lambda t: _odd(t, "answered")),
    ("R10", lambda t: _odd(t, "no answer"), lambda t: _odd(t, "closed", fair=False)),
    ("R11", lambda t: t.call("MakeCoffee", {}, {}), lambda t: t.call("MakeCoffee", {}, "NotImplemented")),
    ("R11", lambda t: t.call("StartTransaction", {}, {"transactionId": 3, "idTagInfo": {"status": "Accepted"}}),
     lambda t: t.call("StartTransaction", {}, {"transactionId": 3, "idTagInfo": {"status": "Invalid"}})),
    ("R12", lambda t: t.note("deed", part="recovery", what="never let in again", station="A"),
     lambda t: t.note("deed", part="recovery", what="connected again", station="A")),
    ("R01", lambda t: _first_pending(t, "Rejected"), lambda t: _first_pending(t, "Accepted")),
    ("R01", lambda t: _one_boot(t, "Rejected"), lambda t: _one_boot(t, "Pending")),
    ("R13", lambda t: _varied(t, "closed"), lambda t: _varied(t, "answered")),
    ("R13", lambda t: _varied(t, "CALLERROR InternalError"),
     lambda t: (_varied(t, "CALLERROR NotSupported", "DataTransfer"), _varied(t, "Invalid", "Authorize"))),
    ("R14", lambda t: boots(t, "Pending"), lambda t: boots(t, "Accepted")),
    ("R15", lambda t: _pair(t, "closed"), lambda t: _pair(t, "answered")),
    ("R16", lambda t: _own_calls(t, "no answer"), lambda t: _own_calls(t, "answered")),
    ("R16", lambda t: _own_calls(t, "closed"), lambda t: _own_calls(t, "closed", "silent")),
    ("R16", lambda t: _own_calls(t, "no answer", "silent"), lambda t: _own_calls(t, "no answer", calls=0)),
    ("R17", lambda t: _door(t, "refused", 4), lambda t: _door(t, "let in", 8)),
    ("R17", lambda t: _door(t, "refused", 0), lambda t: _door(t, "refused", 8)),
    ("R18", lambda t: _ping(t, False), lambda t: _ping(t, True)),
    ("R28", lambda t: _kept(t, "requested"), lambda t: _kept(t, "accepted")),
    ("R28", lambda t: _kept(t, "in-doubt"), lambda t: (_kept(t, "in-doubt", asked_s=3.0), _kept(t, "accepted", "2"))),
    ("R28", lambda t: _kept(t, "in-doubt", word="Rejected"),
     lambda t: (_kept(t, "in-doubt", answered_s=40.0, asked_s=60.0), _kept(t, "unknown", "2"))),
    ("R13", lambda t: _varied(t, "closed", "FirmwareStatusNotification"),
     lambda t: _varied(t, "CALLERROR NotSupported", "FirmwareStatusNotification")),
    ("R24", lambda t: _two_commands(t, "accepted"), lambda t: _two_commands(t, "rejected")),
    ("R24", lambda t: _late(t, ("accepted", "accepted"), ""), lambda t: _late(t, ("unknown", "unknown"), "")),
    ("R24", lambda t: _late(t, ("in-doubt", "rejected")), lambda t: _late(t, ("in-doubt", "accepted"))),
    ("R24", lambda t: _late(t, ("rejected", "accepted")), lambda t: _late(t, ("unknown", "unknown"))),
    ("R24", lambda t: _late(t, ("accepted", "accepted")), lambda t: _late(t, ("requested", "accepted"))),
    ("R24", lambda t: _late(t, ("in-doubt", "accepted"), "InternalError"),
     lambda t: _late(t, ("in-doubt", "unknown"), "InternalError")),
    ("R24", lambda t: _late(t, ("accepted", "accepted"), sent=False),
     lambda t: _late(t, ("requested", "rejected"), sent=False)),
    ("R26", lambda t: _started_at(t, "2026-01-01T02:00:00+00:00"), lambda t: _started_at(t, "2026-01-01T00:00:01Z")),
    ("R26", lambda t: _started_at(t, "2026-01-01T00:15:00Z"), lambda t: _started_at(t, "2026-01-01T07:00:00")),
    ("R20", lambda t: _orders(t, {"connectorId": 1}), lambda t: _orders(t, {"connectorId": 2})),
    ("R20", lambda t: _orders(t, {"connectorId": 2}, "B"), lambda t: _orders(t, {"connectorId": 2})),
    ("R20", lambda t: t.order("Reset", {"type": "Soft"}, "Accepted"),
     lambda t: (_orders(t, {"connectorId": 2}), t.order("GetConfiguration", {}, "Accepted"))),
    ("R20", lambda t: (_own_reads(t, "CA"), t.order("Reset", {"type": "Hard"}, "Accepted")),
     lambda t: (_orders(t, {"connectorId": 2}), _own_reads(t, "CA"))),
    ("R23", lambda t: (_own_reads(t, "B"), _orders(t, {"connectorId": 2}, times=2)),
     lambda t: (_own_reads(t, "CA"), _orders(t, {"connectorId": 2}))),
    ("R21", lambda t: t.order("RemoteStopTransaction", {"transactionId": 8}, "Rejected"),
     lambda t: (t.start(8), t.order("RemoteStopTransaction", {"transactionId": 8}, "Accepted"))),
    ("R21", lambda t: t.order("RemoteStopTransaction", {"transactionId": 7}, "Rejected"), _lost_start),
    ("R21", lambda t: _stop_201(t, "T9"), lambda t: _stop_201(t, "T1")),
    ("R20", lambda t: _start_201(t, evse=1), lambda t: _start_201(t)),
    ("R20", lambda t: _start_201(t, card="Y"), lambda t: _start_201(t, type="Central")),
    ("R26", lambda t: _record_201(t, stop_wh=10), lambda t: _record_201(t, stop_wh=9999)),
    ("R27", lambda t: _record_201(t, names=("T1", "T1#2")), lambda t: _record_201(t)),
    ("R27", lambda t: _record_201(t, names=("T1", "T1"), refused=True), lambda t: _record_201(t)),
    ("R29", lambda t: (_start_201(t, number=7), _start_201(t, "r2", number=7)),
     lambda t: (_start_201(t, number=7), _start_201(t, "r2", number=8))),
    ("R22", lambda t: t.note("left", station="A", request_id="r", action="Reset", there=False, up=True),
     lambda t: t.note("left", station="A", request_id="r", action="Reset", there=True, up=True)),
    ("R23", lambda t: _both_unlocks(t, 1, 1), lambda t: _both_unlocks(t, 2, 1)),
    ("R23", lambda t: _orders(t, {"connectorId": 2}, times=2),
     lambda t: (_orders(t, {"connectorId": 2}), t.ask("UnlockConnector", {"connectorId": 2}, attempt=2))),
    ("R24", lambda t: outcome(t, "UnlockFailed", "accepted"), lambda t: outcome(t, "UnlockFailed", "rejected")),
    ("R24", lambda t: outcome(t, "Unlocked", "rejected"), lambda t: outcome(t, "Unlocked", "unknown")),
    ("R25", lambda t: _belief(t, "Faulted"), lambda t: _belief(t, "Available")),
    ("R25", lambda t: _belief(t, "Available", online=False), lambda t: _belief(t, "Available", online=True)),
    ("R25", lambda t: _read(t, "Available"), lambda t: _read(t, "Preparing")),
    ("R25", lambda t: _read(t, "Available", "again"), lambda t: (_read(t, "Unavailable", "again"),
     _read(t, "not known", "again"))),
    ("R25", lambda t: _read(t, "Available", "away", True), lambda t: _read(t, "Available", "away", False)),
    ("R25", lambda t: _read(t, "Preparing", online=False), lambda t: _read(t, "Preparing", online=True)),
    ("R28", lambda t: _errored(t, "requested"), lambda t: (_errored(t, "in-doubt"))),
    ("R20", lambda t: dialect(t, {"connectorId": 1, "expiryDate": "2026-01-01T00:20:00Z", "idTag": "X"}),
     lambda t: dialect(t, {"connectorId": 0, "expiryDate": "2026-01-01T01:20:00.000+01:00", "idTag": "X",
                            "reservationId": 1})),
    ("R20", lambda t: dialect(t, {"connectorId": 0, "expiryDate": "2026-01-01T00:20:00+01:00", "idTag": "X"}),
     lambda t: dialect(t, limits(1, 2, kind="Absolute"), "SetChargingProfile")),
    ("R20", lambda t: dialect(t, limits(1), "SetChargingProfile"),
     lambda t: dialect(t, limits(1, 2), "SetChargingProfile")),
    ("R30", lambda t: _joined(t, "the requested one", "refuted"),
     lambda t: _joined(t, "the requested one", "confirmed")),
    ("R30", lambda t: _joined(t, "a driver's own", "confirmed"), lambda t: _joined(t, "a driver's own", "unknown")),
    ("R23", lambda t: (_orders(t, {"connectorId": 2}), _refused(t)), lambda t: _orders(t, {"connectorId": 2})),
    ("R27", _unanswered, lambda t: _record(t)),
    ("R26", lambda t: _record(t, stop_wh=None), lambda t: _record(t)),
    ("R26", lambda t: _record(t, stop_wh=91), lambda t: _record(t)),
    ("R27", lambda t: _record(t, more=True), lambda t: _record(t)),
    ("R24", lambda t: outcome(t, "Occupied", "accepted"), lambda t: outcome(t, "RebootRequired", "accepted")),
    ("R24", lambda t: outcome(t, "VersionMismatch", "accepted"), lambda t: outcome(t, "VersionMismatch", "rejected")),
    ("R24", lambda t: outcome(t, "Accepted", "rejected"), lambda t: outcome(t, "RebootRequired", "rejected")),
    ("R35", lambda t: t.note("reached", station="A", answer="unreachable", there=True, why="away"),
     lambda t: (t.note("reached", station="A", answer="unreachable", there=False, why=None),
                t.note("reached", station="A", answer="accepted", there=True, why=None))),
    ("R26", lambda t: _second_stop(t, 95), lambda t: (_second_stop(t, 90), _second_stop(t, 190))),
    ("R31", lambda t: _samples(t, ("20", "Wh")), lambda t: _samples(t, ("20", "Wh"), ("30", None))),
    ("R31", lambda t: _samples(t, ("20", "Wh"), ("0.03", None)),
     lambda t: _samples(t, ("20", "Wh"), ("0.030", "kWh"), ("35", "Wh"))),
    ("R31", lambda t: _samples(t, ("20", "Wh"), ("30", "Wh"), ("95", "Wh")),
     lambda t: _samples(t, ("20.0", None), ("0.02", "kWh"), ("30", "Wh"))),
    ("R31", lambda t: _samples(t), lambda t: _samples(t, ("20", "Wh"), ("30", "Wh"))),
    ("R32", lambda t: _letters(t, "Invalid", "Accepted"), lambda t: _letters(t, "Accepted", "Accepted")),
    ("R32", lambda t: _letters(t, "Blocked", "Accepted"), lambda t: _letters(t, "Accepted", "Invalid")),
    ("R32", lambda t: _letters(t, "Blocked", "Accepted"),
     lambda t: (_letters(t, "Accepted", "ConcurrentTx"), _letters(t, "Blocked", "Blocked"))),
]  # fmt: skip
