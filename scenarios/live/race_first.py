"""The first station of a check, which connects alone: is it accepted, which cards are, and are commands accepted?"""

from __future__ import annotations

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_orders import try_control
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session

FIRST = 3
"""How many stations go ahead, where the one before was not accepted."""


async def first(session: Session) -> bool:
    """Let a station go ahead; return whether there is any sense in going on: one was let in and accepted.

    It shows too whether an invented card is accepted, so that every station can have a card of its own.
    """
    for number in range(FIRST):
        line = session.line(f"FIRST{number}")
        if not await line.dial():
            return False
        reply = await session.boot(line)
        session.step(line, "session", "alone", "boot", reply.word)
        if reply.word == "Accepted":
            session.deed("boot", "boot accepted", line.station)
            await _try_cards(session, line)
            await try_control(session, line)
            line.close()
            return True
        if reply.frame is None:
            return False
        if number + 1 == FIRST and reply.word == "Pending":
            return await _is_accepted_at_last(session, line)
        line.close()
    return False


PENDING_S = 45.0
"""How long a station is Pending before nothing more is expected."""


async def _is_accepted_at_last(session: Session, line: Line) -> bool:
    """Go on booting at a station that is Pending; return whether it was accepted after all."""
    reply = await session.boot(line, most=40, within_s=PENDING_S)
    session.step(line, "session", "alone", "boot", reply.word)
    if reply.word == "Accepted":
        session.deed("boot", "boot accepted", line.station)
        await _try_cards(session, line)
    line.close()
    return reply.word == "Accepted"


async def _try_cards(session: Session, line: Line) -> None:
    cards = [session.cards.invent() for _ in range(3)]
    words = []
    for card in cards:
        reply = await session.call(line, "Authorize", {"idTag": card})
        session.step(line, "unknown cards", card, "authorize", reply.word, card=card)
        words.append(reply.word)
    start = await session.call(line, "StartTransaction", start_of(line, cards[0], 1, 100))
    session.cards.fresh = words == ["Accepted"] * 3 and start.word == "Accepted"
    await _try_shared(session, line)
    number = start.field("transactionId")
    if type(number) is int and start.word == "Accepted":
        await session.call(line, "StopTransaction", stop_of(line, number, 200, cards[0]))
    await session.call(line, "Heartbeat", {})


async def _try_shared(session: Session, line: Line) -> None:
    """See whether one card that is known may run sessions at two stations and two connectors at once.

    Where it may not, each card is used by one station at a time, and little can go on side by side.
    """
    if session.cards.fresh or not session.cards.accepted:
        return
    if session.limited and not session.ids:
        return
    card, other = session.cards.accepted[0], session.line("FIRST-BESIDE")
    if not await session.arrive(other):
        return
    running = []
    for number, (at, connector) in enumerate(((line, 1), (other, 1), (line, 2), (other, 2))):
        reply = await session.call(at, "StartTransaction", start_of(at, card, connector, 300 + 10 * number))
        given = reply.field("transactionId")
        running.append((at, given, reply.word))
    session.cards.shared = all(word == "Accepted" for *_, word in running)
    for number, (at, given, word) in enumerate(running):
        if type(given) is int and word == "Accepted":
            await session.call(at, "StopTransaction", stop_of(at, given, 310 + 10 * number, card))
    other.close()
