"""Checks of every frame of a station, independent of the case: form, schemas, the rules of OCPP-J.

One pass over a recorded exchange. A finding has the number of frames checked and quotes one that was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from interlock.scenarios.cases import schemas
from interlock.scenarios.judge import passive_promises as promises
from interlock.scenarios.judge import passive_sessions as sessions
from interlock.scenarios.judge.exchange import CALL, CALLERROR, CALLRESULT, Frame, Observed, exchange
from interlock.scenarios.judge.verdict import Level

ERROR_CODES = frozenset(
    (
        *("NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation"),
        *("PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "GenericError"),
    )
)
"""The codes of OCPP-J 1.6, table 7, in its spelling."""
LONGEST_ID = 36
ANSWER_S = 60.0
"""After so long on one connection a CALL is not answered any more."""
GIVEN_UP_S = 5.0
"""Seconds without an answer after which a station may have given a CALL up: its time-out is not known."""


RULES: dict[str, tuple[str, str, Level]] = {
    "N01": ("frames are OCPP-J messages", "OCPP-J 1.6 4.2", "MUST"),
    "N02": ("actions are known", "OCPP-J 1.6 4.2.1", "MUST"),
    "N03": ("CALLs are valid", "1.6 section 6", "MUST"),
    "N04": ("answers are valid", "1.6 section 6", "MUST"),
    "N05": ("one CALL at a time", "OCPP-J 1.6 4.1.1", "MUST"),
    "N06": ("message ids are new and at most 36 characters", "OCPP-J 1.6 4.1.4", "MUST"),
    "N07": ("answers answer something, once", "OCPP-J 1.6 4.1", "MUST"),
    "N08": ("CALLs are answered", "OCPP-J 1.6 4.1", "MUST"),
    "N09": ("times have a zone", "1.6 3.15", "SHOULD"),
    "N10": ("error codes are spelt as in table 7", "OCPP-J 1.6 4.2.3", "SHOULD"),
    "N11": ("times are of now or before, by the time that the CSMS gave", "1.6 4.2, 4.6", "SHOULD"),
    "N12": ("a session's meter does not run backwards", "1.6 4.10, 7.31", "MUST"),
    "N13": ("what is told again about a session is the same", "1.6 3.7", "SHOULD"),
    "N14": ("an update of firmware does not go backwards", "1.6 4.5, 7.25", "SHOULD"),
    "N15": ("a session's values are of its time", "1.6 4.7, 4.10", "SHOULD"),
    "N16": ("connector 0 is Available, Unavailable or Faulted", "1.6 4.9, 7.7", "MUST"),
    "N17": ("before a boot is accepted nothing else is told", "1.6 4.2", "MUST"),
    "N18": ("a value that was accepted is read back", "1.6 5.3, 7.21", "MUST"),
    "N19": ("what is accepted is within its own limits", "1.6 9.2, 9.4", "MUST"),
    "N20": ("values aligned to the clock are of its instants", "1.6 9.1 ClockAlignedDataInterval", "SHOULD"),
    "N21": ("what was made Inoperative stays so", "1.6 5.2", "MUST"),
    "N22": ("a composite schedule is what was asked for", "1.6 5.7", "MUST"),
    "N23": ("a session that is over is told to be", "1.6 4.10", "MUST"),
    "N24": ("energy is of its time", "1.6 7.31", "SHOULD"),
    "N25": ("energy and power are of each other", "1.6 7.31", "SHOULD"),
}
"""The rules: name, clause and level by id."""
PROMISES = {
    "N16": promises.station_status,
    "N18": promises.read_back,
    "N19": promises.own_limits,
    "N20": promises.aligned,
    "N21": promises.availability,
    "N22": promises.composite,
    "N23": promises.ended,
    "N24": promises.power,
    "N25": promises.follows_power,
}


@dataclass(slots=True)
class Noticed:
    """One rule: frames checked, breaches, and an example."""

    id: str
    name: str
    clause: str
    level: Level
    checked: int = 0
    broken: int = 0
    why: str = ""
    example: str = ""
    at: list[int] = field(default_factory=list)

    def look(self, frame: Frame, wrong: str | None) -> None:
        """Count a frame."""
        self.checked += 1
        if wrong is not None:
            self.broken += 1
            self.at.append(frame.i)
            if not self.why:
                self.why, self.example = wrong, frame.text[:400]


def judge(observations: Iterable[Observed], station: str | None = None) -> list[Noticed]:
    """Judge every frame of a station."""
    rules = {one.id: one for one in _rules()}
    seen = exchange(observations, "station", station)
    open_: dict[int, Frame] = {}
    names: set[tuple[int, str]] = set()
    odd = [frame.text for frame in seen.frames if frame.ours and not frame.kind]
    for frame in seen.frames:
        if frame.ours:
            if frame.asked is not None:
                open_.pop(frame.asked.i, None)
            continue
        rules["N01"].look(frame, None if frame.kind else "it is no CALL, CALLRESULT or CALLERROR")
        if frame.kind == CALL:
            _call(rules, frame, open_, names)
            open_[frame.i] = frame
        elif frame.kind in (CALLRESULT, CALLERROR) and not _answers_garbled(frame, odd):
            _answer(rules, frame)
    sessions.clock(rules["N11"], seen.frames)
    sessions.meters(rules["N12"], seen.frames)
    sessions.retold(rules["N13"], seen.frames)
    sessions.updates(rules["N14"], seen.frames)
    sessions.order(rules["N15"], seen.frames)
    promises.boots(rules["N17"], seen.frames, seen.marks)
    for id, look in PROMISES.items():
        look(rules[id], seen.frames)
    ended = {mark.fields.get("socket"): mark.t for mark in seen.marks if mark.kind == "socket.closed"}
    for frame in seen.frames:
        if frame.ours and frame.kind == CALL and min(seen.t, ended.get(frame.socket, seen.t)) - frame.t > ANSWER_S:
            rules["N08"].look(frame, None if frame.answers else f"{frame.action} was not answered")
    return [one for one in rules.values() if one.checked]


def _call(rules: dict[str, Noticed], frame: Frame, open_: dict[int, Frame], names: set[tuple[int, str]]) -> None:
    known = frame.action in schemas.actions()
    rules["N02"].look(frame, None if known else f"{frame.action[:50]!r} is no action of OCPP 1.6")
    if known:
        rules["N03"].look(frame, schemas.wrong_with(frame.action, frame.payload))
    others = [one for one in open_.values() if one.socket == frame.socket and frame.t - one.t < GIVEN_UP_S]
    rules["N05"].look(frame, f"{others[-1].action} had no answer yet" if others else None)
    used = (frame.socket, frame.id) in names
    wrong = "the message id was used before" if used else None
    rules["N06"].look(
        frame, wrong or (None if 0 < len(frame.id) <= LONGEST_ID else f"the id has {len(frame.id)} characters")
    )
    names.add((frame.socket, frame.id))
    if isinstance(at := frame.payload.get("timestamp"), str):
        rules["N09"].look(frame, _time(at))


def _answers_garbled(frame: Frame, odd: list[str]) -> bool:
    """Whether it answers a frame that the tester garbled on purpose: by its message id, or without one."""
    return frame.asked is None and any(not frame.id or f'"{frame.id}"' in text for text in odd)


def _answer(rules: dict[str, Noticed], frame: Frame) -> None:
    asked = frame.asked
    rules["N07"].look(
        frame, None if asked is not None and len(asked.answers) < 2 else "it answers nothing that is open"
    )
    if asked is None:
        return
    if frame.kind == CALLERROR:
        code = frame.payload["code"]
        rules["N10"].look(frame, None if code in ERROR_CODES else f"{code[:50]!r} is no error code of OCPP-J 1.6")
    elif asked.action in schemas.actions():
        rules["N04"].look(frame, schemas.wrong_with(f"{asked.action}Response", frame.payload))


def _time(text: str) -> str | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return f"{text[:40]!r} is no ISO 8601 time"
    return None if at.tzinfo is not None else f"{text[:40]!r} has no time zone"


def _rules() -> list[Noticed]:
    return [Noticed(id, *rule) for id, rule in RULES.items()]
