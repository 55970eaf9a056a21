"""What operators, drivers and stations do on purpose. A deed is one function; its name is what a step says.

To add one, write a function here or anywhere that is imported, with `@deed`. Its docstring is what `explain` prints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from interlock.csms.domain import commands as do
from interlock.csms.node import Csms, Decision
from interlock.scenarios.spec import printable

if TYPE_CHECKING:
    from interlock.scenarios.world.world import World

Deed = Callable[..., Awaitable[None]]
DEEDS: dict[str, Deed] = {}
"""Every deed by name."""


def deed(function: Deed) -> Deed:
    """Make a function available to steps under its name."""
    DEEDS[function.__name__] = function
    return function


OPEN = ("requested", "doubt")


@deed
async def ask(
    world: World,
    command: do.Command,
    station: int = 1,
    node: int = 1,
    attempts: int = 1,
    patience_s: float = 10.0,
    outcome_s: float = 0.0,
    request: str | None = None,
) -> None:
    """Ask a node for a command, as an operator does.

    Without an answer within `patience_s`, or told it failed, the operator asks again under the same request id, up to
    `attempts` times. With `outcome_s` he also asks again when the command is still open after that long.
    """
    request_id = request or world.new_request()
    for attempt in range(1, attempts + 1):
        decision = await _ask_once(world, command, station, node, patience_s, request_id, attempt)
        if decision is None or decision.answer == "failed":
            continue
        if not outcome_s or decision.command_id is None:
            return
        phase = await world.phase_after(station, node, decision.command_id, outcome_s)
        if phase not in (*OPEN, None):
            return


async def _ask_once(
    world: World, command: do.Command, station: int, node: int, patience_s: float, request_id: str, attempt: int
) -> Decision | None:
    host = world.host(node)
    station_id = world.station_id(station)
    told = {"request_id": request_id, "attempt": attempt, "node": host.name, "station": station_id}
    kind = {"kind": type(command).__name__}
    words = {key: value for key, value in printable(command).items() if key != "type"}
    world.history.observe("request.asked", **told, command=kind | words)
    csms = host.taking
    if csms is None:
        world.history.observe(
            "request.answered", **told, answer="unreachable", command_id=None, reason="the node is down"
        )
        return Decision("failed")

    async def asking(csms: Csms) -> Decision:
        try:
            return await csms.operate(station_id, command, request_id)
        except Exception as error:
            # What an HTTP API would turn into a 500: the operator hears that it failed, not why.
            return Decision("failed", None, f"{type(error).__name__}: {error}")

    decision = await host.call(asking(csms), patience_s)
    if decision is not None:
        world.history.observe(
            "request.answered",
            **told,
            answer=decision.answer,
            command_id=decision.command_id,
            reason=decision.reason,
        )
    return decision


@deed
async def ask_stop(world: World, connector: int = 1, station: int = 1, node: int = 1, **how: Any) -> None:
    """Ask a node to end whatever transaction its log shows on a connector; nothing if there is none."""
    state = await world.folded(station)
    running = state.open_transaction(connector)
    if running is not None:
        await ask(world, do.RemoteStop(running.transaction_id), station=station, node=node, **how)


@deed
async def plug(world: World, connector: int = 1, station: int = 1) -> None:
    """A driver puts the cable in."""
    world.station(station).plug(connector)


@deed
async def unplug(world: World, connector: int = 1, station: int = 1) -> None:
    """A driver takes the cable out, if the lock lets go of it."""
    world.station(station).unplug(connector)


@deed
async def swipe(world: World, connector: int = 1, token: str = "TAG-DRIVER", station: int = 1) -> None:
    """A driver shows a card."""
    world.station(station).swipe(connector, token)


@deed
async def heartbeats(world: World, station: int = 1, count: int = 1, every_s: float = 1.0) -> None:
    """A station sends heartbeats now, beside its usual ones."""
    for _ in range(count):
        world.station(station).send_heartbeat_now()
        await asyncio.sleep(every_s)


@deed
async def statuses(world: World, connector: int = 1, station: int = 1, count: int = 1, every_s: float = 1.0) -> None:
    """A station reports a connector's status now."""
    for _ in range(count):
        world.station(station).send_status_now(connector)
        await asyncio.sleep(every_s)


@deed
async def meter_values(
    world: World, connector: int = 1, station: int = 1, count: int = 1, every_s: float = 1.0
) -> None:
    """A station sends meter values now."""
    for _ in range(count):
        world.station(station).send_meter_values_now(connector)
        await asyncio.sleep(every_s)


@deed
async def reconnect(world: World, station: int = 1) -> None:
    """A station opens a new connection while its old one still stands."""
    world.station(station).reconnect_now(keep_old=True)


@deed
async def silent_socket(world: World, station: int = 1, seconds: float = 20.0) -> None:
    """Somebody opens a socket in a station's name, says nothing, and closes it after `seconds`."""
    socket = world.network.open(world.station_id(station), proven=False)
    if socket is not None:
        await asyncio.sleep(seconds)
        socket.close("station", "said nothing")


@deed
async def unknown_stop(world: World, transaction_id: int, station: int = 1, meter_wh: int = 1) -> None:
    """A station stops a transaction that it never had from this CSMS: a number left from another one."""
    simulated = world.station(station)
    payload = f'{{"transactionId":{transaction_id},"meterStop":{meter_wh},"timestamp":"{simulated.time()}"}}'
    simulated.send_raw(f'[2,"unknown-stop-{transaction_id}","StopTransaction",{payload}]')


@deed
async def traffic(world: World, habit: str = "morning", share: float = 1.0) -> None:
    """Drivers come and go at every station, by a habit of the simulator's."""
    world.start_traffic(habit, share)
