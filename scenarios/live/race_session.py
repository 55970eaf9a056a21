"""What the parts of a check share: one network, one clock, one history, the cards, and how long to wait."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.live.line import WAIT_S, Line, Reply, compact
from interlock.scenarios.live.line_201 import Book, Newer, status_201
from interlock.scenarios.targets.target import Target
from interlock.scenarios.targets.wording import required, worded
from interlock.simulator.network.dial import Network
from interlock.simulator.spec import OcppVersion

AT_ONCE = 16
"""Stations that a part has working at the same time."""
SILENT = 2
"""Calls of one action without an answer, after which the next ones are not waited for as long."""
SHORT_S = 1.0
ENTER_S = 15.0
"""How long a station tries to connect."""
BOOTS = 4
"""How often a station boots that is not accepted."""


class NoMoreIds(Exception):
    """A part needs another station, and all that the CSMS knows are in use."""


Ids = Callable[[], str]


def counting() -> Ids:
    """1, 2, 3: the same on every station."""
    return map(str, itertools.count(1)).__next__


def padded() -> Ids:
    """Digits with zeros in front, which are no number."""
    return map("{:06d}".format, itertools.count(1)).__next__


def uuids(rng: random.Random) -> Ids:
    """36 characters, the most there may be."""
    return lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))


def signs(rng: random.Random) -> Ids:
    """Signs that are no letters and digits: quotes, a backslash, characters beyond ASCII."""
    return lambda: "".join(rng.choices("\"\\/:.+%{}<>&' äÜ€", k=12)) + f"{rng.getrandbits(40):x}"


def mixed(rng: random.Random) -> Ids:
    """36 characters in capitals and small letters."""
    return lambda: "".join(rng.choices("aAbBcCxXyYzZ0189-", k=36))


@dataclass(slots=True)
class Cards:
    """Which cards there are. `known` are statuses that are certain, `fresh` whether an invented card is accepted.

    `shared`: whether a card that is known may begin sessions at several stations and connectors at once.
    """

    known: Mapping[str, str]
    rng: random.Random
    fresh: bool = False
    shared: bool = False
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _made: int = 0

    @property
    def accepted(self) -> list[str]:
        """Cards that are said to be accepted."""
        return [card for card, status in self.known.items() if status == "Accepted"]

    @property
    def plenty(self) -> bool:
        """Whether any number of sessions may run at once."""
        return self.fresh or (self.shared and bool(self.accepted))

    def another(self) -> str:
        """Return a card for a session beside all others, where there are `plenty`."""
        if self.fresh:
            return self.invent()
        self._made += 1
        return self.accepted[self._made % len(self.accepted)]

    def invent(self) -> str:
        """Return a card that nobody has seen."""
        self._made += 1
        return f"X{self.rng.getrandbits(40):010X}{self._made}"

    def one(self, number: int) -> tuple[str, AbstractAsyncContextManager[Any]]:
        """Return a card for one user at a time, and what keeps others from it."""
        cards = self.accepted
        if self.fresh or not cards:
            return self.invent(), nullcontext()
        card = cards[number % len(cards)]
        if self.shared:
            return card, nullcontext()
        return card, self._locks.setdefault(card, asyncio.Lock())


@dataclass(slots=True)
class Session:
    """One check. `clock` gives seconds since `began`, UTC; `until` is when the last part ends."""

    network: Network
    clock: Callable[[], float]
    began: datetime
    observe: Callable[..., None]
    seed: int
    prefix: str
    cards: Cards
    until: float
    target: Target | None = None
    ocpp: OcppVersion = "1.6"
    """The version that stations speak."""
    lines: list[Line] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    """Ids that no station has yet, where the CSMS knows its stations (`limited`); they are given in turn."""
    limited: bool = False
    late_s: float = 35.0
    """When stations answer that take long."""
    most_open: int = 0
    """How many connections were open at a time."""
    book: Book | None = None
    """The transactions of stations that name them themselves."""
    silent: Counter[str] = field(default_factory=Counter)
    """Calls without an answer, by action."""

    def rng(self, name: str) -> random.Random:
        """Return randomness of one part, which depends on the seed and the name alone."""
        return random.Random(f"{self.seed}:{name}")

    def line(self, name: str, ids: Ids | None = None, **how: Any) -> Line:
        """Return a new station whose id ends in `name`, or the next one that the CSMS knows. Raises `NoMoreIds`."""
        how.setdefault("form", compact)
        made = Line(self.network, self.station_id(name), self.clock, self.began, ids or counting(), **how)
        if self.ocpp != "1.6":
            self.book = self.book or Book(self.rng("transactions"))
            made.newer = Newer(made.station, self.book, made.now)
        self.lines.append(made)
        return made

    def station_id(self, name: str) -> str:
        """Name a station."""
        if not self.limited:
            return self.prefix + name
        if not self.ids:
            raise NoMoreIds
        return self.ids.pop(0)

    def transaction(self, number: int) -> str:
        """Return the id of a session as frames and records have it; `number` is what parts call it by."""
        return str(number) if self.book is None else self.book.get(number).id

    def status(self, word: str) -> str:
        """Return a status of 1.6 as stations tell it."""
        return word if self.ocpp == "1.6" else status_201(word)

    def worded(self, command: do.Command) -> tuple[str, dict[str, Any]]:
        """Return the action and payload of a command."""
        return required(worded(command, self.ocpp))

    def deed(self, part: str, what: str, station: str = "") -> None:
        """Note that something happened that a part is about."""
        self.observe("deed", part=part, what=what, station=station)

    def step(self, line: Line, story: str, relation: str, label: str, word: str, *, card: str | None = None) -> None:
        """Note how a step of a story was answered."""
        self.observe("step", station=line.station, story=story, relation=relation, label=label, word=word, card=card)

    async def call(self, line: Line, action: str, payload: dict[str, Any], id: str | None = None) -> Reply:
        """Make a call. Where this action is never answered, the wait is short."""
        _, future = line.send(action, payload, id)
        try:
            async with asyncio.timeout(SHORT_S if self.silent[action] >= SILENT else WAIT_S):
                return await asyncio.shield(future)
        except TimeoutError:
            self.silent[action] += 1
            return Reply(None, "no answer")

    async def boot(self, line: Line, most: int = BOOTS, within_s: float = 3600.0, **payload: Any) -> Reply:
        """Boot until it is accepted, at most so often and so long, at the interval that the CSMS tells."""
        about = {"chargePointVendor": "Interlock", "chargePointModel": "Check", **payload}
        until = min(self.until, self.clock() + within_s)
        for _ in range(most):
            reply = await self.call(line, "BootNotification", about)
            if reply.word not in ("Pending", "Rejected"):
                break
            interval = reply.field("interval")
            wait_s = float(interval) if type(interval) is int and interval > 0 else 5.0
            if self.clock() + wait_s > until:
                break
            await asyncio.sleep(wait_s)
        return reply

    def _open(self) -> int:
        """Count the connections that are open now."""
        count = sum(bool(socket.open) for socket in self.network.sockets)
        self.most_open = max(self.most_open, count)
        return count

    async def enter(self, line: Line) -> bool:
        """Connect, and try for some seconds where that fails; return whether the station was let in."""
        until, beside = self.clock() + ENTER_S, self._open()
        while not await line.dial():
            if self.clock() > until or self.network.opened == 0:
                at_once = {"open": beside, "most": self.most_open}
                why = self.network.last_refusal or line.ended
                self.observe("door", station=line.station, word="refused", why=why, **at_once)
                return False
            await asyncio.sleep(0.5)
            beside = self._open()
        self._open()
        self.observe("door", station=line.station, word="let in", why="", open=0, most=self.most_open)
        return True

    async def arrive(self, line: Line, **payload: Any) -> bool:
        """Connect and be accepted; return whether both happened."""
        return await self.enter(line) and (await self.boot(line, **payload)).word == "Accepted"
