"""Registration: BootNotification until it is accepted, then heartbeats."""

from __future__ import annotations

from typing import Any, Protocol

from interlock.simulator.ocppj.dialect import Dialect
from interlock.simulator.ocppj.link import LOST, Call, Payload
from interlock.simulator.station import Station
from interlock.simulator.timer import Timer

LONGEST_INTERVAL_S = 1e7


class Exchange(Protocol):
    """What a registration needs of the conversation it belongs to."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""

    def send_urgent(self, call: Call) -> None:
        """Make an urgent CALL. It fails with the connection."""

    def waits(self, call: Call) -> bool:
        """Tell whether a CALL waits to be sent."""

    def under_way(self, call: Call) -> bool:
        """Tell whether a CALL waits to be sent or answered."""

    def accepted(self, *, again: bool) -> None:
        """Note that a boot was accepted, once more or for the first time."""


class Registration:
    """Boot and heartbeat of one station."""

    __slots__ = (
        "_beat",
        "_boot",
        "_conversation",
        "_dialect",
        "_heartbeat",
        "_interval_s",
        "_station",
        "status",
    )

    def __init__(self, station: Station, dialect: Dialect, conversation: Exchange) -> None:
        self._station, self._dialect, self._conversation = station, dialect, conversation
        self.status: str | None = None
        """The status in the answer to the last BootNotification since the controller started."""
        payload = dialect.boot_payload()
        self._boot = Call("BootNotification", payload, self._boot_answered, self._boot_failed, early=True)
        self._heartbeat = Call("Heartbeat", "{}", self._heartbeat_answered, _nothing)
        self._beat: Timer | None = None
        self._interval_s = station.spec.heartbeat_s

    def power_off(self) -> None:
        """Forget the registration, and send no more heartbeats."""
        self.status = None
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    # --- boot ---

    def boot(self) -> None:
        """Send a BootNotification, unless one is under way."""
        if not self._conversation.under_way(self._boot):
            self._boot.payload = self._dialect.boot_payload()
            self._conversation.send_urgent(self._boot)

    def _boot_answered(self, payload: Payload) -> None:
        if not self._dialect.schemas.valid_answer("BootNotification", payload):
            self._boot_failed("the answer breaks its schema")
            return
        station = self._station
        station.clock.follow(payload["currentTime"], station.env.now)
        interval_s = float(max(0, min(payload["interval"], LONGEST_INTERVAL_S)))
        was, self.status = self.status, payload["status"]
        if self.status != "Accepted":
            station.after(interval_s if interval_s > 0 else station.spec.boot_retry_s, self._boot_again)
            return
        if interval_s > 0:
            self._interval_s = interval_s
            self._dialect.heartbeat_changed(interval_s)
        # A little early, by a random part, so that stations that booted together spread their heartbeats.
        self._beat_in(self._interval_s * station.rng.uniform(0.9, 1.0))
        self._conversation.accepted(again=was == "Accepted")

    def _boot_failed(self, why: str) -> None:
        if why != LOST:
            self._station.after(self._station.spec.boot_retry_s, self._boot_again)

    def _boot_again(self) -> None:
        if self._conversation.connected and self.status != "Accepted":
            self.boot()

    # --- heartbeat ---

    def set_heartbeat(self, interval_s: float) -> None:
        """Change the heartbeat interval, as the operator set it; 0: the station's own."""
        if self._beat is not None:
            self._interval_s = interval_s or self._station.spec.heartbeat_s
            self._beat_in(self._interval_s)

    def _beat_in(self, delay_s: float) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._beat = Timer(self._station.env, delay_s, self._beats)

    def _beats(self, _: Any) -> None:
        self._beat = Timer(self._station.env, self._interval_s, self._beats)
        if not self._conversation.waits(self._heartbeat):
            self.heartbeat()

    def heartbeat(self) -> None:
        """Send a heartbeat, if connected and accepted."""
        if self._conversation.connected and self.status == "Accepted":
            self._conversation.send_urgent(self._heartbeat)

    def heartbeat_on_demand(self) -> None:
        """Send a heartbeat that the CSMS asked for, also before a boot was accepted."""
        self._conversation.send_urgent(
            Call("Heartbeat", "{}", self._heartbeat_answered, _nothing, early=self.status != "Accepted")
        )

    def _heartbeat_answered(self, payload: Payload) -> None:
        if self._dialect.schemas.valid_answer("Heartbeat", payload):
            self._station.clock.follow(payload["currentTime"], self._station.env.now)


def _nothing(_: object) -> None:
    pass
