"""The overview of stations on the live page, read from the states this node holds.

A state may be behind the log for a moment. A client that follows `/api/events` from the returned `position`, and asks
again for the stations in those events, ends with the state of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.domain.inflight import Pending, Phase, probed_command
from interlock.csms.domain.station import Station

AT_ONCE = 100
"""Stations that may be named in one request."""
DOUBTFUL = (Phase.IN_DOUBT, Phase.UNKNOWN)


def glance(name: str, state: Station) -> dict[str, Any]:
    """Return a summary of one station; `doubt` counts the commands whose outcome is unknown."""
    commands = state.commands.values()
    return {
        "id": name,
        "online": state.online,
        "protocol": state.protocol,
        "registration": state.registration,
        "connectors": [[evse, number, found.status] for (evse, number), found in sorted(state.connectors.items())],
        "faulted": any(one.status == "Faulted" for one in state.connectors.values()),
        "charging": sum(1 for one in state.transactions.values() if one.open),
        "open": sum(1 for one in commands if one.phase is Phase.REQUESTED),
        "doubt": sum(1 for one in commands if one.phase in DOUBTFUL),
    }


def commands(state: Station) -> Iterator[dict[str, Any]]:
    """Yield the commands a state remembers, the newest first."""
    for one in reversed(list(state.commands.values())):
        yield {
            "id": one.command_id,
            "request_id": one.request_id,
            "command": type(one.command).__name__,
            "place": place(one),
            "action": one.command.action if isinstance(one.command, do.Relay) else None,
            "state": one.phase.value,
            "open": not one.finished,
            "doubtful": one.phase in DOUBTFUL,
            "probe_of": probed_command(one.request_id),
            "deadline": one.deadline,
            "settled_at": one.settled_at,
            "transaction": one.transaction_id,
            "contradicted": list(one.contradicted),
        }


def place(pending: Pending) -> list[int] | None:
    """Return the EVSE and connector a command is about, as far as it names them."""
    found = [getattr(pending.command, name, None) for name in ("evse", "connector")]
    return [one for one in found if isinstance(one, int)] or None
