"""A charging station: hardware, a controller that forgets at each reboot, and a conversation with its CSMS.

What the controller decides it notes as `obeyed` at the moment it acts; what physically happens is in the ledger. What
it answers, and when, depends on its persona.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import simpy

from . import ocppj, v16
from .clock import ClockSpec, StationClock
from .connector import AVAILABLE, TRANSITIONS, Connector, Session
from .conversation import Conversation
from .hardware import Observe, PowerSupply
from .network import Network
from .obedience import Obedience
from .outbox import Entry, Outbox
from .personas import PERSONAS, Persona
from .vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class StationSpec:
    """What a station is. Times are seconds."""

    station_id: str
    connectors: int = 2
    vendor: str = "Interlock"
    model: str = "Virtual"
    serial: str = "0001"
    firmware: str = "1.0"
    persona: Persona = field(default_factory=lambda: PERSONAS["plain"])
    second_unlock: Literal["reject", "accept"] | None = None
    """Overrides the persona's."""
    clock: ClockSpec = field(default_factory=ClockSpec)
    unlock_s: tuple[float, float] = (0.3, 1.2)
    """How long the lock's motor takes."""
    act_s: tuple[float, float] = (0.1, 0.5)
    """How long a contactor takes to close after it was decided."""
    connection_timeout_s: float = 30.0
    """How long an accepted remote start waits for a cable."""
    meter_interval_s: float = 60.0
    call_timeout_s: float = 30.0
    retry_s: float = 10.0
    """Pause before a transaction message is sent again."""
    transaction_attempts: int = 3
    """Answers with an error after which a transaction message is given up."""
    reconnect_s: tuple[float, float] = (0.5, 5.0)
    boot_s: tuple[float, float] = (1.0, 4.0)
    first_boot_s: tuple[float, float] = (0.0, 3.0)
    accepts_offline: bool = True
    """Whether a card is accepted while the CSMS cannot be asked."""
    heartbeat_s: float = 300.0
    """Until the CSMS says otherwise."""


