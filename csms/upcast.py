"""Upcasters: events of old logs in today's shapes. Those logs knew OCPP 1.6 only, and used its words.

Version 1 had no EVSEs but numbered a station's connectors: connector n becomes EVSE n with its one connector, connector
0 the station. Transaction ids were integers. Commands that are relayed now had types of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Plain = dict[str, Any]
Upcaster = Callable[[Plain], Plain]


def _placed(data: Plain) -> Plain:
    return {("evse" if name == "connector" else name): value for name, value in data.items()}


def _status(data: Plain) -> Plain:
    return {**_placed(data), "connector": 1 if data["connector"] else 0}


def _named(data: Plain) -> Plain:
    """A transaction is named by text."""
    number = data["transaction_id"]
    return {**_placed(data), "transaction_id": None if number is None else str(number)}


def _started(data: Plain) -> Plain:
    return {**_named(data), "connector": 1}


def _requested(data: Plain) -> Plain:
    command = dict(data["command"])
    kind = command.pop("kind")
    if kind == "Trigger" and data["request_id"].startswith("probe:"):
        return {**data, "command": {"kind": "Probe", "evse": command["connector"]}}
    upcast = _COMMANDS.get(kind)
    return {**data, "command": upcast(command) if upcast else {"kind": kind, **command}}


def _relay(action: str, payload: Plain) -> Plain:
    return {"kind": "Relay", "action": action, "payload": payload}


def _configure(command: Plain) -> Plain:
    if command["key"].lower() == "authorizationkey":
        return {"kind": "SetPassword", "secret": command["value"]}
    return _relay("ChangeConfiguration", command)


def _trigger(command: Plain) -> Plain:
    about = {} if command["connector"] is None else {"connectorId": command["connector"]}
    return _relay("TriggerMessage", {"requestedMessage": command["message"], **about})


_COMMANDS: dict[str, Upcaster] = {
    "RemoteStart": lambda command: {"kind": "RemoteStart", **_placed(command)},
    "RemoteStop": lambda command: {"kind": "RemoteStop", **_named(command)},
    "Unlock": lambda command: {"kind": "Unlock", "evse": command["connector"], "connector": 1},
    "ChangeAvailability": lambda command: {"kind": "ChangeAvailability", **_placed(command)},
    "Trigger": _trigger,
    "Configure": _configure,
    "ReadConfiguration": lambda command: _relay(
        "GetConfiguration", {"key": command["keys"]} if command["keys"] else {}
    ),
    "ClearCache": lambda command: _relay("ClearCache", {}),
}

UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "StatusReported": ("StatusReported/2", _status),
    "CommandRequested": ("CommandRequested/2", _requested),
    "TransactionStarted": ("TransactionStarted/2", _started),
    "TransactionStopped": ("TransactionStopped/2", _named),
    "MeterSampled": ("MeterSampled/2", _named),
}
"""For each former type name: the present one, and the function that converts the content."""
