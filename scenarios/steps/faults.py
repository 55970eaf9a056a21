"""Faults: each is one function that undoes what it did, also when it is interrupted.

A world interrupts every fault when the first phase ends, so a fault undoes its effect in its own `finally`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from interlock.csms.labelled_points import POINTS
from interlock.scenarios.spec import Between, Drawable, OneOf
from interlock.scenarios.steps.stage import Stage
from interlock.simulator.network.rules import Cut, CutAfter, DelayAnswer, LoseAnswer

Fault = Callable[..., Awaitable[None]]
FAULTS: dict[str, Fault] = {}
"""Every fault by name."""
RANGES: dict[str, dict[str, Drawable]] = {}
"""What a search draws the parameters of each fault from; `station`, `connector` and `node` are drawn by their names."""


OUTSIDE: set[str] = set()
"""Faults that can also be done to a CSMS by its URL."""


def fault(*, outside: bool = False, **ranges: Drawable) -> Callable[[Fault], Fault]:
    """Make a function available to steps as a fault, under its name.

    A search draws its parameters from `ranges`; `outside` says that it can be done over real sockets as well.
    """

    def declare(function: Fault) -> Fault:
        if outside:
            OUTSIDE.add(function.__name__)
        FAULTS[function.__name__] = function
        RANGES[function.__name__] = ranges
        return function

    return declare


CALLS = OneOf(("UnlockConnector", "RemoteStartTransaction", "RemoteStopTransaction", "TriggerMessage"))
REPORTS = OneOf(("StartTransaction", "StopTransaction", "StatusNotification", "BootNotification", "MeterValues"))
SHORT, LONG = Between(1.0, 15.0), Between(5.0, 100.0)


IN_2_0_1 = {
    "RemoteStartTransaction": "RequestStartTransaction",
    "RemoteStopTransaction": "RequestStopTransaction",
    "StartTransaction": "TransactionEvent",
    "StopTransaction": "TransactionEvent",
}
"""What a 2.0.1 station calls the actions that scenarios name by their 1.6 names, where that differs."""


def _spoken(stage: Stage, station: int, action: str) -> str:
    """Return what an action is called on the line to a station."""
    return IN_2_0_1.get(action, action) if stage.station(station).spec.ocpp == "2.0.1" else action


# --- the network -----------------------------------------------------------------------------------------------------


@fault(outside=True, seconds=LONG)
async def cut(stage: Stage, station: int = 1, seconds: float = 10.0) -> None:
    """The line to a station breaks: its socket dies at both ends and no new one can be opened for `seconds`."""
    station_id = stage.station_id(station)
    with stage.unreachable(station_id):
        stage.cut(station_id, "line cut")
        await asyncio.sleep(seconds)


@fault(frames=OneOf(tuple(range(40))))
async def cut_after(stage: Stage, frames: int, station: int = 1, seconds: float = 1e9) -> None:
    """The line to a station breaks exactly at a frame: `frames` more pass, the next is lost and the socket with it."""
    with stage.rule(CutAfter(stage.station_id(station), frames)):
        await asyncio.sleep(seconds)


@fault(outside=True, seconds=LONG)
async def half_open(stage: Stage, station: int = 1, seconds: float = 30.0) -> None:
    """A station's socket goes dead without telling either end; after `seconds` it is reset."""
    with stage.half_open(stage.station_id(station), "line silent"):
        await asyncio.sleep(seconds)


@fault(action=CALLS, then_cut=OneOf((True, False)), seconds=LONG)
async def lose_answer(
    stage: Stage, action: str, station: int = 1, then_cut: bool = True, seconds: float = 60.0
) -> None:
    """The station does what it was told, and its answer to `action` never arrives."""
    with stage.rule(
        LoseAnswer(_spoken(stage, station, action), station_id=stage.station_id(station), then_cut=then_cut)
    ):
        await asyncio.sleep(seconds)


@fault(action=REPORTS, then_cut=OneOf((True, False)), seconds=LONG)
async def lose_reply(
    stage: Stage, action: str, station: int = 1, then_cut: bool = False, seconds: float = 60.0
) -> None:
    """The CSMS has recorded a station's `action`, and its answer never arrives: the station will send it again."""
    rule = LoseAnswer(
        _spoken(stage, station, action), station_id=stage.station_id(station), then_cut=then_cut, to_station=True
    )
    with stage.rule(rule):
        await asyncio.sleep(seconds)


@fault(action=CALLS, delay_s=LONG, seconds=LONG)
async def delay_answer(stage: Stage, action: str, delay_s: float, station: int = 1, seconds: float = 60.0) -> None:
    """The station's answer to `action` arrives `delay_s` late."""
    with stage.rule(DelayAnswer(_spoken(stage, station, action), delay_s, station_id=stage.station_id(station))):
        await asyncio.sleep(seconds)


