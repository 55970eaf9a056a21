"""The judge of conformance cases: a pure function of a recorded exchange and a case.

`walk` follows a script through the frames: each stimulus is found where the tester performed it, each expectation is
looked for from there to its deadline. While a case runs the same function returns what is still awaited, so running and
judging cannot disagree. In a recording without the tester's marks (a foreign trace) a case begins at the first place at
which its state holds and its first stimulus was sent.

==============  =====================================================================================
PASS            everything that must be observed was
PARTIAL         the same, but something that should be was not
FAIL            something that must be was not, or was otherwise, late, twice or out of order
NOT_APPLICABLE  the peer does not have what the case is about, or the recording never does it
INCONCLUSIVE    the case's state was not reached, or the recording ends too early to tell
ERROR           the peer was not there, or the tester broke
==============  =====================================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from interlock.scenarios.cases import match
from interlock.scenarios.cases.language import (
    LIMITS,
    Answered,
    Case,
    Connects,
    Expectation,
    Hand,
    Item,
    Level,
    Never,
    Raw,
    Reply,
    Rest,
    Say,
    Sent,
    Series,
)
from interlock.scenarios.cases.states import STATES
from interlock.scenarios.judge.exchange import CALL, CALLERROR, CALLRESULT, Exchange, Frame, Observed, exchange

ONCE = ("StartTransaction", "StopTransaction")
"""CALLs that report a single occurrence: sent again after an answer, they report another one."""
SEEN_LATE_S = 0.5
"""How much later than its deadline a frame may be recorded: the tester's own delay."""


class Word(IntEnum):
    """The verdict of a case. Greater is worse."""

    NOT_APPLICABLE = 0
    PASS = 1
    PARTIAL = 2
    INCONCLUSIVE = 3
    FAIL = 4
    ERROR = 5

    @property
    def exit_code(self) -> int:
        """What a command line returns for it."""
        return {Word.FAIL: 1, Word.INCONCLUSIVE: 3, Word.ERROR: 3}.get(self, 0)


@dataclass(slots=True)
class Looked:
    """The result of one expectation. `frames` are those that met it, or that came nearest."""

    number: int
    words: str
    state: Literal["met", "open", "failed", "skipped"]
    level: Level = "must"
    why: str = ""
    since: float = 0.0
    deadline: float = 0.0
    frames: list[Frame] = field(default_factory=list)


