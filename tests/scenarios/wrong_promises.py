"""Stations that accept something and do not hold to it: what they show afterwards says otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .wrong_stations import Message, Odd, Wire, answers, believes, calls, everywhere, says, with_, without


def _talks_first(wire: Wire, message: Message) -> list[Message]:
    """A status goes out before the first boot."""
    if message[0] == 2 and message[2] == "BootNotification" and not wire.kept.setdefault("talked", False):
        wire.kept["talked"] = True
        status = {"connectorId": 0, "errorCode": "NoError", "status": "Available"}
        return [[2, wire.fresh(), "StatusNotification", status], message]
    return [message]


def _soon(answer: dict[str, Any]) -> dict[str, Any]:
    return answer if answer.get("status") == "Accepted" else {**answer, "interval": 1}


def _old_value(answer: dict[str, Any]) -> dict[str, Any]:
    rows = answer.get("configurationKey", [])
    old = [{**one, "value": "60"} if one["key"] == "MeterValueSampleInterval" else one for one in rows]
    return {**answer, "configurationKey": old}


def _available_again(wire: Wire, message: Message) -> list[Message]:
    """What is switched off is told to be Unavailable, and a moment later Available."""
    if message[0] == 2 and message[2] == "StatusNotification" and message[3].get("status") == "Unavailable":
        return [message, [2, wire.fresh(), "StatusNotification", {**message[3], "status": "Available"}]]
    return [message]


def asked(action: str, change: Any) -> Any:
    """What the CSMS asks for is heard otherwise."""

    def down(_: Wire, message: Message) -> list[Message]:
        if message[0] == 2 and message[2] == action:
            return [[*message[:3], change(dict(message[3]))]]
        return [message]

    return down


def _other_unit(answer: dict[str, Any]) -> dict[str, Any]:
    return everywhere(answer, "chargingRateUnit", lambda unit: "W" if unit == "A" else "A")


def _beside(told: dict[str, Any]) -> dict[str, Any]:
    def later(row: dict[str, Any]) -> dict[str, Any]:
        at = datetime.fromisoformat(row["timestamp"]) + timedelta(seconds=1.9)
        return {**row, "timestamp": at.isoformat()}

    return {**told, "meterValue": [later(row) for row in told["meterValue"]]}


def _of_group(answer: dict[str, Any]) -> dict[str, Any]:
    info = answer.get("idTagInfo")
    return answer if info is None else {**answer, "idTagInfo": {**info, "parentIdTag": "TAG-PARENT"}}


def _for_ever(answer: dict[str, Any]) -> dict[str, Any]:
    info = answer.get("idTagInfo")
    return answer if info is None else {**answer, "idTagInfo": without("expiryDate")(info)}


def _both(*ways: Any) -> Any:
    """One way after the other."""

    def down(wire: Wire, message: Message) -> list[Message]:
        found = [message]
        for way in ways:
            found = [out for one in found for out in way(wire, one)]
        return found

    return down


def _always_asks(payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload, "value": "true"} if payload.get("key") == "AuthorizeRemoteTxRequests" else payload


def _added(payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload, "updateType": "Differential"}


PROMISES = (
    Odd("station-charges", "connector 0 is told to be Charging",
        lambda wire, message: [message, [2, wire.fresh(), "StatusNotification", {**message[3], "connectorId": 0}]]
        if message[0] == 2 and message[2] == "StatusNotification" and message[3].get("status") == "Charging"
        else [message], found=("N16",)),
    Odd("talks-before-its-boot", "a status is told before the first boot", _talks_first, found=("N17",)),
    Odd("boots-too-soon", "the interval of a refused boot is not waited for", down=believes("BootNotification", _soon),
        found=("N17",)),
    Odd("shows-old-values", "a changed key is shown as it was", answers("GetConfiguration", _old_value),
        cases=("TC_021_CS",), found=("N18",)),
    Odd("takes-long-lists", "a list is accepted that is longer than it may be",
        says("SendLocalList", "Accepted", "Failed"), found=("N19",)),
    Odd("takes-every-level", "a profile above the highest level is accepted",
        says("SetChargingProfile", "Accepted", "Rejected"), cases=("IL_334_CS",), found=("N19",)),
    Odd("beside-the-clock", "aligned values are two seconds late",
        calls("MeterValues", _beside, lambda told: "Sample.Clock" in str(told)), found=("N20",)),
    Odd("available-again", "a connector that is switched off is told to be Available", _available_again,
        found=("N21",)),
    Odd("other-unit", "a composite schedule is in the other unit", answers("GetCompositeSchedule", _other_unit),
        cases=("TC_056_CS",), found=("N22",)),
    Odd("milliwatt-hours", "the meter at the end is in mWh",
        calls("StopTransaction", lambda told: {**told, "meterStop": told["meterStop"] * 1000 + 50_000}),
        found=("N24",)),
    Odd("one-group-for-all", "every card may end every session",
        down=_both(believes("Authorize", _of_group), believes("StartTransaction", _of_group)), cases=("IL_324_CS",)),
    Odd("asks-about-every-start", "each remote start is asked about",
        down=asked("ChangeConfiguration", _always_asks), cases=("IL_325_CS",)),
    Odd("reserves-over", "what is reserved is reserved for another", says("ReserveNow", "Accepted", "Occupied"),
        cases=("IL_328_CS",)),
    Odd("adds-to-lists", "a full list is added to the one before", down=asked("SendLocalList", _added),
        cases=("IL_327_CS",)),
    Odd("clears-every-purpose", "the purpose of what is to be cleared is ignored",
        down=asked("ClearChargingProfile", without("chargingProfilePurpose")), cases=("IL_331_CS",)),
    Odd("clears-every-connector", "the connector of what is to be cleared is ignored",
        down=asked("ClearChargingProfile", without("connectorId")), cases=("IL_332_CS",)),
    Odd("downloads-at-once", "firmware is downloaded before its time",
        down=asked("UpdateFirmware", with_(retrieveDate="2026-01-01T00:00:00Z")), cases=("IL_335_CS",)),
    Odd("never-expires", "a card in the cache has no end",
        down=_both(believes("Authorize", _for_ever), believes("StartTransaction", _for_ever)), cases=("IL_338_CS",)),
    Odd("learns-nothing-from-starts", "the answer to a start is not kept in the cache",
        down=believes("StopTransaction", without("idTagInfo")), cases=("IL_337_CS",)),
)  # fmt: skip
"""All of them."""
