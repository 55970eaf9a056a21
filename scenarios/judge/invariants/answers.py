"""What is answered is right: one answer to each CALL, of its kind, with what was true at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from interlock.scenarios.judge.expected_facts import NOTICES, Fact, moment, told
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import store_failed
from interlock.scenarios.judge.invariants.sent import USUAL, socket_versions
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.domain_view import EPOCH
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.history import History, Observation

CLOCK_S = 1.0
"""How far the time told may be from the time at which it is told."""
TOKENS_S = 5.0
"""How long a token's new status may take to be known everywhere."""
PATIENCE_S = 30.0
"""How long a CALL may wait for its answer on a socket and a node that live on, with a store that works."""
GUESSES = 50
"""Refused cards of a station after which it may be taken for one that guesses, and every card be refused."""
CARD_16 = frozenset({"Authorize", "StartTransaction", "StopTransaction"})
EMPTY_16 = frozenset({"StatusNotification", "MeterValues"}) | (NOTICES - {"SignCertificate"})
CORE_16: dict[str, tuple[str, ...]] = {
    "BootNotification": ("chargePointVendor", "chargePointModel"),
    "Heartbeat": (),
    "StatusNotification": ("connectorId", "status", "errorCode"),
    "Authorize": ("idTag",),
    "StartTransaction": ("connectorId", "idTag", "meterStart", "timestamp"),
    "StopTransaction": ("transactionId", "meterStop", "timestamp"),
    "MeterValues": ("connectorId", "meterValue"),
}
"""What a CALL has to have so that there is no reason to answer it with an error."""


@dataclass(slots=True)
class Card:
    """What a token's status was, from when on."""

    since: list[tuple[float, str]] = field(default_factory=list)

    def between(self, first_s: float, last_s: float) -> set[str]:
        """Return each status in force at some moment of a span."""
        found: set[str] = set()
        for number, (t, status) in enumerate(self.since):
            until = self.since[number + 1][0] if number + 1 < len(self.since) else float("inf")
            if t <= last_s and until >= first_s:
                found.add(status)
        return found


def token_statuses(history: History) -> dict[str, Card]:
    """Return what was registered of each token, by its text in small letters."""
    unknown = history.rules["answers"]["unknown_tokens"]
    found: dict[str, Card] = {}
    for seen in history.of("stored"):
        if seen["type"] == "TokenRegistered":
            name = str(seen["data"]["id_token"]).lower()
            found.setdefault(name, Card([(0.0, unknown)])).since.append((seen.t, seen["data"]["status"]))
    return found


@dataclass(slots=True)
class Call:
    """A CALL of a station, and how often it was answered."""

    seen: Observation
    frame: Frame
    version: str
    answers: int = 0


def _answers(history: History) -> Looked:
    looked, versions = Looked(), history.derive(socket_versions)
    if "answers" not in history.rules:
        return looked
    calls: dict[tuple[str, int, str], list[Call]] = {}
    first_told: dict[tuple[str, Fact], float] = {}
    refused: dict[str, int] = {}
    for seen in history.of("frame"):
        fields, frame = seen.fields, seen.frame()
        if frame is None or not frame.strict or not fields["edge"].startswith("csms."):
            continue
        station, key = fields["station"], (fields["station"], fields["socket"], frame.id)
        if fields["edge"] == "csms.received":
            if frame.kind == CALL and isinstance(frame.payload, dict):
                call = Call(seen, frame, versions.get((station, fields["socket"]), USUAL))
                calls.setdefault(key, []).append(call)
                for fact in told(frame.action, frame.payload, call.version):
                    first_told.setdefault((station, fact), seen.t)
            continue
        if not frame.is_answer:
            continue
        looked.checked += 1
        waiting = calls.get(key, [])
        open_calls = [call for call in waiting if not call.answers]
        if not open_calls:
            looked.violations.append(_answered_twice(seen, frame, station, waiting))
            continue
        call = open_calls[0]
        call.answers += 1
        since = min((first_told[station, one] for one in _facts_of(call)), default=call.seen.t)
        wrong = list(_wrong(history, call, seen, frame, min(since, call.seen.t), refused.get(station, 0)))
        if _card_of(call) is not None and _word(frame) != "Accepted":
            refused[station] = refused.get(station, 0) + 1
        if wrong:
            members = ", ".join(name for name, _, _ in wrong)
            looked.violations.append(
                Violation(
                    f"{call.frame.action} {call.frame.id} was answered wrongly: {members}",
                    "; ".join(f"{name} {expected}" for name, expected, _ in wrong),
                    "; ".join(f"{name} {found}" for name, _, found in wrong),
                    station,
                    story(call.seen, seen),
                )
            )
    looked.violations += _unanswered(history, calls)
    return looked


def _facts_of(call: Call) -> list[Fact]:
    return told(call.frame.action, call.frame.payload, call.version)


