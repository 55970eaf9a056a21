"""One EVSE: its connectors' cable locks, its power path, the vehicle that may be plugged in, and its session.

What happens here is physical; it is recorded as it happens and reported to the controller. A session begins when the
contactor closes and ends when it opens for good. An EVSE may have several connectors; one cable at a time is in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from interlock.simulator.circumstances import EFFECTS, Circumstances, Effect
from interlock.simulator.delivery import Delivery
from interlock.simulator.hardware import By, CableLock, Contactor, Meter
from interlock.simulator.locks import Locks
from interlock.simulator.session import Awaited, EndReason, Reading, Session
from interlock.simulator.vehicle import Vehicle

if TYPE_CHECKING:
    from interlock.simulator.station import Station


class Evse:
    """One EVSE of a station."""

    __slots__ = (
        "_asking",
        "_delivery",
        "_finished",
        "_lock_failed",
        "_next_operative",
        "_starting",
        "awaited",
        "connector",
        "error",
        "locks",
        "number",
        "operative",
        "reserved",
        "session",
        "station",
    )

    def __init__(self, station: Station, number: int, meter_wh: int) -> None:
        self.station, self.number = station, number
        self._delivery = Delivery(station, number, meter_wh, self.refresh)
        self.locks = Locks(station, number, self._delivery)
        self.connector = 1
        """The connector that is in use, or was the last time."""
        self.session: Session | None = None
        self.awaited: Awaited | None = None
        self.operative = True
        self.reserved = False
        """Whether it is reserved; for whom, the controller knows."""
        self.error: str | None = None
        self._lock_failed = False
        self._starting = False
        self._finished = False
        self._asking = False
        self._next_operative: bool | None = None

    # --- what it is made of ---

    @property
    def vehicle(self) -> Vehicle | None:
        """The vehicle that is plugged in."""
        return self._delivery.vehicle

    @property
    def lock(self) -> CableLock:
        """The lock of the connector in use."""
        return self.locks.of(self.connector)

    @property
    def contactor(self) -> Contactor:
        """The switch between the supply and the vehicle."""
        return self._delivery.contactor

    @property
    def meter(self) -> Meter:
        """The energy meter."""
        return self._delivery.meter

    @property
    def effect(self) -> Effect | None:
        """The effect of the present fault, if any."""
        return EFFECTS[self.error] if self.error is not None else None

    @property
    def fault(self) -> str | None:
        """The fault to report: its own, or low voltage while it charges."""
        if self.error is not None:
            return self.error
        return "UnderVoltage" if self.session is not None and self.station.power.under else None

    def circumstances(self) -> Circumstances:
        """Return the physical state that a status is derived from."""
        charging = self.session is not None
        vehicle = self.vehicle
        return Circumstances(
            faulted=self.effect == "ends" or self._lock_failed or (self.effect == "suspends" and not charging),
            charging=charging,
            suspended_by_station=not self.contactor.closed or self._delivery.limit_w == 0.0,
            suspended_by_vehicle=vehicle is not None and vehicle.full,
            plugged=vehicle is not None,
            finished=self._finished,
            awaited=self.awaited is not None,
            operative=self.operative,
            reserved=self.reserved,
        )

    def refresh(self) -> None:
        """Have the controller check what may have changed."""
        if self.station.running:
            self.station.controller.changed(self)

    # --- the driver ---

    def plug(self, vehicle: Vehicle, connector: int = 1) -> bool:
        """Put the cable in. The shutter only opens with power."""
        if self.vehicle is not None or not self.station.running:
            return False
        lock = self.locks.of(connector)
        if lock.locked and not lock.move(False, "driver"):
            return False
        self.locks.used()
        self.connector, self._delivery.vehicle = connector, vehicle
        self._observe_cable("plugged")
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
        self.end("unplugged", "driver")
        if self.lock.locked:
            self.lock.move(False, "station")
        self._delivery.vehicle, self._finished = None, False
        self._observe_cable("unplugged")
        self.locks.used()
        self.lock.move(True, "driver")
        self.refresh()
        return True

    def _observe_cable(self, kind: str) -> None:
        outlet = {"outlet": self.connector} if len(self.locks) > 1 else {}
        self.station.observe(kind, station=self.station.station_id, connector=self.number, **outlet)

    def swipe(self, id_token: str) -> bool:
        """Present a card: it ends its own session, or asks for a new one. Return whether the reader accepted it."""
        session = self.session
        if session is not None:
            if session.id_token.casefold() == id_token.casefold():
                self.end("local", "driver", id_token=id_token)
                return True
            return self._other_card(session, id_token)
        if self._asking or self.awaited is not None or self.refuses_start():
            return False
        self._asking = True
        self.station.controller.authorize(self, id_token, lambda accepted: self._authorized(id_token, accepted))
        return True

    def _other_card(self, session: Session, id_token: str) -> bool:
        """Let another card of the driver's group end the session."""

        def decided(may: bool) -> None:
            self._asking = False
            if may and self.session is session:
                self.end("local", "driver", id_token=id_token)

        controller = self.station.controller
        if self._asking or not controller.asks_who_may_end(session):
            return False
        self._asking = True
        controller.may_end(self, session, id_token, decided)
        return True

    def _authorized(self, id_token: str, accepted: bool) -> None:
        self._asking = False
        if accepted and self.session is None and self.awaited is None and not self.refuses_start():
            self.expect(id_token, None)

    # --- sessions ---

    @property
    def busy(self) -> bool:
        """Whether a session runs or a driver is awaited."""
        return self.session is not None or self.awaited is not None

    def refuses_start(self) -> bool:
        """Whether a new session would be refused here, apart from one that runs or is awaited."""
        station = self.station
        broken = self.effect in ("ends", "suspends") or self._lock_failed or station.power.under
        return broken or self.locks.moving or not self.operative or not station.has_slot(self)

    def expect(self, id_token: str, message_id: str | None) -> None:
        """Begin a session for an authorized driver once the cable is in; lapse if that takes too long."""
        if self.awaited is not None:
            self.awaited.lapse.cancel()
        lapse = self.station.after(self.station.controller.connection_timeout_s, self._lapsed)
        self.awaited = Awaited(id_token, message_id, lapse)
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
        if self.effect in ("ends", "suspends"):
            self.refresh()
            return
        if not self.lock.move(True, awaited.by, awaited.message_id):
            self._lock_failed = True
            self.refresh()
            return
        self.locks.used()
        self._delivery.close(awaited.by, awaited.message_id)
        meter_wh = self.meter.register_wh
        self.session = session = Session(
            station.new_session(), self.number, self.connector, awaited.id_token, awaited.message_id, meter_wh
        )
        station.observe(
            "session.begun",
            station=station.station_id,
            connector=self.number,
            session=session.session,
            id_token=session.id_token,
            meter_wh=meter_wh,
            message_id=session.message_id,
        )
        station.controller.session_began(session)
        self._delivery.flow()
        self.refresh()

    def end(
        self,
        reason: EndReason,
        by: By,
        message_id: str | None = None,
        id_token: str | None = None,
        release: bool = True,
    ) -> None:
        """End the session, if one runs, and release the cable."""
        session, station = self.session, self.station
        if session is None:
            return
        self._delivery.open(by, message_id)
        self.session, session.running, self._finished = None, False, True
        meter_wh = self.meter.register_wh
        station.observe(
            "session.ended",
            station=station.station_id,
            connector=self.number,
            session=session.session,
            meter_wh=meter_wh,
            energy_wh=meter_wh - session.meter_start_wh,
            reason=reason,
        )
        station.controller.session_ended(session, reason, id_token)
        if release and self.lock.locked:
            self.lock.move(False, "station")
        if self._next_operative is not None:
            self.operative, self._next_operative = self._next_operative, None
        self.refresh()

    def read(self) -> Reading:
        """Read the meter."""
        return self._delivery.read()

    # --- voltage and faults ---

    def voltage_changed(self) -> None:
        """Continue at another voltage."""
        self._delivery.voltage_changed()

    def supply_recovered(self) -> None:
        """Resume what low voltage suspended."""
        self._resume()
        self._begin_soon()

    def suspend(self) -> None:
        """Stop delivering for now; the session goes on."""
        self._delivery.open("station")
        self.refresh()

    def _resume(self) -> None:
        session = self.session
        held = session is None or session.deauthorized or self.station.power.under
        if not held and self.effect in (None, "warns"):
            self._delivery.close("station")
            self._delivery.flow()
        self.refresh()

    def fail(self, fault: str) -> None:
        """Have one of the faults of `EFFECTS`."""
        self.error = fault
        self.locks.jam(fault == "ConnectorLockFailure")
        if self.effect == "ends":
            self._cancel_start()
            self.end("other", "station")
        elif self.effect == "suspends":
            self.suspend()
        self.refresh()

    def clear(self) -> None:
        """Clear the fault and resume what it suspended."""
        self.error, self._lock_failed = None, False
        self.locks.jam(False)
        self._resume()
        self._begin_soon()

    def limit(self, limit_w: float | None) -> None:
        """Offer a vehicle no more than this; None: all there is."""
        if limit_w != self._delivery.limit_w:
            self._delivery.limit(limit_w)
            self.refresh()

    def reserve(self, reserved: bool) -> None:
        """Set or end its reservation."""
        self.reserved = reserved
        self.refresh()

    # --- power ---

    def power_off(self, reason: EndReason) -> None:
        """Lose the controller: the session ends, what was only in memory is lost. The meter keeps its register."""
        self._cancel_start()
        self._starting = self._asking = False
        self.locks.power_off()
        self.end(reason, "station")
        self._finished = False

    def power_on(self) -> None:
        """Read the state of the hardware at power-up."""
        self.station.controller.note_status(self)
        self.locks.lock_idle()

    # --- what a controller asks for ---

    def set_operative(self, operative: bool) -> bool:
        """Change the availability: now, or after the session if one runs. Return whether it changed now."""
        if self.session is not None and not operative:
            self._next_operative = False
            return False
        self.operative, self._next_operative = operative, None
        if not operative:
            self._cancel_start()
        self.refresh()
        return True

    def unlock(self, message_id: str, done: Callable[[bool], None], connector: int = 1) -> None:
        """Drive a lock open, during a session too. `done` is called with whether it moved."""
        station = self.station
        if self.locks.moving:
            if station.second_unlock == "reject":
                done(False)
            else:
                station.after(0.1, lambda: self.unlock(message_id, done, connector))
            return
        if not self.locks.may_open(connector):
            done(False)
            return
        if connector == self.connector or self.vehicle is None:
            self._cancel_start()
            self.end("unlock", "remote", message_id, release=False)
        self.refresh()
        self.locks.open(connector, message_id, done)
