"""Which events conflict with which commands, declared. A test derives the same table from `decide` and `evolve`.

An event *conflicts* with a command when there is a reachable state in which the command is accepted before the event
and refused after it. Only then does the order of the two matter; everything else commutes. A conflict never means
*refuse*: it means that the command is decided again, on the state with the event in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Station
from interlock.csms.domain.transactions import Transaction

Where = Literal["same connector", "other connector", "same EVSE", "other EVSE", "same transaction", "station"]
When = Literal["always", "fewer slots than EVSEs"]


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """`event` makes `command` unacceptable: `where` both concern the same place, `when` the station has that limit."""

    command: str
    event: str
    where: Where
    when: When


CONFLICTS: tuple[Conflict, ...] = (
    Conflict("RemoteStart", "RemoteStartRequested", "same EVSE", "always"),
    Conflict("RemoteStart", "RemoteStartRequested", "other EVSE", "fewer slots than EVSEs"),
    Conflict("RemoteStart", "UnlockRequested", "same EVSE", "always"),
    Conflict("RemoteStart", "TransactionStarted", "same EVSE", "always"),
    Conflict("RemoteStart", "TransactionStarted", "other EVSE", "fewer slots than EVSEs"),
    # An update can arrive before the start of its transaction, and is then the first sign of it.
    Conflict("RemoteStart", "TransactionUpdated", "same EVSE", "always"),
    Conflict("RemoteStart", "TransactionUpdated", "other EVSE", "fewer slots than EVSEs"),
    # A very late answer to a start that had become Unknown: the start holds its EVSE again.
    Conflict("RemoteStart", "CommandAccepted", "same EVSE", "always"),
    Conflict("RemoteStart", "CommandAccepted", "other EVSE", "fewer slots than EVSEs"),
    # A reservation holds its EVSE in the CSMS only until it is answered; afterwards the station enforces it.
    Conflict("RemoteStart", "ReserveRequested", "same EVSE", "always"),
    Conflict("Unlock", "ReserveRequested", "same EVSE", "always"),
    Conflict("Reserve", "ReserveRequested", "same EVSE", "always"),
    Conflict("Reserve", "RemoteStartRequested", "same EVSE", "always"),
    Conflict("Reserve", "UnlockRequested", "same EVSE", "always"),
    Conflict("Reserve", "CommandAccepted", "same EVSE", "always"),
    Conflict("Reserve", "TransactionStarted", "same EVSE", "always"),
    Conflict("Reserve", "TransactionUpdated", "same EVSE", "always"),
    Conflict("Unlock", "RemoteStartRequested", "same EVSE", "always"),
    Conflict("Unlock", "UnlockRequested", "same connector", "always"),
    Conflict("Unlock", "CommandAccepted", "same EVSE", "always"),
    Conflict("RemoteStop", "RemoteStopRequested", "same transaction", "always"),
    Conflict("RemoteStop", "TransactionStopped", "same transaction", "always"),
    # An EVSE delivers to one vehicle: a new transaction there ends one whose stop was never reported.
    Conflict("RemoteStop", "TransactionStarted", "same EVSE", "always"),
    Conflict("RemoteStop", "TransactionUpdated", "same EVSE", "always"),
    Conflict("Reset", "ResetRequested", "station", "always"),
)


def title(event: ev.StationEvent) -> str:
    """Name an event for the table: an intent by the command in it."""
    if isinstance(event, ev.CommandRequested):
        return f"{type(event.command).__name__}Requested"
    return type(event).__name__


def meeting(command: do.Command, event: ev.StationEvent, state: Station) -> Where:
    """Return where a command and an event meet."""
    theirs: do.Command | ev.StationEvent = event
    if isinstance(event, ev.CommandRequested):
        theirs = event.command
    elif (command_id := getattr(event, "command_id", None)) and command_id in state.commands:
        theirs = state.commands[command_id].command if not hasattr(event, "evse") else event
    mine: do.Command | Transaction | None = command
    if isinstance(command, do.RemoteStop):
        if getattr(theirs, "transaction_id", None) == command.transaction_id:
            return "same transaction"
        mine = state.transactions.get(command.transaction_id)
    if isinstance(command, do.Reset) or not getattr(mine, "evse", 0) or not getattr(theirs, "evse", 0):
        return "station"
    if getattr(mine, "evse", 0) != getattr(theirs, "evse", 0):
        return "other EVSE"
    if isinstance(mine, do.Unlock) and isinstance(theirs, do.Unlock):
        return "same connector" if mine.connector == theirs.connector else "other connector"
    return "same EVSE"


def markdown(*, fewer_slots: bool) -> str:
    """Return the table as Markdown, for a station with fewer slots than EVSEs or with as many."""
    shown = [one for one in CONFLICTS if fewer_slots or one.when == "always"]
    commands = sorted({one.command for one in CONFLICTS})
    events = sorted({one.event for one in CONFLICTS})
    lines = ["| already in the log | " + " | ".join(commands) + " |", "|---" * (len(commands) + 1) + "|"]
    for event in events:
        cells = []
        for command in commands:
            where = [one.where for one in shown if one.command == command and one.event == event]
            cells.append(", ".join(where) or "-")
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
