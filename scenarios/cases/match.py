"""Matching patterns with values: whether they fit, what they bind, and the value a tester sends for a pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.scenarios.cases.language import Absent, Each, In, OneOf, Other, Present, Ref, Some, Where

MISSING: Any = object()
_SLOT = re.compile(r"\{(\w+)\}")
_CARDS = ("idTag", "parentIdTag")
"""Compared without case: they are CiStrings (1.6 sections 7.15 and 7.28), and products change their case."""
Bound = dict[str, Any]


def parse_time(text: Any) -> datetime | None:
    """Parse an ISO 8601 time; None for any other text."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def mismatch(pattern: Any, value: Any, bound: Bound, path: str = "") -> str | None:
    """Return why `value` does not fit, or None. Refs without a value are bound, also when something else is wrong."""
    here = path or "payload"
    if isinstance(pattern, Absent):
        return None if value is MISSING else f"{here} is {shown(value)}, expected to be left out"
    if value is MISSING:
        left_out = isinstance(pattern, OneOf) and any(isinstance(one, Absent) for one in pattern.values)
        return None if left_out else f"{here} is missing"
    match pattern:
        case Present():
            return None
        case In():
            return None if parse_time(value) is not None else f"{here} is {shown(value)}, not a time"
        case Ref(name):
            return _equal(bound.setdefault(name, value), value, here)
        case OneOf(values):
            if any(mismatch(one, value, dict(bound), path) is None for one in values):
                return None
            return f"{here} is {shown(value)}, not one of {', '.join(map(shown, values))}"
        case Other(unwanted):
            refused = mismatch(unwanted, value, dict(bound), path) is None
            return f"{here} is {shown(value)}, which it must not be" if refused else None
        case Where(words, accepts):
            return None if _accepts(accepts, value) else f"{here} is {shown(value)}, expected {words}"
        case Each(item) | Some(item):
            return _list(pattern, item, value, bound, here)
        case _ if isinstance(pattern, Mapping):
            return _object(pattern, value, bound, path)
        case str() if "{" in pattern:
            return _equal(_SLOT.sub(lambda found: str(bound.get(found[1], found[0])), pattern), value, here)
        case list() | tuple():
            return _items(list(pattern), value, bound, here)
        case _:
            return _equal(pattern, value, here)


def _accepts(accepts: Any, value: Any) -> bool:
    try:
        return bool(accepts(value))
    except (TypeError, ValueError, LookupError, AttributeError):
        return False


def _list(pattern: Any, item: Any, value: Any, bound: Bound, here: str) -> str | None:
    if not isinstance(value, list) or not value:
        return f"{here} is {shown(value)}, expected a list that is not empty"
    wrong = [mismatch(item, one, bound, f"{here}[{number}]") for number, one in enumerate(value)]
    if isinstance(pattern, Some):
        return None if None in wrong else f"no item of {here} fits: {wrong[0]}"
    return next((why for why in wrong if why is not None), None)


def _items(pattern: list[Any], value: Any, bound: Bound, here: str) -> str | None:
    if not isinstance(value, list) or len(value) != len(pattern):
        return f"{here} is {shown(value)}, expected {shown(pattern)}"
    wrong = [
        mismatch(item, one, bound, f"{here}[{n}]") for n, (item, one) in enumerate(zip(pattern, value, strict=True))
    ]
    return next((why for why in wrong if why is not None), None)


def _object(pattern: Mapping[str, Any], value: Any, bound: Bound, path: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{path or 'payload'} is {shown(value)}, expected an object"
    first = None
    for name, one in pattern.items():
        why = mismatch(one, value.get(name, MISSING), bound, f"{path}.{name}" if path else name)
        first = first or why
    return first


def _equal(wanted: Any, value: Any, here: str) -> str | None:
    # 1 and 1.0 are the same number, true and 1 are not.
    same = wanted == value and isinstance(wanted, bool) == isinstance(value, bool)
    if here.endswith(_CARDS) and isinstance(wanted, str) and isinstance(value, str):
        same = wanted.casefold() == value.casefold()
    return None if same else f"{here} is {shown(value)}, expected {shown(wanted)}"


def shown(value: Any) -> str:
    """Return a value or pattern for people, cut to a line."""
    match value:
        case Ref(name):
            return f"<{name}>"
        case Present():
            return "anything"
        case Absent():
            return "nothing"
        case OneOf(values):
            return " or ".join(map(shown, values))
        case Other(unwanted):
            return f"anything but {shown(unwanted)}"
        case In():
            return "a time"
        case Where(words):
            return words
        case Each(item):
            return f"a list of {shown(item)}"
        case Some(item):
            return f"a list with {shown(item)}"
        case _ if isinstance(value, Mapping):
            return ", ".join(f"{name} {shown(one)}" for name, one in value.items())
        case _:
            text = value if isinstance(value, str) else repr(value)
            return text if len(text) <= 60 else text[:59] + "…"


def _other(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else f"{value}-other" if isinstance(value, str) else []


def fill(pattern: Any, bound: Mapping[str, Any], now: datetime) -> Any:
    """Return the value a tester sends for a pattern. An unbound Ref raises `KeyError`; `Present` is kept."""
    match pattern:
        case Ref(name):
            return bound[name]
        case In(seconds):
            return (now + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case OneOf(values):
            return fill(values[0], bound, now)
        case Where(_, _, good):
            return fill(good, bound, now)
        case Other(unwanted):
            return _other(fill(unwanted, bound, now))
        case Each(item) | Some(item):
            return [fill(item, bound, now)]
        case _ if isinstance(pattern, Mapping):
            made = {name: fill(one, bound, now) for name, one in pattern.items()}
            return {name: one for name, one in made.items() if not isinstance(one, Absent)}
        case _ if isinstance(pattern, list | tuple):
            return [fill(one, bound, now) for one in pattern]
        case str() if "{" in pattern:
            return _SLOT.sub(lambda found: str(bound.get(found[1], found[0])), pattern)
        case _:
            return pattern
