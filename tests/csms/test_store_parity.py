"""The stores are one store: hostile values and callers, the same to each; the same answers, errors and log come back.

Nothing here knows what is right, the contract does (`store_contract`): memory, SQLite and PostgreSQL are compared.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.store import EventStore, MemoryStore, NewEvent, Snapshot, StoreError, WrongExpectedVersion
from interlock.csms.store.sqlite import SqliteStore

from .postgres_server import Open, node, url

__all__ = ["node", "url"]  # fixtures
pytestmark = pytest.mark.asyncio

OPERATIONS, ROUNDS = 400, int(os.environ.get("INTERLOCK_PARITY_ROUNDS", "3"))
TEXTS = [
    *(
        "",
        "a",
        "b",
        "station-A",
        "station-a",
        "station-",
        "stat%",
        "a_b",
        "a\\b",
        "é",
        "e\u0301",
        "\u00e9",
        "\U0001f50c",
    ),
    *(
        "nul\0",
        "\0",
        "\ud83d",
        "x\udfff",
        "\u202e",
        "\x7f",
        "\x01",
        "a" * 255,
        "a" * 256,
        "\U0001f50c" * 255,
        "é" * 4000,
    ),
    *("'; DROP TABLE event; --", "%s", "{}", "\n", " ", "a ", "A", "z" * 2000, "NULL", "\ufffd", "\ufeffa"),
    *("a" * 255, "a" * 256, "é" * 4000, "\U0001f50c"),
]
NUMBERS = [
    0,
    1,
    2,
    3,
    7,
    100,
    -1,
    -2,
    -(2**31),
    2**31,
    2**53 - 1,
    2**53,
    2**62,
    2**63 - 1,
    2**63,
    2**64,
    10**30,
    -(10**30),
]
DEEP = b"[" * 100_000 + b"]" * 100_000
DATA = [b"", b"{}", b"\0", bytes(range(256)), DEEP, b"x" * 300_000, "\ud83d".encode("utf-8", "surrogatepass")]


def drawn(rng: random.Random, number: int) -> tuple[str, tuple[Any, ...]]:
    """Draw an operation, as often plain as odd."""

    def text() -> str:
        return rng.choice(TEXTS) if rng.random() < 0.5 else rng.choice(("a", "b", "station-A"))

    def batch() -> list[NewEvent]:
        names = [f"{number}.{n}" if rng.random() < 0.6 else rng.choice((*TEXTS, "1.0", "2.0", "3.0")) for n in range(4)]
        size = rng.choice((0, 1, 1, 1, 2, 4))
        kind = "Booted" if rng.random() < 0.9 else text()
        return [NewEvent(name, kind, rng.choice(DATA) if rng.random() < 0.5 else b"{}") for name in names[:size]]

    def whole() -> int:
        return rng.choice(NUMBERS)

    what = rng.choice(("append", "append", "append", "append", "read", "read_all", "find", "streams", "save", "load"))
    match what:
        case "append":
            return what, (text(), batch(), rng.choice((None, None, 0, 1, whole())))
        case "read":
            return what, (text(), whole(), rng.choice((None, whole())))
        case "read_all":
            return what, (whole(), rng.choice((None, whole())))
        case "find":
            return what, ([text() if rng.random() < 0.5 else f"{rng.randint(0, number)}.0" for _ in range(5)],)
        case "streams":
            return what, (text(),)
        case "save":
            return what, (Snapshot(text(), whole(), text(), rng.choice(DATA)),)
        case _:
            return what, (text(),)


async def outcome(store: EventStore, what: str, values: tuple[Any, ...]) -> Any:
    """Do it; return what came of it in a form that can be compared."""
    names = {"save": "save_snapshot", "load": "load_snapshot"}
    try:
        found = await getattr(store, names.get(what, what))(*values)
    except WrongExpectedVersion as error:
        return "WrongExpectedVersion", error.stream, error.expected, error.head
    except StoreError as error:
        return type(error).__name__
    return list(found) if isinstance(found, Sequence) else found


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_the_same_to_each_gives_the_same(seed: int, tmp_path: Path, node: Open) -> None:
    stores: list[EventStore] = [MemoryStore(), await SqliteStore.open(tmp_path / "log.sqlite"), await node()]
    heard: list[list[Any]] = [[] for _ in stores]
    for store, batches in zip(stores, heard, strict=True):
        store.subscribe(lambda batch, batches=batches: batches.append(list(batch)))  # type: ignore[misc]
        store.subscribe(_raises)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    rng = random.Random(f"parity {seed}")
    for number in range(OPERATIONS):
        what, values = drawn(rng, number)
        found = [await outcome(store, what, values) for store in stores]
        assert found[0] == found[1], (number, what, ascii(values)[:300], "SQLite")
        assert found[0] == found[2], (number, what, ascii(values)[:300], "PostgreSQL")
        if rng.random() < 0.05:
            await _cancelled(stores, number)
    whole = [await store.read_all() for store in stores]
    assert len(whole[0]) > OPERATIONS // 8
    assert list(whole[0]) == list(whole[1]) == list(whole[2])
    assert heard[0] == heard[1] == heard[2]
    for store in stores:
        assert store.ending.why is None
        await store.append("ready", [NewEvent("ready", "Booted", b"{}")], 0)
        await store.close()


def _raises(batch: Any) -> None:
    raise RuntimeError("a subscriber that raises")


async def _cancelled(stores: Sequence[EventStore], number: int) -> None:
    """Cancel a reader and a writer of each; whether the writer's event is there is then made the same for all."""
    for store in stores:
        batch = [NewEvent(f"cancelled {number}", "Booted", b"{}")]
        tasks = [asyncio.ensure_future(store.read_all()), asyncio.ensure_future(store.append("cancelled", batch, None))]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.append("cancelled", batch, None)


async def test_a_value_nobody_can_keep_leaves_the_store_ready(tmp_path: Path, node: Open) -> None:
    """NUL in a tag once turned a whole node's readiness to 503."""
    from interlock.csms.dialects import BY_SUBPROTOCOL
    from interlock.csms.domain.station import Rules
    from interlock.csms.node import Csms
    from interlock.csms.serve.wall_clock import WallClock, fresh_ids
    from interlock.csms.settings import Settings

    for store in (MemoryStore(), await SqliteStore.open(tmp_path / "log.sqlite"), await node()):
        clock = WallClock(asyncio.get_running_loop())
        csms = Csms("n", store, clock, fresh_ids("n"), Settings(), lambda _: Rules(2, 2), alarm=lambda text: None)
        await csms.start()
        frames: list[str] = []
        connection = csms.connect("CP1", frames.append, frames.append, BY_SUBPROTOCOL["ocpp1.6"])
        for number, tag in enumerate(("A\\u0000B", "\\u0000", "\\u202e", "'")):
            payload = f'{{"connectorId":1,"idTag":"{tag}","meterStart":{number},"timestamp":"2026-01-01T00:00:00Z"}}'
            await connection.receive(f'[2,"{number}","StartTransaction",{payload}]')
        assert [frame[:3] for frame in frames] == ["[3,"] * 4
        assert csms.handler.outage.refused == 0
        await csms.stop()
        await store.close()
