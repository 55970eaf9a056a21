"""Reservations (1.6 sections 5.13 and 5.1): a connector is kept for a tag or its group until a time.

They outlive a reboot. One of connector 0 keeps the first connector that is free, and may be used at any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.orders import Order
from interlock.simulator.session import Session
from interlock.simulator.timer import Timer

if TYPE_CHECKING:
    from interlock.simulator.v16.controller import Controller


@dataclass(slots=True)
class Reservation:
    """Keeps `evse` for a tag, or for any of its group where `parent` is given; `anywhere`: it was of connector 0."""

    number: int
    evse: Evse
    id_tag: str
    parent: str | None
    anywhere: bool
    expires: str
    timer: Timer


class Reservations:
    """The reservations of one station."""

    __slots__ = ("_controller", "_held")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._held: dict[int, Reservation] = {}

    # --- orders ---

    def reserve(self, order: Order) -> str:
        """Make a reservation, or change one. Return the status word."""
        number, payload = order.whole("reservationId"), order.payload
        assert number is not None
        left_s = self._controller.station.clock.until(payload["expiryDate"], self._controller.station.env.now)
        if left_s is None or left_s <= 0.0:
            return "Rejected"
        found = self._place(order.whole("connectorId"), self._held.get(number))
        if isinstance(found, str):
            return found
        self.cancel(number)
        timer = self._controller.station.after(left_s, lambda: self._expire(number), survives_reboot=True)
        anywhere = order.whole("connectorId") == 0
        more = payload["idTag"], payload.get("parentIdTag"), anywhere, payload["expiryDate"], timer
        self._held[number] = Reservation(number, found, *more)
        found.reserve(True)
        return "Accepted"

    def _place(self, connector: int | None, own: Reservation | None) -> Evse | str:
        station = self._controller.station
        if connector == 0:
            if not self._controller.configuration.truth("ReserveConnectorZeroSupported"):
                return "Rejected"
            words = [self._against(evse, own) for evse in station.evses]
            free = [evse for evse, word in zip(station.evses, words, strict=True) if word is None]
            if free:
                return free[0]
            # One that is occupied will be free again, whatever is wrong with the others.
            return "Occupied" if "Occupied" in words else str(words[0])
        evse = station.evse(connector)
        return "Rejected" if evse is None else self._against(evse, own) or evse

    def _against(self, evse: Evse, own: Reservation | None) -> str | None:
        controller = self._controller
        if controller.station.disabled or evse.circumstances().faulted:
            return "Faulted"
        if not (evse.operative and controller.station.operative):
            return "Unavailable"
        taken = evse.reserved and (own is None or own.evse is not evse)
        return "Occupied" if taken or evse.busy or evse.vehicle is not None else None

    def cancel(self, number: int | None) -> str:
        """End a reservation. Return the status word."""
        held = self._held.pop(number, None) if number is not None else None
        if held is None:
            return "Rejected"
        held.timer.cancel()
        held.evse.reserve(False)
        return "Accepted"

    def ended(self, evse: Evse) -> None:
        """End the reservation of a connector that became Faulted or Unavailable (5.13)."""
        for held in [one for one in self._held.values() if one.evse is evse]:
            self.cancel(held.number)

    def _expire(self, number: int) -> None:
        held, station = self._held.get(number), self._controller.station
        if held is None:
            return
        left_s = station.clock.until(held.expires, station.env.now) or 0.0
        if left_s > 0.0:  # its clock was set back since
            held.timer = station.after(left_s, lambda: self._expire(number), survives_reboot=True)
        else:
            self.cancel(number)

    # --- who may charge ---

    def admits(self, evse: Evse, id_tag: str) -> bool:
        """Tell whether a tag may charge at an EVSE, as far as reservations go."""
        return not evse.reserved or any(self._fits(held, id_tag) for held in self._held.values() if held.evse is evse)

    def _fits(self, held: Reservation, id_tag: str) -> bool:
        if held.id_tag.casefold() == id_tag.casefold():
            return True
        parent = self._controller.parent(id_tag)
        return held.parent is not None and parent is not None and parent.casefold() == held.parent.casefold()

    def use(self, session: Session) -> int | None:
        """End the reservation that a session uses, if it uses one. Return its id."""
        for held in self._held.values():
            if (held.anywhere or held.evse.number == session.evse) and self._fits(held, session.id_token):
                self.cancel(held.number)
                return held.number
        return None