class Station:
    """One simulated station. Methods with an OCPP word in them are what drivers, tests and faults do to it."""

    def __init__(
        self, env: simpy.Environment, spec: StationSpec, rng: random.Random, network: Network, observe: Observe
    ) -> None:
        self.env, self.spec, self.rng, self.network, self.observe = env, spec, rng, network, observe
        self.station_id = spec.station_id
        self.clock = StationClock(env, spec.clock)
        self.connectors = [
            Connector(env, spec.station_id, number, observe) for number in range(spec.connectors + 1)
        ]
        self.outbox = Outbox()
        self.power = PowerSupply(env, spec.station_id, observe, self._voltage_crossed)
        self.boot_count = 0
        self.powered = False
        self.talk = Conversation(self)
        self.obedience = Obedience(self)
        self._sessions = 0

    # --- time ---

    def after(self, seconds: float, callback: Callable[[], None], *, survives_reboot: bool = False) -> None:
        """Do something later, unless the controller has rebooted by then."""
        boot = self.boot_count
        timeout = self.env.timeout(seconds)
        assert timeout.callbacks is not None
        timeout.callbacks.append(
            lambda _: callback() if survives_reboot or (self.powered and self.boot_count == boot) else None
        )

    def draw(self, span: tuple[float, float]) -> float:
        """Draw a duration."""
        return span[0] if span[0] == span[1] else self.rng.uniform(*span)

    # --- power ---

    def start(self) -> None:
        """Switch the station on for the first time."""
        self.after(self.draw(self.spec.first_boot_s), self._power_on, survives_reboot=True)

    def _power_on(self) -> None:
        if self.powered or self.power.dead:
            return
        self.boot_count += 1
        self.powered = True
        self.observe("booted", station=self.station_id)
        for connector in self.connectors[1:]:
            if connector.session is not None:
                self._end_session(connector, "PowerLoss")
            connector.reported = None
            self._refresh(connector)
        self.talk.power_on()

    def _power_off(self, why: str) -> None:
        if not self.powered:
            return
        self.powered = False
        self.observe("reboot", station=self.station_id, why=why)
        self.talk.power_off(why)
        for connector in self.connectors[1:]:
            connector.remote_start = None
            connector.contactor.move(closed=False, by="station")
            self._draw_power(connector)
        if not self.spec.persona.keeps_queue:
            self.outbox.clear()

    def reboot(self, why: str) -> None:
        """Restart the controller: memory is lost, what is on flash is not."""
        self._power_off(why)
        self.after(self.draw(self.spec.boot_s), self._power_on, survives_reboot=True)

    def _voltage_crossed(self, crossed: str) -> None:
        match crossed:
            case "dead":
                self._power_off("brown-out")
            case "restored":
                self._under_voltage(False)
                self.after(self.draw(self.spec.boot_s), self._power_on, survives_reboot=True)
            case "under":
                self._under_voltage(True)
            case _:
                self._under_voltage(False)

    def _under_voltage(self, under: bool) -> None:
        for connector in self.connectors[1:]:
            if connector.error_code in ("NoError", "UnderVoltage"):
                connector.error_code = "UnderVoltage" if under else "NoError"
            if connector.session is not None and self.powered:
                connector.contactor.move(closed=not under, by="station")
                self._draw_power(connector)
            self._refresh(connector)

    # --- drivers ---

    def plug(self, connector: int) -> None:
        """Put a vehicle's cable in."""
        outlet = self.connectors[connector]
        if outlet.plugged:
            return
        outlet.vehicle = Vehicle()
        outlet.finished = False
        self.observe("plugged", station=self.station_id, connector=connector)
        if not self.powered:
            return
        if outlet.remote_start is not None:
            id_tag, message_id = outlet.remote_start
            outlet.remote_start = None
            self._refresh(outlet)
            self.begin_session_soon(outlet, id_tag, message_id)
        self._refresh(outlet)

    def unplug(self, connector: int) -> None:
        """Take the cable out; a session that runs ends with it."""
        outlet = self.connectors[connector]
        if not outlet.plugged:
            return
        if outlet.session is not None:
            self._end_session(outlet, "EVDisconnected")
        outlet.vehicle, outlet.finished = None, False
        self.observe("unplugged", station=self.station_id, connector=connector)
        self._refresh(outlet)

    def swipe(self, connector: int, id_tag: str) -> None:
        """Show a card: begin a session, or end the one that card began."""
        if not self.powered:
            return
        outlet = self.connectors[connector]
        if outlet.session is not None:
            if outlet.session.id_tag == id_tag:
                self._end_session(outlet, "Local")
            return

        def authorized(payload: dict[str, Any] | None) -> None:
            word = self.spec.accepts_offline if payload is None else payload["idTagInfo"]["status"] == "Accepted"
            if word:
                self.begin_session_soon(outlet, id_tag, None)

        self.talk.ask("Authorize", {"idTag": id_tag}, authorized, needs_line=True)

    # --- sessions ---

    def usable(self, outlet: Connector) -> bool:
        """Tell whether a session could begin there now."""
        return outlet.operative and outlet.error_code == "NoError" and outlet.session is None and self.powered

    def begin_session_soon(self, outlet: Connector, id_tag: str, message_id: str | None) -> None:
        """Begin a session after the time the hardware takes."""
        self.after(self.draw(self.spec.act_s), lambda: self._begin_session(outlet, id_tag, message_id))

    def _begin_session(self, outlet: Connector, id_tag: str, message_id: str | None) -> None:
        if not self.usable(outlet) or not outlet.plugged:
            return
        self._sessions += 1
        by: Literal["remote", "driver"] = "driver" if message_id is None else "remote"
        if not outlet.lock.locked:
            outlet.lock.move(locked=True, by="station")
        outlet.contactor.move(closed=True, by=by, message_id=message_id)
        session = Session(
            f"{self.station_id}-{self._sessions}", id_tag, outlet.meter.read_wh(), self.clock.read(), message_id
        )
        outlet.session, outlet.finished = session, False
        self.observe(
            "session.begun",
            station=self.station_id,
            connector=outlet.number,
            session=session.name,
            id_tag=id_tag,
            meter_wh=session.start_wh,
            message_id=message_id,
        )
        self._draw_power(outlet)
        start = v16.start(outlet.number, id_tag, session.start_wh, session.started_at)
        self.outbox.add(Entry("StartTransaction", session, lambda: start))
        self._refresh(outlet)
        self.talk.pump()
        self._meter_later(outlet, session)

    def _meter_later(self, outlet: Connector, session: Session) -> None:
        def due() -> None:
            if outlet.session is session:
                self.send_meter_values_now(outlet.number)
                self._meter_later(outlet, session)

        self.after(self.spec.meter_interval_s, due)

    def _draw_power(self, outlet: Connector) -> None:
        vehicle = outlet.vehicle
        flows = outlet.contactor.closed and outlet.session is not None and vehicle is not None
        taken_wh = outlet.meter.draw(vehicle.demand_w() if flows and vehicle is not None else 0.0)
        if vehicle is not None:
            vehicle.charge(taken_wh)

    def end_session(self, connector: int, reason: str) -> None:
        """End the session on a connector, if there is one."""
        outlet = self.connectors[connector]
        if outlet.session is not None:
            self._end_session(outlet, reason)

    def _end_session(self, outlet: Connector, reason: str) -> None:
        session = outlet.session
        assert session is not None
        outlet.contactor.move(closed=False, by="station")
        self._draw_power(outlet)
        outlet.session, outlet.finished = None, outlet.plugged
        session.open = False
        meter_wh = outlet.meter.read_wh()
        self.observe(
            "session.ended",
            station=self.station_id,
            connector=outlet.number,
            session=session.name,
            meter_wh=meter_wh,
            energy_wh=meter_wh - session.start_wh,
            reason=reason,
        )
        at = self.clock.read()
        id_tag = session.id_tag if reason == "Local" else None
        self.outbox.add(
            Entry(
                "StopTransaction",
                session,
                # A start that never got an id has nothing to stop under: -1 tells so (1.6 errata).
                lambda: v16.stop(session.transaction_id or -1, meter_wh, at, reason, id_tag),
            )
        )
        self._refresh(outlet)
        self.talk.pump()

    def transaction_given(self, session: Session, payload: dict[str, Any]) -> None:
        """Take the id a StartTransaction was answered with; end the session if its token is no good."""
        session.transaction_id = payload["transactionId"]
        if payload["idTagInfo"]["status"] != "Accepted" and session.open:
            for outlet in self.connectors[1:]:
                if outlet.session is session:
                    self._end_session(outlet, "DeAuthorized")

    # --- status ---

    def _refresh(self, outlet: Connector) -> None:
        status = outlet.derive(under_voltage=self.power.under)
        if status != outlet.status:
            assert status in TRANSITIONS[outlet.status], f"{outlet.status} cannot become {status}"
        if (status, outlet.error_code) != (outlet.status, outlet.error_code) or outlet.reported is None:
            pass
        changed = status != outlet.status
        outlet.status = status
        if changed or (outlet.reported is not None and outlet.reported != (status, outlet.error_code)):
            self.observe(
                "status",
                station=self.station_id,
                connector=outlet.number,
                status=status,
                error_code=outlet.error_code,
            )
        self.talk.status_changed(outlet)

    def refresh(self, connector: int) -> None:
        """Work out a connector's status again and tell it if it changed."""
        self._refresh(self.connectors[connector])

    def fail(self, connector: int, error_code: str) -> None:
        """Let a connector break: a session on it ends."""
        outlet = self.connectors[connector]
        outlet.error_code = error_code
        if outlet.session is not None:
            self._end_session(outlet, "Other")
        self._refresh(outlet)

    def clear(self, connector: int) -> None:
        """Mend a connector."""
        outlet = self.connectors[connector]
        outlet.error_code = "UnderVoltage" if self.power.under else "NoError"
        self._refresh(outlet)

    # --- what can be provoked ---

    def send_heartbeat_now(self) -> None:
        """Send a heartbeat beside the usual ones."""
        self.talk.heartbeat()

    def send_status_now(self, connector: int) -> None:
        """Report a connector's status whether it changed or not."""
        self.talk.tell_status(self.connectors[connector])

    def send_meter_values_now(self, connector: int) -> None:
        """Send a connector's meter values."""
        outlet = self.connectors[connector]
        self._draw_power(outlet)
        session, at, energy_wh = outlet.session, self.clock.read(), outlet.meter.read_wh()
        power_w, volts = outlet.meter.power_w, self.power.volts
        if session is None:
            self.talk.ask(
                "MeterValues", v16.meter_values(connector, None, at, energy_wh, power_w, volts), lambda _: None
            )
            return
        self.outbox.add(
            Entry(
                "MeterValues",
                session,
                lambda: v16.meter_values(connector, session.transaction_id, at, energy_wh, power_w, volts),
            )
        )
        self.talk.pump()

    def reconnect_now(self, *, keep_old: bool = True) -> None:
        """Open a new connection; the old one stays as it is unless told otherwise."""
        if self.powered:
            self.talk.reconnect(keep_old=keep_old)

    def send_raw(self, text: str) -> None:
        """Send any text whatever."""
        if self.talk.socket is not None:
            self.talk.socket.send_up(text)

    # --- the truth ---

    def truth(self) -> list[dict[str, Any]]:
        """Return what is physically so, a dict for each connector."""
        return [
            {
                "station": self.station_id,
                "connector": outlet.number,
                "status": outlet.status,
                "plugged": outlet.plugged,
                "locked": outlet.lock.locked,
                "charging": outlet.session is not None,
                "session": outlet.session.name if outlet.session else None,
                "transaction_id": outlet.session.transaction_id if outlet.session else None,
                "online": self.talk.connected,
            }
            for outlet in self.connectors[1:]
        ]

    @property
    def outbox_pending(self) -> int:
        """Count the messages it still owes."""
        return len(self.outbox)


Process = Generator[Any, Any, None]
__all__ = ["AVAILABLE", "Station", "StationSpec", "ocppj"]
