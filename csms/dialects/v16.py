"""The OCPP 1.6 dialect: payloads to reports and commands to payloads. Its words stay in this file.

A CALL that breaks its schema is answered with the 1.6 spelling of the error code (1.6-J section 4.2.3, table 7:
`OccurenceConstraintViolation` has one r there); an action that the standard does not have is NotImplemented, one that
it has and the CSMS does not support is NotSupported.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from interlock.csms.dialects.dialect import EMPTY, NotAcceptable, Payload, moment, unread, wire_time
from interlock.csms.dialects.schemas import Schemas
from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.domain.facts import Answer
from interlock.csms.domain.readings import final_wh, summary
from interlock.csms.domain.station import Station
from interlock.csms.ocppj import Codes

SUBPROTOCOL = "ocpp1.6"
CODES = Codes()
NOT_DONE = frozenset({"NotImplemented", "NotSupported"})
ID_TAG_LIMIT = 20
ONE = 1
"""The connector of each EVSE: OCPP 1.6 has connectors only; its connector n is EVSE n with one connector."""
SCHEMAS = Schemas(
    "v16",
    "",
    {
        "required": "OccurenceConstraintViolation",
        "minItems": "OccurenceConstraintViolation",
        "type": "TypeConstraintViolation",
        "enum": "PropertyConstraintViolation",
        "maxLength": "PropertyConstraintViolation",
        "multipleOf": "PropertyConstraintViolation",
        "minimum": "PropertyConstraintViolation",
    },
    "FormationViolation",
    {
        "StartTransaction": {"connectorId": {"minimum": 1}, "meterStart": {"minimum": 0}},
        "StopTransaction": {"meterStop": {"minimum": 0}},
        "StatusNotification": {"connectorId": {"minimum": 0}},
        "MeterValues": {"connectorId": {"minimum": 0}},
    },
)


document = SCHEMAS.document


def misnamed(station: str) -> str | None:
    """Return None: 1.6-J section 3.1.1 has no rule for station ids beyond the gate's."""
    return None


def written_id(transaction_id: str) -> str | int:
    """Return a transaction's id as 1.6 writes it: a number."""
    return int(transaction_id) if transaction_id.isdecimal() else transaction_id


def barred(action: str, state: Station) -> NotAcceptable | None:
    """Return why a station may not send `action` now: 1.6 asks the station to wait and the CSMS for nothing (4.2)."""
    return None


# --- from the station ------------------------------------------------------------------------------------------------


# Builders read payloads that fit their schema, and those read by `lenient`, of which only the core is certain.


def _boot(p: Payload) -> rp.Report:
    return rp.Boot(
        p.get("chargePointVendor", ""),
        p.get("chargePointModel", ""),
        p.get("chargePointSerialNumber"),
        p.get("firmwareVersion"),
    )


def _status(p: Payload) -> rp.Report:
    evse, error_code = p["connectorId"], p.get("errorCode", "NoError")
    connector = ONE if evse else 0
    return rp.Status(evse, connector, p["status"], error_code, p.get("info"), moment(p.get("timestamp")))


def _start(p: Payload) -> rp.Report:
    return rp.Start(p["connectorId"], p.get("idTag") or EMPTY, p.get("meterStart"), moment(p.get("timestamp")), ONE)


def _stop(p: Payload) -> rp.Report:
    samples = tuple([_sample(value) for value in p.get("transactionData", ())])
    meter_stop_wh = p.get("meterStop")
    if meter_stop_wh is None:
        meter_stop_wh = final_wh(samples)
    return rp.Stop(
        str(p["transactionId"]),
        meter_stop_wh,
        moment(p.get("timestamp")),
        p.get("reason", "Local"),
        p.get("idTag"),
        samples=samples,
    )


def _meter(p: Payload) -> rp.Report:
    number = p.get("transactionId")
    samples = tuple([_sample(value) for value in p["meterValue"]])
    return rp.Meter(p["connectorId"], None if number is None else str(number), samples)


def _sample(value: Payload) -> rp.Sample:
    readings = tuple([_reading(one) for one in value.get("sampledValue", ())])
    energy_wh, power_w, voltage_v, not_read = summary(readings)
    return rp.Sample(moment(value.get("timestamp")), energy_wh, power_w, voltage_v, readings, not_read)


