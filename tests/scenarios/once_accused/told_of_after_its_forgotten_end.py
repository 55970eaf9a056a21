"""I11 and I47 accused: under small bounds the end of a session is forgotten, and it is told of again."""

import json
from typing import Any

from interlock.csms.domain.remote_control import RemoteStart
from interlock.scenarios.spec import Scenario, ask, step


def _event(kind: str, id: str, evse: int, number: int) -> tuple[str, str]:
    event: dict[str, Any] = {"eventType": kind, "timestamp": f"2025-12-31T21:0{number}:00Z", "seqNo": number}
    event |= {"triggerReason": "CablePluggedIn", "transactionInfo": {"transactionId": id}}
    return "TransactionEvent", json.dumps({**event, "evse": {"id": evse, "connectorId": 1}})


SCENARIO = Scenario(
    name="told-of-after-its-forgotten-end",
    title="A session that ended is told of again, once its end is forgotten",
    covers="Under small bounds nobody can know that it ended.",
    steps=(
        step(
            "say",
            at=20.0,
            messages=(
                *(_event("Started", "c", 2, 0), _event("Started", "d", 2, 0), _event("Ended", "c", 2, 6)),
                *(_event("Started", "e", 1, 0), _event("Ended", "e", 1, 1)),
                *(_event("Started", "f", 1, 0), _event("Ended", "f", 1, 1)),
                *(_event("Updated", "c", 2, 5), _event("Updated", "c", 2, 3)),
            ),
        ),
        ask(RemoteStart(2, "TAG-OPERATOR", 78), at=60.0),
    ),
    persona="never-starts",
    faults_s=90.0,
    quiet_s=300.0,
    settle_s=60.0,
    bounds=2,
    fiction=True,
    ocpp="2.0.1",
)
