"""What a station's state forgot and the log did not, put beside the state for one decision about a fact.

A state remembers so many finished commands and ended transactions (`bounds`). Where one that is not there is told
again, its events are looked up by their ids and folded here; what comes of it is for `facts`, and is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Pending, Station, Transaction, evolve

FORGOTTEN_TRANSACTION = "forgotten"
"""Stands for the transaction of a remote start that is forgotten: only one that is finished can be."""


def command(events: Iterable[Any], command_id: str) -> Pending | None:
    """Fold what the log says about one command, which its station's state forgot: so it is finished."""
    state = Station()
    for event in events:
        state = evolve(state, event)
    found = state.commands.get(command_id)
    if found is not None and found.awaits_transaction:
        return replace(found, transaction_id=FORGOTTEN_TRANSACTION)
    return found


def with_command(state: Station, forgotten: Pending | None) -> Station:
    """Return a state that knows a command besides, unless it does already."""
    if forgotten is None or forgotten.command_id in state.commands:
        return state
    return replace(state, commands={forgotten.command_id: forgotten, **state.commands})


def with_transactions(state: Station, events: Iterable[Any]) -> Station:
    """Return a state that knows the ended transactions these events tell of, unless it does already."""
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
