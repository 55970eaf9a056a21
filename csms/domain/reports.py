"""What a station may tell the CSMS: one frozen value per kind of report, already freed of its OCPP version.

A report is not yet a fact. `station.receive` decides which facts it adds to the log and how it is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Boot:
    """The station started and introduces itself."""

    vendor: str
    model: str
    serial: str | None
    firmware: str | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The station is there and wants the time."""


@dataclass(frozen=True, slots=True)
class Status:
    """`connector` (0: the station itself) is in `status`."""

    connector: int
    status: str
    error_code: str
    info: str | None
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class Authorize:
    """May `id_token` charge?"""

    id_token: str


@dataclass(frozen=True, slots=True)
class Start:
    """Energy delivery began, perhaps long ago and perhaps told before."""

    connector: int
    id_token: str
    meter_start_wh: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Energy delivery ended, perhaps long ago and perhaps told before."""

    transaction_id: int
    meter_stop_wh: int
    stopped_at: datetime | None
    reason: str
    id_token: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a connector's meter; what the station did not measure is None."""

    sampled_at: datetime | None
    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None


@dataclass(frozen=True, slots=True)
class Meter:
    """Readings of `connector`, within a transaction or not."""

    connector: int
    transaction_id: int | None
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Vendor-specific data."""

    vendor: str


Report = Boot | Heartbeat | Status | Authorize | Start | Stop | Meter | Transfer


@dataclass(frozen=True, slots=True)
class Reply:
    """How a report is answered: a `status` word and, for a start, its `transaction_id`."""

    status: str = "Accepted"
    transaction_id: int | None = None


TAKEN = Reply()
"""How most reports are answered: there is nothing to say but that it was taken."""
