"""Commands as an operator names them: an action and a payload of the standard, written apart from any dialect."""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.judge.expected_calls import expected_call
from interlock.scenarios.spec import printable

USUAL = "ocpp1.6"


def in_words(command: do.Command, subprotocol: str) -> tuple[str, dict[str, Any]] | None:
    """Return the action and payload that name a command; None for one that nobody names, or has no words."""
    asked = {"kind" if name == "type" else name: value for name, value in printable(command).items()}
    if isinstance(command, do.Probe | do.SetPassword) or (subprotocol == USUAL and _only_newer(command)):
        return None
    words = expected_call(asked, subprotocol)
    if words is None:
        return None
    action, payload = words
    return action, {name: value for name, value in payload.items() if value is not None}


def _only_newer(command: do.Command) -> bool:
    match command:
        case do.Unlock(connector=connector):
            return connector != 1
        case do.ChangeAvailability(evse=evse, connector=connector):
            return connector > 1 or (evse == 0 and connector > 0)
        case do.Reset(evse=evse):
            return evse != 0
        case _:
            return False
