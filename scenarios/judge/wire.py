"""What can be judged of a CSMS from outside, by the wire alone: one pass over the frames at the stations' edge.

The invariants of `invariants/` ask what a CSMS knows, so they need its log. These ask what it says. A finding is a
function of the observations and nothing else. Frames are `frame` observations with the edges `station.sent` and
`station.received`; `socket.opened` and `socket.closed` tell connections apart, where they are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.scenarios.judge.verdict import Finding, Level, Verdict
from interlock.scenarios.judge.wire_checks import CALL, CALLERROR, CALLRESULT, CHECKS, SCHEMAS, Asked, Connection, Heard
from interlock.scenarios.record.domain_view import Observation

LET_IN = "W00"


def judge(
    observations: Iterable[Observation],
    unseen: Mapping[str, tuple[str, Level]] | None = None,
    stations: int | None = None,
) -> list[Finding]:
    """Judge what was observed at the stations' edge.

    `unseen` are the names and levels, by id, of what cannot be judged from here; they are said to be not applicable.
    `stations` is how many were to connect, where that is known.
    """
    came: set[str] = set()
    refusals: Counter[str] = Counter()
    checks = [check() for check in CHECKS.values()]
    connections: dict[tuple[str, int], Connection] = {}
    broken: str | None = None
    t = 0.0

    def end(station: str, connection: Connection) -> None:
        for asked in connection.ours.values():
            for check in checks:
                check.gone(station, asked, t)

    for seen in observations:
        t, fields = seen.t, seen.fields
        if seen.kind == "frame":
            edge = fields["edge"]
            connection = connections.setdefault((fields["station"], fields["socket"]), Connection())
            if edge == "station.sent":
                _up(seen, connection)
            elif edge == "station.received":
                heard = Heard(seen.i, t, fields["station"], fields["text"], _message(seen), connection)
                for check in checks:
                    check.down(heard)
                _down(heard)
        elif seen.kind == "dial.failed":
            refusals[fields["why"]] += 1
        elif seen.kind == "socket.opened":
            came.add(fields["station"])
            connection = connections.setdefault((fields["station"], fields["socket"]), Connection())
            connection.whole = True
            connection.schemas = SCHEMAS.get(fields.get("subprotocol", ""), connection.schemas)
        elif seen.kind == "socket.closed":
            end(fields["station"], connections.pop((fields["station"], fields["socket"]), Connection()))
        elif seen.kind == "world.failed":
            broken = broken or fields["error"]
    for (station, _), connection in connections.items():
        end(station, connection)
    findings = [check.finding() for check in checks]
    if stations is not None:
        findings.insert(0, _let_in(stations, len(came), refusals))
    if broken is not None:
        why = f"the fleet itself broke: {broken}"
        findings = [Finding(one.id, one.name, one.level, Verdict.ERROR, one.checked, why) for one in findings]
    reason = "seen from outside, without the CSMS's own log"
    hidden = sorted((unseen or {}).items())
    return findings + [Finding(id, name, level, Verdict.NOT_APPLICABLE, 0, reason) for id, (name, level) in hidden]


def _let_in(stations: int, came: int, refusals: Counter[str]) -> Finding:
    """Say whether every station was connected: of one that was not, nothing is known, and that must not look right."""
    verdict, reason = Verdict.PASS, None
    if came < stations:
        verdict = Verdict.ERROR if refusals else Verdict.INCONCLUSIVE
        (why, _), *_ = refusals.most_common(1) or [("the run ended before they tried", 0)]
        reason = f"{stations - came} of {stations} stations were never connected: {why}"
    return Finding(LET_IN, "stations are let in", "BOOKKEEPING", verdict, came, reason)


def _message(seen: Observation) -> list[Any] | None:
    """Return a frame's message if it is one by its form."""
    message = seen.message()
    if message is None or len(message) < 3 or not isinstance(message[1], str):
        return None
    match message[0]:
        case 2 if len(message) == 4 and isinstance(message[2], str) and isinstance(message[3], dict):
            return message
        case 3 if len(message) == 3 and isinstance(message[2], dict):
            return message
        case 4 if len(message) in (4, 5) and isinstance(message[2], str):
            return message
    return None


def _up(seen: Observation, connection: Connection) -> None:
    """Take a frame of the station's into account."""
    message = seen.message()
    if message is None or len(message) < 3 or not isinstance(message[1], str):
        return
    if message[0] == CALL and len(message) > 3:
        connection.ours[message[1]] = Asked(seen.i, seen.t, message[1], str(message[2]), message[3])
    elif message[0] in (CALLRESULT, CALLERROR):
        connection.theirs.pop(message[1], None)


def _down(heard: Heard) -> None:
    """Take a frame of the CSMS's into account."""
    connection, message = heard.connection, heard.message
    if message is None:
        return
    if heard.kind == CALL:
        connection.named.add(heard.message_id)
        connection.theirs[heard.message_id] = Asked(heard.i, heard.t, heard.message_id, message[2], None)
    else:
        if connection.ours.pop(heard.message_id, None) is not None:
            connection.answered.add(heard.message_id)
