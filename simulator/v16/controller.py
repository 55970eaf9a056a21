"""What the station experiences, as OCPP 1.6 messages: sessions, readings, statuses, authorization."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.controller import OcppController, Policy
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.session import EndReason, Session
from interlock.simulator.station import Station
from interlock.simulator.v16 import messages, orders
from interlock.simulator.v16.configuration import Configuration
from interlock.simulator.v16.messages import TransactionEntry
from interlock.simulator.v16.status import Status, word


class Controller(OcppController):
    """An OCPP 1.6 controller, as `ports.Controller` asks for one and `ocppj.conversation.Dialect` too."""

    __slots__ = ("_evse_statuses", "_station_status", "configuration")

    subprotocol = messages.SUBPROTOCOL
    schemas: Schemas = messages.SCHEMAS

    def __init__(self, station: Station) -> None:
        super().__init__(station)
        spec = station.spec
        self.configuration = Configuration(
            spec.evses,
            spec.connection_timeout_s,
            spec.meter_interval_s,
            spec.heartbeat_s,
            spec.retry_s,
            spec.offline_unknown,
        )
        self.begin(Conversation(station, self))
        name, observe, report = spec.station_id, station.observe, self.conversation.report
        self._station_status = Status(name, 0, observe, report)
        self._evse_statuses = tuple(Status(name, evse.number, observe, report) for evse in station.evses)

    # --- power ---

    def note_status(self, evse: Evse | None) -> None:
        """Note at power-up how things are, which is no change."""
        self._status_of(evse).note(*self._status_now(evse))

    # --- status ---

    def _status_of(self, evse: Evse | None) -> Status:
        return self._station_status if evse is None else self._evse_statuses[evse.number - 1]

    def _status_now(self, evse: Evse | None) -> tuple[str, str]:
        if evse is not None:
            return word(evse.circumstances()), evse.fault or "NoError"
        station = self.station
        status = "Available" if station.operative else "Unavailable"
        return "Faulted" if station.disabled else status, station.fault or "NoError"

    def changed(self, evse: Evse | None) -> None:
        """Let the status follow the circumstances."""
        self._status_of(evse).become(*self._status_now(evse))

    def statuses(self) -> Iterable[Status]:
        """Iterate over everything that has a status: the station itself, which is number 0, then its connectors."""
        return (self._station_status, *self._evse_statuses)

    def status_message(self, reported: Reported) -> tuple[str, str]:
        """Write a StatusNotification."""
        spec, at = self.station.spec, self.station.time()
        vendor = spec.vendor if spec.deviations.vendor_fields else None
        return "StatusNotification", messages.status(reported.evse, reported.status, reported.error_code, at, vendor)

    def status(self, evse: Evse) -> str:
        """Return the status word of an EVSE's connector."""
        return self._status_of(evse).status

    def transaction_id(self, evse: Evse) -> int | str | None:
        """Return the transactionId of the session that runs, once the CSMS has given it one."""
        return evse.session.transaction_id if evse.session is not None else None

    # --- sessions ---

    def session_began(self, session: Session) -> None:
        """Queue a StartTransaction, and readings for as long as it runs."""
        body = messages.start(session.evse, session.id_token, session.meter_start_wh, self.station.time())
        self.conversation.queue(TransactionEntry("StartTransaction", body, session))
        self._sample_later(session)

    def session_ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """Queue a StopTransaction."""
        meter_wh = self.station.evses[session.evse - 1].meter.register_wh
        body = messages.stop(meter_wh, self.station.time(), messages.REASONS[reason], id_token)
        self.conversation.queue(TransactionEntry("StopTransaction", body, session))

    def _sample_later(self, session: Session) -> None:
        interval_s = self.configuration.meter_interval_s
        if interval_s > 0:
            self.station.after(interval_s, lambda: self._sample(session))

    def _sample(self, session: Session) -> None:
        if session.running:
            self.sample(self.station.evses[session.evse - 1], "Sample.Periodic")
            self._sample_later(session)

    def sample(self, evse: Evse, context: str) -> None:
        """Read an EVSE's meter and queue MeterValues."""
        reading = evse.read()
        body = messages.meter_values(
            evse.number, self.station.time(), context, reading, self.station.spec.deviations.energy_unit
        )
        if evse.session is None:
            self.conversation.queue(Entry("MeterValues", body))
        else:
            self.conversation.queue(TransactionEntry("MeterValues", body, evse.session))

    def answered(self, entry: Entry, payload: Payload) -> None:
        """Note the transactionId that a StartTransaction was answered with, and whether the tag may charge."""
        if entry.action != "StartTransaction" or not isinstance(entry, TransactionEntry):
            return
        session, status = entry.session, payload["idTagInfo"]["status"]
        session.transaction_id = int(payload["transactionId"])
        self.known_tokens[session.id_token] = status == "Accepted"
        if status != "Accepted" and session.running and self.configuration.truth("StopTransactionOnInvalidId"):
            self.station.evses[session.evse - 1].end("deauthorized", "station")

    # --- authorization ---

    @property
    def connection_timeout_s(self) -> float:
        """How long an accepted driver may take to plug in."""
        return self.configuration.connection_timeout_s

    @property
    def policy(self) -> Policy:
        """When a tag may charge without the CSMS."""
        truth = self.configuration.truth
        return Policy(
            cache_first=truth("LocalPreAuthorize"),
            cache_offline=truth("LocalAuthorizeOffline"),
            unknown_offline=truth("AllowOfflineTxForUnknownId"),
        )

    def authorize_payload(self, id_token: str) -> str:
        """Write an Authorize."""
        return messages.authorize(id_token)

    def accepts(self, evse: Evse, payload: Payload) -> bool:
        """Tell whether the answer to an Authorize lets the tag charge."""
        return bool(payload["idTagInfo"]["status"] == "Accepted")

    # --- boot, heartbeat, orders ---

    def boot_payload(self) -> str:
        """Write a BootNotification."""
        spec = self.station.spec
        more = {"meterType": "M1", "iccid": "89490000000000000000"} if spec.deviations.vendor_fields else None
        return messages.boot(spec.vendor, spec.model, spec.serial, spec.firmware, more)

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""
        self.configuration.change("HeartbeatInterval", str(int(interval_s)))

    def configured(self, name: str) -> None:
        """Act on a changed configuration key."""
        configuration = self.configuration
        if name == "HeartbeatInterval":
            self.conversation.registration.set_heartbeat(float(configuration.number(name)))
        self.conversation.outbox.retry_s = configuration.retry_s
        self.conversation.outbox.attempts = configuration.number("TransactionMessageAttempts")

    def called(self, message_id: str, action: str, payload: Payload) -> None:
        """Handle a CALL of the CSMS."""
        if (
            self.conversation.registration.status != "Rejected"
        ):  # 1.6 section 4.2: a station that was rejected does not talk
            orders.ORDERS.receive(self, message_id, action, payload)

    # --- what workloads have it say and do ---

    def send_status(self, evse: Evse | None) -> None:
        """Report a status whether it changed or not, if connected."""
        if self.conversation.online:
            self.conversation.report_now(self._status_of(evse))

    def send_readings(self, evse: Evse) -> None:
        """Send a meter reading."""
        self.sample(evse, "Other")

    def send_unknown_stop(self, transaction_id: int | str, meter_wh: int) -> None:
        """Send the end of a transaction that this CSMS never knew, if connected."""
        at = self.station.time()
        payload = f'{{"transactionId":{transaction_id},"meterStop":{meter_wh},"timestamp":"{at}"}}'
        self.send_raw(f'[2,"unknown-stop-{transaction_id}","StopTransaction",{payload}]')
