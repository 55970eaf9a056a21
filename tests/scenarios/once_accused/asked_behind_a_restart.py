"""I43 accused: whether a station is back from a restart when it is asked is drawn anew behind one more connection."""

from interlock.csms.domain.connectors import ChangeAvailability, Unlock
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="asked-behind-a-restart",
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
        step("ask", 57.86, command=Unlock(evse=2)),
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
        step("ask", 230.0, command=ChangeAvailability(evse=0, operative=False)),
        step("ask", 240.0, command=ChangeAvailability(evse=0, operative=True)),
        step(
            "ask",
            192.47,
            command=Relay(action="ChangeConfiguration", payload={"key": "NoSuchKey", "value": "7"}),
            request="odd-17-192.47",
            station=1,
            node=1,
        ),
        step(
            "ask",
            25.599,
            command=ChangeAvailability(evse=2, operative=False),
            request="odd-17-25.599",
            station=1,
            node=1,
        ),
        step("close_doubt", 30.599, request="odd-17-25.599", station=1, node=1),
        step("ask", 82.064, command=RemoteStop(transaction_id="1"), request="odd-17-82.064", station=1, node=1),
        step("insist", 210.029, command=Unlock(evse=1), request="odd-17-210.029", station=1, node=1),
        step("close_doubt", 270.029, request="odd-17-210.029", station=1, node=1),
        step("look_up", 215.029, request="odd-17-210.029", station=1, node=1),
        step("swipe", 132.797, token="TAG-OPERATOR", station=1, connector=1),
    ),
    faults_s=260.0,
    quiet_s=900.0,
    settle_s=60.0,
    retold=("beside", "connected_again", "other_ids"),
)
