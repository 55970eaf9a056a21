"""A station whose boot was answered Pending says more than it may, and what it was asked for by a trigger.

What it may not say is refused until it is accepted, and leaves a trace; what it may is taken.
"""

import json

from interlock.csms.domain.commands import Relay
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, ask, step

_AT = "2025-12-31T21:00:00Z"
_SAID = (
    ("Heartbeat", "{}"),
    ("NotifyReport", json.dumps({"requestId": 1, "generatedAt": _AT, "seqNo": 0})),
    ("NotifyMonitoringReport", json.dumps({"requestId": 1, "generatedAt": _AT, "seqNo": 0})),
    ("FirmwareStatusNotification", '{"status":"Idle"}'),
    ("LogStatusNotification", '{"status":"Idle"}'),
    ("DataTransfer", '{"vendorId":"v"}'),
    ("SecurityEventNotification", json.dumps({"type": "Tamper", "timestamp": _AT})),
)

SCENARIO = Scenario(
    name="not-registered-speaks",
    title="A station that is Pending says more than it may",
    covers="Registration says what may be said, and a trigger what was asked for.",
    settings=Settings(registration="Pending"),
    steps=(
        step("say", at=20.0, messages=_SAID),
        ask(Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}), at=40.0),
        ask(Relay("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"}), at=44.0),
        step("say", at=50.0, messages=_SAID, number="asked"),
    ),
    fiction=True,
    faults_s=70.0,
    quiet_s=60.0,
)
