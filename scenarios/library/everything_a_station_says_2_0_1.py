"""Messages of every kind that a 2.0.1 station may send, in words that the simulated one never chooses by itself.

Statuses by StatusNotification and NotifyEvent, readings with multipliers, places, phases and signatures, notices, and
cards of several types: each is kept member by member as it was told, and answered as the standard has it. Then what an
operator may ask of such a station only; at the end it says how its connectors stand.
"""

import json
from typing import Any

from interlock.csms.domain.commands import ChangeAvailability, Relay, Reset, Unlock
from interlock.scenarios.library.everything_a_station_says import LOOSE
from interlock.scenarios.spec import Scenario, ask, step

_OLD = "2025-12-31T21:00:00+01:00"


def _say(action: str, /, **payload: Any) -> tuple[str, str]:
    return action, json.dumps(payload)


def _values(*readings: dict[str, Any], at: str = "NOW") -> list[dict[str, Any]]:
    return [{"timestamp": at, "sampledValue": list(readings)}]


def _status(evse: int, connector: int, word: str, at: str = "NOW") -> tuple[str, str]:
    return _say("StatusNotification", timestamp=at, connectorStatus=word, evseId=evse, connectorId=connector)


def _event(name: str, variable: str, value: str, **place: Any) -> dict[str, Any]:
    said = {"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "actualValue": value}
    where = {"component": {"name": name, **place}, "variable": {"name": variable}}
    return {**said, "eventNotificationType": "HardWiredNotification", **where}


_POWER, _KWH = {"measurand": "Power.Active.Import"}, {"unitOfMeasure": {"unit": "kWh"}}
_PHASES = [{"value": 100, **_POWER, "phase": phase} for phase in ("L1", "L2", "L3")]
_SIGNED = {"signedMeterData": "QUJD", "signingMethod": "", "encodingMethod": "", "publicKey": ""}
_READINGS = (
    _say("MeterValues", evseId=1, meterValue=_values({"value": 1500})),
    _say("MeterValues", evseId=1, meterValue=_values({"value": 1.25, **_KWH}, at=_OLD)),
    _say("MeterValues", evseId=2, meterValue=_values({"value": 3.68, **_POWER, "unitOfMeasure": {"unit": "kW"}})),
    _say("MeterValues", evseId=2, meterValue=_values({"value": 2, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}})),
    _say("MeterValues", evseId=0, meterValue=_values({"value": 7, "context": "Sample.Clock", "location": "Inlet"})),
    _say("MeterValues", evseId=1, meterValue=_values({"value": 9, "signedMeterValue": _SIGNED})),
    _say(
        "MeterValues", evseId=1, meterValue=_values(*({"value": 100, **_POWER, "phase": one} for one in ("L1", "L2")))
    ),
    _say("MeterValues", evseId=1, meterValue=_values({"value": 231.5, "measurand": "Voltage"})),
    _say(
        "MeterValues",
        evseId=1,
        meterValue=_values(*({"value": 0, "measurand": "Voltage", "phase": f"L{n}"} for n in (1, 2))),
    ),
    _say("MeterValues", evseId=1, meterValue=_values({"value": 7000, "unitOfMeasure": {"unit": "mWh"}})),
    _say(
        "MeterValues", evseId=1, meterValue=_values(*({"value": n * n, **_POWER, "phase": f"L{n}"} for n in (1, 2, 3)))
    ),
    _say("MeterValues", evseId=2, meterValue=_values({"value": 500, **_POWER, "location": "Inlet"})),
    _say("MeterValues", evseId=2, meterValue=[*_values({"value": 1}, at=_OLD), *_values({"value": 2})]),
)
_CERTIFICATE = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
_PERIODS = {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
_NOTICES = (
    _say("GetCertificateStatus", ocspRequestData={**_CERTIFICATE, "responderURL": "http://ocsp.example"}),
    _say("Get15118EVCertificate", iso15118SchemaVersion="urn", action="Install", exiRequest="x"),
    _say("NotifyEVChargingNeeds", evseId=1, chargingNeeds={"requestedEnergyTransfer": "DC"}),
    _say(
        "NotifyEVChargingSchedule",
        timeBase=_OLD,
        evseId=1,
        chargingSchedule={"id": 1, "chargingRateUnit": "A", **_PERIODS},
    ),
    _say("PublishFirmwareStatusNotification", status="Published", location=["http://here.example"]),
    _say("NotifyDisplayMessages", requestId=5),
    _say("NotifyMonitoringReport", requestId=6, seqNo=0, generatedAt=_OLD),
    _say("NotifyCustomerInformation", data="d", seqNo=0, generatedAt=_OLD, requestId=7),
    _say("ReportChargingProfiles", requestId=8, chargingLimitSource="CSO", evseId=1, chargingProfile=[]),
    _say("NotifyChargingLimit", chargingLimit={"chargingLimitSource": "EMS"}),
    _say("FirmwareStatusNotification", status="Installed", requestId=3),
    _say("LogStatusNotification", status="Uploading", requestId=4),
    _say("SecurityEventNotification", type="TamperDetectionActivated", timestamp=_OLD),
    _say("ReservationStatusUpdate", reservationId=1, reservationUpdateStatus="Expired"),
    _say("NotifyReport", requestId=1, generatedAt=_OLD, seqNo=0),
    _say("ClearedChargingLimit", chargingLimitSource="EMS", evseId=1),
    _say("SignCertificate", csr="x"),
    _say("DataTransfer", vendorId="com.example", data={"any": 1}),
    _say("BootNotification", reason="Watchdog", chargingStation={"vendorName": "V", "model": "M", "serialNumber": "S"}),
)
_CARDS = (
    _say("Authorize", idToken={"idToken": "tag-driver", "type": "Central"}),
    _say("Authorize", idToken={"idToken": "TAG-NOBODY-KNOWS", "type": "ISO14443"}),
    _say("Authorize", idToken={"idToken": "tag-blocked", "type": "eMAID"}),
    _say("Authorize", idToken={"idToken": "", "type": "NoAuthorization"}),
    _say("Authorize", idToken={"idToken": "tag-grouped", "type": "Central"}),
)


def _part(kind: str, number: int, id: str, trigger: str, *readings: dict[str, Any], **more: Any) -> tuple[str, str]:
    values = {"meterValue": [one for reading in readings for one in _values(reading)]} if readings else {}
    info = {"transactionId": id, **more.pop("info", {})}
    said = {"eventType": kind, "timestamp": _OLD, "triggerReason": trigger, "seqNo": number, "transactionInfo": info}
    return _say("TransactionEvent", **said, **values, **more)


_CARD = {"idToken": {"idToken": "TAG-GROUPED", "type": "ISO14443"}}
_HERE = {"evse": {"id": 1, "connectorId": 1}}
_BEGIN, _END = {"context": "Transaction.Begin"}, {"context": "Transaction.End"}
_SESSION = (
    _part("Started", 0, "tx-1", "CablePluggedIn", {"value": 5}, {"value": 7, **_BEGIN}, {"value": 8}, **_HERE),
    _part("Updated", 1, "tx-1", "Authorized", **_CARD, **_HERE),
    _part("Updated", 3, "tx-1", "ChargingStateChanged", info={"chargingState": "SuspendedEV"}),
    _part("Updated", 2, "tx-1", "ChargingStateChanged", info={"chargingState": "Charging"}, offline=True),
    _part("Updated", 6, "tx-1", "ChargingStateChanged", info={"chargingState": "Charging"}, offline=False),
    _part("Updated", 4, "tx-1", "MeterValuePeriodic", {"value": 9}),
    _part(
        "Ended", 5, "tx-1", "EVDeparted", {"value": 11}, {"value": 12, **_END}, info={"stoppedReason": "EVDisconnected"}
    ),
    _part("Started", 0, "tx-2", "CablePluggedIn", **_HERE, info={"chargingState": "EVConnected"}),
    _part("Ended", 1, "tx-2", "EVDeparted", {"value": 3}, {"value": 4}, {"value": 6}),
    _part("Started", 0, "tx-4", "CablePluggedIn", {"value": 3, **_BEGIN}, {"value": 4, **_BEGIN}, evse={"id": 2}),
    _part("Ended", 1, "tx-4", "EVDeparted", {"value": 5, **_END}, {"value": 6, **_END}),
    _part("Ended", 4, "tx-3", "Deauthorized", **_CARD, info={"stoppedReason": "DeAuthorized"}),
    _part("Updated", 2, "tx-3", "Authorized", {"value": 2}, **_CARD, **_HERE),
    _part("Started", 0, "tx-3", "CablePluggedIn", {"value": 1}, **_HERE),
)
_STATUSES = (
    _status(0, 0, "Available"),
    _status(1, 0, "Faulted"),
    _say("NotifyEvent", generatedAt="NOW", seqNo=0, eventData=[_event("EVSE", "Temperature", "71", evse={"id": 2})]),
    _say(
        "NotifyEvent",
        generatedAt="NOW",
        seqNo=1,
        eventData=[
            _event("Connector", "AvailabilityState", "Occupied", evse={"id": 1, "connectorId": 1}),
            _event("connector", "availabilityState", "Reserved", evse={"id": 2, "connectorId": 1}),
        ],
    ),
)
_VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}

