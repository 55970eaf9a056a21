"""I38 accused: a CALL waits while the store of its node takes nothing."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="command-behind-a-full-disk",
    title="Every command of the dialect, one after another",
    covers="What leaves is what was asked, whatever was asked.",
    steps=(
        step(
            "ask", 20.0, command=Relay(action="GetConfiguration", payload={"key": ["HeartbeatInterval", "NoSuchKey"]})
        ),
        step(
            "ask",
            24.0,
            command=Relay(action="ChangeConfiguration", payload={"key": "MeterValueSampleInterval", "value": "15"}),
        ),
        step(
            "ask",
            28.0,
            command=Relay(
                action="TriggerMessage", payload={"requestedMessage": "StatusNotification", "connectorId": 2}
            ),
        ),
        step("ask", 32.0, command=Relay(action="TriggerMessage", payload={"requestedMessage": "Heartbeat"})),
        step("ask", 36.0, command=Relay(action="ClearCache", payload={})),
        step("ask", 40.0, command=ChangeAvailability(evse=2, operative=False)),
        step("ask", 46.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR")),
        step("ask", 52.0, command=ChangeAvailability(evse=2, operative=True)),
        step(
            "ask",
            64.0,
            command=RemoteStart(
                evse=1,
                id_token="TAG-OPERATOR",
                details={
                    "chargingProfile": {
                        "chargingProfileId": 7,
                        "stackLevel": 1,
                        "chargingProfilePurpose": "TxProfile",
                        "chargingProfileKind": "Relative",
                        "chargingSchedule": {
                            "chargingRateUnit": "A",
                            "chargingSchedulePeriod": [
                                {"startPeriod": 0, "limit": 16.0},
                                {"startPeriod": 600, "limit": 8.5},
                            ],
                        },
                    }
                },
            ),
        ),
        step("plug", 70.0, connector=1),
        step("ask_stop", 130.0, connector=1),
        step("unplug", 140.0, connector=1),
        step("ask", 150.0, command=Reset(hard=False)),
        step("ask", 190.0, command=Reset(hard=True)),
        step("ask", 223.027, command=ChangeAvailability(evse=0, operative=False)),
        step("ask", 240.0, command=ChangeAvailability(evse=0, operative=True)),
        step("crash_at", 1.0, node=1, point="online.durable", occurrence=1, down_s=10.125),
        step("swipe", 213.8, station=1, connector=2),
        step("heartbeats", 115.376, station=1, count=3, every_s=0.3),
        step("half_open", 230.56, station=1, seconds=82.922),
        step("full_disk", 31.775, node=2, seconds=11.711),
        step("broken", 69.198, station=1, connector=2, error_code="UnderVoltage", seconds=84.021),
        step("crash", 53.323, node=2, down_s=12.723),
    ),
    nodes=2,
    balancing="rotate",
    persona="resends-new-id",
    faults_s=260.0,
    quiet_s=900.0,
    settle_s=60.0,
)
