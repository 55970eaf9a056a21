"""A node from the outside: frames in, frames out, what the log holds - in virtual time, without a network."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.csms import codec
from interlock.csms.clock import Ids
from interlock.csms.connection import Connection
from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore
from interlock.scenarios.world.loop import Clock, SimLoop

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BOOT = [2, "m1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]
Scene = Callable[["Bench"], Coroutine[Any, Any, None]]


class Bench:
    """One node, one connection, and every frame the node wrote."""

    def __init__(self, settings: Settings, store: MemoryStore | None = None, incarnation: int = 1) -> None:
        self.env = Clock()
        self.store = store or MemoryStore()
        self.written: list[Any] = []
        self.closed: list[str] = []
        self.node = Csms(
            "n", self.store, self, Ids(f"n{incarnation}", random.Random(1)), settings, lambda station: Rules(2, 2)
        )

    def now(self) -> float:
        return self.env.now

    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.env.now)

    def when(self, at: datetime) -> float:
        return (at - EPOCH).total_seconds()

    def connect(self) -> Connection:
        return self.node.connect("CP1", lambda frame: self.written.append(json.loads(frame)), self.closed.append, v16)

    async def online(self) -> Connection:
        connection = self.connect()
        await connection.receive(json.dumps(BOOT))
        return connection

    async def log(self) -> list[str]:
        return [codec.kind(stored.type) for stored in await self.store.read("station-CP1")]

    async def events(self) -> list[ev.Event]:
        return [codec.decode(stored.type, stored.data) for stored in await self.store.read("station-CP1")]


def play(scene: Scene, settings: Settings | None = None, bench: Bench | None = None) -> Bench:
    bench = bench or Bench(settings or Settings())
    loop = SimLoop(bench.env)

    async def whole() -> None:
        await bench.node.start()
        await scene(bench)

    try:
        loop.run_until_complete(whole())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    return bench


def test_a_boot_is_durable_and_answered() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        assert await bench.log() == ["CameOnline", "Booted"]

    bench = play(scene)
    assert bench.written[0][:2] == [3, "m1"]
    assert bench.written[0][2] == {"status": "Accepted", "currentTime": "2026-01-01T00:00:00.000Z", "interval": 300}


@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
def test_a_boot_can_be_put_off(registration: Any) -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()

    assert play(scene, Settings(registration=registration)).written[0][2]["status"] == registration


def test_an_unlock_is_an_intent_then_one_call_then_an_outcome() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        decision = await bench.node.operate("CP1", do.Unlock(1), "r1")
        assert decision.answer == "accepted"
        await asyncio.sleep(1)
        call = bench.written[-1]
        assert call[2:] == ["UnlockConnector", {"connectorId": 1}]
        assert call[1] == decision.command_id
        await connection.receive(json.dumps([3, call[1], {"status": "Unlocked"}]))
        assert (await bench.log())[2:] == ["CommandRequested", "CommandAccepted"]
        assert await bench.node.operate("CP1", do.Unlock(1), "r1") == type(decision)("known", decision.command_id)
        assert [frame[0] for frame in bench.written].count(2) == 1

    play(scene)


def test_a_held_connector_is_refused_and_leaves_no_trace() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        await bench.node.operate("CP1", do.Unlock(1), "r1")
        before = await bench.log()
        assert (await bench.node.operate("CP1", do.RemoteStart(1, "T"), "r2")).answer == "refused"
        assert await bench.log() == before

    play(scene)


def test_silence_is_doubt_then_unknown_and_is_never_sent_again() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        await bench.node.operate("CP1", do.Unlock(1), "r1")
        await asyncio.sleep(29)
        assert (await bench.log())[2:] == ["CommandRequested"]
        await asyncio.sleep(2)
        assert (await bench.log())[2:] == ["CommandRequested", "CommandInDoubt"]
        await asyncio.sleep(130)
        assert (await bench.log())[2:] == ["CommandRequested", "CommandInDoubt", "CommandUnknown"]
        assert [frame[0] for frame in bench.written].count(2) == 1

    play(scene)


def test_a_late_answer_settles_the_doubt_on_any_socket() -> None:
    async def scene(bench: Bench) -> None:
        first = await bench.online()
        decision = await bench.node.operate("CP1", do.Unlock(1), "r1")
        await asyncio.sleep(1)
        await first.closed("line cut")
        assert (await bench.log())[-1] == "CommandInDoubt"
        second = await bench.online()
        await second.receive(json.dumps([3, decision.command_id, {"status": "Unlocked"}]))
        assert (await bench.log())[-1] == "CommandAccepted"

    play(scene)


def test_after_a_crash_an_open_command_is_in_doubt_and_not_sent() -> None:
    async def before(bench: Bench) -> None:
        await bench.online()
        await bench.node.operate("CP1", do.Unlock(1), "r1")
        await asyncio.sleep(1)

    async def after(bench: Bench) -> None:
        await bench.online()
        await asyncio.sleep(5)
        assert (await bench.log()).count("CommandInDoubt") == 1
        assert not [frame for frame in bench.written if frame[0] == 2]

    first = play(before)
    play(after, bench=Bench(Settings(), first.store, incarnation=2))


def test_the_close_of_an_old_socket_clears_nothing() -> None:
    async def scene(bench: Bench) -> None:
        first = await bench.online()
        second = await bench.online()
        assert bench.closed == ["superseded by a newer connection"]
        await first.closed("at last")
        assert bench.node.connections["CP1"] is second
        assert (await bench.node.operate("CP1", do.Unlock(1), "r1")).answer == "accepted"
        await asyncio.sleep(1)
        assert bench.written[-1][2] == "UnlockConnector"

    play(scene)


def test_a_start_in_doubt_is_asked_about_and_refuted_by_an_idle_connector() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        decision = await bench.node.operate("CP1", do.RemoteStart(1, "T"), "r1")
        await asyncio.sleep(155)
        probe = bench.written[-1]
        assert probe[2:] == ["TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}]
        await connection.receive(json.dumps([3, probe[1], {"status": "Accepted"}]))
        status = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
        await connection.receive(json.dumps([2, "m9", "StatusNotification", status]))
        last = [event for event in await bench.events() if getattr(event, "command_id", "") == decision.command_id]
        assert isinstance(last[-1], ev.CommandRefuted)

    play(scene)


def test_a_start_in_doubt_is_confirmed_by_its_transaction() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await bench.node.register_token("T", "Accepted")
        await bench.node.operate("CP1", do.RemoteStart(1, "T"), "r1")
        await asyncio.sleep(40)
        start = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-01-01T00:00:20Z"}
        for message_id in ("a", "a", "b"):
            await connection.receive(json.dumps([2, message_id, "StartTransaction", start]))
        answers = [frame for frame in bench.written if frame[0] == 3 and frame[1] in "ab"]
        assert len({json.dumps(answer[2]) for answer in answers}) == 1
        assert (await bench.log())[-2:] == ["TransactionStarted", "CommandConfirmed"]

    play(scene)


def test_silence_takes_a_station_offline_and_a_frame_brings_it_back() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await asyncio.sleep(800)
        await connection.receive(json.dumps([2, "h", "Heartbeat", {}]))
        await asyncio.sleep(899)
        assert "WentOffline" not in await bench.log()
        await asyncio.sleep(2)
        assert (await bench.log())[-1] == "WentOffline"
        assert (await bench.node.operate("CP1", do.Unlock(1), "r1")).answer == "unreachable"
        await connection.receive(json.dumps([2, "i", "Heartbeat", {}]))
        assert (await bench.log())[-1] == "CameOnline"

    play(scene)


STRICTLY = [
    ([2, "x", "BootNotification", {}], "OccurenceConstraintViolation"),
    ([2, "x", "BootNotification", {"chargePointVendor": 1, "chargePointModel": "M"}], "TypeConstraintViolation"),
    (
        [2, "x", "BootNotification", {"chargePointVendor": "V" * 99, "chargePointModel": "M"}],
        "PropertyConstraintViolation",
    ),
    ([2, "x", "Heartbeat", {"a": 1}], "FormationViolation"),
    ([2, "x", "Heartbeat"], "FormationViolation"),
]
NEVER = [
    ([2, "x", "Nonsense", {}], "NotImplemented"),
    ([2, "x", "UnlockConnector", {"connectorId": 1}], "NotSupported"),
    ([2, "x", "Heartbeat", "now"], "FormationViolation"),
    ([2, "x", "Authorize", {}], "OccurenceConstraintViolation"),
    ([2, "x", "Authorize", {"idTag": []}], "TypeConstraintViolation"),
]


@pytest.mark.parametrize(("frame", "code"), NEVER + STRICTLY)
def test_what_cannot_be_taken_is_answered_with_its_code_and_kept(frame: list[Any], code: str) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps(frame))
        await connection.receive(json.dumps(frame))
        assert (await bench.log()).count("AnomalyRecorded") == 1

    answer = play(scene, Settings(acceptance="strict")).written[-1]
    assert answer[0] == 4
    assert answer[2] == code
    if (frame, code) in NEVER:
        assert play(scene).written[-1][2] == code


@pytest.mark.parametrize("frame", [frame for frame, _ in STRICTLY])
def test_what_can_be_read_is_taken_unless_strictness_is_asked_for(frame: list[Any]) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps(frame))
        await connection.receive(json.dumps(frame))
        log = await bench.log()
        assert "AnomalyRecorded" not in log
        assert log.count("DeviationRecorded") == len(set(bench.node.handler.noted.of("CP1")))
        assert set(bench.node.handler.noted.of("CP1").values()) == {2}

    assert [frame[0] for frame in play(scene).written[-2:]] == [3, 3]


def test_stop_of_an_unknown_transaction_is_acknowledged() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        stop = {"transactionId": 4711, "meterStop": 1, "timestamp": "2026-01-01T00:00:00Z"}
        await connection.receive(json.dumps([2, "x", "StopTransaction", stop]))
        assert (await bench.log())[-1] == "AnomalyRecorded"

    assert play(scene).written[-1][0] == 3


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, 1),  # the answer was lost, so it is told again
        ({"timestamp": "2026-01-01T00:00:01Z"}, 2),
        ({"errorCode": "UnderVoltage"}, 2),
        ({"info": "phase 2"}, 2),
        ({"connectorId": 2}, 2),
        ({"timestamp": None}, 3),
    ],
)
def test_a_status_with_a_time_is_kept_once_however_often_it_is_told(change: dict[str, Any], kept: int) -> None:
    told = {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": "2026-01-01T00:00:00Z"}
    again = {key: value for key, value in {**told, **change}.items() if value is not None}

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for number, payload in enumerate((told, again, again)):
            await connection.receive(json.dumps([2, f"x{number}", "StatusNotification", payload]))
        assert (await bench.log()).count("StatusReported") == kept

    assert [frame[0] for frame in play(scene).written[1:]] == [3, 3, 3]


def test_readings_told_again_are_kept_once_and_with_others_they_are_new() -> None:
    def reading(second: int) -> dict[str, Any]:
        return {"timestamp": f"2026-01-01T00:00:0{second}Z", "sampledValue": [{"value": str(second)}]}

    async def kept(bench: Bench, *told: list[int]) -> int:
        connection = await bench.online()
        for number, seconds in enumerate(told):
            payload = {"connectorId": 1, "transactionId": 7, "meterValue": [reading(one) for one in seconds]}
            await connection.receive(json.dumps([2, f"x{number}", "MeterValues", payload]))
        return len(await bench.store.read("meter-CP1-7"))

    async def scene(bench: Bench) -> None:
        assert await kept(bench, [1], [1], [2], [3, 4], [3, 4], [4, 5]) == 6

    assert [frame[0] for frame in play(scene).written[1:]] == [3] * 6