_tuple = tuple.__new__


def _reading(p: Payload) -> rp.Reading:
    get = p.get
    said = get("measurand"), get("phase"), get("location"), get("context"), get("unit"), get("format")
    return _tuple(rp.Reading, (p["value"], *said, 0))  # without a call of `Reading.__new__`


_NOTICES = (
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
)
"""Reports that change no state: stored as they come, answered with {} except those in `ANSWERS`."""


ANSWERS: dict[str, Payload] = {"SignCertificate": {"status": "Rejected"}}
"""The CSMS has no certificate authority (security white paper, use case A02)."""


def _notice(action: str) -> Callable[[Payload], rp.Report]:
    return lambda payload: rp.Notice(action, payload, moment(payload.get("timestamp")))


_REPORTS: dict[str, Callable[[Payload], rp.Report]] = {
    "BootNotification": _boot,
    "Heartbeat": lambda p: rp.Heartbeat(),
    "StatusNotification": _status,
    "Authorize": lambda p: rp.Authorize(p["idTag"] or EMPTY),
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter,
    "DataTransfer": lambda p: rp.Transfer(p.get("vendorId", "")),
    **{action: _notice(action) for action in _NOTICES},
}

SAMPLED = {"MeterValues": "meterValue.sampledValue", "StopTransaction": "transactionData.sampledValue"}
"""The path of the readings in each message that has any."""
_SAMPLED = ("value", "measurand", "phase", "location", "context", "unit", "format")
CORE: dict[str, frozenset[str]] = {
    "BootNotification": frozenset(),
    "Heartbeat": frozenset(),
    "StatusNotification": frozenset({"connectorId", "status"}),
    "Authorize": frozenset({"idTag"}),
    "StartTransaction": frozenset({"connectorId", "idTag?", "meterStart?"}),
    "StopTransaction": frozenset(
        {"transactionId", "meterStop?", *(f"transactionData.sampledValue.{name}" for name in _SAMPLED)}
    ),
    "MeterValues": frozenset({"connectorId", "meterValue", *(f"meterValue.sampledValue.{name}" for name in _SAMPLED)}),
    "DataTransfer": frozenset(),
    "FirmwareStatusNotification": frozenset({"status"}),
    "DiagnosticsStatusNotification": frozenset({"status"}),
    "SecurityEventNotification": frozenset({"type"}),
    "LogStatusNotification": frozenset({"status"}),
    "SignedFirmwareStatusNotification": frozenset({"status"}),
    "SignCertificate": frozenset(),
}
"""The core of each message (see `lenient`); of a sampled value, all that qualifies its number."""
_PAPER = "Improved security for OCPP 1.6-J"
CLAUSES = {
    "BootNotification": "OCPP 1.6 4.2, 6.3",
    "Heartbeat": "OCPP 1.6 4.6, 6.29",
    "StatusNotification": "OCPP 1.6 4.9, 6.47",
    "Authorize": "OCPP 1.6 4.1, 6.1",
    "StartTransaction": "OCPP 1.6 4.8, 6.45",
    "StopTransaction": "OCPP 1.6 4.10, 6.49",
    "MeterValues": "OCPP 1.6 4.7, 6.31",
    "DataTransfer": "OCPP 1.6 4.3, 6.15",
    "FirmwareStatusNotification": "OCPP 1.6 4.5, 6.19",
    "DiagnosticsStatusNotification": "OCPP 1.6 4.4, 6.17",
    "SecurityEventNotification": f"{_PAPER} A04",
    "LogStatusNotification": f"{_PAPER} N01",
    "SignedFirmwareStatusNotification": f"{_PAPER} L01",
    "SignCertificate": f"{_PAPER} A02",
}
"""Where the standard defines what a station may send."""


def _reader(action: str) -> Callable[[Payload], rp.Report]:
    read = _REPORTS.get(action)
    if read is None:
        if action in SCHEMAS.actions:
            raise NotAcceptable("NotSupported", f"{action} is not supported here")
        raise NotAcceptable("NotImplemented", "no such action in OCPP 1.6")
    return read


