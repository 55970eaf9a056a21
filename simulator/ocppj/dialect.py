"""What the part of all OCPP versions asks of one: payloads, statuses, schemas, and where answers go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas


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

    def gave_up(self, entry: Entry, why: str) -> None:
        """Note that a durable message was dropped without an answer."""

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""

    def reconnected(self, offline_s: float) -> None:
        """Note that there is a connection again, for a station that was accepted before; statuses are reported next."""
