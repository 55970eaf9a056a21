"""What is promised without end holds beyond every bound: what a state forgot, the log is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.domain import bounds
from interlock.csms.domain import commands as do
from interlock.csms.domain.bounds import Bounds
from interlock.csms.settings import Settings

from .test_node import Bench, play

TABLE = Path(__file__).parents[2] / "docs" / "bounds.md"
SETTINGS = Settings(call_timeout_s=5.0, lateness_s=10.0)
AT = "2026-01-01T00:00:00Z"


@pytest.fixture(params=[2, None], ids=["bounds of 2", "as they ship"])
def count(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return one more than the greater bound of a station's state, with that bound in use."""
    with bounds.using(bounds.of(request.param)):
        yield max(bounds.bounds().closed_commands, bounds.bounds().closed_transactions) + 4


async def unlock(bench: Bench, connection: Any, request_id: str, answer: str | None = "Unlocked") -> str:
    """Ask for an unlock and let the station answer it; return the command."""
    before = len(bench.written)
    decision = await bench.node.operate("CP1", do.Unlock(1), request_id)
    await asyncio.sleep(0.01)
    sent = [frame for frame in bench.written[before:] if frame[0] == 2]
    for frame in sent if answer is not None else []:
        await connection.receive(json.dumps([3, frame[1], {"status": answer}]))
    assert decision.command_id is not None, decision
    return decision.command_id


def start(number: int) -> list[Any]:
    payload = {"connectorId": 1, "idTag": "A", "meterStart": number, "timestamp": AT}
    return [2, f"s{number}", "StartTransaction", payload]


async def told(bench: Bench, connection: Any, message: list[Any]) -> Any:
    await connection.receive(json.dumps(message))
    return bench.written[-1]


def calls(bench: Bench) -> list[str]:
    return [frame[1] for frame in bench.written if frame[0] == 2]


def test_a_request_told_again_is_known_however_many_came_between(count: int) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        first = await unlock(bench, connection, "key:first")
        for number in range(count):
            await unlock(bench, connection, f"r{number}")
        sent = len(calls(bench))
        again = await bench.node.operate("CP1", do.Unlock(1), "key:first")
        assert (again.answer, again.command_id) == ("known", first)
        assert await bench.node.phase("CP1", first) == "accepted"
        await bench.node.operate("CP1", do.Unlock(1), "holds the connector")
        again = await bench.node.operate("CP1", do.Unlock(1), "key:first")
        assert (again.answer, again.command_id) == ("known", first), "even where a new one would be refused"
        await asyncio.sleep(0.01)
        assert len(calls(bench)) == sent + 1

    play(scene, SETTINGS)


def test_a_start_and_a_stop_told_again_are_answered_as_before(count: int) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        first = await told(bench, connection, start(1))
        stop = [
            2,
            "e",
            "StopTransaction",
            {"transactionId": first[2]["transactionId"], "meterStop": 9, "timestamp": AT},
        ]
        await told(bench, connection, stop)
        for number in range(2, count):
            await told(bench, connection, start(number))
        before = len(await bench.log())
        assert await told(bench, connection, start(1)) == first
        assert (await told(bench, connection, stop))[0] == 3
        assert len(await bench.log()) == before, "nothing is recorded twice"

    play(scene, SETTINGS)


def test_the_stop_of_a_transaction_that_is_long_forgotten_is_recorded(count: int) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        first = await told(bench, connection, start(1))
        for number in range(2, count):
            await told(bench, connection, start(number))
        stop = {"transactionId": first[2]["transactionId"], "meterStop": 9, "timestamp": AT}
        await told(bench, connection, [2, "e", "StopTransaction", stop])
        assert (await bench.log()).count("TransactionStopped") == 1
        await told(bench, connection, [2, "f", "StopTransaction", {**stop, "transactionId": 12345}])
        assert (await bench.log())[-1] == "AnomalyRecorded"
        began = bench.now()
        for number in range(90):
            await told(
                bench, connection, [2, f"x{number}", "StopTransaction", {**stop, "transactionId": 5000 + number}]
            )
        assert bench.now() - began > 60.0, "whoever makes the log be read again and again waits"

    play(scene, SETTINGS)


def test_a_very_late_answer_is_an_outcome_though_the_command_is_forgotten(count: int) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        late = await unlock(bench, connection, "late", answer=None)
        await asyncio.sleep(60.0)  # in doubt, and then unknown
        assert await bench.node.phase("CP1", late) == "unknown"
        for number in range(count):
            await unlock(bench, connection, f"r{number}")
        await connection.receive(json.dumps([3, late, {"status": "Unlocked"}]))
        assert await bench.node.phase("CP1", late) == "accepted"
        await connection.receive(json.dumps([3, late, {"status": "Unlocked"}]))
        assert (await bench.log()).count("AnomalyRecorded") == 0

    play(scene, SETTINGS)


def test_connectors_and_transactions_a_station_invents_fill_no_memory() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for number in range(0, 5000, 100):
            status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}
            await told(bench, connection, [2, f"n{number}", "StatusNotification", status])
        for number in range(400):
            payload = {"connectorId": 5000 + number, "idTag": "A", "meterStart": number, "timestamp": AT}
            await told(bench, connection, [2, f"t{number}", "StartTransaction", payload])
        state = (await bench.node.handler.load("CP1")).state
        assert len(state.connectors) == 11
        assert len(state.transactions) == bounds.bounds().closed_transactions
        assert state.evses_used() == set()
        assert (await bench.log()).count("StatusReported") == 50, "each of them is in the log"

    play(scene, SETTINGS)


def test_each_bound_is_in_the_table() -> None:
    rows = [line.split("|")[1].strip() for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {row.strip("`") for row in rows}
    assert {f"Bounds.{one.name}" for one in fields(Bounds)} <= named
    assert len(rows) == len(named)


CONSTANTS = {
    "store/sqlite.py": ("WAITING", "BATCH"),
    "store/postgres.py": ("WAITING", "CLAIM_S"),
    "store/__init__.py": ("BATCH_EVENTS", "EVENT_BYTES", "NAME_LIMIT", "READ_BYTES"),
    "handle.py": ("ATTEMPTS",),
    "ocppj.py": ("FRAME_LIMIT", "DEPTH_LIMIT"),
    "store_readiness.py": ("UNREADY_S",),
    "store/watch.py": ("HUNG_S",),
    "node.py": ("WRONG_CARDS_A_MINUTE", "LOOKUPS_A_MINUTE"),
}


@pytest.mark.parametrize("path", CONSTANTS)
def test_the_table_names_constants_that_are_there(path: str) -> None:
    text, code = TABLE.read_text("utf-8"), (Path(bounds.__file__).parents[1] / path).read_text("utf-8")
    for name in CONSTANTS[path]:
        assert f"\n{name}" in code or f"\n{name}," in code
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"{module}.{name}`" in text, f"{path}: {name} is not in docs/bounds.md"
