"""How a station keeps in touch: connect, boot, heartbeat, one CALL at a time, and the queue it must get rid of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import ocppj, v16
from .connector import Connector
from .network import Socket
from .outbox import Entry

if TYPE_CHECKING:
    from .station import Station

Answered = Callable[[dict[str, Any] | None], None]
"""Called with the payload of the CALLRESULT, or None when there was no good answer."""
TIMEOUTS_BEFORE_RECONNECT = 2


class Conversation:
    """The controller's memory of its connection: all of it is lost at a reboot."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.socket: Socket | None = None
        self.registered = False
        self._count = 0
        self._forget()
        self._interval_s = station.spec.heartbeat_s

    def _forget(self) -> None:
        self._waiting: deque[tuple[str, dict[str, Any], Answered]] = deque()
        self._outstanding: tuple[str, Answered | None, Entry | None] | None = None
        self._boot_due = False
        self._paused = False
        self._silent = 0
        self._beat = 0

    @property
    def connected(self) -> bool:
        """Whether it believes it has a connection."""
        return self.socket is not None

    # --- power ---

    def power_on(self) -> None:
        """Connect and announce the boot."""
        self._forget()
        self.registered, self._boot_due = False, True
        self._interval_s = self._station.spec.heartbeat_s
        self._connect()

    def power_off(self, why: str) -> None:
        """Lose the connection as a machine does that lost its power."""
        socket, self.socket = self.socket, None
        self._forget()
        if socket is not None:
            socket.on_down = socket.on_station_closed = None
            socket.vanish("station", why)

    # --- the line ---

    def _connect(self) -> None:
        station = self._station
        if self.socket is not None:
            return
        socket = station.network.open(station.station_id)
        if socket is None:
            station.after(station.draw(station.spec.reconnect_s), self._connect)
            return
        self._use(socket)

    def _use(self, socket: Socket) -> None:
        self.socket = socket
        socket.on_down = lambda text: self._received(socket, text)
        socket.on_station_closed = lambda why: self._closed(socket)
        self._silent = 0
        self._paused = False
        if self.registered:
            self.heartbeat()
            for outlet in self._station.connectors[1:]:
                self.status_changed(outlet)
        self.pump()

    def _closed(self, socket: Socket) -> None:
        if self.socket is not socket:
            return
        self.socket = None
        self._give_up_waiting()
        station = self._station
        if station.powered:
            station.after(station.draw(station.spec.reconnect_s), self._connect)

    def _give_up_waiting(self) -> None:
        outstanding, self._outstanding = self._outstanding, None
        waiting, self._waiting = self._waiting, deque()
        if outstanding is not None and outstanding[1] is not None:
            outstanding[1](None)
        for _, _, answered in waiting:
            answered(None)

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection and use it from now on."""
        old, self.socket = self.socket, None
        self._give_up_waiting()
        if old is not None and not keep_old:
            old.close("station", "reconnecting")
        self._connect()

    # --- asking ---

    def ask(self, action: str, payload: dict[str, Any], answered: Answered, *, needs_line: bool = False) -> None:
        """Queue a message that is not owed: lost with the connection. Without a line, `needs_line` answers None now."""
        if self.socket is None:
            if needs_line:
                answered(None)
            return
        self._waiting.append((action, payload, answered))
        self.pump()

    def pump(self) -> None:
        """Send the next message, if none is under way."""
        socket = self.socket
        if socket is None or self._outstanding is not None:
            return
        station = self._station
        if not self.registered:
            if self._boot_due:
                self._boot_due = False
                spec = station.spec
                payload = v16.boot(spec.vendor, spec.model, spec.serial, spec.firmware)
                self._send("BootNotification", payload, self._booted, None)
            return
        if self._waiting:
            action, payload, answered = self._waiting.popleft()
            self._send(action, payload, answered, None)
            return
        entry = station.outbox.head()
        if entry is not None and not self._paused:
            self._send(entry.action, entry.payload(), None, entry)

    def _send(self, action: str, payload: dict[str, Any], answered: Answered | None, entry: Entry | None) -> None:
        station = self._station
        assert self.socket is not None
        if entry is not None and entry.message_id is not None and station.spec.persona.resend == "same id":
            message_id = entry.message_id
        else:
            self._count += 1
            # Unique per station also across reboots, as a UUID would be.
            message_id = f"{station.boot_count}-{self._count}"
        if entry is not None:
            entry.message_id = message_id
        self._outstanding = (message_id, answered, entry)
        self.socket.send_up(ocppj.call(message_id, action, payload))
        station.after(station.spec.call_timeout_s, lambda: self._timed_out(message_id))

    def _timed_out(self, message_id: str) -> None:
        if self._outstanding is None or self._outstanding[0] != message_id:
            return
        _, answered, entry = self._outstanding
        self._outstanding = None
        self._silent += 1
        if answered is not None:
            answered(None)
        if entry is not None:
            self._pause()
        if self._silent >= TIMEOUTS_BEFORE_RECONNECT and self.socket is not None:
            socket, self.socket = self.socket, None
            self._give_up_waiting()
            socket.close("station", "no answers")
            self._station.after(self._station.draw(self._station.spec.reconnect_s), self._connect)
        self.pump()

    def _pause(self) -> None:
        """Wait before a message that is owed is sent again."""
        self._paused = True

        def over() -> None:
            self._paused = False
            self.pump()

        self._station.after(self._station.spec.retry_s, over)

    # --- frames ---

    def _received(self, socket: Socket, text: str) -> None:
        message = ocppj.read(text)
        if message is None or not self._station.powered:
            return
        if message[0] == 2:
            self._station.obedience.told(socket, message[1], message[2], message[3])
            return
        if self._outstanding is None or self._outstanding[0] != message[1]:
            return
        _, answered, entry = self._outstanding
        self._outstanding = None
        self._silent = 0
        payload = message[2] if message[0] == 3 else None
        if entry is not None:
            self._owed_answered(entry, payload)
        elif answered is not None:
            answered(payload)
        self.pump()

    def _owed_answered(self, entry: Entry, payload: dict[str, Any] | None) -> None:
        station = self._station
        good = payload is not None and v16.valid(f"{entry.action}Response", payload)
        if not good:
            entry.attempts += 1
            if entry.attempts < station.spec.transaction_attempts:
                self._pause()
                return
        station.outbox.done(entry)
        if good and payload is not None and entry.action == "StartTransaction" and entry.session is not None:
            station.transaction_given(entry.session, payload)

    # --- boot and heartbeat ---

    def _booted(self, payload: dict[str, Any] | None) -> None:
        station = self._station
        if payload is None or not v16.valid("BootNotificationResponse", payload):
            station.after(station.spec.retry_s, self._boot_again)
            return
        station.clock.told(payload["currentTime"])
        interval_s = float(payload["interval"])
        if payload["status"] != "Accepted":
            station.after(interval_s or 60.0, self._boot_again)
            return
        self.registered = True
        if interval_s > 0:
            self._interval_s = interval_s
        self.tell_status(station.connectors[0])
        for outlet in station.connectors[1:]:
            self.tell_status(outlet)
        self._beat_later(self._interval_s * station.rng.uniform(0.9, 1.0))

    def _boot_again(self) -> None:
        if not self.registered:
            self._boot_due = True
            self.pump()

    def boot_now(self) -> None:
        """Send a BootNotification because the CSMS asked for one."""
        spec = self._station.spec
        self.ask("BootNotification", v16.boot(spec.vendor, spec.model, spec.serial, spec.firmware), lambda _: None)

    def _beat_later(self, seconds: float) -> None:
        self._beat += 1
        beat = self._beat

        def due() -> None:
            if beat == self._beat:
                self.heartbeat()
                self._beat_later(self._interval_s)

        self._station.after(seconds, due)

    def beat_every(self, interval_s: float) -> None:
        """Change the heartbeat interval."""
        self._interval_s = interval_s
        self._beat_later(interval_s)

    def heartbeat(self) -> None:
        """Send a heartbeat, if there is a connection and the CSMS has accepted the boot."""
        if self.registered:
            self.ask("Heartbeat", {}, self._told_time)

    def _told_time(self, payload: dict[str, Any] | None) -> None:
        if payload is not None and isinstance(payload.get("currentTime"), str):
            self._station.clock.told(payload["currentTime"])

    # --- status ---

    def status_changed(self, outlet: Connector) -> None:
        """Tell a status the CSMS does not know yet."""
        if self.registered and self.socket is not None and outlet.reported != (outlet.status, outlet.error_code):
            self.tell_status(outlet)

    def tell_status(self, outlet: Connector) -> None:
        """Tell a status."""
        if not self.registered or self.socket is None:
            return
        told = (outlet.status, outlet.error_code)
        outlet.reported = told

        def answered(payload: dict[str, Any] | None) -> None:
            if payload is None and outlet.reported == told:
                outlet.reported = ("", "")  # told again on the next connection

        self.ask("StatusNotification", v16.status(outlet.number, *told, self._station.clock.read()), answered)