SCENARIO = Scenario(
    name="everything-a-station-says-2-0-1",
    title="Messages of every kind of 2.0.1, in words of the station's own",
    covers="What is stored is what was told, whatever was told.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1: everything-a-station-says has the others"),),
    steps=(
        step("register", at=5.0, token="TAG-BLOCKED", status="Blocked"),
        step("register", at=6.0, token="TAG-GROUPED", status="Accepted", parent="The-Group"),
        step("say", at=20.0, messages=_READINGS, number="meter"),
        step("say", at=40.0, messages=_NOTICES, number="notice"),
        step("say", at=66.0, messages=_CARDS, number="card"),
        step("say", at=74.0, messages=_SESSION, number="session"),
        step("register", at=89.0, token="TAG-GROUPED", status="Blocked", parent="Another"),
        step("say", at=90.0, messages=_SESSION, number="resent"),
        step("say", at=90.5, messages=_SESSION, number="twin", station=2),
        step("say", at=94.5, messages=_STATUSES, number="status"),
        step("say", at=102.0, messages=_READINGS, number="again"),
        step("say", at=102.0, messages=(*_READINGS, *_NOTICES), number="twins", station=2),
        step("register", at=116.0, token="TAG-GROUPED", status="Accepted"),
        step("say", at=117.0, messages=_CARDS[-1:], number="alone"),
        step("statuses", at=120.0, connector=1),
        step("statuses", at=122.0, connector=2),
        ask(Relay("SetVariables", {"setVariableData": [{**_VARIABLE, "attributeValue": "60"}]}), at=130.0),
        ask(Relay("GetVariables", {"getVariableData": [_VARIABLE]}), at=132.0),
        ask(Relay("ClearCache", {}), at=134.0),
        ask(ChangeAvailability(1, False, 1), at=136.0),
        ask(ChangeAvailability(1, True), at=138.0),
        ask(Unlock(2, 1), at=140.0),
        ask(Reset(True, 2), at=142.0),
        step("statuses", at=170.0, connector=1),
        step("statuses", at=172.0, connector=2),
    ),
    stations=2,
    fiction=True,
    retold=("spaced", "reordered", "western", "kilowatt_hours", *LOOSE, "told_twice", "other_ids", "data_transfers"),
    faults_s=180.0,
    quiet_s=60.0,
)
