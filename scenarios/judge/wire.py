"""What can be judged by the wire alone: one pass over the frames at the stations' edge, about both sides.

The invariants of `invariants/` judge what a CSMS knows, so they need its log. These checks judge what was sent. A
finding is a function of the observations alone. Frames are `frame` observations with the edges `station.sent` and
`station.received`; `socket.opened` and `socket.closed` tell connections apart, where they are known. Only open
calls and a bounded number of finished ones are kept, so a record of any length is judged in bounded memory.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from interlock.scenarios.judge.payloads import Problem, in_words, of_answer, of_call
from interlock.scenarios.judge.verdict import Finding, Level, Verdict
from interlock.scenarios.judge.wire_check import (
    NO_VERSION,
    OTHER,
    UNREAD_LENGTH,
    Asked,
    Check,
    Closed,
    Connection,
    Heard,
    Peer,
    Side,
)
from interlock.scenarios.judge.wire_checks import WIRE_CHECKS
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.versions import Version, shown_by, spelt

LET_IN = "W00"
About = Literal["csms", "station", "both"]
SENDERS: dict[str, Side] = {"station.sent": "station", "station.received": "csms"}
SILENT_S = 5.0
OPEN_LIMIT = 200
"""CALLs of one side that are kept open on a connection that is never seen to end."""


@dataclass(slots=True)
class Judgement:
    """One pass of the checks over a record; `began` is the time of day at second 0, where that is known."""

    about: About = "csms"
    began: datetime | None = None
    came: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    broken: str | None = None
    unknown: Counter[str] = field(default_factory=Counter)
    """Versions that are named and not known here, with their frames."""
    assumed: set[str] = field(default_factory=set)
    """Stations of which no record names the version."""
    frames: int = 0
    silent: Counter[str] = field(default_factory=Counter)
    """CALLs of stations without an answer for `SILENT_S` or longer when their connection ended, by action."""
    checks: list[Check] = field(default_factory=list)
    """The checks that look; all of them about `about` where none are given."""
    edges: Mapping[str, Side] = field(default_factory=lambda: SENDERS)
    """Where frames are looked at, and who sent those that are seen there."""
    content: bool = True
    """Whether payloads are looked at."""
    connections: dict[tuple[str, int], Connection] = field(init=False, default_factory=dict)
    peers: dict[str, Peer] = field(init=False, default_factory=dict)
    _t: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        wanted = ("csms", "station") if self.about == "both" else (self.about,)
        self.checks = self.checks or [check() for check in WIRE_CHECKS.values() if check.about in wanted]
        for check in self.checks:
            check.alone = self.about == check.about

    @property
    def _edge(self) -> str:
        """The edge at which frames are looked at: each learns on its own that a connection is gone."""
        return next(iter(self.edges)).split(".")[0]

    @property
    def taken_as(self) -> set[str]:
        """The versions that stations without a named one were judged by."""
        return {str(self.peers[station].version) for station in self.assumed if self.peers[station].version}

    @property
    def stations(self) -> int:
        """How many stations said or heard something."""
        return len(self.peers)

    def see(self, seen: Observation) -> None:
        """Judge one more observation."""
        self._t, fields = seen.t, seen.fields
        if seen.kind == "frame":
            sender = self.edges.get(fields["edge"])
            if sender is not None:
                self._frame(seen, sender)
        elif seen.kind in ("frame.lost", "socket.silent"):
            self._connection(fields["station"], fields["socket"]).broken = True
        elif seen.kind == "dial.failed":
            self.refusals[fields["why"]] += 1
        elif seen.kind == "socket.opened":
            self.came.add(fields["station"])
            peer = self._peer(fields["station"], fields.get("subprotocol") or None)
            if peer.named is None and peer.version is None:
                peer.version = "1.6"  # records that begin with a connection named a version since there were others
            self._connection(fields["station"], fields["socket"], opened=True)
        elif seen.kind == "socket.closed" and fields.get("edge", self._edge) == self._edge:
            key = fields["station"], fields["socket"]
            connection = self.connections.pop(key, Connection(known=True))
            end = Closed(seen.i, seen.t, key[0], closed_by(fields), str(fields.get("why", "")))
            for check in self.checks:
                check.closed(connection, end)
            self._end(key[0], connection)
        elif seen.kind == "world.failed":
            self.broken = self.broken or fields["error"]

    def end(self) -> None:
        """End the record: what is open stays without an answer."""
        for (station, _), connection in self.connections.items():
            self._end(station, connection)
        self.connections.clear()

    def findings(self) -> list[Finding]:
        """End the record and return what the checks say."""
        self.end()
        found = [check.finding() for check in self.checks]
        if self.broken is not None:
            why = f"the fleet itself broke: {self.broken}"
            return [Finding(one.id, one.name, one.level, Verdict.ERROR, one.checked, why) for one in found]
        return found

    # --- what is open ---

    def _connection(self, station: str, number: int, *, opened: bool = False) -> Connection:
        found = self.connections.get((station, number))
        if found is None:
            found = Connection(whole=opened, known=opened or number != 0, number=number)
            self.connections[station, number] = found
        return found

    def _end(self, station: str, connection: Connection) -> None:
        for caller in OTHER:
            for asked in connection.waiting(caller):
                if caller == "station" and self._t - asked.t >= SILENT_S and not connection.broken:
                    self.silent[asked.action] += 1
                self._gone(station, connection, caller, asked)

    def _gone(self, station: str, connection: Connection, caller: Side, asked: Asked) -> None:
        for check in self.checks:
            check.gone(station, connection, caller, asked, self._t)

    # --- a frame ---

    def _frame(self, seen: Observation, sender: Side) -> None:
        fields, station = seen.fields, seen.fields["station"]
        connection = self._connection(station, fields["socket"])
        peer = self._peer(station, fields.get("ocpp"))
        loose = seen.frame()
        frame = loose if loose is not None and loose.strict else None
        self.frames += 1
        if frame is not None and frame.action == "BootNotification" and sender == "station" and peer.first_t < 0.0:
            connection.whole = True  # the first thing a station says, so that nothing older is open
        if peer.first_t < 0.0:
            peer.first_t = seen.t
        if frame is not None and peer.named is None and (shown := shown_by(frame)) is not None:
            peer.version = shown
        self._note_version(station, peer)
        wall = fields["wall"] if "wall" in fields else self.began.timestamp() + seen.t if self.began else None
        heard = Heard(seen.i, seen.t, wall, station, sender, fields["text"], frame, connection, peer)
        if loose is not None and loose.is_answer:
            waiting = connection.open[OTHER[sender]].get(loose.id)
            heard.asked = waiting[0] if waiting else None
        if self.content and frame is not None and peer.version is not None:
            heard.wrong, heard.words = _content(peer.version, sender, frame, heard.asked)
        heard.timed = fields.get("timed", True)
        for check in self.checks:
            if check.dialect and peer.version not in check.dialect:
                check.lack(_version_reason(peer))
            elif check.about == sender:
                check.said(heard)
            else:
                check.met(heard)
        self._after(heard, loose)

    def _peer(self, station: str, named: str | None) -> Peer:
        peer = self.peers.get(station)
        if peer is None:
            peer = self.peers[station] = Peer()
        if named is not None and named != peer.named:
            peer.named, peer.version = named, spelt(named)
        return peer

    def _note_version(self, station: str, peer: Peer) -> None:
        if peer.named is None:
            self.assumed.add(station)
        elif peer.version is None:
            self.unknown[peer.named] += 1

    def _after(self, heard: Heard, loose: Frame | None) -> None:
        """Take a frame into account once it is judged."""
        connection = heard.connection
        if loose is None:
            connection.unread[heard.sender].append(heard.text[:UNREAD_LENGTH])
            return
        if loose.kind == CALL:
            heard.peer.asked += heard.sender == "station"
            calls = connection.open[heard.sender]
            asked = Asked(heard.i, heard.t, loose, heard.wrong or heard.words, _odd(heard, loose), heard.text)
            calls.setdefault(loose.id, deque()).append(asked)
            if not connection.known and len(calls) > OPEN_LIMIT:
                first = next(iter(calls))
                for one in calls.pop(first):
                    self._gone(heard.station, connection, heard.sender, one)
        elif heard.asked is not None:
            calls = connection.open[OTHER[heard.sender]]
            waiting = calls[loose.id]
            waiting.popleft()
            for one in waiting:
                one.retold = True
            if not waiting:
                del calls[loose.id]
            if heard.sender == "csms":
                _count(heard.peer, heard.asked.frame, loose)


def _count(peer: Peer, call: Frame, answer: Frame) -> None:
    """Take note of how a station's CALL was answered."""
    action = call.action
    if answer.kind == CALLRESULT:
        peer.answered[action] += 1
        told = call.field("eventType") if action == "TransactionEvent" else action
        peer.starts += told in ("StartTransaction", "Started")
        peer.stops += told in ("StopTransaction", "Ended")
    else:
        peer.errors += 1
    if action == "BootNotification":
        status = answer.field("status")
        peer.boots[str(status)[:40] if answer.kind == CALLRESULT else f"with {answer.code[:40]}"] += 1
        if isinstance(status, str):
            peer.registration = status
            peer.accepted |= status == "Accepted"


