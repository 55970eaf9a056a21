"""A start was requested, its answer was lost, and then a transaction begins there: with its remoteStartId, or without.

The remoteStartId alone joins a request and a transaction in OCPP 2.0.1 (F01.FR.25): a driver with a card of their own
may begin one at the same EVSE in the same seconds. What the CSMS then has on record is judged by R30.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.live.line_201 import AsIs
from interlock.scenarios.live.race_events_201 import Telling, made
from interlock.scenarios.live.race_orders import LEAVES_S, Place, ask
from interlock.scenarios.live.race_session import Session, uuids
from interlock.scenarios.live.race_stories import come_back
from interlock.scenarios.live.race_variety import say
from interlock.scenarios.targets.target import TargetGone

OURS, DRIVERS = "the requested one", "a driver's own"
SEEN_S = 8.0
"""How long a CSMS may take until it has on record what it makes of the transaction."""
NEVER_S = 3600.0
OPEN = ("requested", "in-doubt", None)


async def evidence(session: Session) -> None:
    """Let both happen, at a station each, where the CSMS tells what became of a start."""
    target = session.target
    if target is None or "RemoteStart" not in target.commands or "outcomes" not in target.tells:
        return
    if session.cards.plenty:
        await asyncio.gather(*(_one(session, how, n) for n, how in enumerate((OURS, DRIVERS))))


async def _one(session: Session, how: str, number: int) -> None:
    line = session.line(f"JOIN{number}")
    place = Place(session, line)
    line.answers, line.answer_after_s = place.answer, NEVER_S
    if not await session.arrive(line):
        return
    try:
        asked = await ask(session, place, do.RemoteStart(1, session.cards.another()), f"{line.station}-start")
        if asked.command_id is None or not await place.hears("RequestStartTransaction", 0, LEAVES_S):
            return
        line.cut()
        if not await come_back(session, line):
            return
        events = _events(session, how, number, place)
        for event in events[:3]:
            await say(session, line, f"a transaction behind a lost answer: {how}", "TransactionEvent", AsIs(event))
        state = await _state(session, asked.command_id)
        about = {"action": "RequestStartTransaction", "request_id": f"{line.station}-start"}
        session.observe("joined", station=line.station, how=how, state=state or "", **about)
        await say(session, line, "its end", "TransactionEvent", AsIs(events[-1]))
    except TargetGone as error:
        session.observe("control.failed", station=line.station, why=str(error))
    line.close()


def _events(session: Session, how: str, number: int, place: Place) -> list[dict[str, Any]]:
    line, [order] = place.line, place.called[:1]
    name, card = uuids(session.rng(f"joined {number}"))(), session.cards.another()
    began, *others = made(Telling(how), name, card, 60_000.0, line)
    if how == OURS:
        info = {**began["transactionInfo"], "remoteStartId": order.field("remoteStartId")}
        began |= {"triggerReason": "RemoteStart", "transactionInfo": info, "idToken": order.field("idToken")}
    return [began, *others]


async def _state(session: Session, id: str) -> str | None:
    assert session.target is not None
    until = session.clock() + SEEN_S
    while (state := await session.target.phase(id)) in OPEN and session.clock() < until:
        await asyncio.sleep(0.5)
    return state
