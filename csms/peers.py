"""A node asks another to ping the connection it holds of a station, by notes through the store.

An unauthenticated connection does not replace one that answers a ping, on whichever node that is. Notes may be lost and
a node may be gone: without an answer the question is repeated once, and then the other connection counts as gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from interlock.csms.store import EventStore
from interlock.csms.supervise import Supervisor

HEARD_S = 1.0
"""How long to wait for the first answer to a note."""
ASKS = 2


class Answers(Protocol):
    """A connection that can be pinged."""

    async def answers(self, within_s: float) -> bool:
        """Return whether there was a sign of life in time."""
        ...


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Is `station` alive on a connection of `node`?"""

    name: str
    asker: str
    node: str
    station: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    """`here`: it is being pinged. `alive`, `silent`: it answered, or not. `gone`: there is no such connection."""

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
        """`start` identifies this start of `node`: answers to questions of earlier starts are ignored."""
        self._start = start
        self.node, self._store, self._connections = node, store, connections
        self._supervisor, self._within_s = supervisor, within_s
        self._open: dict[str, asyncio.Queue[str]] = {}
        self._count = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Receive the notes of other nodes."""
        self._unsubscribe = self._store.on_note(self._heard)

    def close(self) -> None:
        """Receive no more notes."""
        self._unsubscribe()

    async def alive(self, station: str, node: str) -> bool:
        """Have `node` ping a station's connection; False without a sign of life or without an answer."""
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
        await self._store.send_note(msgspec.json.encode(note).decode())

    def _heard(self, text: str) -> None:
        try:
            note = _note_of(text)
        except msgspec.DecodeError:
            return  # of another version, or not a note of ours
        if isinstance(note, Said):
            if note.asker == self.node and (words := self._open.get(note.name)) is not None:
                words.put_nowait(note.word)
        elif note.node == self.node:  # each question is answered: two nodes may ask at the same time
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
