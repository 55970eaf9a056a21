"""A charging session as it physically was, and the driver who was accepted before one begins."""

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
    """What station and CSMS call it, once the controller knows."""
    running: bool = True
    deauthorized: bool = False
    """Whether it may go on without delivering energy only: its token was refused after it had begun."""


@dataclass(slots=True)
class Awaited:
    """A driver who was accepted; the session begins when the cable is in and locked."""

    id_token: str
    message_id: str | None
    lapse: Timer

    @property
    def by(self) -> By:
        """On whose behalf things move."""
        return "driver" if self.message_id is None else "remote"


class Reading(NamedTuple):
    """What a meter shows at one moment."""

    energy_wh: int
    power_w: float
    volts: float
