"""A 2.0.1 station tells of sessions that cannot be so, in any order, and of effects nobody was told of.

Numbers say what came first: a state told late changes nothing, a start may come last, a message told twice under its
number is the same. A remote start shows in an end alone, a card in an update.
"""

import json
from typing import Any

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Scenario, ask, step

_OLD = "2025-12-31T21:0{}:00Z"


def _part(kind: str, number: int, id: str, meter: int | None = None, **more: Any) -> tuple[str, str]:
    at = more.pop("at", _OLD.format(number % 10))
    values = [] if meter is None else [{"timestamp": at, "sampledValue": [{"value": meter}]}]
    info = {"transactionId": id, **more.pop("info", {})}
    said = {"eventType": kind, "timestamp": at, "triggerReason": "CablePluggedIn", "seqNo": number}
    return "TransactionEvent", json.dumps(
        {**said, "transactionInfo": info, **({"meterValue": values} if values else {}), **more}
    )


def _in(state: str) -> dict[str, Any]:
    return {"info": {"chargingState": state}}


def _card(text: str) -> dict[str, Any]:
    return {"idToken": {"idToken": text, "type": "ISO14443"}}


_AT_1: dict[str, Any] = {"evse": {"id": 1, "connectorId": 1}}
_AT_2: dict[str, Any] = {"evse": {"id": 2, "connectorId": 1}}
_SESSIONS = (
    _part("Started", 0, "a", 100, **_AT_1),
    _part("Started", 0, "b", 200, **_AT_1, **_card("TAG-DRIVER")),
    _part("Ended", 1, "a", 90),
    _part("Ended", 2, "a", 95),
    _part("Ended", 1, "a", 90),
    _part("Updated", 4, "b", **_in("Charging")),
    _part("Updated", 2, "b", **_in("EVConnected")),
    _part("Updated", 1, "b", **_card("TAG-OPERATOR"), evse={"id": 2, "connectorId": 1}),
    _part("Updated", 7, "b", **_in("SuspendedEVSE"), offline=True),
    _part("Updated", 6, "b", **_in("Charging")),
    _part("Ended", 9, "b", 150, **_card("tag-driver")),
    _part("Updated", 8, "b", **_in("SuspendedEV")),
    _part("Updated", 5, "c", **_in("Charging"), **_AT_2),
    _part("Updated", 3, "c", **_card("TAG-GROUPED")),
    _part("Started", 0, "c", 10, **_in("EVConnected"), **_card("TAG-DRIVER"), **_AT_2),
    _part("Started", 0, "d", 5, **_AT_2, at=_OLD.format(0)),
    _part("Ended", 6, "c", 20),
    _part("Ended", 2, "e", 30, **_AT_1),
    _part("Started", 0, "e", 40, **_AT_1),
    _part("Started", 0, "f", 50, **_AT_1, at="1970-01-01T00:00:00Z"),
    _part("Ended", 1, "f", 50, info={"stoppedReason": "Remote"}),
)
_EFFECT = (_part("Ended", 4, "g", 60, **_AT_1, info={"remoteStartId": 77, "stoppedReason": "Remote"}),)
_LATE = (_part("Started", 0, "h", 70, **_AT_2, info={"remoteStartId": 78}),)


def _event(**place: Any) -> dict[str, Any]:
    said = {"eventId": 1, "timestamp": "NOW", "trigger": "Delta", "eventNotificationType": "HardWiredNotification"}
    where = {"component": {"name": "Connector", **place}, "variable": {"name": "AvailabilityState"}}
    return {**said, "actualValue": "Reserved", **where}


def _noticed(*events: dict[str, Any]) -> tuple[str, str]:
    return "NotifyEvent", json.dumps({"generatedAt": "NOW", "seqNo": 0, "eventData": events})


_OTHERS = (
    _noticed(_event()),
    _noticed(_event(evse={"id": 1})),
    _noticed(_event(evse={"id": 0, "connectorId": 1})),
    _noticed(_event(evse={"id": 2, "connectorId": 0})),
    _noticed({**_event(evse={"id": 2, "connectorId": 1}), "actualValue": "Nonsense"}),
    _noticed({**_event(evse={"id": 2, "connectorId": 1}), "variable": {"name": "Available"}}),
    _noticed({**_event(evse={"id": 2, "connectorId": 1}), "component": {"name": "EVSE", "evse": {"id": 2}}}),
    _noticed(_event(evse={"id": 1, "connectorId": 1}), _event(evse={"id": 2, "connectorId": 1})),
)

SCENARIO = Scenario(
    name="what-cannot-be-2-0-1",
    title="Sessions of 2.0.1 that cannot be so, in any order",
    covers="Numbers say what came first, whatever came when.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1: what-cannot-be has the others"),),
    stations=2,
    steps=(
        step("register", at=5.0, token="TAG-GROUPED", status="Blocked", parent="The-Group"),
        step("say", at=20.0, messages=_SESSIONS, number="session"),
        step("say", at=50.0, messages=_SESSIONS, number="again"),
        step("say", at=50.5, messages=_SESSIONS, number="twin", station=2),
        step("say", at=76.0, messages=_OTHERS, number="event"),
        step("answer_instead", at=89.0, code="InternalError"),
        ask(RemoteStart(1, "TAG-OPERATOR", 77, {"idToken": {"type": "Central"}}), at=90.0),
        step("say", at=100.0, messages=_EFFECT, number="effect"),
        step("answer_instead", at=109.0, payload='{"status":"Rejected"}', does="Rejected"),
        ask(RemoteStart(2, "TAG-OPERATOR", 78, {"idToken": {"type": "Central"}}), at=110.0),
        step("say", at=116.0, messages=_LATE, number="late"),
        step("statuses", at=120.0, connector=1),
        step("statuses", at=122.0, connector=2),
    ),
    fiction=True,
    retold=("told_twice", "as_text", "other_ids"),
    faults_s=130.0,
    quiet_s=60.0,
)
