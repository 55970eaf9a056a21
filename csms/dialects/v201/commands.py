"""To an OCPP 2.0.1 station: an operator's requests as commands, commands as payloads, and answers read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from interlock.csms.dialects.dialect import NotAcceptable, Payload
from interlock.csms.dialects.v201.reports import without_secrets
from interlock.csms.dialects.v201.words import FROM_CSMS, SCHEMAS
from interlock.csms.domain import commands as do
from interlock.csms.domain.facts import Answer
from interlock.csms.domain.station import Station

TOKEN_TYPE = "ISO14443"
"""The type of a token of which only the text is known: that of a driver's card, so the card can end the transaction."""
ON_OFF = {True: "Operative", False: "Inoperative"}
PASSWORD = ("securityctrlr", "basicauthpassword")

# --- from an operator, by the names of the standard ------------------------------------------------------------------


def command(action: str, payload: Payload) -> do.Command:
    """Return the command an operator names as the standard does. Raises `NotAcceptable`."""
    if action not in FROM_CSMS:
        raise NotAcceptable("NotSupported", f"action {action!r} is none of {', '.join(sorted(FROM_CSMS))}")
    if action == "RequestStartTransaction":
        made = _remote_start(payload)
    else:
        SCHEMAS.request(action, payload)
        reader = _COMMANDS.get(action)
        made = reader(payload) if reader is not None else do.Relay(action, payload)
    if not isinstance(made, do.SetPassword):
        _carries(made, payload)
    return made


def _carries(made: do.Command, payload: Payload) -> None:
    """Raise `NotAcceptable` when a member of the operator's request, such as `customData`, would be lost."""
    if isinstance(made, do.RemoteStart) and made.remote_start_id is None:
        made = replace(made, remote_start_id=0)
    action, frame = call(made)
    for name, value in payload.items():
        if frame.get(name) != value:
            raise NotAcceptable("NotSupported", f"{name}: cannot be sent with {action} as it is")


def _remote_start(payload: Payload) -> do.Command:
    # An operator may leave out the remoteStartId; it is then drawn when the intent is made.
    SCHEMAS.request("RequestStartTransaction", {"remoteStartId": 0, **payload})
    if payload.get("evseId", 0) < 1:
        raise NotAcceptable("OccurrenceConstraintViolation", "evseId: a start is asked for one EVSE")
    details = {name: value for name, value in payload.items() if name not in ("evseId", "remoteStartId")}
    id_token = dict(details.pop("idToken"))
    text = id_token.pop("idToken")
    if id_token != {"type": TOKEN_TYPE}:
        details["idToken"] = id_token
    return do.RemoteStart(payload["evseId"], text, payload.get("remoteStartId"), details or None)


def _reserve(payload: Payload) -> do.Command:
    details = {name: value for name, value in payload.items() if name not in ("evseId", "id")}
    id_token = dict(details.pop("idToken"))
    text = id_token.pop("idToken")
    if id_token != {"type": TOKEN_TYPE}:
        details["idToken"] = id_token
    return do.Reserve(payload.get("evseId", 0), text, payload["id"], details or None)


def _set_variables(payload: Payload) -> do.Command:
    named = [(one["component"]["name"].lower(), one["variable"]["name"].lower()) for one in payload["setVariableData"]]
    if PASSWORD not in named:
        return do.Relay("SetVariables", payload)
    only = payload["setVariableData"][0]
    if len(named) > 1 or only.get("attributeType", "Actual") != "Actual":
        raise NotAcceptable("FormatViolation", "setVariableData: a password is set alone, as attribute Actual")
    return do.SetPassword(only["attributeValue"])


def _network_profile(payload: Payload) -> do.Command:
    data = payload["connectionData"]
    for part, name in (("vpn", "password"), ("vpn", "key"), ("apn", "apnPassword"), ("apn", "simPin")):
        if name in data.get(part, {}):
            # A relayed payload is in the log unchanged, where no secret may be.
            raise NotAcceptable("NotSupported", f"connectionData/{part}/{name}: a secret cannot be relayed")
    return do.Relay("SetNetworkProfile", payload)


_COMMANDS: dict[str, Callable[[Payload], do.Command]] = {
    "RequestStopTransaction": lambda p: do.RemoteStop(p["transactionId"]),
    "UnlockConnector": lambda p: do.Unlock(p["evseId"], p["connectorId"]),
    "ReserveNow": _reserve,
    "Reset": lambda p: do.Reset(p["type"] == "Immediate", p.get("evseId", 0)),
    "ChangeAvailability": lambda p: do.ChangeAvailability(
        p.get("evse", {}).get("id", 0), p["operationalStatus"] == "Operative", p.get("evse", {}).get("connectorId", 0)
    ),
    "SetVariables": _set_variables,
    "SetNetworkProfile": _network_profile,
}


def triggered(state: Station) -> set[str]:
    """Return the actions that TriggerMessage asked the station to send, among the commands still kept."""
    asked = {
        str(pending.command.payload["requestedMessage"])
        for pending in state.commands.values()
        if isinstance(pending.command, do.Relay) and pending.command.action == "TriggerMessage"
    }
    return {"SignCertificate" if message.startswith("Sign") else message for message in asked}


