"""OCPP-J itself: calls, answers, message ids. The same rules bind both sides."""

from __future__ import annotations

import json
import re
from collections import Counter

from interlock.scenarios.judge.verdict import Finding
from interlock.scenarios.judge.wire_check import (
    CSMS_PATIENCE_S,
    NO_CONNECTIONS,
    NO_SECONDS,
    OTHER,
    PATIENCE_S,
    STATION_PATIENCE_S,
    Asked,
    Check,
    Closed,
    Connection,
    Heard,
    Recent,
    Side,
    shown,
)
from interlock.scenarios.record.frames import CALL, CALLERROR, CALLRESULT, content, decoded, of

NEVER = 3
"""Calls of one action without any answer that show something where connections are not known."""
FOREIGN_LATE_S = 120.0
"""A CALL older than this, before the record began, is not answered any more."""


class _Answers(Check):
    """Shared by W01 and S01; `about` answers, the other side calls."""

    patience_s = PATIENCE_S

    def __init__(self) -> None:
        super().__init__()
        self._answered: Counter[tuple[str, str]] = Counter()
        self._silent: dict[tuple[str, str], list[Asked]] = {}

    def said(self, heard: Heard) -> None:
        asked = heard.asked
        if asked is None:
            return
        self._answered[heard.station, asked.action] += 1
        self.checked += 1
        if heard.t - asked.t > self.patience_s:
            self._late(heard.station, asked, f"it came after {heard.t - asked.t:.1f} s", heard.i)

    def gone(self, station: str, connection: Connection, caller: Side, asked: Asked, t: float) -> None:
        if caller == self.about or asked.retold:
            return
        if t - asked.t < self.patience_s or connection.broken:
            self.cut += 1
        elif connection.known:
            self.checked += 1
            self._late(station, asked, f"none in {t - asked.t:.1f} s")
        else:
            # Without connections, a line that broke looks the same; unless this action is answered never.
            silent = self._silent.setdefault((station, asked.action), [])
            silent += [asked] if len(silent) <= NEVER else []
            if len(silent) == NEVER and not self._answered[station, asked.action]:
                self.checked += NEVER
                for one in silent:
                    self._late(station, one, f"none in {t - one.t:.1f} s, and no {one.action} has one")
            else:
                self.cut += 1

    def _late(self, station: str, asked: Asked, found: str, *at: int) -> None:
        what = f"{asked.action} {shown(asked.id, 40)} was not answered in time"
        self.violated(what, f"an answer within {self.patience_s:g} s", found, station, asked.i, *at)


class StationsAnswered(_Answers):
    """Each CALL of a station gets an answer while its connection stands.

    A station has one slot for a call: one that is not answered blocks everything behind it until its time-out.
    """

    id, name, about, absent = "W01", "each CALL is answered", "csms", "no station called"
    clause = "OCPP-J 1.6 section 4.2"


class CsmsAnswered(_Answers):
    """Each CALL of the CSMS gets an answer while its connection stands.

    A command without an answer is in doubt: nobody can say whether it was done.
    """

    id, name, about, absent = "S01", "each CALL is answered", "station", "the CSMS called nobody"
    clause = "OCPP-J 1.6 section 4.2"
    patience_s = STATION_PATIENCE_S


class _Matches(Check):
    """Shared by W02 and S02."""

    def __init__(self) -> None:
        super().__init__()
        self._answered: Recent[int] = Recent()

    def said(self, heard: Heard) -> None:
        frame = heard.frame
        if frame is None or not frame.is_answer:
            return
        key = (*heard.place, frame.id)
        before = self._answered.get(key)
        if heard.asked is not None:
            self.checked += 1
            self._answered.put(key, heard.i)
            return
        connection = heard.connection
        if before is None and not connection.whole and heard.t - heard.peer.first_t < FOREIGN_LATE_S:
            self.cut += 1  # its CALL may be older than the record
            return
        if frame.id in ("", "-1") and frame.kind == CALLERROR:
            self.lack("a CALLERROR to a frame whose id could not be read")
            return
        if before is None and connection.may_have_called(OTHER[self.about], json.dumps(frame.id, ensure_ascii=False)):
            self._answered.put(key, heard.i)
            self.lack("an answer to a frame that is no OCPP-J message")
            return
        self.checked += 1
        how = "which was answered before" if before is not None else "which nobody asked"
        at = (heard.i,) if before is None else (before, heard.i)
        what = f"an answer to {shown(frame.id, 40)!r}, {how}"
        self.violated(what, "the message id of a CALL without an answer", heard.text[:120], heard.station, *at)


