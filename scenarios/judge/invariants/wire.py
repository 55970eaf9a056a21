"""The wire at the CSMS's own edge: rules of `wire_checks` where the log tells more than the stations see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.judge.wire import Judgement
from interlock.scenarios.judge.wire_check import Asked, Check, Heard, Recent, Side
from interlock.scenarios.judge.wire_checks.rpc import CsmsOneOutstanding
from interlock.scenarios.judge.wire_checks.transactions import OneAnswerToOneStart
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.history import History, Observation, index, seconds

TOLERANCE_S = 0.01
STARTS = frozenset(("StartTransaction", "TransactionEvent"))
TOLD = STARTS | {"StopTransaction"}
EDGES: dict[str, Side] = {"csms.received": "station", "csms.sent": "csms"}


def _looked(history: History) -> dict[str, Looked]:
    """Let checks of the wire look at the frames as the CSMS received and sent them; return what they saw, by id.

    Where no station told of a start there are only the CSMS's CALLs to look at, and what answered them.
    """
    wire = history.wire
    checks: list[Check] = [_UntilItsDeadline(history)]
    said: Sequence[Observation] = [*wire.called, *wire.replied] if wire.called else []
    if not STARTS.isdisjoint(wire.actions):
        checks += [_WholeAnswer(), _OneStatus()]
        said = [*said, *_of_transactions(history)]
    if said:
        work = Judgement(checks=checks, edges=EDGES, content=False)
        for seen in sorted([*said, *history.of("socket.opened"), *history.of("socket.closed")], key=index):
            work.see(seen)
        work.end()
    return {check.id: Looked(check.checked, 0, list(check.violations)) for check in checks}


def _of_transactions(history: History) -> Iterator[Observation]:
    """Yield the CALLs about starts and stops, with whatever else was called or answered under their ids."""
    wanted = {_place(seen, frame) for seen, frame, got in history.csms_frames if got and frame and frame.action in TOLD}
    for seen, frame, received in history.csms_frames:
        if frame is not None and received == (frame.kind == CALL) and _place(seen, frame) in wanted:
            yield seen


def _place(seen: Observation, frame: Frame) -> tuple[str, int, str]:
    return seen.fields["station"], seen.fields["socket"], frame.id


class _UntilItsDeadline(CsmsOneOutstanding, registered=False):
    """W05, where the log tells until when a CALL waits."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def given_up(self, heard: Heard, last: Asked) -> float:
        """Return when a CALL may count as timed out: at its command's deadline, wherever it spent its time."""
        call = self._history.call(heard.station, last.id)
        command = self._history.commands.get(call["command_id"]) if call else None
        deadline = command.intent.data.get("deadline") if command else None
        timeout_s: float = self._history.rules.get("call_timeout_s", 0.0)
        return (seconds(deadline) if deadline else last.t + timeout_s) - TOLERANCE_S


def _outstanding(history: History) -> Looked:
    return history.derive(_looked)[CsmsOneOutstanding.id]


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

    Stations have one slot for a call. A second one is dropped, or answered in the place of the first. The rule of W05,
    with the deadlines of the log.
    """
    yield from history.derive(_outstanding).violations


class _WholeAnswer(OneAnswerToOneStart, registered=False):
    """W15, for a CSMS that promises the same status too."""

    whole_answer = True


class _OneStatus(Check, registered=False):
    """The same of a start that the station names: the card's status is what its answer holds."""

    id, name, about, absent = "W15-2.0.1", "one start, one status", "csms", "no start was told twice"
    clause = "OCPP 2.0.1 part 2, E01.FR.12 and E04"
    dialect = ("2.0.1", "2.1")

    def __init__(self) -> None:
        super().__init__()
        self._answers: Recent[tuple[Any, int]] = Recent()
        self._tokens: Recent[set[str]] = Recent()

    def said(self, heard: Heard) -> None:
        """Compare it with the answer before."""
        asked, frame = heard.asked, heard.frame
        if asked is None or frame is None or asked.action != "TransactionEvent" or frame.kind != CALLRESULT:
            return
        call, info, card = asked.frame, asked.frame.field("transactionInfo"), frame.field("idTokenInfo")
        if not isinstance(info, dict) or not isinstance(card, dict):
            return
        session = heard.station, info.get("transactionId")
        if (tokens := self._tokens.get(session)) is None:
            self._tokens.put(session, tokens := set())
        tokens.add(str(call.field("idToken")).lower())
        if call.field("eventType") != "Started" or len(tokens) > 1:  # of several tokens each has its own status
            return
        key, status = (heard.station, info.get("transactionId"), call.field("seqNo")), card.get("status")
        before = self._answers.get(key)
        if before is None:
            self._answers.put(key, (status, heard.i))
            return
        self.checked += 1
        if before[0] != status:
            what = f"the start of transaction {key[1]} was sent again and got another answer"
            self.violated(what, f"{before[0]}, as before", str(status), heard.station, before[1], asked.i, heard.i)


def _starts_answered(history: History) -> Looked:
    looked = history.derive(_looked)
    first, second = (looked.get(check.id, Looked()) for check in (OneAnswerToOneStart, _OneStatus))
    return Looked(first.checked + second.checked, 0, first.violations + second.violations)


@invariant(
    "I32",
    "one answer to one start",
    needs=lambda history: history.derive(_starts_answered).scope,
    absent="no start was answered twice",
    frames=True,
    ref="OCPP 1.6 section 4.8; OCPP 2.0.1 part 2, E04",
)
def one_answer_to_one_start(history: History) -> Iterator[Violation]:
    """A start that a station sends again, under whatever message id, gets the answer it got before.

    It does not know which answer was lost. With another transaction id its stop ends nothing, with another status it
    ends a session that was allowed. The rule of W15, and the card's status with it. Where the station names its
    transactions (OCPP 2.x) the status is all there is.
    """
    yield from history.derive(_starts_answered).violations
