"""What a station has to tell, in the order it happened: sent one by one, transaction messages until answered.

Transaction-related messages (StartTransaction, StopTransaction, MeterValues within one) outlive a lost connection and,
unless the persona says otherwise, a reboot (1.6 sections 3.7 and 4.6 to 4.10). Status notifications stand in the same
line but are neither kept nor repeated: a station tells anew what is true when it can. A message that needs a
transactionId gets it when it is sent, so a session that began and ended offline has the id its start was answered with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import simpy

from interlock.simulator import v16
from interlock.simulator.draws import Draws
from interlock.simulator.ocppj import LOST, TIMED_OUT, Call, Link, Payload
from interlock.simulator.personas import Persona
from interlock.simulator.timer import Timer

UNKNOWN_TRANSACTION = -1
"""The transactionId of a stop whose start was never accepted."""


@dataclass(slots=True)
class Session:
    """One charging session, as it physically was. `message_id` is the remote start's that caused it."""

    session: str
    connector: int
    id_tag: str
    message_id: str | None
    meter_start_wh: int
    transaction_id: int | None = None
    running: bool = True


class Entry:
    """One message in line. `body` is its payload, without a transactionId where `session` will know it.

    `since` is when it was put in line, None once it was answered with an error or not at all.
    """

    __slots__ = ("action", "attempts", "body", "durable", "forgotten", "message_id", "session", "since", "told")

    def __init__(self, action: str, body: str, session: Session | None = None, told: Any = None) -> None:
        self.action, self.body, self.session, self.told = action, body, session, told
        self.durable = session is not None
        self.message_id: str | None = None
        self.attempts = 0
        self.forgotten = False
        self.since: float | None = None

    def payload(self) -> str:
        """Write the payload with what is known now."""
        session = self.session
        if session is None or self.action == "StartTransaction":
            return self.body
        if session.transaction_id is not None:
            return v16.of_transaction(self.body, session.transaction_id)
        return v16.of_transaction(self.body, UNKNOWN_TRANSACTION) if self.action == "StopTransaction" else self.body


class Outbox:
    """The line. `answered(entry, payload)` and `dropped(entry, why)` tell what became of each message, once."""

    __slots__ = (
        "_answered",
        "_dropped",
        "_env",
        "_in_flight",
        "_line",
        "_link",
        "_pause",
        "_persona",
        "_rng",
        "_wake",
        "attempts",
        "limit",
        "pending",
        "retry_s",
    )

    def __init__(
        self,
        env: simpy.Environment,
        rng: Draws,
        link: Link,
        persona: Persona,
        answered: Callable[[Entry, Payload], None],
        dropped: Callable[[Entry, str], None],
        wake: Callable[[], None],
    ) -> None:
        self._env, self._rng, self._link, self._persona = env, rng, link, persona
        self._answered, self._dropped, self._wake = answered, dropped, wake
        self._line: list[Entry] = []  # a deque takes 600 bytes more, and lines are short
        self._in_flight: Entry | None = None
        self._pause: Timer | None = None
        self.retry_s = 30.0
        """Pause before a message without an answer is sent again."""
        self.attempts = 3
        """Times a message is sent that is answered with a CALLERROR (TransactionMessageAttempts)."""
        self.limit = 1000
        """Messages kept; beyond it meter values give way, the oldest first."""
        self.pending = 0
        """Transaction messages still to be answered."""

    def push(self, entry: Entry) -> None:
        """Put a message at the end of the line."""
        self._line.append(entry)
        entry.since = self._env.now
        if entry.durable:
            self.pending += 1
            if self.pending > self.limit:
                self._thin()

    def _thin(self) -> None:
        # Not the first: it may be on its way.
        for index, entry in enumerate(self._line):
            if index and entry.action == "MeterValues" and entry.durable:
                del self._line[index]
                self.pending -= 1
                return

    @property
    def ready(self) -> bool:
        """Whether there is a message to send now."""
        return bool(self._line) and self._pause is None

    def send(self) -> None:
        """Send the first message; the link must be idle."""
        self._in_flight = entry = self._line[0]
        call = Call(entry.action, entry.payload(), self._hear, self._fail, entry.message_id)
        call.since = entry.since
        message_id = self._link.call(call)
        if self._persona.resends == "same id":
            entry.message_id = message_id

    def _hear(self, payload: Payload) -> None:
        entry = self._in_flight
        if entry is None:
            return
        if not v16.valid_answer(entry.action, payload):
            self._fail("FormationViolation")
            return
        if entry.durable:
            share = self._persona.forgets_answer
            if share and not entry.forgotten and self._rng.random() < share:
                entry.forgotten = True
                self._wait(self.retry_s)
                return
            self.pending -= 1
        self._line.pop(0)
        self._in_flight = None
        self._answered(entry, payload)

    def _fail(self, why: str) -> None:
        entry, self._in_flight = self._in_flight, None
        if entry is None:
            return  # forgotten with the connection
        if not entry.durable:
            self._line.pop(0)
            self._dropped(entry, why)
        elif why == TIMED_OUT:
            self._wait(self.retry_s)
        elif why != LOST:
            entry.attempts += 1
            if entry.attempts < self.attempts:
                self._wait(self.retry_s * entry.attempts)
            else:
                self._line.pop(0)
                self.pending -= 1
                self._dropped(entry, why)

    def _wait(self, seconds: float) -> None:
        if self._line:
            self._line[0].since = None
        self._pause = Timer(self._env, seconds, self._resume)

    def _resume(self, _: Any) -> None:
        self._pause = None
        self._wake()

    def unpause(self) -> None:
        """Do not wait any longer: there is a new connection, or none at all."""
        self._in_flight = None
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def forget_statuses(self) -> None:
        """Forget what is not kept: the connection is gone."""
        line, self._line = self._line, []
        if self._in_flight is not None and not self._in_flight.durable:
            self._in_flight = None
        for entry in line:
            if entry.durable:
                self._line.append(entry)
            else:
                self._dropped(entry, LOST)

    def lose(self) -> None:
        """Forget everything."""
        self._line.clear()
        self.pending = 0
