"""The queue of what a station has to send, in the order it happened; one message at a time.

A durable message (one about a transaction) stays until it is answered: it outlives a lost connection and, unless the
persona says otherwise, a reboot (1.6 sections 3.7 and 4.6 to 4.10; 2.0.1 E04, E12, E13). Any other is neither kept nor
repeated: a station reports the present status when it is connected again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import simpy

from interlock.simulator.ocppj.link import LOST, TIMED_OUT, Call, Link, Payload
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.personas import Persona
from interlock.simulator.randomness import Draws
from interlock.simulator.timer import Timer


class Entry:
    """One message in the queue: an action and the JSON text of its payload.

    A controller whose payloads depend on what is known only when they are sent overrides `payload`.
    """

    __slots__ = ("action", "attempts", "body", "durable", "expendable", "forgotten", "message_id", "reported", "since")

    def __init__(
        self, action: str, body: str, *, durable: bool = False, expendable: bool = False, reported: Any = None
    ) -> None:
        self.action, self.body, self.durable = action, body, durable
        self.expendable = expendable
        """Whether it gives way when the queue is full."""
        self.reported: tuple[Reported, tuple[str, str]] | None = reported
        """For a status: whose, and which."""
        self.message_id: str | None = None
        self.attempts = 0
        self.forgotten = False
        self.since: float | None = None
        """Second at which it was put in the queue; None once it was answered with an error or not at all."""

    def payload(self) -> str:
        """Write the payload with what is known now."""
        return self.body

    def went_offline(self) -> None:
        """Note that the station has no connection while this waits."""


class Outbox:
    """The queue. `answered(entry, payload)` or `dropped(entry, why)` is called once for each message.

    `valid_answer(action, payload)` decides whether an answer counts as one.
    """

    __slots__ = (
        "_answered",
        "_dropped",
        "_env",
        "_in_flight",
        "_link",
        "_pause",
        "_persona",
        "_queue",
        "_rng",
        "_valid_answer",
        "_wake",
        "attempts",
        "limit",
        "pending",
        "retry_s",
        "timeouts_count",
    )

    def __init__(
        self,
        env: simpy.Environment,
        rng: Draws,
        link: Link,
        persona: Persona,
        valid_answer: Callable[[str, Payload], bool],
        answered: Callable[[Entry, Payload], None],
        dropped: Callable[[Entry, str], None],
        wake: Callable[[], None],
    ) -> None:
        self._env, self._rng, self._link, self._persona = env, rng, link, persona
        self._valid_answer = valid_answer
        self._answered, self._dropped, self._wake = answered, dropped, wake
        self._queue: list[Entry] = []  # a deque takes 600 bytes more, and queues are short
        self._in_flight: Entry | None = None
        self._pause: Timer | None = None
        self.retry_s = 30.0
        """Pause before a message without an answer is sent again."""
        self.attempts = 3
        """Times a message is sent that is answered with a CALLERROR."""
        self.timeouts_count = False
        """Whether a time-out is one of these times, as in 2.0.1 (E13), instead of being tried for ever, as in 1.6."""
        self.limit = 1000
        """Durable messages kept; beyond it expendable ones give way, the oldest first."""
        self.pending = 0
        """Transaction messages still to be answered."""

    def push(self, entry: Entry) -> None:
        """Put a message at the end of the queue."""
        self._queue.append(entry)
        entry.since = self._env.now
        if entry.durable:
            self.pending += 1
            if self.pending > self.limit:
                self._thin()

    def _thin(self) -> None:
        # Not the first: it may be on its way.
        for index, entry in enumerate(self._queue):
            if index and entry.expendable and entry.durable:
                del self._queue[index]
                self.pending -= 1
                return

    def waiting(self) -> Sequence[Entry]:
        """Return the messages that have no answer yet."""
        return self._queue

    @property
    def ready(self) -> bool:
        """Whether there is a message to send now."""
        return bool(self._queue) and self._pause is None

    def send(self) -> None:
        """Send the first message; the link must be idle."""
        self._in_flight = entry = self._queue[0]
        call = Call(entry.action, entry.payload(), self._answer, self._fail, entry.message_id)
        call.since = entry.since
        message_id = self._link.call(call)
        if self._persona.resends == "same id":
            entry.message_id = message_id

    def _answer(self, payload: Payload) -> None:
        entry = self._in_flight
        if entry is None:
            return
        if not self._valid_answer(entry.action, payload):
            self._fail("the answer breaks its schema")
            return
        if entry.durable:
            share = self._persona.forgets_answer
            if share and not entry.forgotten and self._rng.random() < share:
                entry.forgotten = True
                self._wait(self.retry_s)
                return
            self.pending -= 1
        self._queue.pop(0)
        self._in_flight = None
        self._answered(entry, payload)

    def _fail(self, why: str) -> None:
        entry, self._in_flight = self._in_flight, None
        if entry is None:
            return  # forgotten with the connection
        if not entry.durable:
            self._queue.pop(0)
            self._dropped(entry, why)
        elif why == TIMED_OUT and not self.timeouts_count:
            self._wait(self.retry_s)
        elif why != LOST:
            entry.attempts += 1
            if entry.attempts < self.attempts:
                self._wait(self.retry_s * entry.attempts)
            else:
                self._queue.pop(0)
                self.pending -= 1
                self._dropped(entry, why)

    def _wait(self, seconds: float) -> None:
        if self._queue:
            self._queue[0].since = None
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

    def went_offline(self) -> None:
        """Drop what is not durable: the connection is gone."""
        waiting, self._queue = self._queue, []
        if self._in_flight is not None and not self._in_flight.durable:
            self._in_flight = None
        for entry in waiting:
            if entry.durable:
                entry.went_offline()
                self._queue.append(entry)
            else:
                self._dropped(entry, LOST)

    def lose(self) -> None:
        """Forget everything."""
        self._queue.clear()
        self.pending = 0
