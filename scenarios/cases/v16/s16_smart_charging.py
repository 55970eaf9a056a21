"""Smart charging: profiles, stacking, composite schedules (1.6 sections 3.13, 5.5, 5.7, 5.16)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import PRESENT, TAG, TX, C, Case, Hand, In, Item, Ref, Where
from interlock.scenarios.cases.states import START
from interlock.scenarios.cases.v16._words import (
    AUTHORIZED,
    REMOTE_AUTHORIZE,
    ask,
    csms,
    order,
    station,
    tell_start,
    tell_status,
)

_PROFILE = "SmartCharging"
_UNIT = Ref("unit")
_REFUSED = ("PropertyConstraintViolation", "OccurenceConstraintViolation", "OccurrenceConstraintViolation")
_SECONDS = 300
_LATE_S, _EARLY_S = 30, 3
"""By how much a period may begin before its minute, as it was set earlier, and behind it, as clocks differ."""


def _limits(*expected: float) -> Where:
    """Return a pattern: a schedule whose periods begin with these limits, one for each minute.

    It was set a moment before it is asked for, so the periods after the first begin a little before their minute.
    """

    def follows(periods: Any) -> bool:
        found = [(one["startPeriod"], one["limit"]) for one in periods][: len(expected)]
        late = any(not -_LATE_S <= start - 60 * n <= _EARLY_S for n, (start, _) in enumerate(found))
        return [limit for _, limit in found] == list(expected) and not late

    def periods(first: float) -> list[dict[str, float]]:
        return [{"startPeriod": 60 * n, "limit": one} for n, one in enumerate((first, *expected[1:]))]

    return Where(f"the limits {', '.join(map(str, expected))}", follows, periods(expected[0]), periods(expected[0] + 1))


def _schedule(*limits: float, seconds: int = _SECONDS) -> dict[str, Any]:
    periods = [{"startPeriod": 60 * number, "limit": limit} for number, limit in enumerate(limits)]
    return {"duration": seconds, "chargingRateUnit": _UNIT, "chargingSchedulePeriod": periods}


def _profile(number: int, purpose: str, *limits: float, level: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"startSchedule": In(0), **_schedule(*limits)},
        **more,
    }


def _set(profile: dict[str, Any], word: str = "Accepted", connector: Any = C, **more: Any) -> tuple[Item, ...]:
    payload = {"connectorId": connector, "csChargingProfiles": profile}
    return ask("SetChargingProfile", payload, {"status": word}, **more)


def _composite(*limits: float) -> tuple[Item, ...]:
    return ask(
        "GetCompositeSchedule",
        {"connectorId": C, "duration": _SECONDS, "chargingRateUnit": _UNIT},
        {
            "status": "Accepted",
            "connectorId": C,
            "scheduleStart": PRESENT,
            "chargingSchedule": {"chargingRateUnit": _UNIT, "chargingSchedulePeriod": _limits(*limits)},
        },
    )


def _case(id: str, title: str, *script: Item, clause: str = "5.16", **more: Any) -> Case:
    return station(id, title, clause, *script, profile=_PROFILE, features=("smart_charging",), **more)


def _of_csms(id: str, title: str, *script: Item, clause: str = "5.16", **more: Any) -> Case:
    return csms(id, title, clause, *script, profile=_PROFILE, features=("smart_charging",), **more)


_DEFAULT = _profile(1, "TxDefaultProfile", 6.0, 10.0)
_TX = _profile(2, "TxProfile", 6.0, 10.0)
_RELATIVE = {**_profile(3, "TxProfile", 6.0), "chargingProfileKind": "Relative", "chargingSchedule": _schedule(6.0)}
_REMOTE = {"connectorId": C, "idTag": TAG}


def _ordered(purpose: str, **fields: Any) -> tuple[Item, ...]:
    profile = _profile(1, purpose, 6.0, **fields)
    wanted = {"connectorId": C, "csChargingProfiles": {"chargingProfilePurpose": purpose, **fields}}
    return order("SetChargingProfile", {"connectorId": C, "csChargingProfiles": profile}, fields=wanted)


CASES = (
    _case("TC_056_CS", "A default profile", *_set(_DEFAULT), *_composite(6.0, 10.0)),
    _case(
        "TC_057_CS", "A transaction's profile", *_set({**_TX, "transactionId": TX}), *_composite(6.0, 10.0),
        state="charging",
    ),
    _case("TC_058_1_CS", "A transaction's profile without a transaction", *_set(_TX, "Rejected", errors=_REFUSED)),
    _case(
        "TC_058_2_CS", "A profile of another transaction",
        *_set({**_TX, "transactionId": Ref("unknown_transaction")}, "Rejected"),
        state="charging",
    ),
    _case(
        "TC_082_CS", "A default profile during a transaction", *_set(_DEFAULT), *_composite(6.0, 10.0),
        state="charging",
    ),
    _case(
        "TC_066_CS", "Composite schedule of the station's and a connector's profile",
        *_set(_profile(1, "ChargePointMaxProfile", 8.0, 16.0), connector=0),
        *_set(_profile(2, "TxDefaultProfile", 10.0, 10.0)),
        *_composite(8.0, 10.0),
        clause="5.7",
    ),
    _case(
        "TC_067_CS", "Profiles are cleared",
        *_set(_DEFAULT), *_set(_profile(2, "TxDefaultProfile", 7.0, level=1)), *_composite(7.0),
        *ask("ClearChargingProfile", {"id": 2}), *_composite(6.0),
        clause="5.5",
    ),
    _case(
        "TC_072_CS", "Profiles are stacked",
        *_set(_profile(1, "TxDefaultProfile", 6.0, 6.0)), *_set(_profile(2, "TxDefaultProfile", 9.0, 12.0, level=1)),
        *_composite(9.0, 12.0),
        clause="3.13.2",
    ),
    _case(
        "TC_059_CS", "Remote start with a profile",
        *ask("RemoteStartTransaction", {**_REMOTE, "chargingProfile": _RELATIVE}), REMOTE_AUTHORIZE,
        Hand("plug"), START, *_composite(6.0),
        clause="5.11",
    ),
    _case(
        "TC_060_CS", "Remote start with a profile of another purpose",
        *ask(
            "RemoteStartTransaction", {**_REMOTE, "chargingProfile": _DEFAULT}, {"status": "Rejected"},
            errors=_REFUSED,
        ),
        clause="5.11",
    ),
    _of_csms("TC_056_CSMS", "A default profile", *_ordered("TxDefaultProfile")),
    _of_csms("TC_057_CSMS", "A transaction's profile", *_ordered("TxProfile", transactionId=TX), state="session"),
    _of_csms(
        "TC_066_CSMS", "A composite schedule",
        *order(
            "GetCompositeSchedule", {"connectorId": C, "duration": _SECONDS, "chargingRateUnit": _UNIT},
            {"status": "Accepted", "connectorId": C, "scheduleStart": In(0), "chargingSchedule": _schedule(6.0)},
        ),
        clause="5.7",
    ),
    _of_csms(
        "TC_067_CSMS", "Profiles are cleared",
        *_ordered("TxDefaultProfile"), *order("ClearChargingProfile", {"id": 1}),
        clause="5.5",
    ),
    _of_csms(
        "TC_059_CSMS", "Remote start with a profile",
        *order(
            "RemoteStartTransaction", {**_REMOTE, "chargingProfile": _RELATIVE},
            fields={"idTag": TAG, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}},
        ),
        *AUTHORIZED, *tell_status("Preparing"), *tell_start(), *tell_status("Charging"),
        clause="5.11",
    ),
)  # fmt: skip
