"""`docs/deviations.md`: what is accepted although the standard forbids it, from the tables that accept it.

Written by `python -m interlock.csms.dialects.page`; a test compares the page with what this returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.csms.dialects import BY_SUBPROTOCOL
from interlock.csms.dialects.dialect import Dialect
from interlock.csms.dialects.lenient import RULES, TEXT_LIMIT
from interlock.csms.ocppj import ODD, ODD_ID_LIMIT

OTHERWISE = (
    ("OCPP-J 1.6 3.1.2, RFC 6455 4.2.2", "a subprotocol in another spelling (`OCPP1.6J`, `ocpp16`); it is repeated so"),
    (ODD["message id"], f"a CALL whose id has up to {ODD_ID_LIMIT} characters or is a number; it comes back as it is"),
    (ODD["elements of a CALL"], "a CALL without its payload (an object in a list counts), or with more behind it"),
    (ODD["JSON"], "a byte-order mark, NULs behind the frame, bare control characters, half a UTF-16 pair"),
    ("OCPP-J 1.6 4.2.3", "a CALLERROR without its last elements"),
    ("OCPP-J 1.6 4.1.3", "an unknown message type: ignored"),
    ("RFC 3339 5.6", "a time without a zone, as UTC; with a blank for the T; of any precision"),
    ("OCPP 1.6 7.28, 2.0.1 IdToken", f"an id token of up to {TEXT_LIMIT} characters; tokens are compared without case"),
    ("OCPP 1.6 7.43", "a unit in another case (`kwh`), and W, kW, V, A with the prefixes m, k, M"),
    ("OCPP 1.6 4.8", "a start, status or stop of a connector that was never reported"),
    ("OCPP 1.6 4.10", "a stop of an unknown transaction: answered, and recorded as an anomaly"),
)
"""What is accepted by code other than `lenient`: the clause, and what."""
_SHOWN = {
    "required": "may be missing",
    "enum": "may be another word",
    "maxLength": "may be longer",
    "format": "any text",
}


def page() -> str:
    """Return the page."""
    return "\n".join([*_head(), *(line for one in BY_SUBPROTOCOL.values() for line in _version(one)), *_tail()]) + "\n"


def _head() -> Iterator[str]:
    yield "# What Interlock accepts although it should not be sent"
    yield ""
    yield "Generated from the code: `python -m interlock.csms.dialects.page > docs/deviations.md`."
    yield ""
    yield "A message that breaks its schema is accepted if its core can be read: the members without which it has no"
    yield "meaning. Each kind of deviation is recorded once for a station (`DeviationRecorded`) and counted: see"
    yield "`GET /api/stations/{station}/deviations` and `interlock_deviations_total` in `/metrics`. A message that is"
    yield "not accepted is answered with the version's CALLERROR and recorded as an anomaly, also once for each kind"
    yield "and station. The event has the first value that broke the rule; the counts are since the process began."
    yield "`interlock serve --strict` refuses every message that breaks its schema."
    yield ""
    yield "| rule of the schema | what is done with a member that breaks it |"
    yield "|---|---|"
    for rule, what in RULES.items():
        yield f"| {rule} | {what} |"


def _version(dialect: Dialect) -> Iterator[str]:
    yield ""
    yield f"## {dialect.SUBPROTOCOL}"
    yield ""
    yield "| message, clause | its core | what else may be |"
    yield "|---|---|---|"
    for action, core in dialect.CORE.items():
        schema = dialect.document(action)
        names = ", ".join(f"`{name.rstrip('=')}`" for name in sorted(core) if name[-1] not in ".?") or "nothing"
        found: dict[str, list[str]] = {rule: [] for rule in _SHOWN}
        for rule, member in _members(schema, schema.get("definitions", {}), "", ()):
            if not ((rule == "required" and member in core) or f"{member}=" in core):
                found[rule].append(f"`{member}`")
        may = "; ".join(f"{_SHOWN[rule]}: {', '.join(members)}" for rule, members in found.items() if members)
        yield f"| {action}, {dialect.CLAUSES[action]} | {names} | {may or 'unknown members'} |"


def _members(
    node: Mapping[str, Any], definitions: Mapping[str, Any], path: str, inside: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield (rule, member) for each rule of the schema that a member can break and still be accepted."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        if name in inside or name == "CustomDataType":
            return
        yield from _members(definitions[name], definitions, path, (*inside, name))
        return
    for rule, keyword in (("enum", "enum"), ("maxLength", "maxLength"), ("format", "format")):
        if keyword in node:
            yield rule, path
    for name, one in node.get("properties", {}).items():
        where = f"{path}.{name}" if path else name
        if name in node.get("required", ()) and not path:
            yield "required", where
        yield from _members(one, definitions, where, inside)
    if "items" in node:
        yield from _members(node["items"], definitions, path, inside)


def _tail() -> Iterator[str]:
    yield ""
    yield "## Elsewhere"
    yield ""
    yield "| clause | what |"
    yield "|---|---|"
    for clause, what in OTHERWISE:
        yield f"| {clause} | {what} |"


if __name__ == "__main__":
    print(page(), end="")
