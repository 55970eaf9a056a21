"""Remote start and stop: when one is refused, and the evidence in a transaction that one took effect.

A remote start whose answer was lost is confirmed by the transaction it began: the one that carries its id (OCPP 2.0.1
`remoteStartId`), or, where the version has none (1.6), the first with its EVSE and token. A remote stop is confirmed
by the end of its transaction, or by a message that names it as the reason of an end to come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.csms.domain.inflight import CommandConfirmed, ContradictingEvidence, Hold, Pending, Phase
from interlock.csms.domain.tokens import same_token

if TYPE_CHECKING:  # these files use or sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Rules, Station
    from interlock.csms.domain.transactions import Start, Stop, Update

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """Begin charging on `evse` for `id_token`. Holds the EVSE and one of the station's slots.

    The station repeats `remote_start_id` in the messages of the transaction, where its version has it (2.x).
    `details` is the rest of the request (charging profile, group, type of the token) in the words of that version.
    """

    hold: ClassVar[Hold] = Hold.UNTIL_TRANSACTION
    evse: int
    id_token: str
    remote_start_id: int | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RemoteStop:
    """End the transaction `transaction_id`."""

    transaction_id: str


Command = RemoteStart | RemoteStop

# --- decide ----------------------------------------------------------------------------------------------------------


def _against_start(command: RemoteStart, state: Station, rules: Rules) -> str | None:
    evse = command.evse
    if not 1 <= evse <= rules.evses:
        return f"there is no EVSE {evse}"
    if held := state.held(evse):
        return f"EVSE {evse} is held by command {held.command_id}"
    running = state.open_transaction(evse)
    if running is not None and running.id_token is not None:  # one begun by the cable alone waits for its token
        return f"EVSE {evse} is in transaction {running.transaction_id}"
    if len(state.evses_used() - {evse}) >= rules.slots:
        return f"all {rules.slots} slots of the station are in use"
    return None


def _against_stop(command: RemoteStop, state: Station, rules: Rules) -> str | None:
    transaction_id = command.transaction_id
    running = state.transactions.get(transaction_id)
    if running is None or not running.open:
        return f"no transaction {transaction_id} is open here"
    for pending in state.commands.values():
        if pending.command == command and pending.phase.open:
            return f"command {pending.command_id} is already ending transaction {transaction_id}"
    return None


DECIDE: dict[type, Callable[[Any, Station, Rules], str | None]] = {
    RemoteStart: _against_start,
    RemoteStop: _against_stop,
}

# --- facts -----------------------------------------------------------------------------------------------------------


def remote_start_behind(state: Station, report: Start | Update | Stop) -> Pending | None:
    """Return the remote start that a message is the effect of, or None.

    That is the one of the message's remote start id; without an id, one of the same EVSE and token that has no
    transaction yet. A station that names its own transactions (2.x) states the id, so a start of its without one is
    local.
    """
    if report.remote_start_id is None and report.transaction_id is not None:
        return None
    for pending in reversed(state.commands.values()):
        command = pending.command
        if not isinstance(command, RemoteStart) or pending.transaction_id is not None:
            continue
        if report.remote_start_id is not None:
            if command.remote_start_id == report.remote_start_id:
                return pending
        elif (
            command.evse == report.evse
            and same_token(command.id_token, report.id_token)
            and pending.phase not in (Phase.REJECTED, Phase.LAPSED)
        ):
            return pending
    return None


def evidence_of_start(start: Pending, transaction_id: str, what: str, at: datetime) -> Facts:
    """Return the confirmation of a remote start by its transaction, or the contradiction of its outcome."""
    if start.phase is Phase.ACCEPTED:
        return []
    evidence = f"transaction {transaction_id} carries {what}"
    if start.phase in (Phase.REFUTED, Phase.REJECTED, Phase.LAPSED):
        return [ContradictingEvidence(at, start.command_id, start.phase.value, evidence)]
    return [CommandConfirmed(at, start.command_id, evidence)]


def evidence_of_stop(state: Station, transaction_id: str, how: str, at: datetime) -> Facts:
    """Confirm the remote stops in doubt of a transaction that ended or is being stopped."""
    return [
        CommandConfirmed(at, pending.command_id, f"transaction {transaction_id} {how}")
        for pending in state.commands.values()
        if pending.phase in (Phase.IN_DOUBT, Phase.UNKNOWN) and pending.command == RemoteStop(transaction_id)
    ]


def ended_already(state: Station, command_id: str, at: datetime) -> Facts:
    """Confirm a remote stop in doubt whose transaction had ended before the doubt began."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is not Phase.IN_DOUBT or not isinstance(pending.command, RemoteStop):
        return []
    known = state.transactions.get(pending.command.transaction_id)
    if known is None or not known.ended:
        return []
    return [CommandConfirmed(at, command_id, f"transaction {known.transaction_id} ended")]
