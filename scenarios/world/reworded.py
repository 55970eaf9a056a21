"""The same told in other words: each relation is one function from a station's frame to one that means the same.

A run is done again with every frame of the stations reworded as it reaches the CSMS, with the same seed and so at the
same moments. What is on record at the end, and what was answered and sent, has to be the same: an oracle that needs no
list of mistakes (metamorphic testing: Chen, Cheung and Yiu, 1998).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

Reword = Callable[[str], str]
RELATIONS: dict[str, Reword] = {}
"""Every relation by name."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_REGISTER = "Energy.Active.Import.Register"


def relation(function: Reword) -> Reword:
    """Declare a function as a relation, under its name."""
    RELATIONS[function.__name__] = function
    return function


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
