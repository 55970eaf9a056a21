"""What is answered is right: one answer to each CALL, of its kind, with what was true at that moment."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.scenarios.judge.expected_answers import VERSION, fitting, fixed
from interlock.scenarios.judge.expected_facts import Fact, moment
from interlock.scenarios.judge.invariants.calls_as_asked import USUAL, facts_told, rules_broken, socket_versions
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import store_failed
from interlock.scenarios.judge.invariants.registered import Registered, Since, bars, boots_are
from interlock.scenarios.judge.verdict import Violation, as_text
from interlock.scenarios.record.domain_view import EPOCH
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.history import History, Observation

CLOCK_S = 1.0
"""How far the time told may be from the time at which it is told."""
TOKENS_S = 5.0
"""How long a token's new status may take to be known everywhere."""
PATIENCE_S = 30.0
"""How long a CALL may wait for its answer on a socket and a node that live on, with a store that works."""
GUESSES, GUESSES_S = 50, 120.0
"""Refused cards of a station within so many seconds after which it may be taken for one that guesses."""
TOO_MANY, TOO_MANY_S = 80, 12.0
"""Wrong cards of which a station may learn within so many seconds what they are: beyond, each is Invalid (S35)."""
ID_LIMIT = 36
"""Characters of a message id, beyond which a CSMS that is strict takes a frame for none."""
CARD_16 = frozenset({"Authorize", "StartTransaction", "StopTransaction"})
ID_TAG_LIMIT = 20
"""Characters of an idTag of 1.6: a longer group cannot be told."""


Card = Since
"""What a token's status was, from when on."""


def token_statuses(history: History) -> dict[str, Card]:
    """Return what was registered of each token, by its text in small letters."""
    return _registered(history, "status", history.rules["answers"]["unknown_tokens"])


def token_groups(history: History) -> dict[str, Card]:
    """Return the group of each token, empty for none, by its text in small letters."""
    return _registered(history, "parent", "")


def _registered(history: History, member: str, unknown: str) -> dict[str, Card]:
    found: dict[str, Card] = {}
    for seen in history.of("stored"):
        if seen["type"] == "TokenRegistered":
            name = str(seen["data"]["id_token"]).lower()
            said = seen["data"].get(member) or ""
            found.setdefault(name, Card([(0.0, unknown)])).since.append((seen.t, said))
    return found


@dataclass(slots=True)
class Call:
    """A CALL of a station, and how often it was answered."""

    seen: Observation
    frame: Frame
    version: str
    facts: list[Fact]
    answers: int = 0


def _answers(history: History) -> Looked:
    looked, versions = Looked(), history.derive(socket_versions)
    if "answers" not in history.rules:
        return looked
    facts = history.derive(facts_told)
    calls: dict[tuple[str, int, str], list[Call]] = {}
    first_told: dict[tuple[str, Fact], float] = {}
    refused: dict[str, list[float]] = {}
    told: dict[str, list[float]] = {}
    strict = history.rules["answers"].get("acceptance") == "strict"
    odd: dict[tuple[str, int], int] = {}
    registered, breaks = Registered(history), history.derive(rules_broken)
    for seen, frame, received in history.csms_frames:
        fields = seen.fields
        socket = fields["station"], fields["socket"]
        if frame is None or not readable(seen, frame) or (strict and len(frame.id) > ID_LIMIT):
            odd[socket] = odd.get(socket, 0) + received
            continue
        station, key = fields["station"], (*socket, frame.id)
        if received:
            registered.hear(socket, seen.t)
            if frame.kind == CALL and isinstance(frame.payload, dict):
                call = Call(seen, frame, versions.get((station, fields["socket"]), USUAL), facts[seen.i])
                calls.setdefault(key, []).append(call)
                for fact in call.facts:
                    first_told.setdefault((station, fact), seen.t)
            continue
        if not frame.is_answer:
            continue
        looked.checked += 1
        waiting = calls.get(key, [])
        open_calls = [call for call in waiting if not call.answers]
        if not open_calls and odd.get(socket, 0):
            odd[socket] -= 1  # it answers something that could be read only in part
            continue
        if not open_calls:
            looked.violations.append(_answered_twice(seen, frame, station, waiting))
            continue
        call = open_calls[0]
        call.answers += 1
        if call.version == USUAL and _acknowledges(frame, call) and not breaks[call.seen.i]:
            continue
        since = min((first_told[station, one] for one in call.facts), default=call.seen.t)
        guesses, learnt = refused.setdefault(station, []), told.setdefault(station, [])
        wrong = list(_wrong(history, call, seen, frame, min(since, call.seen.t), guesses, learnt, registered))
        registered.answer(socket, call.frame.action, frame)
        if _card_of(call) is not None and _word(frame) != "Accepted":
            guesses.append(seen.t)
            learnt += [seen.t] if call.frame.action == "Authorize" and _word(frame) != "Invalid" else []
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


