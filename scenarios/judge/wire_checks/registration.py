"""Boot: what a station may say before it is accepted, what a CSMS may ask of it, and whose clock counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.scenarios.judge.wire_check import NO_TIME, Check, Heard, shown
from interlock.scenarios.record.frames import CALL, CALLRESULT
from interlock.scenarios.record.versions import VERSIONS

REFUSALS = ("Pending", "Rejected")
GRACE_S = 1.0
"""How much before its interval a boot may be sent again: clocks differ."""
NEVER_BEFORE = ("Authorize", "StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")
"""What no trigger of the CSMS can make a station say before it is accepted."""


ASKS = ("TriggerMessage", "Report")
"""What the actions end in with which a CSMS makes a station say something that it may not say by itself."""


class NoRemoteStartWhilePending(Check):
    """The CSMS begins and ends no transaction remotely at a station whose boot it has not accepted."""

    id, name, about = "W16", "no remote start before the boot", "csms"
    absent = "no station was Pending or Rejected when the CSMS called"
    clause = "OCPP 1.6 section 4.2; OCPP 2.0.1 B02, B03"
    dialect = VERSIONS
    forbidden = (
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "RequestStartTransaction",
        "RequestStopTransaction",
    )

    def said(self, heard: Heard) -> None:
        """Look for what must wait."""
        frame = heard.frame
        if frame is None or frame.kind != CALL or heard.peer.registration not in REFUSALS:
            return
        self.checked += 1
        if frame.action in self.forbidden:
            what = f"{frame.action} at a station that is {heard.peer.registration}"
            self.violated(what, "an accepted boot before it", heard.text[:120], heard.station, heard.i)


@dataclass(slots=True)
class _Waiting:
    until: float
    place: tuple[str, int]
    i: int
    interval_s: float
    status: str
    triggered: bool = False


class SilentUntilAccepted(Check):
    """A station whose boot is Pending or Rejected begins no session and boots again only after the interval.

    What the CSMS asks for with a TriggerMessage it may say; a connection that was opened anew may begin with a boot.
    """

    id, name, about = "S16", "nothing before the boot is accepted", "station"
    absent = "no boot was Pending or Rejected"
    clause = "OCPP 1.6 section 4.2; OCPP 2.0.1 B02, B03"
    dialect = VERSIONS

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, _Waiting] = {}

    def met(self, heard: Heard) -> None:
        """Take note of how a boot was answered, and of triggers."""
        frame, asked = heard.frame, heard.asked
        if frame is None:
            return
        waiting = self._waiting.get(heard.station)
        if waiting is not None and frame.kind == CALL and frame.action.endswith(ASKS):
            waiting.triggered = True
        if asked is None or asked.action != "BootNotification" or frame.kind != CALLRESULT:
            return
        status, interval = frame.field("status"), frame.field("interval")
        self._waiting.pop(heard.station, None)
        if status in REFUSALS:
            interval_s = float(interval) if type(interval) is int and interval > 0 else 0.0
            self._waiting[heard.station] = _Waiting(heard.t + interval_s, heard.place, heard.i, interval_s, status)

    def said(self, heard: Heard) -> None:
        """Look for what must wait."""
        frame, waiting = heard.frame, self._waiting.get(heard.station)
        if frame is None or frame.kind != CALL or waiting is None:
            return
        if frame.action == "BootNotification":
            if waiting.triggered or waiting.place != heard.place or not heard.connection.known:
                self.cut += 1
                return
            self.checked += 1
            if heard.t < waiting.until - GRACE_S:
                early = f"{waiting.until - heard.t:.1f} s before it"
                what = f"a boot that was {waiting.status} was sent again too early"
                self.violated(what, f"{waiting.interval_s:g} s in between", early, heard.station, waiting.i, heard.i)
        elif frame.action in NEVER_BEFORE or not waiting.triggered:
            self.checked += 1
            what = f"{shown(frame.action, 40)} while the boot is {waiting.status}"
            self.violated(what, "nothing but boots", heard.text[:120], heard.station, waiting.i, heard.i)
        else:
            self.checked += 1


TOLERANCE_S = 60.0
"""How far the clocks of a CSMS and of whoever records may be apart."""


class RightTime(Check):
    """The time the CSMS tells is the time of day.

    Every station sets its clock by it: two hours off are two hours on each bill. Compared with the time of day of the
    record, between the request and the answer; and from one answer to the next, with the seconds that went by.
    """

    id, name, about, level = "W17", "the time told is the time", "csms", "SHOULD"
    absent = "the CSMS told no time"
    clause = "OCPP 1.6 sections 3.14, 4.2 and 4.6"
    dialect = VERSIONS

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[str, tuple[float, float, int]] = {}

    def said(self, heard: Heard) -> None:
        """Compare."""
        frame, asked = heard.frame, heard.asked
        if frame is None or asked is None or asked.action not in ("BootNotification", "Heartbeat"):
            return
        told = _instant(frame.field("currentTime"))
        if told is None:
            return  # not a time, or without zone: the schema's affair
        before = self._before.get(heard.station)
        self._before[heard.station] = told, heard.t, heard.i
        if heard.wall is None:
            self.lack(NO_TIME)
        else:
            self.checked += 1
            took_s = heard.t - asked.t
            off_s = told - heard.wall
            if not -took_s - TOLERANCE_S <= off_s <= TOLERANCE_S:
                self._wrong(heard, f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the record", asked.i)
                return
        if before is not None and heard.connection.known:
            passed_s, said_s = heard.t - before[1], told - before[0]
            self.checked += 1
            if abs(said_s - passed_s) > TOLERANCE_S + (heard.t - asked.t):
                self._wrong(heard, f"{said_s:.0f} s later than before, when {passed_s:.0f} s went by", before[2])

    def _wrong(self, heard: Heard, found: str, *at: int) -> None:
        self.violated("a currentTime that is not the time", "the time of day", found, heard.station, *at, heard.i)


def _instant(text: object) -> float | None:
    """Return the Unix time of an ISO 8601 text, None without a zone or for what is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None
