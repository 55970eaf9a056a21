"""Lenient acceptance: reads a payload that breaks its schema. Independent of the OCPP version.

A payload that fits its schema never comes here. Any other is walked along the schema, once. A member that is unknown,
null, or breaks a limit, an enum, a type or a format is kept where its meaning is still clear (a text that is too long,
a number written as text, one object in place of a list) and dropped where it is not; both are deviations, which show
the value as it came. When a value is dropped, so is what has no meaning without it: the list item it is in, or the
object that requires it. A message is `Unreadable` only if a member of its **core** is, without which the message has
no meaning.

The reason: a station resends a transaction message that is answered with an error (OCPP 1.6 sections 4.7, 4.8, 4.10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

Payload = dict[str, Any]

TEXT_LIMIT = 256
"""Characters up to which a text is kept that is too long, or not one of the allowed words."""
NAME_LIMIT = 40
"""Characters kept of the name of an unknown member."""
DEVIATIONS_LIMIT = 16
"""Deviations listed for one message, at most."""
EXAMPLE_LIMIT = 120
"""Characters kept of a value that breaks a rule."""

RULES: Mapping[str, str] = {
    "additionalProperties": "an unknown member is dropped; one that differs in case only is accepted",
    "required": "a required member may be missing, unless it is of the core",
    "null": "a member that is null counts as absent",
    "type": "a number or truth value written as text, a text written as number, one value where a list belongs, a "
    "list of one where one value belongs, or a text or number where an object belongs that is known by one is "
    "converted; any other is dropped",
    "enum": "a word that is not in the list is kept as it came; one that differs in case, blanks, - or _ is accepted; "
    "an empty one counts as absent",
    "maxLength": f"a longer text is kept whole up to {TEXT_LIMIT} characters or twice its limit; beyond, one of the "
    "core is cut there and ends in an ellipsis, and any other is dropped",
    "minLength": "an empty text is kept",
    "format": "a time without a zone is UTC; text that is no time counts as absent; other formats are not checked",
    "multipleOf": "a number with more decimals is kept",
    "minimum": "a number below the minimum is kept if it is of the core, else dropped",
    "maximum": "a number above the maximum is kept if it is of the core, else dropped",
    "minItems": "a list may be empty",
    "maxItems": "a list may be longer",
    "number": "a reading whose value is no number is stored as it came, and not used",
    "unit": "a reading whose unit does not fit its measurand is stored as it came, and not used",
}
"""What is done with a value, by the schema keyword it breaks; null, a breach of `type`, has a rule of its own."""


class Unreadable(Exception):
    """A value that cannot be read, and the rule it breaks; `core` if the message has no meaning without it."""

    def __init__(self, member: str, rule: str, core: bool = False, value: Any = None) -> None:
        super().__init__(member, rule)
        self.member, self.rule, self.core, self.value = member, rule, core, value


class Broken(NamedTuple):
    """A rule of the schema that a member breaks, and its value as JSON, which may be cut."""

    member: str
    rule: str
    example: str


def example(value: Any) -> str:
    """Return a value as JSON of at most `EXAMPLE_LIMIT` characters; empty for none."""
    if value is None:
        return ""
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if len(text) <= EXAMPLE_LIMIT else text[: EXAMPLE_LIMIT - 1] + "…"


def readable(payload: Payload, schema: Payload, core: Set[str]) -> tuple[Payload, tuple[Broken, ...]]:
    """Return what can be read of a payload that breaks `schema`, and its deviations.

    `core` names members by their paths without indices, such as `meterValue.sampledValue.value`. A suffix `=`: the
    member must be one of the words the schema lists; `?`: it is kept like the core and may be missing; `.`: an object
    is kept whatever it lacks. `*.` keeps each object, for messages that are only passed on. Raises `Unreadable` with
    `core` set.
    """
    reader = _Reader(schema, core)
    found = reader.object(schema, payload, "")
    named = list(reader.found.items())[:DEVIATIONS_LIMIT]
    return found, tuple([Broken(member, rule, example(value)) for (member, rule), value in named])


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{0,18})?", re.ASCII)


def is_time(text: str) -> bool:
    """Whether a text is a valid date and time of RFC 3339."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


