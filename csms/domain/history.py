"""Whether what a station tells is of now or of before. Its clock may be wrong, or was never set; order says more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # these files use this one and so import it
    from interlock.csms.domain.station import Station
    from interlock.csms.domain.transactions import Start, Transaction

SET_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""No clock that was ever set stands before this: OCPP is younger."""


def clock_was_set(at: datetime | None) -> bool:
    """Tell whether a station's time is one of a clock that was set at some time."""
    return at is not None and at >= SET_SINCE


def before(one: datetime | None, other: datetime | None) -> bool:
    """Tell whether one time is before another; one that is not known is before none."""
    return one is not None and other is not None and one < other


def is_history(state: Station, report: Start, transaction_id: str) -> bool:
    """Tell whether a start lies before another transaction of its EVSE, by the station's own time and meter alike."""
    started_at = report.started_at
    if started_at is None:
        return False
    for known in state.transactions.values():
        # The time first: of hundreds that are kept it rules out nearly all.
        if known.started_at is None or started_at >= known.started_at:
            continue
        if known.evse == report.evse and known.transaction_id != transaction_id and older(report, known):
            return True
    return False


def older(report: Start, known: Transaction) -> bool:
    """Tell whether a start is older than a transaction. One of the two alone is no proof.

    Clocks are set wrong, or never, and meters are replaced or begin at 0 each time; so a clock that was never set says
    nothing, and a meter that stood still says nothing against a transaction that is over.
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
