"""The charging profiles of one station, and the limits they put on its EVSEs (1.6 sections 5.5, 5.7, 5.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.orders import Order, whole
from interlock.simulator.session import Session
from interlock.simulator.timer import Timer
from interlock.simulator.v16 import charging
from interlock.simulator.v16.charging import STATION_MAX, TX, Profile

if TYPE_CHECKING:
    from interlock.simulator.v16.controller import Controller

MAX_LEVEL, MAX_PERIODS, MAX_PROFILES = 10, 24, 20
HORIZON_S = 86_400.0


class Profiles:
    """What is installed. Profiles outlive a reboot, but for those of a transaction, which end with it."""

    __slots__ = ("_awaited", "_begun", "_controller", "_installed", "_timer")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._installed: list[Profile] = []
        self._begun: dict[int, float] = {}
        """When the session that runs at each EVSE began, by the station's clock."""
        self._awaited: dict[str, dict[str, Any]] = {}
        """Profiles of remote starts whose session has not begun, by the message that asked for it."""
        self._timer: Timer | None = None

    def _now(self) -> float:
        station = self._controller.station
        return station.env.now + station.clock.skew_s(station.env.now)

    def _seconds(self, text: str) -> float | None:
        """Return a time by the station's clock, in seconds since what it counts from."""
        left_s = self._controller.station.clock.until(text, self._controller.station.env.now)
        return None if left_s is None else self._now() + left_s

    # --- orders ---

    def set(self, order: Order) -> str:
        """Install a profile. Return the status word."""
        connector, payload = order.whole("connectorId") or 0, order.payload["csChargingProfiles"]
        evse = self._controller.station.evse(connector)
        if evse is None and connector != 0:
            return "Rejected"
        purpose = payload["chargingProfilePurpose"]
        if purpose == TX:
            wanted = whole(payload.get("transactionId"))
            session = evse.session if evse is not None else None
            if session is None or (wanted is not None and wanted != session.transaction_id):
                return "Rejected"
        elif purpose == STATION_MAX and connector != 0:
            return "Rejected"
        return "Accepted" if self._install(connector, payload) else "Rejected"

    def _install(self, connector: int, payload: dict[str, Any]) -> bool:
        found = charging.read(connector, payload, self._seconds)
        if found is None or not 0 <= found.level <= MAX_LEVEL or len(found.periods) > MAX_PERIODS:
            return False
        place = found.connector, found.purpose, found.level
        kept = [
            one
            for one in self._installed
            if one.number != found.number and (one.connector, one.purpose, one.level) != place
        ]
        if len(kept) >= MAX_PROFILES:
            return False
        self._installed = [*kept, found]
        self.apply()
        return True

    def clear(self, order: Order) -> str:
        """Remove the profiles that fit. Return the status word."""
        payload = order.payload
        wanted = {
            "number": order.whole("id"),
            "connector": order.whole("connectorId"),
            "purpose": payload.get("chargingProfilePurpose"),
            "level": order.whole("stackLevel"),
        }
        if wanted["number"] is not None:
            wanted = {"number": wanted["number"]}
        asked = {name: value for name, value in wanted.items() if value is not None}
        kept = [one for one in self._installed if any(getattr(one, name) != value for name, value in asked.items())]
        if len(kept) == len(self._installed):
            return "Unknown"
        self._installed = kept
        self.apply()
        return "Accepted"

    def composite(self, order: Order) -> dict[str, Any]:
        """Return the answer to a GetCompositeSchedule."""
        station = self._controller.station
        connector, duration = order.whole("connectorId") or 0, order.whole("duration") or 0
        if not 0 <= connector <= len(station.evses) or duration < 1:
            return {"status": "Rejected"}
        unit, now = order.payload.get("chargingRateUnit", "W"), self._now()
        begun = self._begun.get(connector, now)
        periods: list[dict[str, Any]] = []
        for at in (now, *charging.changes(self._installed, now, now + duration, [begun])):
            limit = charging.in_unit(self._offered_w(connector, at, begun), unit)
            second = round(at - now)
            if periods and periods[-1]["startPeriod"] == second:
                periods.pop()  # two changes in one second: the later counts
            if second < duration and (not periods or periods[-1]["limit"] != limit):
                periods.append({"startPeriod": second, "limit": limit})
        schedule = {"duration": duration, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
        start = station.time()
        return {"status": "Accepted", "connectorId": connector, "scheduleStart": start, "chargingSchedule": schedule}

    def _offered_w(self, connector: int, at: float, begun: float) -> float:
        """Return what a connector, or with 0 the station, may offer at a time."""
        spec = self._controller.station.spec
        limits = [spec.max_power_w * (1 if connector else spec.evses)]
        if (most := charging.station_limit_at(self._installed, at)) is not None:
            limits.append(most)
        if connector and (own := charging.limit_at(self._installed, connector, at, begun)) is not None:
            limits.append(own)
        return min(limits)

    # --- sessions ---

    def await_start(self, message_id: str, profile: dict[str, Any]) -> bool:
        """Note the profile of a remote start. Return whether it may be one (5.11)."""
        if profile["chargingProfilePurpose"] != TX or "transactionId" in profile:
            return False
        if charging.read(1, profile, self._seconds) is None:
            return False
        self._awaited = {message_id: profile, **dict([*self._awaited.items()][:7])}
        return True

    def began(self, session: Session) -> None:
        """Note that a session began; install the profile it was asked for with."""
        self._begun[session.evse] = self._now()
        profile = self._awaited.pop(session.message_id, None) if session.message_id is not None else None
        if profile is not None:
            self._install(session.evse, profile)
        self.apply()

    def ended(self, session: Session) -> None:
        """Forget what was for a session only."""
        self._begun.pop(session.evse, None)
        self._installed = [one for one in self._installed if one.purpose != TX or one.connector != session.evse]
        self.apply()

    # --- physics ---

    def apply(self) -> None:
        """Limit each EVSE to what holds now, and look again when that changes."""
        station, now = self._controller.station, self._now()
        for evse in station.evses:
            evse.limit(self._limit_w(evse, now))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = charging.changes(self._installed, now, now + HORIZON_S, self._begun.values()) if self._installed else []
        if due:
            wait_s = max(due[0] - now, 0.001)
            self._timer = station.after(wait_s, self.apply, survives_reboot=True)

    def _limit_w(self, evse: Evse, now: float) -> float | None:
        begun = self._begun.get(evse.number, now)
        limits = [charging.limit_at(self._installed, evse.number, now, begun)]
        most = charging.station_limit_at(self._installed, now)
        if most is not None:
            limits.append(most / max(1, len(self._begun)))  # shared evenly by those that charge
        known = [one for one in limits if one is not None]
        return min(known) if known else None
