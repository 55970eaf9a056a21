"""A 2.0.1 station tells of the cable first and of the card later, and has one slot.

A session that nobody has paid for waits for its card, and a remote start brings it: it needs no slot beside the one the
cable has. Anywhere else the station is full, and so it is once the card is told.
"""

import json
from typing import Any

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Scenario, ask, step


def _told(number: int, trigger: str, kind: str = "Updated", **more: Any) -> tuple[str, str]:
    said = {"eventType": kind, "timestamp": "NOW", "triggerReason": trigger, "seqNo": number}
    return "TransactionEvent", json.dumps({**said, "transactionInfo": {"transactionId": "cable-1"}, **more})


_PLUGGED = (_told(0, "CablePluggedIn", "Started", evse={"id": 1, "connectorId": 1}),)
_CARDED = (_told(1, "Authorized", idToken={"idToken": "TAG-DRIVER", "type": "ISO14443"}),)
_ENDED = (_told(2, "EVDeparted", "Ended"),)

SCENARIO = Scenario(
    name="cable-before-card-2-0-1",
    title="The cable comes before the card, at a station with one slot",
    covers="A session that waits for its card needs no second slot.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its sessions begin with a card"),),
    slots=1,
    fiction=True,
    persona="never-starts",
    steps=(
        step("say", at=20.0, messages=_PLUGGED, number="plugged"),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=30.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=40.0),
        step("say", at=50.0, messages=_CARDED, number="carded"),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=60.0),
        step("say", at=70.0, messages=_ENDED, number="ended"),
        step("statuses", at=80.0, connector=1),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=90.0),
    ),
    faults_s=110.0,
    quiet_s=240.0,
)
