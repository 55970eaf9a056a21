"""The facts that the log must hold after a station's CALL: the judges' own reading, apart from any dialect.

A fact is a type and its content: the members that a frame and an event are compared by, in one order for both.
`told` reads a frame, `kept` an event. What is not stated is None; a member that a frame cannot decide is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from interlock.scenarios.record.frames import content

Payload = Mapping[str, Any]
Fact = tuple[str, tuple[Hashable, ...]]
"""Type of an event, and what it says."""

NOTICES = frozenset(
    {
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
    }
)
"""Of OCPP 1.6: reports that are kept as they come."""
NOTICES_201 = frozenset(
    {
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "LogStatusNotification",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
    }
)
"""Of OCPP 2.0.1, but for those in which somebody could find a password: these are kept without it."""
READING = ("value", "measurand", "phase", "location", "context", "unit", "format")


def moment(text: Any) -> datetime | None:
    """Return the instant a time names, None where it names none. Without a zone it is UTC."""
    return _instant(str(text)) if text is not None else None


@lru_cache(maxsize=16384)
def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _folded(token: Any) -> str | None:
    return None if token is None else str(token).lower()


# --- from a frame ----------------------------------------------------------------------------------------------------


def told(action: str, payload: Payload, version: str) -> list[Fact]:
    """Return the facts that a CALL tells. `version` is the subprotocol it came on."""
    if version == "ocpp1.6":
        reader = _TOLD_16.get(action)
        if reader is not None:
            return reader(payload)
        return [("NoticeReceived", (action, content(payload)))] if action in NOTICES else []
    reader = _TOLD_201.get(action)
    if reader is not None:
        return reader(payload)
    return _notice_201(action, payload) if action in NOTICES_201 else []


def _boot_16(p: Payload) -> list[Fact]:
    get = p.get
    said = get("chargePointVendor", ""), get("chargePointModel", ""), get("chargePointSerialNumber")
    return [("Booted", (*said, get("firmwareVersion")))]


def _status_16(p: Payload) -> list[Fact]:
    evse = p.get("connectorId")
    said = p.get("status"), p.get("errorCode", "NoError"), p.get("info")
    return [("StatusReported", (evse, 1 if evse else 0, *said, moment(p.get("timestamp"))))]


def _start_16(p: Payload) -> list[Fact]:
    tag = _folded(p.get("idTag"))
    said = p.get("connectorId"), EMPTY if tag == "" else tag, p.get("meterStart")
    return [("TransactionStarted", (None, None, *said, moment(p.get("timestamp"))))]


def _stop_16(p: Payload) -> list[Fact]:
    said = str(p.get("transactionId")), None, p.get("meterStop"), p.get("reason", "Local"), _folded(p.get("idTag"))
    stop: Fact = ("TransactionStopped", (*said, moment(p.get("timestamp"))))
    return [stop, *_samples_16(p.get("transactionData", ()), str(p.get("transactionId")))]


def _meter_16(p: Payload) -> list[Fact]:
    number = p.get("transactionId")
    return _samples_16(p.get("meterValue", ()), None if number is None else str(number), p.get("connectorId"))


def _reading(one: Payload) -> tuple[Hashable, ...]:
    """Return the members of a reading, in the order of `READING`."""
    get = one.get
    place = get("phase"), get("location"), get("context")
    return get("value"), get("measurand"), *place, get("unit"), get("format")


def _samples_16(values: Iterable[Payload], transaction: str | None, evse: int | None = None) -> list[Fact]:
    """Return samples. Those of a transaction are at its EVSE, wherever they were told (I36)."""
    found: list[Fact] = []
    for value in values:
        readings = tuple([(*_reading(one), 0) for one in value.get("sampledValue", ())])
        place = evse if transaction is None else None
        found.append(("MeterSampled", (transaction, place, moment(value.get("timestamp")), readings)))
    return found


_TOLD_16: dict[str, Callable[[Payload], list[Fact]]] = {
    "BootNotification": _boot_16,
    "StatusNotification": _status_16,
    "StartTransaction": _start_16,
    "StopTransaction": _stop_16,
    "MeterValues": _meter_16,
}


def _boot_201(p: Payload) -> list[Fact]:
    get = p.get("chargingStation", {}).get
    return [("Booted", (get("vendorName", ""), get("model", ""), get("serialNumber"), get("firmwareVersion")))]


def _status_201(p: Payload) -> list[Fact]:
    evse, connector = p.get("evseId"), p.get("connectorId")
    if (evse == 0) != (connector == 0):
        return _notice_201("StatusNotification", p)  # neither a connector of an EVSE nor the station
    said = evse, connector, p.get("connectorStatus"), "NoError", None
    return [("StatusReported", (*said, moment(p.get("timestamp"))))]


_WORDS = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})


def _event_201(p: Payload) -> list[Fact]:
    """Return the connectors' availability that a NotifyEvent tells; what else it tells is a notice."""
    found: list[Fact] = []
    for one in p.get("eventData", ()):
        name = one.get("component", {}).get("name", "").lower(), one.get("variable", {}).get("name", "").lower()
        place = one.get("component", {}).get("evse", {})
        evse, connector, word = place.get("id", 0), place.get("connectorId", 0), one.get("actualValue")
        if name == ("connector", "availabilitystate") and evse > 0 and connector > 0 and word in _WORDS:
            said = evse, connector, word, "NoError", None, moment(one.get("timestamp"))
            found.append(("StatusReported", said))
    return found if len(found) == len(p.get("eventData", ())) else [*found, *_notice_201("NotifyEvent", p)]


