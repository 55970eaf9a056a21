"""What the station experiences, as OCPP 2.0.1 messages: transaction events, statuses, readings, authorization."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.controller import OcppController, Policy
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.randomness import new_uuid
from interlock.simulator.session import EndReason, Reading, Session
from interlock.simulator.station import Station
from interlock.simulator.v201 import messages, orders
from interlock.simulator.v201.device_model import DeviceModel, Name
from interlock.simulator.v201.messages import CARD, NOT_ASKED_FOR, Token
from interlock.simulator.v201.status import Status, word
from interlock.simulator.v201.transactions import (
    CAUSES,
    FAULTS,
    STOPPED,
    Event,
    Transaction,
    charging_state,
    unknown_end,
)
from interlock.simulator.v201.variables import catalogue

REPORTED = 20
"""Variables in one part of a report."""


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """A remote start that was accepted: the CALL it came with, and what its event will say."""

    message_id: str
    remote_start_id: int
    token: Token


@dataclass(slots=True)
class Bay:
    """What the controller knows of one EVSE."""

    statuses: tuple[Status, ...]
    transaction: Transaction | None = None
    remote_start: RemoteStart | None = None
    plugged: bool = False
    cable_came_last: bool = False
    """Whether the cable was put in after the driver was accepted."""
    next_operative: bool | None = None
    """The availability it gets when its transaction is over."""


class Controller(OcppController):
    """An OCPP 2.0.1 controller, as `ports.Controller` asks for one and `ocppj.conversation.Dialect` too."""

    __slots__ = ("_bays", "_boot_reason", "_events", "_reset_reason", "model", "reset_when_idle")

    subprotocol = messages.SUBPROTOCOL
    schemas: Schemas = messages.SCHEMAS

    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self.model = DeviceModel(catalogue(station.spec), station, self._configured)
        self._boot_reason = "PowerUp"
        """What the next BootNotification says."""
        self._reset_reason: str | None = None
        """What it will say after a reset that is under way."""
        self._events = 0
        self.reset_when_idle: Callable[[], None] | None = None
        """The reset that waits for the last transaction to end."""
        self._bays = tuple(
            Bay(tuple(Status(station, evse, connector) for connector in range(1, len(evse.locks) + 1)))
            for evse in station.evses
        )
        self.begin(Conversation(station, self))
        self.talk.outbox.timeouts_count = True
        self._use_retry_rules()

    def bay(self, evse: Evse) -> Bay:
        """Return what is known of an EVSE."""
        return self._bays[evse.number - 1]

    def transactions(self) -> Iterable[tuple[Evse, Transaction]]:
        """Iterate over the transactions that are open."""
        for evse, bay in zip(self.station.evses, self._bays, strict=True):
            if bay.transaction is not None:
                yield evse, bay.transaction

    # --- power ---

    def found(self, evse: Evse | None) -> None:
        """Note at power-up how things are, which is no change."""
        if evse is not None:
            for status in self.bay(evse).statuses:
                status.found(word(evse, status.connector))

    def leave(self, why: str, orderly: bool) -> None:
        """End what is still open, leave every connection, and lose the queue if the persona does."""
        self.reset_when_idle = None
        reason: EndReason = "reboot" if orderly else "power loss"
        for evse, transaction in list(self.transactions()):
            self._end(evse, transaction, CAUSES[reason].trigger, CAUSES[reason].stopped)
        self._boot_reason = (self._reset_reason or "LocalReset") if orderly else "PowerUp"
        self._reset_reason = None
        for bay in self._bays:
            bay.remote_start = None
        super().leave(why, orderly)

    def reset(self, why: str, boot_reason: str) -> None:
        """Reboot because the CSMS asked for it."""
        self._reset_reason = boot_reason
        self.station.reboot(why, "reset")

    # --- status ---

    def changed(self, evse: Evse | None) -> None:
        """Let statuses and the charging state follow the circumstances."""
        if evse is None:
            return
        bay, plugged = self.bay(evse), evse.vehicle is not None
        if plugged and not bay.plugged:
            bay.cable_came_last = evse.awaited is not None
        bay.plugged = plugged
        transaction = bay.transaction
        if transaction is not None and evse.session is None and not plugged:
            self._end(evse, transaction, "EVCommunicationLost", transaction.stopped or "EVDisconnected")
        elif transaction is not None and evse.session is not None:
            state = charging_state(evse.circumstances())
            if state != transaction.charging_state:
                self._event(evse, transaction, "Updated", "ChargingStateChanged", state=state)
        self._follow(evse)

    def _follow(self, evse: Evse) -> None:
        for status in self.bay(evse).statuses:
            if status.become(word(evse, status.connector)):
                self.talk.report(status)

    def statuses(self) -> Iterable[Status]:
        """Iterate over all connectors."""
        return (status for bay in self._bays for status in bay.statuses)

    def status_message(self, reported: Reported) -> tuple[str, str]:
        """Write a StatusNotification, or a NotifyEvent if the station reports statuses in that way."""
        at, place = self.station.time(), (reported.evse, reported.connector)
        if self.station.spec.status_by == "status":
            return "StatusNotification", self._own(messages.status(*place, reported.status, at))
        self._events += 1
        return "NotifyEvent", self._own(messages.availability_event(self._events, *place, reported.status, at))

    def status(self, evse: Evse) -> str:
        """Return the status word of the connector in use."""
        return self.bay(evse).statuses[evse.connector - 1].status

    def transaction_id(self, evse: Evse) -> int | str | None:
        """Return the id of the transaction that is open, whether energy flows or not."""
        transaction = self.bay(evse).transaction
        return transaction.transaction_id if transaction is not None else None

    def _own(self, body: str) -> str:
        """Add the vendor's own data to a payload, if the station does so."""
        spec = self.station.spec
        return messages.with_custom_data(body, spec.vendor) if spec.deviations.vendor_fields else body

    # --- sessions ---

    def session_began(self, session: Session) -> None:
        """Start a transaction, or go on with the one that is open."""
        evse = self.station.evses[session.evse - 1]
        bay, reading = self.bay(evse), self._reading(evse, "Transaction.Begin")
        remote = bay.remote_start
        if remote is None or remote.message_id != session.message_id:
            remote = None
        bay.remote_start = None
        token = remote.token if remote is not None else Token(session.id_token, CARD)
        trigger = "RemoteStart" if remote else "CablePluggedIn" if bay.cable_came_last else "Authorized"
        bay.cable_came_last = False
        kind, transaction = "Updated", bay.transaction
        if transaction is None:
            kind = "Started"
            transaction = bay.transaction = Transaction(
                new_uuid(self.station.rng), session.evse, session.connector, token, reading
            )
        transaction.token, transaction.stopped = token, None
        session.transaction_id = transaction.transaction_id
        state = charging_state(evse.circumstances())
        remote_start_id = remote.remote_start_id if remote is not None else None
        self._event(
            evse,
            transaction,
            kind,
            trigger,
            state=state,
            readings=[reading] if kind == "Started" else None,
            token=token,
            remote_start_id=remote_start_id,
        )
        self._sample_later(evse, session)

    def session_ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """End the transaction, or note that it stopped and ends when the cable is out."""
        evse = self.station.evses[session.evse - 1]
        transaction = self.bay(evse).transaction
        if transaction is None:
            return
        cause = CAUSES[reason]
        stopped = FAULTS.get(evse.error or "", cause.stopped) if reason == "other" else cause.stopped
        token = Token(id_token, CARD) if id_token is not None else None
        if reason in STOPPED and self.station.spec.stop_point == "unplugged":
            transaction.stopped = stopped
            state = "SuspendedEVSE" if reason == "deauthorized" else "EVConnected"
            self._event(evse, transaction, "Updated", cause.trigger, state=state, token=token)
        else:
            self._end(evse, transaction, cause.trigger, stopped, token)

    def _event(
        self,
        evse: Evse,
        transaction: Transaction,
        kind: str,
        trigger: str,
        *,
        state: str | None = None,
        readings: list[Payload] | None = None,
        token: Token | None = None,
        remote_start_id: int | None = None,
        stopped: str | None = None,
    ) -> None:
        event = transaction.event(
            kind,
            trigger,
            self.station.time(),
            state=state,
            readings=readings,
            token=token,
            remote_start_id=remote_start_id,
            stopped=stopped,
        )
        event.body = self._own(event.body)
        self.talk.queue(event)

    def _end(
        self, evse: Evse, transaction: Transaction, trigger: str, stopped: str, token: Token | None = None
    ) -> None:
        bay = self.bay(evse)
        bay.transaction = None
        state = "EVConnected" if evse.vehicle is not None and trigger != "EVCommunicationLost" else "Idle"
        readings = [transaction.began, self._reading(evse, "Transaction.End")]
        self._event(evse, transaction, "Ended", trigger, state=state, readings=readings, token=token, stopped=stopped)
        if bay.next_operative is not None:
            operative, bay.next_operative = bay.next_operative, None
            evse.set_operative(operative)
        if self.reset_when_idle is not None and not any(True for _ in self.transactions()):
            reset, self.reset_when_idle = self.reset_when_idle, None
            reset()

    def answered(self, entry: Entry, payload: Payload) -> None:
        """Note what a TransactionEvent was answered with: whether its token may charge."""
        info = payload.get("idTokenInfo")
        if info is None or not isinstance(entry, Event):
            return
        transaction = entry.transaction
        evse = self.station.evses[transaction.evse - 1]
        accepted = self._allows(evse, info)
        if transaction.token.kind not in NOT_ASKED_FOR:
            self.known_tokens[transaction.token.id_token] = accepted
        runs = evse.session is not None and self.bay(evse).transaction is transaction
        if not accepted and runs and self.model.truth("TxCtrlr", "StopTxOnInvalidId"):
            evse.end("deauthorized", "station")

    # --- what orders ask for ---

    def remote_start(self, evse: Evse, message_id: str, remote_start_id: int, token: Token) -> None:
        """Note a remote start that was accepted, for the event of the session that it causes."""
        self.bay(evse).remote_start = RemoteStart(message_id, remote_start_id, token)

    def stop_all(self, reason: EndReason, message_id: str) -> None:
        """End every session and every transaction."""
        for evse in self.station.evses:
            evse.end(reason, "remote", message_id)
        for evse, transaction in list(self.transactions()):
            self._end(evse, transaction, CAUSES[reason].trigger, transaction.stopped or CAUSES[reason].stopped)

    def set_operative(self, evse: Evse, operative: bool) -> bool:
        """Change an EVSE's availability: now, or after its transaction (G03.FR.05). Return whether it changed now."""
        bay = self.bay(evse)
        if bay.transaction is not None and not operative:
            bay.next_operative = operative
            return False
        bay.next_operative = None
        return evse.set_operative(operative)

    def has_queued(self, transaction_id: str | None) -> bool:
        """Tell whether events, of one transaction or of any, have no answer yet."""
        events = (entry for entry in self.talk.outbox.waiting() if isinstance(entry, Event))
        return any(transaction_id in (None, event.transaction.transaction_id) for event in events)

    def send_report(self, request_id: int, variables: list[Payload]) -> None:
        """Queue a report of the device model, in as many parts as it takes."""
        at = self.station.time()
        parts = [variables[start : start + REPORTED] for start in range(0, len(variables), REPORTED)]
        for number, part in enumerate(parts):
            body = {"requestId": request_id, "generatedAt": at, "seqNo": number, "reportData": part}
            body["tbc"] = number + 1 < len(parts)
            self.talk.queue_early(Entry("NotifyReport", messages.text(body)))

    # --- readings ---

    def _reading(self, evse: Evse, context: str) -> Payload:
        return messages.meter_value(evse.read(), self.station.time(), context, self.station.spec.deviations.energy_unit)

    def _sample_later(self, evse: Evse, session: Session) -> None:
        interval_s = self.model.number("SampledDataCtrlr", "TxUpdatedInterval")
        if interval_s > 0:
            self.station.after(float(interval_s), lambda: self._sample(evse, session))

    def _sample(self, evse: Evse, session: Session) -> None:
        if session.running:
            self.update(evse, "MeterValuePeriodic", "Sample.Periodic")
            self._sample_later(evse, session)

    def update(self, evse: Evse, trigger: str, context: str, *, with_state: bool = False) -> None:
        """Queue an Updated event with readings, if a transaction is open."""
        transaction = self.bay(evse).transaction
        if transaction is not None:
            state = charging_state(evse.circumstances()) if with_state else None
            readings = [self._reading(evse, context)]
            self._event(evse, transaction, "Updated", trigger, state=state, readings=readings)

    def send_meter_values(self, evse: Evse, context: str) -> None:
        """Queue MeterValues outside a transaction's events."""
        body = self._own(messages.meter_values(evse.number, self._reading(evse, context)))
        self.talk.queue(Entry("MeterValues", body))

    def send_readings(self, evse: Evse) -> None:
        """Send a meter reading: in an event if a transaction is open."""
        if self.bay(evse).transaction is not None:
            self.update(evse, "MeterValueClock", "Sample.Clock")
        else:
            self.send_meter_values(evse, "Sample.Clock")

    # --- authorization ---

    @property
    def connection_timeout_s(self) -> float:
        """How long an accepted driver may take to plug in."""
        return float(self.model.number("TxCtrlr", "EVConnectionTimeOut"))

    @property
    def policy(self) -> Policy:
        """When a token may charge although the CSMS was not asked (C10, C12, C15)."""
        truth = self.model.truth
        cached = truth("AuthCacheCtrlr", "Enabled")
        return Policy(
            cache_first=cached and truth("AuthCtrlr", "LocalPreAuthorize"),
            cache_offline=cached and truth("AuthCtrlr", "LocalAuthorizeOffline"),
            unknown_offline=truth("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
        )

    def authorize_payload(self, id_token: str) -> str:
        """Write an Authorize."""
        return self._own(messages.authorize(Token(id_token, CARD)))

    def accepts(self, evse: Evse, payload: Payload) -> bool:
        """Tell whether the answer to an Authorize lets the token charge at an EVSE."""
        return self._allows(evse, payload["idTokenInfo"])

    def _allows(self, evse: Evse, info: Payload) -> bool:
        """Read an IdTokenInfo; one with a list of EVSEs lets the token charge at those only (C01.FR.18 to 24)."""
        return info["status"] == "Accepted" and evse.number in info.get("evseId", (evse.number,))

    # --- boot, heartbeat, orders ---

    def boot_payload(self) -> str:
        """Write a BootNotification."""
        spec = self.station.spec
        return self._own(messages.boot(spec.vendor, spec.model, spec.serial, spec.firmware, self._boot_reason))

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""
        self.model.write("OCPPCommCtrlr", "HeartbeatInterval", str(int(interval_s)))

    def boot_on_demand(self) -> None:
        """Send a BootNotification that the CSMS asked for."""
        self._boot_reason = "Triggered"
        self.talk.boot()

    def _configured(self, name: Name) -> None:
        if name.variable.casefold() == "heartbeatinterval":
            self.talk.set_heartbeat(float(self.model.number("OCPPCommCtrlr", "HeartbeatInterval")))
        self._use_retry_rules()

    def _use_retry_rules(self) -> None:
        outbox = self.talk.outbox
        outbox.attempts = self.model.number("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent")
        outbox.retry_s = float(self.model.number("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"))

    def called(self, message_id: str, action: str, payload: Payload) -> None:
        """Handle a CALL of the CSMS, which may make one once the boot was answered and not rejected (B03.FR.08)."""
        if self.talk.registration in (None, "Rejected"):
            self.talk.link.refuse(message_id, "SecurityError", "this station is not registered")
        else:
            orders.ORDERS.receive(self, message_id, action, payload)

    # --- what workloads have it say and do ---

    def send_status(self, evse: Evse | None) -> None:
        """Report a connector's status whether it changed or not, if connected; the station itself has none."""
        if self.talk.online and evse is not None:
            self.talk.report_now(self.bay(evse).statuses[evse.connector - 1])

    def send_unknown_stop(self, transaction_id: int | str, meter_wh: int) -> None:
        """Send the end of a transaction that this CSMS never knew, if connected."""
        reading = Reading(meter_wh, 0.0, self.station.power.volts)
        body = unknown_end(str(transaction_id), reading, self.station.time())
        self.send_raw(f'[2,"unknown-stop-{transaction_id}","TransactionEvent",{body}]')
