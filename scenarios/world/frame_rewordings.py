"""Metamorphic relations on frames: each is one function from a station's frame to another of the same meaning.

A run is repeated with every frame of the stations reworded on its way to the CSMS, with the same seed and so at the
same moments. The final record and all answers and CALLs must be the same: an oracle that needs no list of mistakes
(metamorphic testing: Chen, Cheung and Yiu, 1998).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any

from interlock.scenarios.record.actions import schema_folder
from interlock.simulator.network.links import Socket

Reword = Callable[[str], str]
RELATIONS: dict[str, Reword] = {}
"""Every relation by name."""
LENIENT: dict[str, Reword] = {}
"""Those that break a schema, and are understood where what is meant can be read: each deviation is noted beside."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_REGISTER = "Energy.Active.Import.Register"


def relation(function: Reword) -> Reword:
    """Declare a function as a relation, under its name."""
    RELATIONS[function.__name__] = function
    return function


def lenient(function: Reword) -> Reword:
    """Declare a relation whose words break the schema."""
    LENIENT[function.__name__] = function
    return function


class Reworded:
    """Lets every frame of the stations arrive in other words."""

    def __init__(self, reword: Reword) -> None:
        self._reword = reword

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Word a frame anew."""
        return (self._reword(text),)

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Leave a frame as it is."""
        return (text,)


def _read(text: str) -> Any:
    """Return what a frame says; None for what is no message that everybody reads in one way."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, list) and len(message) > 2 else None


def _changed(text: str, change: Callable[[Any], Any]) -> str:
    message = _read(text)
    if message is None or not isinstance(message[-1], dict):
        return text
    return json.dumps([*message[:-1], change(message[-1])], ensure_ascii=False, separators=(",", ":"))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a JSON value with every object and text in it changed, the innermost first."""
    if isinstance(value, dict):
        return change({name: _each(one, change) for name, one in value.items()})
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    return change(value)


@relation
def spaced(text: str) -> str:
    """White space wherever JSON allows it."""
    message = _read(text)
    return text if message is None else "\r\n" + json.dumps(message, indent=3, separators=(" ,\t", " : ")) + "\n"


@relation
def escaped(text: str) -> str:
    r"""Letters of other scripts as \uXXXX, and the slash escaped."""
    message = _read(text)
    return text if message is None else json.dumps(message).replace("/", "\\/")


@relation
def reordered(text: str) -> str:
    """The members of every object in the opposite order."""
    return _changed(
        text,
        lambda payload: _each(payload, lambda one: dict(reversed(one.items())) if isinstance(one, dict) else one),
    )


def _in_zone(text: str, hours: float) -> str:
    zone = timezone(timedelta(hours=hours))

    def change(one: Any) -> Any:
        if not isinstance(one, str) or not _TIME.fullmatch(one):
            return one
        return datetime.fromisoformat(one).astimezone(zone).isoformat(timespec="milliseconds")

    return _changed(text, lambda payload: _each(payload, change))


@relation
def eastern(text: str) -> str:
    """Every time with an offset ahead of UTC."""
    return _in_zone(text, 5.5)


@relation
def western(text: str) -> str:
    """Every time with an offset behind UTC: another day at times."""
    return _in_zone(text, -8.0)


def _kilo(one: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(one.get("sampledValue"), list):
        return one
    return {**one, "sampledValue": [_kilo_reading(reading) for reading in one["sampledValue"]]}


def _kilo_reading(one: Any) -> Any:
    if not isinstance(one, dict) or "value" not in one or one.get("measurand", _REGISTER) != _REGISTER:
        return one
    named = one.get("unitOfMeasure", {}) if isinstance(one["value"], int | float) else one
    plain = one.get("format", "Raw") == "Raw" and named.get("unit", "Wh") == "Wh" and "signedMeterValue" not in one
    if not plain or not re.fullmatch(r"-?\d+(\.\d+)?", str(one["value"])):
        return one
    value = Decimal(str(one["value"])) / 1000
    if named is one:
        return {**one, "value": f"{value:f}", "unit": "kWh"}
    return {**one, "value": float(value), "unitOfMeasure": {**named, "unit": "kWh"}}


@relation
def kilowatt_hours(text: str) -> str:
    """Every register in kWh in place of Wh."""
    return _changed(text, lambda payload: _each(payload, _kilo))


# --- words that break the schema, and leave no doubt about what is meant ---------------------------------------------


def _as_text(one: Any) -> Any:
    if isinstance(one, bool):
        return "true" if one else "false"
    return json.dumps(one) if isinstance(one, int | float) and "e" not in json.dumps(one) else one


@lenient
def as_text(text: str) -> str:
    """Every number and truth value written as text."""
    return _calls(text, lambda payload: _each(payload, _as_text))


_STATES = ("status", "connectorStatus", "chargingState", "errorCode", "reason", "stoppedReason")
WORDS = frozenset({*_STATES, "eventType", "triggerReason", "measurand", "context"})
"""Members that are a word of a list wherever they are; a unit is not among them, whose prefixes differ in case."""


@cache
def _listed() -> frozenset[str]:
    """Return the words of all lists in the schemas of both versions."""
    texts = [path.read_text("utf-8-sig") for one in ("1.6", "2.0.1") for path in schema_folder(one).glob("*.json")]
    return frozenset(word for text in texts for words in _LIST.findall(text) for word in json.loads(words))


_LIST = re.compile(r'"enum":\s*(\[[^\]]*\])')


def _small(one: Any) -> Any:
    if not isinstance(one, dict):
        return one
    return {
        name: said.lower() if name in WORDS and isinstance(said, str) and said in _listed() else said
        for name, said in one.items()
    }


@lenient
def in_small_letters(text: str) -> str:
    """Every word of a list in small letters."""
    return _calls(text, lambda payload: _each(payload, _small))


@lenient
def with_more(text: str) -> str:
    """A member nobody knows in every object."""
    return _calls(
        text, lambda payload: _each(payload, lambda one: {**one, "vendorOnly": 1} if isinstance(one, dict) else one)
    )


@lenient
def without_lists(text: str) -> str:
    """The one element of a list in the place of the list."""
    return _calls(text, _unlisted)


def with_nulls(text: str) -> str:
    """Null in the place of each member of a message that may be left out and is."""
    message = _read(text)
    if message is None or message[0] != 2 or not isinstance(message[-1], dict) or len(message) != 4:
        return text
    absent = _optional(message[2], frozenset(message[3])) - message[3].keys()
    return _changed(text, lambda payload: {**payload, **dict.fromkeys(sorted(absent))})


LENIENT["with_nulls"] = with_nulls


@cache
def _optional(action: str, there: frozenset[str]) -> frozenset[str]:
    """Return the members of a request that may be left out, in the version that has all the members that are there."""
    for version, name in (("1.6", action), ("2.0.1", f"{action}Request")):
        path = schema_folder(version) / f"{name}.json"
        schema = json.loads(path.read_text("utf-8-sig")) if path.exists() else {}
        if there and there <= schema.get("properties", {}).keys():
            return frozenset(schema["properties"]) - set(schema.get("required", ())) - {"customData"}
    return frozenset()


def _unlisted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unlisted(one) for name, one in value.items()}
    if isinstance(value, list):
        return _unlisted(value[0]) if len(value) == 1 else [_unlisted(one) for one in value]
    return value


def _calls(text: str, change: Callable[[Any], Any]) -> str:
    """Change the payload of a CALL; an answer is left as it is, where a doubt would be one about an effect."""
    message = _read(text)
    return _changed(text, change) if message is not None and message[0] == 2 else text
