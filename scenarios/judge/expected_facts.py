"""What a station's CALL tells, as the facts the log has to keep: the judges' own reading, apart from any dialect.

A fact is a type and its content: the members that a frame and an event are compared by, in one order for both.
`told` reads a frame, `kept` an event. What is not said is None; a member that a frame cannot decide is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
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
READING = ("value", "measurand", "phase", "location", "context", "unit", "format")


def moment(text: Any) -> datetime | None:
    """Return the instant a time names, None where it names none. Without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(str(text).upper())
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
    return reader(payload) if reader is not None else []


def _boot_16(p: Payload) -> list[Fact]:
    get = p.get
    said = get("chargePointVendor", ""), get("chargePointModel", ""), get("chargePointSerialNumber")
    return [("Booted", (*said, get("firmwareVersion")))]


def _status_16(p: Payload) -> list[Fact]:
    evse = p.get("connectorId")
    said = p.get("status"), p.get("errorCode", "NoError"), p.get("info")
    return [("StatusReported", (evse, 1 if evse else 0, *said, moment(p.get("timestamp"))))]


def _start_16(p: Payload) -> list[Fact]:
    said = p.get("connectorId"), _folded(p.get("idTag")), p.get("meterStart")
    return [("TransactionStarted", (None, None, *said, moment(p.get("timestamp"))))]


def _stop_16(p: Payload) -> list[Fact]:
    said = str(p.get("transactionId")), None, p.get("meterStop"), p.get("reason", "Local"), _folded(p.get("idTag"))
    stop: Fact = ("TransactionStopped", (*said, moment(p.get("timestamp"))))
    return [stop, *_samples_16(p.get("transactionData", ()), str(p.get("transactionId")))]


def _meter_16(p: Payload) -> list[Fact]:
    number = p.get("transactionId")
    return _samples_16(p.get("meterValue", ()), None if number is None else str(number), p.get("connectorId"))


def _samples_16(values: Iterable[Payload], transaction: str | None, evse: int | None = None) -> list[Fact]:
    """Return samples. Those of a transaction are at its EVSE, wherever they were told (I36)."""
    found: list[Fact] = []
    for value in values:
        readings = tuple((*(one.get(name) for name in READING), 0) for one in value.get("sampledValue", ()))
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
    said = p.get("evseId"), p.get("connectorId"), p.get("connectorStatus"), "NoError", None
    return [("StatusReported", (*said, moment(p.get("timestamp"))))]


def _transaction_201(p: Payload) -> list[Fact]:
    info, at = p.get("transactionInfo", {}), moment(p.get("timestamp"))
    name, number, evse = info.get("transactionId"), p.get("seqNo"), p.get("evse", {}).get("id", 0)
    token = p.get("idToken")
    shown = None if token is None else "" if token.get("type") == "NoAuthorization" else _folded(token.get("idToken"))
    match p.get("eventType"):
        case "Started":
            return [("TransactionStarted", (name, number, evse, shown, None, at))]
        case "Updated":
            return [("TransactionUpdated", (name, number, p.get("triggerReason", ""), evse, shown, at))]
    return [("TransactionStopped", (name, number, None, info.get("stoppedReason", "Local"), shown, at))]


_TOLD_201: dict[str, Callable[[Payload], list[Fact]]] = {
    "BootNotification": _boot_201,
    "StatusNotification": _status_201,
    "TransactionEvent": _transaction_201,
}


# --- from an event ---------------------------------------------------------------------------------------------------


def kept(type: str, data: Payload, version: str) -> Fact | None:
    """Return what an event says in the same members; None for one that no report tells, or not in this version."""
    reader = _KEPT.get(type)
    if reader is None or (version != "ocpp1.6" and type in ("MeterSampled", "NoticeReceived")):
        return None
    return type, reader(data)


def _kept_start(d: Payload) -> tuple[Hashable, ...]:
    own = d.get("seq_no") is not None  # then the station named it, and its register is among its samples
    name = (d["transaction_id"], d["seq_no"]) if own else (None, None)
    meter = None if own else d["meter_start_wh"]
    return *name, d["evse"], _folded(d["id_token"]), meter, moment(d["started_at"])


def _kept_stop(d: Payload) -> tuple[Hashable, ...]:
    own = d.get("seq_no")
    meter = None if own is not None else d["meter_stop_wh"]
    return d["transaction_id"], own, meter, d["reason"], _folded(d["id_token"]), moment(d["stopped_at"])


def _kept_sample(d: Payload) -> tuple[Hashable, ...]:
    readings = tuple(
        (*(one.get(name) for name in READING), one.get("multiplier", 0)) for one in d.get("readings") or ()
    )
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
    """Return (member, expected, found) for each number of a MeterSampled that is not what its readings say.

    Only where one reading says it, without phase: how several add up is not for this table.
    """
    wrong = []
    for name, (measurand, unit) in _SUMMED.items():
        found = [one for one in sample.get("readings") or () if (one.get("measurand") or _REGISTER) == measurand]
        expected = _number(found[0], unit) if len(found) == 1 else None
        if found and expected is None:
            continue
        value: float | None = sample.get(name)
        if not _same(value, expected, _ROUNDED[name]):
            wrong.append((name, str(expected), str(value)))
    return wrong


def _same(one: float | None, other: float | None, rounded: float) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= rounded


_REGISTER = "Energy.Active.Import.Register"
_ROUNDED = {"energy_wh": 0.5, "power_w": 1e-6, "voltage_v": 1e-6}


def _number(one: Payload, unit: str) -> float | None:
    """Return a reading in the unit without a prefix; None where that is not plain to see."""
    said = str(one.get("unit") or unit)
    power = _PREFIX.get(said[: -len(unit)]) if said.lower().endswith(unit) else None
    plain = one.get("phase") is None and one.get("location") in (None, "Outlet") and one.get("format") in (None, "Raw")
    if power is None or not plain or one.get("multiplier"):
        return None
    try:
        return float(str(one.get("value"))) * power
    except ValueError:
        return None
