"""How a station keeps in touch: connect, boot, heartbeat, one CALL at a time, and the line of what it has to tell.

What is said promptly (boot, heartbeat, authorization) goes before the line; before a boot was accepted nothing else
goes at all. A connection that is lost is opened again after a pause, without another boot: what changed meanwhile is
told then, behind the transaction messages that waited.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from interlock.simulator import obey, v16
from interlock.simulator.connector import Connector
from interlock.simulator.ocppj import LOST, TIMED_OUT, Call, Link, Payload
from interlock.simulator.outbox import Entry, Outbox
from interlock.simulator.ports import StationSocket
from interlock.simulator.timer import Timer

if TYPE_CHECKING:
    from interlock.simulator.station import Station

LONGEST_INTERVAL_S = 1e7

_encode = msgspec.json.Encoder().encode


class Conversation:
    """What the controller of `station` says and hears. Of it only the outbox outlives a reboot."""

    __slots__ = (
        "_attempts",
        "_beat",
        "_boot_call",
        "_dialling",
        "_env",
        "_heartbeat",
        "_id_prefix",
        "_ids",
        "_interval_s",
        "_life",
        "_old",
        "_prompt",
        "_spec",
        "_station",
        "known_tags",
        "link",
        "outbox",
        "registration",
        "socket",
    )

    def __init__(self, station: Station) -> None:
        spec, env = station.spec, station.env
        self._station, self._spec, self._env = station, spec, env
        self.link = Link(env, spec.call_timeout_s, self._new_id, self._called, self.pump, self._timed_out)
        self.outbox = Outbox(env, station.rng, self.link, spec.persona, self._told, self._not_told, self.pump)
        self.outbox.retry_s = spec.retry_s
        self.socket: StationSocket | None = None
        self.registration: str | None = None
        """What the CSMS made of the last BootNotification since the controller started."""
        self.known_tags: dict[str, bool] = {}
        """The authorization cache."""
        self._prompt: list[Call] = []
        boot = v16.boot(spec.vendor, spec.model, spec.serial, spec.firmware)
        self._boot_call = Call("BootNotification", boot, self._boot_answered, self._boot_failed, early=True)
        self._heartbeat = Call("Heartbeat", "{}", self._heartbeat_answered, _nothing)
        self._beat: Timer | None = None
        self._interval_s = spec.heartbeat_s
        self._dialling = False
        self._attempts = 0
        self._old: list[StationSocket] = []
        self._life = 0
        self._ids = itertools.count(1)
        self._id_prefix = ""

    @property
    def registered(self) -> bool:
        """Whether the CSMS has accepted its boot."""
        return self.registration == "Accepted"

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self.socket is not None and self.registration == "Accepted"

    def _new_id(self) -> str:
        return f"{self._id_prefix}{next(self._ids)}"

    # --- power ---

    def power_on(self) -> None:
        """Begin to connect."""
        if self._spec.message_ids == "random":
            self._id_prefix = f"{self._station.rng.getrandbits(32):08x}-"
        self._ids = itertools.count(1)
        self._attempts = 0
        self._dial()

    def power_off(self) -> None:
        """Stop saying anything: nothing that ends from here on can be told in this life."""
        self.link.forget()
        self.registration = None
        self._dialling = False
        self._life += 1
        self._prompt.clear()
        self.outbox.unpause()
        self.outbox.forget_statuses()
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def leave(self, why: str, orderly: bool) -> None:
        """Leave every connection: closed, or as a machine leaves them that lost its power."""
        sockets, self._old = self._old, []
        if self.socket is not None:
            sockets.append(self.socket)
            self.socket = None
        for socket in sockets:
            socket.on_down = socket.on_station_closed = None
            if orderly:
                socket.close("station", why)
            else:
                if self._spec.dies_silently:
                    socket.half_open(why)
                socket.vanish("station", why)

    # --- connection ---

    def _dial(self) -> None:
        if not self._dialling:
            self._dialling = True
            network = self._station.network
            # The opening handshake takes a round trip.
            self._station.after(network.draw_latency() + network.draw_latency(), self._dialled)

    def _dialled(self) -> None:
        life = self._life
        self._station.network.reach(self._spec.station_id, lambda socket: self._reached(life, socket))

    def _reached(self, life: int, socket: StationSocket | None) -> None:
        if life != self._life:
            if socket is not None:
                socket.close("station", "rebooted")
            return
        self._dialling = False
        if socket is None:
            if self.socket is None:
                self._dial_later()
            return
        old = self.socket
        if old is not None:
            # It reads the old connection no longer, and closes it some day.
            old.on_down = old.on_station_closed = None
            self._old.append(old)
            self._station.after(self._station.rng.uniform(*self._spec.old_socket_s), self._close_old)
            self._disconnected()
        self._attempts = 0
        self.socket = socket
        socket.on_down = self.link.receive
        socket.on_station_closed = self._hung_up
        self.link.write = socket.send_up
        self.outbox.unpause()
        if self.registered:
            self._tell_statuses()
            self.heartbeat()
        else:
            self._boot()

    def _close_old(self) -> None:
        self._old.pop(0).close("station", "replaced")

    def _close(self, why: str) -> None:
        socket = self.socket
        if socket is not None:
            socket.on_down = socket.on_station_closed = None
            socket.close("station", why)
            self._disconnected()

    def _dial_later(self) -> None:
        pause_s = self._station.rng.uniform(*self._spec.reconnect_s) * min(2**self._attempts, 8)
        self._attempts += 1
        self._station.after(pause_s, self._dial_again)

    def _dial_again(self) -> None:
        if self.socket is None:
            self._dial()

    def _hung_up(self, why: str) -> None:
        self._disconnected()
        self._dial_later()

    def _disconnected(self) -> None:
        self.socket = None
        self.link.drop()
        self.outbox.forget_statuses()
        prompt, self._prompt = self._prompt, []
        for call in prompt:
            call.failed(LOST)

    def drop(self, why: str) -> None:
        """Close the connection and open another one after a pause."""
        if self.socket is not None:
            self._close(why)
            self._dial_later()

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection now; the old one is closed first, or stays open for a while unread."""
        if not keep_old:
            self._close("reconnecting")
        self._dial()

    def _timed_out(self, in_a_row: int) -> None:
        if in_a_row >= self._spec.timeouts_to_reconnect:
            self.drop("no answers")

    # --- boot and heartbeat ---

    def _boot(self) -> None:
        if self.link.outstanding is not self._boot_call and self._boot_call not in self._prompt:
            self.say(self._boot_call)

    def _boot_answered(self, payload: Payload) -> None:
        if not v16.valid_answer("BootNotification", payload):
            self._boot_failed("FormationViolation")
            return
        station = self._station
        station.clock.hear(payload["currentTime"], self._env.now)
        interval_s = float(max(0, min(payload["interval"], LONGEST_INTERVAL_S)))
        was, self.registration = self.registration, payload["status"]
        if self.registration != "Accepted":
            station.after(interval_s if interval_s > 0 else self._spec.boot_retry_s, self._boot_again)
            return
        if interval_s > 0:
            self._interval_s = interval_s
            station.configuration.change("HeartbeatInterval", str(int(interval_s)))
        # A little early and not all alike, so that a fleet that booted together does not beat together.
        self._beat_in(self._interval_s * station.rng.uniform(0.9, 1.0))
        if was != "Accepted":
            for connector in station.connectors():
                connector.told = None
            self._tell_statuses()

    def _boot_failed(self, why: str) -> None:
        if why != LOST:
            self._station.after(self._spec.boot_retry_s, self._boot_again)

    def _boot_again(self) -> None:
        if self.socket is not None and not self.registered:
            self._boot()

    def _beat_in(self, delay_s: float) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._beat = Timer(self._env, delay_s, self._beats)

    def _beats(self, _: Any) -> None:
        self._beat = Timer(self._env, self._interval_s, self._beats)
        if self._heartbeat not in self._prompt:
            self.heartbeat()

    def heartbeat(self) -> None:
        """Send a heartbeat, if connected and accepted."""
        if self.online:
            self.say(self._heartbeat)

    def _heartbeat_answered(self, payload: Payload) -> None:
        if v16.valid_answer("Heartbeat", payload):
            self._station.clock.hear(payload["currentTime"], self._env.now)

    # --- saying ---

    def pump(self) -> None:
        """Send what is next, if anything may be sent now."""
        link = self.link
        if link.outstanding is not None or link.write is None:
            return
        if self.registration != "Accepted":
            for call in self._prompt:
                if call.early:
                    self._prompt.remove(call)
                    link.call(call)
                    return
        elif self._prompt:
            link.call(self._prompt.pop(0))
        elif self.outbox.ready:
            self.outbox.send()

    def say(self, call: Call) -> None:
        """Make a CALL promptly. It fails with the connection."""
        if self.socket is None:
            call.failed(LOST)
            return
        call.since = self._env.now
        self._prompt.append(call)
        self.pump()

    def ask(self, action: str, payload: dict[str, Any], answered: Callable[[Payload | None], None]) -> None:
        """Make any CALL promptly; `answered` gets the payload, or None when there was no answer."""
        self.say(Call(action, _encode(payload).decode(), answered, lambda why: answered(None)))

    def tell(self, entry: Entry) -> None:
        """Put a message in line; one that is not kept is dropped while offline."""
        if entry.durable or self.online:
            self.outbox.push(entry)
            self.pump()

    # --- status ---

    def report(self, connector: Connector) -> None:
        """Tell a status that changed: now if there is a connection, else when there is one."""
        if self.online:
            self.tell_status(connector)

    def tell_status(self, connector: Connector, early: bool = False) -> None:
        """Tell a status whether it changed or not; `early`: although no boot was accepted."""
        what = (connector.status, connector.error_code)
        body = v16.status(connector.number, *what, self._station.time())
        entry = Entry("StatusNotification", body, told=(connector, what))
        connector.queued += 1
        if early or self._spec.statuses_overtake:
            answered, failed = (lambda _: self._told(entry, {})), (lambda why: self._not_told(entry, why))
            self.say(Call(entry.action, body, answered, failed, early=early))
        else:
            self.outbox.push(entry)
            self.pump()

    def _tell_statuses(self) -> None:
        for connector in self._station.connectors():
            if connector.told != (connector.status, connector.error_code) and not connector.queued:
                self.tell_status(connector)

    def _told(self, entry: Entry, payload: Payload) -> None:
        if entry.told is not None:
            connector, what = entry.told
            connector.queued = max(0, connector.queued - 1)
            connector.told = what
        elif entry.action == "StartTransaction" and entry.session is not None:
            session, status = entry.session, payload["idTagInfo"]["status"]
            session.transaction_id = int(payload["transactionId"])
            self.known_tags[session.id_tag] = status == "Accepted"
            self._station.start_answered(session, status)

    def _not_told(self, entry: Entry, why: str) -> None:
        if entry.told is None:
            return
        connector, what = entry.told
        connector.queued = max(0, connector.queued - 1)
        if why not in (LOST, TIMED_OUT):
            connector.told = what  # refused is heard: telling it again would be refused again
            return
        connector.told = None
        if self.online:
            self._tell_statuses()

    # --- authorization ---

    def authorize(self, id_tag: str, decided: Callable[[bool], None]) -> None:
        """Find out whether a tag may charge: from the CSMS, or from memory while it cannot be asked."""
        if self._station.configuration.truth("LocalPreAuthorize") and self.known_tags.get(id_tag):
            decided(True)
            return
        if not self.online:
            decided(self._accepts_offline(id_tag))
            return

        def answered(payload: Payload) -> None:
            if not v16.valid_answer("Authorize", payload):
                failed("FormationViolation")
                return
            accepted = payload["idTagInfo"]["status"] == "Accepted"
            self.known_tags[id_tag] = accepted
            decided(accepted)

        def failed(why: str) -> None:
            decided(self._accepts_offline(id_tag))

        self.say(Call("Authorize", v16.authorize(id_tag), answered, failed))

    def _accepts_offline(self, id_tag: str) -> bool:
        if id_tag in self._spec.local_list:
            return True
        configuration, known = self._station.configuration, self.known_tags.get(id_tag)
        if known is None:
            return configuration.truth("AllowOfflineTxForUnknownId")
        return known and configuration.truth("LocalAuthorizeOffline")

    # --- being told ---

    def _called(self, message_id: str, action: str, payload: Payload) -> None:
        obey.take(self._station, message_id, action, payload)

    def triggered(self, message: str, connector: int | None) -> None:
        """Send what a TriggerMessage asks for."""
        station, early = self._station, not self.registered
        if message == "BootNotification":
            self._boot()
        elif message == "Heartbeat":
            self.say(Call("Heartbeat", "{}", self._heartbeat_answered, _nothing, early=early))
        elif message == "StatusNotification":
            for one in station.connectors():
                if connector in (None, one.number):
                    self.tell_status(one, early)
        else:
            for evse in station.evses:
                if connector in (None, 0, evse.number):
                    evse.sample("Trigger")

    def configured(self, name: str) -> None:
        """Act on a changed configuration key."""
        configuration = self._station.configuration
        if name == "HeartbeatInterval" and self._beat is not None:
            self._interval_s = float(configuration.number(name)) or self._spec.heartbeat_s
            self._beat_in(self._interval_s)
        self.outbox.retry_s = configuration.retry_s
        self.outbox.attempts = configuration.number("TransactionMessageAttempts")


def _nothing(_: object) -> None:
    pass
