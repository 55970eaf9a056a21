"""The recording of a peer that does exactly what a case expects, made from the case alone.

It documents a case, serves as the base of mutants and variations for cases that no peer at hand supports, and shows
that a case is consistent: its exemplar must pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from interlock.scenarios.cases import match, schemas
from interlock.scenarios.cases.language import (
    LATE_S,
    LIMITS,
    Answered,
    Case,
    Connects,
    Cut,
    In,
    Item,
    Never,
    Present,
    Raw,
    Ref,
    Reply,
    Rest,
    Say,
    Sent,
    Series,
)
from interlock.scenarios.cases.replies import Replies
from interlock.scenarios.cases.states import STATES
from interlock.scenarios.judge.exchange import parse

STATION = "CP-EXAMPLE"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BOUND: dict[str, Any] = {
    "connector": 1,
    "other_connector": 2,
    "unknown_connector": 99,
    "tag": "TAG-VALID",
    "other_tag": "TAG-OTHER",
    "invalid_tag": "TAG-INVALID",
    "expired_tag": "TAG-EXPIRED",
    "blocked_tag": "TAG-BLOCKED",
    "parent_tag": "TAG-PARENT",
    "group_tag": "TAG-GROUP",
    "reservation": 7,
    "unknown_reservation": 4711,
    "unknown_transaction": 987654,
    "list_version": 1,
    "location": "ftp://127.0.0.1:2121/files",
    "bad_location": "ftp://127.0.0.1:1/nothing",
    "firmware": "http://127.0.0.1:8080/firmware.bin",
    "vendor": "org.example.interlock",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "signature": "c2lnbmF0dXJl",
    "password": "0123456789abcdef0123",
    "unit": "A",
    "now": "2026-01-01T00:00:00Z",
    "bad_firmware": "http://127.0.0.1:8080/broken.bin",
    "bad_signature": "d3Jvbmc=",
    "chain": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
    "certificate_hash": {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "aa",
        "issuerKeyHash": "bb",
        "serialNumber": "01",
    },
    "next_security_profile": 2,
}
"""What cases call by name, as a tester without a declaration has it."""

CHOSEN: dict[str, Any] = {"begun": "2026-01-01T00:00:00Z"}
"""What the peer chooses, where that is no number."""

_encode = msgspec.json.Encoder().encode


def bound_of(limits: Mapping[str, float]) -> dict[str, Any]:
    """Return what cases call by name: the above, and limits in whole seconds."""
    return {**BOUND, **{name: round(seconds) for name, seconds in limits.items()}}


@dataclass(slots=True)
class Seen:
    """An observation."""

    i: int
    t: float
    kind: str
    fields: dict[str, Any]


def numbered(rows: Sequence[Seen]) -> list[Seen]:
    """Return rows with their numbers and in the order of time."""
    ordered = sorted(rows, key=lambda row: row.t)
    return [replace(row, i=number) for number, row in enumerate(ordered)]


@dataclass(slots=True)
class _Composer:
    case: Case
    t: float = 0.0
    rows: list[Seen] = field(default_factory=list)
    bound: dict[str, Any] = field(default_factory=lambda: bound_of(LIMITS))
    replies: Replies = field(default_factory=Replies)
    said: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 30)))
    socket: int = 1

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.t)

    def note(self, kind: str, **fields: Any) -> None:
        self.rows.append(Seen(len(self.rows), self.t, kind, {"station": STATION, **fields}))

    def frame(self, ours: bool, message: list[Any]) -> None:
        sent = ours == (self.case.role == "csms")
        edge = "station.sent" if sent else "station.received"
        self.note("frame", edge=edge, socket=self.socket, node="peer", text=_encode(message).decode())

    def fill(self, pattern: Any) -> Any:
        return match.fill(pattern, self.bound, self.now)

    def play(self, script: Sequence[Item], marked: bool) -> None:
        quiet = 0.0
        for number, item in enumerate(script):
            if not isinstance(item, Sent | Answered | Never | Series | Connects):
                self.t += quiet
                quiet = 0.0
            self.t += 0.25
            match item:
                case Say(action, payload, known_as):
                    name = str(next(self.numbers))
                    self.said[known_as or action] = name
                    self.frame(True, [2, name, action, schemas.sample(action, self.fill(payload))])
                case Sent():
                    self.sent(item)
                case Answered():
                    self.answered(item)
                case Series():
                    for _ in range(item.count):
                        self.t += LIMITS[item.every]
                        fields = self.fill(item.fields)
                        self.sent(Sent(item.action, self.stamped(fields, item.stamp)))
                case Never(_, _, for_):
                    quiet = max(quiet, LIMITS[for_] + 1.0)
                case Connects(_, headers):
                    self.socket += 1
                    self.note("socket.opened", socket=self.socket, headers=self.headers(headers))
                case _:
                    self.stimulus(number, item, marked)
        self.t += quiet

    def headers(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return {name: "there" if isinstance(one, Present) else one for name, one in self.fill(wanted).items()}

    def stamped(self, fields: dict[str, Any], stamp: str | None) -> dict[str, Any]:
        if stamp is None:
            return fields
        at = self.fill(In(0.0))
        if stamp == "meterValue.0.timestamp":
            values = fields.get("meterValue") or [{"sampledValue": [{"value": "1"}]}]
            return {**fields, "meterValue": [{**values[0], "timestamp": at}]}
        return {**fields, stamp: at}

    def stimulus(self, number: int, item: Item, marked: bool) -> None:
        if isinstance(item, Reply):
            self.replies.put(item)
        if isinstance(item, Cut):
            self.note("socket.closed", socket=self.socket, why="the tester closed it")
        if marked:
            self.note("case.did", case=self.case.id, number=number, what=type(item).__name__)
        match item:
            case Raw(text):
                sent = self.case.role == "csms"
                edge = "station.sent" if sent else "station.received"
                text = text.replace("{id}", str(next(self.numbers)))
                self.said["raw"] = parse(text)[1]
                self.note("frame", edge=edge, socket=self.socket, node="peer", text=text)
            case Rest(seconds):
                self.t += LIMITS[seconds] if isinstance(seconds, str) else seconds
            case _:
                pass

    def sent(self, item: Sent) -> None:
        for one in refs(item.fields):
            self.bound.setdefault(one, CHOSEN.get(one, 1001))
        name = f"p{next(self.numbers)}"
        self.frame(False, [2, name, item.action, schemas.sample(item.action, self.fill(item.fields))])
        reply = self.replies.next(item.action)
        self.t += 0.05
        if reply is not None and not item.given:
            if reply.code is not None:
                self.frame(True, [4, name, reply.code, "", {}])
            elif reply.payload is not None:
                now, late_s = self.t, 0.0 if reply.late is None else LIMITS[reply.late] + LATE_S
                self.t += late_s
                self.frame(True, [3, name, schemas.sample(f"{item.action}Response", self.fill(reply.payload))])
                self.t = now
            return
        for one in refs(item.given):
            self.bound.setdefault(one, 1000 + next(self.numbers))
        self.frame(True, [3, name, schemas.sample(f"{item.action}Response", self.fill(item.given))])

    def answered(self, item: Answered) -> None:
        name = self.said[item.key]
        if name in self.done:
            return  # two expectations of one answer
        self.done.add(name)
        if item.only_errors:
            self.frame(False, [4, name, item.errors[0], "", {}])
            return
        for one in refs(item.fields):
            self.bound.setdefault(one, 1001)
        self.frame(False, [3, name, schemas.sample(f"{item.action}Response", self.fill(item.fields))])


def refs(pattern: Any) -> Iterator[str]:
    """Iterate over the names a pattern binds."""
    if isinstance(pattern, Ref):
        yield pattern.name
    elif isinstance(pattern, Mapping):
        for one in pattern.values():
            yield from refs(one)
    elif isinstance(pattern, list | tuple):
        for one in pattern:
            yield from refs(one)


def compose(case: Case, *, marked: bool = True) -> list[Seen]:
    """Return the recording; without marks as another tool would have made it."""
    work = _Composer(case)
    told = [item.when for item in case.script if isinstance(item, Sent | Answered)]
    keys = {when: "true" for when in told if when not in (None, "optional")}
    if marked:
        work.note("case.begun", case=case.id, limits=dict(LIMITS), keys=keys, features=list(case.needs.features))
    elif keys:
        listed = [{"key": name, "readonly": False, "value": "true"} for name in keys]
        work.frame(True, [2, "keys", "GetConfiguration", {}])
        work.frame(False, [3, "keys", {"configurationKey": listed}])
    work.play(STATES[case.needs.state].path, marked)
    if marked:
        work.note("case.ready", case=case.id, bound=dict(work.bound))
    work.replies = Replies()
    work.play(case.script, marked)
    work.t += 0.5
    work.note("case.ended" if marked else "end", case=case.id)
    return numbered(work.rows)
