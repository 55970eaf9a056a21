"""The payloads a station sends in OCPP 2.0.1, and the schemas of what it receives."""

from __future__ import annotations

from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from interlock.simulator.ocppj.schemas import Schemas, Spelling
from interlock.simulator.session import Reading
from interlock.simulator.spec import StationSpec

SUBPROTOCOL = "ocpp2.0.1"

SCHEMAS = Schemas(
    "v201",
    "Request",
    jsonschema_rs.Draft6Validator,
    Spelling(
        malformed_call="RpcFrameworkError",
        unknown_type="MessageTypeNotSupported",
        unreadable="FormatViolation",
        by_keyword={
            "required": "OccurrenceConstraintViolation",
            "minItems": "OccurrenceConstraintViolation",
            "maxItems": "OccurrenceConstraintViolation",
            "type": "TypeConstraintViolation",
            "enum": "PropertyConstraintViolation",
            "maxLength": "PropertyConstraintViolation",
            "minimum": "PropertyConstraintViolation",
            "maximum": "PropertyConstraintViolation",
        },
    ),
)

_encode = msgspec.json.Encoder().encode


class Token(NamedTuple):
    """An IdToken: what it says and what kind it is."""

    id_token: str
    kind: str


CARD = "ISO14443"
"""The kind of a card that a driver shows."""
NOT_ASKED_FOR = ("Central", "NoAuthorization")
"""Kinds of token that a station neither asks about nor remembers (C02, C05)."""


def text(payload: dict[str, Any]) -> str:
    """Return a payload as JSON."""
    return _encode(payload).decode()


def boot(vendor: str, model: str, serial: str, firmware: str, reason: str) -> str:
    """Write a BootNotification."""
    station = {"vendorName": vendor, "model": model, "serialNumber": serial, "firmwareVersion": firmware}
    return text({"reason": reason, "chargingStation": station})


def status(evse: int, connector: int, status: str, at: str) -> str:
    """Write a StatusNotification."""
    return f'{{"timestamp":"{at}","connectorStatus":"{status}","evseId":{evse},"connectorId":{connector}}}'


def availability_event(number: int, evse: int, connector: int, status: str, at: str) -> str:
    """Write a NotifyEvent that reports a connector's AvailabilityState; `number` names the event (G01.FR.07)."""
    event = {
        "eventId": number,
        "timestamp": at,
        "trigger": "Delta",
        "actualValue": status,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": evse, "connectorId": connector}},
        "variable": {"name": "AvailabilityState"},
    }
    return text({"generatedAt": at, "seqNo": 0, "tbc": False, "eventData": [event]})


def token(token: Token) -> dict[str, str]:
    """Return an IdToken."""
    return {"idToken": token.id_token, "type": token.kind}


def authorize(wanting: Token) -> str:
    """Write an Authorize."""
    return text({"idToken": token(wanting)})


def of_vendor(body: str, spec: StationSpec) -> str:
    """Add the vendor's own data to a payload that is not empty, if the station does so."""
    if not spec.deviations.vendor_fields:
        return body
    return f'{body[:-1]},"customData":{text({"vendorId": spec.vendor, "note": "as ever"})}}}'


def meter_value(reading: Reading, at: str, context: str, unit: str = "Wh") -> dict[str, Any]:
    """Return a MeterValue; `unit` is that of energy, Wh or kWh."""
    energy: float = reading.energy_wh if unit == "Wh" else reading.energy_wh / 1000

    def sample(value: float, measurand: str, unit: str) -> dict[str, Any]:
        return {"value": value, "context": context, "measurand": measurand, "unitOfMeasure": {"unit": unit}}

    return {
        "timestamp": at,
        "sampledValue": [
            sample(energy, "Energy.Active.Import.Register", unit),
            sample(round(reading.power_w, 1), "Power.Active.Import", "W"),
            sample(round(reading.volts, 1), "Voltage", "V"),
        ],
    }


def meter_values(evse: int, value: dict[str, Any]) -> str:
    """Write MeterValues outside a transaction."""
    return text({"evseId": evse, "meterValue": [value]})
