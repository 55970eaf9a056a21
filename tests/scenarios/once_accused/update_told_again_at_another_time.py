"""I35 accused: a station tells a numbered message again and dates it anew."""

import json

from interlock.scenarios.spec import Scenario, step


def _told(number: int, kind: str, at: str) -> tuple[str, str]:
    said = {"eventType": kind, "timestamp": at, "triggerReason": "CablePluggedIn", "seqNo": number}
    where = {"evse": {"id": 2, "connectorId": 1}, "transactionInfo": {"transactionId": "b"}}
    return "TransactionEvent", json.dumps({**said, **where})


_SAID = (
    _told(0, "Started", "2026-01-01T00:00:10Z"),
    _told(1, "Updated", "2026-01-01T00:00:11Z"),
    _told(1, "Updated", "2026-01-01T00:00:12Z"),
    _told(2, "Ended", "2026-01-01T00:00:13Z"),
)
SCENARIO = Scenario(
    name="update-told-again-at-another-time",
    title="A message is told again under its number, at another time",
    covers="A number that was told is the same message, whatever else it says.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages have no numbers"),),
    steps=(step("say", 20.0, messages=_SAID), step("statuses", 30.0, connector=2)),
    fiction=True,
    faults_s=40.0,
)