def _notice_201(action: str, p: Payload) -> list[Fact]:
    return [] if _secret(p) else [("NoticeReceived", (action, content(p)))]


def _secret(payload: Any) -> bool:
    return "basicauthpassword" in str(payload).lower()


def _transaction_201(p: Payload) -> list[Fact]:
    info, at = p.get("transactionInfo", {}), moment(p.get("timestamp"))
    place, token, offline = p.get("evse", {}), p.get("idToken"), p.get("offline", False)
    name, number, evse = info.get("transactionId"), p.get("seqNo"), place.get("id", 0)
    shown = None if token is None else "" if token.get("type") == "NoAuthorization" else _folded(token.get("idToken"))
    live = place.get("connectorId"), info.get("chargingState"), offline
    samples = _samples_201(p.get("meterValue", ()), name)
    match p.get("eventType"):
        case "Started":
            said = name, number, evse, shown, None, at, *live, info.get("remoteStartId")
            return [("TransactionStarted", said), *samples]
        case "Updated":
            return [
                ("TransactionUpdated", (name, number, p.get("triggerReason", ""), evse, shown, at, *live)),
                *samples,
            ]
    return [
        ("TransactionStopped", (name, number, None, info.get("stoppedReason", "Local"), shown, at, offline)),
        *samples,
    ]


def _meter_201(p: Payload) -> list[Fact]:
    return _samples_201(p.get("meterValue", ()), None, p.get("evseId"))


def _samples_201(values: Iterable[Payload], transaction: str | None, evse: int | None = None) -> list[Fact]:
    found: list[Fact] = []
    for value in values:
        readings = tuple(one for said in value.get("sampledValue", ()) for one in _readings_201(said))
        found.append(("MeterSampled", (transaction, evse, moment(value.get("timestamp")), readings)))
    return found


def _readings_201(said: Payload) -> list[tuple[Hashable, ...]]:
    unit, where = said.get("unitOfMeasure", {}), [said.get(name) for name in READING[1:5]]
    found: list[tuple[Hashable, ...]] = [
        (str(said.get("value")), *where, unit.get("unit"), None, unit.get("multiplier", 0))
    ]
    if (signed := said.get("signedMeterValue")) is not None:
        found.append((signed.get("signedMeterData", ""), *where, None, "SignedData", 0))
    return found


_TOLD_201: dict[str, Callable[[Payload], list[Fact]]] = {
    "BootNotification": _boot_201,
    "StatusNotification": _status_201,
    "TransactionEvent": _transaction_201,
    "MeterValues": _meter_201,
    "NotifyEvent": _event_201,
}


# --- from an event ---------------------------------------------------------------------------------------------------


def kept(type: str, data: Payload, version: str) -> Fact | None:
    """Return an event's content in the same members; None for one that follows from no report of this version."""
    reader = _KEPT.get(type)
    if reader is None or (version != "ocpp1.6" and type == "NoticeReceived" and _unsure(data)):
        return None
    return type, reader(data)


def _unsure(data: Payload) -> bool:
    """Tell of a notice of 2.0.1 that it is not looked at: what else it says may be kept in other events, or hidden."""
    return data["action"] not in {*NOTICES_201, "NotifyEvent", "StatusNotification"} or _secret(data["payload"])


def _kept_start(d: Payload) -> tuple[Hashable, ...]:
    own = d.get("seq_no") is not None  # then the station named it, and its register is among its samples
    name = (d["transaction_id"], d["seq_no"]) if own else (None, None)
    meter = None if own else d["meter_start_wh"]
    said = *name, d["evse"], _folded(d["id_token"]), meter, moment(d["started_at"])
    return (*said, *_live(d), d.get("remote_start_id")) if own else said


def _live(d: Payload) -> tuple[Hashable, ...]:
    return d.get("connector"), d.get("charging_state"), d.get("offline", False)


def _kept_stop(d: Payload) -> tuple[Hashable, ...]:
    own = d.get("seq_no")
    meter = None if own is not None else d["meter_stop_wh"]
    said = d["transaction_id"], own, meter, d["reason"], _folded(d["id_token"]), moment(d["stopped_at"])
    return said if own is None else (*said, d.get("offline", False))


def _kept_sample(d: Payload) -> tuple[Hashable, ...]:
    readings = tuple([(*_reading(one), one.get("multiplier", 0)) for one in d.get("readings") or ()])
    transaction = d["transaction_id"]
    return transaction, d["evse"] if transaction is None else None, moment(d["sampled_at"]), readings


