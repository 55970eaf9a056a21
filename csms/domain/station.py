"""The station: the boundary inside which decisions race. State, fold, and what an operator's command may become.

Two kinds of change, and they must not be mixed up:

- an **intent** (`decide`) may be refused, and may be decided again when another append was first;
- a **fact** (`facts`) already happened: it is never refused and always finds its place.

The fold is total on facts: whatever a station did is representable, a local start on a held connector included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.bounds import bounds

# --- state -----------------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """Where a command stands. REQUESTED and DOUBT are open, the rest are outcomes."""

    REQUESTED = "requested"
    DOUBT = "doubt"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    LAPSED = "lapsed"

    @property
    def open(self) -> bool:
        """Whether the outcome is still to come."""
        return self is Phase.REQUESTED or self is Phase.DOUBT


@dataclass(frozen=True, slots=True)
class Pending:
    """A command the log knows, and how far it got.

    `settled_at` is when its latest phase began; `contradicted` is what was observed against its outcome.
    """

    command_id: str
    request_id: str
    command: do.Command
    node: str
    epoch: int
    deadline: datetime
    settled_at: datetime
    phase: Phase = Phase.REQUESTED
    transaction_id: int | None = None
    probed: bool = False
    contradicted: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nobody else may use its connector: while its effect may still be coming."""
        if isinstance(self.command, do.RemoteStart):
            return self.awaits_transaction or self.phase.open
        return isinstance(self.command, do.Unlock) and self.phase.open

    @property
    def awaits_transaction(self) -> bool:
        """Whether a start was accepted and its transaction has not shown up."""
        return isinstance(self.command, do.RemoteStart) and self.phase is Phase.ACCEPTED and self.transaction_id is None

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected of it."""
        return not self.phase.open and not self.awaits_transaction


@dataclass(frozen=True, slots=True)
class Transaction:
    """Energy delivery on a connector, open or ended. The first four after the id say which start it was."""

    transaction_id: int
    connector: int
    id_token: str
    meter_start_wh: int
    started_at: datetime | None
    status: str
    open: bool = True
    meter_stop_wh: int | None = None
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """What the station last said of a connector."""

    status: str
    error_code: str
    info: str | None
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class Station:
    """The fold of one station's stream. Dicts are never changed in place."""

    online: bool = False
    epoch: int = 0
    node: str = ""
    online_at: datetime | None = None
    registration: str = "Unregistered"
    connectors: dict[int, Connector] = field(default_factory=dict)
    commands: dict[str, Pending] = field(default_factory=dict)
    transactions: dict[int, Transaction] = field(default_factory=dict)

    def held(self, connector: int) -> Pending | None:
        """Return the command that holds `connector`."""
        for pending in self.commands.values():
            if pending.holds and getattr(pending.command, "connector", None) == connector:
                return pending
        return None

    def open_transaction(self, connector: int) -> Transaction | None:
        """Return the transaction open on `connector`."""
        for transaction in self.transactions.values():
            if transaction.open and transaction.connector == connector:
                return transaction
        return None

    def slots_used(self) -> int:
        """Count the connectors with a start under way or an open transaction. One that has both is one slot."""
        used = {
            p.command.connector for p in self.commands.values() if isinstance(p.command, do.RemoteStart) and p.holds
        }
        used.update(transaction.connector for transaction in self.transactions.values() if transaction.open)
        return len(used)

    def unfinished(self) -> Iterator[Pending]:
        """Iterate over the commands of which something is still expected."""
        return (p for p in self.commands.values() if not p.finished)


# --- evolve ----------------------------------------------------------------------------------------------------------


def _changed(
    state: Station,
    *,
    connectors: dict[int, Connector] | None = None,
    transactions: dict[int, Transaction] | None = None,
) -> Station:
    """Do what `replace` does, for a third of its cost: nearly every event changes one of these two."""
    return Station(
        state.online,
        state.epoch,
        state.node,
        state.online_at,
        state.registration,
        state.connectors if connectors is None else connectors,
        state.commands,
        state.transactions if transactions is None else transactions,
    )


def _came_online(state: Station, event: ev.CameOnline) -> Station:
    return replace(state, online=True, epoch=event.epoch, node=event.node, online_at=event.at)


def _went_offline(state: Station, event: ev.WentOffline) -> Station:
    return replace(state, online=False) if event.epoch == state.epoch else state


def _booted(state: Station, event: ev.Booted) -> Station:
    return replace(state, registration=event.registration)


def _status(state: Station, event: ev.StatusReported) -> Station:
    if not 0 <= event.connector <= bounds().connectors:
        return state
    connector = Connector(event.status, event.error_code, event.info, event.reported_at)
    return _changed(state, connectors={**state.connectors, event.connector: connector})


def _requested(state: Station, event: ev.CommandRequested) -> Station:
    pending = Pending(
        event.command_id, event.request_id, event.command, event.node, event.epoch, event.deadline, event.at
    )
    kept = dict(state.commands)
    finished = [key for key, value in kept.items() if value.finished]
    for key in finished[: max(0, len(finished) - bounds().closed_commands + 1)]:
        del kept[key]
    kept[event.command_id] = pending
    return replace(state, commands=kept)


def _settle(state: Station, command_id: str, **changes: Any) -> Station:
    pending = state.commands.get(command_id)
    if pending is None:
        return state
    return replace(state, commands={**state.commands, command_id: replace(pending, **changes)})


def _moved(phase: Phase) -> Callable[[Station, Any], Station]:
    def evolve_phase(state: Station, event: Any) -> Station:
        return _settle(state, event.command_id, phase=phase, settled_at=event.at)

    return evolve_phase


