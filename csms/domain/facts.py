"""What the CSMS learnt, turned into the facts it adds to a station's log. Nothing here can refuse.

Each function reads the state it is given and returns the events that are news to it; told the same thing again it
returns none. So a fact that loses a race is simply worked out again against the newer state and appended there. They
stand in the files of their concerns; this one sums what a station may report.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from interlock.csms.domain import (
    connectors,
    generic,
    inflight,
    presence,
    provisioning,
    readings,
    remote_control,
    tokens,
    transactions,
)
from interlock.csms.domain import reports as rp
from interlock.csms.domain.events import Facts
from interlock.csms.domain.inflight import (
    OVERDUE_S,
    Answer,
    Patience,
    answered,
    closable,
    closed,
    doubted,
    look_again_at,
    not_sent,
    unsettled,
)
from interlock.csms.domain.presence import came_online, went_offline
from interlock.csms.domain.replies import TAKEN, Given
from interlock.csms.domain.station import Station, evolve

__all__ = [
    "OVERDUE_S",
    "Answer",
    "Facts",
    "Patience",
    "answered",
    "came_online",
    "closable",
    "closed",
    "doubted",
    "gave_up",
    "look_again_at",
    "not_sent",
    "reported",
    "unsettled",
    "went_offline",
]

_REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, rp.Reply]]] = {
    **presence.REPORTED,
    **provisioning.REPORTED,
    **connectors.REPORTED,
    **transactions.REPORTED,
    **readings.REPORTED,
    **tokens.REPORTED,
    **generic.REPORTED,
}


def gave_up(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """No evidence came in the time there was, but for what the log had before: see `inflight.gave_up`."""
    return remote_control.ended_already(state, command_id, at) or inflight.gave_up(state, command_id, why, at)


def _several(state: Station, report: rp.Several, at: datetime, given: Given) -> tuple[Facts, rp.Reply]:
    facts: Facts = []
    for one in report.reports:
        found, _ = _REPORTED[type(one)](state, one, at, given)
        for event in found:
            state = evolve(state, event)
        facts += found
    return facts, TAKEN


_REPORTED[rp.Several] = _several


def reported(
    state: Station,
    report: rp.Report,
    at: datetime,
    *,
    registration: str,
    authorization: str,
    new_transaction_id: str,
) -> tuple[Facts, rp.Reply]:
    """Return the facts a report adds and how it is answered.

    `authorization` is the word for the report's token, `registration` that for a boot; `new_transaction_id` is used if
    a start is one we did not know and has no id of its own. A transaction message is always acknowledged: an error
    would block the station's queue for ever (OCPP 1.6 sections 4.8 and 4.10), so what cannot be placed is kept as an
    anomaly.
    """
    return _REPORTED[type(report)](state, report, at, Given(registration, authorization, new_transaction_id))
