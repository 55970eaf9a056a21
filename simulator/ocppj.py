"""A station's side of OCPP-J framing. Deliberately permissive: it can send duplicates, stale ids and broken text."""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def call(message_id: str, action: str, payload: dict[str, Any]) -> str:
    """Write a CALL."""
    return _encode((2, message_id, action, payload)).decode()


def result(message_id: str, payload: dict[str, Any]) -> str:
    """Write a CALLRESULT."""
    return _encode((3, message_id, payload)).decode()


def error(message_id: str, code: str, description: str = "") -> str:
    """Write a CALLERROR."""
    return _encode((4, message_id, code, description[:255], {})).decode()


def read(text: str) -> list[Any] | None:
    """Return the elements of a frame that has the shape of a message, or None."""
    try:
        message = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not isinstance(message, list) or len(message) < 3 or not isinstance(message[1], str):
        return None
    kind = message[0]
    if kind == 2:
        return message if len(message) == 4 and isinstance(message[2], str) and isinstance(message[3], dict) else None
    if kind == 3:
        return message if isinstance(message[2], dict) else None
    return message if kind == 4 and isinstance(message[2], str) else None
