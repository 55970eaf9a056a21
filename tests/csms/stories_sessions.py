"""Stories about sessions: started, told again, out of order, late, metered, stopped, in both versions."""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.settings import Settings

from .stories import Line, Story, story
from .stories_commands import booted, booted_201, status


def at(second: int) -> str:
    """Return a time of the station's clock."""
    return f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def start(connector: int, token: str, meter: int, second: int) -> dict[str, Any]:
    """Return a StartTransaction."""
    return {"connectorId": connector, "idTag": token, "meterStart": meter, "timestamp": at(second)}


def sampled(*values: tuple[str, str | None, str | None], second: int = 5, **more: Any) -> list[dict[str, Any]]:
    """Return one MeterValue of 1.6 of (value, measurand, unit)."""
    found = [
        {name: said for name, said in (("value", value), ("measurand", what), ("unit", unit)) if said is not None}
        | more
        for value, what, unit in values
    ]
    return [{"timestamp": at(second), "sampledValue": found}]


async def number_of(s: Story) -> int:
    """Return the number of the newest transaction."""
    return int(list((await s.nodes["n"].handler.load("CP1")).state.transactions)[-1])


@story()
async def cards_of_each_status(s: Story) -> None:
    line = await booted(s)
    for token, word in (("A", "Accepted"), ("b", "Blocked"), ("C", "Expired")):
        await s.nodes["n"].register_token(token, word, "PARENT" if token == "A" else None)
    for second, token in enumerate(("a", "B", "C", "UNKNOWN", "")):
        await line.say("Authorize", {"idTag": token})
        await line.say("StartTransaction", start(1, token, 5, second))
        number = await number_of(s)
        ended = {"transactionId": number, "meterStop": 9, "timestamp": at(second + 1), "idTag": token}
        await line.say("StopTransaction", ended)
    await s.nodes["n"].register_token("a", "Blocked")
    await line.say("StartTransaction", start(1, "A", 5, 0))
    await line.say("Authorize", {"idTag": "A"})
    await s.look()


