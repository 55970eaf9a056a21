"""What a station may say within OCPP 2.0.1, and programs trip over; `race_variety` has the same of 1.6.

Every message here is valid. How each is answered is noted with what is unusual about it, and `judge.race_checks` says
that none may be answered with an error, left unanswered, or end the connection.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.line_201 import AsIs, token
from interlock.scenarios.live.race_session import Session, uuids
from interlock.scenarios.live.race_variety import CONTEXTS, say, times

Payload = dict[str, Any]
Message = tuple[str, str, Payload]
"""What is unusual, the action, the payload."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


BOOTS = _words(
    "ApplicationReset FirmwareUpdate LocalReset PowerUp RemoteReset ScheduledReset Triggered Unknown Watchdog"
)
STATUSES = _words("Available Occupied Reserved Unavailable Faulted")
TOKENS = _words("Central eMAID ISO14443 ISO15693 KeyCode Local MacAddress")
TRIGGERS = _words(
    """Authorized CablePluggedIn ChargingRateChanged ChargingStateChanged EnergyLimitReached EVCommunicationLost
    EVConnectTimeout MeterValueClock MeterValuePeriodic TimeLimitReached Trigger UnlockCommand EVDetected
    AbnormalCondition SignedDataReceived ResetCommand"""
)
STATES = _words("Charging EVConnected SuspendedEV SuspendedEVSE Idle")
REASONS = _words(
    """DeAuthorized EmergencyStop EnergyLimitReached EVDisconnected GroundFault ImmediateReset Local LocalOutOfCredit
    MasterPass Other OvercurrentFault PowerLoss PowerQuality Reboot Remote SOCLimitReached StoppedByEV TimeLimitReached
    Timeout"""
)
MEASURANDS = _words(
    """Current.Export Current.Import Current.Offered Energy.Active.Export.Register Energy.Active.Net
    Energy.Reactive.Import.Register Energy.Active.Import.Interval Energy.Apparent.Import Frequency Power.Active.Import
    Power.Factor Power.Offered Power.Reactive.Import SoC Voltage"""
)
PHASES = _words("L1 L2 L3 N L1-N L2-N L3-N L1-L2 L2-L3 L3-L1")
FIRMWARE = _words("Downloaded DownloadFailed Downloading Idle InstallationFailed Installing Installed")
LOGS = _words("BadMessage Idle NotSupportedOperation PermissionDenied Uploaded UploadFailure Uploading")


async def variety(session: Session) -> None:
    """Say all of it: at one station what needs no session, at another one sessions that are out of the ordinary."""
    await asyncio.gather(_messages(session), _sessions(session))


async def _messages(session: Session) -> None:
    line = session.line("VARIED", uuids(session.rng("varied")))
    if not await session.arrive(line):
        return
    for what, action, payload in messages(_now(line)):
        await say(session, line, what, action, AsIs(payload))
    line.close()


async def _sessions(session: Session) -> None:
    line, rng = session.line("UNUSUAL", uuids(session.rng("unusual"))), session.rng("unusual ids")
    if not await session.arrive(line):
        return
    for number, (what, events) in enumerate(sessions(_now(line))):
        name = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        card, alone = session.cards.one(number)
        async with alone:
            for seq_no, event in enumerate(events):
                await say(session, line, what, "TransactionEvent", AsIs(filled(event, seq_no, name, card)))
    line.close()


def _now(line: Line) -> str:
    return line.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filled(event: Payload, seq_no: int, name: str, card: str) -> Payload:
    """Return an event with its seqNo, its transaction's id where it has none, and the card where it shows one."""
    info = {"transactionId": name, **event["transactionInfo"]}
    shown = event.get("idToken")
    kept = {name: one for name, one in event.items() if name != "idToken" or isinstance(shown, dict)}
    return {"seqNo": seq_no, **kept, "transactionInfo": info, **({"idToken": token(card)} if shown is True else {})}


