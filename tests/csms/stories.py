"""A node played with by a script, and all that can be seen of it in one text: frames, the log, answers, with times.

A story is compared with its approved text in `tests/csms/approved/`. What differs is a change of behaviour: a mistake,
or meant. Then `INTERLOCK_APPROVE=1 pytest tests/csms/test_stories.py` writes the texts anew, and the difference in
them is what a reviewer reads.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.csms.clock import Ids
from interlock.csms.connection import Connection
from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore, StoredEvent
from interlock.scenarios.world.loop import INCARNATION, Clock, SimLoop

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
Script = Callable[["Story"], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Told:
    """A story: its script, and how the node is set up."""

    script: Script
    settings: Settings | None = None
    rules: Rules | None = None


STORIES: dict[str, Told] = {}


def story(settings: Settings | None = None, rules: Rules | None = None) -> Callable[[Script], Script]:
    """Add a script to the stories, under its name."""

    def add(script: Script) -> Script:
        STORIES[script.__name__] = Told(script, settings, rules)
        return script

    return add


class Line:
    """A station's socket: what it sends, and what of it was asked on this socket."""

    def __init__(self, story: Story, connection: Connection, name: str) -> None:
        self.story, self.connection, self.name = story, connection, name
        self.asked: list[str] = []
        self.actions: dict[str, str] = {}
        """The action of each, by its id."""
        self.pongs = True

    async def say(self, action: str, payload: dict[str, Any] | None = None, number: str | None = None) -> None:
        """Send a CALL and wait until it is handled."""
        await self.raw(json.dumps([2, number or self.story.number(), action, payload or {}]))

    async def raw(self, frame: str) -> None:
        """Send a frame and wait until it is handled."""
        self.story.note(f"{self.name} > {self.story.plain(frame)}")
        self.connection.offer(frame)
        await asyncio.sleep(0.001)

    async def answer(self, payload: dict[str, Any], which: int = -1) -> None:
        """Answer a CALL that came on this socket: the last one."""
        await self.raw(json.dumps([3, self.asked[which], payload]))

    async def fail(self, code: str, which: int = -1) -> None:
        """Answer a CALL with an error."""
        await self.raw(json.dumps([4, self.asked[which], code, "", {}]))

    async def drop(self) -> None:
        """Cut the line."""
        self.story.note(f"{self.name} is cut")
        self.connection.hang_up("line cut")
        await asyncio.sleep(0.001)

    def written(self, frame: str) -> None:
        """Take a frame of the node."""
        found = json.loads(frame)
        if found[0] == 2:
            self.asked.append(found[1])
            self.actions[found[1]] = found[2]
        self.story.note(f"{self.name} < {self.story.plain(frame)}")

    def ping(self) -> None:
        """Answer a ping, or do not."""
        self.story.note(f"{self.name} < ping")
        if self.pongs:
            asyncio.get_running_loop().call_later(0.5, lambda: self.connection.alive(self.story.now()))


class Story:
    """One log, nodes on it, stations' lines, and the text of what happened."""

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self.env, self.store = Clock(), MemoryStore()
        self.settings, self.rules = settings, rules
        self.text: list[str] = []
        self.nodes: dict[str, Csms] = {}
        self.lives = 0
        self._number = 0
        self._lines = 0
        self._names: dict[str, str] = {}

    def now(self) -> float:
        return self.env.now

    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.env.now)

    def when(self, at: datetime) -> float:
        return (at - EPOCH).total_seconds()

    def number(self) -> str:
        self._number += 1
        return f"m{self._number}"

    def note(self, text: str) -> None:
        """Write a line, with the time."""
        self.text.append(f"{self.env.now:10.3f} {text}")

    def plain(self, text: str) -> str:
        """Return a text in which each command is named in the order in which it came up."""
        for long, short in self._names.items():
            text = text.replace(long, short)
        return text

    def logged(self, stored: Sequence[StoredEvent]) -> None:
        """Write what was appended."""
        for one in stored:
            data = json.loads(one.data)
            if one.type.startswith("CommandRequested"):
                self._names.setdefault(data["command_id"], f"c{len(self._names) + 1}")
            said = self.plain(json.dumps(data, sort_keys=True, ensure_ascii=False))
            self.note(f"= {one.stream} {one.version} {one.type} {said}")

    async def start(self, name: str = "n", **settings: Any) -> Csms:
        """Start a node, in a life of its own so that its power can be cut."""
        self.lives += 1
        own = Settings(**{**{key: getattr(self.settings, key) for key in Settings.__slots__}, **settings})
        node = Csms(
            name,
            self.store,
            self,
            Ids(f"{name}{self.lives}", random.Random(self.lives)),
            own,
            lambda station: self.rules,
            alarm=lambda text: self.note(f"{name} alarm: {self.plain(text)}"),
        )
        context = copy_context()
        context.run(INCARNATION.set, f"{name}#{self.lives}")
        self.nodes[name] = node
        node.life = f"{name}#{self.lives}"  # type: ignore[attr-defined]
        self.note(f"{name} starts")
        await asyncio.get_running_loop().create_task(node.start(), context=context)
        return node

    async def crash(self, name: str = "n") -> None:
        """Cut a node's power."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.note(f"{name} loses its power")
        loop.kill(self.nodes[name].life)  # type: ignore[attr-defined]
        self.nodes[name]._unsubscribe()

    async def plug(self, node: str = "n", station: str = "CP1", dialect: Any = v16, proven: bool = False) -> Line:
        """Connect a station, which says nothing yet."""
        self._lines += 1
        name = f"{station}/{self._lines}"

        def closed(why: str) -> None:
            self.note(f"{name} closed: {why}")
            connection.hang_up(why)

        connection = self.nodes[node].connect(station, lambda frame: line.written(frame), closed, dialect)
        line = Line(self, connection, name)
        connection.proven, connection.ping = proven, line.ping
        self.note(f"{name} connects to {node}")
        context = copy_context()
        context.run(INCARNATION.set, self.nodes[node].life)  # type: ignore[attr-defined]
        context.run(self.nodes[node].serve, connection, closed)
        await asyncio.sleep(0.001)
        return line

    async def ask(
        self, command: do.Command, request: str, node: str = "n", station: str = "CP1", *, force: bool = False
    ) -> str:
        """Ask for a command, as an operator does. Return the command's id."""
        decision = await self.nodes[node].operate(station, command, request, force=force)
        said = f"{decision.answer} {decision.command_id or ''} {decision.reason or ''}"
        self.note(f"? {command} as {request}: {self.plain(said).strip()}")
        await asyncio.sleep(0.001)
        return decision.command_id or ""

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def look(self, *commands: str, node: str = "n", station: str = "CP1") -> None:
        """Write where commands stand and what the node believes of its station."""
        for command_id in commands:
            self.note(f"! {self.plain(command_id)} is {await self.nodes[node].phase(station, command_id)}")
        state = (await self.nodes[node].handler.load(station)).state
        self.note(f"! {self.plain(repr(state))}")


def told(script: Script, settings: Settings | None = None, rules: Rules | None = None) -> str:
    """Play a story and return its text."""
    story = Story(settings or Settings(), rules or Rules(2, 2))
    loop, text = SimLoop(story.env), list[str]()

    async def whole() -> None:
        story.store.subscribe(story.logged)
        await story.start()
        await script(story)
        text.extend(story.text)

    try:
        loop.run_until_complete(whole())
    finally:
        loop.set_exception_handler(lambda loop, context: None)  # what was killed is left as it stood
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    return "\n".join(text) + "\n"
