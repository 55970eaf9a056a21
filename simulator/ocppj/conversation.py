"""What a station's controller sends and when: boot, heartbeat, urgent CALLs, then the queue, one CALL at a time.

Urgent CALLs (boot, heartbeat, authorization) go before the queue; before a boot was accepted nothing else goes at all.
A connection that is lost is opened again after a pause, without another boot: what changed meanwhile is reported then,
behind the transaction messages that waited.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from interlock.simulator.network.ports import StationSocket
from interlock.simulator.ocppj.connection import Connection
from interlock.simulator.ocppj.link import LOST, TIMED_OUT, Call, Link, Payload
from interlock.simulator.ocppj.outbox import Entry, Outbox
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.randomness import new_uuid
from interlock.simulator.station import Station
from interlock.simulator.timer import Timer

LONGEST_INTERVAL_S = 1e7

_encode = msgspec.json.Encoder().encode


class Dialect(Protocol):
    """What a controller tells its conversation about an OCPP version."""

    @property
    def schemas(self) -> Schemas:
        """The schemas of the version."""

    @property
    def subprotocol(self) -> str:
        """What it is called in a WebSocket handshake."""

    def boot_payload(self) -> str:
        """Write a BootNotification."""

    def statuses(self) -> Iterable[Reported]:
        """Return everything that has a status, in the order in which it is reported."""

    def status_message(self, reported: Reported) -> tuple[str, str]:
        """Return the action and the payload of a report of the present status."""

    def called(self, message_id: str, action: str, payload: Payload) -> None:
        """Handle a CALL of the CSMS."""

    def answered(self, entry: Entry, payload: Payload) -> None:
        """Handle the answer to a durable message."""

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""

    def reconnected(self, offline_s: float) -> None:
        """Note that there is a connection again, for a station that was accepted before; statuses are reported next."""


class Conversation:
    """The exchange of `station` with its CSMS. Only the outbox outlives a reboot."""

    __slots__ = (
        "_beat",
        "_boot_call",
        "_dialect",
        "_env",
        "_heartbeat",
        "_id_prefix",
        "_ids",
        "_interval_s",
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
        self.registration: str | None = None
        """The status in the answer to the last BootNotification since the controller started."""
        self._urgent: list[Call] = []
        self._boot_call = Call(
            "BootNotification", dialect.boot_payload(), self._boot_answered, self._boot_failed, early=True
        )
        self._heartbeat = Call("Heartbeat", "{}", self._heartbeat_answered, _nothing)
        self._beat: Timer | None = None
        self._interval_s = spec.heartbeat_s
        self._ids = itertools.count(1)
        self._id_prefix = ""
        self._lost_at = 0.0

    @property
    def socket(self) -> StationSocket | None:
        """The connection in use."""
        return self.connection.socket

    @property
    def registered(self) -> bool:
        """Whether the CSMS has accepted its boot."""
        return self.registration == "Accepted"

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self.connection.socket is not None and self.registration == "Accepted"

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
        self.registration = None
        self.connection.power_off()
        self._urgent.clear()
        self.outbox.unpause()
        self.outbox.went_offline()
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    # --- connection ---

    def _opened(self) -> None:
        if self._spec.message_ids == "per connection":
            self._ids = itertools.count(1)
        self.outbox.unpause()
        if self.registered:
            self._dialect.reconnected(self._env.now - self._lost_at)
            self.report_changes()
            self.heartbeat()
        else:
            self.boot()

    def _lost(self) -> None:
        self._lost_at = self._env.now
        self.outbox.went_offline()
        urgent, self._urgent = self._urgent, []
        for call in urgent:
            call.failed(LOST)

    def _timed_out(self, in_a_row: int) -> None:
        if in_a_row >= self._spec.timeouts_to_reconnect:
            self.connection.drop("no answers")

    # --- boot and heartbeat ---

    def boot(self) -> None:
        """Send a BootNotification, unless one is under way."""
        if self.link.outstanding is not self._boot_call and self._boot_call not in self._urgent:
            self._boot_call.payload = self._dialect.boot_payload()
            self.say(self._boot_call)

    def _boot_answered(self, payload: Payload) -> None:
        if not self._dialect.schemas.valid_answer("BootNotification", payload):
            self._boot_failed("the answer breaks its schema")
            return
        station = self._station
        station.clock.follow(payload["currentTime"], self._env.now)
        interval_s = float(max(0, min(payload["interval"], LONGEST_INTERVAL_S)))
        was, self.registration = self.registration, payload["status"]
        if self.registration != "Accepted":
            station.after(interval_s if interval_s > 0 else self._spec.boot_retry_s, self._boot_again)
            return
        if interval_s > 0:
            self._interval_s = interval_s
            self._dialect.heartbeat_changed(interval_s)
        # A little early and not all alike, so that a fleet that booted together does not beat together.
        self._beat_in(self._interval_s * station.rng.uniform(0.9, 1.0))
        if was != "Accepted":
            for reported in self._dialect.statuses():
                reported.told = None
            self.report_changes()

    def _boot_failed(self, why: str) -> None:
        if why != LOST:
            self._station.after(self._spec.boot_retry_s, self._boot_again)

    def _boot_again(self) -> None:
        if self.socket is not None and not self.registered:
            self.boot()

    def set_heartbeat(self, interval_s: float) -> None:
        """Change the heartbeat interval, as the operator set it; 0: the station's own."""
        if self._beat is not None:
            self._interval_s = interval_s or self._spec.heartbeat_s
            self._beat_in(self._interval_s)

    def _beat_in(self, delay_s: float) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._beat = Timer(self._env, delay_s, self._beats)

    def _beats(self, _: Any) -> None:
        self._beat = Timer(self._env, self._interval_s, self._beats)
        if self._heartbeat not in self._urgent:
            self.heartbeat()

    def heartbeat(self) -> None:
        """Send a heartbeat, if connected and accepted."""
        if self.online:
            self.say(self._heartbeat)

    def heartbeat_on_demand(self) -> None:
        """Send a heartbeat that the CSMS asked for, also before a boot was accepted."""
        self.say(Call("Heartbeat", "{}", self._heartbeat_answered, _nothing, early=not self.registered))

    def _heartbeat_answered(self, payload: Payload) -> None:
        if self._dialect.schemas.valid_answer("Heartbeat", payload):
            self._station.clock.follow(payload["currentTime"], self._env.now)

    # --- sending ---

    def pump(self) -> None:
        """Send what is next, if anything may be sent now."""
        link = self.link
        if link.outstanding is not None or link.write is None:
            return
        if self.registration != "Accepted":
            for call in self._urgent:
                if call.early:
                    self._urgent.remove(call)
                    link.call(call)
                    return
        elif self._urgent:
            link.call(self._urgent.pop(0))
        elif self.outbox.ready:
            self.outbox.send()

    def say(self, call: Call) -> None:
        """Make an urgent CALL. It fails with the connection."""
        if self.socket is None:
            call.failed(LOST)
            return
        call.since = self._env.now
        self._urgent.append(call)
        self.pump()

    def ask(self, action: str, payload: dict[str, Any], answered: Callable[[Payload | None], None]) -> None:
        """Make any urgent CALL; `answered` gets the payload, or None when there was no answer."""
        self.say(Call(action, _encode(payload).decode(), answered, lambda why: answered(None)))

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
            self.say(Call(entry.action, entry.payload(), _nothing, _nothing, early=True))

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
            self.say(Call(action, body, answered, failed, early=early))
        else:
            self.outbox.push(entry)
            self.pump()

    def report_changes(self) -> None:
        """Report every status that the CSMS does not know."""
        due = [one for one in self._dialect.statuses() if one.told != one.now and not one.queued]
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
        reported.told = what

    def _dropped(self, entry: Entry, why: str) -> None:
        if entry.reported is None:
            return
        reported, what = entry.reported
        reported.queued = max(0, reported.queued - 1)
        if why not in (LOST, TIMED_OUT):
            reported.told = what  # the CSMS has received it, and would refuse it again
            return
        reported.told = None
        if self.online:
            self.report_changes()


def _nothing(_: object) -> None:
    pass
