"""Interlock's own: what was accepted has its effect, on keys, reservations, lists, profiles; late and stray answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.scenarios.cases.language import (
    ABSENT,
    TAG,
    TX,
    Allow,
    C,
    Case,
    Connects,
    Cut,
    Hand,
    In,
    Item,
    Never,
    Other,
    Raw,
    Ref,
    Reply,
    Rest,
    Sent,
    Series,
    Some,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, status
from interlock.scenarios.cases.v16._words import RESERVATION, RESERVE, START_RESERVED, ask, station

_ENERGY, _POWER = "Energy.Active.Import.Register", "Power.Active.Import"
_FIXED = "SupportedFeatureProfiles"
_OTHER = Ref("other_tag")
_NUMBER = 70001
_NEXT = Ref("other_connector")
_BESIDE = {"connectorId": _NEXT, "idTag": _OTHER}
_SECOND = {"transactionId": Ref("second"), "idTagInfo": ACCEPTED}
_ENDS = {"transactionId": TX, "meterStop": Ref("meter")}
_STRANGER = {"connectorId": C, "idTag": _OTHER}
_DECIDED = {"status": one_of("Accepted", "Rejected")}
_SAMPLED = {"MeterValueSampleInterval": "{sample}", "?ClockAlignedDataInterval": "0"}
_LISTED = {"LocalAuthorizeOffline": "true", "?LocalAuthListEnabled": "true", "?AuthorizationCacheEnabled": "false"}


def _values(measurand: Any) -> Some:
    return Some({"sampledValue": Some({"measurand": measurand})})


def _list(version: int, kind: str, *entries: dict[str, Any]) -> tuple[Item, ...]:
    return ask("SendLocalList", {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)})


def _entry(tag: Ref, word: str) -> dict[str, Any]:
    return {"idTag": tag, "idTagInfo": {"status": word}}


def _stays_out(id: str, title: str, clause: str, *list_: Item, **config: str) -> Case:
    """Without a connection the card `other_tag` begins nothing, by what the list says of it."""
    return station(
        id, title, clause,
        *list_, Cut(), Hand("plug"), Hand("swipe", tag=_OTHER), Rest("quiet"), Allow(), Connects(),
        Never("StartTransaction", {"idTag": _OTHER}),
        profile="LocalAuthListManagement", features=("local_list",), config={**_LISTED, **config},
    )  # fmt: skip


def _late(*between: Item) -> tuple[Item, ...]:
    """A start is answered late; what is between does not count, and the session has the number it was given."""
    return (
        Reply("StartTransaction", {"transactionId": _NUMBER, "idTagInfo": ACCEPTED}, late="late"),
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}),
        Sent("StartTransaction", {"connectorId": C, "idTag": TAG}),
        *between, Rest("late"), Rest(1.5),
        *ask("RemoteStopTransaction", {"transactionId": _NUMBER}),
        Sent("StopTransaction", {"transactionId": _NUMBER, "reason": "Remote"}),
    )  # fmt: skip


_SMART: dict[str, Any] = {"profile": "SmartCharging", "features": ("smart_charging",)}


def _profile(number: int, purpose: str, level: int = 0, **more: Any) -> tuple[Item, ...]:
    """A profile of one limit is set, and accepted."""
    periods = [{"startPeriod": 0, "limit": 8.0}]
    schedule = {"startSchedule": In(0), "chargingRateUnit": Ref("unit"), "chargingSchedulePeriod": periods}
    profile = {
        "chargingProfileId": number, "stackLevel": level, "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute", "chargingSchedule": schedule, **more,
    }  # fmt: skip
    return ask("SetChargingProfile", {"connectorId": C, "csChargingProfiles": profile})


CASES = (
    station(
        "IL_301_CS", "A key that is read only stays as it is", "5.3, 9.1",
        *ask("ChangeConfiguration", {"key": _FIXED, "value": "Interlock"}, {"status": "Rejected"}),
        *ask("GetConfiguration", {"key": [_FIXED]}, {
            "configurationKey": Some({"key": _FIXED, "readonly": True, "value": Other("Interlock")}),
        }),
    ),
    station(
        "IL_302_CS", "A stop brings the samples that are configured", "9.1 StopTxnSampledData",
        Rest("sample"), Rest("sample"),
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", {"transactionId": TX, "transactionData": _values(one_of(_ENERGY, ABSENT))}),
        state="charging", config={**_SAMPLED, "StopTxnSampledData": _ENERGY},
    ),
    station(
        "IL_303_CS", "The measurand that is configured is sampled", "9.1 MeterValuesSampledData",
        Rest("sample"),
        Sent("MeterValues", {"connectorId": C, "transactionId": TX, "meterValue": _values(_POWER)}),
        state="charging", config={**_SAMPLED, "MeterValuesSampledData": _POWER},
    ),
    station(
        "IL_304_CS", "Reserved: another card begins nothing", "5.13",
        Hand("swipe", tag=_OTHER), Hand("plug"), Never("StartTransaction", _STRANGER),
        state="reserved", profile="Reservation", features=("reservation",),
    ),
    station(
        "IL_305_CS", "Reserved: another card begins nothing from afar", "5.11, 5.13",
        *ask("RemoteStartTransaction", _STRANGER, _DECIDED), Hand("plug"), Never("StartTransaction", _STRANGER),
        state="reserved", profile="Reservation", features=("reservation",),
    ),
    _stays_out(
        "IL_306_CS", "A card that the list blocks begins nothing offline", "3.5.2, 3.5.4",
        *_list(1, "Full", _entry(_OTHER, "Blocked")), **{"?AllowOfflineTxForUnknownId": "true"},
    ),
    _stays_out(
        "IL_307_CS", "A card that was taken from the list begins nothing offline", "3.5.2, 5.15",
        *_list(1, "Full", _entry(_OTHER, "Accepted"), _entry(Ref("tag"), "Accepted")),
        *_list(2, "Differential", {"idTag": _OTHER}), AllowOfflineTxForUnknownId="false",
    ),
    station("IL_308_CS", "A start that is answered late", "4.8", *_late(), state="plugged"),
    station(
        "IL_309_CS", "The answer to another's CALL, while a start waits for its own", "4.8",
        *_late(Raw(f'[3,"nobody-{{id}}",{{"transactionId":{_NUMBER + 1},"idTagInfo":{{"status":"Accepted"}}}}]')),
        state="plugged",
    ),
    station(
        "IL_310_CS", "A card that is answered late: nothing begins before", "4.1",
        Hand("plug"), Reply("Authorize", {"idTagInfo": ACCEPTED}, late="late"), Hand("swipe"),
        Sent("Authorize", {"idTag": TAG}), Never("StartTransaction", for_="late", after="Authorize"), Rest(0.0),
        Sent("StartTransaction", {"connectorId": C, "idTag": TAG}),
        config={"LocalPreAuthorize": "false"},
    ),
    station(
        "IL_311_CS", "A stop that is refused is not told again at once", "9.1 TransactionMessageRetryInterval",
        Reply("StopTransaction", code="InternalError", times=1),
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", _ENDS, name="told"),
        Never("StopTransaction", _ENDS, for_="late", after="told"), Rest(0.0),
        Sent("StopTransaction", _ENDS, within="reconnect", after="told", name="again"),
        state="charging", level="should",
        config={"TransactionMessageAttempts": "3", "TransactionMessageRetryInterval": "8"},
    ),
    station(
        "IL_312_CS", "A transaction's profile ends with it", "3.13.1, 5.5",
        *_profile(2, "TxProfile", transactionId=TX),
        *ask("RemoteStopTransaction", {"transactionId": TX}), Sent("StopTransaction", {"transactionId": TX}),
        Rest("quiet"), *ask("ClearChargingProfile", {"id": 2}, {"status": "Unknown"}),
        state="charging", **_SMART,
    ),
    station(
        "IL_313_CS", "An update of a list leaves its other cards", "3.5.2, 5.15",
        *_list(1, "Full", _entry(_OTHER, "Accepted")), *_list(2, "Differential", _entry(Ref("group_tag"), "Accepted")),
        Cut(), Hand("plug"), Hand("swipe", tag=_OTHER), Rest("quiet"), Allow(), Connects(),
        Sent("StartTransaction", {"connectorId": C, "idTag": _OTHER}, within="reconnect"),
        profile="LocalAuthListManagement", features=("local_list", "offline_start"), config=_LISTED,
    ),
    station(
        "IL_314_CS", "A reservation ends with its use", "5.1, 5.13",
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}), Hand("plug"), START_RESERVED,
        status("Charging"),
        *ask("RemoteStopTransaction", {"transactionId": TX}), Sent("StopTransaction", {"transactionId": TX}),
        *ask("CancelReservation", {"reservationId": RESERVATION}, {"status": "Rejected"}),
        state="reserved", profile="Reservation", features=("reservation",),
    ),
    station(
        "IL_315_CS", "A reservation of the same number replaces it", "5.13",
        *ask("ReserveNow", {**RESERVE, "idTag": _OTHER}),
        *ask("RemoteStartTransaction", _STRANGER), Hand("plug"),
        replace(START_RESERVED, fields={**START_RESERVED.fields, "idTag": _OTHER}),
        state="reserved", profile="Reservation", features=("reservation",),
    ),
    station(
        "IL_316_CS", "Another interval of heartbeats", "4.6, 9.1 HeartbeatInterval",
        Rest(0.0), Series("Heartbeat", "heartbeat", count=2),
        config={"HeartbeatInterval": "{heartbeat}"},
    ),
    station(
        "IL_317_CS", "A stop brings the values aligned to the clock that are configured", "9.1 StopTxnAlignedData",
        Rest("sample"), Rest("sample"),
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", {"transactionId": TX, "transactionData": _values(one_of(_ENERGY, ABSENT))}),
        state="charging",
        config={"ClockAlignedDataInterval": "{sample}", "StopTxnAlignedData": _ENERGY, "?StopTxnSampledData": ""},
    ),
    station(
        "IL_318_CS", "A profile in the place of another replaces it", "3.13.2, 5.16",
        *_profile(1, "TxDefaultProfile"), *_profile(2, "TxDefaultProfile"),
        *ask("ClearChargingProfile", {"id": 1}, {"status": "Unknown"}), *ask("ClearChargingProfile", {"id": 2}),
        **_SMART,
    ),
    station(
        "IL_319_CS", "Profiles of one level are cleared, and no others", "5.5",
        *_profile(1, "TxDefaultProfile"), *_profile(2, "TxDefaultProfile", level=1),
        *ask("ClearChargingProfile", {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}),
        *ask("ClearChargingProfile", {"id": 2}, {"status": "Unknown"}), *ask("ClearChargingProfile", {"id": 1}),
        **_SMART,
    ),
    station(
        "IL_320_CS", "Two sessions: the end of one leaves the other", "4.8, 5.12",
        Hand("plug", connector=_NEXT),
        *ask("RemoteStartTransaction", _BESIDE), Sent("StartTransaction", _BESIDE, given=_SECOND, name="second"),
        status("Charging", connector=_NEXT),
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", {"transactionId": TX}), Never("StopTransaction", {"transactionId": Ref("second")}),
        Rest(0.0), *ask("RemoteStopTransaction", {"transactionId": Ref("second")}),
        Sent("StopTransaction", {"transactionId": Ref("second")}),
        state="charging", features=("two_connectors",), level="should",  # it may have power for one
    ),
    station(
        "IL_321_CS", "A card that is not in the list is asked for", "3.5.2, 4.1",
        *_list(1, "Full", _entry(_OTHER, "Accepted")),
        Hand("plug"), Hand("swipe"), Sent("Authorize", {"idTag": TAG}, given={"idTagInfo": ACCEPTED}),
        Sent("StartTransaction", {"connectorId": C, "idTag": TAG}),
        profile="LocalAuthListManagement", features=("local_list",),
        config={"LocalPreAuthorize": "false", "?LocalAuthListEnabled": "true"},
    ),
)  # fmt: skip
