"""A charging station as a physical thing: EVSEs, power supply, a clock that may be wrong, and a controller.

It knows no OCPP: the controller does (`ports.Controller`). It runs by callbacks on the simulated clock, without a
process per message. A reboot begins a new *life*: callbacks that an earlier life scheduled no longer run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy

from interlock.simulator.circumstances import EFFECTS
from interlock.simulator.clock import StationClock
from interlock.simulator.evse import Evse
from interlock.simulator.hardware import Crossing, PowerSupply
from interlock.simulator.network.ports import StationNetwork
from interlock.simulator.personas import Second
from interlock.simulator.ports import Controller
from interlock.simulator.randomness import Draws
from interlock.simulator.session import EndReason
from interlock.simulator.spec import StationSpec
from interlock.simulator.timer import Observe, Timer
from interlock.simulator.vehicle import Vehicle

__all__ = ["Station", "StationSpec"]


class Station:
    """One virtual charging station. `make_controller` builds its controller."""

    __slots__ = (
        "_life",
        "_sessions",
        "clock",
        "controller",
        "env",
        "error",
        "evses",
        "network",
        "observe",
        "operative",
        "power",
        "rng",
        "running",
        "second_start",
        "second_unlock",
        "spec",
        "station_id",
    )

    def __init__(
        self,
        env: simpy.Environment,
        spec: StationSpec,
        rng: Draws,
        network: StationNetwork,
        observe: Observe,
        make_controller: Callable[[Station], Controller],
    ) -> None:
        self.env, self.spec, self.rng, self.network, self.observe = env, spec, rng, network, observe
        self.station_id = spec.station_id
        self.second_start: Second = spec.second_start or spec.persona.second_start
        self.second_unlock: Second = spec.second_unlock or spec.persona.second_unlock
        self.clock = StationClock(spec.clock)
        self.evses = [Evse(self, number, rng.randrange(1_000, 5_000_000)) for number in range(1, spec.evses + 1)]
        self.power = PowerSupply(env, spec.station_id, observe, self._volts_changed, self._crossed)
        self.running = False
        """Whether the controller has power and has booted."""
        self.operative = True
        self.error: str | None = None
        """The fault of the station itself."""
        self._life = 0
        self._sessions = 0
        self.controller = make_controller(self)

    # --- life ---

    def start(self) -> None:
        """Switch it on for the first time."""
        self.after(self.rng.uniform(*self.spec.first_boot_s), self._booted)

    def after(self, delay_s: float, function: Callable[[], None], *, survives_reboot: bool = False) -> Timer:
        """Call a function later, unless a reboot comes first that it does not survive."""
        life = self._life

        def run(_: Any) -> None:
            if survives_reboot or self._life == life:
                function()

        return Timer(self.env, delay_s, run)

    def _booted(self) -> None:
        self.running = True
        self.observe("booted", station=self.station_id)
        self.controller.note_status(None)
        for evse in self.evses:
            evse.power_on()
        self.controller.power_on()

    def reboot(self, why: str = "Reboot", reason: EndReason = "reboot") -> None:
        """Restart the controller: sessions end for `reason`, the socket is closed, memory is gone."""
        if self.running:
            self._power_off(why, reason)
            self.after(self.rng.uniform(*self.spec.boot_s), self._booted)

    def _power_off(self, why: str, reason: EndReason) -> None:
        self.observe("reboot", station=self.station_id, why=why)
        self.running = False
        self.controller.power_off()
        for evse in self.evses:
            evse.power_off(reason)
        self.controller.leave(why, orderly=reason != "power loss")
        self._life += 1

    def _volts_changed(self, volts: float) -> None:
        for evse in self.evses:
            evse.voltage_changed()

    def _crossed(self, crossing: Crossing) -> None:
        if crossing == "dead":
            if self.running:
                self._power_off("power lost", "power loss")
            self._life += 1  # a boot that was under way is not finished
        elif crossing == "restored":
            self.after(self.rng.uniform(*self.spec.boot_s), self._booted)
        elif self.running:
            for evse in self.evses:
                if crossing == "normal":
                    evse.supply_recovered()
                elif evse.session is not None:
                    evse.suspend()
            self._refresh()

    # --- what a controller asks ---

    def time(self) -> str:
        """Return what its clock shows."""
        return self.clock.text(self.env.now)

    def evse(self, number: int | None) -> Evse | None:
        """Return an EVSE by its number, or None."""
        if number is None or not 1 <= number <= len(self.evses):
            return None
        return self.evses[number - 1]

    def has_slot(self, wanting: Evse) -> bool:
        """Whether `wanting` may have a session beside those of the other EVSEs."""
        slots = self.spec.slots
        if slots is None:
            return True
        others = (evse for evse in self.evses if evse is not wanting)
        return slots > sum(evse.busy for evse in others)

    def new_session(self) -> str:
        """Return a new session id."""
        self._sessions += 1
        return f"{self.station_id}-{self._sessions}"

    def set_operative(self, operative: bool) -> None:
        """Change the availability of the station itself; that of its EVSEs is their own."""
        self.operative = operative
        self._refresh()

    def _refresh(self) -> None:
        if self.running:
            self.controller.changed(None)

    @property
    def fault(self) -> str | None:
        """The fault of the station itself to report: its own, or low voltage."""
        if self.error is not None:
            return self.error
        return "UnderVoltage" if self.power.under else None

    @property
    def disabled(self) -> bool:
        """Whether a fault of the station itself keeps it from charging."""
        return self.error is not None and EFFECTS[self.error] != "warns"

    # --- what drivers, faults and workloads do ---

    def fail(self, evse: int, fault: str) -> None:
        """Give an EVSE, or with 0 the whole station, a fault of `EFFECTS`. Raises `ValueError` for another."""
        if fault not in EFFECTS:
            raise ValueError(f"there is no fault {fault!r}; there are {', '.join(EFFECTS)}")
        if evse == 0:
            self.error = fault
            self._refresh()
        for one in self.evses:
            if evse in (0, one.number):
                one.fail(fault)

    def clear(self, evse: int) -> None:
        """Clear the fault of an EVSE, or with 0 of the whole station."""
        if evse == 0:
            self.error = None
            self._refresh()
        for one in self.evses:
            if evse in (0, one.number):
                one.clear()

    def plug(self, evse: int, vehicle: Vehicle | None = None, connector: int = 1) -> bool:
        """Put a cable in. Return whether it went in."""
        return self.evses[evse - 1].plug(vehicle if vehicle is not None else Vehicle(), connector)

    def unplug(self, evse: int) -> bool:
        """Take a cable out. Return whether it came."""
        return self.evses[evse - 1].unplug()

    def swipe(self, evse: int, id_token: str) -> bool:
        """Present a card. Return whether the reader accepted it."""
        return self.running and self.evses[evse - 1].swipe(id_token)

    def send_heartbeat_now(self) -> None:
        """Send a heartbeat beside the usual ones, if connected."""
        self.controller.send_heartbeat()

    def send_status_now(self, evse: int) -> None:
        """Report the status of an EVSE, or with 0 of the station, whether it changed or not, if connected."""
        self.controller.send_status(self.evse(evse))

    def send_meter_values_now(self, evse: int) -> None:
        """Read an EVSE's meter and send the reading."""
        if self.running:
            self.controller.send_readings(self.evses[evse - 1])

    def send_unknown_stop(self, transaction_id: int | str, meter_wh: int) -> None:
        """Send the end of a transaction that this CSMS never knew, if connected."""
        self.controller.send_unknown_stop(transaction_id, meter_wh)

    def send_raw(self, text: str) -> None:
        """Send any text whatever, if connected."""
        self.controller.send_raw(text)

    def answer_next(self, payload: str, code: str = "", does: str = "") -> None:
        """Answer the next order of the CSMS with a payload (JSON text) or a CALLERROR, and do not act on it."""
        self.controller.answer_next(payload, code, does)

    def answer_again(self, payload: str, code: str = "", does: str = "", back: int = 0) -> None:
        """Send one more answer to the order that was answered last, or to one `back` from it."""
        self.controller.answer_again(payload, code, does, back)

    def drop_connection(self, why: str = "dropped") -> None:
        """Close the connection and open another one after a pause."""
        self.controller.drop(why)

    def reconnect_now(self, keep_old: bool = True) -> None:
        """Open a new connection at once; the old one stays open for a while, or is closed first."""
        if self.running:
            self.controller.reconnect(keep_old=keep_old)

    # --- at rest ---

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.controller.connected

    @property
    def online(self) -> bool:
        """Whether it is connected and the CSMS has accepted its boot."""
        return self.controller.online

    @property
    def outbox_pending(self) -> int:
        """Count the transaction messages that have no answer yet."""
        return self.controller.outbox_pending

    @property
    def statuses_pending(self) -> int:
        """Count the things of which a status report has no answer yet."""
        return self.controller.statuses_pending

    @property
    def has_unsent(self) -> bool:
        """Whether a message of its own waits to be sent or answered."""
        return self.controller.outbox_pending > 0 or self.controller.awaits_answer

    def truth(self) -> list[dict[str, Any]]:
        """Return the physical state of each EVSE, as ground truth for the judges."""
        return [
            {
                "station": self.station_id,
                "connector": evse.number,
                "status": self.controller.status(evse),
                "plugged": evse.vehicle is not None,
                "locked": evse.lock.locked,
                "charging": evse.contactor.closed,
                "session": evse.session.session if evse.session is not None else None,
                "transaction_id": self.controller.transaction_id(evse),
                "online": self.controller.online,
            }
            for evse in self.evses
        ]
