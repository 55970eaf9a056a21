"""From an OCPP 2.0.1 station: its CALLs as reports, and the payloads that answer them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from interlock.csms.dialects.dialect import EMPTY, Payload, moment, wire_time
from interlock.csms.dialects.v201 import readings
from interlock.csms.domain import reports as rp

AVAILABILITY = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})
"""Part 2, ConnectorStatusEnumType; also the values of Connector.AvailabilityState."""


def _boot(p: Payload) -> rp.Report:
    get = p.get("chargingStation", {}).get
    reset = p.get("reason") in ("RemoteReset", "ScheduledReset")
    return rp.Boot(
        get("vendorName", ""), get("model", ""), get("serialNumber"), get("firmwareVersion"), remotely_reset=reset
    )


def _authorize(p: Payload) -> rp.Report:
    text = _token(p["idToken"])
    return rp.Authorize(EMPTY if text is None else text)


def _token(id_token: Payload) -> str | None:
    """Return the text of a token. The empty text stands for NoAuthorization, which is always accepted (C02.FR.02)."""
    if id_token.get("type") == "NoAuthorization":
        return ""
    text = id_token.get("idToken")
    return None if text is None else str(text) or EMPTY


def _status(p: Payload) -> rp.Report:
    evse, connector = _whole(p["evseId"]), _whole(p["connectorId"])
    if (evse == 0) != (connector == 0):
        return _notice("StatusNotification", p)  # neither a connector nor the station: there is no state for it
    return rp.Status(evse, connector, p["connectorStatus"], reported_at=moment(p.get("timestamp")))


def _event(p: Payload) -> rp.Report:
    """Read connectors' availability out of a NotifyEvent (G01.FR.01 allows it in place of StatusNotification)."""
    statuses = [status for one in p["eventData"] if (status := _availability(one)) is not None]
    notice = () if len(statuses) == len(p["eventData"]) else (_notice("NotifyEvent", p),)
    return rp.Several((*statuses, *notice))


def _availability(event: Payload) -> rp.Report | None:
    component = event.get("component", {})
    if (_name(component), _name(event.get("variable", {}))) != ("connector", "availabilitystate"):
        return None
    evse = component.get("evse", {})
    number, connector = _whole(evse.get("id", 0)), _whole(evse.get("connectorId", 0))
    status = str(event.get("actualValue", "")).capitalize()
    if number < 1 or connector < 1 or status not in AVAILABILITY:
        return None
    return rp.Status(number, connector, status, reported_at=moment(event.get("timestamp")))


def _name(named: Payload) -> str:
    """Return the name of a component or variable, whose case does not count (part 2, primitive types)."""
    return str(named.get("name", "")).lower()


def _whole(number: Any) -> Any:
    """Return an integer for one that came with a decimal point, which JSON schemas take for the same: 1.0 for 1."""
    return int(number) if isinstance(number, float) else number


def _transaction(p: Payload) -> rp.Report:
    info, evse, values = p["transactionInfo"], p.get("evse", {}), p.get("meterValue", [])
    told: dict[str, Any] = {
        "transaction_id": info["transactionId"],
        "seq_no": _whole(p.get("seqNo")),
        "evse": _whole(evse.get("id", 0)),
        "id_token": _token(p["idToken"]) if "idToken" in p else None,
        "remote_start_id": _whole(info.get("remoteStartId")),
        "offline": p.get("offline", False),
        "samples": readings.samples(values),
    }
    at = moment(p.get("timestamp"))
    match p["eventType"]:
        case "Started":
            told["seq_no"] = _whole(p.get("seqNo", 0))  # the first message of a transaction has number 0
            return rp.Start(
                meter_start_wh=readings.register_wh(values, "Transaction.Begin", last=False),
                started_at=at,
                connector=_whole(evse.get("connectorId")),
                charging_state=info.get("chargingState"),
                **told,
            )
        case "Updated" if told["seq_no"] is None:  # without a number the change cannot be placed; its readings are used
            return rp.Meter(told["evse"], told["transaction_id"], told["samples"])
        case "Updated":
            return rp.Update(
                trigger=p.get("triggerReason", ""),
                updated_at=at,
                connector=_whole(evse.get("connectorId")),
                charging_state=info.get("chargingState"),
                **told,
            )
        case _:
            return rp.Stop(
                meter_stop_wh=readings.register_wh(values, "Transaction.End", last=True),
                stopped_at=at,
                reason=info.get("stoppedReason", "Local"),  # E06.FR.09: may be left out for Local only
                **told,
            )


