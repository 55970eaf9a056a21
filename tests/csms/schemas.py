"""Payloads drawn from the JSON schemas that the `ocpp` package ships, valid ones and ones with one member broken.

`hypothesis-jsonschema` does not work with today's Hypothesis, and these schemas use few keywords.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Node = dict[str, Any]
_LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
TIMES = st.sampled_from(["2026-05-04T10:00:00Z", "2026-05-04T12:00:00.123+02:00", "1970-01-01T00:00:00Z"])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_LETTERS, max_size=8)
    | st.sampled_from(["", "x" * 300, "x" * 60, "null", "\u0000", "7", "7.5", "true", "2026-05-04T10:00:00", "Foo"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_LETTERS, max_size=5), inner, max_size=3),
    max_leaves=5,
)
"""JSON of any kind."""


def valid(schema: Node) -> st.SearchStrategy[Any]:
    """Return the payloads that hold `schema`."""
    return _of(schema, schema.get("definitions", {}))


def _of(node: Node, definitions: Node) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        return st.deferred(lambda: _of(definitions[node["$ref"].rsplit("/", 1)[1]], definitions))
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node.get("type"):
        case "object":
            known = node.get("properties", {})
            needed = {name: _of(known[name], definitions) for name in node.get("required", ())}
            others = {name: _of(one, definitions) for name, one in known.items() if name not in needed}
            return st.fixed_dictionaries(needed, optional=others)
        case "array":
            least = node.get("minItems", 0)
            return st.lists(_of(node["items"], definitions), min_size=least, max_size=max(least, 2))
        case "string" if node.get("format") == "date-time":
            return TIMES
        case "string" if node.get("format") == "uri":
            return st.just("http://127.0.0.1/x")
        case "string":
            return st.text(_LETTERS, min_size=node.get("minLength", 0), max_size=min(node.get("maxLength", 12), 12))
        case "integer":
            return st.integers(node.get("minimum", 0), node.get("maximum", 2**31 - 1))
        case "number":
            return st.integers(0, 9999).map(lambda tenths: tenths / 10)
        case "boolean":
            return st.booleans()
        case _:
            return ANYTHING


def members(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the paths of everything in a payload."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in items:
        yield (*path, name)
        yield from members(one, (*path, name))


def with_one(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the payload with another value at `path`."""
    changed = copy.deepcopy(payload)
    inside = changed
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return changed


def plain(path: tuple[Any, ...]) -> str:
    """Return a path without its indices, as deviations name it."""
    return ".".join(name for name in path if isinstance(name, str))
