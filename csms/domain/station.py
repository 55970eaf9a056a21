"""The station: the boundary inside which decisions race. It sums the tables of the concerns, a file each.

Two kinds of change, and they must not be mixed up:

- an **intent** (`decide`) may be refused, and may be decided again when another append was first;
- a **fact** (`facts`) already happened: it is never refused; the fold accepts it in any state.

The fold is total on facts: whatever a station did is representable, a local start on a held EVSE included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain import (
    connectors,
    generic,
    inflight,
    presence,
    provisioning,
    remote_control,
    reservations,
    transactions,
)
from interlock.csms.domain.connectors import Connector, Place
from interlock.csms.domain.fast_init import fast_init
from interlock.csms.domain.inflight import Pending, Phase
from interlock.csms.domain.transactions import Transaction

__all__ = [
    "ACCEPT",
    "Accept",
    "Connector",
    "Known",
    "Pending",
    "Phase",
    "Refusal",
    "Rules",
    "Station",
    "Transaction",
    "decide",
    "evolve",
]


@dataclass(frozen=True, slots=True)
class Station:
    """The fold of one station's stream. Dicts are never changed in place."""

    online: bool = False
    epoch: int = 0
    node: str = ""
    protocol: str = ""
    online_at: datetime | None = None
    registration: str = "Unregistered"
    connectors: dict[Place, Connector] = field(default_factory=dict)
    commands: dict[str, Pending] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)

    def held(self, evse: int, connector: int | None = None) -> Pending | None:
        """Return the command that holds an EVSE, or one `connector` of it: a start holds all of them."""
        for pending in self.commands.values():
            if pending.holds and getattr(pending.command, "evse", None) == evse:
                place = getattr(pending.command, "connector", None)
                if None in (connector, place) or place == connector:
                    return pending
        return None

    def open_transaction(self, evse: int) -> Transaction | None:
        """Return the transaction open on `evse`."""
        for transaction in self.transactions.values():
            if transaction.open and transaction.evse == evse:
                return transaction
        return None

    def evses_used(self) -> set[int]:
        """Return the EVSEs with a start under way or an open transaction. One that has both is one slot."""
        used = {
            pending.command.evse
            for pending in self.commands.values()
            if isinstance(pending.command, do.RemoteStart) and pending.holds
        }
        used.update(transaction.evse for transaction in self.transactions.values() if transaction.open)
        return used

    def unfinished(self) -> Iterator[Pending]:
        """Iterate over the commands that are not finished."""
        return (pending for pending in self.commands.values() if not pending.finished)

    def changed(
        self,
        *,
        connectors: dict[Place, Connector] | None = None,
        commands: dict[str, Pending] | None = None,
        transactions: dict[str, Transaction] | None = None,
    ) -> Station:
        """Do what `dataclasses.replace` does at a third of the cost: nearly every event changes one of these."""
        return Station(
            self.online,
            self.epoch,
            self.node,
            self.protocol,
            self.online_at,
            self.registration,
            self.connectors if connectors is None else connectors,
            self.commands if commands is None else commands,
            self.transactions if transactions is None else transactions,
        )


for _state in (Station, Connector, Pending, Transaction):
    fast_init(_state)

_EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    **presence.EVOLVE,
    **provisioning.EVOLVE,
    **connectors.EVOLVE,
    **inflight.EVOLVE,
    **transactions.EVOLVE,
    **generic.EVOLVE,
}


def evolve(state: Station, event: Any) -> Station:
    """Apply one `StationEvent` to the state. Pure and total."""
    return _EVOLVE[type(event)](state, event)


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rules:
    """What is fixed for a station: number of EVSEs, how many may be in use at once (`slots`), connectors of each."""

    evses: int
    slots: int
    connectors_each: int = 1


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

_DECIDE: dict[type, Callable[[Any, Station, Rules], str | None]] = {
    **provisioning.DECIDE,
    **connectors.DECIDE,
    **remote_control.DECIDE,
    **reservations.DECIDE,
}


def decide(command: do.Command, request_id: str, state: Station, rules: Rules) -> Accept | Known | Refusal:
    """Decide whether `command` may be sent in `state`. Pure: a lost race costs another call, nothing else.

    A command without rules of its own may always be sent.
    """
    for pending in state.commands.values():
        if pending.request_id == request_id:
            return Known(pending.command_id)
    rule = _DECIDE.get(type(command))
    reason = None if rule is None else rule(command, state, rules)
    return ACCEPT if reason is None else Refusal(reason)
