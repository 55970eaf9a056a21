"""One charging point: connector, cable lock, contactor, meter and the vehicle that may be plugged in.

What happens here is physical. It is recorded as it happens, and then told: sessions become transaction messages,
circumstances become a status. A session begins when the contactor closes and ends when it opens for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from interlock.simulator import v16
from interlock.simulator.connector import Circumstances, Connector
from interlock.simulator.hardware import NOMINAL_V, By, CableLock, Contactor, Meter
from interlock.simulator.outbox import Entry, Session
from interlock.simulator.timer import Timer
from interlock.simulator.vehicle import Vehicle

if TYPE_CHECKING:
    from interlock.simulator.obey import Order
    from interlock.simulator.station import Station

Effect = Literal["ends", "suspends", "warns"]

EFFECTS: dict[str, Effect] = {
    "ConnectorLockFailure": "warns",
    "EVCommunicationError": "suspends",
    "GroundFailure": "ends",
    "HighTemperature": "suspends",
    "InternalError": "ends",
    "LocalListConflict": "warns",
    "OtherError": "ends",
    "OverCurrentFailure": "ends",
    "OverVoltage": "suspends",
    "PowerMeterFailure": "ends",
    "PowerSwitchFailure": "ends",
    "ReaderFailure": "warns",
    "ResetFailure": "warns",
    "UnderVoltage": "suspends",
    "WeakSignal": "warns",
}
"""What each errorCode does to a session. What ends or suspends makes an idle connector Faulted."""


@dataclass(slots=True)
class Awaited:
    """A driver who was accepted; the session begins when the cable is in and locked."""

    id_tag: str
    message_id: str | None
    lapse: Timer

    @property
    def by(self) -> By:
        """On whose behalf things move."""
        return "driver" if self.message_id is None else "remote"


class Evse:
    """One charging point of a station."""

    __slots__ = (
        "_asking",
        "_finished",
        "_full",
        "_next_operative",
        "_offered_w",
        "_relock",
        "_since",
        "_starting",
        "awaited",
        "connector",
        "contactor",
        "error",
        "lock",
        "meter",
        "number",
        "observe",
        "operative",
        "session",
        "station",
        "unlocking",
        "vehicle",
    )

    def __init__(self, station: Station, number: int, meter_wh: int) -> None:
        self.station, self.number, self.observe = station, number, station.observe
        station_id = station.station_id
        self.connector = Connector(station_id, number, station.observe, station.talk.report)
        self.lock = CableLock(station_id, number, station.observe)
        self.contactor = Contactor(station_id, number, station.observe)
        self.meter = Meter(meter_wh)
        self.vehicle: Vehicle | None = None
        self.session: Session | None = None
        self.awaited: Awaited | None = None
        self.operative = True
        self.error: str | None = None
        self.unlocking = False
        self._starting = False
        self._finished = False
        self._asking = False
        self._next_operative: bool | None = None
        self._offered_w = 0.0
        self._since = 0.0
        self._full: Timer | None = None
        self._relock: Timer | None = None

    # --- status ---

    @property
    def effect(self) -> Effect | None:
        """What the fault there is does."""
        return EFFECTS[self.error] if self.error is not None else None

    def _circumstances(self) -> Circumstances:
        charging = self.session is not None
        vehicle = self.vehicle
        return Circumstances(
            faulted=self.effect == "ends" or (self.effect == "suspends" and not charging),
            charging=charging,
            suspended_by_station=not self.contactor.closed,
            suspended_by_vehicle=vehicle is not None and vehicle.full,
            plugged=vehicle is not None,
            finished=self._finished,
            awaited=self.awaited is not None,
            operative=self.operative,
        )

    def _error_code(self) -> str:
        if self.error is not None:
            return self.error
        return "UnderVoltage" if self.session is not None and self.station.power.under else "NoError"

    def refresh(self) -> None:
        """Let the status follow the circumstances."""
        if self.station.running:
            self.connector.become(self._circumstances().status(), self._error_code())

    # --- the driver ---

    def plug(self, vehicle: Vehicle) -> bool:
        """Put the cable in. The shutter only opens with power."""
        if self.vehicle is not None or not self.station.running:
            return False
        if self.lock.locked and not self.lock.move(False, "driver"):
            return False
        self._cancel_relock()
        self.vehicle = vehicle
        self.observe("plugged", station=self.station.station_id, connector=self.number)
        self.refresh()
        self._begin_soon()
        return True

    def unplug(self) -> bool:
        """Take the cable out, from the vehicle's side: a session ends with it. A stuck lock keeps it."""
        if self.vehicle is None:
            return False
        if self.lock.locked and self.lock.stuck:
            return False
        self._cancel_start()
        self.end("EVDisconnected", "driver")
        if self.lock.locked:
            self.lock.move(False, "station")
        self.vehicle, self._finished = None, False
        self.observe("unplugged", station=self.station.station_id, connector=self.number)
        self._cancel_relock()
        self.lock.move(True, "driver")
        self.refresh()
        return True

    def swipe(self, id_tag: str) -> bool:
        """Show a card: ends the own session, or asks for a new one. Return whether the reader took it."""
        session = self.session
        if session is not None:
            if session.id_tag.casefold() != id_tag.casefold():
                return False
            self.end("Local", "driver", id_tag=id_tag)
            return True
        if self._asking or self.awaited is not None or self.refuses_start():
            return False
        self._asking = True
        self.station.talk.authorize(id_tag, lambda accepted: self._authorized(id_tag, accepted))
        return True

    def _authorized(self, id_tag: str, accepted: bool) -> None:
        self._asking = False
        if accepted and self.session is None and self.awaited is None and not self.refuses_start():
            self.expect(id_tag, None)

    # --- sessions ---

    def refuses_start(self) -> bool:
        """Whether no session can be asked for here now, one that runs or is awaited apart."""
        station = self.station
        broken = self.effect in ("ends", "suspends") or station.power.under
        return broken or self.unlocking or not self.operative or not station.has_slot(self)

    def expect(self, id_tag: str, message_id: str | None) -> None:
        """Begin a session for an accepted driver as soon as the cable is in, or let it lapse."""
        if self.awaited is not None:
            self.awaited.lapse.cancel()
        lapse = self.station.after(self.station.configuration.connection_timeout_s, self._lapsed)
        self.awaited = Awaited(id_tag, message_id, lapse)
        self._finished = False
        self.refresh()
        self._begin_soon()

    def _lapsed(self) -> None:
        self.awaited = None
        self.refresh()

    def _cancel_start(self) -> None:
        if self.awaited is not None:
            self.awaited.lapse.cancel()
            self.awaited = None

    def _begin_soon(self) -> None:
        if self.awaited is None or self.vehicle is None or self._starting or self.session is not None:
            return
        self._starting = True
        self.station.after(self.station.rng.uniform(*self.station.spec.unlock_s), self._begin)

    def _begin(self) -> None:
        self._starting = False
        awaited, station = self.awaited, self.station
        if awaited is None or self.vehicle is None or self.session is not None:
            return
        if station.power.under:
            return  # begun when the voltage is back, if that is before it lapses
        awaited.lapse.cancel()
        self.awaited = None
        if self.effect in ("ends", "suspends") or not self.lock.move(True, awaited.by, awaited.message_id):
            self.refresh()
            return
        self._cancel_relock()
        self.contactor.set(True, awaited.by, awaited.message_id)
        meter_wh = self.meter.register_wh
        session = Session(station.new_session(), self.number, awaited.id_tag, awaited.message_id, meter_wh)
        self.session = session
        self.observe(
            "session.begun",
            station=station.station_id,
            connector=self.number,
            session=session.session,
            id_tag=session.id_tag,
            meter_wh=meter_wh,
            message_id=session.message_id,
        )
        body = v16.start(self.number, session.id_tag, meter_wh, station.time())
        station.talk.tell(Entry("StartTransaction", body, session))
        self._flow()
        self.refresh()
        self._sample_later(session)

    def end(
        self, reason: str, by: By, message_id: str | None = None, id_tag: str | None = None, release: bool = True
    ) -> None:
        """End the session, if one runs, and release the cable."""
        session, station = self.session, self.station
        if session is None:
            return
        self.settle()
        self.contactor.set(False, by, message_id)
        self.session, session.running, self._finished = None, False, True
        self._stop_flow()
        meter_wh = self.meter.register_wh
        self.observe(
            "session.ended",
            station=station.station_id,
            connector=self.number,
            session=session.session,
            meter_wh=meter_wh,
            energy_wh=meter_wh - session.meter_start_wh,
            reason=reason,
        )
        station.talk.tell(Entry("StopTransaction", v16.stop(meter_wh, station.time(), reason, id_tag), session))
        if release and self.lock.locked:
            self.lock.move(False, "station")
        if self._next_operative is not None:
            self.operative, self._next_operative = self._next_operative, None
        self.refresh()

    def settle(self) -> None:
        """Count what has flowed since it was last counted."""
        now = self.station.env.now
        if self.contactor.closed and self.vehicle is not None:
            self.meter.count(self.vehicle.draw(now - self._since, self._offered_w))
        self._since = now

    def _flow(self) -> None:
        """Let energy flow, from now on at the voltage there is now."""
        self._since = self.station.env.now
        self._offered_w = self.station.spec.max_power_w * self.station.power.volts / NOMINAL_V
        self._watch_full()

    def _stop_flow(self) -> None:
        if self._full is not None:
            self._full.cancel()
            self._full = None

    def _watch_full(self) -> None:
        self._stop_flow()
        if self.contactor.closed and self.vehicle is not None and not self.vehicle.full:
            left_s = self.vehicle.seconds_to_full(self._offered_w)
            if left_s < 1e9:
                self._full = Timer(self.station.env, max(left_s, 1e-3), self._look_if_full)

    def _look_if_full(self, _: Any) -> None:
        self._full = None
        self.settle()
        if self.vehicle is not None and self.vehicle.full:
            self.refresh()
        else:
            self._watch_full()

    # --- meter values ---

    def _sample_later(self, session: Session) -> None:
        interval_s = self.station.configuration.meter_interval_s
        if interval_s > 0:
            self.station.after(interval_s, lambda: self._sampled(session))

    def _sampled(self, session: Session) -> None:
        if session.running:
            self.sample("Sample.Periodic")
            self._sample_later(session)

    def sample(self, context: str) -> None:
        """Read the meter and tell it."""
        self.settle()
        station, vehicle, volts = self.station, self.vehicle, self.station.power.volts
        power_w = vehicle.power_w(self._offered_w) if vehicle is not None and self.contactor.closed else 0.0
        body = v16.meter_values(self.number, station.time(), context, self.meter.register_wh, power_w, volts)
        station.talk.tell(Entry("MeterValues", body, self.session))

    # --- voltage and faults ---

    def voltage_changed(self) -> None:
        """Go on at another voltage."""
        if self.contactor.closed:
            self.settle()
            self._flow()

    def supply_recovered(self) -> None:
        """Go on with what low voltage kept from going on."""
        self._resume()
        self._begin_soon()

    def suspend(self) -> None:
        """Stop delivering, for the time being."""
        self.settle()
        self.contactor.set(False, "station")
        self._stop_flow()
        self.refresh()

    def _resume(self) -> None:
        if self.session is not None and not self.station.power.under and self.effect in (None, "warns"):
            self.contactor.set(True, "station")
            self._flow()
        self.refresh()

    def fail(self, error_code: str) -> None:
        """Break down in one of the ways OCPP has a word for."""
        self.error = error_code
        self.lock.stuck = error_code == "ConnectorLockFailure"
        if self.effect == "ends":
            self._cancel_start()
            self.end("Other", "station")
        elif self.effect == "suspends":
            self.suspend()
        self.refresh()

    def clear(self) -> None:
        """Be well again."""
        self.error, self.lock.stuck = None, False
        self._resume()
        self._begin_soon()

    # --- power ---

    def go_dark(self, reason: str) -> None:
        """Lose the controller: what runs ends, what was only in memory is gone. The meter keeps its register."""
        self._cancel_start()
        self._starting = self.unlocking = self._asking = False
        self._cancel_relock()
        self.end(reason, "station")
        self._finished = False

    def wake(self) -> None:
        """Find out at power-up where things stand."""
        self.connector.wake(self._circumstances().status(), self._error_code())
        if self.vehicle is None and not self.lock.locked:
            self.lock.move(True, "station")

    # --- what the CSMS asks ---

    def set_operative(self, operative: bool) -> str:
        """Change the availability, after the session if one runs. Return the status word."""
        if self.session is not None and not operative:
            self._next_operative = False
            return "Scheduled"
        self.operative, self._next_operative = operative, None
        if not operative:
            self._cancel_start()
        self.refresh()
        return "Accepted"

    def unlock(self, order: Order) -> None:
        """Drive the lock open, whatever goes on behind it."""
        station = self.station
        second = station.second_unlock
        if self.unlocking:
            if second == "reject":
                station.obey(order, "UnlockFailed")
            else:
                station.after(0.1, lambda: self.unlock(order))
            return
        if self.lock.stuck or (not self.lock.locked and second == "reject"):
            station.obey(order, "UnlockFailed")
            return
        self._cancel_start()
        self.end("UnlockCommand", "remote", order.message_id, release=False)
        self.refresh()
        self.unlocking = True
        station.after(station.rng.uniform(*station.spec.unlock_s), lambda: self._unlocked(order))

    def _unlocked(self, order: Order) -> None:
        self.unlocking = False
        if not self.lock.move(False, "remote", order.message_id):
            self.station.obey(order, "UnlockFailed")
            return
        self.station.obey(order, "Unlocked")
        self._cancel_relock()
        if self.vehicle is None:
            self._relock = self.station.after(self.station.spec.relock_s, self._shut)

    def _shut(self) -> None:
        self._relock = None
        if self.vehicle is None and not self.lock.locked:
            self.lock.move(True, "station")

    def _cancel_relock(self) -> None:
        if self._relock is not None:
            self._relock.cancel()
            self._relock = None
