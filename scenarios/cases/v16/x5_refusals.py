"""Interlock's own: what a station must leave alone, on values, cards, reservations and profiles; what a reset keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.scenarios.cases.language import (
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
    Ref,
    Reply,
    Rest,
    Sent,
    Some,
    Where,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, START, status
from interlock.scenarios.cases.v16._words import BOOT, RESERVATION, RESERVE, ask, station

_OTHER, _NEXT, _UNIT = Ref("other_tag"), Ref("other_connector"), Ref("unit")
_INVALID = Ref("invalid_tag")
_BLOCKED = {"idTagInfo": {"status": "Blocked"}}
_REJECTED = {"status": "Rejected"}
_DECIDED = {"status": one_of("Accepted", "Rejected")}
_UNKNOWN = Ref("unknown_reservation")
_FIRST = Some({"sampledValue": Some({"context": "Transaction.Begin"})})
_REMOTE = {"connectorId": C, "idTag": TAG}
_REFUSED = ("PropertyConstraintViolation", "OccurenceConstraintViolation", "OccurrenceConstraintViolation")
_CACHED = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true", "?LocalAuthListEnabled": "false"}
_EXPIRES_S, _CLOCK_S = 15.0, 10.0
"""When a card expires, and how far clocks may differ."""
_SOON = {**ACCEPTED, "expiryDate": In(_EXPIRES_S)}
_TOO_HIGH = 1_000_000
_LEAST_WAIT = 20.0
_SAMPLE = "MeterValueSampleInterval"
_RESERVING: dict[str, Any] = {"profile": "Reservation", "features": ("reservation",)}
_SMART: dict[str, Any] = {"profile": "SmartCharging", "features": ("smart_charging",)}
_LISTED: dict[str, Any] = {"profile": "LocalAuthListManagement", "features": ("local_list",)}


def _no_value(id: str, title: str, key: str, value: str) -> Case:
    """A value that cannot be is Rejected, and the key keeps its own."""
    return station(
        id, title, f"5.3, 9.1 {key}",
        *ask("ChangeConfiguration", {"key": key, "value": value}, _REJECTED),
        *ask("GetConfiguration", {"key": [key]}, {"configurationKey": Some({"key": key, "value": Other(value)})}),
    )  # fmt: skip


def _card_is_lost(
    id: str, title: str, info: dict[str, Any], begun: Sent, *ends: Item, config: dict[str, str] | None = None
) -> Case:
    """After a session the cache must know that its card is not accepted: it begins none unless the CSMS is asked.

    `info` is the idTagInfo that the card is let in with, `begun` the session's start and how it is answered.
    """
    return station(
        id, title, "3.5.1",
        *ask("ClearCache"), Hand("plug"), Hand("swipe"),
        Sent("Authorize", {"idTag": TAG}, given={"idTagInfo": info}), begun, *ends,
        Reply("Authorize", _BLOCKED), Hand("unplug"), status("Available"),
        Hand("plug"), Hand("swipe"), Never("StartTransaction", {"idTag": TAG}),
        features=("cache",), config={**_CACHED, **(config or {})},
    )  # fmt: skip


def _begun(info: dict[str, Any]) -> Sent:
    """A session begins, and its start is answered with this idTagInfo."""
    return replace(START, given={"transactionId": TX, "idTagInfo": info})


def _list(version: int, tag: Ref) -> tuple[Item, ...]:
    entry = {"idTag": tag, "idTagInfo": ACCEPTED}
    return ask("SendLocalList", {"listVersion": version, "updateType": "Full", "localAuthorizationList": [entry]})


def _of_length(version: int, count: int) -> tuple[Item, ...]:
    """A list of so many cards: whether it may be accepted is in the station's own configuration (N19)."""
    cards = [{"idTag": f"IL-{number:04}", "idTagInfo": ACCEPTED} for number in range(count)]
    payload = {"listVersion": version, "updateType": "Full", "localAuthorizationList": cards}
    return ask("SendLocalList", payload, {"status": one_of("Accepted", "Failed")}, errors=("InternalError", *_REFUSED))


def _ends_reservation(*between: Item) -> tuple[Item, ...]:
    """What is between ends a reservation: its connector is Available, and nothing is left to cancel."""
    return (*between, status("Available"), *ask("CancelReservation", {"reservationId": RESERVATION}, _REJECTED))


