"""Deeds of an operator beside requests: insist on one, end a doubt by hand, ask for a command's state."""

from __future__ import annotations

from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.store import NOT_DURABLE
from interlock.scenarios.steps.deeds import ask, deed, inside
from interlock.scenarios.steps.stage import Stage

NOBODYS = "c" + "0" * 30
"""The name of a command that was never asked for."""
PATIENCE_S = 10.0


async def _command_of(stage: Stage, station: int, request: str) -> str:
    """Return what a request became by the log, or a name that is nobody's."""
    state = await stage.folded(station)
    named = [one.command_id for one in state.commands.values() if one.request_id == request]
    return named[-1] if named else NOBODYS


@deed
@inside
async def insist(stage: Stage, command: do.Command, **how: Any) -> None:
    """Ask a node for a command, and insist where a rule refuses it; otherwise as `ask`."""
    await ask(stage, command, force=True, **how)


@deed
@inside
async def close_doubt(
    stage: Stage, request: str = "", statement: str = "it did not happen", station: int = 1, node: int = 1
) -> None:
    """An operator says what became of a command that nobody knows about.

    Where the store does not take it, they hear that it was not kept, and whether it is in the log is left open.
    """
    csms: Any = stage.desk(node).taking
    command_id = await _command_of(stage, station, request)
    about = {"station": stage.station_id(station), "command_id": command_id, "statement": statement}
    stage.history.observe("doubt.closing", **about)
    if csms is None:
        return

    async def closing() -> tuple[str | None] | None:
        try:
            return (await csms.close_doubt(stage.station_id(station), command_id, statement),)
        except NOT_DURABLE:
            return None

    said = await stage.desk(node).call(closing(), PATIENCE_S)
    if said is not None:
        stage.history.observe("doubt.closed", **about, against=said[0])


@deed
@inside
async def look_up(stage: Stage, request: str = "", station: int = 1, node: int = 1) -> None:
    """An operator asks where a command stands."""
    csms: Any = stage.desk(node).taking
    command_id = await _command_of(stage, station, request)
    about = {"station": stage.station_id(station), "command_id": command_id}
    stage.history.observe("phase.asked", **about)
    if csms is None:
        return

    async def looking() -> tuple[str | None]:
        return (await csms.phase(stage.station_id(station), command_id),)

    said = await stage.desk(node).call(looking(), PATIENCE_S)
    if said is not None:
        stage.history.observe("phase.told", **about, phase=said[0])
