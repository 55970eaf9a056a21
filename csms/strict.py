"""The OCPP-J endpoint for frames from a real network: what a JSON reader would quietly choose between is refused.

Two readers of `{"transactionId": 1, "transactionId": 2}` may see two different stations (CVE-2023-49958), and a number
of thousands of digits costs more to read than to send. Such a frame means nothing; a CALL is told so.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from . import ocppj

DIGITS_LIMIT = 19
"""Digits of the longest whole number that is read: what fits 64 bits."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DIGITS = re.compile(rf"\d{{{DIGITS_LIMIT + 1}}}")
_CALL = re.compile(r'\s*+\[\s*+2\s*+,\s*+"([^"\\\x00-\x1f]{1,36})"\s*+,')


class _Refused(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a key stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS_LIMIT:
        raise _Refused(f"a number has more than {DIGITS_LIMIT} digits")
    return int(digits)


def _constant(word: str) -> NoReturn:
    raise _Refused(f"{word} is no JSON")


def ambiguous(frame: str) -> str | None:
    """Return why a frame of JSON can be read in two ways, or None. What is no JSON at all is left to the reader."""
    try:
        # Without escapes a frame has two quotes for each text and key, and so has what was read, unless a key was lost.
        plain = "\\" not in frame and _DIGITS.search(frame) is None
        if plain and frame.count('"') == _encode(_decode(frame)).count(b'"'):
            return None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    try:
        json.loads(frame, object_pairs_hook=_pairs, parse_int=_whole, parse_constant=_constant)
    except _Refused as error:
        return str(error)
    except (ValueError, RecursionError):
        return None
    return None


class StrictEndpoint(ocppj.Endpoint):
    """An endpoint that also refuses what is ambiguous."""

    __slots__ = ()

    def receive(self, frame: str, now: float) -> ocppj.Notice | None:
        """See `Endpoint.receive`."""
        if len(frame) <= ocppj.FRAME_LIMIT and (why := ambiguous(frame)) is not None:
            if call := _CALL.match(frame):
                self.fail(call[1], "FormationViolation", why)
            return ocppj.Malformed(why)
        return super().receive(frame, now)
