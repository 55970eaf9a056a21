"""The JSON schemas of one OCPP version, as the `ocpp` package ships them, and the CALLERROR code for breaking one.

All are read when a `Schemas` is made, so that serving stations reads nothing from disk; each is compiled once, when it
is first needed (about 0.5 ms).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Protocol

import jsonschema_rs
import msgspec

from interlock.csms.dialects import lenient
from interlock.csms.dialects.dialect import NotAcceptable, Payload
from interlock.csms.domain.reports import Deviation


class Validator(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: Any) -> bool:
        """Return whether a value fits the schema."""

    def iter_errors(self, instance: Any) -> Any:
        """Yield the breaches of the schema."""


STATUS = frozenset({"status="})
"""The core of a response: its status, which must be one of the listed words."""
_SECRET = re.compile("password|secret|pin|key", re.IGNORECASE)
_VARIABLES = ("reportData", "eventData", "monitor", "data")
"""Members below which a value may belong to a secret variable, although its own name does not show it."""


class Schemas:
    """The schemas in the folder `version` of the `ocpp` package.

    `requests` is the suffix of the names of request schemas there. `codes` maps a broken JSON schema keyword to a
    CALLERROR code; any other keyword is `otherwise`. `said` adds, by action and path, keywords for rules that the
    standard states in its text but not in its schemas.
    """

    def __init__(
        self,
        version: str,
        requests: str,
        codes: Mapping[str, str],
        otherwise: str,
        said: Mapping[str, Mapping[str, Payload]],
    ) -> None:
        self._requests, self._codes, self._otherwise, self._said = requests, codes, otherwise, said
        self._texts = {path.stem: path.read_text("utf-8-sig") for path in _folder(version).glob("*.json")}
        self._compiled: dict[str, Validator] = {}
        self._with_formats: dict[str, Validator] = {}
        self.actions = frozenset(
            name.removesuffix(requests)
            for name in self._texts
            if name.endswith(requests) and not name.endswith("Response")
        )
        """Every action the version knows, in either direction."""

    def request(self, action: str, payload: Payload) -> None:
        """Raise `NotAcceptable` when `payload` breaks the schema of a request, saying where and why."""
        self._check(action + self._requests, payload)

    def document(self, action: str) -> Payload:
        """Return the schema of a request, with the rules that stand only in the text of the standard."""
        found: Payload = msgspec.json.decode(self._texts[action + self._requests])
        for path, keywords in self._said.get(action, {}).items():
            node = found
            for name in path.split("."):
                node = node.get("items", node)
                node = found["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
                node = node["properties"][name]
            node.update(keywords)
        return found

    def readable(
        self, action: str, payload: Payload, core: Set[str], clause: str
    ) -> tuple[Payload, tuple[Deviation, ...]]:
        """Return what can be read of a request and how it deviates from its schema, formats included.

        `core` as in `lenient`. Raises `NotAcceptable` when that cannot be read.
        """
        schema = self._with_formats.get(action)
        if schema is None:
            schema = jsonschema_rs.validator_for(self.document(action), validate_formats=True)
            self._with_formats[action] = schema
        if schema.is_valid(payload):
            return payload, ()
        try:
            found, broken = lenient.readable(payload, self.document(action), core)
        except lenient.Unreadable as error:
            raise self._broken(error.member, error.rule) from None
        if not broken:  # a keyword whose breach leaves the meaning unchanged
            first = next(schema.iter_errors(payload))
            member = ".".join(str(part) for part in first.instance_path if not isinstance(part, int))
            broken = (lenient.Broken(member, first.kind.name, lenient.example(first.instance)),)
        return found, tuple([Deviation(action, *one[:2], clause, _shown(one)) for one in broken])

    def readable_response(self, action: str, payload: Payload) -> Payload | None:
        """Return what can be read of a response that breaks its schema; None when its `status` cannot."""
        schema: Payload = msgspec.json.decode(self._texts[f"{action}Response"])
        try:
            return lenient.readable(payload, schema, STATUS)[0]
        except lenient.Unreadable:
            return None

    def response(self, action: str, payload: Payload) -> None:
        """Raise `NotAcceptable` when `payload` breaks the schema of a response, saying where and why."""
        self._check(f"{action}Response", payload)

    def _validator(self, name: str) -> Validator:
        found = self._compiled.get(name)
        if found is None:
            # Draft 4 for all: from draft 6 on, which 2.0.1 names, 1.0 is an integer, and it would be stored as a float.
            found = jsonschema_rs.Draft4Validator(self._texts[name], validate_formats=False)
            self._compiled[name] = found
        return found

    def _check(self, name: str, payload: Payload) -> None:
        schema = self._validator(name)
        if schema.is_valid(payload):
            return
        error = next(schema.iter_errors(payload))
        where = "/".join(str(part) for part in error.instance_path) or "payload"
        raise self._broken(where, error.kind.name)

    def _broken(self, where: str, keyword: str) -> NotAcceptable:
        # The offending value is not repeated: it may be a megabyte, and its sender has it.
        code = self._codes.get("type" if keyword == "null" else keyword, self._otherwise)
        return NotAcceptable(code, f"{where}: breaks {keyword} of the schema")


def _shown(broken: lenient.Broken) -> str:
    """Return the example of a breach, empty if it may be a secret, as the log keeps it for ever."""
    hidden = broken.member.split(".")[0] in _VARIABLES or _SECRET.search(broken.member + broken.example)
    return "" if hidden else broken.example


def _folder(version: str) -> Path:
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    return Path(found.submodule_search_locations[0]) / version / "schemas"
