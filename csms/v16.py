"""The OCPP 1.6 dialect: payloads to reports and commands to payloads. Its words stay in this room.

Payloads are checked against the JSON schemas that the `ocpp` package ships. A CALL that breaks its schema is answered
with the 1.6 spelling of the error code (1.6-J section 4.2.3, table 7: `OccurenceConstraintViolation` has one r there);
an action the standard does not know is NotImplemented, one it knows and we do not do is NotSupported.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.domain.facts import Answer

SUBPROTOCOL = "ocpp1.6"

Payload = dict[str, Any]


class NotAcceptable(Exception):
    """A payload this dialect cannot take: the CALLERROR `code` and why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, why)
        self.code, self.why = code, why


# --- schemas ---------------------------------------------------------------------------------------------------------


def _schemas() -> Path:
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    return Path(found.submodule_search_locations[0]) / "v16" / "schemas"


@cache
def validator(name: str) -> jsonschema_rs.Draft4Validator:
    """Return the compiled schema `name`: an action, or an action followed by `Response`."""
    return jsonschema_rs.Draft4Validator((_schemas() / f"{name}.json").read_text("utf-8-sig"), validate_formats=False)


@cache
def known_actions() -> frozenset[str]:
    """Return every action OCPP 1.6 knows, in either direction."""
    return frozenset(path.stem for path in _schemas().glob("*.json") if not path.stem.endswith("Response"))


def read_schemas() -> None:
    """Read every schema from the disk now: later there may be no descriptor left to read it with."""
    for action in known_actions():
        for name in (action, f"{action}Response"):
            validator(name)


_CODES = {
    "required": "OccurenceConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "maxLength": "PropertyConstraintViolation",
    "multipleOf": "PropertyConstraintViolation",
}


def check(name: str, payload: Payload) -> None:
    """Raise `NotAcceptable` when `payload` breaks the schema `name`, saying where and why."""
    schema = validator(name)
    if schema.is_valid(payload):
        return
    error = next(schema.iter_errors(payload))
    keyword = error.kind.name
    where = "/".join(str(part) for part in error.instance_path) or "payload"
    # The offending value is not repeated: whoever sent it has it, and it may be a megabyte.
    raise NotAcceptable(_CODES.get(keyword, "FormationViolation"), f"{where}: breaks {keyword} of the schema")


# --- from the station ------------------------------------------------------------------------------------------------


def moment(text: str | None) -> datetime | None:
    """Read a station's timestamp, leniently: no zone means UTC, and one that is no time at all is None."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is UTC:
            return at
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _boot(p: Payload) -> rp.Report:
    return rp.Boot(
        p["chargePointVendor"], p["chargePointModel"], p.get("chargePointSerialNumber"), p.get("firmwareVersion")
    )


def _status(p: Payload) -> rp.Report:
    return rp.Status(p["connectorId"], p["status"], p["errorCode"], p.get("info"), moment(p.get("timestamp")))


def _start(p: Payload) -> rp.Report:
    return rp.Start(p["connectorId"], p["idTag"], p["meterStart"], moment(p["timestamp"]))


def _stop(p: Payload) -> rp.Report:
    return rp.Stop(p["transactionId"], p["meterStop"], moment(p["timestamp"]), p.get("reason", "Local"), p.get("idTag"))


def _meter(p: Payload) -> rp.Report:
    samples = tuple(_sample(value) for value in p["meterValue"])
    return rp.Meter(p["connectorId"], p.get("transactionId"), samples)


def _sample(value: Payload) -> rp.Sample:
    found: dict[str, float] = {}
    for sampled in value["sampledValue"]:
        try:
            number = float(sampled["value"])
        except ValueError:
            continue  # signed or garbled data: kept in the frame, not a number
        unit = sampled.get("unit", "Wh")
        if unit.startswith("k"):
            number *= 1000.0
        if "phase" not in sampled and abs(number) < 2**53:
            found[sampled.get("measurand", "Energy.Active.Import.Register")] = number
    energy = found.get("Energy.Active.Import.Register")
    return rp.Sample(
        moment(value["timestamp"]),
        None if energy is None else round(energy),
        found.get("Power.Active.Import"),
        found.get("Voltage"),
    )


_REPORTS: dict[str, Callable[[Payload], rp.Report]] = {
    "BootNotification": _boot,
    "Heartbeat": lambda p: rp.Heartbeat(),
    "StatusNotification": _status,
    "Authorize": lambda p: rp.Authorize(p["idTag"]),
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter,
    "DataTransfer": lambda p: rp.Transfer(p["vendorId"]),
}


def report(action: str, payload: Payload) -> rp.Report:
    """Return what a station's CALL reports, or raise `NotAcceptable`."""
    read = _REPORTS.get(action)
    if read is None:
        if action in known_actions():
            raise NotAcceptable("NotSupported", f"{action} is not supported here")
        raise NotAcceptable("NotImplemented", "no such action in OCPP 1.6")
    check(action, payload)
    return read(payload)


