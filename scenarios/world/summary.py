"""A folded state as plain data, for judges to compare with their own reading of the same events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interlock.csms.domain.station import Station


def summary(state: Station) -> dict[str, Any]:
    """Return what decisions read of a state: presence, commands, holds, transactions, connectors."""
    return {
        "online": state.online,
        "epoch": state.epoch,
        "node": state.node,
        "protocol": state.protocol,
        "registration": state.registration,
        "online_at": _time(state.online_at),
        "commands": {
            one.command_id: {
                "phase": one.phase.value,
                "request_id": one.request_id,
                "holds": one.holds,
                "node": one.node,
                "epoch": one.epoch,
                "deadline": _time(one.deadline),
                "contradicted": list(one.contradicted),
                "transaction_id": one.transaction_id,
                "probed": one.probed,
            }
            for one in state.commands.values()
        },
        "transactions": {
            one.transaction_id: {
                "open": one.open,
                "evse": one.evse,
                "id_token": one.id_token,
                "meter_start_wh": one.meter_start_wh,
                "meter_stop_wh": one.meter_stop_wh,
                "ended": one.ended,
                "status": one.status,
                "started_at": _time(one.started_at),
                "stopped_at": _time(one.stopped_at),
                "connector": one.connector,
                "charging_state": one.charging_state,
                "seen": [list(span) for span in one.seen],
            }
            for one in state.transactions.values()
        },
        "connectors": {
            f"{evse}.{number}": [one.status, one.error_code, one.info]
            for (evse, number), one in state.connectors.items()
        },
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
