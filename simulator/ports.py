"""The seam between the physical station and its controller, which alone knows an OCPP version.

The station reports what happens and asks two things (may this driver charge, how long may one take to plug in); the
controller calls the methods of `Station` and `Evse` for what it wants done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from interlock.simulator.evse import Evse
from interlock.simulator.session import EndReason, Session


class Controller(Protocol):
    """What a station's controller does for it. Where an EVSE may be None, the station itself is meant."""

    @property
    def subprotocol(self) -> str:
        """What it speaks, as in a WebSocket handshake."""

    # --- power ---

    def note_status(self, evse: Evse | None) -> None:
        """Note at power-up how things are, which is no change."""

    def power_on(self) -> None:
        """Begin to connect."""

    def power_off(self) -> None:
        """Lose the power: nothing is sent any more; sessions that now end are noted for later."""

    def leave(self, why: str, orderly: bool) -> None:
        """Leave every connection, and forget what is not kept without power; `orderly`: closing them."""

    # --- what happens ---

    def changed(self, evse: Evse | None) -> None:
        """Note that circumstances changed, perhaps."""

    def session_began(self, session: Session) -> None:
        """Note that a session began: the contactor has closed."""

    def session_ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """Note that a session ended; `id_token` ended it, where a card did."""

    # --- what the station asks ---

    @property
    def connection_timeout_s(self) -> float:
        """How long an accepted driver may take to plug in."""

    def authorize(self, evse: Evse, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether a token may charge at an EVSE."""

    def asks_who_may_end(self, session: Session) -> bool:
        """Whether another card than the one it began with may end a session."""

    def may_end(self, evse: Evse, session: Session, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether another card may end a session."""

    # --- what workloads have it say and do ---

    def send_heartbeat(self) -> None:
        """Send a heartbeat beside the usual ones, if connected."""

    def send_status(self, evse: Evse | None) -> None:
        """Report a status whether it changed or not, if connected."""

    def send_readings(self, evse: Evse) -> None:
        """Send a meter reading."""

    def send_unknown_stop(self, transaction_id: int | str, meter_wh: int) -> None:
        """Send the end of a transaction that this CSMS never knew, if connected."""

    def send_raw(self, text: str) -> None:
        """Send any text whatever, if connected."""

    def answer_next(self, payload: str, code: str, does: str) -> None:
        """Answer the next order with a payload, or a CALLERROR `code` where one is given, and do not act on it."""

    def answer_again(self, payload: str, code: str, does: str, back: int) -> None:
        """Send one more answer to the order that was answered last, or to one `back` from it."""

    def drop(self, why: str) -> None:
        """Close the connection and open another one after a pause."""

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection now; the old one is closed first, or stays open for a while unread."""

    # --- at rest ---

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""

    @property
    def online(self) -> bool:
        """Whether it is connected and the CSMS has accepted its boot."""

    @property
    def outbox_pending(self) -> int:
        """Transaction messages that have no answer yet."""

    @property
    def statuses_pending(self) -> int:
        """Things of which a status report has no answer yet."""

    @property
    def awaits_answer(self) -> bool:
        """Whether a CALL of its own is under way."""

    def status(self, evse: Evse) -> str:
        """Return the status word of an EVSE."""

    def transaction_id(self, evse: Evse) -> int | str | None:
        """Return what the transaction that is open at an EVSE is called, None if there is none or it is not known."""
