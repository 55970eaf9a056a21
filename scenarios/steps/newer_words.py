"""The 2.0.1 request in place of each command that scenarios name by its 1.6 name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.domain import commands as do

VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
"""Stands for whatever configuration key: a station has a device model in its place."""


def in_2_0_1(command: do.Command) -> do.Command:
    """Return a command in 2.0.1's words; as it is where both versions have the same."""
    match command:
        case do.Relay(action="GetConfiguration"):
            return do.Relay("GetVariables", {"getVariableData": [VARIABLE]})
        case do.Relay(action="ChangeConfiguration", payload=payload):
            return do.Relay("SetVariables", {"setVariableData": [{**VARIABLE, "attributeValue": payload["value"]}]})
        case do.Relay(action="TriggerMessage", payload={"connectorId": evse, **more}):
            return do.Relay("TriggerMessage", {**more, "evse": {"id": evse, "connectorId": 1}})
        case do.Reserve(details=dict() as details) if "expiryDate" in details:
            return replace(command, details={"expiryDateTime": details["expiryDate"]})
        case do.RemoteStart(details=dict() as details) if "chargingProfile" in details:
            return replace(command, details={**details, "chargingProfile": _profile(details["chargingProfile"])})
        case _:
            return command


def _profile(of_1_6: dict[str, Any]) -> dict[str, Any]:
    """Return a charging profile: 2.0.1 names its id anew, and has a list of schedules, each with an id."""
    if "chargingProfileId" not in of_1_6:
        return of_1_6
    kept = {name: value for name, value in of_1_6.items() if name != "chargingProfileId"}
    schedule = {"id": 1, **of_1_6["chargingSchedule"]}
    return {**kept, "id": of_1_6["chargingProfileId"], "chargingSchedule": [schedule]}
