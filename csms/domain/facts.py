"""What a station reported or answered, as the facts to add to its log. No function here can refuse.

Each takes a state and returns the events that are new to it: for a repeated report, none. So when the append of a fact
loses a race, the fact is computed again from the newer state and appended there. The functions are defined in the files
of their concerns; this one sums the tables of what a station may report.
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
    next_check_at,
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
    "next_check_at",
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
    """The time for evidence is over: an earlier end of the transaction confirms a stop, else see `inflight.gave_up`."""
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

    `authorization` answers the report's token, `registration` a boot; `new_transaction_id` names a start that is new
    and has no id of its own. A transaction message is always acknowledged, since the station would resend it for ever
    after an error (OCPP 1.6 sections 4.8 and 4.10); one that fits no transaction is recorded as an anomaly.
    """
    return _REPORTED[type(report)](state, report, at, Given(registration, authorization, new_transaction_id))
