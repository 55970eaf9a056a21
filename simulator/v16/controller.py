"""Physical events as OCPP 1.6 messages: sessions, readings, statuses, authorization."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.controller import OcppController, Policy
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.reported import Reported
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.session import EndReason, Session
from interlock.simulator.station import Station
from interlock.simulator.timer import Timer
from interlock.simulator.v16 import messages, orders
from interlock.simulator.v16.configuration import Configuration
from interlock.simulator.v16.files import Files
from interlock.simulator.v16.local_list import LocalList
from interlock.simulator.v16.messages import TransactionEntry
from interlock.simulator.v16.profiles import Profiles
from interlock.simulator.v16.reservations import Reservations
from interlock.simulator.v16.status import Status, word

DAY_S = 86_400.0
SECURITY = orders.SECURITY
STOP_DATA = 100
"""Meter values that a StopTransaction carries at most."""


class Controller(OcppController):
    """An OCPP 1.6 controller, as `ports.Controller` asks for one and `ocppj.conversation.Dialect` too."""

    __slots__ = (
        "_aligned",
        "_evse_statuses",
        "_expiries",
        "_parents",
        "_station_status",
        "_stop_data",
        "configuration",
        "files",
        "firmware_version",
        "local_list",
        "profiles",
        "reservations",
    )

    configuration: Configuration
    local_list: LocalList
    reservations: Reservations
    profiles: Profiles
    files: Files

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
            spec.features,
        )
        self.local_list = LocalList(spec.local_list)
        self.reservations = Reservations(self)
        self.profiles = Profiles(self)
        self.files = Files(self)
        self.firmware_version = spec.firmware
        self._parents: dict[str, str] = {}
        """The group of each tag, as the CSMS last said."""
        self._expiries: dict[str, str] = {}
        """Until when what the CSMS last said of a tag holds, where it said so."""
        self._stop_data: dict[str, list[str]] = {}
        """Meter values that a session's stop will carry, where the configuration asks for them."""
        self._aligned: Timer | None = None
        self.begin(Conversation(station, self))
        name, observe, report = spec.station_id, station.observe, self.conversation.report
        self._station_status = Status(name, 0, observe, report)
        self._evse_statuses = tuple(Status(name, evse.number, observe, report) for evse in station.evses)

    # --- power ---

    def power_off(self) -> None:
        """Send nothing any more, and break off what a reboot breaks off."""
        super().power_off()
        self.files.power_off()
        if self._aligned is not None:
            self._aligned.cancel()

    def power_on(self) -> None:
        """Begin to connect."""
        super().power_on()
        self._align()
        self.security_event("StartupOfTheDevice")

    def security_event(self, kind: str) -> None:
        """Queue a SecurityEventNotification, if it has the security extension; it is kept while offline (A04)."""
        if SECURITY in self.station.spec.features:
            body = messages.security_event(kind, self.station.time())
            self.conversation.queue(Entry("SecurityEventNotification", body, durable=True))

    def note_status(self, evse: Evse | None) -> None:
        """Note the statuses at power-up, which are no changes."""
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
        """Let the status follow the circumstances, and a reservation end with its connector (5.13)."""
        self._status_of(evse).become(*self._status_now(evse))
        if evse is not None and evse.reserved and self.status(evse) in ("Faulted", "Unavailable"):
            self.reservations.ended(evse)

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
        reservation = self.reservations.use(session)
        body = messages.start(session.evse, session.id_token, session.meter_start_wh, self.station.time(), reservation)
        self.conversation.queue(TransactionEntry("StartTransaction", body, session))
        self.profiles.began(session)
        self._keep_for_stop(self.station.evses[session.evse - 1], session, "Transaction.Begin", "StopTxnSampledData")
        self._sample_later(session)

    def session_ended(self, session: Session, reason: EndReason, id_token: str | None) -> None:
        """Queue a StopTransaction."""
        evse = self.station.evses[session.evse - 1]
        self._keep_for_stop(evse, session, "Transaction.End", "StopTxnSampledData")
        kept = self._stop_data.pop(session.session, ())
        body = messages.stop(evse.meter.register_wh, self.station.time(), messages.REASONS[reason], id_token, kept)
        self.conversation.queue(TransactionEntry("StopTransaction", body, session))
        self.profiles.ended(session)

    def _keep_for_stop(self, evse: Evse, session: Session, context: str, key: str) -> None:
        """Keep a reading for the session's stop, if the configuration asks for such ones there (1.6 section 9.1)."""
        measurands = self.configuration.words(key)
        kept = self._stop_data.setdefault(session.session, []) if measurands else []
        if measurands and len(kept) < STOP_DATA:
            kept.append(self._meter_value(evse, context, measurands))

    def _sample_later(self, session: Session) -> None:
        interval_s = self.configuration.meter_interval_s
        if interval_s > 0:
            self.station.after(interval_s, lambda: self._sample(session))

    def _sample(self, session: Session) -> None:
        if session.running:
            self.sample(self.station.evses[session.evse - 1], "Sample.Periodic")
            self._sample_later(session)

    def _align(self) -> None:
        """Read all meters at the next multiple of ClockAlignedDataInterval since midnight."""
        if self._aligned is not None:
            self._aligned.cancel()
            self._aligned = None
        interval_s, now = self.configuration.number("ClockAlignedDataInterval"), self.station.env.now
        if interval_s > 0:
            since_s = (now + self.station.clock.skew_s(now)) % DAY_S
            left_s = min(interval_s - since_s % interval_s, DAY_S - since_s)
            self._aligned = self.station.after(max(left_s, 0.001), self._sample_aligned)

    def _sample_aligned(self) -> None:
        for evse in self.station.evses:
            self.sample(evse, "Sample.Clock", "MeterValuesAlignedData")
            if evse.session is not None:
                self._keep_for_stop(evse, evse.session, "Sample.Clock", "StopTxnAlignedData")
        self._align()

    def _meter_value(self, evse: Evse, context: str, measurands: tuple[str, ...]) -> str:
        unit = self.station.spec.deviations.energy_unit
        return messages.meter_value(self.station.time(), context, evse.read(), unit, measurands)

    def sample(self, evse: Evse, context: str, key: str = "MeterValuesSampledData") -> None:
        """Read an EVSE's meter and queue MeterValues of what a configuration key names; nothing if it names none."""
        measurands = self.configuration.words(key)
        if not measurands:
            return
        body = messages.meter_values(evse.number, self._meter_value(evse, context, measurands))
        if evse.session is None:
            self.conversation.queue(Entry("MeterValues", body))
        else:
            self.conversation.queue(TransactionEntry("MeterValues", body, evse.session))

    def answered(self, entry: Entry, payload: Payload) -> None:
        """Note the transactionId that a StartTransaction was answered with, and what an answer says of the tag."""
        if isinstance(entry, TransactionEntry) and entry.action == "StopTransaction" and "idTagInfo" in payload:
            tag = messages.tag_of(entry.body) or entry.session.id_token
            self.known_tokens[tag] = payload["idTagInfo"]["status"] == "Accepted"
            self.learned(tag, payload)
        if entry.action != "StartTransaction" or not isinstance(entry, TransactionEntry):
            return
        session, status = entry.session, payload["idTagInfo"]["status"]
        session.transaction_id = int(payload["transactionId"])
        self.known_tokens[session.id_token] = status == "Accepted"
        self.learned(session.id_token, payload)
        if status == "Accepted" or not session.running:
            return
        evse = self.station.evses[session.evse - 1]
        if self.configuration.truth("StopTransactionOnInvalidId"):
            evse.end("deauthorized", "station")
        else:
            session.deauthorized = True
            evse.suspend()

    # --- authorization ---

    @property
    def connection_timeout_s(self) -> float:
        """How long an accepted driver may take to plug in."""
        return self.configuration.connection_timeout_s

    @property
    def policy(self) -> Policy:
        """When a tag may charge without the CSMS."""
        truth = self.configuration.truth
        cache = truth("AuthorizationCacheEnabled")
        return Policy(
            cache_first=cache and truth("LocalPreAuthorize"),
            cache_offline=cache and truth("LocalAuthorizeOffline"),
            unknown_offline=truth("AllowOfflineTxForUnknownId"),
        )

    def _listed(self, id_token: str) -> bool | None:
        """Return whether the local list accepts a token; None for one that is not in it."""
        if not self.configuration.truth("LocalAuthListEnabled"):
            return None
        return self.local_list.accepts(id_token, self.station.clock, self.station.env.now)

    def authorize(self, evse: Evse, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether a token may charge at an EVSE that may be reserved."""
        super().authorize(evse, id_token, lambda yes: decided(yes and self.reservations.admits(evse, id_token)))

    def accepts_unasked(self, id_token: str) -> bool:
        """Tell whether a token may charge without asking: by the local list, or the cache (3.5)."""
        self._forget_expired(id_token)
        listed = self._listed(id_token) if self.configuration.truth("LocalPreAuthorize") else None
        return super().accepts_unasked(id_token) if listed is None else listed

    def accepts_offline(self, id_token: str) -> bool:
        """Tell whether a token may charge while offline: the local list goes before the cache (3.5.2)."""
        self._forget_expired(id_token)
        listed = self._listed(id_token) if self.configuration.truth("LocalAuthorizeOffline") else None
        if listed is not None:
            return listed
        known = self.known_tokens.get(id_token) if self.configuration.truth("AuthorizationCacheEnabled") else None
        policy = self.policy
        return policy.unknown_offline if known is None else known and policy.cache_offline

    def parent(self, id_token: str) -> str | None:
        """Return the group a tag belongs to, as far as it is known."""
        listed = self.local_list.info(id_token) or {}
        return listed.get("parentIdTag") or self._parents.get(id_token.casefold())

    def learned(self, id_token: str, payload: Payload) -> None:
        """Note the group that an answer names, and until when it holds."""
        for name, known in (("parentIdTag", self._parents), ("expiryDate", self._expiries)):
            if told := payload["idTagInfo"].get(name):
                known[id_token.casefold()] = told
            else:
                known.pop(id_token.casefold(), None)

    def _forget_expired(self, id_token: str) -> None:
        """Take a tag whose time is over for one that is not accepted (3.5.1)."""
        until = self._expiries.get(id_token.casefold())
        left_s = None if until is None else self.station.clock.until(until, self.station.env.now)
        if left_s is not None and left_s <= 0.0 and id_token in self.known_tokens:
            self.known_tokens[id_token] = False

    def clear_cache(self) -> str:
        """Forget the cached authorizations. Return the status word."""
        if not self.configuration.truth("AuthorizationCacheEnabled"):
            return "Rejected"
        self.known_tokens.clear()
        self._parents.clear()
        self._expiries.clear()
        return "Accepted"

    def asks_who_may_end(self, session: Session) -> bool:
        """Whether another card may end a session: one of its group may (3.5.3)."""
        return self.parent(session.id_token) is not None

    def may_end(self, evse: Evse, session: Session, id_token: str, decided: Callable[[bool], None]) -> None:
        """Find out whether another card may end a session: if it is valid and of the same group."""
        group = self.parent(session.id_token)
        OcppController.authorize(self, evse, id_token, lambda yes: decided(yes and self.parent(id_token) == group))

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
        return messages.boot(spec.vendor, spec.model, spec.serial, self.firmware_version, more)

    def heartbeat_changed(self, interval_s: float) -> None:
        """Note the interval that a boot was answered with."""
        self.configuration.change("HeartbeatInterval", str(int(interval_s)))

    def configured(self, name: str) -> None:
        """Act on a changed configuration key."""
        configuration = self.configuration
        if name == "HeartbeatInterval":
            self.conversation.registration.set_heartbeat(float(configuration.number(name)))
        elif name == "ClockAlignedDataInterval":
            self._align()
        self.conversation.outbox.retry_s = configuration.retry_s
        self.conversation.outbox.attempts = configuration.number("TransactionMessageAttempts")

    def called(self, message_id: str, action: str, payload: Payload) -> None:
        """Handle a CALL of the CSMS."""
        if (
            self.conversation.registration.status != "Rejected"
        ):  # 1.6 section 4.2: a rejected station does not communicate
            feature = orders.FEATURES.get(action)
            if feature is not None and feature not in self.station.spec.features:
                self.conversation.link.refuse(message_id, "NotSupported")
                return
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
        self.send_raw(f'[2,"{self.unknown_id(transaction_id)}","StopTransaction",{payload}]')
