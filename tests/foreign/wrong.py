"""Wrong CSMSs: each is the right brain with one part that differs. `WRONG` names them, with a sentence."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.foreign.brain import Brain, HangUp, Payload, Refused, Silent

Make = Callable[[], Brain]
WRONG: dict[str, tuple[str, Make]] = {}
DEAD = "every boot is Pending, for ever"


def wrong(name: str, sentence: str, **parts: Any) -> None:
    """Add one: `parts` are attributes and methods that differ."""
    WRONG[name] = sentence, type(name, (Brain,), parts)


def after(action: str, change: Callable[..., Payload]) -> dict[str, Any]:
    """Return an `on_ACTION` whose right answer is changed: `change(brain, station, payload, answer)`."""
    right = getattr(Brain, f"on_{action}")

    def differs(self: Brain, station: str, payload: Payload, *rest: Any) -> Payload:
        return change(self, station, payload, right(self, station, payload, *rest))

    return {f"on_{action}": differs}


def before(action: str, act: Callable[[Brain, str, Payload], None]) -> dict[str, Any]:
    """Return an `on_ACTION` that does something, as to raise, before it answers rightly."""
    right = getattr(Brain, f"on_{action}")

    def differs(self: Brain, station: str, payload: Payload, *rest: Any) -> Payload:
        act(self, station, payload)
        found: Payload = right(self, station, payload, *rest)
        return found

    return {f"on_{action}": differs}


def fails(error: type[Exception], word: str = "", when: Callable[[Brain, str, Payload], bool] = lambda *_: True) -> Any:
    """Return what raises when something is so."""

    def act(self: Brain, station: str, payload: Payload) -> None:
        if when(self, station, payload):
            raise error(word)

    return act


def names(change: Callable[[Brain, str, str], str]) -> dict[str, Any]:
    """Return a `result` that answers under another message id."""

    def result(self: Brain, station: str, name: str, action: str, answer: Payload) -> list[str]:
        return [json.dumps([3, change(self, station, name), answer])]

    return {"result": result}


def also(action: str, *texts: Callable[[int], str]) -> dict[str, Any]:
    """Return a `result` that sends more behind an answer to `action`."""

    def result(self: Brain, station: str, name: str, said: str, answer: Payload) -> list[str]:
        self.counted += said == action
        return [json.dumps([3, name, answer]), *(text(self.counted) for text in texts if said == action)]

    return {"result": result}


def text_of(payload: Payload) -> str:
    """All of a payload, to look for words in."""
    return json.dumps(payload)


# --- boots and time ---

wrong("never-accepts", DEAD, **after("BootNotification", lambda b, s, p, a: {**a, "status": "Pending", "interval": 1}))
wrong(
    "boot-in-small-letters",
    "accepted, not Accepted",
    **after("BootNotification", lambda b, s, p, a: {**a, "status": "accepted"}),
)
wrong(
    "boot-without-interval",
    "no interval",
    **after("BootNotification", lambda b, s, p, a: {"status": "Accepted", "currentTime": b.now()}),
)
wrong("interval-below-zero", "the interval is -1", interval=-1)
wrong("interval-as-text", "the interval is a text", interval="300")
wrong(
    "third-station-refused",
    "one of three stations is never accepted",
    **after("BootNotification", lambda b, s, p, a: {**a, "status": "Rejected" if hash(s) % 3 == 0 else "Accepted"}),
)
wrong(
    "second-boot-refused",
    "a station that boots again is refused",
    **after(
        "BootNotification",
        lambda b, s, p, a: {
            **a,
            "status": "Accepted"
            if b.statuses.setdefault((s, -1), str(time.monotonic()))
            and b.statuses.pop((s, -2), None) is None
            and not b.statuses.update({(s, -2): ""})
            else "Rejected",
        },
    ),
)
wrong("time-without-zone", "times without a zone", now=lambda self: self.clock().isoformat()[:23])
wrong(
    "two-hours-off",
    "local time is said to be UTC",
    now=lambda self: (self.clock() + timedelta(hours=2)).isoformat(),
)
wrong(
    "clock-stands",
    "the time is that of the start",
    now=lambda self, at=[]: (at or at.append(self.clock().isoformat()) or at)[0],
)
wrong(
    "clock-runs-double",
    "the time goes by twice as fast",
    now=lambda self, at=[]: (self.clock() + (self.clock() - (at or at.append(self.clock()) or at)[0])).isoformat(),
)
wrong("empty-heartbeat", "a heartbeat is answered with nothing", **after("Heartbeat", lambda b, s, p, a: {}))

# --- sessions ---

wrong("all-ids-zero", "every session is transaction 0", new_id=lambda self, station: 0)
wrong("ids-below-zero", "transaction ids count down", new_id=lambda self, station: -1 - len(self.sessions))
wrong(
    "ids-as-text",
    "transaction ids are texts",
    **after("StartTransaction", lambda b, s, p, a: {**a, "transactionId": str(a["transactionId"])}),
)
wrong("id-of-the-station", "all sessions of a station have one id", new_id=lambda self, station: sum(station.encode()))
wrong(
    "id-of-the-connector",
    "sessions are known by connector",
    **after("StartTransaction", lambda b, s, p, a: {**a, "transactionId": p["connectorId"]}),
)
wrong("few-random-ids", "ids are drawn from 60", new_id=lambda self, station: random.randrange(1, 60))
wrong("start-told-twice", "a start that is told again is a new session", key=lambda self, s, p, name: len(self.starts))
wrong("known-by-message-id", "a start is known by its message id, over all stations", key=lambda self, s, p, name: name)
wrong(
    "known-by-own-message-id",
    "a start that is told again is known by its message id",
    key=lambda self, s, p, name: (s, name),
)
wrong(
    "known-by-connector-and-card",
    "a second session with the same card is the first one",
    key=lambda self, s, p, name: (s, p["connectorId"], p["idTag"]),
    concurrent=False,
)
wrong(
    "unknown-stop-is-an-error",
    "a stop of an unknown transaction is an error",
    **before("StopTransaction", fails(Refused, "GenericError", lambda b, s, p: p["transactionId"] not in b.sessions)),
)
wrong(
    "second-stop-is-an-error",
    "a stop told again is an error",
    **before(
        "StopTransaction",
        fails(
            Refused,
            "InternalError",
            lambda b, s, p: b.sessions.get(p["transactionId"], {"stop": None})["stop"] is not None,
        ),
    ),
)
wrong("stop-without-answer", "stops are not answered", **before("StopTransaction", fails(Silent)))
wrong(
    "stop-of-anybody",
    "a station stops the sessions of others",
    on_StopTransaction=lambda self, s, p: self.sessions.get(p["transactionId"], {}).update(stop=1) or {},
)
wrong(
    "stop-of-the-last",
    "an unknown stop ends what runs at the station",
    on_StopTransaction=lambda self, s, p: (
        [one.update(stop=1) for one in self.sessions.values() if one["station"] == s] and {}
    ),
)
wrong("never-stopped", "the card stays in use behind a stop", on_StopTransaction=lambda self, s, p: {})
wrong(
    "forgets-at-reconnect",
    "sessions end when a line does",
    gone=lambda self, s: [one.update(stop=1) for one in self.sessions.values() if one["station"] == s],
)
wrong(
    "status-ends-session",
    "any connector that is Available ends the session",
    **before(
        "StatusNotification",
        lambda b, s, p: (
            [
                one.update(stop=1)
                for one in b.sessions.values()
                if one["station"] == s and p["status"] == "Available" and p["connectorId"]
            ]
            and None
        ),
    ),
)
wrong(
    "no-old-sessions",
    "sessions that began long ago are refused",
    **after(
        "StartTransaction",
        lambda b, s, p, a: (
            a
            if datetime.fromisoformat(p["timestamp"]) > b.clock() - timedelta(minutes=5)
            else {**a, "idTagInfo": {"status": "Invalid"}}
        ),
    ),
)
wrong(
    "retold-is-concurrent",
    "a start that is told again is ConcurrentTx",
    **before("StartTransaction", lambda b, s, p: None),
    started=lambda self, n, seen={}: {
        "transactionId": n,
        "idTagInfo": {
            "status": "ConcurrentTx"
            if seen.setdefault((id(self), n), 0) or seen.update({(id(self), n): 1})
            else "Accepted"
        },
    },
)

# --- cards ---

wrong("accepts-blocked", "blocked cards are accepted", blocked=())
wrong(
    "blocked-is-invalid",
    "blocked cards are Invalid",
    **after(
        "Authorize",
        lambda b, s, p, a: a if a["idTagInfo"]["status"] == "Accepted" else {"idTagInfo": {"status": "Invalid"}},
    ),
)
wrong(
    "starts-blocked",
    "blocked cards begin sessions",
    **after("StartTransaction", lambda b, s, p, a: {**a, "idTagInfo": {"status": "Accepted"}}),
)
wrong(
    "refuses-by-chance",
    "one card in ten is refused by chance",
    card=lambda self, card: "Accepted" if random.random() < 0.9 and card not in self.blocked else "Blocked",
)
wrong(
    "blank-status", "the card's status is blank", **after("Authorize", lambda b, s, p, a: {"idTagInfo": {"status": ""}})
)
wrong(
    "no-card-info",
    "starts are answered without idTagInfo",
    **after("StartTransaction", lambda b, s, p, a: {"transactionId": a["transactionId"]}),
)
wrong(
    "authorize-with-status",
    "Authorize is answered with a bare status",
    **after("Authorize", lambda b, s, p, a: {"status": "Accepted"}),
)
wrong(
    "accepts-expired",
    "cards are accepted that have expired",
    **after("Authorize", lambda b, s, p, a: {"idTagInfo": {**a["idTagInfo"], "expiryDate": "2020-01-01T00:00:00Z"}}),
)
wrong(
    "stop-refuses-card",
    "the card is Invalid when it stops",
    **after("StopTransaction", lambda b, s, p, a: {"idTagInfo": {"status": "Invalid"}} if "idTag" in p else a),
)

# --- messages ---

wrong("ids-in-small-letters", "message ids are answered in small letters", **names(lambda b, s, name: name.lower()))
wrong("ids-cut", "message ids are cut at 32 characters", **names(lambda b, s, name: name[:32]))
wrong(
    "ids-as-numbers",
    "message ids lose leading zeros",
    **names(lambda b, s, name: str(int(name)) if name.isdigit() else name),
)
wrong(
    "answers-one-behind",
    "an answer bears the id of the request before",
    **names(lambda b, s, name, last={}: (last.get((id(b), s), name), last.update({(id(b), s): name}))[0]),
)
wrong(
    "answers-twice",
    "each tenth answer is sent twice",
    result=lambda self, s, name, action, answer: [json.dumps([3, name, answer])] * (1 + (action == "MeterValues")),
)
wrong(
    "cached-by-message-id",
    "the answer to a message id is kept, over all stations",
    take=lambda self, s, text, kept={}: kept.setdefault((id(self), text[:24]), Brain.take(self, s, text)),
)
wrong(
    "null-payload",
    "an empty answer is null",
    result=lambda self, s, name, action, answer: [json.dumps([3, name, answer or None])],
)
wrong("more-members", "answers hold members of their own", **after("MeterValues", lambda b, s, p, a: {"stored": True}))
wrong(
    "fourth-element",
    "an answer has a fourth element",
    result=lambda self, s, name, action, answer: [json.dumps([3, name, answer, {}])],
)
wrong(
    "reads-compact-json-only",
    "indented JSON is not read",
    take=lambda self, s, text: Brain.take(self, s, text) if text.startswith("[2,") else [],
)
wrong(
    "no-umlauts",
    "characters beyond ASCII are an error",
    **before(
        "BootNotification",
        fails(Refused, "FormationViolation", lambda b, s, p: not text_of(p).isascii() or "\\u" in text_of(p)),
    ),
)
wrong(
    "no-kwh",
    "kWh is an error",
    **before("MeterValues", fails(Refused, "PropertyConstraintViolation", lambda b, s, p: "kWh" in text_of(p))),
)
wrong(
    "no-phases",
    "phases close the connection",
    **before("MeterValues", fails(HangUp, "", lambda b, s, p: "L1-N" in text_of(p))),
)
wrong(
    "no-offsets",
    "times with an offset are an error",
    **before(
        "StartTransaction", fails(Refused, "FormationViolation", lambda b, s, p: not p["timestamp"].endswith("Z"))
    ),
)
wrong(
    "no-whole-seconds",
    "times without fractions are an error",
    **before("StopTransaction", fails(Refused, "InternalError", lambda b, s, p: "." not in p["timestamp"])),
)
wrong(
    "no-connector-zero",
    "statuses of connector 0 are an error",
    **before(
        "StatusNotification", fails(Refused, "PropertyConstraintViolation", lambda b, s, p: p["connectorId"] == 0)
    ),
)
wrong(
    "no-vendor-codes",
    "vendors' error codes are not answered",
    **before("StatusNotification", fails(Silent, "", lambda b, s, p: "vendorErrorCode" in p)),
)
wrong("meters-not-answered", "meter values are not answered", **before("MeterValues", fails(Silent)))
wrong("hangs-up-on-vendors", "DataTransfer closes the connection", **before("DataTransfer", fails(HangUp)))
wrong(
    "no-data-transfer",
    "DataTransfer is not implemented, with a code that there is not",
    **before("DataTransfer", fails(Refused, "NotImplement")),
)
wrong(
    "takes-any-action",
    "an unknown action is answered",
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p) if hasattr(Brain, f"on_{action}") else {}
    ),
)
wrong(
    "takes-any-start",
    "a start without a card is accepted",
    check=lambda self, action, p: (
        action == "StartTransaction"
        and [p.setdefault(k, v) for k, v in {"connectorId": 1, "idTag": "", "meterStart": 0, "timestamp": ""}.items()]
    ),
)
wrong(
    "falls-on-late-answers",
    "an answer nobody waits for closes the connection",
    take=lambda self, s, text: fall() if text.startswith("[3") else Brain.take(self, s, text),
)
wrong(
    "falls-on-unknown-actions",
    "an unknown action closes the connection",
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p) if hasattr(Brain, f"on_{action}") else fall()
    ),
)
wrong(
    "asks-for-boots",
    "behind a reconnect nothing is taken without a boot",
    gone=lambda self, s: self.statuses.update({(s, -9): "gone"}),
    **before("BootNotification", lambda b, s, p: b.statuses.pop((s, -9), None) and None),
    check=lambda self, action, p: None,
    answer=lambda self, s, name, action, p: (
        Brain.answer(self, s, name, action, p)
        if action == "BootNotification" or (s, -9) not in self.statuses
        else refuse("SecurityError")
    ),
)
wrong(
    "loses-one-in-forty",
    "one request in forty is not answered",
    **before(
        "StatusNotification",
        lambda b, s, p: (
            b.statuses.update({("", -3): b.statuses.get(("", -3), "") + "."})
            or (fall(Silent) if len(b.statuses["", -3]) % 40 == 0 else None)
        ),
    ),
)
wrong(
    "eight-sessions",
    "more than eight sessions are refused",
    **before("StartTransaction", fails(Refused, "InternalError", lambda b, s, p: len(b.sessions) > 8)),
)

# --- what it says by itself ---

wrong(
    "resets-behind-boots",
    "each boot is followed by a Reset",
    **also("BootNotification", lambda n: json.dumps([2, f"r{n}", "Reset", {"type": "Soft"}])),
)
wrong(
    "unlocks-at-authorize",
    "each card unlocks connector 1",
    **also("Authorize", lambda n: json.dumps([2, f"u{n}", "UnlockConnector", {"connectorId": 1}])),
)
wrong(
    "calls-invalid",
    "asks for a configuration that is none",
    **also("BootNotification", lambda n: json.dumps([2, f"g{n}", "GetConfiguration", {"key": "HeartbeatInterval"}])),
)
wrong(
    "calls-two-at-once",
    "two CALLs without an answer between them",
    **also("BootNotification", *(lambda n, m=m: json.dumps([2, f"g{n}-{m}", "GetConfiguration", {}]) for m in (1, 2))),
)
wrong(
    "call-ids-too-long",
    "CALLs have ids of 40 characters",
    **also("BootNotification", lambda n: json.dumps([2, f"{n:040d}", "GetConfiguration", {}])),
)
wrong(
    "call-ids-again",
    "each CALL has the same id",
    **also("Heartbeat", lambda n: json.dumps([2, "1", "TriggerMessage", {"requestedMessage": "Heartbeat"}])),
)
wrong(
    "stops-strangers",
    "stops transactions that are not the station's",
    **also("Heartbeat", lambda n: json.dumps([2, f"s{n}", "RemoteStopTransaction", {"transactionId": 987654}])),
)
wrong("talks-nonsense", "says hello behind a boot", **also("BootNotification", lambda n: "hello"))


def fall(error: type[Exception] = HangUp) -> Any:
    """Close the connection."""
    raise error


def refuse(code: str) -> Any:
    """Answer with an error."""
    raise Refused(code)