def _set(number: int, purpose: str, connector: Any = C, limit: float = 8.0, word: str = "Accepted", **more: Any) -> Any:
    """A profile of one limit is set."""
    errors = more.pop("errors", ())
    schedule: dict[str, Any] = {
        "startSchedule": In(0), "chargingRateUnit": _UNIT,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}], **more.pop("schedule", {}),
    }  # fmt: skip
    profile = {
        "chargingProfileId": number, "stackLevel": 0, "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute", "chargingSchedule": schedule, **more,
    }  # fmt: skip
    payload = {"connectorId": connector, "csChargingProfiles": profile}
    return ask("SetChargingProfile", payload, {"status": word}, errors=errors)


def _clear(word: str = "Accepted", **filters: Any) -> tuple[Item, ...]:
    return ask("ClearChargingProfile", filters, {"status": word})


def _ends_at(periods: Any) -> bool:
    """Whether the limit of 6 ends after about 60 seconds."""
    return periods[0]["limit"] == 6 and any(55 <= one["startPeriod"] <= 60 and one["limit"] > 6 for one in periods)


_ENDS = Where(
    "the limit 6, and a higher one after 60 s",
    _ends_at,
    [{"startPeriod": 0, "limit": 6.0}, {"startPeriod": 60, "limit": 32.0}],
    [{"startPeriod": 0, "limit": 6.0}],
)

