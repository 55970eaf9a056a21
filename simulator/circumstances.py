"""The physical state of an EVSE from which a controller derives its status, and the faults it may have."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
"""Every fault by its OCPP error code, and its effect on a session.

A fault that ends or suspends a session makes an idle EVSE unusable.
"""


class Circumstances(NamedTuple):
    """The physical state of an EVSE."""

    faulted: bool = False
    charging: bool = False
    """Whether a session runs."""
    suspended_by_station: bool = False
    suspended_by_vehicle: bool = False
    plugged: bool = False
    finished: bool = False
    """Whether the cable that is in belongs to a session that is over."""
    awaited: bool = False
    """Whether an authorized driver has not plugged in yet."""
    operative: bool = True
    reserved: bool = False
