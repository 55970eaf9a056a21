"""OCPP-J without I/O: text frames in, notices out; calls in, text frames out. Time is an argument.

Independent of role and OCPP version. `receive(frame, now)` returns what the frame means and never raises, whatever the
peer sends; `call(...)` queues a CALL; `frames_to_send(now)` returns what may be written now (one CALL is outstanding
at a time, OCPP-J 1.6 section 4.1.1); `next_deadline()` returns when to call `expired`.

Memory is bounded: one outstanding CALL and our own queue; nothing is kept per frame received.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import msgspec

FRAME_LIMIT = 256 * 1024
"""Characters of the longest frame that is read."""
DEPTH_LIMIT = 32
"""Deepest nesting that is accepted."""
ID_LIMIT = 36
"""Longest message id OCPP-J allows (1.6 section 4.1.4)."""
ODD_ID_LIMIT = 255
"""Longest message id of a CALL that is answered all the same."""
DESCRIPTION_LIMIT = 255
"""Longest error description OCPP-J allows (1.6 section 4.2.3)."""
CODE_LIMIT = 50
"""Characters kept of a CALLERROR's code; the longest of the standard has 29."""

read = msgspec.json.Decoder().decode
"""Read JSON."""
_encode = msgspec.json.Encoder().encode


def shown(payload: dict[str, Any]) -> str:
    """Return a payload as text."""
    return _encode(payload).decode()


class Codes(msgspec.Struct, frozen=True):
    """The CALLERROR codes in which OCPP versions differ; the defaults are those of 1.6-J section 4.2.3."""

    not_a_call: str = "FormationViolation"
    """For a CALL that is not [2, id, action, {...}]."""
    ambiguous: str = "FormationViolation"
    """For a CALL with an id that can be read, and a payload that cannot, or in two ways."""
    other_type: str | None = None
    """For an unknown message type number; None ignores the frame (1.6-J section 4.1.3)."""
    no_id: str | None = None
    """The message id of the CALLERROR to a CALL whose own cannot be read; None sends none."""


ODD = {
    "JSON": "RFC 8259 7, 8.1",
    "message id": "OCPP-J 1.6 4.1.4, 2.0.1 part 4 4.1.4",
    "elements of a CALL": "OCPP-J 1.6 4.2.1, 2.0.1 part 4 4.2.1",
}
"""Faults that are accepted in the frame of a CALL, and the clause each breaks."""
MessageId = str | int
"""Of a received CALL: a text, or the number that some peers send, which is answered as a number."""


class CallReceived(msgspec.Struct, frozen=True):
    """The peer made a CALL: answer with `answer` or `fail`. `odd` names the faults of its frame."""

    message_id: MessageId
    action: str
    payload: dict[str, Any]
    odd: str = ""


class Answered(msgspec.Struct, frozen=True):
    """The peer answered a CALL; `late` when it was no longer (or never) outstanding on this connection."""

    message_id: str
    payload: dict[str, Any]
    late: bool


class Failed(msgspec.Struct, frozen=True):
    """The peer answered a CALL with a CALLERROR."""

    message_id: str
    code: str
    description: str
    late: bool


class TimedOut(msgspec.Struct, frozen=True):
    """A CALL had no answer by its deadline; `sent` says whether its frame ever left."""

    message_id: str
    sent: bool


class Malformed(msgspec.Struct, frozen=True):
    """A frame that cannot be read; answered where its message id could be read, else dropped."""

    why: str


Notice = CallReceived | Answered | Failed | TimedOut | Malformed


class _Call(msgspec.Struct, frozen=True):
    message_id: str
    frame: str
    deadline: float


