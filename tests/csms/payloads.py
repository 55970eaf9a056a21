"""Payloads made from the standard's own schemas, so that a message nobody thought of is covered too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TEXT = {"date-time": "2026-01-01T00:00:00Z", "uri": "https://example.com/"}


def schema(version: str, name: str) -> dict[str, Any]:
    """Return the schema `name` of a version's folder in the `ocpp` package."""
    found = find_spec("ocpp")
    assert found is not None
    assert found.submodule_search_locations is not None
    path = Path(found.submodule_search_locations[0]) / version / "schemas" / f"{name}.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8-sig"))
    return loaded


def fullest(whole: dict[str, Any], part: dict[str, Any] | None = None) -> Any:
    """Return a payload with every member that a schema allows."""
    part = whole if part is None else part
    if "$ref" in part:
        return fullest(whole, whole["definitions"][part["$ref"].rsplit("/", 1)[1]])
    if part.get("type") == "object":
        return {name: fullest(whole, one) for name, one in part["properties"].items()}
    if part.get("type") == "array":
        return [fullest(whole, part["items"])]
    return smallest(whole, part)


def smallest(whole: dict[str, Any], part: dict[str, Any] | None = None) -> Any:
    """Return the least that holds a schema."""
    part = whole if part is None else part
    if "$ref" in part:
        return smallest(whole, whole["definitions"][part["$ref"].rsplit("/", 1)[1]])
    if "enum" in part:
        return part["enum"][0]
    match part.get("type", "string"):  # DataTransfer's data is of any type
        case "object":
            return {name: smallest(whole, part["properties"][name]) for name in part.get("required", ())}
        case "array":
            return [smallest(whole, part["items"])] * part.get("minItems", 0)
        case "string":
            return TEXT.get(part.get("format", ""), "x")
        case "boolean":
            return True
        case "number":
            return part.get("minimum", 1.0)
        case _:
            return int(part.get("minimum", 1))


def statuses(version: str, response: str) -> Iterator[str]:
    """Yield every status word that a response may have."""
    whole = schema(version, response)
    word = whole.get("properties", {}).get("status", {})
    if "$ref" in word:
        word = whole["definitions"][word["$ref"].rsplit("/", 1)[1]]
    yield from word.get("enum", ())
