"""I39 accused, rightly: what told of an unlock that had been given up did not confirm it."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="unlock-shown-after-it-was-given-up",
    title="Triggers and ids of a 2.0.1 station show what became of commands",
    covers="Proof of one command is none of another.",
    steps=(
        step(
            "say",
            20.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "NOW", "triggerReason": "CablePluggedIn", "seqNo": 0, "evse": {"id": 1, "connectorId": 1}, "transactionInfo": {"transactionId": "told-1"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "NOW", "triggerReason": "CablePluggedIn", "seqNo": 0, "evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "told-2"}}',
                ),
            ),
            number="begun",
        ),
        step("lose_answer", 25.0, action="UnlockConnector", then_cut=False, seconds=70.0),
        step("lose_answer", 25.0, action="RemoteStopTransaction", then_cut=False, seconds=100.0),
        step("ask", 30.0, command=Unlock(evse=1)),
        step("ask", 62.0, command=Unlock(evse=2)),
        step("ask", 94.0, command=RemoteStop(transaction_id="told-1")),
        step("ask", 126.0, command=RemoteStop(transaction_id="told-2")),
        step(
            "say",
            160.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "NOW", "triggerReason": "UnlockCommand", "seqNo": 1, "evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "told-2"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Updated", "timestamp": "NOW", "triggerReason": "RemoteStop", "seqNo": 1, "evse": {"id": 1, "connectorId": 1}, "transactionInfo": {"transactionId": "told-1"}}',
                ),
            ),
            number="moved",
        ),
        step(
            "say",
            170.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "NOW", "triggerReason": "EVDeparted", "seqNo": 2, "evse": {"id": 1, "connectorId": 1}, "transactionInfo": {"transactionId": "told-1"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "NOW", "triggerReason": "EVDeparted", "seqNo": 2, "evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "told-2"}}',
                ),
            ),
            number="ended",
        ),
        step("lose_answer", 180.0, action="RemoteStartTransaction", then_cut=False, seconds=100.0),
        step("ask", 190.0, command=RemoteStart(evse=1, id_token="TAG-OPERATOR", remote_start_id=11)),
        step("ask", 222.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR", remote_start_id=22)),
        step(
            "say",
            260.0,
            messages=(
                (
                    "TransactionEvent",
                    '{"eventType": "Started", "timestamp": "NOW", "triggerReason": "RemoteStart", "seqNo": 0, "evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "remote-2", "remoteStartId": 22}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "NOW", "triggerReason": "EVDeparted", "seqNo": 1, "evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "remote-2"}}',
                ),
                (
                    "TransactionEvent",
                    '{"eventType": "Ended", "timestamp": "NOW", "triggerReason": "EVDeparted", "seqNo": 2, "evse": {"id": 1, "connectorId": 1}, "transactionInfo": {"transactionId": "remote-1", "remoteStartId": 11, "stoppedReason": "Remote"}}',
                ),
            ),
            number="started",
        ),
        step("statuses", 290.0, connector=1),
        step("statuses", 292.0, connector=2),
        step("insist", 131.04, command=Reset(hard=True), request="odd-15-131.04", station=1, node=1),
        step("look_up", 191.04, request="odd-15-131.04", station=1, node=1),
        step("ask", 210.356, command=Unlock(evse=1), request="odd-15-210.356", station=1, node=1),
        step("close_doubt", 215.356, request="odd-15-210.356", station=1, node=1),
        step("look_up", 410.356, request="odd-15-210.356", station=1, node=1),
        step("ask", 57.18, command=Unlock(evse=2), request="odd-15-57.18", station=1, node=1),
        step("ask", 21.041, command=Unlock(evse=2, connector=2), request="odd-15-21.041", station=1, node=1),
        step("register", 152.744, token="tag-driver", status="Invalid", node=1),
        step("register", 276.536, token="tag-driver", status="Accepted", node=1),
        step("ask", 30.02, command=Unlock(evse=1)),
    ),
    persona="never-starts",
    settings=Settings(call_timeout_s=60.0, lateness_s=20.0),
    faults_s=300.0,
    quiet_s=900.0,
    settle_s=60.0,
    fiction=True,
    retold=("data_transfers",),
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages have no trigger and no remoteStartId"),),
)
