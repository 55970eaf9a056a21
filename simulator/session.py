"""A charging session as a physical fact, and an authorized driver before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from interlock.simulator.hardware import By
from interlock.simulator.timer import Timer

EndReason = Literal[
    "local", "remote", "unplugged", "unlock", "reset", "hard reset", "reboot", "power loss", "deauthorized", "other"
]
"""Why a session ended: `unlock`: the lock was opened remotely; `other`: a fault, or a new session in its place."""


@dataclass(slots=True)
class Session:
    """One charging session. `message_id` is the CALL that caused it, None when a driver did."""

    session: str
    evse: int
    connector: int
    """The connector of the EVSE."""
    id_token: str
    message_id: str | None
    meter_start_wh: int
    transaction_id: int | str | None = None
    """Its OCPP transaction id, once known."""
    running: bool = True
    deauthorized: bool = False
    """Whether its token was refused after it began, so that no energy may be delivered."""


@dataclass(slots=True)
class Awaited:
    """An authorized driver; the session begins when the cable is in and locked."""

    id_token: str
    message_id: str | None
    lapse: Timer

    @property
    def by(self) -> By:
        """The origin recorded in the ledger: the CALL, or the driver."""
        return "driver" if self.message_id is None else "remote"


class Reading(NamedTuple):
    """A meter's reading at one moment."""

    energy_wh: int
    power_w: float
    volts: float
