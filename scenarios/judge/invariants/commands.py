"""Commands: sent once, after their intent; done once; and never without a known end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from interlock.scenarios.judge.invariants import unattributed_calls
from interlock.scenarios.judge.invariants.declare import Scope, invariant, story
from interlock.scenarios.judge.invariants.model import Lives
from interlock.scenarios.judge.rules import opened_twice
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import Command, History, LogEvent, Observation


def _unknown_frames(history: History) -> list[tuple[tuple[str, str], list[Observation]]]:
    """CALL frames that no command accounts for."""
    return [(key, frames) for key, frames in history.call_frames.items() if history.call(*key) is None]


@invariant(
    "I01",
    "one frame per command",
    records="log",
    needs=lambda history: len(history.calls) + len(_unknown_frames(history)),
    absent="no command was called",
    ref="OCPP-J 1.6 section 4.1.1; an answer that stays away leaves two possibilities (Gray, Notes on Data Base "
    "Operating Systems, 1978)",
)
def one_frame(history: History) -> Iterator[Violation]:
    """At most one CALL is written for each command, ever.

    A frame without an answer may have been carried out. Sending it again, after a time-out, a lost race or a restart,
    is how one unlock becomes two. Doubt is resolved by evidence, never by a second frame.
    """
    for command_id, calls in history.calls.items():
        messages = dict.fromkeys((call["station"], call["message_id"]) for call in calls)
        frames = list(chain.from_iterable(history.call_frames.get(message, ()) for message in messages))
        times = max(len(calls), len(frames))
        if times > 1:
            yield Violation(
                f"command {command_id} was sent {times} times",
                "one CALL for the command",
                f"{len(calls)} CALLs written, {len(frames)} frames sent",
                calls[0]["station"],
                story(_intent(history, command_id), calls, frames),
            )
    for (station, message_id), frames in _unknown_frames(history):
        if len(frames) > 1:
            yield Violation(
                f"CALL {message_id} was sent {len(frames)} times",
                "one frame under a message id",
                f"{len(frames)} frames sent",
                station,
                story(frames),
            )


Asked = tuple[str, str, int]


def _unlocks(history: History) -> dict[Asked, list[Observation]]:
    """Unlocks caused remotely, by what the operator asked for (or, if that is not known, the message) and connector."""
    groups: dict[Asked, list[Observation]] = {}
    for (station, message_id), effects in history.effects.items():
        for seen in effects:
            if _is_unlock(seen):
                call = history.call(station, message_id)
                asked = ("message", f"{station} {message_id}")
                if call is not None:
                    asked = ("request", call["request_id"]) if call["request_id"] else ("station", station)
                groups.setdefault((*asked, seen["connector"]), []).append(seen)
    return groups


def _is_unlock(seen: Observation) -> bool:
    return seen.kind == "ledger" and seen["part"] == "lock" and seen["action"] == "unlocked"


def _unlock_requests(history: History) -> Scope:
    asked = {seen["request_id"] for seen in history.of("request.asked") if seen["command"]["kind"] == "Unlock"}
    groups = history.derive(_unlocks)
    unsure = {(station, connector) for what, station, connector in groups if what == "station"}
    sure = {name for what, name, _ in groups if what != "station"}
    for station, connector in unsure:
        asked -= _asked_to_unlock(history, station, connector).keys()
    return Scope(len(asked | sure), sum(len(groups["station", *place]) for place in unsure))


def _asked_to_unlock(history: History, station: str, connector: int) -> dict[str, list[Observation]]:
    """The requests to unlock a connector, each with its attempts."""
    found: dict[str, list[Observation]] = {}
    for seen in history.of("request.asked"):
        wanted = seen["command"]["kind"], seen["station"], seen["command"].get("evse")
        if wanted == ("Unlock", station, connector):
            found.setdefault(seen["request_id"], []).append(seen)
    return found


def _may_unlock(history: History, station: str, connector: int) -> int:
    """How often a connector may be unlocked for requests of which it is not known which unlocks they caused."""
    asked = _asked_to_unlock(history, station, connector)
    if not history.told("requests"):  # it cannot know that an operator asks again, so each attempt asks anew
        return sum(map(len, asked.values()))
    groups = history.derive(_unlocks)
    return sum(("request", name, connector) not in groups for name in asked)


@invariant(
    "I02",
    "no double unlock",
    needs=_unlock_requests,
    absent="no unlock was asked for",
    ref="OCPP 1.6 section 5.18; Saltzer, Reed and Clark, End-to-End Arguments in System Design, 1984",
)
def no_double_unlock(history: History) -> Iterator[Violation]:
    """The lock moves at most once for each thing an operator asked, however often it was tried.

    Judged on the ledger of the hardware and not on the wire: a station may answer what it likes. All attempts and all
    commands under one request id count together. Where a CSMS does not say for which request it sent what, there may
    be as many unlocks of a connector as there were requests.
    """
    for (what, name, connector), unlocked in history.derive(_unlocks).items():
        if what == "station":
            may = _may_unlock(history, name, connector)
            asked = [seen for attempts in _asked_to_unlock(history, name, connector).values() for seen in attempts]
            words = f"{may} requests, {len(unlocked)} unlocks: connector {connector} of {name}"
            yield from opened_twice(words, connector, unlocked, may, asked)
        elif len(unlocked) > 1:
            calls = [history.call(unlocked[0]["station"], seen["message_id"] or "") for seen in unlocked]
            asked = [seen for seen in history.of("request.asked") if seen["request_id"] == name]
            also = [*asked, *(call for call in calls if call is not None)]
            yield from opened_twice(f"one {what}, {len(unlocked)} unlocks: {name}", connector, unlocked, also=also)


@invariant(
    "I03",
    "intent before effect",
    needs=lambda history: len(history.call_frames),
    absent="no CALL left the CSMS",
    frames=True,
    ref="Mohan et al., ARIES (write-ahead logging), 1992",
)
def intent_before_effect(history: History) -> Iterator[Violation]:
    """Each CALL of the CSMS has its intent in the log before the frame leaves.

    A frame that leaves first cannot be taken back when the append loses its race: sending before appending is the
    mistake this project began with.
    """
    intents: dict[str, Observation] = {}
    for seen in history.of("stored"):
        if seen.fields["type"] == "CommandRequested":
            intents.setdefault(seen.fields["data"]["command_id"], seen)
    for (station, message_id), frames in history.call_frames.items():
        call = history.call(station, message_id)
        intent = intents.get(call["command_id"]) if call else None
        first = frames[0]
        if intent is None or intent.i > first.i:
            found = "its intent was never stored" if intent is None else f"its intent was stored at {intent.t:.3f} s"
            refused = [seen for seen in history.of("append.refused") if seen.i > first.i and _of(seen, station)]
            yield Violation(
                f"CALL {message_id} left without an intent in the log",
                "CommandRequested stored before the frame was sent",
                f"sent at {first.t:.3f} s, {found}",
                station,
                story(call, first, history.caused(station, message_id), intent, refused[:1]),
            )


def _of(seen: Observation, station: str) -> bool:
    return bool(seen["stream"] == f"station-{station}")


@invariant(
    "I04",
    "each actuation has one intent",
    records="log",
    needs=lambda history: len(history.effects),
    absent="nothing was moved remotely",
    rest=True,
)
def one_intent(history: History) -> Iterator[Violation]:
    """Everything a station did on a CALL has exactly one intent in the log.

    Without one, the CSMS unlocked a cable and has no record of it; with two, it is unknown which of them did it.
    """
    for (station, message_id), effects in history.effects.items():
        call = history.call(station, message_id)
        command = history.commands.get(call["command_id"]) if call else None
        intents = command.intents if command else []
        if len(intents) != 1:
            yield Violation(
                f"{_what(effects[0])} by CALL {message_id or 'without an id'} has {len(intents)} intents",
                "one CommandRequested in the log",
                f"{len(intents)}",
                station,
                story(call, effects[:4], intents),
            )


def _what(seen: Observation) -> str:
    if seen.kind == "session.begun":
        return f"the session on connector {seen['connector']}"
    return f"{seen['part']} {seen['action']} on connector {seen['connector']}"


def _kept(history: History, command: Command) -> bool:
    """Tell whether the log has what the station answered: yes, no, an error, or that it contradicts the outcome."""
    for step, event in command.steps:
        if step in ("accepted", "rejected", "confirmed", "refuted", "lapsed"):
            return True
        if step == "in-doubt" and "answer" in event.data.get("why", ""):
            return True
    return command.command_id in history.derive(_contradicted)


def _unread(history: History, command: Command, answer: Observation) -> bool:
    """Tell whether a fault broke off the handling of a connection while this answer still waited there to be read."""
    broke = [seen for seen in history.of("node.broke") if seen["node"] == answer["node"] and seen.i > answer.i]
    if not broke or any(
        seen["point"] == "answer.received" and seen["command_id"] == command.command_id for seen in history.of("point")
    ):
        return False
    line = answer.get("station"), answer.get("socket")
    closed = (seen for seen in history.of("socket.closed") if (seen["station"], seen.get("socket")) == line)
    end = next((seen for seen in closed if seen.i > answer.i and seen.get("edge", "csms") == "csms"), None)
    return end is not None and any(seen.i < end.i and seen.t == end.t for seen in broke)


def _contradicted(history: History) -> set[str]:
    return {event.data["command_id"] for event in history.log if event.type == "ContradictingEvidence"}


@invariant(
    "I05",
    "no lost outcome",
    records="outcomes",
    needs=lambda history: len(history.commands),
    absent="no command was accepted",
    rest=True,
    ref="Helland, Life beyond Distributed Transactions, 2007",
)
def no_lost_outcome(history: History) -> Iterator[Violation]:
    """At rest every command has an outcome, which may be an explicit CommandUnknown.

    Requested and in doubt are not final: a command left there holds its connector for ever. Unknown is not allowed when
    an answer reached a node that kept running: that is an outcome dropped because its append lost a race. Of a CSMS
    that tells no log this is asked where the answer was a plain one, prompt, and came on the CALL's connection.
    """
    rest, lives = history.phase("rest"), history.derive(Lives)
    for command in history.commands.values():
        for answer in _answers(history, command):
            if _kept(history, command) or _unread(history, command, answer) or not _sure(history, command, answer):
                continue
            if not lives.fell(answer["node"], answer.i, math.inf):
                yield Violation(
                    f"the answer to {command.kind} {command.command_id} is not in the log",
                    "what the station answered, in the log",
                    f"it came at {answer.t:.3f} s; the log: {[step for step, _ in command.steps]}",
                    command.station,
                    story(command.intent, _truths(history, command), answer, rest),
                )
                break
        if not command.outcomes():
            last = command.steps[-1][1] if command.steps else None
            calls = history.calls.get(command.command_id, [])
            yield Violation(
                f"{command.kind} {command.command_id} has no outcome",
                "an outcome, or CommandUnknown",
                f"still {command.steps[-1][0] if command.steps else 'requested'} at rest",
                command.station,
                story(command.intent, calls, _truths(history, command), last, rest),
            )


PROMPT_S = 5.0
"""How soon an answer comes for which every CSMS still waits."""


def _blind(history: History) -> bool:
    """Tell whether the CSMS is seen from outside, and does not tell its log."""
    return history.rules.get("seen_from") == "outside" and "log" not in history.rules.get("told", ())


def plain(answer: Observation) -> bool:
    """Tell whether an answer says yes or no: an error says neither for certain, nor does what cannot be read."""
    frame = answer.frame()
    return frame is not None and frame.field("status") in ACCEPTING | REFUSING


def _sure(history: History, command: Command, answer: Observation) -> bool:
    """Tell whether a CSMS has to have this answer on record, and could not give its command up before."""
    if not _blind(history):
        return True
    calls = [call for call in history.calls.get(command.command_id, ()) if call.i < answer.i]
    if not calls or not plain(answer) or answer.t - calls[-1].t > PROMPT_S:
        return False
    return not any(
        seen["station"] == command.station and calls[-1].i < seen.i < answer.i for seen in history.of("socket.opened")
    )


LOOKED_AT_S = 5.0
"""An answer may wait this long behind the frames before it, at a slow store."""
READS = frozenset(("GetCompositeSchedule", "GetConfiguration", "GetLocalListVersion"))
"""Actions whose answers have no status: a station that answered one has carried it out."""
NOT_DONE = frozenset(("NotImplemented", "NotSupported"))
"""Errors that say for certain that nothing was done."""
REFUSING = frozenset(
    ("Rejected", "UnlockFailed", "NotSupported", "NotImplemented", "UnknownVendorId", "Faulted", "Occupied")
)
"""What a station says when it does not."""
ACCEPTING = frozenset(("Accepted", "Unlocked", "Scheduled", "RebootRequired"))
"""The answers by which a station says that it carries a command out."""


def _outcomes(history: History) -> Scope:
    """Count commands with an outcome; those that cannot be told from equal ones count as cut short.

    Where stations say what is laid down for them (rules: fiction), the hardware tells nothing of it.
    """
    if history.rules.get("fiction"):
        return Scope(0)
    untied = unattributed_calls.untied(history)
    known = [command.command_id in untied for command in history.commands.values() if command.outcomes()]
    return Scope(len(known) - sum(known), sum(known))


@invariant(
    "I07",
    "outcome = ground truth",
    records="outcomes",
    needs=_outcomes,
    absent="no command has an outcome",
    rest=True,
    ref="OCPP 1.6 sections 5.11 and 5.18",
)
def outcome_is_true(history: History) -> Iterator[Violation]:
    """What the log says became of a command is what the hardware did.

    An unlock that was accepted moved the lock, one rejected or refuted did not. A start that was accepted or confirmed
    was taken by the station or began a session; a rejected one did neither, and a refuted one began none. Anything
    else that was accepted was taken by the station, and anything rejected or refuted was not. Unknown claims nothing,
    and a start without an answer may be confirmed by a session that the same token began there by card. Every outcome
    in the log is judged, not only the last; for stations that lose what they had to tell, not that a start was refuted.
    Where a CSMS does not tell which CALL was for which of several equal commands, only their numbers are judged. A
    station that said the opposite of what it had decided was believed, and that is no fault.

    A 2.0.1 station gives a remote start's id back with the transaction it caused, so a card is no evidence there, and a
    transaction recorded as a start's effect has a session that began by it.
    """
    if history.rules.get("fiction"):
        return
    yield from unattributed_calls.judge(history, _was_done, _plainly)
    yield from _wrong_effects(history)
    unjudged = unattributed_calls.untied(history) | history.derive(_answered_both_ways)
    for command in history.commands.values():
        if command.command_id in unjudged:
            continue
        for phase, event in command.outcomes():
            wrong = None if _crossed(history, command, event) else _contradiction(history, command, phase, event)
            if wrong is not None and not _misled(history, command, phase, event):
                expected, found = wrong
                calls = history.calls.get(command.command_id, [])
                yield Violation(
                    f"{command.kind} {command.command_id} is recorded as {phase}, and it is not so",
                    expected,
                    found,
                    command.station,
                    story(command.intent, calls, _truths(history, command), event),
                )


def _answered_both_ways(history: History) -> frozenset[str]:
    """Return the commands that a station answered more than once, differently: what the log believed was said."""
    said: dict[str, set[str]] = {}
    for seen in history.of("frame"):
        if seen.fields["edge"] == "station.sent" and (frame := seen.frame()) is not None and frame.is_answer:
            said.setdefault(frame.id, set()).add(seen.fields["text"])
    return frozenset(
        command_id
        for command_id in history.commands
        if any(len(said.get(call["message_id"], ())) > 1 for call in history.calls.get(command_id, ()))
    )


def _wrong_effects(history: History) -> Iterator[Violation]:
    """Transactions that stations named, recorded as the effect of a start that caused none of their sessions."""
    for event in history.log:
        if event.type not in ("TransactionStarted", "TransactionUpdated") or event.data.get("seq_no") is None:
            continue
        command = history.commands.get(event.data["command_id"] or "")
        if command is None or not history.calls.get(command.command_id):
            continue  # from outside it may not be known which CALL was for it
        number = event.data["transaction_id"]
        one = history.named_transactions.get((command.station, number))
        messages = {call["message_id"] for call in history.calls[command.command_id]}
        if one is not None and not any(session.begun["message_id"] in messages for session in one.sessions):
            yield Violation(
                f"transaction {number} is recorded as the effect of {command.kind} {command.command_id}",
                "a session of it that began by that command",
                f"its sessions began by {[session.begun['message_id'] or 'a card' for session in one.sessions]}",
                command.station,
                story(command.intent, one.begun, [session.begun for session in one.sessions], event),
            )


def _crossed(history: History, command: Command, event: LogEvent) -> bool:
    """Tell whether the station had sent answers under other CALLs' ids by then: nobody can tell whose they are."""
    return any(
        seen["station"] == command.station and seen["how"] == "answer under an old id" and seen.i < event.i
        for seen in history.of("deviated")
    )


