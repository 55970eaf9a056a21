"""What real stations send, seen in public reports, against a node: each is one example of a kind.

A case is a session of frames with what has to come back, and what has to be in the log or the state afterwards. None of
them holds its schema, or each is one that was read wrongly; `docs/deviations.md` has the rules behind them.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from interlock.csms import codec
from interlock.csms.dialects import meant
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.settings import Settings

from .serving import dialled, served
from .test_node import Bench, play

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 150_000, "timestamp": "2026-05-04T10:00:00Z"}
STOP = {"meterStop": 155_000, "timestamp": "2026-05-04T11:00:00Z"}
REGISTER = {"value": "152400", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
PHASES = [
    *({"value": f"23{n}.5", "measurand": "Voltage", "phase": f"L{n}-N", "unit": "V"} for n in (1, 2, 3)),
    *({"value": f"3.{n + 3}", "measurand": "Power.Active.Import", "phase": f"L{n}", "unit": "kW"} for n in (1, 2, 3)),
]


@dataclass(frozen=True)
class Case:
    """One message of a station in a running session, and what becomes of it."""

    clause: str
    action: str
    payload: dict[str, Any]
    answer: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    """Fields of the last event it leaves."""
    deviates: tuple[str, ...] = ()
    """Members it deviates in."""


def values(*sampled: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of MeterValues in the running transaction."""
    return {
        "connectorId": 1,
        "transactionId": "$running",
        "meterValue": [{"timestamp": "2026-05-04T10:05:00Z", "sampledValue": list(sampled)}],
    }


ACCEPTED = {"idTagInfo": {"status": "Accepted"}}
CASES = {
    "authorize with a connector": Case(
        "4.1", "Authorize", {"connectorId": 2, "idTag": "TAG1"}, ACCEPTED, {}, ("connectorId",)
    ),
    "boot with a long serial": Case(
        "4.2, 7.16",
        "BootNotification",
        {"chargePointVendor": "P", "chargePointModel": "One", "chargeBoxSerialNumber": "P" * 34},
        {"status": "Accepted"},
        {"vendor": "P", "registration": "Accepted"},
        ("chargeBoxSerialNumber",),
    ),
    "boot without a model": Case(
        "4.2",
        "BootNotification",
        {"chargePointVendor": "P"},
        {"status": "Accepted"},
        {"model": ""},
        ("chargePointModel",),
    ),
    "status with a null info": Case(
        "4.9",
        "StatusNotification",
        {"connectorId": 1, "errorCode": "GroundFailure", "info": None, "status": "Faulted"},
        {},
        {"status": "Faulted", "info": None},
        ("info",),
    ),
    "status in a word of 1.5": Case(
        "4.9, 7.7",
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Occupied"},
        {},
        {"status": "Occupied"},
        ("status",),
    ),
    "stop with a long tag": Case(
        "4.10", "StopTransaction", {**STOP, "idTag": "P" * 21}, ACCEPTED, {"meter_stop_wh": 155_000}, ("idTag",)
    ),
    "stop with a reason of the vendor": Case(
        "4.10", "StopTransaction", {**STOP, "reason": "EVConnected"}, {}, {"reason": "EVConnected"}, ("reason",)
    ),
    "stop told in texts": Case(
        "4.10", "StopTransaction", {**STOP, "meterStop": "155000"}, {}, {"meter_stop_wh": 155_000}, ("meterStop",)
    ),
    "stop without a time": Case("4.10", "StopTransaction", {"meterStop": 5}, {}, {"stopped_at": None}, ("timestamp",)),
    "readings that are no list": Case(
        "4.7",
        "MeterValues",
        {**values(), "meterValue": {"timestamp": "2026-05-04T10:05:00Z", "sampledValue": [REGISTER]}},
        {},
        {"energy_wh": 152_400},
        ("meterValue",),
    ),
    "two energies in one reading": Case(
        "7.35",
        "MeterValues",
        values({**REGISTER, "context": "Sample.Periodic"}, {**REGISTER, "value": "7", "context": "Transaction.Begin"}),
        {},
        {"energy_wh": 152_400},
    ),
    "energy with a phase": Case(
        "7.34", "MeterValues", values({**REGISTER, "phase": "L1-N"}), {}, {"energy_wh": 152_400}
    ),
    "voltage and power by phase": Case(
        "7.34",
        "MeterValues",
        values(REGISTER, *PHASES),
        {},
        {"energy_wh": 152_400, "power_w": 10_500.0, "voltage_v": 231.5},
    ),
    "readings with nulls": Case(
        "4.7",
        "MeterValues",
        values({**REGISTER, "phase": None, "location": None, "format": None}),
        {},
        {"energy_wh": 152_400},
        ("meterValue.sampledValue.phase", "meterValue.sampledValue.location", "meterValue.sampledValue.format"),
    ),
    "readings with empty words": Case(
        "4.7",
        "MeterValues",
        values({**REGISTER, "phase": "", "location": "", "context": "", "unit": "KWH"}),
        {},
        {"energy_wh": 152_400_000},
        tuple(f"meterValue.sampledValue.{name}" for name in ("phase", "location", "context", "unit")),
    ),
    "readings told as numbers": Case(
        "4.7",
        "MeterValues",
        values({"value": 152400, "measurand": "energy.active.import.register"}),
        {},
        {"energy_wh": 152_400},
        ("meterValue.sampledValue.value", "meterValue.sampledValue.measurand"),
    ),
    "security event": Case(
        "A04",
        "SecurityEventNotification",
        {"type": "StartupOfTheDevice", "timestamp": "2026-05-04T10:00:00Z"},
        {},
        {"action": "SecurityEventNotification"},
    ),
    "firmware status": Case(
        "4.5", "FirmwareStatusNotification", {"status": "Installed"}, {}, {"payload": {"status": "Installed"}}
    ),
    "diagnostics status": Case("4.4", "DiagnosticsStatusNotification", {"status": "Uploaded"}),
    "log status": Case("N01", "LogStatusNotification", {"status": "Idle"}, {}, {"payload": {"status": "Idle"}}),
    "signed firmware status": Case("L01", "SignedFirmwareStatusNotification", {"status": "Idle", "requestId": 1}),
    "certificate request": Case("A02", "SignCertificate", {"csr": "-----BEGIN"}, {"status": "Rejected"}),
}  # fmt: skip


