"""What breaks, and mends itself: each fault is one function that undoes what it did, also when it is interrupted.

A world interrupts every fault when the first phase ends, so a fault needs no plan for being healed beyond its own
`finally`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from interlock.csms.labelled_points import POINTS
from interlock.scenarios.spec import Between, Drawable, OneOf
from interlock.simulator.network import Cut, CutAfter, DelayAnswer, LoseAnswer

if TYPE_CHECKING:
    from interlock.scenarios.world.world import World

Fault = Callable[..., Awaitable[None]]
FAULTS: dict[str, Fault] = {}
"""Every fault by name."""
RANGES: dict[str, dict[str, Drawable]] = {}
"""What a search draws the parameters of each fault from; `station`, `connector` and `node` are drawn by their names."""


def fault(**ranges: Drawable) -> Callable[[Fault], Fault]:
    """Make a function available to steps as a fault, under its name; a search draws its parameters from `ranges`."""

    def declare(function: Fault) -> Fault:
        FAULTS[function.__name__] = function
        RANGES[function.__name__] = ranges
        return function

    return declare


CALLS = OneOf(("UnlockConnector", "RemoteStartTransaction", "RemoteStopTransaction", "TriggerMessage"))
REPORTS = OneOf(("StartTransaction", "StopTransaction", "StatusNotification", "BootNotification", "MeterValues"))
SHORT, LONG = Between(1.0, 15.0), Between(5.0, 100.0)


async def _until_healed() -> None:
    await asyncio.get_running_loop().create_future()


# --- the network -----------------------------------------------------------------------------------------------------


@fault(seconds=LONG)
async def cut(world: World, station: int = 1, seconds: float = 10.0) -> None:
    """The line to a station breaks: its socket dies at both ends and no new one can be opened for `seconds`."""
    station_id = world.station_id(station)
    with world.unreachable(station_id):
        world.cut(station_id, "line cut")
        await asyncio.sleep(seconds)


@fault(frames=OneOf(tuple(range(40))))
async def cut_after(world: World, frames: int, station: int = 1, seconds: float = 1e9) -> None:
    """The line to a station breaks exactly at a frame: `frames` more pass, the next is lost and the socket with it."""
    with world.network.rule(CutAfter(world.station_id(station), frames)):
        await asyncio.sleep(seconds)


@fault(seconds=LONG)
async def half_open(world: World, station: int = 1, seconds: float = 30.0) -> None:
    """A station's socket goes dead without telling either end; after `seconds` it is reset."""
    with world.half_open(world.station_id(station), "line silent"):
        await asyncio.sleep(seconds)


@fault(action=CALLS, then_cut=OneOf((True, False)), seconds=LONG)
async def lose_answer(
    world: World, action: str, station: int = 1, then_cut: bool = True, seconds: float = 60.0
) -> None:
    """The station does what it was told, and its answer to `action` never arrives."""
    with world.network.rule(LoseAnswer(action, station_id=world.station_id(station), then_cut=then_cut)):
        await asyncio.sleep(seconds)


@fault(action=REPORTS, then_cut=OneOf((True, False)), seconds=LONG)
async def lose_reply(
    world: World, action: str, station: int = 1, then_cut: bool = False, seconds: float = 60.0
) -> None:
    """The CSMS has recorded a station's `action`, and its answer never arrives: the station will send it again."""
    rule = LoseAnswer(action, station_id=world.station_id(station), then_cut=then_cut, to_station=True)
    with world.network.rule(rule):
        await asyncio.sleep(seconds)


@fault(action=CALLS, delay_s=LONG, seconds=LONG)
async def delay_answer(world: World, action: str, delay_s: float, station: int = 1, seconds: float = 60.0) -> None:
    """The station's answer to `action` arrives `delay_s` late."""
    with world.network.rule(DelayAnswer(action, delay_s, station_id=world.station_id(station))):
        await asyncio.sleep(seconds)


@fault(seconds=LONG)
async def silence(world: World, station: int = 1, seconds: float = 30.0) -> None:
    """Every frame between a station and the CSMS vanishes; the socket stays open."""
    with world.network.rule(Cut(world.station_id(station))):
        await asyncio.sleep(seconds)


