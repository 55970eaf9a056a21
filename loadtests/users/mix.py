"""What operators ask for: commands drawn by weight, in the words of OCPP 1.6."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

Command = tuple[str, dict[str, Any]]

STOP: Command = ("RemoteStopTransaction", {"transactionId": 1})
UNLOCK = "UnlockConnector"
"""Asked for in the place of a stop when nothing is to be stopped."""


def draw(rng: random.Random, mix: Mapping[str, float], connectors: int, id_tag: str) -> Command:
    """Draw a command, each action as often as its weight in `mix` says."""
    connector = rng.randint(1, connectors)
    action = rng.choices(list(mix), list(mix.values()))[0]
    if action == "RemoteStartTransaction":
        return action, {"idTag": id_tag, "connectorId": connector}
    if action == "TriggerMessage":
        message = rng.choice(("Heartbeat", "StatusNotification", "MeterValues"))
        return action, {"requestedMessage": message, **({} if message == "Heartbeat" else {"connectorId": 1})}
    if action == "ChangeAvailability":
        return action, {"connectorId": connector, "type": "Operative"}
    if action == "GetConfiguration":
        return action, {"key": ["HeartbeatInterval", "MeterValueSampleInterval"]}
    if action == "ChangeConfiguration":
        return action, {"key": "ConnectionTimeOut", "value": str(rng.randint(20, 40))}
    if action == "Reset":
        return action, {"type": "Soft"}
    if action == "RemoteStopTransaction":
        return STOP
    return action, {"connectorId": connector} if action == UNLOCK else {}