def _content(
    version: Version, sender: Side, frame: Frame, asked: Asked | None
) -> tuple[Problem | None, Problem | None]:
    """Return what is wrong with a frame by its schema, and by the words of the standard."""
    if frame.kind == CALL:
        wrong = of_call(version, frame.action, frame.payload, sender)
        return wrong, in_words(version, frame.action, frame.payload, answer=False)
    if frame.kind == CALLRESULT and asked is not None:
        wrong = of_answer(version, asked.action, frame.payload)
        return wrong, in_words(version, asked.action, frame.payload, answer=True)
    return None, None


def _odd(heard: Heard, loose: Frame) -> str | None:
    """Return what else than its payload is wrong with a CALL."""
    if heard.frame is None:
        return "the request is no OCPP-J message"
    if not 0 < len(loose.id) <= 36:
        return "the request's message id is longer than 36 characters"
    if heard.connection.open[heard.sender]:
        return "another request of the same side had no answer"
    if heard.sender == "csms" and heard.peer.registration in ("Pending", "Rejected"):
        return "the station is not accepted"
    return None


def _version_reason(peer: Peer) -> str:
    if peer.named is None and peer.version is None:
        return NO_VERSION
    if peer.version is None:
        return f"the record is of OCPP {str(peer.named)[:40]}, which is not known here"
    return f"the record is of OCPP {peer.version}"


