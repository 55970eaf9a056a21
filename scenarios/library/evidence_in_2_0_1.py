"""A 2.0.1 station tells by a trigger what became of commands whose answers were lost.

A transaction that is told to have an unlock or a remote stop behind it confirms the one command it is about: the unlock
of that EVSE, the stop of that transaction. A remote start's id does so in whichever message it first arrives. The boot
behind a reset shows one of the whole station, and none of an EVSE alone.
"""

import json
from typing import Any

from interlock.csms.domain.commands import RemoteStart, RemoteStop, Reset, Unlock
from interlock.scenarios.spec import Scenario, ask, step


def _told(evse: int, number: int, trigger: str, kind: str = "Updated", **info: Any) -> tuple[str, str]:
    place = {"id": evse, "connectorId": 1}
    said = {"eventType": kind, "timestamp": "NOW", "triggerReason": trigger, "seqNo": number, "evse": place}
    return "TransactionEvent", json.dumps({**said, "transactionInfo": {"transactionId": f"told-{evse}", **info}})


_BEGUN = tuple(_told(evse, 0, "CablePluggedIn", "Started") for evse in (1, 2))
_MOVED = (_told(2, 1, "UnlockCommand"), _told(1, 1, "RemoteStop"))
_ENDED = (_told(1, 2, "EVDeparted", "Ended"), _told(2, 2, "EVDeparted", "Ended"))
_STARTED = (
    _told(2, 0, "RemoteStart", "Started", transactionId="remote-2", remoteStartId=22),
    _told(2, 1, "EVDeparted", "Ended", transactionId="remote-2"),
    _told(1, 2, "EVDeparted", "Ended", transactionId="remote-1", remoteStartId=11, stoppedReason="Remote"),
)
_BOOT = {"chargingStation": {"vendorName": "V", "model": "M"}}
_BOOTED = ("BootNotification", json.dumps({**_BOOT, "reason": "RemoteReset"}))

SCENARIO = Scenario(
    name="evidence-in-2-0-1",
    title="Triggers and ids of a 2.0.1 station show what became of commands",
    covers="Proof of one command is none of another.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages have no trigger and no remoteStartId"),),
    fiction=True,
    steps=(
        step("say", at=20.0, messages=_BEGUN, number="begun"),
        step("lose_answer", at=25.0, action="UnlockConnector", then_cut=False, seconds=70.0),
        step("lose_answer", at=25.0, action="RemoteStopTransaction", then_cut=False, seconds=100.0),
        ask(Unlock(1), at=30.0),
        ask(Unlock(2), at=62.0),
        ask(RemoteStop("told-1"), at=94.0),
        ask(RemoteStop("told-2"), at=126.0),
        step("say", at=160.0, messages=_MOVED, number="moved"),
        step("say", at=170.0, messages=_ENDED, number="ended"),
        step("lose_answer", at=180.0, action="RemoteStartTransaction", then_cut=False, seconds=100.0),
        ask(RemoteStart(1, "TAG-OPERATOR", 11), at=190.0),
        ask(RemoteStart(2, "TAG-OPERATOR", 22), at=222.0),
        step("say", at=260.0, messages=_STARTED, number="started"),
        step("lose_answer", at=270.0, action="Reset", then_cut=False, seconds=10.0),
        ask(Reset(True, 1), at=272.0),
        step("say", at=310.0, messages=(_BOOTED,), number="booted"),
        step("statuses", at=320.0, connector=1),
        step("statuses", at=322.0, connector=2),
    ),
    persona="never-starts",
    faults_s=330.0,
    quiet_s=600.0,
)
