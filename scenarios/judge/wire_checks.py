"""What must hold of what a CSMS says, seen from its stations: each check looks at frames, one after the other.

To add one, write a class and name it in `CHECKS`. `outside.py` shows them the frames.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any, ClassVar

from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation
from interlock.simulator import v16, v201
from interlock.simulator.ocppj.schemas import Schemas

PATIENCE_S = 30.0
"""How long a station waits for an answer."""
CSMS_PATIENCE_S = 5.0
"""A CSMS may give up its own CALL after this long, and make the next one; how long it waits is its own affair."""
LISTED = 50
"""Violations of one check that a finding lists; the rest are counted."""

CALL, CALLRESULT, CALLERROR = 2, 3, 4

SCHEMAS = {v16.SUBPROTOCOL: v16.SCHEMAS, v201.SUBPROTOCOL: v201.SCHEMAS}
"""The schemas of each OCPP version, by its name in a WebSocket handshake."""


@dataclass(slots=True)
class Asked:
    """A CALL on the wire."""

    i: int
    t: float
    message_id: str
    action: str
    payload: Any


@dataclass(slots=True)
class Connection:
    """What is open on one connection: CALLs without an answer, by message id, in order."""

    ours: dict[str, Asked] = field(default_factory=dict)
    theirs: dict[str, Asked] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """Message ids the CSMS has used."""
    answered: set[str] = field(default_factory=set)
    """Message ids of the station's that were answered."""
    whole: bool = False
    """Whether it was seen from its beginning."""
    schemas: Schemas = v16.SCHEMAS
    """Those of the OCPP version that it speaks."""


@dataclass(slots=True)
class Heard:
    """A frame, with what was open on its connection before it."""

    i: int
    t: float
    station: str
    text: str
    message: list[Any] | None
    connection: Connection

    @property
    def kind(self) -> int:
        """2, 3 or 4, or 0 for what is no OCPP-J message."""
        return self.message[0] if self.message is not None else 0

    @property
    def message_id(self) -> str:
        """The message id of a message."""
        assert self.message is not None
        return str(self.message[1])


class Check:
    """One thing that must hold. Subclasses look at frames by overriding `down`, `gone`; `absent`: why nothing was."""

    id: ClassVar[str]
    name: ClassVar[str]
    level: ClassVar[Level] = "MUST"
    dialect: ClassVar[bool] = False
    """Whether it knows OCPP 1.6, and no other version."""
    absent: ClassVar[str] = "the CSMS said nothing"

    def __init__(self) -> None:
        self.checked = self.cut = self.count = 0
        self.violations: list[Violation] = []

    def down(self, heard: Heard) -> None:
        """Look at a frame of the CSMS's, before it changes what is open."""

    def gone(self, station: str, asked: Asked, t: float) -> None:
        """Look at a station's CALL that has no answer when its connection, or the run, ends at `t`."""

    def violated(self, message: str, expected: str, found: str, station: str, *at: int) -> None:
        """Note a violation."""
        self.count += 1
        if len(self.violations) < LISTED:
            self.violations.append(Violation(message, expected, found, station, tuple(sorted(set(at)))))

    def finding(self) -> Finding:
        """Return what it says."""
        if self.count:
            listed = f"{self.count} violations, the first {LISTED} are listed" if self.count > LISTED else None
            return self._finding(Verdict.FAIL, listed)
        if self.checked:
            return self._finding(Verdict.PASS, f"{self.cut} more were cut short" if self.cut else None)
        if self.cut:
            return self._finding(Verdict.INCONCLUSIVE, f"the run was cut short of an answer for {self.cut}")
        return self._finding(Verdict.NOT_APPLICABLE, self.absent)

    def _finding(self, verdict: Verdict, reason: str | None) -> Finding:
        return Finding(self.id, self.name, self.level, verdict, self.checked, reason, tuple(self.violations))

    @classmethod
    def explain(cls) -> str:
        """Return what it demands and why."""
        return f"{cls.id}  {cls.name}  ({cls.level})\n\n{inspect.getdoc(cls)}"


