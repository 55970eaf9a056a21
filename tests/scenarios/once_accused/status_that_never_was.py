"""I18 accused, wrongly: a station said a status that no hardware of it had, and never another one after it."""

from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="status-that-never-was",
    title="Two connectors are said to be reserved, and one of them never to be otherwise",
    covers="What a station says is what there is to believe.",
    steps=(
        step(
            "say",
            76.0,
            messages=(
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}, {"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
            ),
        ),
        step("statuses", 120.0, connector=1),
    ),
    faults_s=130.0,
    quiet_s=900.0,
    settle_s=60.0,
    fiction=True,
    ocpp="2.0.1",
)
