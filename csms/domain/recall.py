"""Commands and transactions that a state has dropped, restored from the log for one decision about a fact.

A state keeps a bounded number of finished commands and ended transactions (`bounds`). When a report concerns one that
was dropped, its events are read from the log by their ids and folded here, for that report only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Pending, Station, Transaction, evolve

FORGOTTEN_TRANSACTION = "forgotten"
"""In place of the transaction of a remote start that was dropped: only finished ones are."""


def command(events: Iterable[Any], command_id: str) -> Pending | None:
    """Fold the events of one command that its station's state has dropped, so it is finished."""
    state = Station()
    for event in events:
        state = evolve(state, event)
    found = state.commands.get(command_id)
    if found is not None and found.awaits_transaction:
        return replace(found, transaction_id=FORGOTTEN_TRANSACTION)
    return found


def with_command(state: Station, forgotten: Pending | None) -> Station:
    """Return the state with this command added, unless it is there."""
    if forgotten is None or forgotten.command_id in state.commands:
        return state
    return replace(state, commands={forgotten.command_id: forgotten, **state.commands})


def with_transactions(state: Station, events: Iterable[Any]) -> Station:
    """Return the state with the ended transactions of these events added, unless they are there."""
    found: dict[Any, Transaction] = {}
    for event in events:
        match event:
            case ev.TransactionStarted(transaction_id=known) if known not in state.transactions:
                about = event.evse, event.id_token, event.meter_start_wh, event.started_at, event.status
                found[known] = Transaction(known, *about, open=False, connector=event.connector)
            case ev.TransactionStopped(transaction_id=known) if known not in state.transactions:
                before = found.get(known) or Transaction(known, event.evse, "", 0, None, "Accepted", open=False)
                found[known] = replace(before, meter_stop_wh=event.meter_stop_wh, stopped_at=event.stopped_at)
            case _:
                pass
    return replace(state, transactions={**found, **state.transactions}) if found else state