def _notice(action: str, payload: Payload) -> rp.Notice:
    said = payload.get("timestamp", payload.get("generatedAt"))
    return rp.Notice(action, without_password(payload), moment(said))


def without_password(found: Any) -> Any:
    """Return a payload without any value of BasicAuthPassword, which no station may report (A01.FR.12)."""
    if isinstance(found, list):
        return [without_password(one) for one in found]
    if not isinstance(found, dict):
        return found
    kept = {name: without_password(one) for name, one in found.items()}
    variable = found.get("variable")
    if isinstance(variable, dict) and str(variable.get("name", "")).lower() == "basicauthpassword":
        for name in ("actualValue", "attributeValue"):
            if name in kept:
                kept[name] = ""
        if isinstance(attributes := kept.get("variableAttribute"), list):
            kept["variableAttribute"] = [
                {name: value for name, value in one.items() if name != "value"}
                for one in attributes
                if type(one) is dict
            ]
    return kept


READ: dict[str, Callable[[Payload], rp.Report]] = {
    "BootNotification": _boot,
    "Heartbeat": lambda p: rp.Heartbeat(),
    "StatusNotification": _status,
    "NotifyEvent": _event,
    "Authorize": _authorize,
    "TransactionEvent": _transaction,
    "MeterValues": lambda p: rp.Meter(_whole(p["evseId"]), None, readings.samples(p["meterValue"])),
    "DataTransfer": lambda p: rp.Transfer(p.get("vendorId", "")),
}
"""Messages that change a state or are answered from one; everything else a station sends is a `Notice`."""

ANSWERS: dict[str, Payload] = {
    "SignCertificate": {"status": "Rejected"},
    "GetCertificateStatus": {"status": "Failed"},
    "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
    "NotifyEVChargingNeeds": {"status": "Rejected"},
    "NotifyEVChargingSchedule": {"status": "Accepted"},
}
"""The answers to notices that are not empty: the CSMS has no certificate authority, OCSP or smart charging."""


def read(action: str, payload: Payload) -> rp.Report:
    """Return the report in a CALL that fits its schema."""
    reader = READ.get(action)
    return reader(payload) if reader is not None else _notice(action, payload)


def _token_info(answer: rp.Reply) -> Payload:
    """Return the idTokenInfo of a token, with its group if it has one (C09)."""
    group = {"groupIdToken": {"idToken": answer.parent, "type": "Central"}} if answer.parent else {}
    return {"status": answer.status, **group}


def reply(asked: rp.Report, answer: rp.Reply, at: Callable[[], datetime], interval_s: float) -> Payload:
    """Return the payload that answers a report; `at` reads the clock, for those that carry the time.

    A transaction event is answered with a status exactly when it carries a token (E01.FR.12).
    """
    match asked:
        case rp.Start(id_token=token) | rp.Update(id_token=token) | rp.Stop(id_token=token):
            return {} if token is None else {"idTokenInfo": _token_info(answer)}
        case rp.Authorize():
            return {"idTokenInfo": _token_info(answer)}
        case rp.Heartbeat():
            return {"currentTime": wire_time(at())}
        case rp.Boot():
            return {"currentTime": wire_time(at()), "interval": int(interval_s), "status": answer.status}
        case rp.Transfer():
            return {"status": answer.status}
        case rp.Notice(action=action):
            return ANSWERS.get(action, {})
        case _:
            return {}
