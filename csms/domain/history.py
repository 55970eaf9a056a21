"""Whether a report is about the present or the past. Station clocks may be wrong or never set, so order counts more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # these files use this one and so import it
    from interlock.csms.domain.station import Station
    from interlock.csms.domain.transactions import Start, Transaction

SET_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""A clock that was ever set shows a later time: OCPP is younger."""


def clock_was_set(at: datetime | None) -> bool:
    """Whether a station's time comes from a clock that was ever set."""
    return at is not None and at >= SET_SINCE


def before(one: datetime | None, other: datetime | None) -> bool:
    """Whether one time is before another; False where one of them is unknown."""
    return one is not None and other is not None and one < other


def is_history(state: Station, report: Start, transaction_id: str) -> bool:
    """Whether a start lies before another transaction of its EVSE, by the station's time and by its meter."""
    started_at = report.started_at
    if started_at is None:
        return False
    for known in state.transactions.values():
        # The time first: it excludes nearly all of the hundreds that are kept.
        if known.started_at is None or started_at >= known.started_at:
            continue
        if known.evse == report.evse and known.transaction_id != transaction_id and older(report, known):
            return True
    return False


def older(report: Start, known: Transaction) -> bool:
    """Whether a start is older than a transaction. Both the time and the meter must agree.

    Either alone may mislead: clocks are set wrong or never, meters are replaced or restart at 0. A time of a clock that
    was never set is no evidence, and an equal meter is none against a transaction that has ended.
    """
    if not (clock_was_set(report.started_at) and clock_was_set(known.started_at)):
        return False
    if not before(report.started_at, known.started_at):
        return False
    if report.meter_start_wh is None or known.meter_start_wh is None:
        return report.offline
    if known.open:
        return report.meter_start_wh <= known.meter_start_wh
    return report.meter_start_wh < known.meter_start_wh
