"""How an operator words a command, in the OCPP version that a station speaks, and what a CALL has to carry of it."""

from __future__ import annotations

import zlib
from typing import Any

from interlock.csms.dialects import v16, v201
from interlock.csms.domain import commands as do
from interlock.simulator.spec import OcppVersion

Payload = dict[str, Any]
_ASKABLE: tuple[do.Command, ...] = (
    *(do.RemoteStart(1, "x", 1), do.RemoteStop("1"), do.Unlock(1), do.Reset(True), do.ChangeAvailability(1, True)),
    *(do.Probe(1), do.Relay("ClearCache", {})),
)
NAMES: dict[OcppVersion, dict[str, tuple[str, ...]]] = {
    "1.6": {type(one).__name__: tuple(v16.call(one)[1]) for one in _ASKABLE},
    "2.0.1": {type(one).__name__: tuple(v201.call(one)[1]) for one in _ASKABLE},
}
"""What an operator asks for, with the names of its payload; that of a `Relay` is only there as a whole."""
OTHERWISE: dict[str, tuple[str, ...]] = {"idToken": ("idTag",), "evse": ("evseId",)}
"""Flat names that say the same as a member of a 2.0.1 payload that is an object: its token's text, its EVSE."""
DRAWN = "remoteStartId"
"""What the CSMS may choose itself where an operator does not name it."""


def worded(command: do.Command, ocpp: OcppVersion) -> tuple[str, Payload]:
    """Return action and payload as an operator names them. Raises `NotAcceptable` where the version has no words.

    A remoteStartId that the command does not name is not in the payload.
    """
    if ocpp == "1.6":
        action, payload = v16.call(command)
        return action, dict(payload)
    if isinstance(command, do.RemoteStart) and command.remote_start_id is None:
        action, payload = v201.call(do.RemoteStart(command.evse, command.id_token, 0, command.details))
        return action, {name: value for name, value in payload.items() if name != DRAWN}
    action, payload = v201.call(command)
    return action, dict(payload)


def flat(payload: Payload, key: str) -> Payload:
    """Return the flat names of a 2.0.1 payload; where a start names no remoteStartId, the request's `key` gives one."""
    found: Payload = {}
    if isinstance(token := payload.get("idToken"), dict):
        found["idTag"] = token.get("idToken")
        found[DRAWN] = payload.get(DRAWN, 1 + zlib.crc32(key.encode()) % (2**31 - 1))
    if isinstance(evse := payload.get("evse"), dict):
        found |= {"evseId": evse.get("id"), "connectorId": evse.get("connectorId")}
    return found


def required(action_payload: tuple[str, Payload]) -> tuple[str, Payload]:
    """Return what a CALL has to have of a command as it was asked for: the type of a token is the CSMS's to name."""
    action, payload = action_payload
    token = payload.get("idToken")
    return action, {**payload, "idToken": {"idToken": token["idToken"]}} if isinstance(token, dict) else payload