def report(action: str, payload: Payload) -> rp.Report:
    """Return the report in a station's CALL, by its whole schema. Raises `NotAcceptable`."""
    read = _reader(action)
    SCHEMAS.request(action, payload)
    return read(payload)


def accepted(action: str, payload: Payload) -> tuple[rp.Report, tuple[rp.Deviation, ...]]:
    """Return the report in a station's CALL, read by its core, and how the payload deviates.

    Raises `NotAcceptable` when the core cannot be read.
    """
    read = _REPORTS.get(action) or _reader(action)
    found, deviations = SCHEMAS.readable(action, payload, CORE[action], CLAUSES[action])
    told = read(found)
    if action in SAMPLED:
        deviations += unread(told, action, SAMPLED[action], CLAUSES[action])
    return told, deviations


def reply(asked: rp.Report, answer: rp.Reply, at: Callable[[], datetime], interval_s: float) -> Payload:
    """Return the payload that answers a report; `at` reads the clock, for those that carry the time."""
    match asked:
        case rp.Meter() | rp.Status():  # by far the most frequent
            return {}
        case rp.Heartbeat():
            return {"currentTime": wire_time(at())}
        case rp.Boot():
            return {"status": answer.status, "currentTime": wire_time(at()), "interval": int(interval_s)}
        case rp.Start():
            return {"transactionId": int(answer.transaction_id or 0), "idTagInfo": _tag_info(answer)}
        case rp.Authorize():
            return {"idTagInfo": _tag_info(answer)}
        case rp.Stop(id_token=token):
            return {"idTagInfo": _tag_info(answer)} if token else {}
        case rp.Transfer():
            return {"status": answer.status}
        case rp.Notice(action=action):
            return ANSWERS.get(action, {})
        case _:
            return {}


def _tag_info(answer: rp.Reply) -> Payload:
    """Return the idTagInfo of a card, with its group's id where that is short enough for an idTag (7.28)."""
    parent = answer.parent
    group = {"parentIdTag": parent} if parent and len(parent) <= ID_TAG_LIMIT else {}
    return {"status": answer.status, **group}


# --- to the station --------------------------------------------------------------------------------------------------


def call(command: do.Command) -> tuple[str, Payload]:
    """Return the action and payload that carry a command. Raises `NotAcceptable` for one 1.6 has no words for."""
    match command:
        case do.RemoteStart(evse=evse, id_token=token, details=details):
            return _fits("RemoteStartTransaction", {"connectorId": evse, "idTag": token, **(details or {})})
        case do.RemoteStop(transaction_id=transaction_id):
            return "RemoteStopTransaction", {"transactionId": _number(transaction_id)}
        case do.Unlock(evse=evse, connector=1):
            return "UnlockConnector", {"connectorId": evse}
        case do.Reset(hard=hard, evse=0):
            return "Reset", {"type": "Hard" if hard else "Soft"}
        case do.ChangeAvailability(evse=evse, operative=operative, connector=0 | 1):
            return "ChangeAvailability", {"connectorId": evse, "type": "Operative" if operative else "Inoperative"}
        case do.Probe(evse=evse):
            return "TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": evse}
        case do.SetPassword(secret=secret):
            return "ChangeConfiguration", {"key": KEY, "value": secret}
        case do.Reserve(evse=evse, id_token=token, reservation_id=number, details=details):
            named = {"connectorId": evse, "idTag": token, "reservationId": number}
            return _fits("ReserveNow", {**named, **(details or {})})
        case do.Relay(action=action, payload=payload):
            return _fits(action, payload)
        case _:
            raise NotAcceptable("NotSupported", "an EVSE has one connector and is not restarted alone in OCPP 1.6")


def _fits(action: str, payload: Payload) -> tuple[str, Payload]:
    """Check a request against this version's schema: the operator may have named it for another version."""
    if action not in ACTIONS:
        raise NotAcceptable("NotImplemented", f"OCPP 1.6 has no request {action[:40]}")
    SCHEMAS.request(action, payload)
    return action, payload


def _number(transaction_id: str) -> int:
    if not transaction_id.isdecimal():
        raise NotAcceptable("NotSupported", f"transaction {transaction_id[:36]!r} is no number, as OCPP 1.6 has them")
    return int(transaction_id)