class Answered(Check):
    """Each CALL of a station gets an answer while its connection stands.

    A station has one slot for a call: one that is not answered blocks everything behind it until its time-out.
    OCPP-J 1.6 section 4.2.
    """

    id, name, absent = "W01", "each CALL is answered", "no station called"

    def down(self, heard: Heard) -> None:
        """Count answers, and those that came too late."""
        if heard.kind in (CALLRESULT, CALLERROR):
            asked = heard.connection.ours.get(heard.message_id)
            if asked is not None:
                self._judge(heard.station, asked, heard.t, f"it came after {heard.t - asked.t:.1f} s", heard.i)

    def gone(self, station: str, asked: Asked, t: float) -> None:
        """Count those that came never."""
        if t - asked.t < PATIENCE_S:
            self.cut += 1
        else:
            self._judge(station, asked, t, f"none in {t - asked.t:.1f} s")

    def _judge(self, station: str, asked: Asked, t: float, found: str, *at: int) -> None:
        self.checked += 1
        if t - asked.t > PATIENCE_S:
            what = f"{asked.action} {asked.message_id} was not answered in time"
            self.violated(what, f"an answer within {PATIENCE_S:g} s", found, station, asked.i, *at)


class AnswersSomething(Check):
    """An answer answers a CALL that waits for one, on the connection it came on, and once.

    An answer to nothing is lost on every station there is; a CSMS that sends one has mixed up its stations, its
    connections or its calls. OCPP-J 1.6 section 4.1.
    """

    id, name, absent = "W02", "answers answer something", "the CSMS answered nothing"

    def down(self, heard: Heard) -> None:
        """Look for what it answers."""
        if heard.kind not in (CALLRESULT, CALLERROR):
            return
        connection = heard.connection
        waits, known = heard.message_id in connection.ours, heard.message_id in connection.answered
        if not (waits or known or connection.whole):
            self.cut += 1  # its CALL may be older than the record
            return
        self.checked += 1
        if not waits:
            what = f"an answer to {heard.message_id[:40]!r}, which {'was answered before' if known else 'nobody asked'}"
            self.violated(what, "the message id of a CALL without an answer", heard.text[:120], heard.station, heard.i)


class ValidAnswers(Check):
    """The payload of each CALLRESULT is what its OCPP version says an answer to that action is."""

    id, name, absent = "W03", "answers are valid", "the CSMS answered nothing"
    dialect: ClassVar[bool] = True

    def down(self, heard: Heard) -> None:
        """Check the payload."""
        asked = heard.connection.ours.get(heard.message_id) if heard.kind == CALLRESULT else None
        if asked is None or heard.message is None or asked.action not in heard.connection.schemas.actions:
            return
        self.checked += 1
        payload = heard.message[2]
        if not isinstance(payload, dict) or not heard.connection.schemas.valid_answer(asked.action, payload):
            what = f"the answer to {asked.action} is not valid"
            self.violated(what, f"a {asked.action}.conf", heard.text[:120], heard.station, asked.i, heard.i)


class ValidCalls(Check):
    """Each CALL of the CSMS has an action that its OCPP version knows and the payload that belongs to it."""

    id, name, absent = "W04", "CALLs are valid", "the CSMS called nobody"
    dialect: ClassVar[bool] = True

    def down(self, heard: Heard) -> None:
        """Check the payload."""
        if heard.kind != CALL or heard.message is None:
            return
        self.checked += 1
        action, payload = heard.message[2], heard.message[3]
        schemas = heard.connection.schemas
        if action not in schemas.actions:
            self.violated(
                "a CALL of an unknown action", "an action of its OCPP version", action[:60], heard.station, heard.i
            )
        elif (wrong := schemas.wrong_with(action, payload)) is not None:
            self.violated(f"a {action} that is not valid", f"a {action}.req", wrong[1][:200], heard.station, heard.i)


class OneOutstanding(Check):
    """The CSMS makes no CALL while its last one has no answer and cannot have timed out.

    Seen from the station: a CALL that comes before the last one was answered. OCPP-J 1.6 section 4.1.1.
    """

    id, name, absent = "W05", "one CALL outstanding", "the CSMS called nobody"

    def down(self, heard: Heard) -> None:
        """Look for one that waits."""
        if heard.kind != CALL:
            return
        self.checked += 1
        last = next(reversed(heard.connection.theirs.values()), None)
        if last is not None and heard.t - last.t < CSMS_PATIENCE_S:
            what = f"CALL {heard.message_id[:40]!r} came while {last.message_id[:40]!r} had no answer"
            found = f"{heard.t - last.t:.3f} s after it"
            self.violated(what, "an answer first, or a time-out", found, heard.station, last.i, heard.i)