@dataclass(slots=True)
class Walk:
    """The progress of a script. `lost` names the stimulus that was not found."""

    looked: list[Looked] = field(default_factory=list)
    bound: dict[str, Any] = field(default_factory=dict)
    lost: str | None = None
    began: int = 0
    ended: int = 0

    def failed(self) -> list[Looked]:
        """Return the MUSTs that failed."""
        return [one for one in self.looked if one.state == "failed" and one.level == "must"]

    def open(self) -> list[Looked]:
        """Return what is still awaited."""
        return [one for one in self.looked if one.state == "open"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a peer: limits in seconds, its configuration keys, its features."""

    limits: Mapping[str, float] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()

    def limit(self, name: str) -> float:
        """Return a limit in seconds."""
        if name == "lapse":
            return self.limit("connection_timeout") + float(self.limits.get(name, LIMITS[name]))
        return float(self.limits.get(name, LIMITS[name]))

    def holds(self, name: str) -> bool:
        """Whether a key is true or a feature there."""
        return name in self.features or self.keys.get(name, "").lower() == "true"


# --- following a script ----------------------------------------------------------------------------------------------


class _Follower:
    def __init__(self, seen: Exchange, facts: Facts, bound: Mapping[str, Any], now: float, begin: int) -> None:
        self.seen, self.facts, self.now = seen, facts, now
        self.walk = Walk(bound=dict(bound), began=begin)
        self.at = begin - 1
        """The observation of the last stimulus."""
        times = [(one.i, one.t) for one in seen.frames] + [(one.i, one.t) for one in seen.marks]
        self.since = next((t for i, t in sorted(times) if i >= begin), seen.t)
        self.said: dict[str, Frame] = {}
        self.named: dict[str, int] = {}
        self.skipped: set[str] = set()
        self.used: set[int] = set()
        self.marked = any(mark.kind == "case.did" for mark in seen.marks)
        self.frames = [frame for frame in seen.frames if frame.i >= begin]

    def run(self, script: Sequence[Item]) -> Walk:
        for number, item in enumerate(script):
            if isinstance(item, Expectation):
                looked = self._look(number, item)
                looked.level = item.level
                self.walk.looked.append(looked)
            elif not self._anchor(number, item):
                self.walk.lost = _named(item)
                break
        self.walk.ended = self.at
        return self.walk

    # stimuli

    def _anchor(self, number: int, item: Item) -> bool:
        mark = next((one for one in self.seen.marks if self._is_mark(one, number)), None)
        if isinstance(item, Say):
            return self._said(item)
        if mark is None:
            return not self.marked or isinstance(item, Reply)
        done = (one.t for one in self.seen.marks if one.kind == "case.done" and one.i > mark.i)
        self._move(mark.i, next(done, mark.t) if isinstance(item, Hand) else mark.t)
        if isinstance(item, Raw):
            sent = next((one for one in self.frames if one.ours and one.i > mark.i), None)
            if sent is None:
                return False
            self.said["raw"] = sent
            self._move(sent.i, sent.t)
        return True

    def _said(self, item: Say) -> bool:
        """Find the tester's CALL: the first that fits, or with `again` the first answered one of those after it."""
        found: Frame | None = None
        for frame in self.frames:
            if not (frame.ours and frame.kind == CALL and frame.i > self.at and frame.action == item.action):
                continue
            if found is not None and not self._opened(found.i, frame.i):
                break
            if match.mismatch(item.payload, frame.payload, dict(self.walk.bound)) is None:
                found = frame
                if not item.again or frame.answers:
                    break
        if found is None:
            return False
        match.mismatch(item.payload, found.payload, self.walk.bound)
        self._move(found.i, found.t)
        self.said[item.name or item.action] = found
        return True

    def _opened(self, after: int, before: int) -> bool:
        return any(mark.kind == "socket.opened" and after < mark.i < before for mark in self.seen.marks)

    def _is_mark(self, mark: Any, number: int) -> bool:
        return bool(mark.kind == "case.did" and mark.i > self.at and mark.fields.get("number") == number)

    def _move(self, i: int, t: float) -> None:
        self.at, self.since = i, t

    # expectations

    def _look(self, number: int, item: Expectation) -> Looked:
        match item:
            case Sent():
                looked = self._sent(number, item)
            case Answered():
                looked = self._answered(number, item)
            case Never():
                looked = self._never(number, item)
            case Series():
                looked = self._series(number, item)
            case Connects():
                looked = self._connects(number, item)
        looked.since = looked.since or self.since
        when = getattr(item, "when", None)
        if when is not None and not self.facts.holds(when) and looked.state != "met":
            looked.state, looked.why = "skipped", f"{when} is not known to be so"
        name = getattr(item, "name", None) or getattr(item, "action", None)
        if name is not None and looked.state == "met" and looked.frames:
            self.named[name] = looked.frames[0].i
        elif name is not None and (looked.state == "skipped" or item.level == "should"):
            self.skipped.add(name)
        return looked

    def _late(self, looked: Looked, what: str) -> Looked:
        looked.state = "open" if self.now <= looked.deadline else "failed"
        looked.why = looked.why or what
        return looked

    def _earliest(self, after: str | None) -> int:
        if after is None or after in self.skipped:
            return self.at
        return max(self.at, self.named.get(after, 1 << 60))

    def _sent(self, number: int, item: Sent) -> Looked:
        limit = self.facts.limit(item.within)
        looked = Looked(number, words(item, limit), "open", deadline=self.since + limit)
        for frame in self.frames:
            if frame.ours or frame.kind != CALL or frame.action != item.action or frame.i in self.used:
                continue
            bound = dict(self.walk.bound)
            why = match.mismatch(item.fields, frame.payload, bound)
            if why is None and frame.i <= self._earliest(item.after):
                if frame.i > self.at:
                    looked.why, looked.frames = f"it came before {item.after}", [frame]
                continue
            if frame.i <= self.at:
                continue
            if why is not None:
                if not looked.frames:
                    looked.why, looked.frames = why, [frame]
                continue
            if frame.t > looked.deadline + SEEN_LATE_S:
                looked.why, looked.frames = f"it came {frame.t - self.since:.1f} s after", [frame]
                break
            return self._met(looked, frame, item, bound)
        return self._late(looked, f"no {item.action} came")

    def _met(self, looked: Looked, frame: Frame, item: Sent, bound: dict[str, Any]) -> Looked:
        looked.why, looked.frames = "", [frame]
        if item.given:
            answer = frame.answer
            if answer is None:
                looked.state, looked.why = "open" if self.now <= looked.deadline else "failed", "it was not answered"
                return looked
            wrong = match.mismatch(item.given, answer.payload, bound)
            if wrong is not None:
                looked.state, looked.why = "skipped", f"the tester answered otherwise: {wrong}"
                return looked
        self.used.add(frame.i)
        self.walk.bound = bound
        looked.state = "met"
        return looked

    def _answered(self, number: int, item: Answered) -> Looked:
        limit = self.facts.limit(item.within)
        looked = Looked(number, words(item, limit), "open", deadline=self.since + limit)
        asked = self.said.get(item.key)
        if asked is None:
            looked.state, looked.why = "skipped", f"no {item.action} of the tester's is known"
            return looked
        looked.deadline = asked.t + limit
        if not asked.answers:
            return self._late(looked, "no answer came")
        answer, *more = asked.answers
        looked.frames = [answer]
        if more:
            looked.state, looked.why, looked.frames = "failed", "it was answered twice", [answer, *more]
        elif answer.t > looked.deadline + SEEN_LATE_S:
            looked.state, looked.why = "failed", f"the answer came {answer.t - asked.t:.1f} s after"
        elif item.after is not None and answer.i <= self._earliest(item.after):
            looked.state, looked.why = "failed", f"it was answered before {item.after}"
        elif answer.kind == CALLERROR:
            code = answer.payload["code"]
            fine = code in item.errors or "*" in item.errors
            looked.state = "met" if fine else "failed"
            looked.why = "" if fine else f"it was answered with CALLERROR {code}"
        elif item.only_errors:
            looked.state, looked.why = "failed", "it was answered with a CALLRESULT, expected a CALLERROR"
        else:
            bound = dict(self.walk.bound)
            looked.why = match.mismatch(item.fields, answer.payload, bound) or ""
            looked.state = "failed" if looked.why else "met"
            self.walk.bound = self.walk.bound if looked.why else bound
        return looked

    def _never(self, number: int, item: Never) -> Looked:
        limit = self.facts.limit(item.for_)
        since, first = self.since, self.at
        if item.after is not None:
            if item.after not in self.named:
                return Looked(number, words(item, limit), "skipped", why=f"there was no {item.after}")
            first = self.named[item.after]
            since = next(one.t for one in self.frames if one.i == first)
        looked = Looked(number, words(item, limit), "open", deadline=since + limit)
        for frame in self.frames:
            hit = not frame.ours and frame.kind == CALL and frame.action == item.action and frame.i > first
            if not hit or frame.t > looked.deadline or frame.i in self.used:
                continue
            if match.mismatch(item.fields, frame.payload, dict(self.walk.bound)) is None:
                looked.state, looked.why, looked.frames = "failed", f"a {item.action} came", [frame]
                return looked
        if self.now >= looked.deadline:
            looked.state = "met"
        else:
            looked.why = "the recording ends too early to tell"
        return looked

    def _series(self, number: int, item: Series) -> Looked:
        every = self.facts.limit(item.every)
        limit = every * (item.count + 1) + self.facts.limit(item.within)
        looked = Looked(number, words(item, limit), "open", deadline=self.since + limit)
        found: list[Frame] = []
        for frame in self.frames:
            if frame.ours or frame.kind != CALL or frame.action != item.action or frame.i <= self.at:
                continue
            why = match.mismatch(item.fields, frame.payload, dict(self.walk.bound))
            if why is None:
                found.append(frame)
            elif not looked.why:
                looked.why, looked.frames = why, [frame]
        if len(found) < item.count:
            return self._late(looked, f"{len(found)} of {item.count} came")
        looked.frames = found[: item.count]
        times = [_stamp(frame, item.stamp) for frame in looked.frames]
        slack = every * item.tolerance + 1.0
        for before, after in itertools.pairwise(times):
            if before is None or after is None or not every - slack < after - before < every + slack:
                gap = "no time" if before is None or after is None else f"{after - before:.1f} s"
                looked.state, looked.why = "failed", f"{gap} between two, expected {every:g} s give or take {slack:g} s"
                return looked
        looked.state, looked.why = "met", ""
        return looked

    def _connects(self, number: int, item: Connects) -> Looked:
        limit = self.facts.limit(item.within)
        looked = Looked(number, words(item, limit), "open", deadline=self.since + limit)
        for mark in self.seen.marks:
            if mark.kind != "socket.opened" or mark.i <= self.at:
                continue
            why = match.mismatch(item.headers, mark.fields.get("headers", {}), dict(self.walk.bound))
            if why is None and mark.t <= looked.deadline + SEEN_LATE_S:
                looked.state, looked.why = "met", ""
                return looked
            looked.why = why or f"it came {mark.t - self.since:.1f} s after"
        return self._late(looked, "it did not connect again")


def _stamp(frame: Frame, path: str | None) -> float | None:
    if path is None:
        return frame.t
    value = frame.payload
    try:
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (LookupError, TypeError, ValueError):
        return None
    at = match.parse_time(value)
    return at.timestamp() if at is not None else None


def _named(item: Item) -> str:
    return f"{type(item).__name__} {getattr(item, 'action', getattr(item, 'deed', ''))}".strip()


def words(item: Expectation, limit: float) -> str:
    """Word an expectation, with its tolerance, for people."""
    fields = match.shown(getattr(item, "fields", {}))
    with_ = f" with {fields}" if fields else ""
    match item:
        case Sent(action):
            after = f", after {item.after}" if item.after else ""
            return f"{action}{with_} within {limit:g} s{after}"
        case Answered(action):
            codes = "any CALLERROR" if "*" in item.errors else f"CALLERROR {' or '.join(item.errors)}"
            if item.only_errors:
                return f"{codes} to {action} within {limit:g} s"
            return f"an answer to {action}{with_}{f' or {codes}' if item.errors else ''} within {limit:g} s"
        case Never(action):
            return f"no {action}{with_} for {limit:g} s"
        case Series(action):
            return f"{item.count} times {action}{with_}, every {item.every}"
        case Connects():
            return f"a new connection within {limit:g} s"


def walk(
    seen: Exchange, script: Sequence[Item], facts: Facts, bound: Mapping[str, Any], now: float, begin: int = 0
) -> Walk:
    """Follow a script through an exchange, from observation `begin` to second `now`."""
    return _Follower(seen, facts, bound, now, begin).run(script)


# --- the verdict -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """The verdict of a case, with its evidence."""

    case: str
    word: Word
    reason: str = ""
    looked: list[Looked] = field(default_factory=list)
    began: int = 0
    ended: int = 0
    bound: Mapping[str, Any] = field(default_factory=dict)


def judge(observations: Iterable[Observed], case: Case, station: str | None = None) -> Outcome:
    """Judge a case on a recording: by the tester's marks, if any, else wherever the case occurs."""
    seen = exchange(observations, case.role, station)
    begun = [mark for mark in seen.marks if mark.kind == "case.begun" and mark.fields.get("case") == case.id]
    if begun:
        return _marked(seen, case, begun[-1])
    if any(mark.kind == "case.begun" for mark in seen.marks):
        return Outcome(case.id, Word.NOT_APPLICABLE, "this run did not run it")
    return _unmarked(seen, case)


def facts_of(fields: Mapping[str, Any]) -> Facts:
    """Return the facts that the mark of a case's beginning holds."""
    return Facts(fields.get("limits", {}), fields.get("keys", {}), tuple(fields.get("features", ())))


def _marked(seen: Exchange, case: Case, begun: Any) -> Outcome:
    marks = [mark for mark in seen.marks if mark.i >= begun.i and mark.fields.get("case", case.id) == case.id]
    for mark in marks:
        if mark.kind == "case.stopped":
            word = Word[str(mark.fields["word"])]
            return Outcome(case.id, word, str(mark.fields["why"]), began=begun.i, ended=mark.i)
    ready = next((mark for mark in marks if mark.kind == "case.ready"), None)
    ended = next((mark for mark in marks if mark.kind == "case.ended"), None)
    if ready is None or ended is None:
        return Outcome(case.id, Word.INCONCLUSIVE, "the run was cut short", began=begun.i, ended=seen.marks[-1].i)
    window = Exchange(case.role, seen.station)
    window.frames = [frame for frame in seen.frames if ready.i <= frame.i <= ended.i]
    window.marks = [mark for mark in seen.marks if ready.i <= mark.i <= ended.i]
    window.t = ended.t
    facts = facts_of(begun.fields)
    found = walk(window, case.script, facts, ready.fields.get("bound", {}), ended.t, ready.i)
    return _outcome(case, found, window, ready.i, ended.i)


def _unmarked(seen: Exchange, case: Case) -> Outcome:
    """Try each place at which the tester sent the case's first stimulus, and return the best outcome."""
    keys = _keys(seen)
    first = next((item for item in case.script if not isinstance(item, Reply | Rest)), None)
    if not isinstance(first, Say | Sent | Series):
        return Outcome(case.id, Word.NOT_APPLICABLE, "it begins with a deed that no trace shows")
    holds = STATES[case.needs.state].holds
    best: Outcome | None = None
    for frame in seen.frames:
        if frame.kind != CALL or frame.ours != isinstance(first, Say) or frame.action != first.action:
            continue
        bound = holds([one for one in seen.frames if one.i < frame.i])
        if bound is None:
            continue
        pattern = first.payload if isinstance(first, Say) else first.fields
        if match.mismatch(pattern, frame.payload, dict(bound)) is not None and isinstance(first, Say):
            continue
        begin = frame.i if isinstance(first, Say) else frame.i - 1
        outcome = _outcome(case, walk(seen, case.script, Facts(keys=keys), bound, seen.t, begin), seen, begin, None)
        if best is None or outcome.word < best.word or best.word is Word.NOT_APPLICABLE:
            best = outcome
        if best.word is Word.PASS:
            break
    return best or Outcome(case.id, Word.NOT_APPLICABLE, "the recording never does what the case is about")


def _keys(seen: Exchange) -> dict[str, str]:
    found: dict[str, str] = {}
    for frame in seen.frames:
        if frame.kind == CALLRESULT and frame.action == "GetConfiguration":
            for one in frame.payload.get("configurationKey", ()):
                if isinstance(one, dict) and isinstance(one.get("key"), str):
                    found[one["key"]] = str(one.get("value", ""))
    return found


def _outcome(case: Case, found: Walk, seen: Exchange, began: int, ended: int | None) -> Outcome:
    last = ended if ended is not None else found.ended
    outcome = Outcome(case.id, Word.PASS, "", found.looked, began, last, found.bound)
    failed = found.failed()
    twice = _told_twice(case, seen, began, ended)
    if failed:
        outcome.word = Word.FAIL
        outcome.reason = "; ".join(f"{one.words}: {one.why}" for one in failed[:3])
    elif twice:
        outcome.word, outcome.reason = Word.FAIL, twice
    elif found.lost is not None:
        outcome.word, outcome.reason = Word.INCONCLUSIVE, f"the recording does not go on to {found.lost}"
    elif waiting := [one for one in found.open() if one.level == "must"]:
        outcome.word, outcome.reason = Word.INCONCLUSIVE, f"{waiting[0].words}: {waiting[0].why}"
    elif wanting := [one for one in found.looked if one.state in ("failed", "open")]:
        outcome.word, outcome.reason = Word.PARTIAL, f"{wanting[0].words}: {wanting[0].why}"
    elif not any(one.state == "met" for one in found.looked):
        outcome.word, outcome.reason = Word.INCONCLUSIVE, "nothing was there to look at"
    if outcome.word is Word.FAIL and case.level == "should":
        outcome.word = Word.PARTIAL
    return outcome


def _told_twice(case: Case, seen: Exchange, began: int, ended: int | None) -> str | None:
    """Return what was reported more often than the case has it happen: a resent message without an answer apart."""
    if ended is None:
        return None
    for action in ONCE:
        allowed = sum(isinstance(item, Sent) and item.action == action for item in case.script)
        allowed -= sum(item.times for item in case.script if isinstance(item, Reply) and item.action == action)
        if allowed < 1:
            continue
        told = [
            frame
            for frame in seen.frames
            if not frame.ours and frame.kind == CALL and frame.action == action and began <= frame.i <= ended
        ]
        answered = [frame for frame in told if frame.answer is not None and frame.answer.kind == CALLRESULT]
        if len(answered) > allowed:
            return f"{action} was told {len(answered)} times, expected {allowed}"
    return None