def closed_by(fields: Mapping[str, object]) -> Side | None:
    """Return who closed a connection, None where that is not certain (an abort, a broken network)."""
    return "csms" if str(fields.get("why", "")).startswith("closed by the CSMS") else None


def judge(
    observations: Iterable[Observation],
    unseen: Mapping[str, tuple[str, Level]] | None = None,
    stations: int | None = None,
    *,
    about: About = "csms",
    began: datetime | None = None,
) -> list[Finding]:
    """Judge what was observed at the stations' edge.

    `unseen` are the names and levels, by id, of what cannot be judged from here; they are said to be not applicable.
    `stations` is how many were to connect, where that is known. `began` is the time of day at second 0.
    """
    work = Judgement(about, began)
    for seen in observations:
        work.see(seen)
    findings = work.findings()
    if stations is not None:
        findings.insert(0, let_in(work, stations))
    return findings + hidden(unseen or {})


def hidden(unseen: Mapping[str, tuple[str, Level]]) -> list[Finding]:
    """Say of what cannot be judged from outside that it was not."""
    reason = "seen from outside, without the CSMS's own log"
    return [Finding(id, name, level, Verdict.NOT_APPLICABLE, 0, reason) for id, (name, level) in sorted(unseen.items())]


def let_in(work: Judgement, stations: int) -> Finding:
    """Say whether every station was connected: of one that was not, nothing is known, and that must not look right."""
    came, verdict, reason = len(work.came), Verdict.PASS, None
    if work.broken is not None:
        verdict, reason = Verdict.ERROR, f"the fleet itself broke: {work.broken}"
    elif came < stations:
        verdict = Verdict.ERROR if work.refusals else Verdict.INCONCLUSIVE
        (why, _), *_ = work.refusals.most_common(1) or [("the run ended before anybody answered", 0)]
        reason = f"{stations - came} of {stations} stations were never connected: {why}"
    return Finding(LET_IN, "stations are let in", "BOOKKEEPING", verdict, came, reason)
