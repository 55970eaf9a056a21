"""Reservations: an EVSE is kept for a token until a time.

The station enforces it, and knows when it ended and which group a token belongs to. What races in the CSMS is the
request: until it is answered, a start for another token may or may not be accepted, so the two exclude each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.inflight import Hold

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.station import Rules, Station

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep `evse` (0: any) for `id_token` as reservation `reservation_id`, which replaces an earlier one of that id.

    `details` is the rest of the request (expiry, group, type of the token) in the words of the station's version.
    """

    evse: int
    id_token: str
    reservation_id: int
    details: dict[str, Any] | None = None

    @property
    def hold(self) -> Hold | None:
        """A reservation of any EVSE holds none in particular: the station chooses."""
        return Hold.WHILE_OPEN if self.evse else None


Command = Reserve

# --- decide ----------------------------------------------------------------------------------------------------------


def _against_reserve(command: Reserve, state: Station, rules: Rules) -> str | None:
    evse = command.evse
    if not 0 <= evse <= rules.evses:
        return f"there is no EVSE {evse}"
    if evse == 0:
        return None
    if held := state.held(evse):
        return f"EVSE {evse} is held by command {held.command_id}"
    running = state.open_transaction(evse)
    return f"EVSE {evse} is in transaction {running.transaction_id}" if running is not None else None


DECIDE: dict[type, Callable[[Any, Station, Rules], str | None]] = {Reserve: _against_reserve}
