"""Interlock's own: what a station accepted has its effect, on keys, reservations and lists; late and stray answers."""

from __future__ import annotations

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
    Item,
    Never,
    Other,
    Raw,
    Ref,
    Reply,
    Rest,
    Sent,
    Some,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED
from interlock.scenarios.cases.v16._words import ask, station

_ENERGY, _POWER = "Energy.Active.Import.Register", "Power.Active.Import"
_FIXED = "SupportedFeatureProfiles"
_OTHER = Ref("other_tag")
_NUMBER = 70001
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
)  # fmt: skip
