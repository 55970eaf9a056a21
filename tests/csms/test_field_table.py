"""More of what real stations send, a line each: what is answered, what of it deviates, and what is kept.

`test_field` has the reports these kinds come from. `$` stands for the running transaction. Nothing here holds its
schema, or each holds it and says something that the schema does not see.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.csms import codec
from interlock.csms.dialects import v16, v201
from interlock.csms.domain import events as ev
from interlock.csms.settings import Settings

from .test_node import BOOT, Bench, play

Row = tuple[str, str, dict[str, Any], str, dict[str, Any]]
"""Name, action, payload, members it deviates in, and fields of the last event it leaves (`_` is its type)."""

T, LATER = "2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z"
START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 150_000, "timestamp": T}
STOP = {"transactionId": "$", "meterStop": 155_000, "timestamp": LATER}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
CHARGING = {"status": "Charging"}
WH = {"value": "152400", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
STARTED, STOPPED, READ = "TransactionStarted", "TransactionStopped", "MeterSampled"


def values(*sampled: Any, **more: Any) -> dict[str, Any]:
    """Return MeterValues of 1.6 in the running transaction."""
    return {
        "connectorId": 1,
        "transactionId": "$",
        "meterValue": [{"timestamp": T, "sampledValue": list(sampled)}],
        **more,
    }


def end(**more: Any) -> dict[str, Any]:
    """Return a StopTransaction without its meter, but with what its data says of the end."""
    stop = {name: value for name, value in STOP.items() if name != "meterStop"}
    data = [{"timestamp": LATER, "sampledValue": [{**WH, "context": "Transaction.End"}]}]
    return {**stop, "transactionData": data, **more}


SAMPLED = "meterValue.sampledValue"
UNIT = f"{SAMPLED}.unit"
V16: list[Row] = [
    # A: members that are odd
    ("a code of 300", "StatusNotification", {**STATUS, "vendorErrorCode": "x" * 300}, "vendorErrorCode", CHARGING),
    ("small letters", "StatusNotification", {**STATUS, "status": "suspended-ev"}, "status", {"status": "SuspendedEV"}),
    ("each in a list", "StatusNotification", {**STATUS, "status": ["Charging"]}, "status", CHARGING),
    ("connector -1", "StatusNotification", {**STATUS, "connectorId": -1}, "connectorId", {"evse": -1}),
    ("a boot of empty texts", "BootNotification", dict.fromkeys(("chargePointVendor", "chargePointModel"), ""), "", {}),
    ("a boot of nulls", "BootNotification", {"chargePointVendor": None}, "chargePointModel chargePointVendor", {}),
    ("connector 0", "StartTransaction", {**START, "connectorId": 0}, "connectorId", {"_": STARTED, "evse": 0}),
    ("no card", "StartTransaction", {**START, "connectorId": 2, "idTag": None}, "idTag", {"id_token": "(empty)"}),
    ("a card of 500", "StartTransaction", {**START, "connectorId": 2, "idTag": "X" * 500}, "idTag", {"_": STARTED}),
    ("no meter", "StartTransaction", {**START, "connectorId": 2, "meterStart": None}, "meterStart", {"_": STARTED}),
    ("a meter below 0", "StartTransaction", {**START, "meterStart": -5}, "meterStart", {"meter_start_wh": -5}),
    ("half a Wh", "StartTransaction", {**START, "meterStart": "7.0"}, "meterStart", {"meter_start_wh": 7}),
    ("a null reservation", "StartTransaction", {**START, "connectorId": 2, "reservationId": None}, "reservationId",
     {"_": STARTED}),
    ("a bad sample in a stop", "StopTransaction", end(meterStop=155_000, transactionData=[
        {"timestamp": T, "sampledValue": [{**WH, "unit": "Furlong"}, {**WH, "value": None}]}]),
     "transactionData.sampledValue.unit transactionData.sampledValue.value", {"meter_stop_wh": 155_000}),
    ("an empty reservation", "StartTransaction", {**START, "connectorId": 2, "reservationId": ""}, "reservationId", {}),
    ("transaction -1", "StopTransaction", {**STOP, "transactionId": -1}, "", {"what": "stop of no known transaction"}),
    ("a stop below 0", "StopTransaction", {**STOP, "meterStop": -1}, "meterStop", {"meter_stop_wh": -1}),
    ("a stop with its meter in data", "StopTransaction", end(), "meterStop", {"meter_stop_wh": 152_400}),
    ("a stop with an odd meter", "StopTransaction", end(meterStop="155 kWh"), "meterStop", {"meter_stop_wh": 152_400}),
    ("a stop with no meter", "StopTransaction", end(transactionData=None), "meterStop transactionData", {"_": STOPPED}),
    ("nested nulls", "StopTransaction", {**STOP, "transactionData": [None, {"sampledValue": [None]}]},
     "transactionData transactionData.sampledValue transactionData.timestamp", {"meter_stop_wh": 155_000}),
    ("a reason that is an object", "StopTransaction", {**STOP, "reason": {"code": 3}}, "reason", {"reason": "Local"}),
    # Times
    ("a comma", "StopTransaction", {**STOP, "timestamp": "2026-05-04T11:00:00,5"}, "timestamp", {"_": STOPPED}),
    ("30 February", "StopTransaction", {**STOP, "timestamp": "2026-02-30T10:00:00Z"}, "timestamp", {"_": STOPPED}),
    ("seconds since 1970", "StopTransaction", {**STOP, "timestamp": 1777888800}, "timestamp", {"stopped_at": None}),
    # B: readings
    ("Interruption.Begin", "MeterValues", values({**WH, "context": "Interruption.Begin"}), "", {"energy_wh": 152_400}),
    ("three phases", "MeterValues", values(*({**WH, "phase": f"L{n}"} for n in (1, 2, 3))), "", {"energy_wh": 457_200}),
    ("between phases", "MeterValues", values({"value": "400", "measurand": "Voltage", "phase": "L1-L2"}), "",
     {"voltage_v": None}),
    ("kvarh", "MeterValues", values({**WH, "measurand": "Energy.Reactive.Import.Register", "unit": "kvarh"}), "",
     {"_": READ, "energy_wh": None}),
    ("a percent sign", "MeterValues", values({"value": "5", "measurand": "SoC", "unit": "%"}), UNIT, {"_": READ}),
    ("a comma in the value", "MeterValues", values({**WH, "value": "152,4"}), f"{SAMPLED}.value", {"energy_wh": None}),
    ("a unit in the value", "MeterValues", values({**WH, "value": "152 Wh"}), f"{SAMPLED}.value", {"energy_wh": None}),
    ("a unit of another measurand", "MeterValues", values({**WH, "unit": "kW"}), UNIT, {"energy_wh": None}),
    ("signed", "MeterValues", values({"value": "OCMF|{}|{}", "format": "SignedData"}, WH), "", {"energy_wh": 152_400}),
    ("bare values", "MeterValues", values("152400"), SAMPLED, {"energy_wh": 152_400}),
    ("no transaction", "MeterValues", values(WH, transactionId="none"), "transactionId", {"transaction_id": None}),
]  # fmt: skip

INFO = {"transactionId": "TX1"}
EVENT = {"eventType": "Updated", "timestamp": LATER, "triggerReason": "VendorsOwn", "seqNo": 1, "transactionInfo": INFO}
RIGHT = {**EVENT, "triggerReason": "MeterValuePeriodic"}
REGISTER = {"value": 152_400, "measurand": "Energy.Active.Import.Register"}
UPDATED = {"_": "TransactionUpdated", "seq_no": 1}


def told(*sampled: Any, **more: Any) -> dict[str, Any]:
    """Return a TransactionEvent of 2.0.1 with readings."""
    return {**RIGHT, "meterValue": [{"timestamp": LATER, "sampledValue": list(sampled)}], **more}


def told_of_evse(*sampled: Any) -> dict[str, Any]:
    """Return MeterValues of 2.0.1."""
    return {"evseId": 1, "meterValue": [{"timestamp": T, "sampledValue": list(sampled)}]}


def noticed(**more: Any) -> dict[str, Any]:
    """Return a NotifyEvent of 2.0.1 about a connector, without the member that says what kind of notification it is."""
    where = {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
    event = {"eventId": 1, "timestamp": T, "trigger": "Delta", "component": where, **more}
    return {"generatedAt": T, "seqNo": 0, "eventData": [{**event, "variable": {"name": "AvailabilityState"}}]}


V201: list[Row] = [
    ("a trigger nobody knows", "TransactionEvent", EVENT, "triggerReason", {**UPDATED, "trigger": "VendorsOwn"}),
    ("a number below 0", "TransactionEvent", {**RIGHT, "seqNo": -1}, "seqNo", {"seq_no": -1}),
    ("a gap", "TransactionEvent", {**RIGHT, "seqNo": 9}, "", {"seq_no": 9}),
    ("a start without a number", "TransactionEvent",
     {**RIGHT, "eventType": "Started", "timestamp": T, "seqNo": None, "transactionInfo": {"transactionId": "TX2"},
      "evse": {"id": 1}}, "seqNo", {"_": STARTED, "transaction_id": "TX2", "seq_no": 0}),
    ("an end without a number", "TransactionEvent", told(REGISTER, eventType="Ended", seqNo=None), "seqNo",
     {"_": STOPPED, "meter_stop_wh": 152_400}),
    ("an update without a number", "TransactionEvent", told(REGISTER, seqNo=None), "seqNo", {"energy_wh": 152_400}),
    ("an end before its start", "TransactionEvent",
     {**RIGHT, "eventType": "Ended", "transactionInfo": {"transactionId": "TX9"}}, "", {"transaction_id": "TX9"}),
    ("ended", "TransactionEvent", {**RIGHT, "eventType": "ended"}, "eventType", {"_": STOPPED}),
    ("an id as text", "TransactionEvent", {**RIGHT, "transactionInfo": "TX1"}, "transactionInfo", UPDATED),
    ("an id of 300", "TransactionEvent", {**RIGHT, "transactionInfo": {"transactionId": "x" * 300}},
     "transactionInfo.transactionId", {"transaction_id": "x" * 255 + "…"}),
    ("an EVSE as number", "TransactionEvent", {**RIGHT, "evse": 1}, "evse", {"evse": 1}),
    ("a token as text", "TransactionEvent", {**RIGHT, "idToken": "TAG1"}, "idToken idToken.type", {"id_token": "TAG1"}),
    ("a token of 500", "TransactionEvent", {**RIGHT, "idToken": {"idToken": "A" * 500, "type": "ISO14443"}},
     "idToken.idToken", {"id_token": "A" * 255 + "…"}),
    ("nobody's data", "TransactionEvent", {**RIGHT, "customData": {"x": 1}}, "customData.vendorId", UPDATED),
    ("a unit as text", "MeterValues", told_of_evse({**REGISTER, "value": 5, "unitOfMeasure": "kWh"}),
     f"{SAMPLED}.unitOfMeasure", {"energy_wh": 5000}),
    ("a power of 99", "MeterValues", told_of_evse({**REGISTER, "unitOfMeasure": {"multiplier": 99}}),
     f"{SAMPLED}.value", {"energy_wh": None}),
    ("a status of 1.6", "StatusNotification",
     {"timestamp": None, "connectorStatus": "Charging", "evseId": 1, "connectorId": 1}, "connectorStatus timestamp",
     CHARGING),
    ("numbers with a point", "TransactionEvent", {**RIGHT, "seqNo": 1.0, "evse": {"id": 1.0, "connectorId": 1.0}}, "",
     {**UPDATED, "evse": 1, "connector": 1}),
    ("an event that lacks its kind", "NotifyEvent", noticed(actualValue="occupied"), "eventData.eventNotificationType",
     {"_": "StatusReported", "status": "Occupied"}),
    ("an event of nothing", "NotifyEvent", noticed(component=None),
     "eventData.eventNotificationType eventData.component eventData.actualValue", {"_": "NoticeReceived"}),
    ("a report that lacks its variable", "NotifyReport",
     {"requestId": 1, "generatedAt": T, "seqNo": 0, "reportData": [{"component": {"name": "EVSE"}}]},
     "reportData.variable reportData.variableAttribute", {"_": "NoticeReceived"}),
]  # fmt: skip


def play_row(row: Row, dialect: Any, before: list[list[Any]]) -> None:
    """Play one message behind others, and check what came of it."""
    _, action, payload, deviates, kept = row

    async def scene(bench: Bench) -> None:
        connection = bench.node.connect("CP1", lambda frame: bench.written.append(json.loads(frame)), print, dialect)
        for frame in before:
            await connection.receive(json.dumps(frame))
        running = next((answer[2]["transactionId"] for answer in bench.written if "transactionId" in answer[2]), None)
        first = len(await bench.store.read_all())
        sent = {name: running if value == "$" else value for name, value in payload.items()}
        await connection.receive(json.dumps([2, "x", action, sent]))
        assert bench.written[-1][:2] == [3, "x"]
        added = [codec.decode(one.type, one.data) for one in (await bench.store.read_all())[first:]]
        deviations = [one for one in added if isinstance(one, ev.DeviationRecorded)]
        assert {one.member for one in deviations} == set(deviates.split())
        assert all(one.clause for one in deviations)
        last = added[-1] if added else None
        for name, value in kept.items():
            if name == "_":
                assert type(last).__name__ == value
            else:
                assert repr(getattr(last, name)) == repr(value)

    play(scene, Settings(unknown_tokens="Accepted"))


@pytest.mark.parametrize("row", V16, ids=lambda row: row[0])
def test_what_a_station_of_1_6_sends(row: Row) -> None:
    play_row(row, v16, [BOOT, [2, "s", "StartTransaction", START]])


@pytest.mark.parametrize("row", V201, ids=lambda row: row[0])
def test_what_a_station_of_2_0_1_sends(row: Row) -> None:
    boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
    start = {**RIGHT, "eventType": "Started", "timestamp": T, "seqNo": 0, "evse": {"id": 1, "connectorId": 1}}
    play_row(row, v201, [[2, "b", "BootNotification", boot], [2, "s", "TransactionEvent", start]])


def test_a_stop_without_its_meter_ends_the_session_and_is_an_anomaly() -> None:
    """What an operator finds out afterwards: that the end was told, and that nobody knows its meter."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps([2, "s", "StartTransaction", START]))
        stop = {"transactionId": bench.written[-1][2]["transactionId"], "timestamp": LATER}
        for _ in range(2):
            await connection.receive(json.dumps([2, "e", "StopTransaction", stop]))
        kinds = await bench.log()
        assert kinds[-3:] == ["DeviationRecorded", "AnomalyRecorded", "TransactionStopped"]
        state = (await bench.node.handler.load("CP1")).state
        assert [(one.open, one.meter_stop_wh) for one in state.transactions.values()] == [(False, None)]

    play(scene, Settings(unknown_tokens="Accepted"))


