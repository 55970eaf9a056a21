"""Triggered messages (1.6 section 5.17)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import PRESENT, C, Item, Ref, Sent, one_of
from interlock.scenarios.cases.v16._words import ask, csms, order, station, tell

_PROFILE, _FEATURES = "RemoteTrigger", ("remote_trigger",)
_IDLE = {"status": "Idle"}
_ABSENT = {"status": one_of("Accepted", "NotImplemented")}
_VALUES = {"connectorId": C, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}]}


def _trigger(message: str, **more: Any) -> dict[str, Any]:
    return {"requestedMessage": message, **more}


def _ordered(
    message: str, payload: dict[str, Any], answer: dict[str, Any], when: str | None = None, **more: Any
) -> tuple[Item, ...]:
    return *order("TriggerMessage", _trigger(message, **more)), *tell(message, payload, answer, when=when)


CASES = (
    station(
        "TC_054_CS", "Messages are triggered", "5.17",
        *ask("TriggerMessage", _trigger("MeterValues", connectorId=C)), Sent("MeterValues", {"connectorId": C}),
        *ask("TriggerMessage", _trigger("Heartbeat")), Sent("Heartbeat"),
        *ask("TriggerMessage", _trigger("StatusNotification", connectorId=C)),
        Sent("StatusNotification", {"connectorId": C, "status": "Available"}),
        *ask("TriggerMessage", _trigger("DiagnosticsStatusNotification"), when="firmware"),
        Sent("DiagnosticsStatusNotification", _IDLE, when="firmware"),
        *ask("TriggerMessage", _trigger("FirmwareStatusNotification"), _ABSENT),
        Sent("FirmwareStatusNotification", _IDLE, when="firmware"),
        profile=_PROFILE, features=_FEATURES,
    ),
    station(
        "TC_055_CS", "A trigger for a connector that is not there", "5.17",
        *ask("TriggerMessage", _trigger("MeterValues", connectorId=Ref("unknown_connector")), {"status": "Rejected"}),
        profile=_PROFILE, features=_FEATURES,
    ),
    csms(
        "TC_054_CSMS", "Messages are triggered", "5.17",
        *_ordered("MeterValues", _VALUES, {}, connectorId=C),
        *_ordered("Heartbeat", {}, {"currentTime": PRESENT}),
        *_ordered(
            "StatusNotification", {"connectorId": C, "errorCode": "NoError", "status": "Available"}, {}, connectorId=C,
        ),
        *_ordered("DiagnosticsStatusNotification", _IDLE, {}, "firmware"),
        *_ordered("FirmwareStatusNotification", _IDLE, {}, "firmware"),
        profile=_PROFILE, features=_FEATURES,
    ),
    csms(
        "TC_055_CSMS", "A trigger is rejected", "5.17",
        *order(
            "TriggerMessage", _trigger("MeterValues", connectorId=Ref("unknown_connector")), {"status": "Rejected"}
        ),
        profile=_PROFILE, features=_FEATURES,
    ),
)  # fmt: skip
