"""The station's OCPP 1.6: the payloads it sends, as JSON text, and a check of those it gets.

Its own payloads are written out by hand, for speed and because a station must be able to send what a schema forbids.
What the CSMS sends is checked against the JSON schemas of the `ocpp` package.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

_encode = msgspec.json.Encoder().encode

ERROR_CODES = (
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
)
"""Every errorCode of a StatusNotification (section 7.6)."""


# --- what it gets ----------------------------------------------------------------------------------------------------


@cache
def _schemas() -> Path:
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    return Path(found.submodule_search_locations[0]) / "v16" / "schemas"


@cache
def _validator(name: str) -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator((_schemas() / f"{name}.json").read_text("utf-8-sig"), validate_formats=False)


@cache
def known_actions() -> frozenset[str]:
    """Return every action OCPP 1.6 knows, in either direction."""
    return frozenset(path.stem for path in _schemas().glob("*.json") if not path.stem.endswith("Response"))


def valid_answer(action: str, payload: dict[str, Any]) -> bool:
    """Tell whether `payload` may answer a CALL of `action`."""
    try:
        return _validator(f"{action}Response").is_valid(payload)
    except ValueError:
        return False  # not even representable: a number of thousands of digits, say


_CODES = {
    "required": "OccurenceConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "maxLength": "PropertyConstraintViolation",
    "multipleOf": "PropertyConstraintViolation",
}


def wrong_with(action: str, payload: dict[str, Any]) -> tuple[str, str] | None:
    """Return the CALLERROR code, spelt as 1.6 does, and why, when a CALL's payload breaks its schema."""
    schema = _validator(action)
    try:
        if schema.is_valid(payload):
            return None
        error = next(schema.iter_errors(payload))
    except ValueError as broken:
        return "FormationViolation", str(broken)
    where = "/".join(str(part) for part in error.instance_path) or "payload"
    return _CODES.get(error.kind.name, "FormationViolation"), f"{where}: {error.message}"


# --- what it sends ---------------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    return _encode(value).decode()


def boot(vendor: str, model: str, serial: str, firmware: str) -> str:
    """Write a BootNotification."""
    return _text(
        {
            "chargePointVendor": vendor,
            "chargePointModel": model,
            "chargePointSerialNumber": serial,
            "firmwareVersion": firmware,
        }
    )


def status(connector: int, status: str, error_code: str, at: str) -> str:
    """Write a StatusNotification."""
    return f'{{"connectorId":{connector},"errorCode":"{error_code}","status":"{status}","timestamp":"{at}"}}'


def authorize(id_tag: str) -> str:
    """Write an Authorize."""
    return f'{{"idTag":{_text(id_tag)}}}'


def start(connector: int, id_tag: str, meter_wh: int, at: str) -> str:
    """Write a StartTransaction."""
    return f'{{"connectorId":{connector},"idTag":{_text(id_tag)},"meterStart":{meter_wh},"timestamp":"{at}"}}'


def stop(meter_wh: int, at: str, reason: str, id_tag: str | None) -> str:
    """Write a StopTransaction without its transactionId, which may not be known yet."""
    by = "" if id_tag is None else f',"idTag":{_text(id_tag)}'
    return f'{{"meterStop":{meter_wh},"timestamp":"{at}","reason":"{reason}"{by}}}'


def meter_values(connector: int, at: str, context: str, energy_wh: int, power_w: float, volts: float) -> str:
    """Write MeterValues without a transactionId, which may not be known yet."""
    return (
        f'{{"connectorId":{connector},"meterValue":[{{"timestamp":"{at}","sampledValue":['
        f'{{"value":"{energy_wh}","context":"{context}","measurand":"Energy.Active.Import.Register","unit":"Wh"}},'
        f'{{"value":"{power_w:.1f}","context":"{context}","measurand":"Power.Active.Import","unit":"W"}},'
        f'{{"value":"{volts:.1f}","context":"{context}","measurand":"Voltage","unit":"V"}}]}}]}}'
    )


def of_transaction(body: str, transaction_id: int) -> str:
    """Put a transactionId into a StopTransaction or MeterValues."""
    return f'{{"transactionId":{transaction_id},{body[1:]}'
