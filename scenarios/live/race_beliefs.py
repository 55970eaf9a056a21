"""What the CSMS tells of a station is what the station said last: status by status, over a reconnect, and when away.

One station goes through the statuses of a session and of a fault, and each is read once it was answered. Then its line
is lost and it comes back without telling any status: no CSMS can know another one than before. At last it leaves, and
a CSMS that cannot reach it for a command does not tell that it is connected.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.line_201 import AsIs
from interlock.scenarios.live.race_orders import BELIEVED_S, MAKERS, TRIED, Place, ask
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.race_stories import come_back
from interlock.scenarios.targets.target import Misfit, Target, TargetGone

AWAY_S = 5.0
"""How long a station has been away when a CSMS is asked for a command to it."""
FAULT = {"status": "Faulted", "errorCode": "GroundFailure", "info": "a fault"}
SEQUENCE: tuple[dict[str, Any], ...] = (
    *({"status": word} for word in ("Available", "Preparing", "Reserved", "Available")),
    *(FAULT, {"status": "Available"}, {"status": "Unavailable"}, {"status": "Available"}),
    {"status": "Preparing", "errorCode": "WeakSignal", "info": "an error that is no fault"},
)
"""Statuses of connector 1; connector 2 is always one ahead."""
NOT_LISTED = "not listed"
"""Read of a connector that was told of, and is not there beside others that are."""
SESSION = ("Charging", "SuspendedEV", "SuspendedEVSE", "Charging")
QUIET_S, LONG_S = 25.0, 60.0
"""How long a station says nothing, where the interval it was told is at least so long."""


PLACES = {(1, 1): "Available", (1, 2): "Occupied", (2, 1): "Unavailable", (2, 2): "Faulted"}
"""Statuses by EVSE and connector, none twice."""


async def beliefs(session: Session) -> None:
    """Go through all of it, where the CSMS tells of connectors or of presence."""
    target = session.target
    if target is None or not {"connectors", "online"} & set(target.tells):
        return
    await asyncio.gather(_one_station(session, target), _places(session, target))


async def _places(session: Session, target: Target) -> None:
    """Tell statuses of two connectors at each of two EVSEs, where the CSMS tells EVSEs and connectors apart."""
    if session.ocpp == "1.6" or not getattr(target, "places", False):
        return
    line = session.line("PLACES")
    if not await session.arrive(line):
        return
    at = line.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for (evse, connector), word in PLACES.items():
        told = {"timestamp": at, "connectorStatus": word, "evseId": evse, "connectorId": connector}
        await session.call(line, "StatusNotification", AsIs(told))
    with contextlib.suppress(TargetGone):
        until, right = session.clock() + BELIEVED_S, False
        while not right and session.clock() < until:
            await asyncio.sleep(0.3)
            found = {
                (one.get("evse"), one.get("connector")): one for one in await target.connectors(line.station) or []
            }
            right = all(found[place].get("status") == word for place, word in PLACES.items() if place in found)
        for place, word in PLACES.items():
            if {(place[0], 1), (place[0], 2)} <= found.keys():  # one alone may be what its EVSE comes to
                about = {"how": "told", "told": word, "status": found[place].get("status"), "online": None}
                name = f"{place[1]} of EVSE {place[0]}"
                session.observe("believed", station=line.station, connector=name, **about)
    line.close()


async def _one_station(session: Session, target: Target) -> None:
    line = session.line("BELIEF")
    if not await session.arrive(line):
        return
    try:
        for number, one in enumerate(SEQUENCE):
            await _say(session, line, 1, one)
            await _say(session, line, 2, SEQUENCE[(number + 1) % len(SEQUENCE)])
            await _read(session, line, {1: one["status"], 2: SEQUENCE[(number + 1) % len(SEQUENCE)]["status"]})
        if session.ocpp == "1.6":
            await _say(session, line, 0, {"status": "Available"})  # the station is: that says nothing of its connectors
            await _read(session, line, {1: SEQUENCE[-1]["status"], 2: SEQUENCE[0]["status"]})
        await _charge(session, line)
        await _come_and_go(session, line)
    except TargetGone as error:
        session.observe("control.failed", station=line.station, why=str(error))
    line.close()


async def quiet(session: Session) -> None:
    """Say nothing for a while that is short beside the interval for heartbeats: the station is connected as before."""
    target = session.target
    if target is None or not {"connectors", "online"} & set(target.tells):
        return
    line = session.line("QUIET")
    if not await session.enter(line):
        return
    reply = await session.boot(line)
    interval = reply.field("interval")
    if reply.word != "Accepted" or type(interval) is not int or interval < LONG_S:
        return
    await _say(session, line, 1, {"status": "Available"})
    await asyncio.sleep(QUIET_S)
    try:
        await _read(session, line, {})
    except TargetGone as error:
        session.observe("control.failed", station=line.station, why=str(error))
    line.close()


async def _say(session: Session, line: Line, connector: int, one: dict[str, Any]) -> None:
    await session.call(line, "StatusNotification", {"connectorId": connector, "errorCode": "NoError", **one})


async def _charge(session: Session, line: Line) -> None:
    card, alone = session.cards.one(0)
    async with alone:
        await _say(session, line, 1, {"status": "Preparing"})
        reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 8000))
        number = reply.field("transactionId")
        if reply.word != "Accepted" or type(number) is not int:
            return
        for word in SESSION:
            await _say(session, line, 1, {"status": word})
            await _read(session, line, {1: word})
        await session.call(line, "StopTransaction", stop_of(line, number, 8100, card))
    for word in ("Finishing", "Available"):
        await _say(session, line, 1, {"status": word})
        await _read(session, line, {1: word})


async def _come_and_go(session: Session, line: Line) -> None:
    told = {1: "Preparing", 2: "Unavailable"}
    for connector, word in told.items():
        await _say(session, line, connector, {"status": word})
    await _read(session, line, told)
    line.cut()
    await asyncio.sleep(0.5)
    if not await come_back(session, line):
        return
    await session.call(line, "Heartbeat", {})
    await _read(session, line, told, how="again")
    line.close()
    await asyncio.sleep(AWAY_S)
    target = session.target
    assert target is not None
    names = [name for name in TRIED if name in target.commands]
    if names:
        asked = await ask(session, Place(session, line), MAKERS[names[0]]("0", "X-AWAY", 1), f"{line.station}-away")
        if asked.answer == "unreachable":
            session.deed("beliefs", "a station that is away cannot be reached", line.station)
            with contextlib.suppress(Misfit):  # it may say nothing of a station that is away
                await _read(session, line, {}, how="away")


async def _read(session: Session, line: Line, told: dict[int, str], how: str = "told") -> None:
    """Read what is believed, once it is what was told or has had its time to become so."""
    target = session.target
    assert target is not None
    told = {connector: session.status(word) for connector, word in told.items()}
    until = session.clock() + BELIEVED_S
    while True:
        found = await target.connectors(line.station) or []
        right = all(told.get(one.get("evse", 0)) in (None, one.get("status")) for one in found)
        missing = sorted({*told} - {one.get("evse") for one in found}) if "connectors" in target.tells and found else []
        present = all(one.get("online") in (None, line.up) for one in found)
        if (right and present and not missing) or session.clock() > until:
            break
        await asyncio.sleep(0.3)
    for one in found:
        about = {"connector": one.get("evse"), "status": one.get("status"), "online": one.get("online")}
        session.observe("believed", station=line.station, how=how, told=told.get(one.get("evse", 0)), **about)
    for connector in missing:
        about = {"connector": connector, "status": NOT_LISTED, "online": None}
        session.observe("believed", station=line.station, how=how, told=told[connector], **about)
