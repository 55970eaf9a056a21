"""The interface of a check of the wire: a rule for one side, which is called with every frame in order.

To add one, write a class with an `id` in a module of `wire_checks/`; it is found by walking that package. `wire.py`
calls it with the frames and keeps what is open. A check blames one side (`about`). What the record does not show (a
connection, a version, a time zone) is left out and counted (`lack`, `cut`): no side is blamed on a guess.
"""

from __future__ import annotations

import inspect
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from interlock.scenarios.judge.payloads import Problem
from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation, as_text
from interlock.scenarios.record.frames import Frame, ambiguous
from interlock.scenarios.record.versions import Version

PATIENCE_S = 30.0
"""How long a station waits for an answer."""
CSMS_PATIENCE_S = 5.0
"""A caller may give up its own CALL after this long, and make the next one; how long it waits is its own affair."""
STATION_PATIENCE_S = 120.0
"""How long a station may take for an answer: some move a lock first."""
LISTED = 50
"""Violations of one check that a finding lists; the rest are counted."""
REMEMBERED = 100_000
"""Finished things (message ids, transactions) that are remembered over all stations."""

UNREAD, UNREAD_LENGTH = 8, 400
"""Frames without a meaning that are remembered of one side of a connection, and characters of each."""

NO_CONNECTIONS = "the record does not tell connections apart"
NO_TIME = "the record does not tell the time of day, or not in which zone"
NO_VERSION = "nothing in the record shows by then of which version of OCPP it is"
NO_SECONDS = "the record does not tell when messages were sent"

Side = Literal["station", "csms"]
OTHER: dict[Side, Side] = {"station": "csms", "csms": "station"}

V = TypeVar("V")


class Recent(Generic[V]):
    """What was noted last: a mapping that forgets its oldest entries beyond `REMEMBERED`.

    Keys hold what a payload says, which may be anything: what cannot be hashed stands for itself as text.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = REMEMBERED if limit is None else limit
        self._found: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return what is noted under a key."""
        return self._found.get(_hashable(key))

    def put(self, key: Hashable, value: V) -> None:
        """Note something under a key."""
        name = _hashable(key)
        self._found[name] = value
        self._found.move_to_end(name)
        if len(self._found) > self._limit:
            self._found.popitem(last=False)

    def pop(self, key: Hashable) -> V | None:
        """Forget a key and return what was noted."""
        return self._found.pop(_hashable(key), None)


def _hashable(key: Hashable) -> Hashable:
    try:
        hash(key)
    except TypeError:
        return repr(key)
    return key


@dataclass(slots=True)
class Asked:
    """A CALL on the wire, until it is answered or its connection ends."""

    i: int
    t: float
    frame: Frame
    wrong: Problem | None = None
    """What is wrong with its payload."""
    odd: str | None = None
    """What else than its payload is wrong with it."""
    text: str = ""
    retold: bool = False
    """Whether it was sent again under its id and one of them was answered."""

    @property
    def action(self) -> str:
        """What was requested."""
        return self.frame.action

    @property
    def id(self) -> str:
        """Its message id."""
        return self.frame.id

    @property
    def excuse(self) -> str | None:
        """Why an error may answer it although its payload is right."""
        return self.odd or ambiguous(self.text)


@dataclass(slots=True)
class Connection:
    """What is open on one connection. Where the record tells none apart, a station has one, which is not `known`."""

    open: dict[Side, dict[str, deque[Asked]]] = field(default_factory=lambda: {"station": {}, "csms": {}})
    """CALLs without an answer by caller and message id, in the order in which they were sent."""
    whole: bool = False
    """Whether it was seen from its beginning."""
    known: bool = False
    """Whether frames on it certainly were on one connection."""
    number: int = 0
    broken: bool = False
    """Whether frames on it are known to have been lost by the network."""
    unread: dict[Side, deque[str]] = field(
        default_factory=lambda: {"station": deque(maxlen=UNREAD), "csms": deque(maxlen=UNREAD)}
    )
    """The last frames of each side that are no OCPP-J message: the other may have understood them all the same."""

    def last_open(self, side: Side) -> Asked | None:
        """Return the latest CALL of a side that has no answer."""
        return max((calls[-1] for calls in self.open[side].values()), key=lambda one: one.i, default=None)

    def waiting(self, side: Side) -> list[Asked]:
        """Return the CALLs of a side that have no answer."""
        return [asked for calls in self.open[side].values() for asked in calls]

    def may_have_called(self, side: Side, message_id: str) -> bool:
        """Tell whether a frame of a side that nobody can read has this message id in it."""
        return any(message_id in text for text in self.unread[side])


@dataclass(slots=True)
class Peer:
    """What is known of a station over all its connections."""

    version: Version | None = None
    """None for one that is not known here, and until a record that names none shows it."""
    named: str | None = None
    """The version as the record names it; None where it names none."""
    registration: str | None = None
    """What its last BootNotification was answered; None where that is not in the record."""
    first_t: float = -1.0
    """When it said or heard something first; below 0 before that."""
    accepted: bool = False
    """Whether a boot of it was ever accepted."""
    asked: int = 0
    """CALLs it made."""
    answered: Counter[str] = field(default_factory=Counter)
    """CALLRESULTs it got, by action."""
    errors: int = 0
    """CALLERRORs it got."""
    boots: Counter[str] = field(default_factory=Counter)
    """How its boots were answered."""
    starts: int = 0
    """CALLRESULTs to what told that a transaction began, in either version's form."""
    stops: int = 0
    """CALLRESULTs to what told that a transaction ended."""