class FreshNames(Check):
    """The CSMS uses a message id once on a connection.

    With two CALLs of one name, an answer says nothing about which of them it answers. OCPP-J 1.6 section 4.1.4.
    """

    id, name, absent = "W06", "message ids are fresh", "the CSMS called nobody"

    def down(self, heard: Heard) -> None:
        """Look for the same name before."""
        if heard.kind == CALL:
            self.checked += 1
            if heard.message_id in heard.connection.named:
                what = f"message id {heard.message_id[:40]!r} was used before"
                self.violated(what, "a new one", heard.text[:120], heard.station, heard.i)


class OwnTransactions(Check):
    """Two sessions of a station never get the same transactionId.

    Stops and meter values name nothing else, so the second session's energy goes onto the first one's bill. A start
    that is told again, with the same reading of the same meter, is the same session. OCPP 1.6 section 4.8.
    """

    id, name, absent = "W07", "each session has its own transactionId", "no session was begun"
    dialect: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[tuple[str, int], tuple[tuple[Any, ...], int]] = {}

    def down(self, heard: Heard) -> None:
        """Compare it with those given before."""
        asked = heard.connection.ours.get(heard.message_id) if heard.kind == CALLRESULT else None
        if asked is None or asked.action != "StartTransaction" or heard.message is None:
            return
        started, answer = asked.payload, heard.message[2]
        if not isinstance(answer, dict) or type(number := answer.get("transactionId")) is not int:
            return
        info = answer.get("idTagInfo")
        if not isinstance(info, dict) or info.get("status") != "Accepted" or not isinstance(started, dict):
            return  # what was not accepted may be called anything
        self.checked += 1
        session = tuple(str(started.get(name)) for name in ("connectorId", "idTag", "meterStart", "timestamp"))
        before, i = self._given.setdefault((heard.station, number), (session, heard.i))
        if before != session:
            what = f"two sessions of {heard.station} are transaction {number}"
            self.violated(what, "a transactionId for each", str(session), heard.station, i, asked.i, heard.i)


class WellFormed(Check):
    """Each frame of the CSMS is an OCPP-J message: a CALL, a CALLRESULT or a CALLERROR. OCPP-J 1.6 section 4.2."""

    id, name = "W08", "frames are OCPP-J"

    def down(self, heard: Heard) -> None:
        """Check its form."""
        self.checked += 1
        if heard.message is None:
            what = "a frame that is no OCPP-J message"
            self.violated(what, "[2, id, action, {}] or the like", heard.text[:120], heard.station, heard.i)


class FactsTaken(Check):
    """What a station reports of its sessions is not answered with a CALLERROR.

    A session has happened, whatever the CSMS thinks of it. A station that is refused tells it again a few times and
    then gives it up, and with it the bill. OCPP 1.6 sections 4.8 and 4.10 and the errata to 3.7, OCPP 2.0.1 E13.
    """

    id, name, absent = "W09", "facts are not refused", "no session was reported"
    dialect: ClassVar[bool] = True
    level: ClassVar[Level] = "SHOULD"

    def down(self, heard: Heard) -> None:
        """Look for refusals."""
        asked = heard.connection.ours.get(heard.message_id) if heard.kind in (CALLRESULT, CALLERROR) else None
        if asked is None or asked.action not in (
            "StartTransaction",
            "StopTransaction",
            "MeterValues",
            "TransactionEvent",
        ):
            return
        self.checked += 1
        if heard.kind == CALLERROR:
            what = f"{asked.action} {asked.message_id} was refused"
            self.violated(what, "a CALLRESULT", heard.text[:120], heard.station, asked.i, heard.i)


CHECKS: dict[str, type[Check]] = {
    check.id: check
    for check in (
        Answered,
        AnswersSomething,
        ValidAnswers,
        ValidCalls,
        OneOutstanding,
        FreshNames,
        OwnTransactions,
        WellFormed,
        FactsTaken,
    )
}
"""Every check by id."""