class _Reader:
    def __init__(self, schema: Payload, core: Set[str]) -> None:
        self._definitions = schema.get("definitions", {})
        self._core = {path.removesuffix("=") for path in core if path[-1] not in ".?"}
        self._weighty = self._core | {path[:-1] for path in core if path.endswith("?")}
        self._kept = {path[:-1] for path in core if path.endswith(".")}
        self._keeps_each = "*" in self._kept
        self._words = {path[:-1] for path in core if path.endswith("=")}
        self._around = {path[:at] for path in self._core for at, letter in enumerate(path) if letter == "."} | {""}
        self.found: dict[tuple[str, str], Any] = {}

    def note(self, member: str, rule: str, value: Any = None) -> None:
        self.found.setdefault((member, rule), value)

    def lost(self, member: str, rule: str, value: Any = None) -> Unreadable:
        return Unreadable(member, rule, member in self._core, value)

    def value(self, node: Payload, value: Any, member: str) -> Any:
        """Return what can be read of one value, or raise `Unreadable`."""
        if "$ref" in node:
            node = self._definitions[node["$ref"].rsplit("/", 1)[1]]
        read = _BY_TYPE.get(str(node.get("type")))
        if read is None:
            return value
        if value is None:
            raise Unreadable(member, "null")
        if type(value) is list and len(value) == 1 and node["type"] != "array":
            self.note(member, "type", value)
            return self.value(node, value[0], member)
        return read(self, node, value, member)

    def object(self, node: Payload, value: Any, member: str) -> Payload:
        if type(value) in (str, int) and (name := self._known_by(node, member, value)) is not None:
            self.note(member, "type", value)
            value = {name: value}
        if not isinstance(value, dict):
            raise self.lost(member, "type", value)
        read: Payload = {}
        broken: dict[str, Unreadable] = {}
        for name, known, one in self._named(node, value, member):
            where = f"{member}.{name}" if member else name
            try:
                read[name] = one if known is None else self.value(known, one, where)
            except Unreadable as lost:
                if lost.core:
                    raise
                broken[name] = lost
        for name in node.get("required", ()):
            if name in read:
                continue
            where = f"{member}.{name}" if member else name
            error = broken.setdefault(name, Unreadable(where, "required"))
            decides = where in self._core or where in self._around
            if decides or not (self._keeps_each or member in self._around | self._kept):
                raise Unreadable(error.member, error.rule, decides, error.value)
        for error in broken.values():
            self.note(error.member, error.rule, error.value)
        return read

    def _known_by(self, node: Payload, member: str, value: str | int) -> str | None:
        """Return the member that a plain value in place of an object is: of the core, required, or of its type."""
        properties: Payload = node.get("properties", {})
        found = [name for name in properties if f"{member}.{name}" in self._weighty and "type" in properties[name]]
        fits = "string" if isinstance(value, str) else "integer"
        found.sort(key=lambda name: (name not in node.get("required", ()), properties[name]["type"] != fits))
        return found[0] if found else None

    def _named(self, node: Payload, value: Payload, member: str) -> list[tuple[str, Payload | None, Any]]:
        """Return the schemas of an object's members by name; None where any member is allowed."""
        properties = node.get("properties", {})
        known = [(name, properties[name], one) for name, one in value.items() if name in properties]
        if len(known) == len(value):
            return known
        missing = {name.casefold(): name for name in properties if name not in value}
        for name, one in value.items():
            if name in properties:
                continue
            meant = missing.pop(name.casefold(), None)
            if node.get("additionalProperties", True) is not False:
                known.append((name, None, one))
                continue
            shown = "".join(letter if letter.isprintable() else "?" for letter in name[:NAME_LIMIT])
            self.note(f"{member}.{shown}" if member else shown, "additionalProperties", one)
            if meant is not None:
                known.append((meant, properties[meant], one))
        return known

    def array(self, node: Payload, value: Any, member: str) -> list[Any]:
        if not isinstance(value, list):
            self.note(member, "type", value)
            value = [value]
        read = []
        for one in value:
            try:
                read.append(self.value(node.get("items", {}), one, member))
            except Unreadable as error:
                self.note(error.member, error.rule, error.value)
        if len(read) < node.get("minItems", 0):
            if member not in self._around | self._core:
                raise self.lost(member, "minItems", value)
            self.note(member, "minItems", value)
        elif len(read) > node.get("maxItems", len(read)):
            self.note(member, "maxItems")
        return read

    def text(self, node: Payload, value: Any, member: str) -> str:
        if isinstance(value, bool | int | float):
            self.note(member, "type", value)
            value = str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str):
            raise self.lost(member, "type", value)
        text, words = value, node.get("enum")
        if words is not None and text not in words:
            text = self._word(words, text, member)
        if len(text) < node.get("minLength", 0):
            self.note(member, "minLength", text)
        limit = node.get("maxLength")
        if limit is not None and len(text) > limit:
            text = self._long(text, max(2 * limit, TEXT_LIMIT), member)
        if node.get("format") == "date-time" and not is_time(text):
            if len(text) > TEXT_LIMIT:
                raise self.lost(member, "format", text)
            self.note(member, "format", text)
        return text

    def _long(self, text: str, most: int, member: str) -> str:
        if len(text) > most and member not in self._weighty:
            raise self.lost(member, "maxLength", text)
        self.note(member, "maxLength", text)
        return text if len(text) <= most else text[: most - 1] + "…"

    def _word(self, words: list[str], value: str, member: str) -> str:
        if not value.strip():
            raise Unreadable(member, "enum", value=value)  # an empty word
        alike = {_plain(word): word for word in words}.get(_plain(value[:TEXT_LIMIT]))
        if alike is None and (member in self._words or len(value) > TEXT_LIMIT):
            raise self.lost(member, "enum", value)
        self.note(member, "enum", value)
        return value if alike is None else alike

    def whole(self, node: Payload, value: Any, member: str) -> int:
        number = self.number(node, value, member)
        if isinstance(number, float):
            self.note(member, "type", value)
        return round(number)

    def number(self, node: Payload, value: Any, member: str) -> int | float:
        as_sent = value
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            self.note(member, "type", value)
            text = value.strip()
            value = float(text) if "." in text else int(text)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
            raise self.lost(member, "type", as_sent)
        beyond = {"minimum": value < node.get("minimum", value), "maximum": value > node.get("maximum", value)}
        for rule in [rule for rule, is_beyond in beyond.items() if is_beyond]:
            if member not in self._weighty:
                raise self.lost(member, rule, as_sent)
            self.note(member, rule, as_sent)
        if "multipleOf" in node and round(value / node["multipleOf"], 6) % 1:
            self.note(member, "multipleOf", as_sent)
        return value

    def flag(self, node: Payload, value: Any, member: str) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        if word not in (*_TRUE, *_FALSE):
            raise self.lost(member, "type", value)
        self.note(member, "type", value)
        return word in _TRUE


_BY_TYPE = {
    "object": _Reader.object,
    "array": _Reader.array,
    "string": _Reader.text,
    "integer": _Reader.whole,
    "number": _Reader.number,
    "boolean": _Reader.flag,
}


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]", "", word).casefold()
