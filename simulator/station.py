"""A charging station: hardware, a clock that may be wrong, and a controller that forgets at each reboot.

Callbacks on the simulated clock, not a process per message. A reboot begins a new *life*: whatever an earlier life had
set up for later does not happen any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import simpy

from interlock.simulator import obey
from interlock.simulator.clock import StationClock
from interlock.simulator.configuration import Configuration
from interlock.simulator.connector import Connector
from interlock.simulator.conversation import Conversation
from interlock.simulator.draws import Draws
from interlock.simulator.evse import EFFECTS, Evse
from interlock.simulator.hardware import Crossing, PowerSupply
from interlock.simulator.obey import Order
from interlock.simulator.ocppj import Payload
from interlock.simulator.outbox import Session
from interlock.simulator.personas import Second
from interlock.simulator.ports import StationNetwork
from interlock.simulator.spec import StationSpec
from interlock.simulator.timer import Observe, Timer
from interlock.simulator.vehicle import Vehicle

__all__ = ["Station", "StationSpec"]


class Station:
    """One virtual charging station."""

    __slots__ = (
        "_error",
        "_life",
        "_operative",
        "_sessions",
        "clock",
        "configuration",
        "env",
        "evses",
        "network",
        "observe",
        "power",
        "rng",
        "running",
        "second_start",
        "second_unlock",
        "spec",
        "station_id",
        "talk",
        "whole",
    )

    def __init__(
        self, env: simpy.Environment, spec: StationSpec, rng: Draws, network: StationNetwork, observe: Observe
    ) -> None:
        self.env, self.spec, self.rng, self.network, self.observe = env, spec, rng, network, observe
        self.station_id = spec.station_id
        self.second_start: Second = spec.second_start or spec.persona.second_start
        self.second_unlock: Second = spec.second_unlock or spec.persona.second_unlock
        self.clock = StationClock(spec.clock)
        self.configuration = Configuration(
            spec.connectors,
            spec.connection_timeout_s,
            spec.meter_interval_s,
            spec.heartbeat_s,
            spec.retry_s,
            spec.offline_unknown,
        )
        self.talk = Conversation(self)
        self.whole = Connector(spec.station_id, 0, observe, self.talk.report)
        self.evses = [Evse(self, number, rng.randrange(1_000, 5_000_000)) for number in range(1, spec.connectors + 1)]
        self.power = PowerSupply(env, spec.station_id, observe, self._volts_changed, self._crossed)
        self.running = False
        """Whether the controller has power and has booted."""
        self._operative = True
        self._error: str | None = None
        self._life = 0
        self._sessions = 0

    # --- life ---

    def start(self) -> None:
        """Switch it on for the first time."""
        self.after(self.rng.uniform(*self.spec.first_boot_s), self._booted)

    def after(self, delay_s: float, function: Callable[[], None], *, survives_reboot: bool = False) -> Timer:
        """Do something later, in this life only unless it survives a reboot."""
        life = self._life

        def run(_: Any) -> None:
            if survives_reboot or self._life == life:
                function()

        return Timer(self.env, delay_s, run)

    def _booted(self) -> None:
        self.running = True
        self.observe("booted", station=self.station_id)
        self.whole.wake(*self._whole_status())
        for evse in self.evses:
            evse.wake()
        self.talk.power_on()

    def reboot(self, why: str = "Reboot") -> None:
        """Restart the controller: sessions end, the socket is closed, memory is gone."""
        if self.running:
            self._go_dark(why, why if why in ("HardReset", "SoftReset") else "Reboot")
            self.after(self.rng.uniform(*self.spec.boot_s), self._booted)

    def _go_dark(self, why: str, reason: str) -> None:
        self.observe("reboot", station=self.station_id, why=why)
        self.running = False
        self.talk.power_off()
        for evse in self.evses:
            evse.go_dark(reason)
        if not self.spec.persona.keeps_queue:
            self.talk.outbox.lose()
        self.talk.leave(why, orderly=reason != "PowerLoss")
        self._life += 1

    def _volts_changed(self, volts: float) -> None:
        for evse in self.evses:
            evse.voltage_changed()

    def _crossed(self, crossing: Crossing) -> None:
        if crossing == "dead":
            if self.running:
                self._go_dark("power lost", "PowerLoss")
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

    # --- what the controller is asked ---

    def time(self) -> str:
        """Return what its clock shows."""
        return self.clock.text(self.env.now)

    def obey(self, order: Order, status: str, answer: Payload | None = None) -> None:
        """Record what it decided on a CALL, at the moment it acts, and answer."""
        self.observe("obeyed", station=self.station_id, message_id=order.message_id, action=order.action, status=status)
        payload = {"status": status} if answer is None else answer
        link, late = self.talk.link, self.spec.persona.answer_delay_s
        if late == (0.0, 0.0) or order.action not in obey.MOVING or order.action == "Reset":
            link.answer(order.message_id, payload)
        else:
            # On whatever connection there is by then.
            self.after(self.rng.uniform(*late), lambda: link.answer(order.message_id, payload))

    def start_answered(self, session: Session, status: str) -> None:
        """Take what the CSMS says to a session that has begun."""
        if status != "Accepted" and session.running and self.configuration.truth("StopTransactionOnInvalidId"):
            self.evses[session.connector - 1].end("DeAuthorized", "station")

    # --- hardware ---

    def connectors(self) -> Iterator[Connector]:
        """Iterate over everything that has a status: the station itself, which is number 0, then its connectors."""
        yield self.whole
        for evse in self.evses:
            yield evse.connector

    def evse(self, connector: int | None) -> Evse | None:
        """Return a charging point by its number, or None."""
        if connector is None or not 1 <= connector <= len(self.evses):
            return None
        return self.evses[connector - 1]

    def has_slot(self, wanting: Evse) -> bool:
        """Whether `wanting` may have a session beside those of the others."""
        slots = self.spec.slots
        if slots is None:
            return True
        others = (evse for evse in self.evses if evse is not wanting)
        return slots > sum(evse.session is not None or evse.awaited is not None for evse in others)

    def new_session(self) -> str:
        """Name a session."""
        self._sessions += 1
        return f"{self.station_id}-{self._sessions}"

    def set_operative(self, operative: bool) -> None:
        """Change the availability of the station itself."""
        self._operative = operative
        self._refresh()

    def _whole_status(self) -> tuple[str, str]:
        status = "Available" if self._operative else "Unavailable"
        if self._error is not None:
            return status if EFFECTS[self._error] == "warns" else "Faulted", self._error
        return status, "UnderVoltage" if self.power.under else "NoError"

    def _refresh(self) -> None:
        if self.running:
            self.whole.become(*self._whole_status())

    def fail(self, connector: int, error_code: str) -> None:
        """Break a connector, or with 0 the whole station, in one of the ways OCPP has a word for."""
        if error_code == "NoError":
            self.clear(connector)
            return
        if error_code not in EFFECTS:
            raise ValueError(f"{error_code} is no errorCode of OCPP 1.6")
        if connector == 0:
            self._error = error_code
            self._refresh()
        for evse in self.evses:
            if connector in (0, evse.number):
                evse.fail(error_code)

    def clear(self, connector: int) -> None:
        """Mend a connector, or with 0 the whole station."""
        if connector == 0:
            self._error = None
            self._refresh()
        for evse in self.evses:
            if connector in (0, evse.number):
                evse.clear()

    # --- what drivers, faults and workloads do ---

    def plug(self, connector: int, vehicle: Vehicle | None = None) -> bool:
        """Put a cable in. Return whether it went in."""
        return self.evses[connector - 1].plug(vehicle if vehicle is not None else Vehicle())

    def unplug(self, connector: int) -> bool:
        """Take a cable out. Return whether it came."""
        return self.evses[connector - 1].unplug()

    def swipe(self, connector: int, id_tag: str) -> bool:
        """Show a card. Return whether the reader took it."""
        return self.running and self.evses[connector - 1].swipe(id_tag)

    def send_heartbeat_now(self) -> None:
        """Send a heartbeat beside the usual ones, if connected."""
        self.talk.heartbeat()

    def send_status_now(self, connector: int) -> None:
        """Report a connector's status whether it changed or not, if connected."""
        if self.talk.online:
            self.talk.tell_status(self.whole if connector == 0 else self.evses[connector - 1].connector)

    def send_meter_values_now(self, connector: int) -> None:
        """Read a connector's meter and tell it."""
        if self.running:
            self.evses[connector - 1].sample("Other")

    def send_raw(self, text: str) -> None:
        """Send any text whatever, if connected."""
        self.talk.link.send(text)

    def drop_connection(self, why: str = "dropped") -> None:
        """Close the connection and open another one after a pause."""
        self.talk.drop(why)

    def reconnect_now(self, keep_old: bool = True) -> None:
        """Open a new connection at once; the old one stays open for a while, or is closed first."""
        if self.running:
            self.talk.reconnect(keep_old=keep_old)

    # --- at rest ---

    @property
    def online(self) -> bool:
        """Whether it is connected and the CSMS has accepted its boot."""
        return self.talk.online

    @property
    def outbox_pending(self) -> int:
        """Count the transaction messages that have no answer yet."""
        return self.talk.outbox.pending

    @property
    def statuses_pending(self) -> int:
        """Count the connectors of which a status has no answer yet."""
        return sum(connector.queued > 0 for connector in self.connectors())

    def truth(self) -> list[dict[str, Any]]:
        """Say how each connector really is."""
        return [
            {
                "station": self.station_id,
                "connector": evse.number,
                "status": evse.connector.status,
                "plugged": evse.vehicle is not None,
                "locked": evse.lock.locked,
                "charging": evse.contactor.closed,
                "session": evse.session.session if evse.session is not None else None,
                "transaction_id": evse.session.transaction_id if evse.session is not None else None,
                "online": self.talk.online,
            }
            for evse in self.evses
        ]
