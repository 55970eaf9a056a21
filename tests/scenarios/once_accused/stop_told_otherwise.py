"""I06 accused, rightly: with every bound at two a stop told in two ways was recorded twice."""

from interlock.csms.domain.transactions import RemoteStart
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="stop-told-otherwise",
    title="Sessions of 2.0.1 that cannot be so, in any order",
    covers="Numbers say what came first, whatever came when.",
    steps=(
        step("register", 5.0, token="TAG-GROUPED", status="Blocked", parent="The-Group"),
        step(
            "say",
            20.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 100}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 200}]}], "evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 95}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:04:00Z", "triggerReason": "CablePluggedIn", "seqNo": 4, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "b", "chargingState": "EVConnected"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "b"}, "idToken": {"idToken": "TAG-OPERATOR", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:07:00Z", "triggerReason": "CablePluggedIn", "seqNo": 7, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEVSE"}, "offline": true}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:09:00Z", "triggerReason": "CablePluggedIn", "seqNo": 9, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:09:00Z", "sampledValue": [{"value": 150}]}], "idToken": {"idToken": "tag-driver", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:08:00Z", "triggerReason": "CablePluggedIn", "seqNo": 8, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEV"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:05:00Z", "triggerReason": "CablePluggedIn", "seqNo": 5, "transactionInfo": {"transactionId": "c", "chargingState": "Charging"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:03:00Z", "triggerReason": "CablePluggedIn", "seqNo": 3, "transactionInfo": {"transactionId": "c"}, "idToken": {"idToken": "TAG-GROUPED", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "c", "chargingState": "EVConnected"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 10}]}], "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "d"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 5}]}], "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "c"}, "meterValue": [{"timestamp": "2025-12-31T21:06:00Z", "sampledValue": [{"value": 20}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 30}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 40}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "1970-01-01T00:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "f"}, "meterValue": [{"timestamp": "1970-01-01T00:00:00Z", "sampledValue": [{"value": 50}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "f", "stoppedReason": "Remote"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 50}]}]}',
                ),
            ),
            number="session",
        ),
        step(
            "say",
            50.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 100}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 200}]}], "evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 95}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:04:00Z", "triggerReason": "CablePluggedIn", "seqNo": 4, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "b", "chargingState": "EVConnected"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "b"}, "idToken": {"idToken": "TAG-OPERATOR", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:07:00Z", "triggerReason": "CablePluggedIn", "seqNo": 7, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEVSE"}, "offline": true}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:09:00Z", "triggerReason": "CablePluggedIn", "seqNo": 9, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:09:00Z", "sampledValue": [{"value": 150}]}], "idToken": {"idToken": "tag-driver", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:08:00Z", "triggerReason": "CablePluggedIn", "seqNo": 8, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEV"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:05:00Z", "triggerReason": "CablePluggedIn", "seqNo": 5, "transactionInfo": {"transactionId": "c", "chargingState": "Charging"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:03:00Z", "triggerReason": "CablePluggedIn", "seqNo": 3, "transactionInfo": {"transactionId": "c"}, "idToken": {"idToken": "TAG-GROUPED", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "c", "chargingState": "EVConnected"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 10}]}], "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "d"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 5}]}], "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "c"}, "meterValue": [{"timestamp": "2025-12-31T21:06:00Z", "sampledValue": [{"value": 20}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 30}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 40}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "1970-01-01T00:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "f"}, "meterValue": [{"timestamp": "1970-01-01T00:00:00Z", "sampledValue": [{"value": 50}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "f", "stoppedReason": "Remote"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 50}]}]}',
                ),
            ),
            number="again",
        ),
        step(
            "say",
            50.5,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 100}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 200}]}], "evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 95}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "a"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 90}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:04:00Z", "triggerReason": "CablePluggedIn", "seqNo": 4, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "b", "chargingState": "EVConnected"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "b"}, "idToken": {"idToken": "TAG-OPERATOR", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:07:00Z", "triggerReason": "CablePluggedIn", "seqNo": 7, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEVSE"}, "offline": true}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "b", "chargingState": "Charging"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:09:00Z", "triggerReason": "CablePluggedIn", "seqNo": 9, "transactionInfo": {"transactionId": "b"}, "meterValue": [{"timestamp": "2025-12-31T21:09:00Z", "sampledValue": [{"value": 150}]}], "idToken": {"idToken": "tag-driver", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:08:00Z", "triggerReason": "CablePluggedIn", "seqNo": 8, "transactionInfo": {"transactionId": "b", "chargingState": "SuspendedEV"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:05:00Z", "triggerReason": "CablePluggedIn", "seqNo": 5, "transactionInfo": {"transactionId": "c", "chargingState": "Charging"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "2025-12-31T21:03:00Z", "triggerReason": "CablePluggedIn", "seqNo": 3, "transactionInfo": {"transactionId": "c"}, "idToken": {"idToken": "TAG-GROUPED", "type": "ISO14443"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "c", "chargingState": "EVConnected"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 10}]}], "idToken": {"idToken": "TAG-DRIVER", "type": "ISO14443"}, "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "d"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 5}]}], "evse": {"id": 2, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:06:00Z", "triggerReason": "CablePluggedIn", "seqNo": 6, "transactionInfo": {"transactionId": "c"}, "meterValue": [{"timestamp": "2025-12-31T21:06:00Z", "sampledValue": [{"value": 20}]}]}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:02:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:02:00Z", "sampledValue": [{"value": 30}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "e"}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 40}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "1970-01-01T00:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "f"}, "meterValue": [{"timestamp": "1970-01-01T00:00:00Z", "sampledValue": [{"value": 50}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:01:00Z", "triggerReason": "CablePluggedIn", "seqNo": 1, "transactionInfo": {"transactionId": "f", "stoppedReason": "Remote"}, "meterValue": [{"timestamp": "2025-12-31T21:01:00Z", "sampledValue": [{"value": 50}]}]}',
                ),
            ),
            number="twin",
            station=2,
        ),
        step(
            "say",
            76.0,
            messages=(
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector"}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 0, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 0}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Nonsense", "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "Available"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
                (
                    "NotifyEvent",
                    '{"generatedAt": "NOW", "seqNo": 0, "eventData": [{"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}, {"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification", "actualValue": "Reserved", "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "AvailabilityState"}}]}',
                ),
            ),
            number="event",
        ),
        step("answer_instead", 89.0, code="InternalError"),
        step(
            "ask",
            90.0,
            command=RemoteStart(
                evse=1, id_token="TAG-OPERATOR", remote_start_id=77, details={"idToken": {"type": "Central"}}
            ),
        ),
        step(
            "say",
            100.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "2025-12-31T21:04:00Z", "triggerReason": "CablePluggedIn", "seqNo": 4, "transactionInfo": {"transactionId": "g", "remoteStartId": 77, "stoppedReason": "Remote"}, "meterValue": [{"timestamp": "2025-12-31T21:04:00Z", "sampledValue": [{"value": 60}]}], "evse": {"id": 1, "connectorId": 1}}',
                ),
            ),
            number="effect",
        ),
        step("answer_instead", 109.0, payload='{"status":"Rejected"}', does="Rejected"),
        step(
            "ask",
            110.0,
            command=RemoteStart(
                evse=2, id_token="TAG-OPERATOR", remote_start_id=78, details={"idToken": {"type": "Central"}}
            ),
        ),
        step(
            "say",
            116.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0, "transactionInfo": {"transactionId": "h", "remoteStartId": 78}, "meterValue": [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": 70}]}], "evse": {"id": 2, "connectorId": 1}}',
                ),
            ),
            number="late",
        ),
        step("statuses", 120.0, connector=1),
        step("statuses", 122.0, connector=2),
    ),
    stations=2,
    faults_s=130.0,
    quiet_s=900.0,
    settle_s=60.0,
    bounds=2,
    fiction=True,
    retold=("told_twice", "as_text", "other_ids"),
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1: what-cannot-be has the others"),),
)
