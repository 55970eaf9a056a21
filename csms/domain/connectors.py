"""Connectors: the status the station reported of each, its cable lock, and whether it is in service.

A place is a pair: `evse` (from 1) and `connector` within it (from 1). (0, 0) is the station itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.history import before, clock_was_set
from interlock.csms.domain.inflight import CommandConfirmed, Hold, Phase, came_to_nothing
from interlock.csms.domain.replies import TAKEN, Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Rules, Station

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unlock:
    """Release the cable lock of a connector. Not idempotent: the lock moves at each request."""

    hold: ClassVar[Hold] = Hold.WHILE_OPEN
    evse: int
    connector: int = 1


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Put `evse` (0: the whole station), or one `connector` of it (0: all), in or out of service."""

    evse: int
    operative: bool
    connector: int = 0


# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """A connector, or for (0, 0) the station itself, is in `status`."""

    evse: int
    connector: int
    status: str
    error_code: str = "NoError"
    info: str | None = None
    reported_at: datetime | None = None


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusReported:
    """The station reported `status` and `error_code` of a connector, or for (0, 0) of itself."""

    at: datetime
    evse: int
    connector: int
    status: str
    error_code: str
    info: str | None
    reported_at: datetime | None


Command = Unlock | ChangeAvailability
Report = Status
Event = StatusReported

# --- state -----------------------------------------------------------------------------------------------------------

Place = tuple[int, int]
"""An EVSE and a connector within it."""


@dataclass(frozen=True, slots=True)
class Connector:
    """What the station last reported of a connector."""

    status: str
    error_code: str
    info: str | None
    reported_at: datetime | None


# --- evolve ----------------------------------------------------------------------------------------------------------


LIVE_S = 60.0
"""A status whose time is within this of ours is live, whatever times the station stated before."""


def _is_history(known: Connector | None, reported_at: datetime | None, at: datetime) -> bool:
    """Whether a status received at `at` is older than the known one, rather than stamped by a clock that was set back.

    A time near ours is from a clock that was set right; one before 2000 is from a clock that was never set.
    """
    return (
        known is not None
        and reported_at is not None
        and before(reported_at, known.reported_at)
        and clock_was_set(reported_at)
        and abs((at - reported_at).total_seconds()) > LIVE_S
    )


def _status_reported(state: Station, event: StatusReported) -> Station:
    if not (0 <= event.evse <= bounds().connectors and 0 <= event.connector <= bounds().connectors):
        return state  # a station can report any number
    if _is_history(state.connectors.get((event.evse, event.connector)), event.reported_at, event.at):
        return state
    connector = Connector(event.status, event.error_code, event.info, event.reported_at)
    return state.changed(connectors={**state.connectors, (event.evse, event.connector): connector})


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {StatusReported: _status_reported}

# --- decide ----------------------------------------------------------------------------------------------------------


def missing(rules: Rules, evse: int, connector: int) -> str | None:
    """Return a sentence if the station has no such connector, else None."""
    if not 1 <= evse <= rules.evses:
        return f"there is no EVSE {evse}"
    if not 1 <= connector <= rules.connectors_each:
        return f"EVSE {evse} has no connector {connector}"
    return None


def _against_unlock(command: Unlock, state: Station, rules: Rules) -> str | None:
    if gone := missing(rules, command.evse, command.connector):
        return gone
    if held := state.held(command.evse, command.connector):
        return f"connector {command.connector} of EVSE {command.evse} is held by command {held.command_id}"
    return None


def _against_availability(command: ChangeAvailability, state: Station, rules: Rules) -> str | None:
    if command.evse == 0:
        return None if command.connector == 0 else f"the station itself has no connector {command.connector}"
    return missing(rules, command.evse, command.connector or 1)


DECIDE: dict[type, Callable[[Any, Station, Rules], str | None]] = {
    Unlock: _against_unlock,
    ChangeAvailability: _against_availability,
}

# --- facts -----------------------------------------------------------------------------------------------------------


def _status(state: Station, report: Status, at: datetime, given: Given) -> tuple[Facts, Reply]:
    facts: Facts = []
    known = state.connectors.get((report.evse, report.connector))
    if not _told_before(known, report):
        said = report.status, report.error_code, report.info, report.reported_at
        facts.append(StatusReported(at, report.evse, report.connector, *said))
    live = not _is_history(known, report.reported_at, at)
    # A station that is not accepted may not send transaction messages, so their absence proves nothing.
    tells = state.registration not in ("Pending", "Rejected")
    if live and tells and report.status == "Available" and _rest_available(state, report):
        facts += [
            came_to_nothing(pending, at)
            for pending in state.unfinished()
            # Only a status sent after our probe arrived is evidence: an earlier one may be older than the start.
            if pending.probed and getattr(pending.command, "evse", None) == report.evse
        ]
    return facts, TAKEN


def unlocked(state: Station, evse: int, at: datetime) -> Facts:
    """Confirm the unlocks in doubt of an EVSE, as a message of its transaction was triggered by an unlock.

    One that was given up is confirmed only as long as it is the last of its EVSE: a later one may be what is told of.
    """
    asked = [one for one in state.commands.values() if isinstance(one.command, Unlock) and one.command.evse == evse]
    return [
        CommandConfirmed(at, pending.command_id, "its transaction reports an unlock")
        for pending in asked
        if pending.phase is Phase.IN_DOUBT or (pending.phase is Phase.UNKNOWN and pending is asked[-1])
    ]


def _rest_available(state: Station, report: Status) -> bool:
    """Whether the EVSE's other connectors are free: a vehicle at one of them may be what the start began."""
    return all(
        connector.status == "Available"
        for (evse, number), connector in state.connectors.items()
        if evse == report.evse and number != report.connector
    )


def _told_before(known: Connector | None, report: Status) -> bool:
    """Whether the report repeats the known one, time included: the station resends it when the answer was lost."""
    return (
        known is not None
        and report.reported_at is not None
        and known.reported_at == report.reported_at
        and known.status == report.status
        and known.error_code == report.error_code
        and known.info == report.info
    )


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {Status: _status}
