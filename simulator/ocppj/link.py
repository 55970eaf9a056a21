"""The station's side of OCPP-J framing: one CALL outstanding, answers awaited until a time-out.

Permissive on purpose. It can send anything (`Link.send`), reuse a message id, repeat a frame; what it receives and does
not understand it counts and ignores. Nothing a peer sends raises here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import simpy

from interlock.simulator.ocppj.schemas import Spelling
from interlock.simulator.timer import Timer

LOST = "lost"
"""Why a call failed: its socket is gone."""
TIMED_OUT = "timed out"
"""Why a call failed: nobody answered in time."""

Payload = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Call:
    """A CALL to make: `payload` is its JSON text. `answered(payload)` or `failed(why)` is called once.

    `why` is `LOST`, `TIMED_OUT` or the code of a CALLERROR. `early` calls may go out before a boot was accepted.
    `since` is the second at which it was put in line, None for one that was not.
    """

    __slots__ = ("action", "answered", "early", "failed", "message_id", "payload", "since")

    def __init__(
        self,
        action: str,
        payload: str,
        answered: Callable[[Payload], None],
        failed: Callable[[str], None],
        message_id: str | None = None,
        early: bool = False,
    ) -> None:
        self.action, self.payload, self.answered, self.failed = action, payload, answered, failed
        self.message_id, self.early = message_id, early
        self.since: float | None = None


class Link:
    """What is between a station and its socket.

    `on_call(message_id, action, payload)` takes the CSMS's CALLs, `on_idle` is told when a next CALL may be made,
    `on_timeout` how many time-outs there were in a row.
    """

    __slots__ = (
        "_deadline",
        "_env",
        "_new_id",
        "_on_call",
        "_on_idle",
        "_on_timeout",
        "_spelling",
        "_watch",
        "malformed",
        "outstanding",
        "outstanding_id",
        "strays",
        "timeout_s",
        "timeouts",
        "write",
    )

    def __init__(
        self,
        env: simpy.Environment,
        timeout_s: float,
        spelling: Spelling,
        new_id: Callable[[], str],
        on_call: Callable[[str, str, Payload], None],
        on_idle: Callable[[], None],
        on_timeout: Callable[[int], None],
    ) -> None:
        self._env, self.timeout_s, self._new_id = env, timeout_s, new_id
        self._spelling = spelling
        self._on_call, self._on_idle, self._on_timeout = on_call, on_idle, on_timeout
        self.write: Callable[[str], None] | None = None
        """How frames leave; None without a socket."""
        self.outstanding: Call | None = None
        self.outstanding_id = ""
        self._deadline = 0.0
        self._watch: Timer | None = None
        self.timeouts = 0
        """Time-outs since anything was last heard."""
        self.malformed = 0
        """Frames that meant nothing."""
        self.strays = 0
        """Answers to nothing that was asked, or too late."""

    # --- out ---

    def call(self, call: Call) -> str:
        """Make a CALL now; the link must be idle and have a socket. Return the message id it went out under."""
        assert self.write is not None
        assert self.outstanding is None
        message_id = call.message_id or self._new_id()
        self.outstanding, self.outstanding_id = call, message_id
        self._deadline = self._env.now + self.timeout_s
        if self._watch is None:
            self._watch = Timer(self._env, self.timeout_s, self._look)
        self.write(f'[2,"{message_id}","{call.action}",{call.payload}]')
        return message_id

    def send(self, text: str) -> None:
        """Send any text, right or wrong, if there is a socket."""
        if self.write is not None:
            self.write(text)

    def answer(self, message_id: str, payload: Payload) -> None:
        """Send a CALLRESULT."""
        self.send(_encode((3, message_id, payload)).decode())

    def refuse(self, message_id: str, code: str, description: str = "") -> None:
        """Send a CALLERROR."""
        self.send(_encode((4, message_id, code, description[:255], {})).decode())

    # --- in ---

    def receive(self, text: str) -> None:
        """Take a frame."""
        try:
            parts = _decode(text)
            kind, message_id = parts[0], parts[1]
        except (msgspec.DecodeError, ValueError, RecursionError, LookupError, TypeError):
            self.malformed += 1
            return
        if type(parts) is not list or type(message_id) is not str:
            self.malformed += 1
            return
        self.timeouts = 0
        if kind == 3 and len(parts) == 3 and type(parts[2]) is dict:
            call = self.outstanding
            if call is None or message_id != self.outstanding_id:
                self.strays += 1
                return
            self.outstanding = None
            call.answered(parts[2])
            self._on_idle()
        elif kind == 2 and len(parts) == 4 and type(parts[2]) is str and type(parts[3]) is dict:
            self._on_call(message_id, parts[2], parts[3])
        elif kind == 2:
            self.malformed += 1
            self.refuse(message_id, self._spelling.malformed_call, "a CALL is [2, id, action, {...}]")
        elif kind == 4:
            call = self.outstanding
            if call is None or message_id != self.outstanding_id:
                self.strays += 1
                return
            self.outstanding = None
            call.failed(parts[2] if len(parts) > 2 and type(parts[2]) is str else "GenericError")
            self._on_idle()
        else:
            self.malformed += 1
            if kind not in (3, 4) and self._spelling.unknown_type is not None:
                self.refuse(message_id, self._spelling.unknown_type, "message types are 2, 3 and 4")

    def drop(self) -> None:
        """Lose the socket: what was outstanding fails."""
        self.write = None
        self.timeouts = 0
        call, self.outstanding = self.outstanding, None
        if call is not None:
            call.failed(LOST)

    def forget(self) -> None:
        """Lose the socket and every memory of it, without telling anybody."""
        self.write = self.outstanding = None
        self.timeouts = 0

    def _look(self, _: Any) -> None:
        # One timer for all calls: it is set anew only when it finds a call that is not due yet.
        self._watch = None
        call = self.outstanding
        if call is None:
            return
        left = self._deadline - self._env.now
        if left > 1e-6:
            self._watch = Timer(self._env, left, self._look)
            return
        self.outstanding = None
        self.timeouts += 1
        # First what it means for the connection, so that nothing more is sent on one that is given up.
        self._on_timeout(self.timeouts)
        call.failed(TIMED_OUT)
        self._on_idle()
