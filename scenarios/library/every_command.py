"""Every command of the dialect once, each to its own end, none in another's way.

A CSMS that sends nothing, or the wrong thing, or to the wrong connector, differs here from the first command on.
"""

from interlock.csms.domain.commands import ChangeAvailability, Relay, RemoteStart, Reset, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step

PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 600, "limit": 8.5}],
    },
}

SCENARIO = Scenario(
    name="every-command",
    title="Every command of the dialect, one after another",
    covers="What leaves is what was asked, whatever was asked.",
    steps=(
        ask(Relay("GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]}), at=20.0),
        ask(Relay("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "15"}), at=24.0),
        ask(Relay("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}), at=28.0),
        ask(Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}), at=32.0),
        ask(Relay("ClearCache", {}), at=36.0),
        ask(ChangeAvailability(2, False), at=40.0),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=46.0),
        ask(ChangeAvailability(2, True), at=52.0),
        ask(Unlock(2), at=Between(56.0, 60.0)),
        ask(RemoteStart(1, "TAG-OPERATOR", details={"chargingProfile": PROFILE}), at=64.0),
        step("plug", at=70.0, connector=1),
        step("ask_stop", at=130.0, connector=1),
        step("unplug", at=140.0, connector=1),
        ask(Reset(False), at=150.0),
        ask(Reset(True), at=190.0),
        ask(ChangeAvailability(0, False), at=230.0),
        ask(ChangeAvailability(0, True), at=240.0),
    ),
    retold=("beside", "connected_again", "other_ids"),
    faults_s=260.0,
)