async def events(bench: Bench) -> list[Any]:
    """Return all events in the order they were stored."""
    return [codec.decode(one.type, one.data) for one in await bench.store.read_all()]


@pytest.mark.parametrize("name", CASES)
def test_a_case_from_the_field(name: str) -> None:
    case = CASES[name]

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps([2, "s", "StartTransaction", START]))
        running = bench.written[-1][2]["transactionId"]
        payload = {key: running if value == "$running" else value for key, value in case.payload.items()}
        if case.action == "StopTransaction":
            payload["transactionId"] = running
        before = len(await events(bench))
        await connection.receive(json.dumps([2, "x", case.action, payload]))
        kind, message_id, answer = bench.written[-1]
        assert (kind, message_id) == (3, "x")
        assert {key: answer[key] for key in case.answer} == case.answer
        added = (await events(bench))[before:]
        deviations = [one for one in added if isinstance(one, ev.DeviationRecorded)]
        assert {one.member for one in deviations} == set(case.deviates)
        assert all(one.action == case.action and one.clause for one in deviations)
        for key, value in case.kept.items():
            assert getattr(added[-1], key) == value
        if case.action == "StopTransaction":
            assert isinstance(added[-1], ev.TransactionStopped)

    play(scene, Settings(unknown_tokens="Accepted"))


def test_a_stop_keeps_the_readings_it_brings() -> None:
    data = [
        {"timestamp": "2026-05-04T10:00:00Z", "sampledValue": [{**REGISTER, "context": "Transaction.Begin"}]},
        {
            "timestamp": "2026-05-04T11:00:00Z",
            "sampledValue": [{"value": "50", "measurand": "Frequency", "unit": "Hz"}],
        },
        {"timestamp": "2026-05-04T11:00:00Z", "sampledValue": []},
    ]

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps([2, "s", "StartTransaction", START]))
        running = bench.written[-1][2]["transactionId"]
        stop = {**STOP, "transactionId": running, "transactionData": data}
        for _ in range(2):
            await connection.receive(json.dumps([2, "e", "StopTransaction", stop]))
        kept = [one for one in await events(bench) if isinstance(one, ev.MeterSampled)]
        assert [(one.evse, one.energy_wh, len(one.readings)) for one in kept] == [
            (1, 152_400, 1),
            (1, None, 1),
            (1, None, 0),
        ]

    play(scene)