@fault(seconds=LONG)
async def silence(stage: Stage, station: int = 1, seconds: float = 30.0) -> None:
    """Every frame between a station and the CSMS vanishes; the socket stays open."""
    with stage.rule(Cut(stage.station_id(station))):
        await asyncio.sleep(seconds)


# --- the nodes -------------------------------------------------------------------------------------------------------


@fault(down_s=SHORT)
async def crash(stage: Stage, node: int = 1, down_s: float = 5.0) -> None:
    """A node loses power, whatever it was doing, and comes back after `down_s`."""
    machine = stage.machine(node)
    machine.crash(None)
    try:
        await asyncio.sleep(down_s)
    finally:
        await machine.start()


@fault(point=OneOf(tuple(POINTS)), occurrence=OneOf((1, 1, 2, 3)), down_s=SHORT)
async def crash_at(
    stage: Stage, point: str, node: int = 1, occurrence: int = 1, down_s: float = 5.0, seconds: float = 1e9
) -> None:
    """A node loses power right at a labelled point, the `occurrence`th time it passes it from now on."""
    machine = stage.machine(node)
    machine.trap(point, occurrence)
    try:
        await asyncio.wait_for(machine.trapped.wait(), seconds)
        await asyncio.sleep(down_s)
    except TimeoutError:
        pass
    finally:
        machine.trap(None)
        if not machine.running:
            await machine.start()


@fault(point=OneOf(tuple(POINTS)), occurrence=OneOf((1, 1, 2, 3)), how=OneOf(("exception", "cancellation")))
async def break_off_at(
    stage: Stage, point: str, node: int = 1, occurrence: int = 1, how: str = "exception", seconds: float = 1e9
) -> None:
    """Whatever passes a labelled point for the `occurrence`th time from now breaks off there; the node runs on."""
    machine = stage.machine(node)
    machine.trap(point, occurrence, how)
    try:
        await asyncio.wait_for(machine.trapped.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        machine.trap(None)


@fault(down_s=SHORT)
async def restart(stage: Stage, node: int = 1, down_s: float = 2.0) -> None:
    """A node is stopped cleanly and started again after `down_s`."""
    machine = stage.machine(node)
    await machine.stop()
    try:
        await asyncio.sleep(down_s)
    finally:
        await machine.start()


@fault(down_s=SHORT)
async def upgrade(stage: Stage, node: int = 1, down_s: float = 2.0) -> None:
    """A node is stopped cleanly and started again with the snapshots of an older version, which mean something else."""
    machine = stage.machine(node)
    await machine.stop()
    try:
        await machine.age_snapshots()
        await asyncio.sleep(down_s)
    finally:
        await machine.start()


@fault(lost_ack=Between(0.05, 0.5), seconds=LONG)
async def lossy_store(stage: Stage, node: int = 1, lost_ack: float = 0.2, seconds: float = 1e9) -> None:
    """The store's acknowledgements to a node get lost, each with probability `lost_ack`."""
    machine = stage.machine(node)
    before = machine.storage
    machine.set_storage(lost_ack=lost_ack)
    try:
        await asyncio.sleep(seconds)
    finally:
        machine.set_storage(lost_ack=before.lost_ack)


@fault(seconds=SHORT)
async def full_disk(stage: Stage, node: int = 1, seconds: float = 20.0) -> None:
    """The store takes nothing more from a node for `seconds`."""
    machine = stage.machine(node)
    machine.set_full(True)
    try:
        await asyncio.sleep(seconds)
    finally:
        machine.set_full(False)


# --- the station -----------------------------------------------------------------------------------------------------


@fault(outside=True, depth_v=Between(10.0, 200.0), ramp_s=SHORT, hold_s=SHORT)
async def sag(stage: Stage, depth_v: float, station: int = 1, ramp_s: float = 1.0, hold_s: float = 5.0) -> None:
    """The supply voltage of a station ramps down by `depth_v`, holds and recovers."""
    stage.station(station).power.sag(depth_v, ramp_s, hold_s)
    await asyncio.sleep(2 * ramp_s + hold_s)


@fault(outside=True, seconds=SHORT)
async def power_cut(stage: Stage, station: int = 1, seconds: float = 20.0) -> None:
    """A station loses its supply for `seconds`."""
    stage.station(station).power.power_cut(seconds)
    await asyncio.sleep(seconds)


@fault(outside=True, error_code=OneOf(("UnderVoltage", "GroundFailure", "ConnectorLockFailure")), seconds=LONG)
async def broken(stage: Stage, error_code: str, connector: int = 1, station: int = 1, seconds: float = 30.0) -> None:
    """A connector reports `error_code` and is out of order for `seconds`."""
    stage.station(station).fail(connector, error_code)
    try:
        await asyncio.sleep(seconds)
    finally:
        stage.station(station).clear(connector)
