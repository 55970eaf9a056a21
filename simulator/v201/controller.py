"""Physical events as OCPP 2.0.1 messages: joins transactions, statuses, device model and orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.controller import OcppController, Policy
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.session import EndReason, Reading, Session
from interlock.simulator.station import Station
from interlock.simulator.v201 import messages, orders
from interlock.simulator.v201.device_model import DeviceModel, Name
from interlock.simulator.v201.messages import CARD, NOT_ASKED_FOR, Token
from interlock.simulator.v201.sessions import Sessions
from interlock.simulator.v201.status import Status, word
from interlock.simulator.v201.transactions import Event, unknown_end
from interlock.simulator.v201.variables import catalogue

REPORTED = 20
"""Variables in one part of a report."""


class Controller(OcppController):
    """An OCPP 2.0.1 controller, as `ports.Controller` asks for one and `ocppj.conversation.Dialect` too."""

    __slots__ = (
        "_boot_reason",
        "_events",
        "_next_operative",
        "_reset_reason",
        "_statuses",
        "model",
        "reset_when_idle",
        "sessions",
    )

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
        self._next_operative: dict[int, bool] = {}
        """The availability of EVSEs, by number, that changes when their transaction is over."""
        self._statuses = tuple(
            tuple(Status(station, evse, connector) for connector in range(1, len(evse.locks) + 1))
            for evse in station.evses
        )
        self.begin(Conversation(station, self))
        self.sessions = Sessions(station, self.conversation, self.model, self._transaction_over)
        self.conversation.outbox.timeouts_count = True
        self._use_retry_rules()

    # --- power ---

    def note_status(self, evse: Evse | None) -> None:
        """Note at power-up how things are, which is no change."""
        if evse is not None:
            for status in self.statuses_of(evse):
                status.note(word(evse, status.connector))

    def leave(self, why: str, orderly: bool) -> None:
        """End what is still open, leave every connection, and lose the queue if the persona does."""
        self.reset_when_idle = None
        self.sessions.power_off("reboot" if orderly else "power loss")
        self._boot_reason = (self._reset_reason or "LocalReset") if orderly else "PowerUp"
        self._reset_reason = None
        super().leave(why, orderly)

    def reset(self, why: str, boot_reason: str) -> None:
        """Reboot because the CSMS asked for it."""
        self._reset_reason = boot_reason
        self.station.reboot(why, "reset")

    # --- status ---

    def changed(self, evse: Evse | None) -> None:
        """Let transactions and statuses follow the circumstances."""
        if evse is None:
            return
        self.sessions.changed(evse)
        for status in self.statuses_of(evse):
            if status.become(word(evse, status.connector)):
                self.conversation.report(status)

    def statuses_of(self, evse: Evse) -> tuple[Status, ...]:
        """Return the statuses of an EVSE's connectors."""
        return self._statuses[evse.number - 1]

    def statuses(self) -> Iterable[Status]:
        """Iterate over all connectors."""
        return (status for statuses in self._statuses for status in statuses)

    def status_message(self, reported: Reported) -> tuple[str, str]:
        """Write a StatusNotification, or a NotifyEvent if the station reports statuses in that way."""
        at, place, spec = self.station.time(), (reported.evse, reported.connector), self.station.spec
        if spec.status_by == "status":
            return "StatusNotification", messages.of_vendor(messages.status(*place, reported.status, at), spec)
        self._events += 1
        body = messages.availability_event(self._events, *place, reported.status, at)
        return "NotifyEvent", messages.of_vendor(body, spec)

    def status(self, evse: Evse) -> str:
        """Return the status word of the connector in use."""
        return self.statuses_of(evse)[evse.connector - 1].status

    def reconnected(self, offline_s: float) -> None:
        """Have all statuses reported after a long time offline, not only those that changed (B04.FR.01)."""
        if offline_s > self.model.number("OCPPCommCtrlr", "OfflineThreshold"):
            for status in self.statuses():
                status.acknowledged = None

    # --- transactions ---

    def session_began(self, session: Session) -> None:
        """Start a transaction, or go on with the one that is open."""
        self.sessions.began(session)

    def session_ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """End the transaction, or note that it was stopped and ends when the cable is out."""
        self.sessions.ended(session, reason, id_token)

    def transaction_id(self, evse: Evse) -> int | str | None:
        """Return the id of the transaction that is open, whether energy flows or not."""
        transaction = self.sessions.open_at(evse)
        return transaction.transaction_id if transaction is not None else None

    def _transaction_over(self, evse: Evse) -> None:
        operative = self._next_operative.pop(evse.number, None)
        if operative is not None:
            evse.set_operative(operative)
        if self.reset_when_idle is not None and self.sessions.none_open:
            reset, self.reset_when_idle = self.reset_when_idle, None
            reset()

    def set_operative(self, evse: Evse, operative: bool) -> bool:
        """Change an EVSE's availability: now, or after its transaction (G03.FR.05). Return whether it changed now."""
        if self.sessions.open_at(evse) is not None and not operative:
            self._next_operative[evse.number] = operative
            return False
        self._next_operative.pop(evse.number, None)
        return evse.set_operative(operative)

    def answered(self, entry: Entry, payload: Payload) -> None:
        """Note what a TransactionEvent was answered with: whether its token may charge."""
        info = payload.get("idTokenInfo")
        if info is None or not isinstance(entry, Event):
            return
        transaction = entry.transaction
        evse = self.station.evses[transaction.evse - 1]
        accepted = self._allows(evse, info)
        token = transaction.token
        if token is not None and token.kind not in NOT_ASKED_FOR:
            self.known_tokens[token.id_token] = accepted
        runs = evse.session is not None and self.sessions.open_at(evse) is transaction
        if not accepted and runs and self.model.truth("TxCtrlr", "StopTxOnInvalidId"):
            evse.end("deauthorized", "station")

    def gave_up(self, entry: Entry, why: str) -> None:
        """Note which transaction's event was dropped after its last attempt (E13)."""
        if isinstance(entry, Event):
            about = {"transaction_id": entry.transaction.transaction_id, "event": entry.kind}
            self.note_untold(entry, why, **about)
        else:
            super().gave_up(entry, why)

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
        return messages.of_vendor(messages.authorize(Token(id_token, CARD)), self.station.spec)

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
        body = messages.boot(spec.vendor, spec.model, spec.serial, spec.firmware, self._boot_reason)
        return messages.of_vendor(body, spec)

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""
        self.model.write("OCPPCommCtrlr", "HeartbeatInterval", str(int(interval_s)))

    def boot_on_demand(self) -> None:
        """Send a BootNotification that the CSMS asked for."""
        self._boot_reason = "Triggered"
        self.conversation.registration.boot()

    def _configured(self, name: Name) -> None:
        if name.variable.casefold() == "heartbeatinterval":
            self.conversation.registration.set_heartbeat(float(self.model.number("OCPPCommCtrlr", "HeartbeatInterval")))
        self._use_retry_rules()

    def _use_retry_rules(self) -> None:
        outbox = self.conversation.outbox
        outbox.attempts = self.model.number("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent")
        outbox.retry_s = float(self.model.number("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"))

    def called(self, message_id: str, action: str, payload: Payload) -> None:
        """Handle a CALL of the CSMS, which may make one once the boot was answered and not rejected (B03.FR.08)."""
        if self.conversation.registration.status in (None, "Rejected"):
            self.conversation.link.refuse(message_id, "SecurityError", "this station is not registered")
        else:
            orders.ORDERS.receive(self, message_id, action, payload)

    # --- what orders and workloads have it send ---

    def send_report(self, request_id: int, variables: list[Payload]) -> None:
        """Send a report of the device model, in as many parts as it takes."""
        at = self.station.time()
        parts = [variables[start : start + REPORTED] for start in range(0, len(variables), REPORTED)]
        for number, part in enumerate(parts):
            body = {"requestId": request_id, "generatedAt": at, "seqNo": number, "reportData": part}
            body["tbc"] = number + 1 < len(parts)
            self.conversation.queue_on_demand(Entry("NotifyReport", messages.text(body)))

    def send_meter_values(self, evse: Evse, context: str) -> None:
        """Send MeterValues outside a transaction's events."""
        body = messages.meter_values(evse.number, self.sessions.reading(evse, context))
        entry = Entry("MeterValues", messages.of_vendor(body, self.station.spec))
        if context == "Trigger":
            self.conversation.queue_on_demand(entry)
        else:
            self.conversation.queue(entry)

    def send_readings(self, evse: Evse) -> None:
        """Send a meter reading: in an event if a transaction is open."""
        if self.sessions.open_at(evse) is not None:
            self.sessions.update(evse, "MeterValueClock", "Sample.Clock")
        else:
            self.send_meter_values(evse, "Sample.Clock")

    def send_status(self, evse: Evse | None) -> None:
        """Report a connector's status whether it changed or not, if connected; the station itself has none."""
        if self.conversation.online and evse is not None:
            self.conversation.report_now(self.statuses_of(evse)[evse.connector - 1])

    def send_unknown_stop(self, transaction_id: int | str, meter_wh: int) -> None:
        """Send the end of a transaction that this CSMS never knew, if connected."""
        station = self.station
        station.observe("transaction.unknown", station=station.station_id, transaction_id=str(transaction_id))
        reading = Reading(meter_wh, 0.0, station.power.volts)
        body = unknown_end(str(transaction_id), reading, station.time())
        message_id = self.unknown_id(transaction_id)
        self.send_raw(f'[2,"{message_id}","TransactionEvent",{body}]')