_KEPT: dict[str, Callable[[Payload], tuple[Hashable, ...]]] = {
    "Booted": lambda d: (d["vendor"], d["model"], d["serial"], d["firmware"]),
    "StatusReported": lambda d: (
        *(d["evse"], d["connector"], d["status"], d["error_code"], d["info"]),
        moment(d["reported_at"]),
    ),
    "TransactionStarted": _kept_start,
    "TransactionUpdated": lambda d: (
        *(d["transaction_id"], d["seq_no"], d["trigger"], d["evse"], _folded(d["id_token"])),
        moment(d["updated_at"]),
        *_live(d),
    ),
    "TransactionStopped": _kept_stop,
    "MeterSampled": _kept_sample,
    "NoticeReceived": lambda d: (d["action"], content(d["payload"])),
}

# --- numbers of a sample ---------------------------------------------------------------------------------------------

_SUMMED = {
    "energy_wh": ("Energy.Active.Import.Register", "wh"),
    "power_w": ("Power.Active.Import", "w"),
    "voltage_v": ("Voltage", "v"),
}
_PREFIX = {"": 1.0, "k": 1000.0, "m": 0.001}


def misread(sample: Payload) -> list[tuple[str, str, str]]:
    """Return (member, expected, found) for each number of a MeterSampled that does not follow from its readings.

    Only where they are unambiguous: one context beside the beginning, each phase once, every number readable.
    """
    wrong = []
    for name, (measurand, unit) in _SUMMED.items():
        found = [one for one in sample.get("readings") or () if (one.get("measurand") or _REGISTER) == measurand]
        expected = _of_the_outlet(found, unit)
        if expected is UNSURE:
            continue
        value: float | None = sample.get(name)
        if not _same(value, expected, _ROUNDED[name]):
            wrong.append((name, str(expected), str(value)))
    return wrong


UNSURE: Any = object()
_PHASES = ("L1", "L2", "L3")


def _of_the_outlet(readings: list[Payload], unit: str) -> Any:
    """Return the value of one measurand for the EVSE as a whole; None for none, `UNSURE` if it is ambiguous."""
    if not readings:
        return None
    here = [one for one in readings if one.get("location") in (None, "Outlet") and one.get("format") in (None, "Raw")]
    later = [one for one in here if one.get("context") != "Transaction.Begin"] or here
    numbers = [_number(one, unit, one_phase=True) for one in later]
    if len({one.get("context") for one in later}) > 1 or None in numbers:
        return UNSURE
    whole = [number for one, number in zip(later, numbers, strict=True) if one.get("phase") is None]
    if whole or not later:
        return whole[-1] if whole else None
    by_phase: dict[str, float] = {}
    for one, number in zip(later, numbers, strict=True):
        phase = str(one["phase"]).removesuffix("-N")
        # One phase under both of its names is one phase, as long as both say the same.
        if number is None or phase not in _PHASES or by_phase.setdefault(phase, number) != number:
            return UNSURE
    told = list(by_phase.values())
    if unit == "v":
        return min((number for number in told if number > 0.0), default=min(told))
    return sum(told)


def _same(one: float | None, other: float | None, rounded: float) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= rounded


EMPTY = "(empty)"
"""What is kept of a card of 1.6 whose text is empty: one that nobody knows, where no card would be another thing."""
_REGISTER = "Energy.Active.Import.Register"
_ROUNDED = {"energy_wh": 0.5, "power_w": 1e-6, "voltage_v": 1e-6}


def _number(one: Payload, unit: str, *, one_phase: bool = False) -> float | None:
    """Return a reading in its unit without prefix, of all phases unless it is to be of one.

    None where it cannot be read with certainty.
    """
    said = str(one.get("unit") or unit)
    power = _PREFIX.get(said[: -len(unit)]) if said.lower().endswith(unit) else None
    plain = (
        (one_phase or one.get("phase") is None)
        and one.get("location") in (None, "Outlet")
        and one.get("format") in (None, "Raw")
    )
    if power is None or not plain:
        return None
    try:
        return float(str(one.get("value"))) * power * 10.0 ** int(one.get("multiplier") or 0)
    except ValueError:
        return None


def registers(payload: Payload, context: str) -> list[int] | None:
    """Return the registers that the meter values of a TransactionEvent say, in order: those read in `context` if any.

    None where one of them is not plain to see.
    """
    named, found = [], []
    for value in payload.get("meterValue", ()):
        readings = [dict(zip((*READING, "multiplier"), one, strict=True)) for one in _all_readings(value)]
        energy = [one for one in readings if (one.get("measurand") or _REGISTER) == _REGISTER]
        numbers = [_number(one, "wh") for one in energy]
        if len(energy) > 1 or None in numbers:
            return None
        found += [round(one) for one in numbers if one is not None]
        named += [
            round(number)
            for one, number in zip(energy, numbers, strict=True)
            if one.get("context") == context
            if number is not None
        ]
    return named or found


def _all_readings(value: Payload) -> list[tuple[Hashable, ...]]:
    return [one for said in value.get("sampledValue", ()) for one in _readings_201(said)]