CASES = (
    _no_value("IL_322_CS", "A key of true and false has no other value", "LocalPreAuthorize", "Interlock"),
    _no_value("IL_323_CS", "A measurand that does not exist is not sampled", "MeterValuesSampledData", "Interlock"),
    station(
        "IL_324_CS", "Another card does not end a session", "4.8, 4.10",
        Hand("swipe", tag=_OTHER), Never("StopTransaction", {"transactionId": TX}), Rest(0.0),
        *ask("RemoteStopTransaction", {"transactionId": TX}), Sent("StopTransaction", {"transactionId": TX}),
        state="charging",
    ),
    station(
        "IL_325_CS", "A remote start that is not to be asked about", "5.11, 9.1 AuthorizeRemoteTxRequests",
        *ask("RemoteStartTransaction", _REMOTE), START, Never("Authorize", {"idTag": TAG}),
        state="plugged", config={"AuthorizeRemoteTxRequests": "false"},
    ),
    station(
        "IL_326_CS", "A remote start with a card that is refused", "5.11, 9.1 AuthorizeRemoteTxRequests",
        Reply("Authorize", {"idTagInfo": {"status": "Invalid"}}),
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": _INVALID}, _DECIDED),
        Never("StartTransaction", {"idTag": _INVALID}),
        state="plugged", config={"AuthorizeRemoteTxRequests": "true"},
    ),
    station(
        "IL_327_CS", "A full list replaces the one before", "3.5.2, 5.15",
        *_list(1, _OTHER), *_list(2, Ref("group_tag")),
        Cut(), Hand("plug"), Hand("swipe", tag=_OTHER), Rest("quiet"), Allow(), Connects(),
        Never("StartTransaction", {"idTag": _OTHER}),
        config={
            "LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "false",
            "?LocalAuthListEnabled": "true", "?AuthorizationCacheEnabled": "false",
        },
        **_LISTED,
    ),
    station(
        "IL_328_CS", "A reserved connector is not reserved for another", "5.13",
        *ask("ReserveNow", {**RESERVE, "idTag": _OTHER, "reservationId": _UNKNOWN}, {"status": "Occupied"}),
        *ask("CancelReservation", {"reservationId": RESERVATION}),
        state="reserved", **_RESERVING,
    ),
    station(
        "IL_329_CS", "A connector that is switched off is reserved no longer", "5.13",
        *ask("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}), status("Unavailable"),
        *_ends_reservation(*ask("ChangeAvailability", {"connectorId": C, "type": "Operative"})),
        state="reserved", **_RESERVING,
    ),
    station(
        "IL_330_CS", "A connector with a fault is reserved no longer", "5.13",
        Hand("fault"), status("Faulted"), *_ends_reservation(Hand("clear_fault")),
        state="reserved", **_RESERVING,
    ),
    station(
        "IL_331_CS", "Profiles of one purpose are cleared, and no others", "5.5",
        *_set(1, "TxDefaultProfile"), *_set(2, "ChargePointMaxProfile", connector=0),
        *_clear(chargingProfilePurpose="ChargePointMaxProfile"), *_clear("Unknown", id=2), *_clear(id=1),
        **_SMART,
    ),
    station(
        "IL_332_CS", "Profiles of one connector are cleared, and no others", "5.5",
        *_set(1, "TxDefaultProfile"), *_set(2, "TxDefaultProfile", connector=_NEXT),
        *_clear(connectorId=_NEXT), *_clear("Unknown", id=2), *_clear(id=1),
        profile="SmartCharging", features=("smart_charging", "two_connectors"),
    ),
    station(
        "IL_333_CS", "A schedule ends after its duration", "3.13.4, 7.13",
        *_set(1, "TxDefaultProfile", limit=6.0, schedule={"duration": 60}),
        *ask("GetCompositeSchedule", {"connectorId": C, "duration": 300, "chargingRateUnit": _UNIT}, {
            "status": "Accepted",
            "chargingSchedule": {"chargingRateUnit": _UNIT, "chargingSchedulePeriod": _ENDS},
        }),
        level="should", **_SMART,
    ),
    station(
        "IL_334_CS", "A level above the highest", "5.16, 9.4 ChargeProfileMaxStackLevel",
        *_set(1, "TxDefaultProfile", word="Rejected", stackLevel=_TOO_HIGH, errors=_REFUSED),
        *_clear("Unknown", id=1),
        **_SMART,
    ),
    station(
        "IL_335_CS", "Firmware is not downloaded before its time", "5.19",
        *ask("UpdateFirmware", {"location": Ref("firmware"), "retrieveDate": In(_LEAST_WAIT)}, {}),
        Never("FirmwareStatusNotification", {"status": one_of("Downloading", "Downloaded", "Installing", "Installed")}),
        *ask("GetConfiguration", {"key": [_SAMPLE]}, {}),
        Sent("FirmwareStatusNotification", {"status": "Downloading"}, within="transfer"),
        Sent("FirmwareStatusNotification", {"status": "Installed"}, within="transfer"),
        profile="FirmwareManagement", features=("firmware", "file_server"),
    ),
    _card_is_lost(
        "IL_336_CS", "The cache keeps what the answer to a start says of a card",
        ACCEPTED, _begun({"status": "Blocked"}), Sent("StopTransaction", {"transactionId": TX}),
        config={"StopTransactionOnInvalidId": "true"},
    ),
    _card_is_lost(
        "IL_337_CS", "The cache keeps what the answer to a stop says of a card",
        ACCEPTED, START, status("Charging"), Hand("swipe"),
        Sent("StopTransaction", {"transactionId": TX, "idTag": TAG}, given=_BLOCKED),
    ),
    _card_is_lost(
        "IL_338_CS", "A card in the cache whose time is over", _SOON, _begun(_SOON),
        status("Charging"), *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", {"transactionId": TX}), Rest(_EXPIRES_S), Rest(_CLOCK_S),
    ),
    station(
        "IL_339_CS", "A remote start at a connector with a fault", "5.11",
        *ask("RemoteStartTransaction", _REMOTE, _REJECTED),
        state="faulted", level="should",
    ),
    station(
        "IL_340_CS", "A reset keeps the configuration", "5.14, 9",
        *ask("ChangeConfiguration", {"key": _SAMPLE, "value": "77"}), *ask("Reset", {"type": "Soft"}), BOOT, Rest(0.0),
        *ask("GetConfiguration", {"key": [_SAMPLE]}, {"configurationKey": Some({"key": _SAMPLE, "value": "77"})}),
        level="should", writable=(_SAMPLE,),
    ),
    station(
        "IL_341_CS", "A reset keeps the local list", "3.5.2",
        *_list(3, _OTHER), *ask("Reset", {"type": "Soft"}), BOOT, Rest(0.0),
        *ask("GetLocalListVersion", {}, {"listVersion": 3}),
        level="should", config={"?LocalAuthListEnabled": "true"}, **_LISTED,
    ),
    station(
        "IL_342_CS", "A stop tells of the first and the last value of a session", "7.33, 9.1 StopTxnSampledData",
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", {"transactionId": TX, "transactionData": _FIRST}),
        state="charging", level="should", config={"StopTxnSampledData": "Energy.Active.Import.Register"},
    ),
    station(
        "IL_343_CS", "A list with more cards than may be sent", "5.15, 9.2 SendLocalListMaxLength",
        *_of_length(1, 30), *_of_length(2, 75), *_of_length(3, 150),
        config={"?LocalAuthListEnabled": "true"}, **_LISTED,
    ),
)  # fmt: skip
