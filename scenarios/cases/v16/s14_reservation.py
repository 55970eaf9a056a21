"""Reservations (1.6 sections 5.1, 5.13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.scenarios.cases.language import ABSENT, PRESENT, TAG, C, Case, Hand, In, Item, Ref, Sent
from interlock.scenarios.cases.states import ACCEPTED, START, status
from interlock.scenarios.cases.v16._words import (
    PREPARING,
    RESERVATION,
    RESERVE,
    RESERVED,
    START_RESERVED,
    UNSUPPORTED,
    ask,
    csms,
    order,
    station,
    tell,
    tell_start,
    tell_status,
    tell_stop,
)

_WHOLE = {**RESERVE, "connectorId": 0}
_PARENT: dict[str, Any] = {"parentIdTag": Ref("parent_tag")}
_GROUP = Ref("group_tag")
_FREE = {"connectorId": C, "idTag": TAG, "reservationId": Ref("csms_reservation"), "expiryDate": PRESENT}
_ASK = {"connectorId": C, "idTag": TAG, "reservationId": RESERVATION, "expiryDate": In(3600)}
_CANCEL = {"reservationId": RESERVATION}
_REMOTE = ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG})


def _case(id: str, title: str, *script: Item, features: tuple[str, ...] = ("reservation",), **more: Any) -> Case:
    return station(id, title, "5.13", *script, profile="Reservation", features=features, **more)


def _of_csms(id: str, title: str, *script: Item, **more: Any) -> Case:
    features = ("reservation", *more.pop("features", ()))
    return csms(id, title, "5.13", *script, profile="Reservation", features=features, **more)


def _refused(word: str, payload: Any = RESERVE, **more: Any) -> tuple[Item, ...]:
    return ask("ReserveNow", payload, {"status": word}, **more)


def _ordered(word: str = "Accepted", **fields: Any) -> tuple[Item, ...]:
    return order("ReserveNow", {**_ASK, **fields}, {"status": word}, fields={**_FREE, **fields})


_ZERO = ("reservation", "reserve_zero")

CASES = (
    _case(
        "TC_046_1_CS", "Reserved, used at the station",
        *RESERVED,
        Hand("swipe"), Sent("Authorize", {"idTag": TAG}, given={"idTagInfo": ACCEPTED}), PREPARING,
        Hand("plug"), START_RESERVED,
    ),
    _case("TC_046_2_CS", "Reserved, used from afar", *RESERVED, *_REMOTE, Hand("plug"), START_RESERVED),
    _case(
        "TC_047_CS", "A reservation expires",
        *ask("ReserveNow", {**RESERVE, "expiryDate": In(8)}), replace(status("Reserved"), name="reserved"),
        status("Available", within="lapse", after="reserved"),
    ),
    _case("TC_048_1_CS", "A faulted connector", *_refused("Faulted"), state="faulted"),
    _case("TC_048_2_CS", "An occupied connector", *_refused("Occupied"), state="plugged"),
    _case("TC_048_3_CS", "An unavailable connector", *_refused("Unavailable"), state="unavailable"),
    _case(
        "TC_048_4_CS", "Reservations are not supported", *_refused("Rejected", errors=UNSUPPORTED),
        features=("!reservation",),
    ),
    _case(
        "TC_049_CS", "Any connector is reserved",
        # With several connectors one has to stay free, and none shows it.
        *ask("ReserveNow", _WHOLE), Sent("StatusNotification", {"status": "Reserved"}, when="!two_connectors"),
        *_REMOTE, Hand("plug"), START_RESERVED,
        features=_ZERO,
    ),
    _case(
        "TC_050_1_CS", "A faulted station", Hand("fault", connector=0), *_refused("Faulted", _WHOLE), features=_ZERO,
    ),
    _case("TC_050_2_CS", "An occupied station", Hand("plug_all"), *_refused("Occupied", _WHOLE), features=_ZERO),
    _case(
        "TC_050_3_CS", "An unavailable station",
        *ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}), status("Unavailable"),
        *_refused("Unavailable", _WHOLE),
        features=_ZERO,
    ),
    _case(
        "TC_050_4_CS", "Reservations of any connector are not supported",
        *_refused("Rejected", _WHOLE, errors=UNSUPPORTED),
        features=("!reserve_zero",),
    ),
    _case(
        "TC_051_CS", "A reservation is cancelled",
        *ask("CancelReservation", _CANCEL), status("Available"),
        Hand("plug"), PREPARING, *_REMOTE, replace(START, fields={**START.fields, "reservationId": ABSENT}),
        state="reserved",
    ),
    _case(
        "TC_052_CS", "An unknown reservation is cancelled",
        *ask("CancelReservation", {"reservationId": Ref("unknown_reservation")}, {"status": "Rejected"}),
        state="reserved",
    ),
    _case(
        "TC_053_CS", "Reserved, used by a card of the same group",
        *ask("ReserveNow", {**RESERVE, **_PARENT}), status("Reserved"),
        Hand("swipe", tag=_GROUP),
        Sent("Authorize", {"idTag": _GROUP}, given={"idTagInfo": {**ACCEPTED, **_PARENT}}),
        Hand("plug"),
        replace(START_RESERVED, fields={**START_RESERVED.fields, "idTag": _GROUP}),
    ),
    _of_csms(
        "TC_046_CSMS", "Reserved and used",
        *_ordered(), *tell_status("Reserved"),
        *tell("Authorize", {"idTag": TAG}, {"idTagInfo": ACCEPTED}), *tell_status("Preparing"),
        *tell_start(reservationId=Ref("csms_reservation")), *tell_status("Charging"),
    ),
    _of_csms("TC_047_CSMS", "A reservation expires", *_ordered(), *tell_status("Reserved"), *tell_status("Available")),
    _of_csms("TC_048_1_CSMS", "A faulted connector", *_ordered("Faulted")),
    _of_csms("TC_048_2_CSMS", "An occupied connector", *tell_status("Preparing"), *_ordered("Occupied")),
    _of_csms(
        "TC_048_3_CSMS", "An unavailable connector",
        *order("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}), *tell_status("Unavailable"),
        *_ordered("Unavailable"),
    ),
    _of_csms("TC_048_4_CSMS", "Reservations are rejected", *_ordered("Rejected")),
    _of_csms(
        "TC_049_CSMS", "Any connector is reserved",
        *_ordered(connectorId=0), *tell_status("Reserved", connector=0),
    ),
    _of_csms(
        "TC_051_CSMS", "A reservation is cancelled",
        *_ordered(), *tell_status("Reserved"),
        *order("CancelReservation", {"reservationId": Ref("csms_reservation")}), *tell_status("Available"),
    ),
    _of_csms(
        "TC_052_CSMS", "An unknown reservation is cancelled",
        *_ordered(), *tell_status("Reserved"),
        *order(
            "CancelReservation", {"reservationId": Ref("unknown_reservation")}, {"status": "Rejected"},
        ),
    ),
    _of_csms(
        "TC_053_CSMS", "Reserved, used by a card of the same group",
        *_ordered(**_PARENT), *tell_status("Reserved"),
        *tell("Authorize", {"idTag": _GROUP}, {"idTagInfo": {**ACCEPTED, **_PARENT}}),
        *tell_start(tag=_GROUP, reservationId=Ref("csms_reservation")), *tell_stop("Local", idTag=_GROUP),
        features=("group",),
    ),
)  # fmt: skip
