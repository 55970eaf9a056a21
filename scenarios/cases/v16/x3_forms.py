"""Interlock's own: what may be written in more than one way, and what is about another connector than the first."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import (
    ABSENT,
    PRESENT,
    TAG,
    TX,
    Answered,
    C,
    Hand,
    In,
    Item,
    Never,
    Raw,
    Ref,
    Sent,
    Where,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, START, status
from interlock.scenarios.cases.v16._words import ask, csms, order, station, stop, tell, tell_start, tell_stop

_LET_IN = Where("a card that is accepted", lambda info: info["status"] == "Accepted", ACCEPTED, {"status": "Invalid"})
_OTHER = Ref("other_connector")
_TWO = ("two_connectors",)
_J = "OCPP-J 4.1.4"
_KEYS = '{"key":["HeartbeatInterval"]}'

TIMES = (
    "2026-01-01T12:00:00Z",
    "2026-01-01T12:00:00.5Z",
    "2026-01-01T12:00:00.123Z",
    "2026-01-01T12:00:00.123456Z",
    "2026-01-01T14:00:00+02:00",
    "2026-01-01T17:30:00+05:30",
    "2026-01-01T07:00:00.000-05:00",
)
"""One moment, as ISO 8601 writes it (1.6 section 3.15)."""
READINGS: tuple[dict[str, str], ...] = (
    {"value": "1.5", "unit": "kWh", "measurand": "Energy.Active.Import.Register"},
    {"value": "1500", "unit": "Wh", "context": "Sample.Clock", "location": "Outlet"},
    *({"value": "16", "unit": "A", "measurand": "Current.Import", "phase": f"L{n}"} for n in (1, 2, 3)),
    *({"value": "230.1", "unit": "V", "measurand": "Voltage", "phase": f"L{n}-N"} for n in (1, 2, 3)),
    {"value": "11", "unit": "kW", "measurand": "Power.Active.Import", "format": "Raw"},
    {"value": "0", "unit": "var", "measurand": "Power.Reactive.Import"},
    {"value": "21.5", "unit": "Celsius", "measurand": "Temperature", "location": "Body"},
    {"value": "80", "unit": "Percent", "measurand": "SoC", "location": "EV"},
)
"""Samples with all that they may hold (1.6 section 7.43)."""
LONGEST = {
    "chargePointVendor": "V" * 20,
    "chargePointModel": "M" * 20,
    "chargePointSerialNumber": "S" * 25,
    "chargeBoxSerialNumber": "B" * 25,
    "firmwareVersion": "F" * 50,
    "iccid": "8" * 20,
    "imsi": "9" * 20,
    "meterType": "T" * 25,
    "meterSerialNumber": "N" * 25,
}


def _under(name: str, action: str, payload: str, fields: dict[str, Any]) -> tuple[Item, ...]:
    """A CALL under a message id, which its answer has to bear as it is."""
    return Raw(f'[2,"{name}","{action}",{payload}]'), Answered(action, fields, to="raw")


def _refused_start(word: str, tag: str) -> tuple[Item, ...]:
    """A start that happened all the same, as it does offline: it is taken, and its card is refused."""
    given = {"transactionId": TX, "idTagInfo": {"status": word}}
    return *tell_start(given, Ref(tag)), *tell_stop("DeAuthorized")


def _status(**more: Any) -> tuple[Item, ...]:
    payload = {"connectorId": C, "errorCode": "NoError", "status": "Available", **more}
    return tell("StatusNotification", payload)


CASES = (
    station(
        "IL_246_CS", "A message id with capitals", _J,
        *_under("Ab-CDef-0XYZ-{id}", "GetConfiguration", _KEYS, {"configurationKey": PRESENT}),
    ),
    station(
        "IL_247_CS", "A message id of digits", _J,
        *_under("0070071", "GetConfiguration", _KEYS, {"configurationKey": PRESENT}),
    ),
    station(
        "IL_248_CS", "A profile that is not there is cleared", "5.5",
        *ask("ClearChargingProfile", {"id": 4711}, {"status": "Unknown"}),
        profile="SmartCharging", features=("smart_charging",),
    ),
    station(
        "IL_249_CS", "The other connector is made unavailable, and that alone", "5.2",
        *ask("ChangeAvailability", {"connectorId": _OTHER, "type": "Inoperative"}),
        status("Unavailable", connector=_OTHER), Never("StatusNotification", {"connectorId": C}),
        *ask("ChangeAvailability", {"connectorId": _OTHER, "type": "Operative"}),
        status("Available", connector=_OTHER),
        features=_TWO,
    ),
    station(
        "IL_250_CS", "The status of the other connector is triggered", "5.17",
        *ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": _OTHER}),
        status(PRESENT, connector=_OTHER),
        profile="RemoteTrigger", features=("remote_trigger", *_TWO),
    ),
    station(
        "IL_251_CS", "A session at the other connector", "5.11, 5.12",
        Hand("plug", connector=_OTHER), status("Preparing", connector=_OTHER),
        *ask("RemoteStartTransaction", {"connectorId": _OTHER, "idTag": Ref("tag")}),
        Sent("StartTransaction", {**START.fields, "connectorId": _OTHER}, given=START.given),
        status("Charging", connector=_OTHER),
        *ask("RemoteStopTransaction", {"transactionId": TX}), stop("Remote"),
        features=_TWO,
    ),
    station(
        "IL_252_CS", "A start-up is a security event", "security extension A04",
        *ask("Reset", {"type": "Soft"}),
        Sent("SecurityEventNotification", {
            "type": one_of("StartupOfTheDevice", "ResetOrReboot"), "timestamp": PRESENT,
        }, within="boot"),
        profile="Security", features=("security",), level="should",
    ),
    csms(
        "IL_260_CSMS", "A message id with capitals", _J,
        *_under("Ab-CDef-0XYZ-{id}", "Heartbeat", "{}", {"currentTime": PRESENT}),
    ),
    csms(
        "IL_261_CSMS", "A message id of digits", _J,
        *_under("0070071", "Heartbeat", "{}", {"currentTime": PRESENT}),
    ),
    csms("IL_262_CSMS", "A time in every form", "3.15", *(item for at in TIMES for item in _status(timestamp=at))),
    csms("IL_263_CSMS", "Readings with all that they may hold, and many of them", "7.43", *tell("MeterValues", {
        "connectorId": C, "meterValue": [{"timestamp": In(0), "sampledValue": list(READINGS)}],
    }), *tell("MeterValues", {
        "connectorId": C, "meterValue": [
            {"timestamp": In(-60 * n), "sampledValue": [{"value": f"{n}"}]} for n in range(24)
        ],
    })),
    csms("IL_264_CSMS", "The longest boot", "6.3", *tell(
        "BootNotification", LONGEST, {**ACCEPTED, "currentTime": PRESENT, "interval": PRESENT},
    )),
    csms(
        "IL_265_CSMS", "A session without energy that names a reservation nobody knows", "4.8, 4.10",
        *tell_start(reservationId=Ref("unknown_reservation"), meterStart=123),
        *tell_stop("EVDisconnected", meterStop=123),
    ),
    csms(
        "IL_266_CSMS", "A session with a great meter and the samples at its end", "4.10",
        *tell_start(meterStart=2_000_000_000),
        *tell_stop("Local", meterStop=2_000_012_345, transactionData=[
            {"timestamp": In(0), "sampledValue": [{"value": "2000012345", "context": "Transaction.End"}]},
        ]),
    ),
    csms(
        "IL_267_CSMS", "A status of the third connector, with all that it may hold", "4.9",
        *_status(connectorId=3, errorCode="OtherError", status="Faulted", info="i" * 50, vendorId="v" * 255,
                 vendorErrorCode="E" * 50, timestamp=In(0)),
        *_status(connectorId=3),
    ),
    csms(
        "IL_268_CSMS", "The end of transaction -1", "4.10",
        *tell("StopTransaction", {"transactionId": -1, "meterStop": 5, "timestamp": In(0)}),
        *tell("Heartbeat", {}, {"currentTime": PRESENT}),
    ),
    csms(
        "IL_269_CSMS", "Unlock the other connector", "5.18",
        *order("UnlockConnector", {"connectorId": _OTHER}, {"status": "Unlocked"}),
    ),
    csms(
        "IL_270_CSMS", "Make the other connector unavailable, and available again", "5.2",
        *order("ChangeAvailability", {"connectorId": _OTHER, "type": "Inoperative"}),
        *tell("Heartbeat", {}, {"currentTime": PRESENT}),
        *order("ChangeAvailability", {"connectorId": _OTHER, "type": "Operative"}),
    ),
    csms(
        "IL_281_CSMS", "A command is sent once", "5.18",
        *order("UnlockConnector", {"connectorId": C}, {"status": "Unlocked"}), Never("UnlockConnector"),
    ),
    *(
        csms(
            f"IL_{271 + n}_CSMS", f"A session told in times such as {at}", "3.15, 4.8, 4.10",
            *tell_start(timestamp=at, meterStart=100 * n), *tell_stop("Local", timestamp=at, meterStop=100 * n + 7),
        )
        for n, at in enumerate(TIMES)
    ),
    csms(
        "IL_278_CSMS", "A card that is blocked begins no session", "4.8", *_refused_start("Blocked", "blocked_tag"),
        features=("blocked",),
    ),
    csms(
        "IL_279_CSMS", "A card that is expired begins no session", "4.8", *_refused_start("Expired", "expired_tag"),
        features=("expired",),
    ),
    csms(
        "IL_280_CSMS", "A card that began a session ends it", "4.10",
        *tell_start(),
        *tell("StopTransaction", {
            "transactionId": TX, "idTag": TAG, "meterStop": 1200, "timestamp": In(0), "reason": "Local",
        }, {"idTagInfo": one_of(ABSENT, _LET_IN)}),
    ),
)  # fmt: skip
