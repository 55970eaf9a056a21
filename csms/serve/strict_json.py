"""The OCPP-J endpoint for frames from a real network: refuses JSON that is ambiguous.

Two readers of `{"transactionId": 1, "transactionId": 2}` may see two different stations (CVE-2023-49958), and a number
of thousands of digits costs more to read than to send. Such a frame is malformed; a CALL gets a CALLERROR.
"""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any, NoReturn

import msgspec

from interlock.csms import ocppj

DIGITS_LIMIT = 19
"""Digits of the longest whole number that is read: what fits 64 bits."""

_encode = msgspec.json.Encoder().encode
_DIGITS_AS_0 = bytes(ord("0") if 0x30 <= byte <= 0x39 else 0 for byte in range(256))
_TOO_MANY = b"0" * (DIGITS_LIMIT + 1)


class Ambiguous(Exception):
    """A frame of JSON that can be read in two ways, and which."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Ambiguous("a key stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS_LIMIT:
        raise Ambiguous(f"a number has more than {DIGITS_LIMIT} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    if math.isinf(found := float(digits)):
        raise Ambiguous("a number is beyond what a reader holds")
    return found


def _constant(word: str) -> NoReturn:
    raise Ambiguous(f"{word} is no JSON")


def refuse_ambiguous(text: str) -> None:
    """Raise `Ambiguous` for JSON that two readers may read differently; text that is no JSON passes."""
    with contextlib.suppress(ValueError):  # no JSON at all: the reader raises
        json.loads(text, object_pairs_hook=_pairs, parse_int=_whole, parse_float=_fraction, parse_constant=_constant)


class StrictEndpoint(ocppj.Endpoint):
    """An endpoint that also refuses what is ambiguous."""

    __slots__ = ()

    def receive(self, frame: str, now: float) -> ocppj.Notice | None:
        """See `Endpoint.receive`."""
        try:
            return super().receive(frame, now)
        except Ambiguous as error:
            return self._unread(frame, str(error))

    def read(self, frame: str) -> Any:
        """Return the JSON of a frame, or raise `Ambiguous`."""
        try:
            message = ocppj.read(frame)
        except msgspec.DecodeError:
            refuse_ambiguous(frame)
            raise
        # Without escapes each text and key has two quotes: fewer after re-encoding mean that a duplicate key was
        # dropped.
        plain = (
            "\\" not in frame
            and frame.count('"') == _encode(message).count(b'"')
            and _TOO_MANY not in frame.encode("utf-8", "surrogatepass").translate(_DIGITS_AS_0)
        )
        if not plain:
            refuse_ambiguous(frame)
        return message
