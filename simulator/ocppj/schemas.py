"""The JSON schemas of one OCPP version, as the `ocpp` package ships them, and the error codes of that version."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs

Validator = jsonschema_rs.Draft4Validator | jsonschema_rs.Draft6Validator


@dataclass(frozen=True, slots=True)
class Spelling:
    """CALLERROR codes of one OCPP version, by what is wrong."""

    malformed_call: str
    """A CALL that is not [2, id, action, {...}]."""
    unknown_type: str | None
    """A message type number that does not exist; None: such a frame is ignored."""
    unreadable: str
    """A payload that breaks its schema in a way that has no code of its own."""
    by_keyword: Mapping[str, str] = field(default_factory=dict)
    """The code for each keyword of JSON schema."""


class Schemas:
    """Checks payloads against the schemas of one version. A schema is compiled when it is first needed."""

    def __init__(self, folder: str, request_suffix: str, draft: type[Any], spelling: Spelling) -> None:
        self._folder, self._suffix, self._draft, self.spelling = folder, request_suffix, draft, spelling
        self._validators: dict[str, Validator] = {}
        self._answers: dict[str, Callable[[Any], bool]] = {}
        """The check of each action's answer: one look-up for each answer of a CSMS."""

    @cached_property
    def _directory(self) -> Path:
        found = importlib.util.find_spec("ocpp")
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
        return Path(found.submodule_search_locations[0]) / self._folder / "schemas"

    def _validator(self, name: str) -> Validator:
        known = self._validators.get(name)
        if known is None:
            text = (self._directory / f"{name}.json").read_text("utf-8-sig")
            known = self._validators[name] = self._draft(text, validate_formats=False)
        return known

    @cached_property
    def actions(self) -> frozenset[str]:
        """Every action of this version, in either direction."""
        names = (path.stem for path in self._directory.glob("*.json"))
        return frozenset(name.removesuffix(self._suffix) for name in names if not name.endswith("Response"))

    def valid_answer(self, action: str, payload: dict[str, Any]) -> bool:
        """Tell whether `payload` may answer a CALL of `action`."""
        is_valid = self._answers.get(action)
        if is_valid is None:
            is_valid = self._answers[action] = self._validator(f"{action}Response").is_valid
        try:
            return is_valid(payload)
        except ValueError:
            return False  # not even representable: a number of thousands of digits, say

    def wrong_with(self, action: str, payload: dict[str, Any]) -> tuple[str, str] | None:
        """Return the CALLERROR code in this version's spelling, and why, when a CALL's payload breaks its schema."""
        schema = self._validator(f"{action}{self._suffix}")
        try:
            if schema.is_valid(payload):
                return None
            error = next(schema.iter_errors(payload))
        except ValueError as broken:
            return self.spelling.unreadable, str(broken)
        where = "/".join(str(part) for part in error.instance_path) or "payload"
        code = self.spelling.by_keyword.get(error.kind.name, self.spelling.unreadable)
        return code, f"{where}: {error.message}"