class Endpoint:
    """One side of one connection."""

    __slots__ = ("_odd", "_outbox", "_outstanding", "_waiting", "codes", "lenient")

    def __init__(self, codes: Codes | None = None, *, lenient: bool = False) -> None:
        self.codes, self.lenient = codes or Codes(), lenient
        self._odd = ""
        self._outbox: list[str] = []
        self._waiting: deque[_Call] = deque()
        self._outstanding: _Call | None = None

    # --- in ---

    def read(self, frame: str) -> Any:
        """Return the JSON of a frame."""
        return read(frame)

    def receive(self, frame: str, now: float) -> Notice | None:
        """Return what one text frame means, or None for one that is ignored (an unknown message type)."""
        if len(frame) > FRAME_LIMIT:
            return Malformed(f"frame of {len(frame)} characters, the limit is {FRAME_LIMIT}")
        self._odd = ""
        try:
            if frame.count("[") + frame.count("{") > DEPTH_LIMIT and _too_deep(frame):
                return self._unread(frame, f"nested deeper than {DEPTH_LIMIT}")
            try:
                message = self.read(frame)
            except (msgspec.DecodeError, UnicodeError):
                message = self._mended(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            if self.codes.no_id is None:
                return self._unread(frame, f"not JSON: {error}")
            return self._no_id(_LIKE_A_CALL.match(frame) is not None, f"not JSON: {error}")
        if type(message) is list and len(message) == 4:  # nearly all frames are well-formed CALLs
            kind, message_id, action, payload = message
            is_call = type(kind) is int and kind == 2 and type(action) is str and type(payload) is dict
            if is_call and type(message_id) is str and 0 < len(message_id) <= ID_LIMIT:
                return CallReceived(message_id, action, payload, self._odd)
        return self._unusual(message)

    def _unusual(self, message: Any) -> Notice | None:
        """Return what a JSON value means that is not a well-formed CALL."""
        if self.lenient:
            message = self._whole_call(message)
        if type(message) is not list or len(message) < 3:
            return Malformed("not an array of at least three elements")
        kind, message_id = message[0], message[1]
        if type(message_id) is not str or not 0 < len(message_id) <= ID_LIMIT:
            if self.lenient and type(kind) is int and kind == 2 and _can_be_answered(message_id):
                self._odd = "message id"
                return self._call_received(message_id, message)
            is_call = type(kind) is int and kind == 2
            return self._no_id(is_call, "message id is not a string of 1 to 36 characters")
        if type(kind) is not int:
            return Malformed("message type is not a number")
        match kind:
            case 2:
                return self._call_received(message_id, message)
            case 3:
                if len(message) != 3 or type(message[2]) is not dict:
                    return Malformed("CALLRESULT is not [3, id, {...}]")
                return Answered(message_id, message[2], not self._settles(message_id))
            case 4:
                # Four elements are one short of the standard, and real stations send them.
                code = message[2][:CODE_LIMIT] if type(message[2]) is str else "GenericError"
                text = message[3] if len(message) > 3 and type(message[3]) is str else ""
                return Failed(message_id, code, text[:DESCRIPTION_LIMIT], not self._settles(message_id))
            case _:
                if self.codes.other_type is not None:
                    self.fail(message_id, self.codes.other_type, "message types are 2, 3 and 4")
                return None

    def _unread(self, frame: str, why: str) -> Malformed:
        """Refuse a frame that is not read to its end: by its own id where it begins as a CALL does (1.6-J 4.2.3).

        Without an answer a station waits for its time-out, and many send the same again.
        """
        if call := _HEAD_OF_A_CALL.match(frame):
            self.fail(call[1], self.codes.ambiguous, why)
            return Malformed(why)
        return self._no_id(_LIKE_A_CALL.match(frame) is not None, why)

    def _no_id(self, is_call: bool, why: str) -> Malformed:
        """Answer what seems to be a CALL with an unreadable id, if this version has an answer for it."""
        if is_call and self.codes.no_id is not None:
            self.fail(self.codes.no_id, self.codes.not_a_call, why)
        return Malformed(why)

    def _mended(self, frame: str) -> Any:
        """Return the JSON of a frame that could not be parsed, if it can be repaired; else raise that error."""
        mended = json_of(frame) if self.lenient else frame
        if mended == frame:
            raise
        self._odd = "JSON"
        if len(mended) > FRAME_LIMIT:
            raise
        return self.read(mended)

    def _whole_call(self, message: Any) -> Any:
        """Return a CALL completed to four elements with an object as payload, where it is unambiguous."""
        if type(message) is not list or not 3 <= len(message) <= 8 or type(message[0]) is not int or message[0] != 2:
            return message
        if len(message) == 4 and type(message[3]) is dict:
            return message
        payload = message[3] if len(message) > 3 else None
        if type(payload) is list and len(payload) == 1:
            payload = payload[0]
        elif payload is None or payload == []:
            payload = {}
        if type(payload) is dict:
            self._odd = "elements of a CALL"
        return [*message[:3], payload]

    def _call_received(self, message_id: MessageId, message: list[Any]) -> Notice:
        if len(message) != 4 or type(message[2]) is not str or type(message[3]) is not dict:
            self.fail(message_id, self.codes.not_a_call, "a CALL is [2, id, action, {...}]")
            return Malformed("CALL is not [2, id, action, {...}]")
        return CallReceived(message_id, message[2], message[3], self._odd)

    def _settles(self, message_id: str) -> bool:
        if self._outstanding is None or self._outstanding.message_id != message_id:
            return False
        self._outstanding = None
        return True

    # --- out ---

    def answer(self, message_id: MessageId, payload: dict[str, Any]) -> None:
        """Queue the CALLRESULT to a CALL."""
        self._outbox.append(_encode((3, message_id, payload)).decode())

    def fail(self, message_id: MessageId, code: str, description: str) -> None:
        """Queue the CALLERROR to a CALL."""
        self._outbox.append(_encode((4, message_id, code, description[:DESCRIPTION_LIMIT], {})).decode())

    def call(self, message_id: str, action: str, payload: dict[str, Any], deadline: float) -> None:
        """Queue a CALL that may be sent, and is waited for, until `deadline`."""
        frame = _encode((2, message_id, action, payload)).decode()
        self._waiting.append(_Call(message_id, frame, deadline))

    @property
    def idle(self) -> bool:
        """Whether nothing is to be written and nothing is waited for."""
        return not self._outbox and self._outstanding is None and not self._waiting

    def frames_to_send(self, now: float) -> list[tuple[str | None, str]]:
        """Return the frames to write now, each with the message id of our CALL in it (None for answers)."""
        ready: list[tuple[str | None, str]] = []
        if self._outbox:
            ready += [(None, frame) for frame in self._outbox]
            self._outbox.clear()
        if self._outstanding is None and self._waiting and self._waiting[0].deadline > now:
            self._outstanding = self._waiting.popleft()
            ready.append((self._outstanding.message_id, self._outstanding.frame))
        return ready

    # --- time ---

    def next_deadline(self) -> float | None:
        """Return when the next CALL runs out of time, if one is under way."""
        if self._outstanding is None and not self._waiting:
            return None
        deadlines = [call.deadline for call in self._waiting]
        if self._outstanding is not None:
            deadlines.append(self._outstanding.deadline)
        return min(deadlines, default=None)

    def expired(self, now: float) -> list[TimedOut]:
        """Remove and return the CALLs whose deadline has passed."""
        gone: list[TimedOut] = []
        if self._outstanding is not None and self._outstanding.deadline <= now:
            gone.append(TimedOut(self._outstanding.message_id, True))
            self._outstanding = None
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if call.deadline <= now:
                gone.append(TimedOut(call.message_id, False))
            else:
                self._waiting.append(call)
        return gone

    def abandon(self) -> list[TimedOut]:
        """Remove and return every CALL: the connection is gone."""
        gone = [TimedOut(call.message_id, False) for call in self._waiting]
        if self._outstanding is not None:
            gone.insert(0, TimedOut(self._outstanding.message_id, True))
        self._outstanding = None
        self._waiting.clear()
        return gone


def _can_be_answered(message_id: Any) -> bool:
    """Whether a message id outside the standard can be echoed as it came."""
    if type(message_id) is str:
        return 0 < len(message_id) <= ODD_ID_LIMIT
    return type(message_id) is int and abs(message_id) < 2**63


_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def json_of(frame: str) -> str:
    """Return a frame without the faults of embedded senders that leave its meaning clear.

    That is a byte-order mark, NULs behind it, bare control characters in a text, and half a UTF-16 pair (RFC 8259
    sections 7 and 8).
    """
    plain = frame.encode("utf-8", "replace").decode().strip("\ufeff\x00 \t\r\n")
    plain = _TEXT.sub(lambda text: _CONTROL.sub(lambda one: f"\\u{ord(one[0]):04x}", text[0]), plain)
    return _ESCAPE.sub(lambda one: one[1] or "\\ufffd", plain)


_LIKE_A_CALL = re.compile(r"\s*+\[\s*+2\s*+,")
_HEAD_OF_A_CALL = re.compile(r'\s*+\[\s*+2\s*+,\s*+"([^"\\\x00-\x1f\ud800-\udfff]{1,36})"\s*+,')
_NO_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^"\[\]{}]++', re.DOTALL)
"""A string with whatever brackets are in it, or a run of other characters than brackets. Does not backtrack."""


def _too_deep(frame: str) -> bool:
    depth = 0
    for bracket in _NO_BRACKETS.sub("", frame):
        if bracket in "[{":
            depth += 1
            if depth > DEPTH_LIMIT:
                return True
        else:
            depth -= 1
    return False