@story(settings=Settings(unknown_tokens="Accepted"))
async def a_station_that_guesses_cards(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("BAD", "Blocked")
    for _ in range(70):
        await line.say("Authorize", {"idTag": "BAD"})
    await line.say("Authorize", {"idTag": "GOOD"})
    await s.wait(60)
    await line.say("Authorize", {"idTag": "GOOD"})
    await line.say("Authorize", {"idTag": "BAD"})


@story()
async def sessions_told_again_and_late(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("T", "Accepted")
    await s.wait(100)
    await line.say("StartTransaction", start(1, "T", 5, 90))
    await line.say("StartTransaction", start(1, "t", 5, 90), "again")
    one = await number_of(s)
    await line.say("StartTransaction", start(1, "T", 6, 90))
    await line.say("StartTransaction", start(2, "T", 5, 90))
    two = await number_of(s)
    await line.say(
        "StopTransaction", {"transactionId": two, "meterStop": 3, "timestamp": at(95), "reason": "EVDisconnected"}
    )
    await line.say(
        "StopTransaction", {"transactionId": two, "meterStop": 3, "timestamp": at(95), "reason": "EVDisconnected"}
    )
    await line.say("StopTransaction", {"transactionId": two, "meterStop": 4, "timestamp": at(96)})
    await line.say("StopTransaction", {"transactionId": one, "meterStop": 40, "timestamp": at(97), "idTag": "T"})
    await line.say("StartTransaction", start(1, "T", 5, 90))
    await line.say("StartTransaction", start(1, "T", 1, 20))
    old = await number_of(s)
    await line.say("StopTransaction", {"transactionId": old, "meterStop": 2, "timestamp": at(30)})
    await line.say("StopTransaction", {"transactionId": 99, "meterStop": 2, "timestamp": at(30)})
    await line.say("StartTransaction", {**start(2, "T", 0, 98), "timestamp": "2026-01-01T01:01:38+01:00"})
    await line.say("StartTransaction", start(0, "T", 0, 98))
    await line.say("StartTransaction", start(9, "T", 0, 98))
    await s.look()


@story()
async def a_remote_start_that_shows(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("T", "Accepted")
    accepted = await s.ask(do.RemoteStart(1, "T"), "r1")
    await line.answer({"status": "Accepted"})
    await line.say("StatusNotification", status(1, "Preparing"))
    await line.say("StartTransaction", start(2, "T", 0, 1))
    await line.say("StartTransaction", start(1, "t", 0, 1))
    await s.look(accepted)
    number = await number_of(s)
    await line.say("StopTransaction", {"transactionId": number, "meterStop": 1, "timestamp": at(3), "idTag": "OTHER"})
    doubtful = await s.ask(do.RemoteStart(1, "T"), "r2")
    await s.wait(40)
    await line.say("StartTransaction", start(1, "T", 1, 35))
    await line.answer({"status": "Accepted"})
    rejected = await s.ask(do.RemoteStart(2, "U"), "r3")
    await line.answer({"status": "Rejected"})
    await line.say("StartTransaction", start(2, "U", 1, 41))
    await s.look(accepted, doubtful, rejected)
    await s.ask(do.Unlock(1), "u")


@story()
async def a_start_that_shows_after_it_was_given_up(s: Story) -> None:
    line = await booted(s)
    lapsed = await s.ask(do.RemoteStart(1, "T"), "r1")
    await line.answer({"status": "Accepted"})
    unknown = await s.ask(do.RemoteStart(2, "T"), "r2")
    await s.wait(600)
    await s.look(lapsed, unknown)
    await line.say("StartTransaction", start(1, "T", 0, 500))
    await line.say("StartTransaction", start(2, "T", 0, 501))
    await s.look(lapsed, unknown)


@story()
async def meters_of_1_6(s: Story) -> None:
    line = await booted(s)
    await line.say("StartTransaction", start(1, "T", 5, 1))
    number = await number_of(s)
    power, voltage, register = "Power.Active.Import", "Voltage", "Energy.Active.Import.Register"
    for second, values in enumerate(
        [
            [("1500", None, None)],
            [("1.5", register, "kWh"), ("3.68", power, "kW"), ("230", voltage, "V")],
            [("16", "Current.Import", "A"), ("50", "SoC", "Percent"), ("1e3", register, "Wh"), ("0x1", power, "W")],
            [("-5", register, "Wh"), ("", voltage, "V"), (" 7 ", power, "W"), ("1,5", register, "kWh")],
            [("nan", register, "Wh"), ("inf", power, "W"), ("1" * 400, voltage, "V")],
            [("100", register, "Wh"), ("200", register, "Wh"), ("9", "Energy.Active.Export.Register", "Wh")],
            [("12", "Energy.Active.Import.Interval", "Wh"), ("1", "Energy.Reactive.Import.Register", "varh")],
            [("0.0005", register, "kWh"), ("1500.5", register, "Wh")],
            [("2", register, "kvarh"), ("3", power, "kVA")],
        ]
    ):
        told = {"connectorId": 1, "transactionId": number, "meterValue": sampled(*values, second=second)}
        await line.say("MeterValues", told)
    for phase in ("L1", "L2", "L3", "L1-N", "L1-L2", "N"):
        found = sampled(("10", power, "W"), ("230", voltage, "V"), ("7", register, "Wh"), phase=phase)
        await line.say("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": found})
    phases = [
        {"value": str(100 * number), "measurand": power, "phase": f"L{number}", "unit": "W"} for number in (1, 2, 3)
    ]
    volts = [{"value": "400", "measurand": voltage, "phase": f"L{number}-N"} for number in (1, 2, 3)]
    together = [{"timestamp": at(9), "sampledValue": [*phases, *volts]}]
    await line.say("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": together})
    for more in (
        {"location": "Inlet"},
        {"location": "Outlet"},
        {"context": "Transaction.Begin"},
        {"format": "SignedData"},
    ):
        found = sampled(("77", register, "Wh"), ("7", power, "W"), **more)
        await line.say("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": found})
    several = sampled(("1", None, None), second=20) + sampled(("2", None, None), second=10)
    await line.say("MeterValues", {"connectorId": 0, "meterValue": several})
    await line.say("MeterValues", {"connectorId": 0, "meterValue": several})
    await line.say("MeterValues", {"connectorId": 2, "transactionId": 12345, "meterValue": several})
    await line.say("MeterValues", {"connectorId": 0, "transactionId": number, "meterValue": several})
    ended = {"transactionId": number, "meterStop": 9, "timestamp": at(30), "transactionData": several}
    await line.say("StopTransaction", ended)


