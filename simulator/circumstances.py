"""What a controller derives a status from: how an EVSE physically is, and which faults there are."""

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
"""Every fault there is, by the field's name for it, and what it does to a session.

What ends or suspends a session makes an idle EVSE unusable.
"""


class Circumstances(NamedTuple):
    """How an EVSE physically is."""

    faulted: bool = False
    charging: bool = False
    """Whether a session runs."""
    suspended_by_station: bool = False
    suspended_by_vehicle: bool = False
    plugged: bool = False
    finished: bool = False
    """Whether the cable that is in belongs to a session that is over."""
    awaited: bool = False
    """Whether a driver was accepted and has not plugged in yet."""
    operative: bool = True
    reserved: bool = False
