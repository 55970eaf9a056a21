"""What a folded state says, as plain data: so that a judge can compare it with its own reading of the same events."""

from __future__ import annotations

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
        "commands": {
            one.command_id: {"phase": one.phase.value, "request_id": one.request_id, "holds": one.holds}
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
            }
            for one in state.transactions.values()
        },
        "connectors": {
            f"{evse}.{number}": [one.status, one.error_code, one.info]
            for (evse, number), one in state.connectors.items()
        },
    }
