"""What is said of a session that has ended, and cards in other letters: nothing of it changes what is on record.

A session ends with the first StopTransaction that is answered. Behind it a station sends readings that name no
transaction or the one that is over, another stop of it (either meter may count), and boots; the same while the next
session runs. What the CSMS has on record at the end is compared with what was told (R26). An IdToken of OCPP 1.6 is a
CiString20Type: a card that is refused is shown in other letters (R32).
"""

from __future__ import annotations

from typing import Any

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session

CONTEXTS = ("Transaction.Begin", "Sample.Clock", "Trigger")
ROUNDS = 2
"""Sessions of the station, one after the other."""


async def afterwards(session: Session) -> None:
    """Tell two sessions, with all that may be said behind each."""
    if not (session.cards.fresh or session.cards.accepted):
        return
    line = session.line("AFTER")
    if not await session.arrive(line):
        return
    card, alone = session.cards.one(2)
    over: list[int] = []
    async with alone:
        for turn in range(ROUNDS):
            number = await _begin(session, line, card, 10_000 * (turn + 1))
            if number is None:
                break
            await _statuses(session, line)
            for step, context in enumerate(CONTEXTS):
                reading = _reading(line, 10_000 * (turn + 1) + 10 * step, context=context)
                await session.call(line, "MeterValues", {**reading, "transactionId": number})
            for one in over:
                await _behind(session, line, one, card, 10_000 * (turn + 1) + 300)
            stop = stop_of(line, number, 10_000 * (turn + 1) + 700, card)
            if (await session.call(line, "StopTransaction", stop)).frame is None:
                break
            await _behind(session, line, number, card, 10_000 * (turn + 1) + 1500)
            over.append(number)
    line.close()


async def _begin(session: Session, line: Line, card: str, meter_wh: int) -> int | None:
    reply = await session.call(line, "StartTransaction", start_of(line, card, 1, meter_wh))
    number = reply.field("transactionId")
    return number if reply.word == "Accepted" and type(number) is int else None


async def _statuses(session: Session, line: Line) -> None:
    """Tell statuses of the connector, the last of them of before the session: nothing but its stop ends that."""
    for status, ago_s in (("Charging", 0.0), ("Available", 60.0)):
        at = line.now(ago_s).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": at}
        await session.call(line, "StatusNotification", told)


async def _behind(session: Session, line: Line, number: int, card: str, meter_wh: int) -> None:
    """Say what may be said behind the end of a session, with a meter that has gone on."""
    for name in (None, number):
        reading = _reading(line, meter_wh + (17 if name is None else 0)) | (
            {"transactionId": name} if name is not None else {}
        )
        await session.call(line, "MeterValues", reading)
    await session.boot(line)
    other = stop_of(line, number, meter_wh + 100, card) | {"reason": "PowerLoss"}
    reply = await session.call(line, "StopTransaction", other)
    session.deed("afterwards", "a second stop with other values", line.station)
    session.observe("second stop", station=line.station, transaction_id=number, word=reply.word)


def _reading(line: Line, meter_wh: int, **more: str) -> dict[str, Any]:
    at = line.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sample = {"value": str(meter_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh", **more}
    return {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": [sample]}]}


async def letters(session: Session) -> None:
    """Show each known card as it is registered and in other letters: by itself, and those accepted with a start."""
    line = session.line("LETTERS")
    if not await session.arrive(line):
        return
    for number, (card, status) in enumerate(session.cards.known.items()):
        other = card.swapcase()
        if other in (card, *session.cards.known):
            continue
        words = [(await session.call(line, "Authorize", {"idTag": one})).word for one in (card, other)]
        _note(session, line, "Authorize", (card, other), words)
        if status == "Accepted":
            await _starts(session, line, (card, other), number)
    line.close()


async def _starts(session: Session, line: Line, cards: tuple[str, str], number: int) -> None:
    _, alone = session.cards.one(session.cards.accepted.index(cards[0]))
    words = []
    async with alone:
        for turn, one in enumerate(cards):
            meter_wh = 500 + 10 * turn + 100 * number
            reply = await session.call(line, "StartTransaction", start_of(line, one, 1, meter_wh))
            words.append(reply.word)
            given = reply.field("transactionId")
            if reply.word == "Accepted" and type(given) is int:
                await session.call(line, "StopTransaction", stop_of(line, given, meter_wh + 5, one))
    _note(session, line, "StartTransaction", cards, words)


def _note(session: Session, line: Line, action: str, cards: tuple[str, str], words: list[str]) -> None:
    session.observe("letters", station=line.station, action=action, cards=list(cards), words=words)
