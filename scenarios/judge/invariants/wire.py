"""The wire: what OCPP-J demands of whoever sends frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, Observation, seconds

TOLERANCE_S = 0.01


def _outstanding(history: History) -> Looked:
    looked, waiting = Looked(), dict[tuple[str, int], tuple[str, Observation]]()
    timeout_s = history.rules.get("call_timeout_s", 0.0)
    for seen in history.of("frame"):
        fields = seen.fields
        head = fields["text"][:8].lstrip(" [")
        key = fields["station"], fields["socket"]
        if fields["edge"] == "csms.sent" and head.startswith("2"):
            message = seen.message()
            if message is None or len(message) < 2:
                continue
            looked.checked += 1
            before = waiting.get(key)
            if before is not None and seen.t < _patience_ends(history, before, timeout_s):
                looked.violations.append(
                    Violation(
                        f"CALL {message[1]} was sent while {before[0]} had no answer",
                        f"an answer first, or {timeout_s:g} s without one",
                        f"{seen.t - before[1].t:.3f} s after it",
                        fields["station"],
                        story(before[1], seen),
                    )
                )
            waiting[key] = str(message[1]), seen
        elif fields["edge"] == "csms.received" and head.startswith(("3", "4")) and key in waiting:
            message = seen.message()
            if message is not None and len(message) > 1 and message[1] == waiting[key][0]:
                del waiting[key]
    return looked


def _patience_ends(history: History, before: tuple[str, Observation], timeout_s: float) -> float:
    """Return when a CALL may count as timed out: at its command's deadline, wherever it spent its time."""
    call = history.call(before[1]["station"], before[0])
    command = history.commands.get(call["command_id"]) if call else None
    deadline = command.intent.data.get("deadline") if command else None
    return (seconds(deadline) if deadline else before[1].t + timeout_s) - TOLERANCE_S


@invariant(
    "I31",
    "one CALL outstanding",
    needs=lambda history: history.derive(_outstanding).scope,
    absent="the CSMS called nobody",
    frames=True,
    ref="OCPP-J 1.6 section 4.1.1",
)
def one_outstanding(history: History) -> Iterator[Violation]:
    """On a connection the CSMS sends no CALL while its last one has neither an answer nor timed out.

    Stations have one slot for a call. A second one is dropped, or answered in the place of the first.
    """
    yield from history.derive(_outstanding).violations


START = ("connectorId", "idTag", "meterStart", "timestamp")
"""What identifies a StartTransaction, under whatever message id it is sent."""


def _starts_answered(history: History) -> Looked:
    looked = Looked()
    asked: dict[tuple[str, int, str], tuple[Any, ...]] = {}
    first: dict[tuple[Any, ...], tuple[Any, Observation]] = {}
    for seen in history.of("frame"):
        fields = seen.fields
        head = fields["text"][:8].lstrip(" [")
        if fields["edge"] == "csms.received" and head.startswith("2") and '"StopTransaction"' in fields["text"]:
            message = seen.message()
            if message is not None and len(message) == 4 and isinstance(message[3], dict):
                # It was answered, or its id would not be known: what comes in its words is another session.
                number = str(message[3].get("transactionId"))
                for ended in [one for one, (said, _) in first.items() if str(said[0]) == number]:
                    del first[ended]
        elif fields["edge"] == "csms.received" and head.startswith("2") and '"StartTransaction"' in fields["text"]:
            message = seen.message()
            if message is not None and len(message) == 4 and isinstance(message[3], dict):
                told = tuple(message[3].get(name) for name in START)
                asked[fields["station"], fields["socket"], str(message[1])] = (fields["station"], *told)
        elif fields["edge"] == "csms.sent" and head.startswith("3") and '"transactionId"' in fields["text"]:
            message = seen.message()
            start = asked.get((fields["station"], fields["socket"], str(message[1]))) if message else None
            if message is None or start is None or not isinstance(message[2], dict):
                continue
            said = message[2].get("transactionId"), (message[2].get("idTagInfo") or {}).get("status")
            before = first.setdefault(start, (said, seen))
            looked.checked += before[1] is not seen
            if before[0] != said:
                looked.violations.append(
                    Violation(
                        f"a StartTransaction on connector {start[1]} that was sent again got another answer",
                        f"transaction {before[0][0]}, {before[0][1]}, as before",
                        f"transaction {said[0]}, {said[1]}",
                        fields["station"],
                        story(before[1], seen),
                    )
                )
    return looked


@invariant(
    "I32",
    "one answer to one start",
    needs=lambda history: history.derive(_starts_answered).scope,
    absent="no StartTransaction was answered twice",
    frames=True,
    ref="OCPP 1.6 section 4.8",
)
def one_answer_to_one_start(history: History) -> Iterator[Violation]:
    """A StartTransaction that a station sends again, under whatever message id, gets the answer it got before.

    It does not know which answer was lost. With another transaction id its stop ends nothing, with another status it
    ends a session that was allowed.
    """
    yield from history.derive(_starts_answered).violations