def reply(asked: rp.Report, answer: rp.Reply, at: Callable[[], datetime], heartbeat_interval_s: float) -> Payload:
    """Return the payload that answers a report; `at` reads the clock, for those that tell the time."""
    match asked:
        case rp.Meter() | rp.Status():  # by far the most
            return {}
        case rp.Heartbeat():
            return {"currentTime": wire_time(at())}
        case rp.Boot():
            return {"status": answer.status, "currentTime": wire_time(at()), "interval": int(heartbeat_interval_s)}
        case rp.Start():
            return {"transactionId": answer.transaction_id, "idTagInfo": {"status": answer.status}}
        case rp.Authorize():
            return {"idTagInfo": {"status": answer.status}}
        case rp.Stop(id_token=token):
            return {"idTagInfo": {"status": answer.status}} if token else {}
        case rp.Transfer():
            return {"status": answer.status}


def wire_time(at: datetime) -> str:
    """Write a time as OCPP wants it: UTC, Z, milliseconds."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


# --- to the station --------------------------------------------------------------------------------------------------


def call(command: do.Command) -> tuple[str, Payload]:
    """Return the action and payload that carry a command."""
    match command:
        case do.RemoteStart(connector=connector, id_token=token):
            return "RemoteStartTransaction", {"connectorId": connector, "idTag": token}
        case do.RemoteStop(transaction_id=transaction_id):
            return "RemoteStopTransaction", {"transactionId": transaction_id}
        case do.Unlock(connector=connector):
            return "UnlockConnector", {"connectorId": connector}
        case do.Reset(hard=hard):
            return "Reset", {"type": "Hard" if hard else "Soft"}
        case do.ChangeAvailability(connector=connector, operative=operative):
            return "ChangeAvailability", {
                "connectorId": connector,
                "type": "Operative" if operative else "Inoperative",
            }
        case do.Trigger(message=message, connector=None):
            return "TriggerMessage", {"requestedMessage": message}
        case do.Trigger(message=message, connector=connector):
            return "TriggerMessage", {"requestedMessage": message, "connectorId": connector}
        case do.Configure(key=key, value=value):
            return "ChangeConfiguration", {"key": key, "value": value}
        case do.ReadConfiguration(keys=keys):
            return "GetConfiguration", {"key": list(keys)} if keys else {}
        case do.ClearCache():
            return "ClearCache", {}


_YES = frozenset({"Accepted", "Unlocked", "Scheduled", "RebootRequired"})


def answer(command: do.Command, payload: Payload) -> Answer:
    """Return what a station answered to a command, or raise `NotAcceptable` when it cannot be told."""
    check(f"{call(command)[0]}Response", payload)
    if isinstance(command, do.ReadConfiguration):
        keys = payload.get("configurationKey") or []
        return Answer(True, "Accepted", f"{len(keys)} keys")
    status = str(payload["status"])
    return Answer(status in _YES, status)


NOT_DONE = frozenset({"NotImplemented", "NotSupported"})
"""CALLERROR codes that say for certain that a command was not carried out."""


# --- from an operator, by the names of the standard ------------------------------------------------------------------

_COMMANDS: dict[str, Callable[[Payload], do.Command]] = {
    "RemoteStartTransaction": lambda p: do.RemoteStart(p["connectorId"], p["idTag"]),
    "RemoteStopTransaction": lambda p: do.RemoteStop(p["transactionId"]),
    "UnlockConnector": lambda p: do.Unlock(p["connectorId"]),
    "Reset": lambda p: do.Reset(p["type"] == "Hard"),
    "ChangeAvailability": lambda p: do.ChangeAvailability(p["connectorId"], p["type"] == "Operative"),
    "TriggerMessage": lambda p: do.Trigger(p["requestedMessage"], p.get("connectorId")),
    "ChangeConfiguration": lambda p: do.Configure(p["key"], p["value"]),
    "GetConfiguration": lambda p: do.ReadConfiguration(tuple(p.get("key", ()))),
    "ClearCache": lambda p: do.ClearCache(),
}
KEY = "authorizationkey"
"""The configuration key that sets a station's password (keys know no case); its value is kept out of the log."""
ACTIONS = tuple(_COMMANDS)
"""What an operator may ask for by its OCPP 1.6 name."""


def command(action: str, payload: Payload) -> do.Command:
    """Return the command an operator names as the standard does. Raises `NotAcceptable`."""
    made = _COMMANDS.get(action)
    if made is None:
        raise NotAcceptable("NotSupported", f"action {action!r} is none of {', '.join(ACTIONS)}")
    check(action, payload)
    if action == "RemoteStartTransaction" and "connectorId" not in payload:
        raise NotAcceptable("NotSupported", "connectorId: a start is asked for one connector")
    return made(payload)


def carries_key(command: do.Command) -> bool:
    """Tell whether a command sets the password the station proves itself with."""
    return isinstance(command, do.Configure) and command.key.lower() == KEY