def _acknowledges(frame: Frame, call: Call) -> bool:
    """Tell whether a frame only acknowledges a CALL, of which nothing else has to be said: the most frequent answer."""
    return frame.kind == CALLRESULT and frame.payload == {} and fixed(call.frame.action, call.version) == {}


BRACKETS = 32
"""Brackets of a message, beyond which one may be nested too deeply to be read."""


def readable(seen: Observation, frame: Frame) -> bool:
    """Tell whether a frame is one that everybody can read: of the right form, with an id, not nested too deeply."""
    text = seen.fields["text"]
    if len(text) <= BRACKETS:
        return frame.strict and bool(frame.id)
    return frame.strict and bool(frame.id) and (text.count("[") + text.count("{") <= BRACKETS or not _deep(text))


def _deep(text: str) -> bool:
    depth = most = 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        most = max(most, depth)
    return most > BRACKETS


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


def _wrong(
    history: History,
    call: Call,
    seen: Observation,
    frame: Frame,
    since_s: float,
    guesses: Sequence[float],
    told: Sequence[float],
    registered: Registered,
) -> Wrong:
    action, payload = call.frame.action, frame.payload
    rules = history.rules["answers"]
    wrong = history.derive(rules_broken)[call.seen.i]
    socket = seen["station"], seen["socket"]
    if frame.kind != CALLRESULT:
        barred = frame.code == "SecurityError" and registered.may_be_barred(socket, call.seen.t, seen.t)
        yield from () if barred else _wrong_error(call, frame, wrong)
        return
    yield from bars(registered, socket, action, call.version, seen.t)
    if wrong & {"action", "direction"} or (wrong - {"format"} and rules.get("acceptance") == "strict"):
        yield "answer", f"CALLERROR {' or '.join(sorted(fitting(wrong, call.version)))}", "a CALLRESULT"
        return
    if action in ("BootNotification", "Heartbeat"):
        at = moment(payload.get("currentTime"))
        now = EPOCH + timedelta(seconds=seen.t)
        if at is None or abs((at - now).total_seconds()) > CLOCK_S:
            yield "currentTime", now.isoformat(), str(payload.get("currentTime"))
    if action == "BootNotification":
        if payload.get("status") not in (words := boots_are(history, seen["node"], call.seen.t, seen.t)):
            yield "status", " or ".join(sorted(words)), str(payload.get("status"))
        if payload.get("interval") != int(rules["interval_s"]):
            yield "interval", str(int(rules["interval_s"])), str(payload.get("interval"))
    if (card := _card_of(call)) is not None:
        found = _word(frame)
        known = history.derive(token_statuses).get(card.lower(), Card([(0.0, rules["unknown_tokens"])]))
        allowed = known.between(since_s - TOKENS_S, seen.t) if card or call.version == USUAL else {"Accepted"}
        refused = _since(guesses, seen.t - GUESSES_S)
        if found not in allowed and not (found == "Invalid" and refused >= GUESSES):
            yield f"status of {card}", " or ".join(sorted(allowed)), str(found)
        elif found not in ("Accepted", "Invalid") and action == "Authorize" and _guessing(history, told, seen.t):
            yield f"status of {card}", f"Invalid: it was told of {TOO_MANY} wrong cards just now", str(found)
        elif refused < GUESSES:
            yield from _group(history, call, payload, card, since_s, seen.t)
    if not wrong:
        yield from _shape(call, payload, card)