def event(
    kind: str, seq: int, second: int, trigger: str, info: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a TransactionEvent."""
    name = {"transactionId": "t-1", **(info or {})}
    return {
        "eventType": kind,
        "seqNo": seq,
        "timestamp": at(second),
        "triggerReason": trigger,
        "transactionInfo": name,
        **more,
    }


CARD = {"idToken": {"idToken": "T", "type": "ISO14443"}}


def metered(*values: tuple[float, str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return MeterValues of 2.0.1 of (value, context, more)."""
    return [
        {"timestamp": at(n), "sampledValue": [{"value": value, "context": context, **more}]}
        for n, (value, context, more) in enumerate(values)
    ]


@story()
async def a_session_of_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    await s.nodes["n"].register_token("t", "Accepted")
    say = line.say
    begin = metered((1.5, "Transaction.Begin", {"unitOfMeasure": {"unit": "kWh"}}), (7, "Sample.Periodic", {}))
    place = {"evse": {"id": 1, "connectorId": 1}}
    await say(
        "TransactionEvent",
        event("Started", 0, 1, "CablePluggedIn", {"chargingState": "EVConnected"}, **place, meterValue=begin),
    )
    await say(
        "TransactionEvent",
        event("Started", 0, 1, "CablePluggedIn", {"chargingState": "EVConnected"}, **place, meterValue=begin),
    )
    await say("TransactionEvent", event("Updated", 1, 2, "Authorized", **CARD))
    await say(
        "TransactionEvent", event("Updated", 3, 4, "ChargingStateChanged", {"chargingState": "Charging"}, offline=True)
    )
    await say("TransactionEvent", event("Updated", 2, 3, "ChargingStateChanged", {"chargingState": "SuspendedEV"}))
    await say("TransactionEvent", event("Updated", 2, 3, "ChargingStateChanged", {"chargingState": "SuspendedEV"}))
    await s.look()
    stop = await s.ask(do.RemoteStop("t-1"), "r1")
    unlock = await s.ask(do.Unlock(1, 1), "r2")
    await s.wait(31)
    await s.wait(31)
    await say("TransactionEvent", event("Updated", 4, 40, "RemoteStop"))
    await say("TransactionEvent", event("Updated", 5, 41, "UnlockCommand"))
    await s.look(stop, unlock)
    ending = metered(
        (2, "Sample.Periodic", {}), (30, "Transaction.End", {"unitOfMeasure": {"unit": "Wh", "multiplier": 2}})
    )
    await say(
        "TransactionEvent", event("Ended", 6, 50, "RemoteStop", {"stoppedReason": "Remote"}, meterValue=ending, **CARD)
    )
    await say("TransactionEvent", event("Ended", 6, 50, "RemoteStop", {"stoppedReason": "Remote"}, meterValue=ending))
    await say("TransactionEvent", event("Ended", 7, 51, "EVDeparted"))
    await say("TransactionEvent", event("Updated", 8, 51, "Clock"))
    await s.look()


@story()
async def out_of_order_in_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    say = line.say
    start_id = await s.ask(do.RemoteStart(1, "T", 77), "r1")
    other = await s.ask(do.RemoteStart(2, "T", 78), "r2")
    await line.answer({"status": "Accepted", "transactionId": "t-1"})
    await say("TransactionEvent", event("Ended", 3, 9, "EVDeparted", {"remoteStartId": 77}))
    await s.look(start_id)
    await say("TransactionEvent", event("Updated", 1, 4, "RemoteStart", {"remoteStartId": 77}, **CARD, evse={"id": 1}))
    await say(
        "TransactionEvent",
        event("Started", 0, 2, "RemoteStart", {"remoteStartId": 77}, evse={"id": 1, "connectorId": 1}),
    )
    await s.look(start_id)
    new = {"transactionId": "t-2", "remoteStartId": 78}
    await say("TransactionEvent", event("Updated", 1, 20, "RemoteStart", new, evse={"id": 2}))
    await s.look(other)
    await say(
        "TransactionEvent",
        event("Started", 0, 19, "CablePluggedIn", {"transactionId": "t-2"}, evse={"id": 2, "connectorId": 1}),
    )
    await say(
        "TransactionEvent",
        event("Started", 4, 30, "CablePluggedIn", {"transactionId": "t-2"}, evse={"id": 2, "connectorId": 1}),
    )
    await say(
        "TransactionEvent",
        event("Started", 0, 40, "CablePluggedIn", {"transactionId": "t-3"}, evse={"id": 2, "connectorId": 1}),
    )
    await say(
        "TransactionEvent",
        event("Started", 0, 10, "CablePluggedIn", {"transactionId": "t-4"}, evse={"id": 2, "connectorId": 1}),
    )
    await say(
        "TransactionEvent", event("Updated", 9, 50, "MeterValuePeriodic", {"transactionId": "t-5"}, evse={"id": 1})
    )
    nobody = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    await say("TransactionEvent", event("Updated", 2, 41, "Authorized", {"transactionId": "t-3"}, **nobody))
    await s.look(start_id, other)


@story()
async def meters_and_notices_of_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    say = line.say
    power = {"measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW"}}
    values = metered(
        (1.5, "Sample.Clock", {}), (3, "Sample.Periodic", power), (230, "Trigger", {"measurand": "Voltage"})
    )
    await say("MeterValues", {"evseId": 1, "meterValue": values})
    await say("MeterValues", {"evseId": 0, "meterValue": values})
    for evse, connector, word in (
        (1, 1, "Occupied"),
        (0, 0, "Available"),
        (1, 0, "Faulted"),
        (0, 1, "Faulted"),
        (2, 1, "Odd"),
    ):
        told = {"evseId": evse, "connectorId": connector, "connectorStatus": word, "timestamp": at(3)}
        await say("StatusNotification", told)
    where = {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}
    one = {"eventId": 1, "timestamp": at(4), "trigger": "Delta", "actualValue": "Unavailable"}
    kind = {
        "eventNotificationType": "HardWiredNotification",
        "variable": {"name": "AvailabilityState"},
        "component": where,
    }
    secret = {**kind, "variable": {"name": "BasicAuthPassword"}, "component": {"name": "SecurityCtrlr"}}
    odd = {**kind, "component": {"name": "Connector", "evse": {"id": 2}}}
    for told in (
        [{**one, **kind}],
        [{**one, **secret}],
        [{**one, **kind}, {**one, **odd}],
        [{**one, **kind, "actualValue": "x"}],
    ):
        await say("NotifyEvent", {"generatedAt": at(5), "seqNo": 0, "eventData": told})
    await say("FirmwareStatusNotification", {"status": "Installed", "requestId": 3})
    await say("SecurityEventNotification", {"type": "Tamper", "timestamp": at(6)})
    await say("SignCertificate", {"csr": "x"})
    await say("Get15118EVCertificate", {"iso15118SchemaVersion": "1", "action": "Install", "exiRequest": "x"})
    await say("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}})
    await say("ReservationStatusUpdate", {"reservationId": 1, "reservationUpdateStatus": "Expired"})
    await say("DataTransfer", {"vendorId": "v"})
    await say("Heartbeat")
    await say("StartTransaction", {})
    await say("Reset", {"type": "Immediate"})
    await say("Authorize", {"idToken": {"idToken": "x", "type": "Central"}})
    await say("Authorize", {"idToken": {"idToken": "", "type": "NoAuthorization"}})
    await say("Authorize", {"idToken": {"idToken": "", "type": "Central"}})
    await say("BootNotification", {"reason": "RemoteReset", "chargingStation": {"vendorName": "V"}})
    await s.look()


@story()
async def a_reset_in_doubt_is_shown_by_the_boot(s: Story) -> None:
    line: Line = await booted_201(s)
    reset = await s.ask(do.Reset(True), "r1")
    part = await s.ask(do.Reset(True, 1), "r2", force=True)
    await s.wait(70)
    await s.look(reset, part)
    told = {"vendorName": "V", "model": "M", "firmwareVersion": "2", "serialNumber": "S"}
    await line.say("BootNotification", {"reason": "RemoteReset", "chargingStation": told})
    await s.look(reset, part)
    await s.wait(300)
    await s.look(reset, part)