class CsmsAnswersSomething(_Matches):
    """An answer answers a CALL that waits for one, on the connection it came on, and once.

    An answer to nothing is lost on every station there is; a CSMS that sends one has mixed up its stations, its
    connections or its calls.
    """

    id, name, about, absent = "W02", "answers answer something", "csms", "the CSMS answered nothing"
    clause = "OCPP-J 1.6 section 4.1"


class StationsAnswerSomething(_Matches):
    """A station answers CALLs that wait for an answer, each once, on the connection they came on.

    A second answer is taken for the answer to something else by whoever matches answers in order.
    """

    id, name, about, absent = "S02", "answers answer something", "station", "no station answered anything"
    clause = "OCPP-J 1.6 section 4.1"


class _OneOutstanding(Check):
    """Shared by W05 and S05."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs: dict[tuple[str, int], list[tuple[Asked, Heard]]] = {}

    def said(self, heard: Heard) -> None:
        if heard.kind != CALL:
            return
        if not heard.timed:
            self.lack(NO_SECONDS)
            return
        self.checked += 1
        last = heard.connection.last_open(self.about)
        if last is None or last.retold or heard.t >= self.given_up(heard, last):
            return
        if heard.connection.known:
            self._crossed(last, heard)
        else:
            # Perhaps the line was lost in between. If the first one is answered after all, it was not.
            self._pairs.setdefault(heard.place, [])[:] = [(last, heard)]

    def given_up(self, heard: Heard, last: Asked) -> float:
        """Return the second at which a CALL may count as timed out."""
        return last.t + CSMS_PATIENCE_S

    def met(self, heard: Heard) -> None:
        pairs = self._pairs.get(heard.place)
        if heard.asked is None or not pairs:
            return
        for first, second in pairs:
            if heard.asked is first and first.id != second.id:
                self._crossed(first, second)
        del self._pairs[heard.place]

    def _crossed(self, first: Asked, second: Heard) -> None:
        what = f"CALL {shown(second.id, 40)!r} came while {shown(first.id, 40)!r} had no answer"
        found = f"{second.t - first.t:.3f} s after it"
        self.violated(what, "an answer first, or a time-out", found, second.station, first.i, second.i)


class CsmsOneOutstanding(_OneOutstanding):
    """The CSMS makes no CALL while its last one has no answer and cannot have timed out.

    Seen from the station: a CALL that comes before the last one was answered. I31 is the same rule where the CSMS's own
    time-outs are on record.
    """

    id, name, about, absent = "W05", "one CALL outstanding", "csms", "the CSMS called nobody"
    clause = "OCPP-J 1.6 section 4.1.1"


class StationsOneOutstanding(_OneOutstanding):
    """A station makes no CALL while its last one has no answer and cannot have timed out. Answers may cross."""

    id, name, about, absent = "S05", "one CALL outstanding", "station", "no station called"
    clause = "OCPP-J 1.6 section 4.1.1"


class _FreshIds(Check):
    """Shared by W06 and S06."""

    again_allowed = False

    def __init__(self) -> None:
        super().__init__()
        self._used: Recent[tuple[int, int]] = Recent()

    def said(self, heard: Heard) -> None:
        frame = heard.frame
        if frame is None or frame.kind != CALL:
            return
        if not heard.connection.known:
            self.lack(NO_CONNECTIONS)
            return
        self.checked += 1
        said = content([frame.action, frame.payload])
        before = self._used.get((*heard.place, frame.id))
        self._used.put((*heard.place, frame.id), (heard.i, said))
        if before is not None and not (self.again_allowed and before[1] == said):
            what = f"message id {shown(frame.id, 40)!r} was used before"
            self.violated(what, "a new one", heard.text[:120], heard.station, before[0], heard.i)


class CsmsFreshIds(_FreshIds):
    """The CSMS uses a message id once on a connection.

    With two CALLs of one name, an answer says nothing about which of them it answers. Not applicable to a record that
    does not tell connections apart: on each of them ids may begin anew.
    """

    id, name, about, absent = "W06", "message ids are fresh", "csms", "the CSMS called nobody"
    clause = "OCPP-J 1.6 section 4.1.4"


class StationsFreshIds(_FreshIds):
    """A station uses a message id for one message on a connection; to send the same message again under it is no fault.

    With two CALLs of one name, an answer says nothing about which of them it answers.
    """

    id, name, about, absent = "S06", "message ids are fresh", "station", "no station called"
    clause = "OCPP-J 1.6 section 4.1.4"
    again_allowed = True


class _WellFormed(Check):
    """Shared by W08 and S08."""

    def said(self, heard: Heard) -> None:
        if heard.frame is None and _echoes(heard, OTHER[self.about]):
            self.lack("an answer with the message id of a request whose id is no text")
            return
        self.checked += 1
        if heard.frame is None or (heard.kind > CALLERROR and heard.peer.version in ("1.6", "2.0.1")):
            what = "a frame that is no OCPP-J message"
            self.violated(what, "[2, id, action, {}] or the like", heard.text[:120], heard.station, heard.i)


_NUMBER_FOR_ID = re.compile(r"\s*+\[\s*+2\s*+,\s*+(-?\d{1,19})\s*+,")


def _echoes(heard: Heard, other: Side) -> bool:
    """Tell whether a frame is an answer but for a number as message id, which the other side's request had."""
    message = decoded(heard.text)
    if not isinstance(message, list) or len(message) < 3 or type(message[1]) is not int:
        return False
    if message[0] not in (CALLRESULT, CALLERROR) or of([message[0], "", *message[2:]]) is None:
        return False
    asked = [_NUMBER_FOR_ID.match(text) for text in heard.connection.unread[other]]
    return any(found is not None and found[1] == str(message[1]) for found in asked)


