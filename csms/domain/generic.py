"""Commands and reports without rules of their own, which change no state; and records of anomalies and deviations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.replies import TAKEN, Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.reports import Report as AnyReport
    from interlock.csms.domain.station import Station

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Relay:
    """Send the station `action` with `payload`, both in the words of its OCPP version, and store its answer."""

    action: str
    payload: dict[str, Any]


# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """The station sent `action` with `payload`, which happened at `reported_at` by its own clock, if it says so."""

    action: str
    payload: dict[str, Any]
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """Several reports in one message, in order: their facts are one batch, the answer is empty."""

    reports: tuple[AnyReport, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Vendor-specific data."""

    vendor: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something a station sent that it should not: the `member` of an `action` and the `rule` it breaks.

    `member` is a path without indices, `rule` the schema's keyword, `clause` where the standard defines the message.
    """

    action: str
    member: str
    rule: str
    clause: str
    example: str = ""


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoticeReceived:
    """The station sent `action`, which is kept as it came."""

    at: datetime
    action: str
    payload: dict[str, Any]
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class AnomalyRecorded:
    """The station reported something impossible or unrelated to anything known; it was acknowledged and recorded."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeviationRecorded:
    """For the first time the station broke this rule of the standard, and the message was accepted all the same.

    `example` is the value as JSON, possibly cut; empty for a missing member or a secret.
    """

    at: datetime
    action: str
    member: str
    rule: str
    clause: str
    example: str = ""


Command = Relay
Report = Notice | Several | Transfer
Event = NoticeReceived | AnomalyRecorded | DeviationRecorded

# --- evolve ----------------------------------------------------------------------------------------------------------


def unchanged(state: Station, event: Any) -> Station:
    """Fold an event that changes nothing a decision reads."""
    return state


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    NoticeReceived: unchanged,
    AnomalyRecorded: unchanged,
    DeviationRecorded: unchanged,
}

# --- facts -----------------------------------------------------------------------------------------------------------


def _notice(state: Station, report: Notice, at: datetime, given: Given) -> tuple[Facts, Reply]:
    return [NoticeReceived(at, report.action, report.payload, report.reported_at)], TAKEN


def _transfer(state: Station, report: Transfer, at: datetime, given: Given) -> tuple[Facts, Reply]:
    return [], Reply("UnknownVendorId")


def nothing(state: Station, report: Any, at: datetime, given: Given) -> tuple[Facts, Reply]:
    """Acknowledge a report that adds no fact."""
    return [], TAKEN


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {
    Notice: _notice,
    Transfer: _transfer,
}