_YES = frozenset({"Accepted", "AcceptedCanceled", "Unlocked", "Scheduled", "RebootRequired"})
_READS = frozenset({"GetCompositeSchedule", "GetConfiguration", "GetInstalledCertificateIds", "GetLocalListVersion"})
"""Actions without an effect, so an answer that cannot be read leaves none of them in doubt."""


def answer(command: do.Command, payload: Payload, *, strict: bool = False) -> Answer:
    """Return a station's answer to a command. Raises `NotAcceptable` when it cannot be read.

    Unless `strict`, an answer that breaks its schema is read by its status alone, if that is valid.
    """
    action, kept = call(command)[0], without_secrets(payload)
    odd: str | None = None
    try:
        SCHEMAS.response(action, payload)
    except NotAcceptable as error:
        odd = f"odd answer: {error.why[:80]}"
        readable = None if strict else SCHEMAS.readable_response(action, payload)
        if readable is not None:
            payload = readable
        elif action in _READS:
            return Answer(True, "Accepted", odd, kept)
        else:
            raise
    status = str(payload.get("status", "Accepted"))
    return Answer(status in _YES, status, odd, kept)


def without_secrets(payload: Payload) -> Payload:
    """Return a payload without the value of AuthorizationKey, which a station may not report (1.6 security 2.3)."""
    keys = payload.get("configurationKey")
    if not isinstance(keys, list):
        return payload
    shown = [
        {**one, "value": ""} if type(one) is dict and str(one.get("key", "")).lower() == KEY.lower() else one
        for one in keys
    ]
    return {**payload, "configurationKey": shown}


# --- from an operator, by the names of the standard ------------------------------------------------------------------

_COMMANDS: dict[str, Callable[[Payload], do.Command]] = {
    "RemoteStartTransaction": lambda p: do.RemoteStart(
        p["connectorId"], p["idTag"], details=_rest(p, "connectorId", "idTag")
    ),
    "RemoteStopTransaction": lambda p: do.RemoteStop(str(p["transactionId"])),
    "UnlockConnector": lambda p: do.Unlock(p["connectorId"], ONE),
    "ReserveNow": lambda p: do.Reserve(
        p["connectorId"], p["idTag"], p["reservationId"], _rest(p, "connectorId", "idTag", "reservationId")
    ),
    "Reset": lambda p: do.Reset(p["type"] == "Hard"),
    "ChangeAvailability": lambda p: do.ChangeAvailability(p["connectorId"], p["type"] == "Operative"),
    "ChangeConfiguration": lambda p: (
        do.SetPassword(p["value"]) if p["key"].lower() == KEY.lower() else do.Relay("ChangeConfiguration", p)
    ),
}
_RELAYED = (
    "CancelReservation",
    "CertificateSigned",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "InstallCertificate",
    "SendLocalList",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "TriggerMessage",
    "UpdateFirmware",
)
"""Requests of an operator that the CSMS relays unchanged, if they fit their schema."""
KEY = "AuthorizationKey"
"""The configuration key that sets a station's password, in any case; its value is kept out of the log."""
ACTIONS = (*_COMMANDS, *_RELAYED)
"""What an operator may ask for by its OCPP 1.6 name."""


def _rest(payload: Payload, *named: str) -> Payload | None:
    return {name: value for name, value in payload.items() if name not in named} or None


def command(action: str, payload: Payload) -> do.Command:
    """Return the command an operator names as the standard does. Raises `NotAcceptable`."""
    if action not in ACTIONS:
        raise NotAcceptable("NotSupported", f"action {action!r} is none of {', '.join(ACTIONS)}")
    SCHEMAS.request(action, payload)
    if action == "RemoteStartTransaction" and "connectorId" not in payload:
        raise NotAcceptable("NotSupported", "connectorId: a start is asked for one connector")
    reader = _COMMANDS.get(action)
    if reader is None:
        return do.Relay(action, payload)
    made = reader(payload)
    if not isinstance(made, do.SetPassword) and call(made)[1] != payload:
        raise NotAcceptable("NotSupported", f"{action}: a member of it cannot be sent as it is")
    return made