class CsmsWellFormed(_WellFormed):
    """Each frame of the CSMS is an OCPP-J message: a CALL, a CALLRESULT or a CALLERROR."""

    id, name, about, absent = "W08", "frames are OCPP-J", "csms", "the CSMS said nothing"
    clause = "OCPP-J 1.6 section 4.2"


class StationsWellFormed(_WellFormed):
    """Each frame of a station is an OCPP-J message: a CALL, a CALLRESULT or a CALLERROR."""

    id, name, about, absent = "S08", "frames are OCPP-J", "station", "no station said anything"
    clause = "OCPP-J 1.6 section 4.2"


ID_LENGTH = 36


class _ShortIds(Check):
    """Shared by W10 and S10."""

    def said(self, heard: Heard) -> None:
        if heard.kind != CALL:
            return
        self.checked += 1
        if not 0 < len(heard.id) <= ID_LENGTH:
            what = f"a message id of {len(heard.id)} characters"
            self.violated(what, f"1 to {ID_LENGTH} characters", shown(repr(heard.id)), heard.station, heard.i)


class CsmsShortIds(_ShortIds):
    """Message ids of the CSMS have at most 36 characters, and one at least.

    Stations reserve that much, and answer under a shortened id or not at all.
    """

    id, name, about, absent = "W10", "message ids have 36 characters", "csms", "the CSMS called nobody"
    clause = "OCPP-J 1.6 section 4.1.4"


class StationsShortIds(_ShortIds):
    """Message ids of a station have at most 36 characters, and one at least."""

    id, name, about, absent = "S10", "message ids have 36 characters", "station", "no station called"
    clause = "OCPP-J 1.6 section 4.1.4"


HANG_UPS = 3


class LineKept(Check):
    """The CSMS does not close the connection instead of answering.

    One action whose every CALL ends in a closed connection is never taken: the station connects again, sends it again
    and is thrown out again. That the CSMS closed the line itself is no excuse for the missing answer; that the station
    did, or the network, is one.
    """

    id, name, about, absent = "W11", "no hanging up for an answer", "csms", "no connection was closed on an open CALL"
    clause = "OCPP-J 1.6 section 4.2"

    def __init__(self) -> None:
        super().__init__()
        self._answered: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self._hung: dict[str, tuple[str, int, int]] = {}

    def said(self, heard: Heard) -> None:
        """Count answers."""
        if heard.asked is not None:
            self._answered[heard.asked.action] += 1

    def closed(self, connection: Connection, end: Closed) -> None:
        """Look for what is open when the CSMS closes."""
        if end.by == self.about:
            for asked in connection.waiting(OTHER[self.about]):
                self._times[asked.action] += 1
                self._hung.setdefault(asked.action, (end.station, asked.i, end.i))

    def finding(self) -> Finding:
        """Blame it for actions that were never answered."""
        for action, (station, *at) in self._hung.items():
            times = self._times[action]
            if self._answered[action] or times < HANG_UPS:
                self.cut += times
                continue
            self.checked += times
            what = f"{times} times {action} ended in a closed connection"
            self.violated(what, "an answer", "the CSMS closed it each time, and answered none", station, *at)
        return super().finding()


MISFITS = ("the CSMS broke the WebSocket protocol", "the CSMS sent what OCPP-J does not allow")


class TextFrames(Check):
    """The CSMS keeps to WebSocket and sends text messages: nothing binary, no text that is not UTF-8."""

    id, name, about, absent = "W18", "WebSocket text messages", "csms", "no connection was seen to end"
    clause = "OCPP-J 1.6 section 3; RFC 6455"

    def closed(self, connection: Connection, end: Closed) -> None:
        """Look at why a station gave up."""
        self.checked += 1
        if end.why.startswith(MISFITS):
            self.violated("a message no station can read", "text in UTF-8", shown(end.why), end.station, end.i)
