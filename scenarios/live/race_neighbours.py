"""Cards and stations that are nearly alike, connectors side by side, and connections that only ping.

A CSMS must not confuse them: a card whose text begins like that of another one in use is not in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session

PINGS = 3
PONG_S = 10.0


def pairs(stem: str) -> Iterator[tuple[str, str, str]]:
    """Two cards that differ in one way, with the way; `stem` is six digits or capitals that no card has."""
    yield "its last sign of 20", f"{stem}{'L' * 13}1", f"{stem}{'L' * 13}2"
    yield "a sign more", f"{stem}M", f"{stem}M0"
    yield "zeros in front", f"00{stem}", stem
    yield "a dash", f"{stem}-1", f"{stem}1"
    yield "its first sign", f"A{stem}", f"B{stem}"
    yield "a sign in the middle", f"{stem[:3]}0{stem[3:]}", f"{stem[:3]}O{stem[3:]}"


async def look_alikes(session: Session) -> None:
    """While a card is in use, begin a session elsewhere with one that is nearly the same: it is not in use."""
    if not session.cards.fresh:
        return
    home, other = session.line("LIKE1"), session.line("LIKE2")
    if not (await session.arrive(home) and await session.arrive(other)):
        return
    rng = session.rng("look-alikes")
    for number, (what, one, two) in enumerate(pairs(f"{rng.randrange(10**5, 10**6)}")):
        running = []
        for line, card in ((home, one), (other, two)):
            reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 4000 + 10 * number))
            session.step(line, "look-alikes", what, "start", reply.word, card=card)
            running.append((line, card, reply.field("transactionId")))
        for line, card, given in running:
            if type(given) is int:
                await session.call(line, "StopTransaction", stop_of(line, given, 4005 + 10 * number, card))
    await _near_known(session, home)
    home.close()
    other.close()


async def _near_known(session: Session, line: Line) -> None:
    """Show cards that are nearly one that is not accepted: they are answered like all that nobody knows.

    Where one that is shorter is answered like it, a rule of the CSMS says how such cards are answered.
    """
    for card, status in session.cards.known.items():
        for one in (card[:-1], f"{card}1", f"1{card}") if status != "Accepted" else ():
            if 1 <= len(one) <= 20 and one not in session.cards.known:
                reply = await session.call(line, "Authorize", {"idTag": one})
                if len(one) < len(card) and reply.word == status:
                    break
                session.step(line, "unknown cards", f"like {card}", "authorize", reply.word, card=one)


async def side_by_side(session: Session) -> None:
    """Begin two sessions at one station in the same moment, and sessions without energy behind each other."""
    if not session.cards.plenty:
        return
    line = session.line("BOTH")
    if not await session.arrive(line):
        return
    card = session.cards.another()
    for turn in range(2):
        began = line.now(600.0 - 120.0 * turn)
        start = start_of(line, card, 1, 700) | {"timestamp": _text(began)}
        reply = await session.call(line, "StartTransaction", start)
        session.step(line, "no energy", f"session {turn + 1}", "start", reply.word, card=card)
        number = reply.field("transactionId")
        if type(number) is int:
            ends = stop_of(line, number, 700, card) | {"timestamp": _text(began + timedelta(seconds=30))}
            await session.call(line, "StopTransaction", ends)
    at = _text(line.now())
    running = []
    for connector in (1, 2):
        other = session.cards.another()
        start = start_of(line, other, connector, 800) | {"timestamp": at}
        reply = await session.call(line, "StartTransaction", start)
        session.step(line, "side by side", f"connector {connector}", "start", reply.word, card=other)
        running.append((reply.field("transactionId"), other))
    for number, other in running:
        if type(number) is int:
            await session.call(line, "StopTransaction", stop_of(line, number, 900, other))
    line.close()


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def pings(session: Session) -> None:
    """Send pings, which every WebSocket answers, and see that the connection lives on."""
    line = session.line("PING")
    if not await session.arrive(line):
        return
    ping = getattr(line.socket, "ping", None)
    for _ in range(PINGS if ping is not None else 0):
        answered = await _ping(session, line)
        reply = await session.call(line, "Heartbeat", {})
        session.observe("ping", station=line.station, answered=answered, word=reply.word, why=line.ended)
        if not line.up:
            break
    line.close()


async def _ping(session: Session, line: Line) -> bool:
    socket = line.socket
    before, until = getattr(socket, "pongs", 0), session.clock() + PONG_S
    if socket is not None:
        socket.ping()  # type: ignore[attr-defined]
    while getattr(socket, "pongs", 0) == before:
        if session.clock() > until or not line.up:
            return False
        await asyncio.sleep(0.05)
    return True