# --- to the station --------------------------------------------------------------------------------------------------


def call(command: do.Command) -> tuple[str, Payload]:
    """Return the action and payload that carry a command. Raises `NotAcceptable` for one 2.0.1 has no words for."""
    match command:
        case do.RemoteStart(evse=evse, id_token=token, remote_start_id=remote_start_id, details=details):
            more = details or {}
            id_token = {"type": TOKEN_TYPE, **more.get("idToken", {}), "idToken": token}
            named = {"idToken": id_token, "remoteStartId": remote_start_id, "evseId": evse}
            return _fits("RequestStartTransaction", {**more, **named})
        case do.RemoteStop(transaction_id=transaction_id):
            return _fits("RequestStopTransaction", {"transactionId": transaction_id})
        case do.Unlock(evse=evse, connector=connector):
            return "UnlockConnector", {"evseId": evse, "connectorId": connector}
        case do.Reset(hard=hard, evse=evse):
            return "Reset", {"type": "Immediate" if hard else "OnIdle", **({"evseId": evse} if evse else {})}
        case do.ChangeAvailability(evse=0, operative=operative):
            return "ChangeAvailability", {"operationalStatus": ON_OFF[operative]}
        case do.ChangeAvailability(evse=evse, operative=operative, connector=connector):
            place = {"id": evse, **({"connectorId": connector} if connector else {})}
            return "ChangeAvailability", {"operationalStatus": ON_OFF[operative], "evse": place}
        case do.Probe():
            return "GetTransactionStatus", {}
        case do.SetPassword(secret=secret):
            return "SetVariables", {
                "setVariableData": [
                    {
                        "component": {"name": "SecurityCtrlr"},
                        "variable": {"name": "BasicAuthPassword"},
                        "attributeValue": secret,
                    }
                ]
            }
        case do.Reserve(evse=evse, id_token=token, reservation_id=number, details=details):
            more = details or {}
            kept = {"id": number, "idToken": {"type": TOKEN_TYPE, **more.get("idToken", {}), "idToken": token}}
            return _fits("ReserveNow", {**more, **kept, **({"evseId": evse} if evse else {})})
        case do.Relay(action=action, payload=payload):
            return _fits(action, payload)


def _fits(action: str, payload: Payload) -> tuple[str, Payload]:
    """Check a request against this version's schema: the operator may have named it for another version."""
    if action not in FROM_CSMS:
        raise NotAcceptable("NotImplemented", f"OCPP 2.0.1 has no request {action[:40]}")
    SCHEMAS.request(action, payload)
    return action, payload


# --- what the station answers ----------------------------------------------------------------------------------------

YES = frozenset(
    {"Accepted", "Unlocked", "Scheduled", "RebootRequired", "AcceptedCanceled", "Unpublished"}
    | {"EmptyResultSet", "NoProfiles"}  # carried out: there is nothing to report
)
READS = frozenset(
    {
        "GetCompositeSchedule",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetTransactionStatus",
        "GetVariables",
    }
)
"""Requests without an effect, so an answer that cannot be read leaves none of them in doubt."""
RESULTS = {
    "SetVariables": ("setVariableResult", "attributeStatus"),
    "SetVariableMonitoring": ("setMonitoringResult", "status"),
    "ClearVariableMonitoring": ("clearMonitoringResult", "status"),
}
"""Answers with a status for each element, which the station accepts or refuses one by one (B05.FR.01)."""


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
        whole = strict or action in RESULTS or isinstance(command, do.Probe)
        readable = None if whole else SCHEMAS.readable_response(action, payload)
        if readable is not None:
            payload = readable
        elif action in READS and not isinstance(command, do.Probe):
            return Answer(True, "Accepted", odd, kept)
        else:
            raise
    if isinstance(command, do.Probe):
        if payload["messagesInQueue"]:
            # Queued messages may be about the start. Until they arrive a status proves nothing, as statuses are not
            # queued.
            return Answer(True, "MessagesInQueue", None, kept)
        # E14: no message is queued, so any event about the start would have arrived.
        return Answer(True, "NoMessagesInQueue", None, kept, nothing_there=True)
    if isinstance(command, do.SetPassword):
        return _password(payload, kept)
    if action in RESULTS:
        return _counted(*RESULTS[action], payload, kept)
    status = payload.get("status", "Accepted")
    return Answer(status in YES, status, odd or payload.get("transactionId"), kept)


def _password(payload: Payload, kept: Payload) -> Answer:
    status = payload["setVariableResult"][0]["attributeStatus"]
    if status == "RebootRequired":
        # A01.FR.03: the old password ends at Accepted only; until the reboot the station uses it.
        raise NotAcceptable("InternalError", "the password counts after a reboot")
    return Answer(status == "Accepted", status, None, kept)


def _counted(results: str, status: str, payload: Payload, kept: Payload) -> Answer:
    words: list[Any] = [one[status] for one in payload[results]]
    done = [word for word in words if word in YES]
    said = done[0] if done else words[0] if words else "Rejected"
    return Answer(bool(done), said, f"{len(done)} of {len(words)}", kept)
