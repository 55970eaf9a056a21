"""A station that is Pending, Accepted, then Rejected while it stays connected, and says in each what it may not.

The CSMS is told anew how boots are answered; the station boots again after its interval, or when it is asked to.
"""

import json

from interlock.csms.domain.commands import Relay
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

_AT = "2025-12-31T21:00:00Z"
_SAID = (
    ("Heartbeat", "{}"),
    ("FirmwareStatusNotification", '{"status":"Idle"}'),
    ("SecurityEventNotification", json.dumps({"type": "Tamper", "timestamp": _AT})),
    ("DataTransfer", '{"vendorId":"v"}'),
)
_BOOT = Relay("TriggerMessage", {"requestedMessage": "BootNotification"})

SCENARIO = Scenario(
    name="registration-changes",
    title="Pending, Accepted, Rejected and Accepted again, on one connection",
    covers="What may be said follows the last answer to a boot.",
    settings=Settings(registration="Pending", heartbeat_interval_s=20.0, offline_after_s=90.0),
    steps=(
        step("say", at=Between(8.0, 14.0), messages=_SAID, number="pending"),
        step("set_registration", at=30.0, status="Accepted"),
        step("say", at=Between(48.0, 56.0), messages=_SAID, number="accepted"),
        step("look", at=60.0),
        step("set_registration", at=70.0, status="Rejected"),
        ask(_BOOT, at=75.0),
        step("say", at=Between(80.0, 90.0), messages=_SAID, number="rejected"),
        step("look", at=96.0),
        step("set_registration", at=100.0, status="Accepted"),
        step("say", at=Between(125.0, 130.0), messages=_SAID, number="again"),
        step("reconnect", at=140.0),
        step("say", at=Between(145.0, 150.0), messages=_SAID, number="anew"),
        step("set_registration", at=160.0, status="Pending"),
        ask(_BOOT, at=165.0),
        step("reconnect", at=175.0),
        step("say", at=Between(180.0, 184.0), messages=_SAID, number="later"),
        step("crash", at=190.0, down_s=4.0),
        step("set_registration", at=215.0, status="Accepted"),
    ),
    fiction=True,
    faults_s=240.0,
    quiet_s=120.0,
)
