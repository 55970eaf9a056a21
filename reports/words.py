"""What a frame, a command and a stored event are called in a story: a few words each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.reports.run import Row, clean

_decode = msgspec.json.Decoder().decode


def frame_label(text: str, actions: Mapping[str, str] | None = None) -> str:
    """Say what a frame is, in a few words; `actions` names the action of a CALL by its message id."""
    try:
        message = _decode(text)
        kind = message[0]
        if kind == 2:
            return clean(f"{message[2]}{_detail(message[3])}", 44)
        asked = (actions or {}).get(message[1]) or message[1]
        if kind == 3:
            status = message[2].get("status") or message[2].get("idTagInfo", {}).get("status")
            return clean(f"answer to {asked}" + (f": {status}" if status else ""), 54)
        if kind == 4:
            return clean(f"error to {asked}: {message[2]}", 54)
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError, UnicodeError, RecursionError):
        pass
    return clean(f"? {text}", 44)


def called(text: str) -> tuple[str, str] | None:
    """Return the message id and the action of a CALL, None for any other frame."""
    if not text.startswith("[2"):
        return None
    try:
        kind, message_id, action, *_ = _decode(text)
    except (msgspec.DecodeError, ValueError, TypeError, UnicodeError, RecursionError):
        return None
    return (message_id, action) if kind == 2 and isinstance(message_id, str) and isinstance(action, str) else None


def _detail(payload: Any) -> str:
    words = [str(payload[name]) for name in ("connectorId", "status", "requestedMessage") if name in payload]
    return f" {' '.join(words)}" if words else ""


def is_beat(text: str) -> bool:
    """Return whether a frame is a heartbeat or the answer to one."""
    return '"Heartbeat"' in text or '"currentTime"' in text


def command_label(command: dict[str, Any]) -> str:
    """Say what an operator asks for: of a connector only where it is not the first of its EVSE."""
    shown = {name: value for name, value in command.items() if name not in ("kind", "remote_start_id", "details")}
    if shown.get("connector") in (0, 1):
        del shown["connector"]
    values = [str(value) for value in shown.values() if value not in (None, {})]
    return clean(f"{command.get('kind', '?')} {' '.join(values)}".strip(), 40)


def event_label(row: Row) -> str:
    """Say what a stored event states."""
    data = row.get("data", {})
    kind = str(row.get("type"))
    if kind == "CommandRequested":
        return clean(f"{command_label(data.get('command', {}))} requested", 44)
    about = data.get("status") or data.get("why") or data.get("evidence") or data.get("what") or ""
    return clean(f"{kind} {about}".strip(), 44)