def _misled(history: History, command: Command, phase: str, event: LogEvent) -> bool:
    """Tell whether the station had said what `event` records, against all it had decided: nobody can see through that.

    Its true answer went down with a connection, and what it said afterwards was another one. A CSMS that tells no log
    may also take an error, or what cannot be read, for a no.
    """
    unclear = (one.i < event.i and not plain(one) for one in _answers(history, command))
    if phase == "rejected" and _blind(history) and any(unclear):
        return True
    said, decided = {"rejected": (REFUSING, ACCEPTING), "accepted": (ACCEPTING, REFUSING)}.get(phase, ((), ()))
    for answer in _answers(history, command):
        frame, before = answer.frame(), [seen for seen in _truths(history, command) if seen.i < answer.i]
        words = [seen["status"] for seen in before if seen.kind == "obeyed"]
        if answer.i < event.i and frame is not None and frame.field("status") in said and words:
            return all(word in decided for word in words)
    return False


def _contradiction(history: History, command: Command, phase: str, event: LogEvent) -> tuple[str, str] | None:
    truths = _truths(history, command)
    obeyed = [seen for seen in truths if seen.kind == "obeyed"]
    said = [seen["status"] for seen in obeyed]
    taken = any(status in ACCEPTING for status in said)
    answer = f"the station decided {', '.join(said)}" if said else "the station never acted on it"
    match command.kind:
        case "Unlock":
            moved = sum(_is_unlock(seen) for seen in truths)
            if phase in ("accepted", "confirmed") and not moved:
                return "the lock was opened by it", f"it was not; {answer}"
            if phase in ("rejected", "refuted") and moved:
                return "the lock was not opened by it", f"it was, {moved} times; {answer}"
        case "RemoteStart":
            begun = any(seen.kind == "session.begun" for seen in truths)
            if phase in ("accepted", "confirmed") and not (taken or begun):
                refused = filter(_says_no, _answers(history, command))
                known = any(_survived(history, command, seen, event) for seen in refused)
                tells = history.station_rules(command.station).get("ocpp", "1.6") != "1.6"
                if phase == "confirmed" and not known and not tells and _same_card(history, command):
                    return None  # OCPP 1.6 cannot tell the two apart
                return "the station took it, or a session began by it", answer
            if phase == "rejected" and (taken or begun):
                return "the station did not take it", f"{answer}{', a session began' if begun else ''}"
            lossy = history.station_rules(command.station).get("lossy")
            if phase == "refuted" and begun and not lossy:
                return "no session began by it", "one did"
        case _:
            if phase == "accepted" and not (taken or (command.asked.get("action") in READS and obeyed)):
                return "the station took it", answer
            if phase in ("rejected", "refuted") and taken:
                return "the station did not take it", answer
    return None