def _answered_twice(seen: Observation, frame: Frame, station: str, calls: list[Call]) -> Violation:
    what = calls[-1].frame.action if calls else "a CALL nobody made"
    asked = len(calls)
    return Violation(
        f"{what} {frame.id} was answered more often than it was asked" if calls else f"an answer to {what}: {frame.id}",
        f"{asked} answers",
        f"{asked + 1}",
        station,
        story([call.seen for call in calls], seen),
    )


Wrong = Iterator[tuple[str, str, str]]
"""(member, expected, found)."""


def _wrong(history: History, call: Call, seen: Observation, frame: Frame, since_s: float, refused: int) -> Wrong:
    action, payload = call.frame.action, frame.payload
    if frame.kind != CALLRESULT:
        core = CORE_16.get(action) if call.version == "ocpp1.6" else None
        if core is not None and all(name in call.frame.payload for name in core):
            yield "answer", "a CALLRESULT", f"CALLERROR {frame.code}"
        return
    rules = history.rules["answers"]
    if action in ("BootNotification", "Heartbeat"):
        at = moment(payload.get("currentTime"))
        now = EPOCH + timedelta(seconds=seen.t)
        if at is None or abs((at - now).total_seconds()) > CLOCK_S:
            yield "currentTime", now.isoformat(), str(payload.get("currentTime"))
    if action == "BootNotification":
        for name, expected in (("status", rules["registration"]), ("interval", int(rules["interval_s"]))):
            if payload.get(name) != expected:
                yield name, str(expected), str(payload.get(name))
    if (card := _card_of(call)) is not None:
        found = _word(frame)
        known = history.derive(token_statuses).get(card.lower(), Card([(0.0, rules["unknown_tokens"])]))
        allowed = known.between(since_s - TOKENS_S, seen.t) if card else {"Accepted"}
        if found not in allowed and not (found == "Invalid" and refused >= GUESSES):
            yield f"status of {card}", " or ".join(sorted(allowed)), str(found)
    yield from _shape(call, payload)


def _shape(call: Call, payload: Mapping[str, Any]) -> Wrong:
    if call.version != "ocpp1.6":
        return
    if call.frame.action in EMPTY_16 and payload:
        yield "payload", "nothing", str(payload)[:80]
    number = payload.get("transactionId")
    if call.frame.action == "StartTransaction" and (type(number) is not int or number < 1):
        yield "transactionId", "a number from 1 on", str(number)


def _card_of(call: Call) -> str | None:
    """Return the token whose status the answer has to tell, None where it has none to tell."""
    payload = call.frame.payload
    if call.version == "ocpp1.6":
        return payload.get("idTag") if call.frame.action in CARD_16 else None
    token = payload.get("idToken") if call.frame.action in ("Authorize", "TransactionEvent") else None
    if not isinstance(token, dict):
        return None
    return "" if token.get("type") == "NoAuthorization" else token.get("idToken")


def _word(frame: Frame) -> str | None:
    for name in ("idTagInfo", "idTokenInfo"):
        if isinstance(info := frame.field(name), dict):
            status = info.get("status")
            return None if status is None else str(status)
    return None


def _unanswered(history: History, calls: Mapping[tuple[str, int, str], list[Call]]) -> Iterator[Violation]:
    rest = history.phase("rest")
    if rest is None:
        return
    closed = {(seen["station"], seen["socket"]) for seen in history.of("socket.closed")}
    for (station, socket, message_id), several in calls.items():
        for call in several:
            if call.answers or (station, socket) in closed or call.seen.t > rest.t - PATIENCE_S:
                continue
            if not _served(history, station, call.seen):
                continue
            yield Violation(
                f"{call.frame.action} {message_id} was never answered",
                f"an answer within {PATIENCE_S:g} s",
                "none, and the connection, the node and its store lived on",
                station,
                story(call.seen),
            )


def _served(history: History, station: str, call: Observation) -> bool:
    """Tell whether a CALL's node and store worked for as long as its answer may take.

    Where the store failed an answer may stay away: the station is to send again what it told.
    """
    node, from_s, until_s = call["node"], call.t, call.t + PATIENCE_S
    down = history.of_any("node.crashed", "node.stopping", "node.broke")
    if any(seen["node"] == node and call.i < seen.i and seen.t <= until_s for seen in down):
        return False
    return not store_failed(history, node, station, from_s, until_s)


@invariant(
    "I37",
    "answers are right",
    needs=lambda history: history.derive(_answers).scope,
    absent="no station was answered, or it is not known what answers were to say",
    frames=True,
    ref="OCPP 1.6 sections 4.1, 4.2, 4.6, 4.8 and 4.10; OCPP-J 1.6 section 4.1",
)
def answers_are_right(history: History) -> Iterator[Violation]:
    """Each CALL of a station gets one answer, and it says what was so at that moment.

    A boot: registration and interval as they are set. Boot and heartbeat: the CSMS's time, within a second. A card: the
    status registered for its token when it was shown, or when a start that is told again was told first. No error to a
    message that can be read; nothing where nothing belongs; and a transaction's number is one from 1 on.
    """
    yield from history.derive(_answers).violations
