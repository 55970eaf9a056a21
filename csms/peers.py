"""One node asks another whether the connection it has of a station is alive: a ping, by way of the store's notes.

A newcomer that proves nothing takes nothing over from a connection that answers, on whichever node that is. Notes may
be lost and a node may be gone: whoever hears nothing asks once more, and then counts the other connection as gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from interlock.csms.store import EventStore
from interlock.csms.supervise import Supervisor

HEARD_S = 1.0
"""How long a note and its first answer may take."""
ASKS = 2


class Answers(Protocol):
    """A connection that can be asked for a sign of life."""

    async def answers(self, within_s: float) -> bool:
        """Tell whether there was one in time."""
        ...


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Is `station` alive on a connection of `node`?"""

    name: str
    asker: str
    node: str
    station: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    """`here`: it is asked. `alive`, `silent`: it answered, or not. `gone`: there is no such connection."""

    name: str
    asker: str
    word: str


_note_of = msgspec.json.Decoder(Ask | Said).decode


class Peers:
    """The notes of one node."""

    def __init__(
        self,
        node: str,
        start: str,
        store: EventStore,
        connections: Mapping[str, Answers],
        supervisor: Supervisor,
        within_s: float,
    ) -> None:
        """`start` names this start of `node`: what its earlier ones asked is no matter of it."""
        self._start = start
        self.node, self._store, self._connections = node, store, connections
        self._supervisor, self._within_s = supervisor, within_s
        self._open: dict[str, asyncio.Queue[str]] = {}
        self._count = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Hear what others ask."""
        self._unsubscribe = self._store.hear(self._heard)

    def close(self) -> None:
        """Hear nothing more."""
        self._unsubscribe()

    async def alive(self, station: str, node: str) -> bool:
        """Ask `node` for a sign of life of a station. False: there was none, or nobody said anything."""
        for _ in range(ASKS):
            self._count += 1
            name = f"{self._start}.{self._count}"
            words = self._open[name] = asyncio.Queue()
            try:
                await self._tell(Ask(name, self.node, node, station))
                word = await self._next(words, HEARD_S)
                if word == "here":
                    word = await self._next(words, self._within_s + HEARD_S)
            finally:
                del self._open[name]
            if word is not None:
                return word == "alive"
        return False

    async def _next(self, words: asyncio.Queue[str], within_s: float) -> str | None:
        try:
            return await asyncio.wait_for(words.get(), within_s)
        except TimeoutError:
            return None

    async def _tell(self, note: Ask | Said) -> None:
        await self._store.tell(msgspec.json.encode(note).decode())

    def _heard(self, text: str) -> None:
        try:
            note = _note_of(text)
        except msgspec.DecodeError:
            return  # of another version, or nobody's
        if isinstance(note, Said):
            if note.asker == self.node and (words := self._open.get(note.name)) is not None:
                words.put_nowait(note.word)
        elif note.node == self.node:  # each ask has its answer: two nodes may want to know at the same time
            what = f"{note.station}: whether it is alive, as {note.asker} asks"
            self._supervisor.must_live(what, self._answer(note), lambda why: None)

    async def _answer(self, ask: Ask) -> None:
        connection = self._connections.get(ask.station)
        if connection is None:
            await self._tell(Said(ask.name, ask.asker, "gone"))
            return
        await self._tell(Said(ask.name, ask.asker, "here"))
        alive = await connection.answers(self._within_s)
        await self._tell(Said(ask.name, ask.asker, "alive" if alive else "silent"))
