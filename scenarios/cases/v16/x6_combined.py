"""Interlock's own: one thing beside another: profiles of several kinds, lists and caches, availability and sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.scenarios.cases.language import (
    TAG,
    TX,
    C,
    Case,
    Hand,
    In,
    Item,
    Never,
    Ref,
    Reply,
    Rest,
    Sent,
    Some,
    Where,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, status
from interlock.scenarios.cases.v16._words import ask, station

_UNIT = Ref("unit")
_SMART: dict[str, Any] = {"profile": "SmartCharging", "features": ("smart_charging",)}
_LISTED: dict[str, Any] = {"profile": "LocalAuthListManagement", "config": {"?LocalAuthListEnabled": "true"}}
_DECIDED = {"status": one_of("Accepted", "Rejected")}
_REMOTE = {"connectorId": C, "idTag": TAG}
_DAY_S, _HOUR_S = 86400, 3600
_ENERGY, _POWER = "Energy.Active.Import.Register", "Power.Active.Import"
_AFTER_S, _ABOUT_S = 120, 30
_ENDS = {"transactionId": TX, "meterStop": Ref("meter")}


def _set(number: int, limit: float, purpose: str = "TxDefaultProfile", connector: Any = C, **more: Any) -> Any:
    """A profile of one limit is set, and accepted; `schedule` are more members of its schedule."""
    schedule = {
        "startSchedule": In(0), "chargingRateUnit": _UNIT,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}], **more.pop("schedule", {}),
    }  # fmt: skip
    profile = {
        "chargingProfileId": number, "stackLevel": 0, "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute", "chargingSchedule": schedule, **more,
    }  # fmt: skip
    return ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile})


def _composite(words: str, accepts: Callable[[Any], bool], *good: tuple[int, float]) -> tuple[Item, ...]:
    """The composite schedule of the next minutes is such; `good`: starts and limits of one that is."""
    periods = [{"startPeriod": start, "limit": limit} for start, limit in good]
    bad = [{**one, "limit": one["limit"] + 1} for one in periods]
    return ask(
        "GetCompositeSchedule", {"connectorId": C, "duration": 300, "chargingRateUnit": _UNIT},
        {"status": "Accepted", "chargingSchedule": {"chargingSchedulePeriod": Where(words, accepts, periods, bad)}},
    )  # fmt: skip


def _is(limit: float) -> tuple[Item, ...]:
    return _composite(f"the limit {limit:g} at once", lambda periods: bool(periods[0]["limit"] == limit), (0, limit))


def _six_then_ten(periods: Any) -> bool:
    limits = [(one["startPeriod"], one["limit"]) for one in periods]
    return limits[0][1] == 6 and any(abs(start - _AFTER_S) <= _ABOUT_S and limit == 10 for start, limit in limits[1:])


def _list(version: int, *tags: Ref) -> tuple[Item, ...]:
    entries = [{"idTag": tag, "idTagInfo": ACCEPTED} for tag in tags]
    return ask("SendLocalList", {"listVersion": version, "updateType": "Full", "localAuthorizationList": entries})


def _no_start(id: str, title: str, state: str, *tried: Item) -> Case:
    """At a connector that is in no use nobody begins a session."""
    never = Never("StartTransaction", {"connectorId": C})
    return station(id, title, "4.9, 5.2", Hand("plug"), *tried, never, state=state)


CASES = (
    station(
        "IL_344_CS", "Energy and power are of each other", "7.31, 9.1 MeterValuesSampledData",
        Rest("sample"), Rest("sample"), Rest("sample"), Rest("sample"),
        Sent("MeterValues", {
            "transactionId": TX, "meterValue": Some({"sampledValue": Some({"measurand": _POWER})}),
        }),
        state="charging",
        config={
            "MeterValueSampleInterval": "{sample}", "MeterValuesSampledData": f"{_ENERGY},{_POWER}",
            "?ClockAlignedDataInterval": "0",
        },
    ),
    _no_start(
        "IL_345_CS", "Switched off: a remote start begins nothing", "unavailable",
        *ask("RemoteStartTransaction", _REMOTE, _DECIDED),
    ),
    _no_start("IL_346_CS", "Switched off: a card begins nothing", "unavailable", Hand("swipe")),
    _no_start(
        "IL_347_CS", "A fault: a remote start begins nothing", "faulted",
        *ask("RemoteStartTransaction", _REMOTE, _DECIDED),
    ),
    station(
        "IL_348_CS", "The station is switched off during a session: its connector afterwards", "5.2",
        *ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, {"status": "Scheduled"}),
        Rest(1.0),
        Hand("unplug"), Sent("StopTransaction", {"transactionId": TX}), status("Unavailable"),
        state="charging", config={"StopTransactionOnEVSideDisconnect": "true"},
    ),
    station(
        "IL_349_CS", "What is Operative is made Operative", "5.2",
        *ask("ChangeAvailability", {"connectorId": C, "type": "Operative"}),
    ),
    station(
        "IL_350_CS", "A stop that is refused is told again, as often as configured", "9.1 TransactionMessageAttempts",
        Reply("StopTransaction", code="InternalError"),
        *ask("RemoteStopTransaction", {"transactionId": TX}),
        Sent("StopTransaction", _ENDS, name="told"),
        Sent("StopTransaction", _ENDS, within="reconnect", after="told", name="again"),
        Rest("quiet"), Rest(0.0), Never("StopTransaction", _ENDS),
        state="charging", level="should",
        config={"TransactionMessageAttempts": "2", "TransactionMessageRetryInterval": "1"},
    ),
    station(
        "IL_351_CS", "An empty list replaces the one before", "5.15",
        *_list(1, TAG), *_list(2), *ask("GetLocalListVersion", {}, {"listVersion": 0}),
        features=("local_list",), **_LISTED,
    ),
    station(
        "IL_352_CS", "The cache is cleared, and the list is not", "5.4, 3.5.2",
        *_list(5, TAG), *ask("ClearCache"), *ask("GetLocalListVersion", {}, {"listVersion": 5}),
        features=("local_list", "cache"), **_LISTED,
    ),
    station(
        "IL_353_CS", "A profile that is not valid yet", "3.13.2, 7.8",
        *_set(1, 10.0), *_set(2, 6.0, stackLevel=1, validFrom=In(_HOUR_S)), *_is(10.0),
        **_SMART,
    ),
    station(
        "IL_354_CS", "A profile that is soon valid no longer", "3.13.2, 7.8",
        *_set(1, 10.0), *_set(2, 6.0, stackLevel=1, validTo=In(_AFTER_S)),
        *_composite("the limit 6, and 10 after two minutes", _six_then_ten, (0, 6.0), (_AFTER_S, 10.0)),
        **_SMART,
    ),
    station(
        "IL_355_CS", "A default profile of the station is one of each connector", "3.13.1, 5.16",
        *_set(1, 6.0, connector=0), *_is(6.0),
        **_SMART,
    ),
    station(
        "IL_356_CS", "A transaction's profile goes before a default one", "3.13.1",
        *_set(1, 6.0), *_set(2, 10.0, "TxProfile", transactionId=TX), *_is(10.0),
        state="charging", **_SMART,
    ),
    station(
        "IL_357_CS", "A profile of each day", "3.13.1, 7.9",
        *_set(
            1, 6.0, chargingProfileKind="Recurring", recurrencyKind="Daily",
            schedule={"startSchedule": In(-_DAY_S - _HOUR_S), "duration": 2 * _HOUR_S},
        ),
        *_is(6.0),
        level="should", **_SMART,
    ),
    station(
        "IL_358_CS", "A profile that allows nothing suspends a session", "4.9, 3.13.1",
        *_set(1, 0.0, "TxProfile", transactionId=TX), status("SuspendedEVSE"),
        state="charging", level="should", **_SMART,
    ),
)  # fmt: skip
