"""Walks: what a station, its operators and the line do is drawn from small pools, and all that is seen is written down.

The pools are small so that the same place, card, meter and time come again: told twice, told otherwise, told late. What
is drawn depends on the walk's name alone, never on what the node does, so a change of behaviour changes the steps it
shows in and leaves the others as they were. Times pass in virtual time.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from interlock.csms.dialects import v16, v201
from interlock.csms.domain.station import Rules
from interlock.csms.settings import Settings
from interlock.scenarios.world.shell import Shell

from .payloads import statuses
from .stories import Line, Story, told
from .walk_words import TOKENS, Draw, asked_16, asked_201, said_16, said_201

STATION, OTHER = "CP1", "CP2"
PASSWORDS, KEY = ("password-number-one", "password-number-two"), "AuthorizationKey"
PARENTS = (None, "A-Group", "A-Group-Of-20-Letter", "A-Group-Of-21-Letters")
WAITS = (0.2, 0.2, 2.0, 31.0, 61.0, 125.0, 400.0)
ERRORS = ("NotSupported", "NotImplemented", "InternalError", "FormationViolation", "GenericError", "SecurityError")
Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Way:
    """How a walk is set up, and how long it is."""

    dialect: Any
    settings: Settings = field(default_factory=Settings)
    rules: Rules = field(default_factory=lambda: Rules(2, 2))
    steps: int = 120
    keys: bool = False
    """Whether the station's key is changed on the way."""


WAYS: dict[str, Way] = {
    **{f"1.6 {n}": Way(v16) for n in range(1, 5)},
    **{f"2.0.1 {n}": Way(v201, rules=Rules(2, 2, 2)) for n in range(1, 5)},
    "1.6 one slot": Way(v16, rules=Rules(2, 1)),
    "2.0.1 one slot": Way(v201, rules=Rules(2, 1)),
    "1.6 strict": Way(v16, Settings(acceptance="strict", heartbeats="every", unknown_tokens="Accepted")),
    "2.0.1 strict": Way(v201, Settings(acceptance="strict", offline_timer="polled", snapshot_events=7)),
    "1.6 loaded each time": Way(v16, Settings(residency="per-request", snapshot_events=5)),
    "1.6 keys": Way(v16, keys=True),
    "2.0.1 keys": Way(v201, keys=True),
    "2.0.1 pending": Way(v201, Settings(registration="Pending"), steps=60),
    "1.6 rejected": Way(v16, Settings(registration="Rejected"), steps=60),
}
"""Every walk by name."""