def messages(at: str) -> Iterator[Message]:
    """What needs no session, at the time `at`."""
    least = {"vendorName": "V", "model": "M"}
    modem = {"iccid": "8" * 20, "imsi": "2" * 20}
    most = {"vendorName": "V" * 50, "model": "M" * 20, "serialNumber": "s" * 25, "firmwareVersion": "f" * 50}
    yield (
        "a boot with everything",
        "BootNotification",
        {"reason": "PowerUp", "chargingStation": {**most, "modem": modem}},
    )
    for reason in BOOTS:
        yield f"a boot for {reason}", "BootNotification", {"reason": reason, "chargingStation": least}
    for status in STATUSES:
        yield f"the status {status}", "StatusNotification", _status(at, status, 1)
    for what, text in times(at):
        yield f"a status at {what}", "StatusNotification", _status(text, "Available", 1)
    yield "a third EVSE", "StatusNotification", _status(at, "Available", 3)
    yield "a second connector", "StatusNotification", {**_status(at, "Available", 1), "connectorId": 2}
    for kind in TOKENS:
        yield f"a token of type {kind}", "Authorize", {"idToken": {"idToken": "04a1b2c3", "type": kind}}
    longest = {"idToken": "x" * 36, "type": "Central", "additionalInfo": [{"additionalIdToken": "y" * 36, "type": "z"}]}
    yield "a token as long as may be", "Authorize", {"idToken": longest}
    for what, samples in _readings():
        value = {"timestamp": at, "sampledValue": samples}
        yield what, "MeterValues", {"evseId": 1, "meterValue": [value]}
    energy = {"timestamp": at, "sampledValue": [{"value": 1500}]}
    yield "a reading of the whole station", "MeterValues", {"evseId": 0, "meterValue": [energy]}
    yield "40 readings in a message", "MeterValues", {"evseId": 1, "meterValue": [energy] * 40}
    for word in FIRMWARE:
        yield f"the status {word}", "FirmwareStatusNotification", {"status": word, "requestId": 1}
    for word in LOGS:
        yield f"the status {word}", "LogStatusNotification", {"status": word, "requestId": 1}
    yield "a DataTransfer with JSON", "DataTransfer", {"vendorId": "org.example", "data": {"a": [1, "ü"]}}
    vendor = {"customData": {"vendorId": "v" * 255, "note": "of the vendor's own"}}
    yield "data of a vendor", "Heartbeat", vendor
    yield "data of a vendor within", "BootNotification", {"reason": "PowerUp", "chargingStation": {**least, **vendor}}
    yield "data of a vendor within", "Authorize", {"idToken": {**token("04a1b2c3"), **vendor}}
    yield from _reports(at)


