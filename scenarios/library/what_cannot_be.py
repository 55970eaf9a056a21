"""A station tells of sessions that cannot be so: registers that run back, two at one place, stops told twice otherwise.

Each message is acknowledged, or the station would send it for ever; what cannot be so is kept beside it. Some come with
a clock that was never set, or are told again when two others are over.
"""

import json
from typing import Any

from interlock.scenarios.spec import Scenario, step

_OLD, _UNSET = "2025-12-31T21:0{}:00Z", "1970-01-01T00:0{}:00Z"


def _start(connector: int, meter: int, at: str, tag: str = "TAG-DRIVER") -> tuple[str, str]:
    said = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}
    return "StartTransaction", json.dumps(said)


def _stop(which: int, meter: int, at: str, **more: Any) -> tuple[str, str]:
    said = {"transactionId": f"LAST-{which}", "meterStop": meter, "timestamp": at, **more}
    return "StopTransaction", json.dumps(said)


def _status(connector: int, word: str, at: str, error: str = "NoError") -> tuple[str, str]:
    said = {"connectorId": connector, "status": word, "errorCode": error, "timestamp": at}
    return "StatusNotification", json.dumps(said)


_FIRST = _start(1, 100, _OLD.format(0))
_SESSIONS = (
    _FIRST,
    _stop(1, 90, _OLD.format(1), reason="EVDisconnected"),
    _stop(1, 90, _OLD.format(1), reason="EVDisconnected"),
    _stop(1, 95, _OLD.format(1)),
    _start(1, 200, _OLD.format(2)),
    _start(1, 300, _OLD.format(3)),
    _stop(2, 250, _OLD.format(4)),
    _stop(1, 300, _OLD.format(4)),
    _start(1, 10, _OLD.format(1), "TAG-OPERATOR"),
    _start(2, 0, _UNSET.format(1)),
    _start(2, 5, _UNSET.format(0)),
    _stop(1, 5, _UNSET.format(2)),
    _FIRST,
    _stop(1, 70, "NOW"),
    ("StopTransaction", json.dumps({"transactionId": 4711, "meterStop": 5, "timestamp": _OLD.format(5)})),
    ("StopTransaction", json.dumps({"transactionId": 4711, "meterStop": 6, "timestamp": _OLD.format(5)})),
    _start(2, 5, "NOW", "TAG-NOBODY-KNOWS"),
    _stop(1, 6, "NOW", idTag="tag-driver"),
)
_STATUSES = (
    _status(1, "Faulted", _UNSET.format(3), "GroundFailure"),
    _status(1, "Available", "NOW"),
    _status(2, "Unavailable", "2027-01-01T00:00:00Z"),
    _status(2, "Charging", _OLD.format(6)),
    _status(2, "Available", _UNSET.format(1)),
    _status(1, "Charging", _OLD.format(7)),
    _status(1, "Available", "NOW"),
    _status(2, "Available", "NOW"),
)

SCENARIO = Scenario(
    name="what-cannot-be",
    title="Sessions that cannot be so, and a clock that was never set",
    covers="What cannot be so is acknowledged, and kept beside what was told.",
    absent_in=(("2.0.1", "its messages are those of 1.6: what-cannot-be-2-0-1 has the others"),),
    stations=2,
    steps=(
        step("say", at=20.0, messages=_SESSIONS, number="session"),
        step("say", at=50.0, messages=_SESSIONS, number="twin", station=2),
        step("say", at=70.5, messages=_STATUSES, number="status"),
        step("statuses", at=90.0, connector=1),
        step("statuses", at=92.0, connector=2),
    ),
    fiction=True,
    retold=("told_twice", "as_text"),
    faults_s=100.0,
    quiet_s=60.0,
)
