"""Answers to the CSMS's CALLs: on time and correct, or as the station's deviations demand."""

from __future__ import annotations

from collections import deque

import msgspec

from interlock.simulator.ocppj.link import Link, Payload
from interlock.simulator.station import Station

BROKEN: tuple[Payload, ...] = ({}, {"status": "Certainly"}, {"status": 1}, {"status": None, "extra": [{}]})
"""Payloads that are a valid answer to no order that has a status."""
ERROR = "InternalError"
ORDERS = 16
"""Orders that can be answered again."""


class Answers:
    """Sends the answers of one station. Draws from its stream only for deviations it has."""

    __slots__ = ("_before", "_link", "_orders", "_station", "instead")

    def __init__(self, station: Station, link: Link) -> None:
        self._station, self._link = station, link
        self._before: str | None = None
        """The message id of the answer before."""
        self._orders: deque[tuple[str, str]] = deque(maxlen=ORDERS)
        """The orders that were answered, the last one last: message id and, if it is known here, action."""
        self.instead: deque[tuple[str, str, str]] = deque()
        """How the next orders are answered without being carried out, see `again`."""

    def _deviates(self, share: float, how: str, message_id: str) -> bool:
        station = self._station
        if not share or station.rng.random() >= share:
            return False
        station.observe("deviated", station=station.station_id, message_id=message_id, how=how)
        return True

    def given(self, message_id: str, action: str) -> bool:
        """Answer an order with the prepared answer, if there is one. Return whether there was."""
        if not self.instead:
            return False
        self._before = message_id
        self._orders.append((message_id, action))
        self.again(*self.instead.popleft())
        return True

    def again(self, payload: str, code: str, does: str, back: int = 0) -> None:
        """Answer an order once more, the last or one `back` from it: a payload (JSON text), or an error by its code.

        `does` is what the station decided, as it is recorded; nothing for no decision.
        """
        if back >= len(self._orders):
            return
        station, (message_id, action) = self._station, self._orders[-1 - back]
        if does:
            about = {"station": station.station_id, "message_id": message_id, "action": action}
            station.observe("obeyed", **about, status=does)
        if code:
            self._link.refuse(message_id, code, "laid down")
        else:
            self._link.answer(message_id, msgspec.json.decode(payload))

    def refuse_first(self, message_id: str) -> bool:
        """Answer an order with a CALLERROR and do not carry it out, if it deviates so. Return whether it did."""
        if not self._deviates(self._station.spec.deviations.error_first, "error instead of acting", message_id):
            return False
        self._link.refuse(message_id, ERROR, "not carried out")
        return True

    def send(self, message_id: str, payload: Payload, delay_s: float = 0.0) -> None:
        """Send an answer `delay_s` from now, on whatever connection there is by then."""
        deviations = self._station.spec.deviations
        if self._deviates(deviations.late, "late answer", message_id):
            delay_s += self._station.rng.uniform(*deviations.late_s)
        if delay_s > 0.0:
            self._station.after(delay_s, lambda: self._send(message_id, payload))
        else:
            self._send(message_id, payload)

    def _send(self, message_id: str, payload: Payload) -> None:
        deviations, link = self._station.spec.deviations, self._link
        before, self._before = self._before, message_id
        self._orders.append((message_id, ""))
        if self._deviates(deviations.error_after, "error after acting", message_id):
            link.refuse(message_id, ERROR, "carried out")
            return
        if self._deviates(deviations.broken, "broken answer", message_id):
            payload = self._station.rng.choice(BROKEN)
        if before is not None and self._deviates(deviations.crossed, "answer under an old id", message_id):
            link.answer(before, payload)
        link.answer(message_id, payload)
        if self._deviates(deviations.twice, "answer sent twice", message_id):
            link.answer(message_id, payload)
