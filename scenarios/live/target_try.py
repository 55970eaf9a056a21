"""Each place of a control file tried once against the live system, with what was read there.

One station connects, tells its connectors and a session, and obeys; then every command that the file knows is asked for
and every record that it names is read.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.scenarios.live.race_orders import MAKERS, Place
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Cards, Session
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.target import Target, TargetGone
from interlock.simulator.network.wall_clock import WallClock

LEAVES_S = 8.0
SETTLES_S = 5.0
SHOWN = 160


@dataclass(frozen=True, slots=True)
class Tried:
    """One place, whether it works, and what was read or why it does not."""

    place: str
    works: bool
    found: str


async def try_all(
    reach: Reach, target: Target, station: str, began: datetime, card: str | None = None
) -> AsyncIterator[Tried]:
    """Try everything; `card` is one that it accepts, none: any will do. Raises `Refused` where nobody is let in."""
    loop = asyncio.get_running_loop()
    clock = WallClock(loop)

    def nothing(*_: Any, **__: Any) -> None:
        """Record nothing."""

    network = reach.network(loop, nothing, nothing)
    cards = Cards({card: "Accepted"} if card else {}, random.Random(0))
    session = Session(network, lambda: clock.now, began, nothing, 0, "", cards, 3600.0, target, target.ocpp)
    try:
        line = session.line(station)
        place = Place(session, line)
        line.answers = place.answer
        if not await session.arrive(line):
            why = network.last_refusal or f"{reach.address.place} does not accept the station {station}"
            raise Refused(f"{why}; --station names one that it knows", UNTOLD)
        for connector in (1, 2):
            told = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
            await session.call(line, "StatusNotification", told)
        yield await _check(target)
        async for one in _session(session, place, card or "INTERLOCK-TRY"):
            yield one
        line.close()
    finally:
        clock.stop()
        await network.close("all was tried")


async def _check(target: Target) -> Tried:
    return await _reads("[check]", target.check)


async def _reads(place: str, read: Callable[[], Awaitable[Any]]) -> Tried:
    """Read something; what comes back empty is told, and does not work."""
    try:
        found = await read()
    except TargetGone as error:
        return Tried(place, False, str(error))
    if place == "[check]":
        return Tried(place, True, "lets us in")
    return Tried(place, bool(found), str(found)[:SHOWN] if found else "nothing was found")


async def _session(session: Session, place: Place, card: str) -> AsyncIterator[Tried]:
    """Try commands beside a running session, and then what is on record of it."""
    target, line = session.target, place.line
    assert target is not None
    reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 100))
    number = reply.field("transactionId")
    for name, make in MAKERS.items():
        if name in target.commands:
            if name == "RemoteStop" and type(number) is not int:
                yield Tried("[commands.RemoteStop]", False, f"not tried: a start was answered {reply.word}")
                continue
            yield await _command(
                session, place, name, make(session.transaction(number if type(number) is int else 0), card, 2)
            )
    if type(number) is int:
        await session.call(line, "StopTransaction", stop_of(line, number, 250, card))
    if {"connectors", "online"} & target.tells:
        where = "[connectors]" if "connectors" in target.tells else "[online]"
        yield await _reads(where, lambda: target.connectors(line.station))
    if "transactions" in target.tells:
        yield await _reads("[transactions]", lambda: target.events(line.station))


async def _command(session: Session, place: Place, name: str, command: Any) -> Tried:
    where, action = f"[commands.{name}]", session.worded(command)[0]
    target, before = session.target, place.count(action)
    assert target is not None
    try:
        decision = await target.operate(place.line.station, command, f"{place.line.station}-{name}")
        if decision.answer not in ("accepted", "known"):
            return Tried(where, False, f"{decision.answer}: {decision.reason or 'no reason given'}")
        if not await place.hears(action, before, LEAVES_S):
            return Tried(where, False, f"{decision.answer}, and no {action} came to the station in {LEAVES_S:g} s")
        state = await _state(session, decision.command_id)
    except TargetGone as error:
        return Tried(where, False, str(error))
    told = f"{action} came, id {decision.command_id}"
    if "outcomes" not in target.tells:
        return Tried(where, True, told)
    return Tried(where, state is not None, f"{told}, on record as {state or 'nothing'}")


async def _state(session: Session, id: str | None) -> str | None:
    """Return where a command stands once it stands still."""
    assert session.target is not None
    until = session.clock() + SETTLES_S
    state = None
    while id is not None and "outcomes" in session.target.tells and session.clock() < until:
        state = await session.target.phase(id)
        if state not in ("requested", "in-doubt", None):
            break
        await asyncio.sleep(0.2)
    return state
