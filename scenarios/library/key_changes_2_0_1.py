"""The same as key-changes with SetVariables, whose answer has a status for the variable."""

from __future__ import annotations

import json
from dataclasses import replace

from interlock.scenarios.library import key_changes


def _answer(status: str) -> str:
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return json.dumps({"setVariableResult": [{"attributeStatus": status, **variable}]})


SCENARIO = replace(
    key_changes.SCENARIO,
    name="key-changes-2-0-1",
    title="Keys are set, changed, refused, in doubt and taken away, in OCPP 2.0.1",
    steps=key_changes.steps("SetVariables", _answer("Accepted"), _answer("Rejected")),
    ocpp="2.0.1",
    absent_in=(("1.6", "a key is set by ChangeConfiguration: see key-changes"),),
)
