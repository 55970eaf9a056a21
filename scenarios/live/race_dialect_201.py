"""The commands of OCPP 2.0.1 that a payload can carry, with places and members that are easily lost or mixed up.

EVSE 1's second connector beside EVSE 2, the whole station, members that are 0 or false, nested lists, signs beyond
ASCII, a vendor's own data; and how a station answers each of them, where it does as told and where it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.record.frames import Frame
from interlock.scenarios.record.versions import names

Payload = dict[str, Any]
Ordered = tuple[str, do.Command]
OBEYED: dict[str, str] = {
    **dict.fromkeys(
        names("ClearDisplayMessage CustomerInformation GetChargingProfiles SetDisplayMessage TriggerMessage"),
        "Accepted",
    ),
    "Reset": "Scheduled",
}
REFUSALS: dict[str, str] = {
    **dict.fromkeys(
        names(
            """CancelReservation ChangeAvailability ClearCache GetLog RequestStartTransaction RequestStopTransaction
            Reset SetChargingProfile SetMonitoringLevel"""
        ),
        "Rejected",
    ),
    "ReserveNow": "Occupied",
    "SendLocalList": "VersionMismatch",
    "TriggerMessage": "NotImplemented",
    "UnlockConnector": "OngoingAuthorizedTransaction",
}
"""How the second station refuses, in each action's own words."""


def answer(frame: Frame, *, refusing: bool) -> Payload | None:
    """Return the answer to a CALL, None where it is the usual one."""
    if frame.action == "SetVariables":
        words = ("Rejected", "UnknownVariable") if refusing else ("Accepted", "RebootRequired")
        wanted = frame.field("setVariableData")
        return {"setVariableResult": [_set(one, words[n % 2]) for n, one in enumerate(wanted)]} if wanted else None
    word = (REFUSALS if refusing else OBEYED).get(frame.action)
    return {"status": word} if word is not None else None


def _set(one: Payload, word: str) -> Payload:
    kept: Payload = {name: one[name] for name in ("component", "variable", "attributeType") if name in one}
    return {"attributeStatus": word, **kept}


def orders(now: datetime) -> Iterator[Ordered]:
    """Return each command with the name under which it is asked for; `now` is the station's time, in UTC."""
    yield "Probe", do.Probe(2)
    yield "Unlock", do.Unlock(2)
    soon = (now + timedelta(minutes=20)).isoformat(timespec="seconds").replace("+00:00", "Z")
    for action, payload in relayed(soon):
        yield "Relay", do.Relay(action, payload)
    start = {"idToken": _token("X-DIALECT"), "groupIdToken": _token("FAMILY", "Central"), "remoteStartId": 4712}
    yield "Relay", do.Relay("RequestStartTransaction", {**start, "evseId": 2, "chargingProfile": _of_transaction()})
    yield "RemoteStart", do.RemoteStart(1, "X-DIALECT")
    yield "Relay", do.Relay("Reset", {"type": "OnIdle", "evseId": 2})
    yield "Reset", do.Reset(False)  # the last: behind it a CSMS may wait for a boot


def relayed(soon: str) -> Iterator[tuple[str, Payload]]:
    """Return actions and payloads; `soon` is a time to come."""
    yield "UnlockConnector", {"evseId": 1, "connectorId": 2}
    yield "ChangeAvailability", {"operationalStatus": "Inoperative"}
    yield "ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 2}}
    yield "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 2}}
    yield "TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}}
    yield "TriggerMessage", {"requestedMessage": "Heartbeat"}
    yield "SetVariables", {"setVariableData": [_variable("HeartbeatInterval", "0"), _variable("Greeting", 'Grüß "1"')]}
    yield (
        "GetVariables",
        {"getVariableData": [_of("HeartbeatInterval"), {**_of("Greeting"), "attributeType": "Target"}]},
    )
    yield "GetLocalListVersion", {}
    cards: list[Payload] = [
        {
            "idToken": _token("LIST-1"),
            "idTokenInfo": {"status": "Accepted", "groupIdToken": _token("FAMILY", "Central")},
        },
        {"idToken": _token("LIST-2", "eMAID"), "idTokenInfo": {"status": "Blocked", "cacheExpiryDateTime": soon}},
    ]
    yield "SendLocalList", {"versionNumber": 7, "updateType": "Full", "localAuthorizationList": cards}
    gone = [{"idToken": _token("LIST-2", "eMAID")}]
    yield "SendLocalList", {"versionNumber": 8, "updateType": "Differential", "localAuthorizationList": gone}
    reservation = {"expiryDateTime": soon, "idToken": _token("X-RESERVES"), "groupIdToken": _token("FAMILY", "Central")}
    yield "ReserveNow", {**reservation, "id": 4711, "evseId": 2}
    yield "CancelReservation", {"reservationId": 4711}
    yield "SetChargingProfile", {"evseId": 0, "chargingProfile": _profile(soon)}
    yield "GetCompositeSchedule", {"duration": 600, "evseId": 0, "chargingRateUnit": "W"}
    yield "ClearChargingProfile", {"chargingProfileCriteria": {"evseId": 0, "stackLevel": 0}}
    yield "GetLog", {"log": {"remoteLocation": "ftp://127.0.0.1/logs"}, "logType": "SecurityLog", "requestId": 31}
    yield "SetMonitoringLevel", {"severity": 0}
    yield "DataTransfer", {"vendorId": "org.example", "messageId": "Ünit", "data": {"limit": 0, "on": False, "of": [1]}}
    yield "ClearCache", {"customData": {"vendorId": "org.example", "note": "of the vendor's own"}}


def _token(text: str, kind: str = "ISO14443") -> Payload:
    return {"idToken": text, "type": kind}


def _of(name: str) -> Payload:
    return {"component": {"name": "OCPPCommCtrlr", "evse": {"id": 1}}, "variable": {"name": name, "instance": "Ä"}}


def _variable(name: str, value: str) -> Payload:
    return {**_of(name), "attributeValue": value}


def _of_transaction() -> Payload:
    schedule = {"id": 2, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.0}]}
    about = {"chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative"}
    return {"id": 32, "stackLevel": 0, **about, "chargingSchedule": [schedule]}


def _profile(soon: str) -> Payload:
    periods = [{"startPeriod": 0, "limit": 16.5}, {"startPeriod": 3600, "limit": 0.0, "numberPhases": 1}]
    schedule = {"id": 1, "startSchedule": soon, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    about = {"chargingProfilePurpose": "ChargingStationMaxProfile", "chargingProfileKind": "Absolute"}
    return {"id": 31, "stackLevel": 0, **about, "chargingSchedule": [{**schedule, "minChargingRate": 6.1}]}
