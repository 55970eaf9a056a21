"""OCPP 1.6 as a station speaks it: payloads, and the schemas that check what a CSMS says."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

Payload = dict[str, Any]


@cache
def _schema(name: str) -> jsonschema_rs.Draft4Validator | None:
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    path = Path(found.submodule_search_locations[0]) / "v16" / "schemas" / f"{name}.json"
    if not path.exists():
        return None
    return jsonschema_rs.Draft4Validator(path.read_text("utf-8-sig"), validate_formats=False)


def known(action: str) -> bool:
    """Tell whether OCPP 1.6 has this action."""
    return action.isalpha() and not action.endswith("Response") and _schema(action) is not None


def valid(name: str, payload: Payload) -> bool:
    """Tell whether a payload keeps the schema of an action, or of its `...Response`."""
    schema = _schema(name)
    return schema is not None and schema.is_valid(payload)


def boot(vendor: str, model: str, serial: str, firmware: str) -> Payload:
    """BootNotification.req."""
    return {
        "chargePointVendor": vendor,
        "chargePointModel": model,
        "chargePointSerialNumber": serial,
        "firmwareVersion": firmware,
    }


def status(connector: int, word: str, error_code: str, at: str) -> Payload:
    """StatusNotification.req."""
    return {"connectorId": connector, "status": word, "errorCode": error_code, "timestamp": at}


def start(connector: int, id_tag: str, meter_wh: int, at: str) -> Payload:
    """StartTransaction.req."""
    return {"connectorId": connector, "idTag": id_tag, "meterStart": meter_wh, "timestamp": at}


def stop(transaction_id: int, meter_wh: int, at: str, reason: str, id_tag: str | None) -> Payload:
    """StopTransaction.req."""
    payload: Payload = {"transactionId": transaction_id, "meterStop": meter_wh, "timestamp": at, "reason": reason}
    return payload | {"idTag": id_tag} if id_tag else payload


def meter_values(
    connector: int, transaction_id: int | None, at: str, energy_wh: int, power_w: float, volts: float
) -> Payload:
    """MeterValues.req."""
    payload: Payload = {
        "connectorId": connector,
        "meterValue": [
            {
                "timestamp": at,
                "sampledValue": [
                    {"value": str(energy_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
                    {"value": f"{power_w:.1f}", "measurand": "Power.Active.Import", "unit": "W"},
                    {"value": f"{volts:.1f}", "measurand": "Voltage", "unit": "V"},
                ],
            }
        ],
    }
    return payload | {"transactionId": transaction_id} if transaction_id is not None else payload
