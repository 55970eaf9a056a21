"""Stations and operators say a key where it may be said, and where it may not: it is nowhere in the log."""

import json
from typing import Any

from interlock.csms.domain.commands import Relay
from interlock.scenarios.spec import Scenario, ask, step

KEY = "an-open-sesame-16"
_WHERE = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
_OTHER = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}


def _report(**told: Any) -> tuple[str, str]:
    data = [{**_OTHER, "variableAttribute": [{"value": "60"}]}, {**_WHERE, **told}]
    return "NotifyReport", json.dumps({"requestId": 1, "generatedAt": "NOW", "seqNo": 0, "reportData": data})


_EVENT = {"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification"}
_SAID = (
    _report(variableAttribute=[{"value": KEY}, {"value": KEY, "type": "Target"}]),
    _report(variableAttribute=[{"type": "Actual", "value": KEY}], actualValue=KEY),
    (
        "NotifyEvent",
        json.dumps({"generatedAt": "NOW", "seqNo": 0, "eventData": [{**_EVENT, **_WHERE, "actualValue": KEY}]}),
    ),
    ("NotifyReport", json.dumps({"requestId": 2, "generatedAt": "NOW", "seqNo": 0, "reportData": []})),
)
_PROFILE = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://csms.example",
    "messageTimeout": 30,
    "securityProfile": 1,
    "ocppInterface": "Wired0",
}
_VARIABLES = {"getVariableData": [_WHERE]}
_SLOT = {"configurationSlot": 1, "connectionData": _PROFILE}


def _got(**more: Any) -> str:
    return json.dumps({"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": KEY, **_WHERE, **more}]})


SCENARIO = Scenario(
    name="keys-are-told",
    title="A key is said in reports, events, answers and profiles of 2.0.1",
    covers="A key is nowhere in the log.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1: configuration-is-told has the others"),),
    steps=(
        step("say", at=20.0, messages=_SAID),
        step("answer_instead", at=39.0, payload=_got(), does="Accepted"),
        ask(Relay("GetVariables", _VARIABLES), at=40.0),
        step("answer_instead", at=44.0, payload=_got(attributeType="Target"), does="Accepted"),
        ask(Relay("GetVariables", {"getVariableData": [_WHERE, _OTHER]}), at=45.0),
        step("answer_instead", at=49.0, payload='{"status":"Accepted"}', does="Accepted"),
        ask(Relay("SetNetworkProfile", _SLOT), at=50.0),
    ),
    fiction=True,
    faults_s=70.0,
    quiet_s=60.0,
)
