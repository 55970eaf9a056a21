"""The CALL that carries each command: the judges' own reading of the standards, apart from any dialect.

A command is a mapping with its `kind`, as in the log and in an operator's request. What is left out is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Asked = Mapping[str, Any]
Payload = dict[str, Any]
Call = tuple[str, Payload]
"""An action and the payload of its CALL."""

ON_OFF = {True: "Operative", False: "Inoperative"}
CARD = "ISO14443"
SECRET: Any = object()
"""In place of a password, which is in no log."""


def expected_call(asked: Asked, version: str) -> Call | None:
    """Return the CALL that carries a command, None where this reading knows none. `version` is a subprotocol."""
    writer = _WRITERS.get(version, {}).get(str(asked.get("kind")))
    return writer(asked) if writer is not None else None


def differences(expected: Call, action: str, payload: Any) -> list[tuple[str, str, str]]:
    """Return (member, expected, found) for everything in which a CALL is not the expected one."""
    if action != expected[0]:
        return [("action", expected[0], action)]
    return list(_differs("", expected[1], payload))


def _differs(path: str, expected: Any, found: Any) -> list[tuple[str, str, str]]:
    if expected is SECRET:
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        wrong = []
        for name in dict.fromkeys([*expected, *found]):
            inner = f"{path}.{name}" if path else name
            if name not in found:
                wrong.append((inner, repr(expected[name]), "nothing"))
            elif name not in expected:
                wrong.append((inner, "nothing", repr(found[name])))
            else:
                wrong += _differs(inner, expected[name], found[name])
        return wrong
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [wrong for n, (one, other) in pairs for wrong in _differs(f"{path}[{n}]", one, other)]
    # True is not 1 on the wire, though Python says so; 1.0 and 1 are one number.
    same = isinstance(expected, bool) == isinstance(found, bool) and expected == found
    return [] if same else [(path or "payload", repr(expected), repr(found))]


# --- OCPP 1.6 --------------------------------------------------------------------------------------------------------


def _start_16(asked: Asked) -> Call:
    named = {"connectorId": asked["evse"], "idTag": asked["id_token"]}
    return "RemoteStartTransaction", {**(asked.get("details") or {}), **named}


def _stop_16(asked: Asked) -> Call | None:
    number = str(asked["transaction_id"])
    return ("RemoteStopTransaction", {"transactionId": int(number)}) if number.isdecimal() else None


def _reserve_16(asked: Asked) -> Call:
    named = {"connectorId": asked["evse"], "idTag": asked["id_token"], "reservationId": asked["reservation_id"]}
    return "ReserveNow", {**(asked.get("details") or {}), **named}


def _availability_16(asked: Asked) -> Call:
    return "ChangeAvailability", {"connectorId": asked["evse"], "type": ON_OFF[asked["operative"]]}


def _password_16(asked: Asked) -> Call:
    return "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}


def _probe_16(asked: Asked) -> Call:
    return "TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": asked["evse"]}


# --- OCPP 2.0.1 ------------------------------------------------------------------------------------------------------


def _start_201(asked: Asked) -> Call:
    more = dict(asked.get("details") or {})
    token = {"type": CARD, **more.pop("idToken", {}), "idToken": asked["id_token"]}
    named = {"evseId": asked["evse"], "idToken": token, "remoteStartId": asked.get("remote_start_id")}
    return "RequestStartTransaction", {**more, **named}


def _reserve_201(asked: Asked) -> Call:
    more = dict(asked.get("details") or {})
    token = {"type": CARD, **more.pop("idToken", {}), "idToken": asked["id_token"]}
    named = {"id": asked["reservation_id"], "idToken": token}
    return "ReserveNow", {**more, **named, **({"evseId": asked["evse"]} if asked["evse"] else {})}


def _availability_201(asked: Asked) -> Call:
    payload: Payload = {"operationalStatus": ON_OFF[asked["operative"]]}
    if asked["evse"]:
        payload["evse"] = {"id": asked["evse"]}
        if asked.get("connector"):
            payload["evse"]["connectorId"] = asked["connector"]
    return "ChangeAvailability", payload


def _reset_201(asked: Asked) -> Call:
    kind = "Immediate" if asked["hard"] else "OnIdle"
    return "Reset", {"type": kind, **({"evseId": asked["evse"]} if asked.get("evse") else {})}


def _password_201(asked: Asked) -> Call:
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return "SetVariables", {"setVariableData": [{**place, "attributeValue": SECRET}]}


_WRITERS: dict[str, dict[str, Callable[[Asked], Call | None]]] = {
    "ocpp1.6": {
        "RemoteStart": _start_16,
        "RemoteStop": _stop_16,
        "Unlock": lambda asked: ("UnlockConnector", {"connectorId": asked["evse"]}),
        "Reserve": _reserve_16,
        "Reset": lambda asked: ("Reset", {"type": "Hard" if asked["hard"] else "Soft"}),
        "ChangeAvailability": _availability_16,
        "Probe": _probe_16,
        "SetPassword": _password_16,
        "Relay": lambda asked: (asked["action"], dict(asked["payload"])),
    },
    "ocpp2.0.1": {
        "RemoteStart": _start_201,
        "RemoteStop": lambda asked: ("RequestStopTransaction", {"transactionId": asked["transaction_id"]}),
        "Unlock": lambda asked: (
            "UnlockConnector",
            {"evseId": asked["evse"], "connectorId": asked.get("connector", 1)},
        ),
        "Reserve": _reserve_201,
        "Reset": _reset_201,
        "ChangeAvailability": _availability_201,
        "Probe": lambda asked: ("GetTransactionStatus", {}),
        "SetPassword": _password_201,
        "Relay": lambda asked: (asked["action"], dict(asked["payload"])),
    },
}
