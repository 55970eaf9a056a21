"""From physical sessions to transactions: which event follows from what happens at an EVSE, and when the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.randomness import new_uuid
from interlock.simulator.session import EndReason, Session
from interlock.simulator.station import Station
from interlock.simulator.v201 import messages
from interlock.simulator.v201.device_model import DeviceModel
from interlock.simulator.v201.messages import CARD, Token
from interlock.simulator.v201.transactions import CAUSES, FAULTS, STOPPED, Cause, Event, Transaction, charging_state


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """A remote start that was accepted: the CALL it came with, and what its event will say."""

    message_id: str
    remote_start_id: int
    token: Token


@dataclass(slots=True)
class Bay:
    """What is known of one EVSE."""

    transaction: Transaction | None = None
    remote_start: RemoteStart | None = None
    plugged: bool = False
    cable_came_last: bool = False
    """Whether the cable was put in after the driver was accepted."""
    seq_no: int = 0
    """Where the numbers of the last transaction's events ended."""


class Sessions:
    """The transactions of one station. `ended(evse)` is called after each has ended."""

    __slots__ = ("_bays", "_conversation", "_ended", "_model", "_station")

    def __init__(
        self, station: Station, conversation: Conversation, model: DeviceModel, ended: Callable[[Evse], None]
    ) -> None:
        self._station, self._conversation, self._model, self._ended = station, conversation, model, ended
        self._bays = tuple(Bay() for _ in station.evses)

    def _bay(self, evse: Evse) -> Bay:
        return self._bays[evse.number - 1]

    def open_at(self, evse: Evse) -> Transaction | None:
        """Return the transaction that is open at an EVSE, whether energy flows or not."""
        return self._bay(evse).transaction

    def open(self) -> Iterator[tuple[Evse, Transaction]]:
        """Iterate over the transactions that are open."""
        for evse, bay in zip(self._station.evses, self._bays, strict=True):
            if bay.transaction is not None:
                yield evse, bay.transaction

    @property
    def none_open(self) -> bool:
        """Whether no transaction is open."""
        return all(bay.transaction is None for bay in self._bays)

    def has_queued(self, transaction_id: str | None) -> bool:
        """Tell whether events, of one transaction or of any, have no answer yet."""
        events = (entry for entry in self._conversation.outbox.waiting() if isinstance(entry, Event))
        return any(transaction_id in (None, event.transaction.transaction_id) for event in events)

    # --- what happens ---

    def expect(self, evse: Evse, remote_start: RemoteStart) -> None:
        """Note a remote start that was accepted, for the event of the session that it causes."""
        self._bay(evse).remote_start = remote_start

    def changed(self, evse: Evse) -> None:
        """Report a charging state that changed, and the end of a transaction that waited for the cable to be out."""
        bay, plugged = self._bay(evse), evse.vehicle is not None
        if plugged and not bay.plugged:
            bay.cable_came_last = evse.awaited is not None
            self._plugged(evse)
        bay.plugged = plugged
        transaction = bay.transaction
        if transaction is None:
            return
        if evse.session is not None:
            state = charging_state(evse.circumstances())
            if state != transaction.charging_state:
                self._queue(transaction.event("Updated", "ChargingStateChanged", self._station.time(), state=state))
        elif not plugged:
            self._end(evse, transaction, Cause("EVCommunicationLost", transaction.stopped or "EVDisconnected"))

    def _plugged(self, evse: Evse) -> None:
        circumstances = evse.circumstances()
        usable = circumstances.operative and not circumstances.faulted
        if self._station.spec.start_point == "plugged" and usable and self.open_at(evse) is None:
            reading = self.reading(evse, "Transaction.Begin")
            transaction = self._new(evse, None, reading)
            at, state = self._station.time(), charging_state(circumstances)
            self._queue(transaction.event("Started", "CablePluggedIn", at, state=state, readings=[reading]))

    def _new(self, evse: Evse, token: Token | None, reading: Payload) -> Transaction:
        bay, station = self._bay(evse), self._station
        bay.transaction = transaction = Transaction(new_uuid(station.rng), evse.number, evse.connector, token, reading)
        if station.spec.deviations.seq_no_runs_on:
            transaction.seq_no = bay.seq_no
        self._note("transaction.begun", transaction, connector=evse.number, meter_wh=evse.read().energy_wh)
        return transaction

    def _note(self, kind: str, transaction: Transaction, **about: object) -> None:
        station = self._station
        station.observe(kind, station=station.station_id, transaction_id=transaction.transaction_id, **about)

    def began(self, session: Session) -> None:
        """Start a transaction, or go on with the one that is open."""
        evse = self._station.evses[session.evse - 1]
        bay, reading = self._bay(evse), self.reading(evse, "Transaction.Begin")
        remote, bay.remote_start = bay.remote_start, None
        if remote is not None and remote.message_id != session.message_id:
            remote = None
        trigger = "RemoteStart" if remote else "CablePluggedIn" if bay.cable_came_last else "Authorized"
        bay.cable_came_last = False
        token = remote.token if remote is not None else Token(session.id_token, CARD)
        transaction, kind = bay.transaction, "Updated"
        if transaction is None:
            transaction, kind = self._new(evse, token, reading), "Started"
        transaction.token, transaction.stopped = token, None
        session.transaction_id = transaction.transaction_id
        self._note("transaction.session", transaction, session=session.session)
        self._queue(
            transaction.event(
                kind,
                trigger,
                self._station.time(),
                state=charging_state(evse.circumstances()),
                readings=[reading] if kind == "Started" else None,
                token=token,
                remote_start_id=remote.remote_start_id if remote is not None else None,
            )
        )
        self._sample_later(evse, session)

    def ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """End the transaction, or note that it was stopped and ends when the cable is out."""
        evse = self._station.evses[session.evse - 1]
        transaction, cause = self.open_at(evse), CAUSES[reason]
        if transaction is None:
            return
        token = Token(id_token, CARD) if id_token is not None else None
        if reason in STOPPED and self._station.spec.stop_point == "unplugged":
            transaction.stopped = cause.stopped
            self.stopped(transaction, cause.trigger, token)
        else:
            if reason == "other":
                cause = cause._replace(stopped=FAULTS.get(evse.error or "", cause.stopped))
            self._end(evse, transaction, cause, token)

    def stopped(self, transaction: Transaction, trigger: str, token: Token | None = None) -> None:
        """Report that a transaction was stopped while the vehicle stays connected."""
        state = "SuspendedEVSE" if trigger == "Deauthorized" else "EVConnected"
        self._queue(transaction.event("Updated", trigger, self._station.time(), state=state, token=token))

    def end_all(self, reason: EndReason) -> None:
        """End every transaction, those too of which no session runs any more."""
        for evse, transaction in list(self.open()):
            self._end(evse, transaction, CAUSES[reason])

    def power_off(self, reason: EndReason) -> None:
        """End what is still open, and forget what was only in memory."""
        self.end_all(reason)
        for bay in self._bays:
            bay.remote_start = None

    def _end(self, evse: Evse, transaction: Transaction, cause: Cause, token: Token | None = None) -> None:
        bay = self._bay(evse)
        bay.transaction = None
        self._note("transaction.ended", transaction, meter_wh=evse.read().energy_wh)
        unplugged = evse.vehicle is None or cause.trigger == "EVCommunicationLost"
        self._queue(
            transaction.event(
                "Ended",
                cause.trigger,
                self._station.time(),
                state="Idle" if unplugged else "EVConnected",
                readings=[transaction.began, self.reading(evse, "Transaction.End")],
                token=token,
                stopped=cause.stopped,
            )
        )
        bay.seq_no = transaction.seq_no
        self._ended(evse)

    def _queue(self, event: Event) -> None:
        event.body = messages.of_vendor(event.body, self._station.spec)
        self._conversation.queue(event)

    # --- readings ---

    def reading(self, evse: Evse, context: str) -> Payload:
        """Read an EVSE's meter, as a MeterValue."""
        return messages.meter_value(
            evse.read(), self._station.time(), context, self._station.spec.deviations.energy_unit
        )

    def _sample_later(self, evse: Evse, session: Session) -> None:
        interval_s = self._model.number("SampledDataCtrlr", "TxUpdatedInterval")
        if interval_s > 0:
            self._station.after(float(interval_s), lambda: self._sample(evse, session))

    def _sample(self, evse: Evse, session: Session) -> None:
        if session.running:
            self.update(evse, "MeterValuePeriodic", "Sample.Periodic")
            self._sample_later(evse, session)

    def update(self, evse: Evse, trigger: str, context: str, *, with_state: bool = False) -> None:
        """Queue an Updated event with readings, if a transaction is open."""
        transaction = self.open_at(evse)
        if transaction is not None:
            state = charging_state(evse.circumstances()) if with_state else None
            readings = [self.reading(evse, context)]
            self._queue(transaction.event("Updated", trigger, self._station.time(), state=state, readings=readings))
