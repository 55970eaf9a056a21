"""Reading files that users write: text in UTF-8, TOML, and what is wrong with either in one sentence.

A byte order mark, which editors of Windows put at the beginning, is left out.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from interlock.scenarios.refused import cause

T = TypeVar("T")
TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
"""The kinds of values as they are called in messages, by what msgspec calls them."""


class Unreadable(ValueError):
    """A file that cannot be used; the message is one sentence that begins with its path."""

    def __init__(self, sentence: str, error: Exception | None = None) -> None:
        super().__init__(sentence)
        self.error = error


def read_text(path: Path) -> str:
    """Return what a text file holds. Raises `Unreadable`, with the error where the file cannot be read."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise Unreadable(f"{path} cannot be read: {cause(error)}", error) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds. Raises `Unreadable`."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"{path} is not TOML: {error}") from None


def read_as(path: Path, kind: type[T]) -> T:
    """Return a TOML file as a value of a msgspec type. Raises `Unreadable`, with msgspec's error for a wrong form."""
    try:
        return msgspec.convert(read_toml(path), kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{path}: {plainly(str(error))}", error) from None


def plainly(message: str) -> str:
    """Say where in a file a mistake of form is, and which, without the notation of the library that found it."""
    found = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?(.*?)`)?", message, re.DOTALL)
    assert found is not None
    what = re.sub(r"^Object (contains unknown|missing required) field `(\w+)`", r"\1 key \2", found[1])
    what = re.sub(r"^Expected `(.*?)`, got `(.*?)`", _expected, what)
    what = what.replace("contains unknown", "unknown").replace("missing required", "missing").replace("`", "")
    where = (found[2] or "").replace("[...]", "").strip(".")
    return f"[{where}] {what}" if where else what


def _expected(found: re.Match[str]) -> str:
    wanted = " or ".join(TYPES.get(one, one) for one in found[1].split(" | ") if one != "null")
    return f"has to be {wanted}, not {TYPES.get(found[2], found[2])}"