# --- the nodes -------------------------------------------------------------------------------------------------------


@fault(down_s=SHORT)
async def crash(world: World, node: int = 1, down_s: float = 5.0) -> None:
    """A node loses power, whatever it was doing, and comes back after `down_s`."""
    host = world.host(node)
    host.crash(None)
    try:
        await asyncio.sleep(down_s)
    finally:
        await host.start()


@fault(point=OneOf(tuple(POINTS)), occurrence=OneOf((1, 1, 2, 3)), down_s=SHORT)
async def crash_at(
    world: World, point: str, node: int = 1, occurrence: int = 1, down_s: float = 5.0, seconds: float = 1e9
) -> None:
    """A node loses power right at a labelled point, the `occurrence`th time it passes it from now on."""
    host = world.host(node)
    host.trap(point, occurrence)
    try:
        await asyncio.wait_for(host.trapped.wait(), seconds)
        await asyncio.sleep(down_s)
    except TimeoutError:
        pass
    finally:
        host.trap(None)
        if host.csms is None:
            await host.start()


@fault(point=OneOf(tuple(POINTS)), occurrence=OneOf((1, 1, 2, 3)), how=OneOf(("exception", "cancellation")))
async def break_off_at(
    world: World, point: str, node: int = 1, occurrence: int = 1, how: str = "exception", seconds: float = 1e9
) -> None:
    """Whatever passes a labelled point for the `occurrence`th time from now breaks off there; the node runs on."""
    host = world.host(node)
    host.trap(point, occurrence, how)
    try:
        await asyncio.wait_for(host.trapped.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        host.trap(None)


@fault(down_s=SHORT)
async def restart(world: World, node: int = 1, down_s: float = 2.0) -> None:
    """A node is stopped cleanly and started again after `down_s`."""
    host = world.host(node)
    await host.stop()
    try:
        await asyncio.sleep(down_s)
    finally:
        await host.start()


@fault(lost_ack=Between(0.05, 0.5), seconds=LONG)
async def lossy_store(world: World, node: int = 1, lost_ack: float = 0.2, seconds: float = 1e9) -> None:
    """The store's acknowledgements to a node get lost, each with probability `lost_ack`."""
    host = world.host(node)
    before = host.storage
    host.set_storage(lost_ack=lost_ack)
    try:
        await asyncio.sleep(seconds)
    finally:
        host.set_storage(lost_ack=before.lost_ack)


@fault(seconds=SHORT)
async def full_disk(world: World, node: int = 1, seconds: float = 20.0) -> None:
    """The store takes nothing more from a node for `seconds`."""
    host = world.host(node)
    host.set_full(True)
    try:
        await asyncio.sleep(seconds)
    finally:
        host.set_full(False)


# --- the station -----------------------------------------------------------------------------------------------------


@fault(depth_v=Between(10.0, 200.0), ramp_s=SHORT, hold_s=SHORT)
async def sag(world: World, depth_v: float, station: int = 1, ramp_s: float = 1.0, hold_s: float = 5.0) -> None:
    """The supply voltage of a station ramps down by `depth_v`, holds and recovers."""
    world.station(station).power.sag(depth_v, ramp_s, hold_s)
    await asyncio.sleep(2 * ramp_s + hold_s)


@fault(seconds=SHORT)
async def power_cut(world: World, station: int = 1, seconds: float = 20.0) -> None:
    """A station loses its supply for `seconds`."""
    world.station(station).power.power_cut(seconds)
    await asyncio.sleep(seconds)


@fault(error_code=OneOf(("UnderVoltage", "GroundFailure", "ConnectorLockFailure")), seconds=LONG)
async def broken(world: World, error_code: str, connector: int = 1, station: int = 1, seconds: float = 30.0) -> None:
    """A connector reports `error_code` and is out of order for `seconds`."""
    world.station(station).fail(connector, error_code)
    try:
        await asyncio.sleep(seconds)
    finally:
        world.station(station).clear(connector)
