"""Boot and reset: what a station reports of itself when it starts, and how it is restarted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.inflight import CommandConfirmed, Phase
from interlock.csms.domain.replies import Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Rules, Station

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reset:
    """Restart the station, or only `evse` where it is not 0; `hard` without asking transactions to end first."""

    hard: bool
    evse: int = 0


# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Boot:
    """The station started and states what it is."""

    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    remotely_reset: bool = False
    """Whether the reason it states is a reset by the CSMS; False in a version that states no reason."""


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booted:
    """The station announced itself; `registration` is Accepted, Pending or Rejected."""

    at: datetime
    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    registration: str


Command = Reset
Report = Boot
Event = Booted

# --- evolve ----------------------------------------------------------------------------------------------------------


def _booted(state: Station, event: Booted) -> Station:
    return replace(state, registration=event.registration)


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {Booted: _booted}

# --- decide ----------------------------------------------------------------------------------------------------------


def _against_reset(command: Reset, state: Station, rules: Rules) -> str | None:
    if not 0 <= command.evse <= rules.evses:
        return f"there is no EVSE {command.evse}"
    for pending in state.commands.values():
        if isinstance(pending.command, Reset) and pending.phase.open:
            return f"command {pending.command_id} is already resetting the station"
    return None


DECIDE: dict[type, Callable[[Any, Station, Rules], str | None]] = {Reset: _against_reset}

# --- facts -----------------------------------------------------------------------------------------------------------


def _boot(state: Station, report: Boot, at: datetime, given: Given) -> tuple[Facts, Reply]:
    booted = Booted(at, report.vendor, report.model, report.serial, report.firmware, given.registration)
    facts: Facts = [booted]
    if report.remotely_reset:
        facts += [
            CommandConfirmed(at, pending.command_id, "the station booted for it")
            for pending in state.commands.values()
            if pending.phase in (Phase.IN_DOUBT, Phase.UNKNOWN)
            and isinstance(pending.command, Reset)
            and pending.command.evse == 0
        ]
    return facts, Reply(given.registration)


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {Boot: _boot}