def _was_done(history: History, command: Command, call: Observation) -> bool:
    """Tell whether a station did what a CALL asked for."""
    station, message_id = call["station"], call["message_id"]
    caused = history.caused(station, message_id)
    if command.kind == "Unlock":
        return any(map(_is_unlock, caused))
    said = (seen["status"] for seen in history.obeyed(station, message_id))
    return bool(caused) or any(status in ACCEPTING for status in said)


def _plainly(history: History, call: Observation) -> bool:
    """Tell whether a CALL had no answer but plain ones."""
    return all(map(plain, history.answers.get((call["station"], call["message_id"]), ())))


def _says_no(answer: Observation) -> bool:
    """Tell whether an answer refuses. An error, or a payload that is not to be understood, says nothing."""
    frame = answer.frame()
    if frame is None:
        return False
    return frame.code in NOT_DONE or frame.field("status") in REFUSING


def _survived(history: History, command: Command, answer: Observation, event: LogEvent) -> bool:
    """Tell whether the CSMS knew an answer when it recorded `event`: in the log, or with a node that lived on.

    One that a node had received and not yet stored when it crashed has died with it.
    """
    if answer.t >= event.t - LOOKED_AT_S:
        return False
    stored = any(answer.i < one.i < event.i for step, one in command.steps if step in ("accepted", "rejected"))
    return stored or not history.derive(Lives).fell(answer["node"], answer.i, event.t)


def _answers(history: History, command: Command) -> list[Observation]:
    """The station's answers to a command that reached the CSMS."""
    calls = history.calls.get(command.command_id, ())
    return [seen for call in calls for seen in history.answers.get((call["station"], call["message_id"]), ())]


def _same_card(history: History, command: Command) -> bool:
    """Tell whether the token of a start, its letters' case aside, began a session there by card after it was asked."""
    wanted = command.station, command.asked["evse"], str(command.asked["id_token"]).lower()
    return any(
        (session.begun["station"], session.begun["connector"], str(session.begun["id_token"]).lower()) == wanted
        and session.begun.i > command.intent.i
        for session in history.sessions
    )


def _truths(history: History, command: Command) -> list[Observation]:
    """What the station decided and did because of a command."""
    found: list[Observation] = []
    for call in history.calls.get(command.command_id, ()):
        found += history.obeyed(call["station"], call["message_id"])
        found += history.caused(call["station"], call["message_id"])
    return found


def _intent(history: History, command_id: str) -> LogEvent | None:
    command = history.commands.get(command_id)
    return command.intent if command else None
