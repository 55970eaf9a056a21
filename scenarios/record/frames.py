"""The parser of text frames that every judge uses.

JSON may be indented, escaped or ordered in any way, so no judge searches the characters of a frame. A frame is read
once into a `Frame`; what is no OCPP-J message is None. Member checks are strict where OCPP-J leaves no choice (an
array, a known message type, a textual id, the number of elements) and leave the payload to the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

CALL, CALLRESULT, CALLERROR = 2, 3, 4
CALLRESULTERROR, SEND = 5, 6
"""Message types of OCPP-J 2.1 beside the three of 1.6 and 2.0.1."""
DIGITS_LIMIT = 19
"""Digits of the longest whole number that fits 64 bits."""

CACHED_LENGTH = 4096
"""Characters from which on a text is read each time."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_ordered = msgspec.json.Encoder(order="sorted").encode


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A message: `payload` of a CALL, CALLRESULT or SEND; `code`, `description` and `details` of an error."""

    kind: int
    id: str
    action: str = ""
    payload: Any = None
    code: str = ""
    description: Any = None
    details: Any = None
    parts: int = 0
    """Elements of the array."""
    strict: bool = True
    """Whether it has the form OCPP-J demands, see `loose`."""

    @property
    def is_answer(self) -> bool:
        """Whether it answers a CALL."""
        return self.kind in (CALLRESULT, CALLERROR)

    def field(self, name: str) -> Any:
        """Return a member of the payload, None where there is none or the payload is no object."""
        return self.payload.get(name) if isinstance(self.payload, dict) else None


def decoded(text: Any) -> Any:
    """Return the JSON of a text, None where it is none."""
    try:
        return _decode(text)
    except (TypeError, ValueError, RecursionError):
        return None


def read(text: Any) -> Frame | None:
    """Read a frame; None for what is no OCPP-J message."""
    return of(decoded(text))


def of(message: Any) -> Frame | None:
    """Return what a decoded message says; None for what is no OCPP-J message."""
    if not isinstance(message, list) or len(message) < 3 or type(message[0]) is not int:
        return None
    kind, name, *rest = message
    if not isinstance(name, str):
        return None
    parts = len(message)
    match kind:
        case 2 | 6 if len(rest) == 2 and isinstance(rest[0], str) and isinstance(rest[1], dict):
            return Frame(kind, name, rest[0], rest[1], parts=parts)
        case 3 if len(rest) == 1 and isinstance(rest[0], dict):
            return Frame(kind, name, payload=rest[0], parts=parts)
        case 4 | 5 if len(rest) <= 3 and isinstance(rest[0], str):
            description, details = (*rest[1:], None, None)[:2]
            return Frame(kind, name, code=rest[0], description=description, details=details, parts=parts)
    return None


def loose(text: Any) -> Frame | None:
    """Read what is meant to be a message, though its payload or its number of elements is wrong.

    Enough to know that something was called or answered under this id, by a party that may break the rules. A text
    passes several edges within a short time, and is read at the first: nobody changes a payload.
    """
    return _once(text) if type(text) is str and len(text) < CACHED_LENGTH else _loose(text)


def _loose(text: Any) -> Frame | None:
    message = decoded(text)
    found = of(message)
    if found is not None or not isinstance(message, list) or len(message) < 2 or not isinstance(message[1], str):
        return found
    kind, name, *rest = message
    if kind == CALL and rest and isinstance(rest[0], str):
        return Frame(CALL, name, rest[0], rest[1] if len(rest) > 1 else None, parts=len(message), strict=False)
    if kind in (CALLRESULT, CALLERROR) and type(kind) is int:
        payload = rest[0] if rest and kind == CALLRESULT else None
        return Frame(kind, name, payload=payload, parts=len(message), strict=False)
    return None


_once = lru_cache(maxsize=256)(_loose)


def content(value: Any) -> int:
    """Return a number that is the same for the same content, in whatever order its members stand."""
    return hash(_ordered(value))


def text_of(*message: Any) -> str:
    """Write a message as a frame."""
    return _encode(list(message)).decode()


def carries(sent: Any, asked: Any) -> bool:
    """Tell whether a payload has all that was asked for; it may have more, and write a time in another way."""
    if isinstance(asked, Mapping):
        return isinstance(sent, dict) and all(name in sent and carries(sent[name], one) for name, one in asked.items())
    if isinstance(asked, list):
        return isinstance(sent, list) and len(sent) == len(asked) and all(map(carries, sent, asked))
    return bool(sent == asked) or (isinstance(asked, str) and "T" in asked and _one_instant(sent, asked))


def added(sent: Any, asked: Any) -> set[str]:
    """Return the names of members, at any depth, that a payload has beside those that were asked for."""
    if isinstance(asked, Mapping) and isinstance(sent, dict):
        return {*sent} - {*asked} | set[str]().union(*(added(sent[name], asked[name]) for name in {*sent} & {*asked}))
    if isinstance(asked, list) and isinstance(sent, list):
        return set[str]().union(*map(added, sent, asked))
    return set()


def _one_instant(sent: Any, asked: str) -> bool:
    try:
        return datetime.fromisoformat(str(sent)) == datetime.fromisoformat(asked)
    except (ValueError, TypeError):
        return False


def ambiguous(text: str) -> str | None:
    """Return in what way two readers of a frame may read two things: a doubled key, a number beyond 64 bits, NaN."""
    try:
        json.loads(text, object_pairs_hook=_pairs, parse_int=_whole, parse_constant=_constant)
    except _Ambiguous as error:
        return str(error)
    except (ValueError, RecursionError):
        return "it is no JSON"
    return None


class _Ambiguous(Exception):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous("a key stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS_LIMIT:
        raise _Ambiguous(f"a number has more than {DIGITS_LIMIT} digits")
    return int(digits)


def _constant(word: str) -> NoReturn:
    raise _Ambiguous(f"{word} is no JSON")