def _accepted(state: Station, event: ev.CommandAccepted) -> Station:
    state = _settle(state, event.command_id, phase=Phase.ACCEPTED, settled_at=event.at)
    probe = state.commands.get(event.command_id)
    probed = probed_command(probe.request_id) if probe else None
    return _settle(state, probed, probed=True) if probed else state


def _started(state: Station, event: ev.TransactionStarted) -> Station:
    kept = dict(state.transactions)
    most = bounds().closed_transactions
    if len(kept) >= most:
        ended = [t.transaction_id for t in kept.values() if not t.open]
        for transaction_id in ended[: max(0, len(ended) - most + 1)]:
            del kept[transaction_id]
    # One connector delivers to one vehicle: a start we were told of ends one whose stop we never heard.
    for running in [t for t in kept.values() if t.open and t.connector == event.connector]:
        kept[running.transaction_id] = replace(running, open=False)
    kept[event.transaction_id] = Transaction(
        event.transaction_id,
        event.connector,
        event.id_token,
        event.meter_start_wh,
        event.started_at,
        event.status,
        # At a connector a station invented nothing is held open: it could invent any number.
        open=0 <= event.connector <= bounds().connectors,
    )
    state = _changed(state, transactions=kept)
    if event.command_id is None:
        return state
    return _settle(state, event.command_id, transaction_id=event.transaction_id)


def _stopped(state: Station, event: ev.TransactionStopped) -> Station:
    transaction = state.transactions.get(event.transaction_id)
    if transaction is None:
        return state
    ended = replace(transaction, open=False, meter_stop_wh=event.meter_stop_wh, stopped_at=event.stopped_at)
    return _changed(state, transactions={**state.transactions, event.transaction_id: ended})


def _contradicted(state: Station, event: ev.ContradictingEvidence) -> Station:
    pending = state.commands.get(event.command_id)
    if pending is None or event.observed in pending.contradicted:
        return state
    changed = replace(pending, contradicted=(*pending.contradicted, event.observed))
    return replace(state, commands={**state.commands, event.command_id: changed})


def _unchanged(state: Station, event: Any) -> Station:
    return state


_EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    ev.CameOnline: _came_online,
    ev.WentOffline: _went_offline,
    ev.HeartbeatReceived: _unchanged,
    ev.Booted: _booted,
    ev.StatusReported: _status,
    ev.CommandRequested: _requested,
    ev.CommandAccepted: _accepted,
    ev.CommandRejected: _moved(Phase.REJECTED),
    ev.CommandInDoubt: _moved(Phase.DOUBT),
    ev.CommandConfirmed: _moved(Phase.CONFIRMED),
    ev.CommandRefuted: _moved(Phase.REFUTED),
    ev.CommandUnknown: _moved(Phase.UNKNOWN),
    ev.CommandLapsed: _moved(Phase.LAPSED),
    ev.ContradictingEvidence: _contradicted,
    ev.TransactionStarted: _started,
    ev.TransactionStopped: _stopped,
    ev.AnomalyRecorded: _unchanged,
}


def evolve(state: Station, event: Any) -> Station:
    """Apply one `StationEvent` to the state. Pure and total."""
    return _EVOLVE[type(event)](state, event)


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rules:
    """What is fixed for a station: its `connectors`, and how many may be in use at once (`slots`)."""

    connectors: int
    slots: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command cannot be accepted in this state. It leaves no trace."""

    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """The request was decided before; `command_id` is what became of it."""

    command_id: str


@dataclass(frozen=True, slots=True)
class Accept:
    """Nothing in this state speaks against the command."""


ACCEPT = Accept()


def decide(command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
    """Decide whether `command` may be sent in `state`. Pure: a lost race costs another call, nothing else."""
    for pending in state.commands.values():
        if pending.request_id == request_id:
            return Known(pending.command_id)
    match command:
        case do.RemoteStart(connector=connector):
            if not 1 <= connector <= rules.connectors:
                return Refusal(f"there is no connector {connector}")
            if held := state.held(connector):
                return Refusal(f"connector {connector} is held by command {held.command_id}")
            if running := state.open_transaction(connector):
                return Refusal(f"connector {connector} is in transaction {running.transaction_id}")
            if state.slots_used() >= rules.slots:
                return Refusal(f"all {rules.slots} slots of the station are in use")
        case do.Unlock(connector=connector):
            if not 1 <= connector <= rules.connectors:
                return Refusal(f"there is no connector {connector}")
            if held := state.held(connector):
                return Refusal(f"connector {connector} is held by command {held.command_id}")
        case do.RemoteStop(transaction_id=transaction_id):
            running_ = state.transactions.get(transaction_id)
            if running_ is None or not running_.open:
                return Refusal(f"no transaction {transaction_id} is open here")
            for pending in state.commands.values():
                if pending.command == command and pending.phase.open:
                    return Refusal(f"command {pending.command_id} is already ending transaction {transaction_id}")
        case do.Reset():
            for pending in state.commands.values():
                if isinstance(pending.command, do.Reset) and pending.phase.open:
                    return Refusal(f"command {pending.command_id} is already resetting the station")
        case do.ChangeAvailability(connector=connector) if not 0 <= connector <= rules.connectors:
            return Refusal(f"there is no connector {connector}")
        case _:
            pass
    return ACCEPT


PROBE = "probe:"
"""Prefix of the request id under which the CSMS itself asks a station for evidence about a command."""


def probe_request(command_id: str, number: int) -> str:
    """Name the `number`th probe for evidence about `command_id`."""
    return f"{PROBE}{command_id}:{number}"


def probed_command(request_id: str) -> str | None:
    """Return the command a probe asks about, or None when `request_id` is an operator's."""
    return request_id[len(PROBE) :].rsplit(":", 1)[0] if request_id.startswith(PROBE) else None