def _since(times: Sequence[float], first_s: float) -> int:
    return len(times) - bisect_left(times, first_s)


def _guessing(history: History, told: Sequence[float], now_s: float) -> bool:
    """Tell whether a station has learnt of so many wrong cards that it guesses, from the one node that lived on."""
    nodes = history.of_any("node.started", "node.crashed", "node.stopping")
    return len(nodes) == 1 and _since(told, now_s - TOO_MANY_S) >= TOO_MANY


def _wrong_error(call: Call, frame: Frame, wrong: frozenset[str]) -> Wrong:
    """An error answers only what breaks a rule, with a code that names it."""
    if call.version not in VERSION:
        return
    if not wrong:
        yield "answer", "a CALLRESULT", f"CALLERROR {frame.code}"
    elif frame.code not in (codes := fitting(wrong, call.version)):
        yield "code", f"{' or '.join(sorted(codes))}: it breaks {', '.join(sorted(wrong))}", frame.code


GROUPS = {"ocpp1.6": ("idTagInfo", "parentIdTag"), "ocpp2.0.1": ("idTokenInfo", "groupIdToken")}


def _group(
    history: History, call: Call, payload: Mapping[str, Any], card: str, since_s: float, until_s: float
) -> Wrong:
    if call.version not in GROUPS:
        return
    info, member = GROUPS[call.version]
    said = payload[info].get(member) if isinstance(payload.get(info), dict) else None
    found = said.get("idToken") if isinstance(said, dict) else said
    known = history.derive(token_groups).get(card.lower(), Card([(0.0, "")]))
    allowed = known.between(since_s - TOKENS_S, until_s)
    if call.version == USUAL:
        allowed = {one if len(one) <= ID_TAG_LIMIT else "" for one in allowed}
    if (found or "") not in allowed:
        yield f"group of {card}", " or ".join(one or "none" for one in sorted(allowed)), str(found)
    elif isinstance(said, dict) and said.get("type") != "Central":
        yield f"type of the group of {card}", "Central", str(said.get("type"))


def _shape(call: Call, payload: Mapping[str, Any], card: str | None) -> Wrong:
    action = call.frame.action
    expected = fixed(action, call.version)
    if expected is not None and payload != expected:
        yield "payload", as_text(expected or None), as_text(payload, 80)
    if call.version in VERSION and action in ("StopTransaction", "TransactionEvent") and card is None and payload:
        yield "payload", "nothing: it showed no card", as_text(payload, 80)
    number = payload.get("transactionId")
    if call.version == USUAL and action == "StartTransaction" and (type(number) is not int or number < 1):
        yield "transactionId", "a number from 1 on", str(number)


def _card_of(call: Call) -> str | None:
    """Return the token whose status the answer has to tell, None where it has none to tell."""
    payload = call.frame.payload
    if call.version == "ocpp1.6":
        tag = payload.get("idTag") if call.frame.action in CARD_16 else None
        return tag if isinstance(tag, str) else None
    token = payload.get("idToken") if call.frame.action in ("Authorize", "TransactionEvent") else None
    if not isinstance(token, dict):
        return None
    text = "" if token.get("type") == "NoAuthorization" else token.get("idToken")
    return text if isinstance(text, str) else None


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
            if any(one.answers and one.seen["text"] == call.seen["text"] for one in several):
                continue  # the same message, told again: an answer is one to it
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
    status and the group registered for its token when it was shown, or when a start that is told again was told first.
    No error to a message that holds its schema, and to any other one that names a rule it breaks; what nobody here can
    do anything for is answered so, with nothing more; and a transaction's number is one from 1 on.
    """
    yield from history.derive(_answers).violations
