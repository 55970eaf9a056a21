"""The part of a controller that is the same in every version: connecting, leaving, authorization, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.answers import Answers
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import LOST, TIMED_OUT, Call, Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.session import Session
from interlock.simulator.station import Station


class Policy(NamedTuple):
    """When a token may charge although the CSMS was not asked."""

    cache_first: bool
    """Whether one that was accepted before is not asked for again."""
    cache_offline: bool
    """Whether one that was accepted before may charge while offline."""
    unknown_offline: bool
    """Whether an unknown one may charge while offline."""


class OcppController:
    """The part of a controller that does not depend on the OCPP version. The version's own part calls `begin`."""

    __slots__ = ("_unknown", "answers", "conversation", "known_tokens", "station")

    conversation: Conversation
    answers: Answers
    schemas: Schemas

    def __init__(self, station: Station) -> None:
        self.station = station
        self.known_tokens: dict[str, bool] = {}
        """The authorization cache."""
        self._unknown = 0

    def begin(self, conversation: Conversation) -> None:
        """Take its conversation, which the version's own part made."""
        self.conversation = conversation
        self.answers = Answers(self.station, conversation.link)

    def statuses(self) -> Iterable[Reported]:
        """Return everything that has a status, in the order in which it is reported."""
        raise NotImplementedError

    @property
    def policy(self) -> Policy:
        """When a token may charge although the CSMS was not asked."""
        raise NotImplementedError

    def authorize_payload(self, id_token: str) -> str:
        """Write an Authorize."""
        raise NotImplementedError

    def accepts(self, evse: Evse, payload: Payload) -> bool:
        """Tell whether a valid answer to an Authorize lets the token charge at an EVSE."""
        raise NotImplementedError

    # --- what is never told ---

    def gave_up(self, entry: Entry, why: str) -> None:
        """Note that a durable message was dropped: the CSMS never gets its content."""
        self.note_untold(entry, why)

    def note_untold(self, entry: Entry, why: str, **about: str) -> None:
        """Record it in the history, with what is known `about` it; `refused`: it was answered, and not with a yes."""
        station, refused = self.station, why not in (LOST, TIMED_OUT)
        station.observe("untold", station=station.station_id, action=entry.action, why=why, refused=refused, **about)

    # --- authorization ---

    def authorize(self, evse: Evse, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether a token may charge: from the CSMS, or from memory while it cannot be asked."""
        if self.accepts_unasked(id_token):
            decided(True)
        elif not self.conversation.online:
            decided(self.accepts_offline(id_token))
        else:
            self.ask_for(evse, id_token, decided)

    def ask_for(self, evse: Evse, id_token: str, decided: Callable[[bool], None]) -> None:
        """Ask the CSMS whether a token may charge; without an answer it is decided as offline."""

        def answered(payload: Payload) -> None:
            if not self.schemas.valid_answer("Authorize", payload):
                failed("the answer breaks its schema")
                return
            self.known_tokens[id_token] = accepted = self.accepts(evse, payload)
            self.learned(id_token, payload)
            decided(accepted)

        def failed(why: str) -> None:
            decided(self.accepts_offline(id_token))

        self.conversation.send_urgent(Call("Authorize", self.authorize_payload(id_token), answered, failed))

    def learned(self, id_token: str, payload: Payload) -> None:
        """Note what else a valid answer says of a token."""

    def accepts_unasked(self, id_token: str) -> bool:
        """Whether a token may charge without asking the CSMS while online."""
        return bool(self.policy.cache_first and self.known_tokens.get(id_token))

    def accepts_offline(self, id_token: str) -> bool:
        """Tell whether a token may charge while the CSMS cannot be asked."""
        if id_token in self.station.spec.local_list:
            return True
        known = self.known_tokens.get(id_token)
        if known is None:
            return self.policy.unknown_offline
        return known and self.policy.cache_offline

    def asks_who_may_end(self, session: Session) -> bool:
        """Whether another card than the one it began with may end a session."""
        return False

    def may_end(self, evse: Evse, session: Session, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether another card may end a session."""
        decided(False)

    # --- connection ---

    def reconnected(self, offline_s: float) -> None:
        """Note that there is a connection again: a version may have more reported then."""

    # --- power ---

    def power_on(self) -> None:
        """Begin to connect."""
        self.conversation.power_on()

    def power_off(self) -> None:
        """Send nothing any more."""
        self.conversation.power_off()

    def leave(self, why: str, orderly: bool) -> None:
        """Leave every connection, and lose the queue if the persona does."""
        if not self.station.spec.persona.keeps_queue:
            self.conversation.outbox.lose()
        self.conversation.connection.leave(why, orderly)

    # --- what workloads have it say and do ---

    def send_heartbeat(self) -> None:
        """Send a heartbeat beside the usual ones, if connected."""
        self.conversation.registration.heartbeat()

    def send_raw(self, text: str) -> None:
        """Send any text whatever, if connected."""
        self.conversation.link.send(text)

    def unknown_id(self, transaction_id: int | str) -> str:
        """Return a message id for a message about a transaction that nobody knows: another one each time."""
        self._unknown += 1
        more = f"-{self._unknown}" if self._unknown > 1 else ""
        return f"unknown-stop-{transaction_id}"[: 36 - len(more)] + more

    def answer_next(self, payload: str, code: str, does: str) -> None:
        """Answer the next order with a payload, or a CALLERROR, whatever it is, and do not act on it."""
        self.answers.instead.append((payload, code, does))

    def answer_again(self, payload: str, code: str, does: str, back: int) -> None:
        """Send one more answer to the order that was answered last, or to one `back` from it."""
        self.answers.again(payload, code, does, back)

    def drop(self, why: str) -> None:
        """Close the connection and open another one after a pause."""
        self.conversation.connection.drop(why)

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection now; the old one is closed first, or stays open for a while unread."""
        self.conversation.connection.reconnect(keep_old=keep_old)

    # --- at rest ---

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.conversation.socket is not None

    @property
    def online(self) -> bool:
        """Whether it is connected and the CSMS has accepted its boot."""
        return self.conversation.online

    @property
    def outbox_pending(self) -> int:
        """Transaction messages that have no answer yet."""
        return self.conversation.outbox.pending

    @property
    def statuses_pending(self) -> int:
        """Things of which a status report has no answer yet."""
        return sum(reported.queued > 0 for reported in self.statuses())

    @property
    def awaits_answer(self) -> bool:
        """Whether a CALL of its own is under way."""
        return self.conversation.link.outstanding is not None