class Walk(Draw):
    """One walk."""

    def __init__(self, story: Story, way: Way, name: str) -> None:
        self.story, self.way = story, way
        super().__init__(name, newer=way.dialect is v201)
        self.line: Line
        self.older: list[Line] = []
        self.shell: Shell
        self.last: dict[str, dict[str, Any]] = {}
        self.asked = 0
        self.seen = 0
        self.rows: list[tuple[str, str]] = []
        self._steps = self._choices()

    def _choices(self) -> list[Step]:
        often = [self.say] * (10 if self.way.dialect is v16 else 14) + [self.ask] * 6 + [self.answer] * 7
        seldom = [self.look, self.look, self.wait, self.wait, self.wait, self.move, self.register]
        return [*often, *seldom, *[self.guard] * (20 if self.way.keys else 0)]

    def numbers(self) -> list[int]:
        """See `Draw.numbers`."""
        logged = [json.loads(one.data) for one in self.story.store.events(f"station-{STATION}")]
        began = [one["transaction_id"] for one in logged if "meter_start_wh" in one]
        return [int(one) for one in began if one.isdecimal()]

    async def whole(self) -> None:
        """Walk to the end, and look at all there is."""
        story = self.story
        await self._shelled()
        self.line = await story.plug(dialect=self.way.dialect)
        await self.line.say("BootNotification", self.boot())
        for token, word in (("ALPHA", "Accepted"), ("BRAVO", "Accepted"), ("CHARLIE", "Blocked")):
            await story.nodes["n"].register_token(token, word, "A-Group" if token == "BRAVO" else None)
        self._row("begins")
        for _ in range(self.way.steps):
            step = self.one(self._steps)
            await step()
            await story.wait(0.05)
            if self.line.connection._hung_up is not None:
                self.line = await story.plug(dialect=self.way.dialect)
            if len(self.rows) % 3 == 0:
                for what in ("commands", "connectors", "transactions"):
                    self._shown(*await self.shell.get(f"/api/stations/{STATION}/{what}"))
            self._row(step.__name__)
        await story.wait(1500.0)
        self._row("rests")
        for target, status, body in await self.shell.look([STATION, OTHER], rest=True):
            self._shown(target, status, body)
        self._row("looks")

    def _row(self, what: str) -> None:
        text = "\n".join(self.story.text[self.seen :])
        self.seen = len(self.story.text)
        self.rows.append((f"{len(self.rows):3d} {what:8} {hashlib.sha256(text.encode()).hexdigest()[:10]}", text))

    async def _shelled(self) -> None:
        self.shell = Shell(self.story.nodes["n"], random.Random(0))
        await self.shell.start()

    # --- the station ---

    async def say(self) -> None:
        line = self.one(*([self.line] * 12), *self.older[-1:])
        action, payload = (said_16 if self.way.dialect is v16 else said_201)(self)
        name, apart = self.one(sorted(payload) or [""]), self.rng.random() < 0.4
        if apart and name and action in self.last:  # what was told last, but for one member
            payload = {**self.last[action], name: payload[name]}
        self.last[action] = payload
        if self.rng.random() < 0.05:
            payload = {**payload, "vendorAddition": 1}
        await line.say(action, payload, f"m{self.one(range(6))}" if self.rng.random() < 0.1 else None)

    async def answer(self) -> None:
        which, code, fails = -self.one(1, 1, 1, 2, 3), self.one(ERRORS), self.rng.random() < 0.15
        word, odd = self.rng.random(), self.rng.random() < 0.05
        more = self.some(transactionId_=("tx-1", "tx-2"), messagesInQueue_=(True, False))
        lines = [self.one(*([self.line] * 6), *self.older[-1:])]
        asked = {id: action for line in (*self.older, *lines) for id, action in line.actions.items()}
        if len(asked) < -which:
            return
        id = list(asked)[which]
        words = list(statuses(*_response(self.way.dialect, asked[id]))) or [""]
        said = {"status": "Odd"} if odd else {"status": words[int(word * len(words))]} if words[0] else more
        await lines[0].raw(json.dumps([4, id, code, "", {}] if fails else [3, id, said]))

    async def move(self) -> None:
        how, takes = self.one("drop", "second", "silent", "crash"), self.rng.random() < 0.5
        self.older.append(self.line)
        if how == "drop":
            await self.line.drop()
        elif how == "silent":
            self.line.pongs = False
        elif how == "crash":
            await self.story.crash()
            await self.story.start()
            await self._shelled()
            self.older.clear()
        self.line = await self.story.plug(dialect=self.way.dialect, proven=takes)
        await self.story.wait(6.0)

    async def wait(self) -> None:
        await self.story.wait(self.one(WAITS))

    # --- operators ---

    async def register(self) -> None:
        token, word, parent = self.one(TOKENS), self.one("Accepted", "Blocked", "Expired"), self.one(PARENTS)
        body = {"status": word, "parent": parent} if parent else {"status": word}
        self._shown(*await self.shell.request("PUT", f"/api/tokens/{token}", body))

    async def ask(self) -> None:
        self.asked += self.rng.random() < 0.9
        action, payload = (asked_16 if self.way.dialect is v16 else asked_201)(self)
        body: dict[str, Any] = {"action": action, "payload": payload}
        if self.rng.random() < 0.1:
            body["force"] = True
        target = f"/api/stations/{STATION}/commands"
        self._shown(*await self.shell.request("POST", target, body, f"k{self.asked}"))

    async def guard(self) -> None:
        how, password = self.one("knock", "knock", "set", "remove", "send", "send"), self.one(PASSWORDS)
        place = f"/api/stations/{STATION}"
        if how in ("set", "remove"):
            content = {"password": password} if how == "set" else None
            self._shown(*await self.shell.request("PUT" if content else "DELETE", f"{place}/key", content))
        elif how == "send":
            self.asked += 1
            where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
            body: dict[str, Any] = {"action": "ChangeConfiguration", "payload": {"key": KEY, "value": password}}
            if self.way.dialect is v201:
                data = {"setVariableData": [{**where, "attributeValue": password}]}
                body = {"action": "SetVariables", "payload": data}
            self._shown(*await self.shell.request("POST", f"{place}/commands", body, f"k{self.asked}"))
        await self.story.wait(0.01)
        for tried in (None, *PASSWORDS):
            self.story.note(f"? knocks with {tried}: {self.shell.knock(STATION, tried)}")

    async def look(self) -> None:
        place, number = f"/api/stations/{STATION}", self.one(range(0, 60, 3))
        command = self.one("c", *(f"c{n}" for n in range(1, 12)))
        known = {short: long for long, short in self.story._names.items()}.get(command, command)
        target = self.one(
            (f"{place}", f"{place}/connectors", f"{place}/transactions", f"{place}/commands", f"{place}/deviations"),
            (f"{place}/events?after={number}&limit=3", f"{place}/events?last=4", f"{place}/events?limit=1000"),
            (
                "/api/stations?limit=1",
                f"/api/stations?after={STATION}",
                "/api/fleet?limit=1",
                f"/api/fleet?id={STATION}",
            ),
            (f"/api/commands/{known}", f"/api/commands/{known}?wait=1s", "/api/commands/none"),
            ("/api/tokens", f"/api/tokens/{self.one(TOKENS)}", "/api/stations/nobody", f"{place}/events?limit=0"),
        )
        if self.rng.random() < 0.15:
            self._shown(*await self.shell.request("POST", f"/api/commands/{known}/close", {"statement": "seen"}))
        self._shown(*await self.shell.get(self.one(target)))

    def _shown(self, target: str, status: int, body: Any) -> None:
        self.story.note(self.story.plain(f"? {target}: {status} {json.dumps(body, sort_keys=True)}"))


def _response(dialect: Any, action: str) -> tuple[str, str]:
    return ("v16" if dialect is v16 else "v201"), f"{action}Response"


def walked(name: str) -> list[tuple[str, str]]:
    """Walk; return a line for each step with the digest of what was seen in it, and the whole of that."""
    way, found = WAYS[name], list[tuple[str, str]]()

    async def script(story: Story) -> None:
        walk = Walk(story, way, name)
        await walk.whole()
        found.extend(walk.rows)

    told(script, way.settings, way.rules)
    return found