@pytest.mark.parametrize(("registered", "shown"), [("abc123", "ABC123"), ("ABC123", "abc123"), ("Abc", "aBC")])
def test_tags_know_no_case(registered: str, shown: str) -> None:
    """OCPP 1.6 sections 7.15 and 7.28."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await bench.node.register_token(registered, "Accepted")
        assert list(bench.node.tokens) == [registered]
        await bench.node.operate("CP1", do.RemoteStart(1, registered), "r1")
        await asyncio.sleep(1)
        call = bench.written[-1]
        await connection.receive(json.dumps([3, call[1], {"status": "Accepted"}]))
        await connection.receive(json.dumps([2, "a", "Authorize", {"idTag": shown}]))
        assert bench.written[-1][2] == ACCEPTED
        for tag in (shown, registered, shown):  # told again
            await connection.receive(json.dumps([2, "s", "StartTransaction", {**START, "idTag": tag}]))
        started = [one for one in await events(bench) if isinstance(one, ev.TransactionStarted)]
        assert [one.command_id for one in started] == [call[1]]
        await bench.node.register_token(shown, "Blocked")
        await connection.receive(json.dumps([2, "b", "Authorize", {"idTag": registered}]))
        assert bench.written[-1][2] == {"idTagInfo": {"status": "Blocked"}}

    play(scene)


@pytest.mark.parametrize(
    ("offered", "means"),
    [
        ("ocpp1.6", "ocpp1.6"),
        ("ocpp1.6j", "ocpp1.6"),
        ("OCPP-1.6J", "ocpp1.6"),
        ("ocpp1.6-json", "ocpp1.6"),
        ("ocpp16", "ocpp1.6"),
        ("OCPP2.0.1", "ocpp2.0.1"),
        ("ocpp201", "ocpp2.0.1"),
        ("ocpp2.1", "ocpp2.1"),
        ("ocpp2.0", "ocpp2.0"),
        ("ocpp1.5", "ocpp1.5"),
        ("ocpp", "ocpp"),
        ("ocpp1.66", "ocpp1.6.6"),
        ("mqtt", "mqtt"),
        ("xocpp1.6", "xocpp1.6"),
        ("o" * 10_000, "o" * 10_000),
    ],
)
def test_a_subprotocol_is_known_in_the_spellings_of_the_field(offered: str, means: str) -> None:
    assert meant(offered) == means


# --- on sockets -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_connection_in_another_spelling_is_answered_in_it() -> None:
    async with served() as csms, dialled(csms.url(), subprotocols=["mqtt", "OCPP1.6J"]) as station:
        assert station.socket.subprotocol == "OCPP1.6J"
        assert (await station.boot())[2]["status"] == "Accepted"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "station"),
    [("RDAM%20123", "RDAM 123"), ("CP01", "CP01"), ("a*-_=:+%7C@.b", "a*-_=:+|@.b"), ("S%C3%A4ule%2B1", "Säule+1")],
)
async def test_an_identity_is_what_its_address_says_decoded(path: str, station: str) -> None:
    """OCPP-J 1.6 section 3.1.1: `RDAM%20123` is its own example."""
    async with served() as csms, dialled(csms.url(path)) as one:
        await one.boot()
        assert list(csms.node.connections) == [station]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["a%00b", "a%0Ab", "a%1B%5B2J", "a%2Fb", "a%5Cb", "a%7F", "%E2%80%AEa", "%E2%80%A8", "a" * 49, "%FF", "..", "."],
)
async def test_a_hostile_identity_is_refused_in_one_sentence(path: str) -> None:
    async with served() as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms.url(path)):
                pass
        assert 400 <= refused.value.response.status_code < 500
        body = refused.value.response.body or b""
        assert 0 < len(body) < 120
        assert body.count(b"\n") == 1
        assert not csms.node.connections


@pytest.mark.asyncio
async def test_a_ping_is_passed_on_as_a_sign_of_life() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        heard = csms.node.presence._last_heard["CP01"]
        await (await station.socket.ping())
        assert csms.node.presence._last_heard["CP01"] > heard


# --- in virtual time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("controls", "online"), [("alive", True), ("ignored", False)])
def test_pings_are_signs_of_life_unless_they_are_not_to_be(controls: Any, online: bool) -> None:
    """OCPP-J 1.6 section 5.3."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for _ in range(20):
            await asyncio.sleep(600)
            connection.alive(bench.now())
        assert (await bench.node.handler.load("CP1")).state.online is online

    play(scene, Settings(controls=controls, offline_after_s=900))


def test_a_ping_brings_back_a_station_that_was_silent_for_too_long() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        bench.node.spawn(connection.run())
        await asyncio.sleep(1000)
        assert not (await bench.node.handler.load("CP1")).state.online
        connection.alive(bench.now())
        await asyncio.sleep(1)
        assert (await bench.node.handler.load("CP1")).state.online
        assert bench.closed == []
        connection.hang_up("gone")
        await asyncio.sleep(1)
        connection.alive(bench.now())  # too late
        await asyncio.sleep(1000)
        assert not (await bench.node.handler.load("CP1")).state.online

    play(scene, Settings(offline_after_s=900))