@dataclass(slots=True)
class Heard:
    """A frame, with what was open before it."""

    i: int
    t: float
    wall: float | None
    """Unix time of day at which it was recorded, where the record tells."""
    station: str
    sender: Side
    text: str
    frame: Frame | None
    """What it says, None for what is no OCPP-J message."""
    connection: Connection
    peer: Peer
    asked: Asked | None = None
    """What it answers, where it answers something that is open."""
    wrong: Problem | None = None
    """What is wrong with its payload by the schema."""
    words: Problem | None = None
    """What is wrong with its payload by the words of the standard."""
    timed: bool = True
    """Whether it is known when it was sent."""

    @property
    def kind(self) -> int:
        """2, 3, 4 (5, 6 in OCPP 2.1), or 0 for what is no OCPP-J message."""
        return self.frame.kind if self.frame is not None else 0

    @property
    def id(self) -> str:
        """The message id, "" of what is no message."""
        return self.frame.id if self.frame is not None else ""

    @property
    def place(self) -> tuple[str, int]:
        """The connection it is on."""
        return self.station, self.connection.number


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of a connection. `by` is None where it is not known who closed it."""

    i: int
    t: float
    station: str
    by: Side | None
    why: str


CHECKS: dict[str, type[Check]] = {}
"""Every check by id; filled as the modules of `wire_checks` are imported."""


class Check:
    """One thing that must hold of one side. `absent`: why there was nothing to look at."""

    id: ClassVar[str] = ""
    name: ClassVar[str]
    about: ClassVar[Side]
    level: ClassVar[Level] = "MUST"
    clause: ClassVar[str] = ""
    dialect: ClassVar[tuple[str, ...]] = ()
    """The versions it knows; none where it holds of every version."""
    absent: ClassVar[str] = "nothing was said"

    def __init_subclass__(cls, registered: bool = True) -> None:
        if registered and "id" in cls.__dict__:
            if cls.id in CHECKS:
                raise ValueError(f"there are two checks {cls.id}")
            CHECKS[cls.id] = cls

    def __init__(self) -> None:
        self.checked = self.cut = self.count = self.refused = 0
        self.lacks: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.alone = False
        """Whether nothing but the side it is about was asked about."""

    # --- what subclasses override ---

    def said(self, heard: Heard) -> None:
        """Look at a frame of the side it is about, before it changes what is open."""

    def met(self, heard: Heard) -> None:
        """Look at a frame of the other side."""

    def gone(self, station: str, connection: Connection, caller: Side, asked: Asked, t: float) -> None:
        """Look at a CALL that has no answer when its connection, or the record, ends at `t`."""

    def closed(self, connection: Connection, end: Closed) -> None:
        """Look at the end of a connection, before its open CALLs are `gone`."""

    # --- what they call ---

    def lack(self, why: str) -> None:
        """Leave one thing out for something that the record does not tell."""
        self.lacks[why] += 1

    def violated(self, message: str, expected: str, found: str, station: str, *at: int) -> None:
        """Note a violation."""
        self.count += 1
        if len(self.violations) < LISTED:
            self.violations.append(Violation(message, expected, found, station, tuple(sorted(set(at)))))

    # --- what it says at the end ---

    def finding(self) -> Finding:
        """Return what it says."""
        if self.count > self.refused or (self.count and self.alone):
            listed = f"{self.count} violations, the first {LISTED} are listed" if self.count > LISTED else None
            return self._finding(Verdict.FAIL, listed)
        if self.refused:
            first = self.violations[0]
            why = f"{self.refused} wrong messages were refused, as they may be ({first.message}: {first.found})"
            self.violations = []
            return self._finding(Verdict.INCONCLUSIVE, f"{why}; --about {self.about} blames for them")
        left = [f"{self.cut} more were cut short"] if self.cut else []
        left += [f"{count} were left out: {why}" for why, count in self.lacks.most_common()]
        if self.checked:
            return self._finding(Verdict.PASS, "; ".join(left) or None)
        if self.lacks:
            return self._finding(Verdict.NOT_APPLICABLE, self.lacks.most_common(1)[0][0])
        if self.cut:
            return self._finding(Verdict.INCONCLUSIVE, f"the record was cut short of an answer for {self.cut}")
        return self._finding(Verdict.NOT_APPLICABLE, self.absent)

    def _finding(self, verdict: Verdict, reason: str | None) -> Finding:
        return Finding(self.id, self.name, self.level, verdict, self.checked, reason, tuple(self.violations))

    @classmethod
    def sentence(cls) -> str:
        """Return what it demands, in a sentence."""
        return (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")

    @classmethod
    def text(cls) -> str:
        """Return what it demands and why."""
        return inspect.getdoc(cls) or ""


def shown(value: Any, length: int = 120) -> str:
    """Return a value short enough for a line, as JSON where it is no text."""
    return as_text(value, length)
