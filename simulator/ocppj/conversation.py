"""What a station's controller sends and when: boot, heartbeat, urgent CALLs, then the queue, one CALL at a time.

Urgent CALLs (boot, heartbeat, authorization) go before the queue; before a boot was accepted nothing else goes at all.
A connection that is lost is opened again after a pause, without another boot: what changed meanwhile is reported then,
behind the transaction messages that waited.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec

from interlock.simulator.network.ports import StationSocket
from interlock.simulator.ocppj.connection import Connection
from interlock.simulator.ocppj.dialect import Dialect
from interlock.simulator.ocppj.link import LOST, TIMED_OUT, Call, Link, Payload
from interlock.simulator.ocppj.outbox import Entry, Outbox
from interlock.simulator.ocppj.registration import Registration
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.randomness import new_uuid
from interlock.simulator.station import Station

_encode = msgspec.json.Encoder().encode


class Conversation:
    """The exchange of `station` with its CSMS. Only the outbox outlives a reboot."""

    __slots__ = (
        "_dialect",
        "_env",
        "_id_prefix",
        "_ids",
        "_lost_at",
        "_spec",
        "_station",
        "_urgent",
        "connection",
        "link",
        "outbox",
        "registration",
    )

    def __init__(self, station: Station, dialect: Dialect) -> None:
        spec, env = station.spec, station.env
        self._station, self._dialect, self._spec, self._env = station, dialect, spec, env
        schemas = dialect.schemas
        self.link = Link(
            env, spec.call_timeout_s, schemas.spelling, self._new_id, dialect.called, self.pump, self._timed_out
        )
        self.connection = Connection(station, dialect.subprotocol, self.link, self._opened, self._lost)
        self.outbox = Outbox(
            env,
            station.rng,
            self.link,
            spec.persona,
            schemas.valid_answer,
            self._answered,
            self._dropped,
            self.pump,
        )
        self.outbox.retry_s = spec.retry_s
        self._urgent: list[Call] = []
        self.registration = Registration(station, dialect, self)
        self._ids = itertools.count(1)
        self._id_prefix = ""
        self._lost_at = 0.0

    @property
    def socket(self) -> StationSocket | None:
        """The connection in use."""
        return self.connection.socket

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.connection.socket is not None

    @property
    def registered(self) -> bool:
        """Whether the CSMS has accepted its boot."""
        return self.registration.status == "Accepted"

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self.connection.socket is not None and self.registration.status == "Accepted"

    def _new_id(self) -> str:
        if self._spec.message_ids == "uuid":
            return new_uuid(self._station.rng)
        return f"{self._id_prefix}{next(self._ids)}"

    # --- power ---

    def power_on(self) -> None:
        """Begin to connect."""
        if self._spec.message_ids == "random":
            self._id_prefix = f"{self._station.rng.getrandbits(32):08x}-"
        self._ids = itertools.count(1)
        self.connection.power_on()

    def power_off(self) -> None:
        """Send nothing more: what ends from here on is sent after the next boot."""
        self.link.forget()
        self.registration.power_off()
        self.connection.power_off()
        self._urgent.clear()
        self.outbox.unpause()
        self.outbox.went_offline()

    # --- connection ---

    def _opened(self) -> None:
        if self._spec.message_ids == "per connection":
            self._ids = itertools.count(1)
        self.outbox.unpause()
        if self.registered:
            self._dialect.reconnected(self._env.now - self._lost_at)
            self.report_changes()
            self.registration.heartbeat()
        else:
            self.registration.boot()

    def _lost(self) -> None:
        self._lost_at = self._env.now
        self.outbox.went_offline()
        urgent, self._urgent = self._urgent, []
        for call in urgent:
            call.failed(LOST)

    def _timed_out(self, in_a_row: int) -> None:
        if in_a_row >= self._spec.timeouts_to_reconnect:
            self.connection.drop("no answers")

    def waits(self, call: Call) -> bool:
        """Tell whether an urgent CALL waits to be sent."""
        return call in self._urgent

    def under_way(self, call: Call) -> bool:
        """Tell whether an urgent CALL waits to be sent or answered."""
        return self.link.outstanding is call or call in self._urgent

    def accepted(self, *, again: bool) -> None:
        """Report every status after the first boot that was accepted."""
        if not again:
            for reported in self._dialect.statuses():
                reported.acknowledged = None
            self.report_changes()

    # --- sending ---

    def pump(self) -> None:
        """Send what is next, if anything may be sent now."""
        link = self.link
        if link.outstanding is not None or link.write is None:
            return
        if self.registration.status != "Accepted":
            for call in self._urgent:
                if call.early:
                    self._urgent.remove(call)
                    link.call(call)
                    return
        elif self._urgent:
            link.call(self._urgent.pop(0))
        elif self.outbox.ready:
            self.outbox.send()

    def send_urgent(self, call: Call) -> None:
        """Make an urgent CALL. It fails with the connection."""
        if self.connection.socket is None:
            call.failed(LOST)
            return
        call.since = self._env.now
        self._urgent.append(call)
        self.pump()

    def ask(self, action: str, payload: dict[str, Any], answered: Callable[[Payload | None], None]) -> None:
        """Make any urgent CALL; `answered` gets the payload, or None when there was no answer."""
        self.send_urgent(Call(action, _encode(payload).decode(), answered, lambda why: answered(None)))

    def queue(self, entry: Entry) -> None:
        """Put a message in the queue; one that is not durable is dropped while offline."""
        if not self.online:
            if not entry.durable:
                return
            entry.went_offline()
        self.outbox.push(entry)
        self.pump()

    def queue_on_demand(self, entry: Entry) -> None:
        """Send a message that the CSMS asked for: from the queue, or as an urgent CALL before a boot was accepted."""
        if self.registered:
            self.queue(entry)
        else:
            self.send_urgent(Call(entry.action, entry.payload(), _nothing, _nothing, early=True))

    # --- status ---

    def report(self, reported: Reported) -> None:
        """Report a status that changed: now if there is a connection, else when there is one."""
        if self.online:
            self.report_now(reported)

    def report_now(self, reported: Reported, early: bool = False) -> None:
        """Report a status whether it changed or not; `early`: although no boot was accepted."""
        action, body = self._dialect.status_message(reported)
        entry = Entry(action, body, reported=(reported, reported.now))
        reported.queued += 1
        if early or self._spec.statuses_overtake:
            answered, failed = (lambda _: self._answered(entry, {})), (lambda why: self._dropped(entry, why))
            self.send_urgent(Call(action, body, answered, failed, early=early))
        else:
            self.outbox.push(entry)
            self.pump()

    def report_changes(self) -> None:
        """Report every status that the CSMS does not know."""
        due = [one for one in self._dialect.statuses() if one.acknowledged != one.now and not one.queued]
        if self._spec.deviations.statuses_shuffled:
            due.sort(key=lambda _: self._station.rng.random())
        for reported in due:
            self.report_now(reported)

    def _answered(self, entry: Entry, payload: Payload) -> None:
        if entry.reported is None:
            if entry.durable:
                self._dialect.answered(entry, payload)
            return
        reported, what = entry.reported
        reported.queued = max(0, reported.queued - 1)
        reported.acknowledged = what

    def _dropped(self, entry: Entry, why: str) -> None:
        if entry.reported is None:
            if entry.durable:
                self._dialect.gave_up(entry, why)
            return
        reported, what = entry.reported
        reported.queued = max(0, reported.queued - 1)
        if why not in (LOST, TIMED_OUT):
            reported.acknowledged = what  # the CSMS has received it, and would refuse it again
            return
        reported.acknowledged = None
        if self.online:
            self.report_changes()


def _nothing(_: object) -> None:
    pass