FRAMES = [
    ('\ufeff[2,"x","Heartbeat",{}]', "JSON", "x"),
    ('[2,"x","Heartbeat",{}]\x00\x00', "JSON", "x"),
    ('[2,"x","Authorize",{"idTag":"a\tb"}]', "JSON", "x"),
    ('[2,"x","Authorize",{"idTag":"\\ud83d"}]', "JSON", "x"),
    ('[2,"x","Authorize",{"idTag":"\\ud83d\\ude00 \\\\ud83d"}]', "", "x"),
    ('[2,"x","Heartbeat"]', "elements of a CALL", "x"),
    ('[2,"x","Heartbeat",null]', "elements of a CALL", "x"),
    ('[2,"x","Heartbeat",[]]', "elements of a CALL", "x"),
    ('[2,"x","Heartbeat",{},{}]', "elements of a CALL", "x"),
    ('[2,"x","Authorize",[{"idTag":"A"}]]', "elements of a CALL", "x"),
    ('[2,7,"Heartbeat",{}]', "message id", 7),
    (f'[2,"{"i" * 38}","Heartbeat",{{}}]', "message id", "i" * 38),
]


@pytest.mark.parametrize(("frame", "rule", "message_id"), FRAMES)
def test_a_call_whose_frame_is_odd_is_answered(frame: str, rule: str, message_id: str | int) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(frame)
        assert bench.written[-1][:2] == [3, message_id]
        deviations = [one for one in await bench.events() if isinstance(one, ev.DeviationRecorded)]
        assert [one.rule for one in deviations] == ([rule] if rule else [])

    play(scene, Settings(unknown_tokens="Accepted"))


@pytest.mark.parametrize("frame", [frame for frame, rule, _ in FRAMES if rule] + ['[2,true,"Heartbeat",{}]', "[2,"])
def test_strictness_takes_no_odd_frame(frame: str) -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(frame)
        assert all(answer[0] == 4 for answer in bench.written[1:])
        assert (await bench.log())[-1] == "AnomalyRecorded"

    play(scene, Settings(acceptance="strict"))


def test_no_secret_becomes_an_example() -> None:
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    report = {"requestId": "1", "generatedAt": T, "seqNo": 0, "reportData": [{**variable, "variableAttribute": 5}]}
    secrets = [("NotifyReport", report), ("Heartbeat", {"settings": {"authorizationKey": "hush5"}})]
    for action, payload in secrets:
        _, deviations = v201.accepted(action, payload)
        assert deviations
        assert not any("5" in one.example for one in deviations)
