"""I36 accused: a station names another EVSE in an update than in the start, which it tells after the end."""

import json
from typing import Any

from interlock.scenarios.spec import Scenario, step


def _told(number: int, kind: str, **more: Any) -> tuple[str, str]:
    said = {"eventType": kind, "timestamp": "2025-12-31T21:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": number}
    return "TransactionEvent", json.dumps({**said, "transactionInfo": {"transactionId": "b"}, **more})


def _metered(energy_wh: int) -> list[dict[str, Any]]:
    return [{"timestamp": "2025-12-31T21:00:00Z", "sampledValue": [{"value": energy_wh}]}]


_SAID = (
    _told(1, "Updated", evse={"id": 2, "connectorId": 1}, meterValue=_metered(120)),
    _told(0, "Started", evse={"id": 1, "connectorId": 1}, meterValue=_metered(100)),
    _told(9, "Ended", meterValue=_metered(150)),
)
SCENARIO = Scenario(
    name="session-at-two-places",
    title="A session is told at two places, its start last",
    covers="What a station contradicts itself in is nobody's mistake.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1"),),
    steps=(step("say", 20.0, messages=_SAID),),
    fiction=True,
    faults_s=40.0,
)