def _reports(at: str) -> Iterator[Message]:
    """What a station reports of itself; a CSMS may not support it (`judge.race_checks.OPTIONAL`)."""
    place = {"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}}
    event = {"eventId": 1, "timestamp": at, "trigger": "Delta", "eventNotificationType": "HardWiredNotification"}
    event |= {"actualValue": "Available", **place, "variable": {"name": "AvailabilityState"}}
    yield "an event of a connector", "NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]}
    more = {**event, "eventId": 2, "techCode": "E-17", "cleared": False, "actualValue": "ü" * 500, "cause": 1}
    yield "the first half of events", "NotifyEvent", {"generatedAt": at, "seqNo": 0, "tbc": True, "eventData": [more]}
    yield "the other half of them", "NotifyEvent", {"generatedAt": at, "seqNo": 1, "eventData": [more]}
    value = {**place, "variable": {"name": "Available"}, "variableAttribute": [{"value": "true"}]}
    for number, tbc in enumerate((True, False)):
        part = {"requestId": 4711, "generatedAt": at, "seqNo": number, "tbc": tbc, "reportData": [value]}
        yield "a report that nobody asked for", "NotifyReport", part
    for kind in ("StartupOfTheDevice", "SettingSystemTime"):
        yield f"the security event {kind}", "SecurityEventNotification", {"type": kind, "timestamp": at}
    over = {"reservationId": 4711, "reservationUpdateStatus": "Expired"}
    yield "the end of a reservation", "ReservationStatusUpdate", over
    limit = {"chargingLimitSource": "EMS", "isGridCritical": False}
    yield "a limit from elsewhere", "NotifyChargingLimit", {"chargingLimit": limit, "evseId": 0}
    yield "no limit any more", "ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 0}


def _status(at: str, status: str, evse: int) -> Payload:
    return {"timestamp": at, "connectorStatus": status, "evseId": evse, "connectorId": 1}


def _readings() -> Iterator[tuple[str, list[Payload]]]:
    for value in (0, 0.0, 1500.25, -12.5, 1500.123456, 1e3, 2147483647):
        yield f"a sample of {value!r}", [{"value": value, "measurand": "Power.Active.Import"}]
    for unit in ({}, {"unit": "kWh"}, {"multiplier": 3}, {"unit": "Wh", "multiplier": -1}):
        yield f"a unit of {unit}", [{"value": 12, "unitOfMeasure": unit}]
    for measurand in MEASURANDS:
        yield f"the measurand {measurand}", [{"value": 12.5, "measurand": measurand}]
    for context in CONTEXTS:
        yield f"a reading for {context}", [{"value": 12.5, "context": context}]
    for location in ("Body", "Cable", "EV", "Inlet", "Outlet"):
        yield f"a reading at {location}", [{"value": 12.5, "location": location}]
    yield "every phase", [{"value": 230, "measurand": "Voltage", "phase": phase} for phase in PHASES]
    signed = {"signedMeterData": "c2ln" * 50, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "a2V5"}
    yield "signed data", [{"value": 12.5, "context": "Transaction.End", "signedMeterValue": signed}]


def sessions(at: str) -> Iterator[tuple[str, list[Payload]]]:
    """Sessions that are out of the ordinary, each a list of events without seqNo; `idToken: True` shows a card."""

    def event(kind: str, trigger: str, info: Payload | None = None, wh: float | None = None, **more: Any) -> Payload:
        meter = {"meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}]} if wh is not None else {}
        started = {"evse": {"id": 1, "connectorId": 1}} if kind == "Started" else {}
        told = {"eventType": kind, "timestamp": at, "triggerReason": trigger, "transactionInfo": info or {}}
        return {**told, **started, **meter, **more}

    begins = event("Started", "Authorized", {"chargingState": "Charging"}, 1000, idToken=True)
    ends = event("Ended", "StopAuthorized", {"stoppedReason": "Local"}, 1010, idToken=True)
    yield "begun by a cable, without a card", [event("Started", "CablePluggedIn", wh=1000), ends]
    shown = event("Updated", "Authorized", {"chargingState": "Charging"}, idToken=True)
    yield "a card behind the cable", [event("Started", "CablePluggedIn", {"chargingState": "EVConnected"}), shown, ends]
    yield "without an EVSE", [{name: one for name, one in begins.items() if name != "evse"}, ends]
    nobody = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    yield "begun by a button", [{**begins, **nobody}, {**ends, "idToken": False}]
    yield "without any meter", [event("Started", "Authorized", idToken=True), event("Ended", "EVDeparted")]
    yield "an EVSE without a connector", [{**begins, "evse": {"id": 2}}, ends]
    yield (
        "with all that is optional",
        [{**begins, "numberOfPhasesUsed": 3, "cableMaxCurrent": 32, "offline": False}, ends],
    )
    yield (
        "a start that nobody requested",
        [
            event("Started", "RemoteStart", {"remoteStartId": 4711}, 1000, idToken=True),
            ends,
        ],
    )
    yield "a seqNo with a gap", [begins, {**ends, "seqNo": 7}]
    yield "a seqNo that does not begin at 0", [{**begins, "seqNo": 40}, {**ends, "seqNo": 41}]
    yield "an end without a beginning", [ends]
    yield "a reading without a beginning", [event("Updated", "MeterValuePeriodic", wh=1005), ends]
    late = {**event("Updated", "MeterValuePeriodic", wh=1005), "seqNo": 1}
    yield "a reading behind the end", [begins, {**ends, "seqNo": 2}, late]
    yield "a meter that was replaced", [{**begins}, event("Ended", "EVDeparted", {"stoppedReason": "Local"}, 20)]
    yield "an id of one sign", [{**one, "transactionInfo": {"transactionId": "7"}} for one in (begins, ends)]
    for trigger in TRIGGERS:
        yield f"the trigger {trigger}", [begins, event("Updated", trigger, {"chargingState": "Charging"}), ends]
    for state in STATES:
        yield f"the state {state}", [begins, event("Updated", "ChargingStateChanged", {"chargingState": state}), ends]
    for reason in REASONS:
        yield f"the reason {reason}", [begins, event("Ended", "AbnormalCondition", {"stoppedReason": reason}, 1010)]
    for what, text in times(at):
        yield what, [{**begins, "timestamp": text}, {**ends, "timestamp": text}]
    old = "1970-01-01T00:00:09Z"
    yield "a clock that was never set", [{**one, "timestamp": old, "offline": True} for one in (begins, ends)]
