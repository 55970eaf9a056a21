"""The JSON schemas of OCPP 1.6 as the `ocpp` package has them: whether a payload is legal, and legal samples."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from interlock.scenarios.cases.language import Present

PREFERRED = ("Accepted", "Available", "NoError", "Idle")
SAMPLE_TIME = "2026-01-01T00:00:00Z"


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    return Path(found.submodule_search_locations[0]) / "v16" / "schemas"


@cache
def actions() -> frozenset[str]:
    """Return every action of OCPP 1.6 and its security extension."""
    return frozenset(path.stem for path in _folder().glob("*.json") if not path.stem.endswith("Response"))


@cache
def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_folder() / f"{name}.json").read_text("utf-8-sig"))
    return found


@cache
def _validator(name: str) -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator((_folder() / f"{name}.json").read_text("utf-8-sig"), validate_formats=False)


def wrong_with(name: str, payload: Any) -> str | None:
    """Return why a payload breaks the schema `name` (an action, or an action and `Response`), or None."""
    schema = _validator(name)
    try:
        if schema.is_valid(payload):
            return None
        error = next(iter(schema.iter_errors(payload)))
    except ValueError as broken:
        return str(broken)
    where = "/".join(str(part) for part in error.instance_path) or "payload"
    return f"{where}: {error.message}"[:200]


def sample(name: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a legal payload for the schema `name`, with these fields."""
    found: dict[str, Any] = _sample(_schema(name), fields or {}, _schema(name))
    return found


def _sample(schema: Mapping[str, Any], given: Any, root: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, root)
    given = None if isinstance(given, Present) else given
    properties = schema.get("properties")
    if isinstance(given, list) and "items" in schema:
        return [_sample(schema["items"], one, root) for one in given]
    if properties is None:
        return given if given is not None else _plain(schema, root)
    given = given if isinstance(given, Mapping) else {}
    made = {}
    for name in dict.fromkeys((*schema.get("required", ()), *given)):
        if name in properties:
            made[name] = _sample(properties[name], given.get(name), root)
        else:
            made[name] = given[name]
    return made


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Mapping[str, Any] = found
    return resolved


def _plain(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return next((one for one in PREFERRED if one in schema["enum"]), schema["enum"][0])
    match schema.get("type"):
        case "string":
            return SAMPLE_TIME if schema.get("format") == "date-time" else "x"
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "array":
            return [_sample(schema.get("items", {}), None, root)]
        case _:
            return {}


def sampled(name: str, path: Sequence[str | int]) -> Any:
    """Return a legal value for the part of a schema at a path."""
    return _sample(at(name, path), None, _schema(name))


def at(name: str, path: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the part of a schema at a path of names and numbers; an empty one where there is none."""
    root = _schema(name)
    found: Mapping[str, Any] = root
    for part in path:
        found = _resolved(found, root)
        found = found.get("items", {}) if isinstance(part, int) else found.get("properties", {}).get(part, {})
    return _resolved(found, root)
