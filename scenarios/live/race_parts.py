"""Parts of a check beside the stories: cards, cards in use, a crowd that speaks alike, odd frames, two sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from interlock.scenarios.live.line import Line, Reply
from interlock.scenarios.live.race_session import Session, mixed
from interlock.scenarios.live.race_stories import come_back

CROWD = 20
LONG_ID = 31
NOBODY = "org.example.nobody-knows-this"
LATE_S = 900.0
"""How long ago a session began that is told late."""
LONG = 60
"""Messages of one station in a row."""
Probe = Callable[[str], Awaitable[str]]


def start_of(line: Line, card: str, connector: int, meter_wh: int) -> dict[str, Any]:
    """Return a start that happens now."""
    at = line.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"connectorId": connector, "idTag": card, "meterStart": meter_wh, "timestamp": at}


def stop_of(line: Line, number: int, meter_wh: int, card: str | None = None) -> dict[str, Any]:
    """Return a stop that happens now."""
    at = line.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stop = {"transactionId": number, "meterStop": meter_wh, "timestamp": at, "reason": "Local"}
    return stop | ({"idTag": card} if card is not None else {})


async def cards(session: Session) -> None:
    """Show each known card at three stations, several times: by itself, and with a start."""

    async def at(name: str) -> None:
        line = session.line(name)
        if not await session.arrive(line):
            return
        for turn in range(3):
            for card, status in session.cards.known.items():
                reply = await session.call(line, "Authorize", {"idTag": card})
                session.observe("card", station=line.station, card=card, known=status, word=reply.word, how="Authorize")
            if turn == 0:
                await _starts(session, line)
        line.close()

    for name in ("CARD1", "CARD2", "CARD3"):
        await at(name)


async def _starts(session: Session, line: Line) -> None:
    for number, (card, status) in enumerate(session.cards.known.items()):
        _, alone = session.cards.one(number) if status == "Accepted" else session.cards.one(0)
        if status == "Accepted":
            continue  # the stories start with these
        async with alone:
            reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 500 + number))
            if session.ocpp == "1.6":
                await _late(session, line, card, 800 + number)
        session.observe("card", station=line.station, card=card, known=status, word=reply.word, how="StartTransaction")
        number_given = reply.field("transactionId")
        if reply.word == "Accepted" and type(number_given) is int:
            await session.call(line, "StopTransaction", stop_of(line, number_given, 600 + number, card))


async def _late(session: Session, line: Line, card: str, meter_wh: int) -> None:
    """Tell a session that began without a line: its card is what it is, whoever accepted it (4.8)."""
    at = line.now(LATE_S).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reply = await session.call(line, "StartTransaction", start_of(line, card, 2, meter_wh) | {"timestamp": at})
    number = reply.field("transactionId")
    if type(number) is int:
        await session.call(line, "StopTransaction", stop_of(line, number, meter_wh + 50, card))


async def in_use(session: Session) -> None:
    """Whether a running session stays what it is, whatever others say: asked before and after each of these.

    Somebody else shows the card that is in use, with a start at another station. Many CSMSs say ConcurrentTx, many do
    not care; which it is has to be the same before and after what changes nothing.
    """
    card, alone = session.cards.one(0)
    async with alone:
        home, other = session.line("HOME"), session.line("OTHER")
        if not (await session.arrive(home) and await session.arrive(other)):
            return
        running = await session.call(home, "StartTransaction", start_of(home, card, 1, 1000))
        number = running.field("transactionId")
        if running.word != "Accepted" or type(number) is not int:
            return
        session.deed("in use", "session begun", home.station)
        meter = [1000]

        async def probe(label: str) -> str:
            meter[0] += 10
            reply = await session.call(other, "StartTransaction", start_of(other, card, 1, meter[0]))
            given = reply.field("transactionId")
            if reply.word == "Accepted" and type(given) is int:
                await session.call(other, "StopTransaction", stop_of(other, given, meter[0] + 5, card))
            session.observe("probe", station=other.station, card=card, after=label, word=reply.word)
            return reply.word

        for label in (
            "it began",
            *[name async for name in _nothing_changes(session, home, other, (number, card), probe)],
        ):
            session.deed("in use", f"asked after {label}")
        stopped = await session.call(home, "StopTransaction", stop_of(home, number, 2000, card))
        if stopped.frame is not None:
            await probe("it ended")
            await _at_once(session, home, other)
        home.close()
        other.close()


RACES = 5


async def _at_once(session: Session, *lines: Line) -> None:
    """Let one card begin a session at two stations in the same moment, some times."""
    if not session.cards.fresh:
        return
    for turn in range(RACES):
        card = session.cards.invent()
        starts = (session.call(line, "StartTransaction", start_of(line, card, 2, 3000 + turn)) for line in lines)
        replies = await asyncio.gather(*starts)
        session.observe("race", station=lines[0].station, card=card, words=[reply.word for reply in replies])
        for line, reply in zip(lines, replies, strict=True):
            number = reply.field("transactionId")
            if reply.word == "Accepted" and type(number) is int:
                await session.call(line, "StopTransaction", stop_of(line, number, 3100 + turn, card))


async def _nothing_changes(session: Session, home: Line, other: Line, runs: tuple[int, str], probe: Probe) -> Any:
    number, card = runs
    await probe("it began")

    async def foreign() -> Reply:
        return await session.call(other, "StopTransaction", stop_of(other, number, 1500))

    async def unknown() -> Reply:
        return await session.call(home, "StopTransaction", stop_of(home, number + 7_654_321, 1500))

    async def reconnect() -> Reply:
        home.cut()
        await come_back(session, home)
        return await session.call(home, "Heartbeat", {})

    async def status() -> Reply:
        free = {"connectorId": 2, "status": "Available", "errorCode": "NoError"}
        return await session.call(home, "StatusNotification", free)

    async def elsewhere() -> Reply:
        return await session.call(other, "Authorize", {"idTag": card})

    async def whole_station() -> Reply:
        free = {"connectorId": 0, "status": "Available", "errorCode": "NoError"}
        return await session.call(home, "StatusNotification", free)

    async def beside() -> Reply:
        if not session.cards.plenty:
            return Reply(None, "cut")
        reply = await session.call(home, "StartTransaction", start_of(home, session.cards.another(), 2, 1200))
        beside_it.append(reply.field("transactionId"))
        return reply

    beside_it: list[Any] = []
    for name, act in (
        ("another station stopped its transaction", foreign),
        ("a transaction that nobody knows was stopped", unknown),
        ("the station connected again", reconnect),
        ("another connector became available", status),
        ("the whole station became available", whole_station),
        ("its card was shown elsewhere", elsewhere),
        ("another connector began a session", beside),
    ):
        if act is foreign and session.ocpp != "1.6":
            continue  # ids that stations make are unique everywhere: this one says that it is its own
        reply = await act()
        session.step(home, "in use", name, name, reply.word)
        await probe(name)
        yield name
    for one in beside_it:
        if type(one) is int:
            await session.call(home, "StopTransaction", stop_of(home, one, 1300))


async def crowd(session: Session) -> None:
    """Many stations that say the same at the same time, under the same message ids; each with cards of its own."""
    if not session.cards.plenty:
        return
    lines = [session.line(f"C{number:02d}") for number in range(CROWD)]

    async def one(line: Line) -> None:
        if not await session.arrive(line):
            return
        session.deed("crowd", "boot accepted", line.station)
        running = []
        for connector in (1, 2):
            card = session.cards.another()
            reply = await session.call(line, "Authorize", {"idTag": card})
            session.step(line, "crowd", line.station, "authorize", reply.word)
            reply = await session.call(line, "StartTransaction", start_of(line, card, connector, 100 * connector))
            session.step(line, "crowd", line.station, "start", reply.word)
            number = reply.field("transactionId")
            if reply.word == "Accepted" and type(number) is int:
                session.deed("crowd", "session begun", line.station)
                running.append((connector, number, card))
        for connector, number, card in running:
            reply = await session.call(line, "StopTransaction", stop_of(line, number, 100 * connector + 50, card))
            session.step(line, "crowd", line.station, "stop", reply.word)
        for _ in range(2):
            await asyncio.sleep(1.5)
            reply = await session.call(line, "Heartbeat", {})
            session.step(line, "crowd", line.station, "heartbeat", reply.word)
        line.close()

    await asyncio.gather(*(one(line) for line in lines))


ODD: tuple[tuple[str, str, bool], ...] = (
    ("an action that nobody knows", '[2,"odd-1","MakeCoffee",{}]', True),
    ("DataTransfer of an unknown vendor", f'[2,"odd-2","DataTransfer",{{"vendorId":"{NOBODY}"}}]', True),
    ("an answer that nobody waits for", '[3,"odd-3",{}]', True),
    ("an error that nobody waits for", '[4,"odd-4","GenericError","",{}]', True),
    ("a call without what it needs", '[2,"odd-5","StartTransaction",{}]', True),
    ("a call with a wrong type", '[2,"odd-6","StatusNotification",{"connectorId":"one"}]', True),
    ("white space around a message", ' \n[2, "odd-7",\t"Heartbeat", {} ]\n ', True),
    ("no JSON", "hello", False),
    ("no message", "{}", False),
    ("an unknown message type", '[9,"odd-8",{}]', False),
    ("half a message", '[2,"odd-9","Heart', False),
)
"""What is said, and whether a CSMS has to bear it: others may hang up on what is no message."""


async def odd(session: Session) -> None:
    """Say odd things, and see whether the CSMS still answers on that connection."""
    line = session.line("ODD")
    if not await session.arrive(line):
        return
    for name, text, fair in ODD:
        if session.ocpp != "1.6":
            text = text.replace("StartTransaction", "TransactionEvent")
        if not line.up and not await come_back(session, line):
            return
        line.say(text)
        reply = await session.call(line, "Heartbeat", {})
        session.observe("odd", station=line.station, what=name, fair=fair, word=reply.word, why=line.ended)
    line.close()


async def two_sockets(session: Session) -> None:
    """Connect again while the old connection still seems to stand, and close that late; with a call open on it too."""
    line = session.line("TWICE", mixed(session.rng("twice")))
    if not await session.arrive(line):
        return
    for turn in range(3):
        old = line.socket
        if turn:
            line.send("Heartbeat", {})
        if not await come_back(session, line, gone=False):
            return
        session.deed("two sockets", "a second connection", line.station)
        reply = await session.call(line, "Heartbeat", {})
        if reply.word == "closed":  # it may keep the first one, which still answers pings
            session.deed("two sockets", "refused beside its old self", line.station)
            return
        session.step(line, "two sockets", "a second connection", "heartbeat", reply.word)
        if old is not None:
            old.close("station", "the old connection closes late")
        await asyncio.sleep(0.2)
        for _ in range(2):
            reply = await session.call(line, "Heartbeat", {})
            session.step(line, "two sockets", "the old connection closed", "heartbeat", reply.word)
    line.close()


async def time_passes(session: Session) -> None:
    """Ask for the time now and then, so that a clock that stands still or runs off is seen."""
    line = session.line("CLOCK")
    if not await session.arrive(line):
        return
    for number in range(6):
        reply = await session.call(line, "Heartbeat", {})
        session.step(line, "clock", str(number), "heartbeat", reply.word)
        await asyncio.sleep(1.2)
    for action in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        await session.call(line, action, {"status": "Idle"})
    for number in range(LONG):
        reply = await session.call(line, "Heartbeat", {})
        session.step(line, "clock", f"the {number}th message", "heartbeat", reply.word)
    line.close()


async def long_pair(session: Session) -> None:
    """Two stations with long ids that differ at their ends. A CSMS may let none of them in, but tells them apart."""
    if session.limited:
        return
    room = max(0, LONG_ID - len(session.prefix))
    pair = [session.line("".ljust(room, "L") + end) for end in ("1", "2")]
    for line in pair:
        if not await session.arrive(line):
            return
    for turn in range(3):
        for line in pair:
            reply = await session.call(line, "Heartbeat", {})
            session.observe("pair", station=line.station, turn=turn, word=reply.word, why=line.ended)
    for line in pair:
        line.close()


PARTS: dict[str, Callable[[Session], Awaitable[None]]] = {
    "cards": cards,
    "in use": in_use,
    "crowd": crowd,
    "odd": odd,
    "two sockets": two_sockets,
    "clock": time_passes,
    "long ids": long_pair,
}
"""Parts that run side by side once the first station was accepted."""
