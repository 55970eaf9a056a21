"""The store of a run beside a log on a disk: what the nodes asked of one is asked of the other, and answered alike."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.csms.store import EventStore, MemoryStore, StoredEvent, StoreError
from interlock.csms.store.sqlite import SqliteStore

Answer = tuple[str, str]
"""Whether there was one, and what it was, or which error."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a store, and its answer."""

    name: str
    values: tuple[Any, ...]
    answer: Answer

    def worded(self, *values: Any) -> Asked:
        """Return it with other words of the question."""
        return Asked(self.name, values, self.answer)


class Noted(MemoryStore):
    """A store in memory that notes what it was asked, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []

    async def _note(self, name: str, *values: Any) -> Any:
        try:
            found = await getattr(MemoryStore, name)(self, *values)
        except StoreError as error:
            self.asked.append(Asked(name, values, _failed(error)))
            raise
        self.asked.append(Asked(name, values, _answered(found)))
        return found

    async def append(self, *values: Any) -> int:
        """Append, and note it."""
        found: int = await self._note("append", *values)
        return found

    async def read(self, *values: Any) -> Sequence[StoredEvent]:
        """Read a stream, and note it."""
        found: Sequence[StoredEvent] = await self._note("read", *values)
        return found

    async def read_all(self, *values: Any) -> Sequence[StoredEvent]:
        """Read the log, and note it."""
        found: Sequence[StoredEvent] = await self._note("read_all", *values)
        return found

    async def find(self, *values: Any) -> Sequence[StoredEvent]:
        """Find events, and note it."""
        found: Sequence[StoredEvent] = await self._note("find", *values)
        return found

    async def streams(self, *values: Any) -> Sequence[str]:
        """Name streams, and note it."""
        found: Sequence[str] = await self._note("streams", *values)
        return found

    async def save_snapshot(self, *values: Any) -> None:
        """Save a snapshot, and note it."""
        await self._note("save_snapshot", *values)

    async def load_snapshot(self, *values: Any) -> Any:
        """Load a snapshot, and note it."""
        return await self._note("load_snapshot", *values)


def _answered(found: Any) -> Answer:
    return "answer", repr(list(found) if isinstance(found, tuple) else found)


def _failed(error: StoreError) -> Answer:
    return "error", type(error).__name__


REOPENED = 60
"""After so many questions the file is closed and opened again."""


def compared(asked: Sequence[Asked]) -> tuple[str, str, str] | None:
    """Ask a log on disk the same; return the first question that it answers otherwise, and both answers."""
    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        return asyncio.run(_compare(Path(folder) / "log.db", asked))


async def _compare(path: Path, asked: Sequence[Asked]) -> tuple[str, str, str] | None:
    heard: list[str] = []
    at = 0
    while at < len(asked):
        store = await SqliteStore.open(path)
        store.subscribe(lambda stored: heard.extend(one.event_id for one in stored))
        try:
            end = min(at + REOPENED, len(asked))
            while at < end:
                several = 1
                while at + several < end and asked[at].name == asked[at + several].name == "append":
                    several += 1  # they are committed together
                if (found := await _asked_of(store, asked[at : at + several])) is not None:
                    return found
                at += several
            told = [one.event_id for one in await store.read_all()]
        finally:
            await store.close()
        if heard != told:
            return "what subscribers were told", repr(told)[:200], repr(heard)[:200]
    return None


async def _asked_of(store: EventStore, asked: Sequence[Asked]) -> tuple[str, str, str] | None:
    answers = await asyncio.gather(*(_ask(store, one) for one in asked))
    for one, answer in zip(asked, answers, strict=True):
        if answer != one.answer:
            return f"{one.name} {one.values!r}"[:200], " ".join(one.answer)[:300], " ".join(answer)[:300]
    return None


async def _ask(store: EventStore, one: Asked) -> Answer:
    try:
        return _answered(await getattr(store, one.name)(*one.values))
    except StoreError as error:
        return _failed(error)
