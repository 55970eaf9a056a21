"""The status of a connector as OCPP 1.6 tells it (section 4.9), as a table of what may follow what.

`Connector` holds the physical side: the cable, the lock, the contactor, the meter and the charging session.
"""

from __future__ import annotations

import simpy

from .hardware import CableLock, Contactor, Meter, Observe
from .vehicle import Vehicle

AVAILABLE, PREPARING, CHARGING = "Available", "Preparing", "Charging"
SUSPENDED_EV, SUSPENDED_EVSE, FINISHING = "SuspendedEV", "SuspendedEVSE", "Finishing"
RESERVED, UNAVAILABLE, FAULTED = "Reserved", "Unavailable", "Faulted"

# From a state to each it may change to. Any may become Faulted, and a fault may end in any of those before it.
TRANSITIONS: dict[str, frozenset[str]] = {
    AVAILABLE: frozenset({PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, RESERVED, UNAVAILABLE, FAULTED}),
    PREPARING: frozenset({AVAILABLE, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    CHARGING: frozenset({AVAILABLE, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    SUSPENDED_EV: frozenset({AVAILABLE, CHARGING, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    SUSPENDED_EVSE: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, FINISHING, UNAVAILABLE, FAULTED}),
    FINISHING: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EVSE, UNAVAILABLE, FAULTED}),
    RESERVED: frozenset({AVAILABLE, PREPARING, UNAVAILABLE, FAULTED}),
    UNAVAILABLE: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, FAULTED}),
    FAULTED: frozenset(
        {AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, RESERVED, UNAVAILABLE}
    ),
}

ERROR_CODES = (
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "OverVoltage",
    "WeakSignal",
)
"""Every error code of OCPP 1.6 section 7.6."""


class Session:
    """A charging session: from the closing of the contactor for a driver to the end of it."""

    __slots__ = ("id_tag", "message_id", "name", "open", "start_wh", "started_at", "stopping", "transaction_id")

    def __init__(self, name: str, id_tag: str, start_wh: int, started_at: str, message_id: str | None) -> None:
        self.name, self.id_tag, self.start_wh, self.started_at = name, id_tag, start_wh, started_at
        self.message_id = message_id
        self.transaction_id: int | None = None
        self.open = True
        self.stopping = False


class Connector:
    """One outlet: hardware, status and the session on it. Number 0 is the station itself and has no hardware in use."""

    __slots__ = (
        "contactor",
        "error_code",
        "finished",
        "lock",
        "meter",
        "number",
        "operative",
        "remote_start",
        "reported",
        "session",
        "status",
        "vehicle",
    )

    def __init__(self, env: simpy.Environment, station: str, number: int, observe: Observe) -> None:
        self.number = number
        self.lock = CableLock(station, number, observe)
        self.contactor = Contactor(station, number, observe)
        self.meter = Meter(env, 1000 * number)
        self.vehicle: Vehicle | None = None
        self.session: Session | None = None
        self.status, self.error_code = AVAILABLE, "NoError"
        self.reported: tuple[str, str] | None = None
        self.operative = True
        self.finished = False
        self.remote_start: tuple[str, str] | None = None
        """idTag and message id of an accepted remote start that waits for a cable."""

    @property
    def plugged(self) -> bool:
        """Whether a cable is in."""
        return self.vehicle is not None

    def derive(self, *, under_voltage: bool) -> str:
        """Work out the status from what is physically there."""
        if self.error_code not in ("NoError", "UnderVoltage"):
            return FAULTED
        if self.session is not None:
            if self.contactor.closed:
                return CHARGING if self.meter.power_w > 0 else SUSPENDED_EV
            return SUSPENDED_EVSE if under_voltage else PREPARING
        if not self.operative:
            return UNAVAILABLE
        if self.plugged:
            return FINISHING if self.finished else PREPARING
        return PREPARING if self.remote_start is not None else AVAILABLE
