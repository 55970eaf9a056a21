"""The CSMS is killed and restarted, if the control file says how: reports and requests from before must be known.

Stations with a running session, with a session that is over and with a command that is open lose their connection,
come back, and send what a station sends then. It is judged by the existing checks: a repeated start has its number
(W15), new ones have others (W07), repeated requests are known (R23), the records are what was reported (R24, R26).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_orders import MAKERS, Place, ask, settle
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session, mixed
from interlock.scenarios.targets.target import TargetGone

SESSIONS, SILENT = 3, 1
"""Stations with a running session, and which of them does not tell its start again: it had its answer."""
BACK_S = 60.0
DOWN_S = 10.0
"""How long it may take until connections end with the process that had them."""
SEEN_S = 4.0
"""How long what was sent again by mistake is waited for."""
SLOW_S = 3600.0
ORDERS = ("Relay", "ChangeAvailability", "Unlock", "Reset")
"""Commands of which one is open when the CSMS goes down, and one is over."""


@dataclass(slots=True)
class _Told:
    """A station's start, as it was told and answered."""

    line: Line
    card: str
    start: dict[str, Any]
    number: int


async def restart(session: Session) -> None:
    """Do it, where it can be done. It comes last: everything else has ended."""
    target = session.target
    if target is None or not getattr(target, "restarts", False):
        return
    told = [one for number in range(SESSIONS) if (one := await _begin(session, number)) is not None]
    commands = await _commands(session)
    asleep = [one.line for one in told] + [place.line for place, *_ in commands]
    try:
        await target.restart()  # type: ignore[attr-defined]
    except TargetGone as error:
        session.observe("control.failed", station="", why=str(error))
        return
    if not await _went_down(session, asleep):
        session.observe("control.failed", station="", why=f"[restart] ended no connection within {DOWN_S:g} s")
        return
    session.deed("restart", "the CSMS was restarted")
    back = await asyncio.gather(*(_back(session, line) for line in asleep))
    if not all(back):
        return
    await asyncio.gather(*(_tell_again(session, one, number != SILENT) for number, one in enumerate(told)))
    for place, command, request, id in commands:
        try:
            await ask(session, place, command, request, 2)
            await asyncio.sleep(SEEN_S / len(commands))
            await settle(session, place, command, request, id, SEEN_S)
        except TargetGone as error:
            session.observe("control.failed", station=place.line.station, why=str(error))
    for line in asleep:
        line.close()


async def _went_down(session: Session, lines: list[Line]) -> bool:
    """Wait until a connection has ended; return whether one did. Otherwise it is the same process as before."""
    until = session.clock() + DOWN_S
    while all(line.up for line in lines):
        if session.clock() > until:
            return False
        await asyncio.sleep(0.1)
    return True


async def _begin(session: Session, number: int) -> _Told | None:
    """Begin a session at a station of its own."""
    line = session.line(f"K{number}", mixed(session.rng(f"restart {number}")))
    if not (session.cards.fresh or session.cards.accepted) or not await session.arrive(line):
        return None
    card = session.cards.another() if session.cards.plenty else session.cards.accepted[0]
    start = start_of(line, card, 1, 5000 + number)
    reply = await session.call(line, "StartTransaction", start)
    given = reply.field("transactionId")
    return _Told(line, card, start, given) if reply.word == "Accepted" and type(given) is int else None


async def _commands(session: Session) -> list[tuple[Place, Any, str, str | None]]:
    """Ask for a command that is over and for one that is open, each at a station of its own."""
    found = []
    names = [name for name in ORDERS if session.target is not None and name in session.target.commands]
    for number, how in enumerate(("over", "open") if names else ()):
        line = session.line(f"KO{number}")
        place = Place(session, line)
        line.answers = place.answer
        line.answer_after_s = SLOW_S if how == "open" else 0.1
        if not await session.arrive(line):
            continue
        command = MAKERS[names[0]]("0", "", 1)
        request = f"{line.station}-{how}"
        id = (await ask(session, place, command, request)).command_id
        await place.hears(session.worded(command)[0], 0, BACK_S / 4)
        await asyncio.sleep(0.5)
        line.answer_after_s = 0.1
        found.append((place, command, request, id))
    return found


async def _back(session: Session, line: Line) -> bool:
    """Connect again and boot; a CSMS that was killed may take its time."""
    line.cut()
    until = session.clock() + BACK_S
    while not (await line.dial() and (await _speaks(session, line)) and (await session.boot(line)).word == "Accepted"):
        line.cut()
        if session.clock() > until:
            session.deed("recovery", "never let in again", line.station)
            return False
        await asyncio.sleep(0.5)
    session.deed("recovery", "connected again", line.station)
    return True


async def _speaks(session: Session, line: Line) -> bool:
    """Say something before a boot: it had been accepted, and only its connection was lost."""
    reply = await session.call(line, "Heartbeat", {})
    if line.up:
        session.step(line, "session", "behind a restart, without a boot", "heartbeat", reply.word)
    return line.up


async def _tell_again(session: Session, one: _Told, starts: bool) -> None:
    """Tell the start once more, as if its answer had got lost; begin another session, and stop both."""
    line = one.line
    if starts:
        again = await session.call(line, "StartTransaction", one.start)
        session.step(line, "restart", "told again", "start", again.word, card=one.card)
    stop = await session.call(line, "StopTransaction", stop_of(line, one.number, 5900, one.card))
    session.step(line, "restart", "begun before", "stop", stop.word, card=one.card)
    if not session.cards.plenty:
        return
    card = session.cards.another()
    reply = await session.call(line, "StartTransaction", start_of(line, card, 2, 6000))
    session.step(line, "restart", "begun behind", "start", reply.word, card=card)
    number = reply.field("transactionId")
    if type(number) is int:
        await session.call(line, "StopTransaction", stop_of(line, number, 6100, card))
