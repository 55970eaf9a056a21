"""What every version's controller does alike: it connects, leaves, and is asked how far it has got."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.station import Station


class OcppController:
    """The part of a controller that does not depend on the OCPP version. `talk` is set by the version's own part."""

    __slots__ = ("known_tokens", "station", "talk")

    talk: Conversation

    def __init__(self, station: Station) -> None:
        self.station = station
        self.known_tokens: dict[str, bool] = {}
        """The authorization cache."""

    def statuses(self) -> Iterable[Reported]:
        """Return everything that has a status, in the order in which it is reported."""
        raise NotImplementedError

    # --- power ---

    def power_on(self) -> None:
        """Begin to connect."""
        self.talk.power_on()

    def power_off(self) -> None:
        """Send nothing any more."""
        self.talk.power_off()

    def leave(self, why: str, orderly: bool) -> None:
        """Leave every connection, and lose the queue if the persona does."""
        if not self.station.spec.persona.keeps_queue:
            self.talk.outbox.lose()
        self.talk.connection.leave(why, orderly)

    # --- what workloads have it say and do ---

    def send_heartbeat(self) -> None:
        """Send a heartbeat beside the usual ones, if connected."""
        self.talk.heartbeat()

    def send_raw(self, text: str) -> None:
        """Send any text whatever, if connected."""
        self.talk.link.send(text)

    def drop(self, why: str) -> None:
        """Close the connection and open another one after a pause."""
        self.talk.connection.drop(why)

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection now; the old one is closed first, or stays open for a while unread."""
        self.talk.connection.reconnect(keep_old=keep_old)

    # --- at rest ---

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.talk.socket is not None

    @property
    def online(self) -> bool:
        """Whether it is connected and the CSMS has accepted its boot."""
        return self.talk.online

    @property
    def outbox_pending(self) -> int:
        """Transaction messages that have no answer yet."""
        return self.talk.outbox.pending

    @property
    def statuses_pending(self) -> int:
        """Things of which a status report has no answer yet."""
        return sum(reported.queued > 0 for reported in self.statuses())

    @property
    def awaits_answer(self) -> bool:
        """Whether a CALL of its own is under way."""
        return self.talk.link.outstanding is not None
