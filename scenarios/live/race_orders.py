"""An operator's requests, where there is a control interface, and the CALLs that the CSMS then makes, with their times.

Each command goes to a station of its own: once; twice under one key; two at a time; to a station that is away, that
comes back in that moment, that answers Rejected, that does not answer. What the CSMS has on record is read at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_samples import read_samples
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.race_stories import come_back
from interlock.scenarios.record.frames import Frame
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.target import WITHOUT_START, Decision, TargetGone
from interlock.simulator.spec import OcppVersion

LEAVES_S = 15.0
"""How long an accepted command may take to leave for a station that is there."""
SETTLES_S = 8.0
QUIET_S = 1.5
BEFORE_S = 2.0
"""How long before a late answer the next command is asked for."""
SILENCE_S = 8.0
"""How long a station that does not answer is watched: nothing may be sent again. It answers at `Session.late_s`."""
BUSY_S = 2.0
"""How long a station takes to answer while something else is asked for."""
ODD_WORDS: dict[OcppVersion, dict[str, str]] = {
    "1.6": {"ChangeAvailability": "Scheduled", "UnlockConnector": "NotSupported"},
    "2.0.1": {"ChangeAvailability": "Scheduled", "Reset": "Scheduled", "UnlockConnector": "UnknownConnector"},
}
"""Answers with a word of their own; all other commands are answered Rejected beside them."""
BELIEVED_S = 3.0
"""How long a CSMS may take to believe what it has answered."""


@dataclass(slots=True)
class Place:
    """A station that obeys, and remembers what it was told to do."""

    session: Session
    line: Line
    how: str = "once"
    called: list[Frame] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, frame: Frame) -> dict[str, Any] | None:
        """Answer a CALL."""
        self.called.append(frame)
        self.came.set()
        known = self.line.usual(frame)
        if self.how == "fails":
            return None
        if self.how == "wordless":
            return {}
        odd = ODD_WORDS[self.line.ocpp]
        if self.how == "odd words" and frame.action in odd:
            return {"status": odd[frame.action]}
        if self.how == "stray":
            self.line.say(self.line.form([3, f"nobody-{len(self.called)}", {"status": "Accepted"}]))
        if self.how not in ("refuses", "stray", "odd words") or known is None or "status" not in known:
            return known
        return {"status": "UnlockFailed" if frame.action == "UnlockConnector" else "Rejected"}

    def count(self, action: str) -> int:
        """How often something was called."""
        return sum(frame.action == action for frame in self.called)

    async def hears(self, action: str, more_than: int, within_s: float) -> bool:
        """Wait until something was called again; return whether it was."""
        until = self.session.clock() + within_s
        while self.count(action) <= more_than:
            left = until - self.session.clock()
            if left <= 0.0:
                return False
            self.came.clear()
            try:
                async with asyncio.timeout(left):
                    await self.came.wait()
            except TimeoutError:
                pass
        return True


_FREE = {"errorCode": "NoError", "status": "Available"}


TRIED = ("Relay", "Probe", "ChangeAvailability", "Unlock", "RemoteStart")
"""What is asked for to see whether anything can be, what does least first."""
TRIES = 3
AGAIN_S = 1.0
"""Between two tries."""


async def try_control(session: Session, line: Line) -> None:
    """Ask for a few commands, until one does not fail, and read what is told of a station that is there.

    A CSMS may need a moment before it knows the station, so it is tried for some seconds. Raises `Refused` where the
    control interface is of no use: then nothing would be known of all that follows.
    """
    target = session.target
    names = [one for one in TRIED if target is not None and one in target.commands]
    if target is None or not names:
        return
    place = Place(session, line)
    line.answers = place.answer
    for connector in (1, 2):
        await session.call(line, "StatusNotification", {**_FREE, "connectorId": connector})
    for number in range(TRIES):
        name = names[number % len(names)]
        try:
            why = await _use(session, place, name, f"{line.station}-try{number}")
        except TargetGone as error:
            why = str(error)
        if why is None:
            break
        await asyncio.sleep(AGAIN_S)
    else:
        raise Refused(f"--control: {why}", UNTOLD)
    await asyncio.sleep(AGAIN_S)


async def _use(session: Session, place: Place, name: str, request: str) -> str | None:
    """Use everything once; return why it is of no use, None where it is."""
    target, station = session.target, place.line.station
    assert target is not None
    decision = await ask(session, place, MAKERS[name]("0", "X-TRY", 1), request)
    if decision.answer == "failed":
        return f"{name} for a station that is connected fails: {decision.reason or 'no reason given'}"
    if {"connectors", "online"} & target.tells:
        await target.connectors(station)
    if "transactions" in target.tells:
        await target.events(station)
    return None


async def orders(session: Session) -> None:
    """Ask for everything that can be asked for, and read what the CSMS has on record when all is quiet."""
    if session.target is None:
        return
    names = [name for name in MAKERS if name in session.target.commands]
    planned = [
        order(session, name, how, 20 * n + m)
        for n, name in enumerate(names)
        for m, how in enumerate(HOWS)
        if name != "RemoteStop" or how not in SLOW or session.cards.plenty
    ]
    session.observe("planned", part="orders", count=len(planned))
    await asyncio.gather(*planned)


MAKERS: dict[str, Callable[[str, str, int], do.Command]] = {
    "Unlock": lambda number, card, connector: do.Unlock(connector),
    "RemoteStart": lambda number, card, connector: do.RemoteStart(connector, card),
    "RemoteStop": lambda number, card, connector: do.RemoteStop(number),
    "Reset": lambda number, card, connector: do.Reset(connector == 1),
    "ChangeAvailability": lambda number, card, connector: do.ChangeAvailability(connector, connector == 2),
    "Probe": lambda number, card, connector: do.Probe(connector),
    "Relay": lambda number, card, connector: do.Relay("ClearCache", {}),
}
"""How each command is made, from a running transaction, a card and a connector."""


async def order(session: Session, name: str, how: str, number: int) -> None:
    """Ask one station for one command, in one of the ways of `HOWS`; `number` names the station."""
    line = session.line(f"O{number:03d}")
    place = Place(session, line, how)
    line.answers = place.answer
    if not await session.arrive(line):
        return
    for connector in (1, 2):
        await session.call(line, "StatusNotification", {**_FREE, "connectorId": connector})
    card, alone = session.cards.one(number)
    async with alone if name == "RemoteStop" else nullcontext():  # no other command needs a session of the card
        running, beside = 0, None
        if name == "RemoteStop":
            beside = await _begins(session, line, 2) if number % 2 else None
            reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 1000))
            running = reply.field("transactionId")
            if type(running) is not int or reply.word != "Accepted":
                line.close()
                return
            beside = beside if number % 2 else await _begins(session, line, 2)
        connector = 2 if number % 2 and name != "RemoteStop" else 1
        command = MAKERS[name](session.transaction(running), card, connector)
        try:
            await HOWS[how](session, place, command, f"{line.station}-{how}")
            await _belief(session, line)
        except TargetGone as error:
            session.observe("control.failed", station=line.station, why=str(error))
        if running and line.up:
            await session.call(line, "StopTransaction", stop_of(line, running, 2000, card))
            if beside is not None:
                await session.call(line, "StopTransaction", stop_of(line, beside, 2100))
    session.observe("planned.over", part="orders")
    line.close()


async def _begins(session: Session, line: Line, connector: int) -> int | None:
    """Begin another session, with a card nobody has; return its number, None where there is none."""
    if not session.cards.plenty:
        return None
    reply = await session.call(line, "StartTransaction", start_of(line, session.cards.another(), connector, 1100))
    number = reply.field("transactionId")
    return number if type(number) is int and reply.word == "Accepted" else None


async def ask(session: Session, place: Place, command: do.Command, request: str, attempt: int = 1) -> Decision:
    """Ask for a command, and note what was asked and answered."""
    target, (action, payload) = session.target, session.worded(command)
    assert target is not None
    asked = {"request_id": request, "attempt": attempt, "station": place.line.station, "node": "csms"}
    session.observe(
        "request.asked",
        **asked,
        command={"kind": type(command).__name__},
        action=action,
        payload=payload,
        up=place.line.up,
    )
    decision = await target.operate(place.line.station, command, request)
    session.observe(
        "request.answered", **asked, answer=decision.answer, command_id=decision.command_id, reason=decision.reason
    )
    return decision


async def settle(
    session: Session, place: Place, command: do.Command, request: str, id: str | None, within_s: float = SETTLES_S
) -> None:
    """Ask where the command stands until it stands still."""
    assert session.target is not None
    if id is None or "outcomes" not in session.target.tells:
        return
    until = session.clock() + within_s
    while True:
        state = await session.target.phase(id)
        if state not in ("requested", "in-doubt", None) or session.clock() > until:
            break
        await asyncio.sleep(0.3)
    session.observe("command.state", command_id=id, state=state or "", request_id=request, station=place.line.station)


async def _once(session: Session, place: Place, command: do.Command, request: str) -> None:
    action = session.worded(command)[0]
    before = place.count(action)
    asked = await ask(session, place, command, request)
    if asked.answer in ("accepted", "known"):
        there = await place.hears(action, before, LEAVES_S)
        session.observe(
            "left", station=place.line.station, request_id=request, action=action, there=there, up=place.line.up
        )
        session.deed("orders", "a command left" if there else "a command did not leave", place.line.station)
        await asyncio.sleep(QUIET_S)
    if asked.answer == "unreachable" and place.line.up:
        await _reach(session, place, command, f"{request}-reach")
    await settle(session, place, command, request, asked.command_id)


async def _reach(session: Session, place: Place, command: do.Command, request: str) -> None:
    """Ask once more, when the station was answered on its connection and some time has passed."""
    reply = await session.call(place.line, "Heartbeat", {})
    await asyncio.sleep(QUIET_S)
    again = await ask(session, place, command, request)
    there = place.line.up and reply.frame is not None
    session.observe("reached", station=place.line.station, answer=again.answer, there=there, why=again.reason)


THEN = ("Relay", "ChangeAvailability", "Unlock")
"""What is asked for behind another command, what holds nothing first."""


async def _then(session: Session, place: Place, command: do.Command, request: str) -> None:
    """Ask for something else: what became of the command before it is not in its way, and not taken for its outcome."""
    assert session.target is not None
    names = [name for name in THEN if name in session.target.commands and name != type(command).__name__]
    if names and place.line.up:
        session.deed("orders", "a command behind another one", place.line.station)
        await _once(session, place, MAKERS[names[0]]("0", "", 1), f"{request}-then")


async def _trouble(session: Session, place: Place, command: do.Command, request: str) -> None:
    """It is answered with an error or a no, and the next command with a yes."""
    await _once(session, place, command, request)
    place.how = "once"
    await _then(session, place, command, request)


async def _again(session: Session, place: Place, command: do.Command, request: str) -> None:
    """The operator asks again: under the same key, or for the same once more where the CSMS takes no keys."""
    await _once(session, place, command, request)
    keyed = session.target is not None and "requests" in session.target.tells
    await ask(session, place, command, request if keyed else f"{request}-more", 2 if keyed else 1)
    await asyncio.sleep(QUIET_S)
    session.deed("orders", "the same request again", place.line.station)


async def _away(session: Session, place: Place, command: do.Command, request: str) -> None:
    place.line.cut()
    await asyncio.sleep(0.5)
    id = (await ask(session, place, command, request)).command_id
    session.deed("orders", "a command to a station that is away", place.line.station)
    await come_back(session, place.line)
    await asyncio.sleep(QUIET_S)
    await settle(session, place, command, request, id, QUIET_S)


async def _cut(session: Session, place: Place, command: do.Command, request: str) -> None:
    """The line is lost behind the CALL, and the station comes back: it may have done it, so nothing is sent again."""
    action, place.line.answer_after_s = session.worded(command)[0], session.late_s
    id = (await ask(session, place, command, request)).command_id
    if not await place.hears(action, 0, LEAVES_S):
        return
    place.line.cut()
    session.deed("orders", "the line was lost with a command open", place.line.station)
    place.line.answer_after_s = 0.1
    if await come_back(session, place.line) and (await session.boot(place.line)).word == "Accepted":
        await asyncio.sleep(2 * QUIET_S)
        await settle(session, place, command, request, id, QUIET_S)


async def _returns(session: Session, place: Place, command: do.Command, request: str) -> None:
    place.line.cut()
    _, decision = await asyncio.gather(come_back(session, place.line), ask(session, place, command, request))
    await asyncio.sleep(QUIET_S)
    # It is there again, so what is asked for now has to leave; unless the CSMS still waits for an answer to the first.
    waits = decision.answer in ("accepted", "known") and not place.called
    if not waits and place.line.up and (await session.boot(place.line)).word == "Accepted":
        await _once(session, place, command, f"{request}-2")


async def _moved(session: Session, place: Place, command: do.Command, request: str) -> None:
    """The station is on its second connection, and the first one closes behind it."""
    old = place.line.socket
    if not await come_back(session, place.line, gone=False):
        return
    await session.call(place.line, "Heartbeat", {})
    if old is not None:
        old.close("station", "the old connection closes late")
    await asyncio.sleep(0.5)
    session.deed("orders", "a command to a station that has moved", place.line.station)
    await _once(session, place, command, request)


async def _burst(session: Session, place: Place, command: do.Command, request: str) -> None:
    """The same is asked for twice in one moment, under two keys, and the station takes a while to answer."""
    place.line.answer_after_s = 0.8
    action = session.worded(command)[0]
    asked = (ask(session, place, command, f"{request}-{number}") for number in (1, 2))
    taken = [one for one in await asyncio.gather(*asked) if one.answer == "accepted"]
    if taken:
        there = await place.hears(action, 0, LEAVES_S)
        about = {"station": place.line.station, "request_id": request, "action": action}
        session.observe("left", **about, there=there, up=place.line.up)
    session.deed("orders", "two commands in one moment", place.line.station)
    await asyncio.sleep(2 * QUIET_S)


async def _silent(session: Session, place: Place, command: do.Command, request: str) -> None:
    """The station takes long to answer: meanwhile it is answered, and nothing is sent again or known."""
    place.line.answer_after_s = late_s = session.late_s
    id = (await ask(session, place, command, request)).command_id
    await asyncio.sleep(SILENCE_S)
    # A CSMS that waits for an answer has to answer meanwhile.
    reply = await session.call(place.line, "Heartbeat", {})
    session.step(place.line, "silent", "a CALL of the CSMS is open", "heartbeat", reply.word)
    session.deed("orders", "a command without an answer", place.line.station)
    await settle(session, place, command, request, id, 0.0)
    await asyncio.sleep(max(0.0, late_s - SILENCE_S - BEFORE_S))
    await settle(session, place, command, request, id, 0.0)
    # The answer to the first command comes while the second one is open, which is then answered otherwise.
    place.how, place.line.answer_after_s = "refuses", 2.0 * BEFORE_S
    await _then(session, place, command, request)
    await settle(session, place, command, request, id)


async def _queued(session: Session, place: Place, command: do.Command, request: str) -> None:
    """Something else is asked for while the station takes its time to answer: it has to leave once it was answered.

    Then the same once more, and the line is lost before the first is answered: what did not leave was not done.
    """
    assert session.target is not None
    names = [name for name in THEN if name in session.target.commands and name != type(command).__name__]
    if not names:
        await _once(session, place, command, request)
        return
    # What is rejected holds nothing, so that a CSMS has no reason to keep the next command back.
    place.how, place.line.answer_after_s = "refuses", BUSY_S
    action, other = session.worded(command)[0], MAKERS[names[0]]("0", "", 1)
    if (await ask(session, place, command, request)).answer == "accepted" and await place.hears(action, 0, LEAVES_S):
        session.deed("orders", "a command while another one is open", place.line.station)
        await _once(session, place, other, f"{request}-then")
    place.line.answer_after_s = SILENCE_S
    before = place.count(action)
    await ask(session, place, command, f"{request}-2")
    if not await place.hears(action, before, LEAVES_S):
        return
    id = (await ask(session, place, MAKERS[names[-1]]("0", "", 2), f"{request}-lost")).command_id
    await asyncio.sleep(0.5)
    place.line.cut()
    place.line.answer_after_s = 0.1
    if await come_back(session, place.line) and (await session.boot(place.line)).word == "Accepted":
        await asyncio.sleep(QUIET_S)
        await settle(session, place, MAKERS[names[-1]]("0", "", 2), f"{request}-lost", id, QUIET_S)


async def _belief(session: Session, line: Line) -> None:
    """Tell new statuses, and read what the CSMS makes of them; it may take a moment."""
    target = session.target
    assert target is not None
    if "connectors" not in target.tells or not line.up:
        return
    told = {1: session.status("Preparing"), 2: "Unavailable"}
    order = [*told.items()]
    session.rng(line.station).shuffle(order)  # what is told of one connector is nothing about the other
    for connector, status in order:
        await session.call(line, "StatusNotification", {**_FREE, "connectorId": connector, "status": status})
    until = session.clock() + BELIEVED_S
    while True:
        found = await target.connectors(line.station) or []
        if session.clock() > until or all(told.get(one.get("evse", 0)) in (None, one.get("status")) for one in found):
            break
        await asyncio.sleep(0.3)
    for one in found:
        about = {"connector": one.get("evse"), "status": one.get("status"), "online": one.get("online")}
        session.observe("belief", station=line.station, **about)


HOWS = {
    "once": _once,
    "refuses": _trouble,
    "again": _again,
    "away": _away,
    "returns": _returns,
    "moved": _moved,
    "burst": _burst,
    "silent": _silent,
    "fails": _trouble,
    "stray": _once,
    "odd words": _once,
    "wordless": _once,
    "cut": _cut,
    "queued": _queued,
}
"""What becomes of a station around a command."""
SLOW = ("silent", "cut", "queued", "wordless", "fails", "odd words", "stray")
"""What is left out where few cards have to do for all sessions, each used by one station at a time."""


async def read_back(session: Session) -> None:
    """Read the transactions of every station that had some, as the CSMS has them."""
    target = session.target
    if target is None or "transactions" not in target.tells:
        return
    found: list[tuple[str, str]] = []
    for line in session.lines:
        try:
            events = await target.events(line.station)
        except TargetGone as error:
            session.observe("control.failed", station=line.station, why=str(error))
            return
        stops = {e["data"]["transaction_id"]: e["data"] for e in events or () if e["type"] == "TransactionStopped"}
        for event in events or ():
            if event["type"] in ("TransactionStarted", WITHOUT_START):
                data = event["data"]
                stop = {**data, **stops.get(data["transaction_id"], {})}.get("meter_stop_wh")
                found.append((line.station, str(data["transaction_id"])))
                session.observe(
                    "csms.session",
                    station=line.station,
                    transaction_id=str(data["transaction_id"]),
                    connector=data.get("evse"),
                    id_token=data.get("id_token"),
                    start_wh=data.get("meter_start_wh"),
                    started_at=data.get("started_at"),
                    stop_wh=stop,
                )
        session.observe("csms.sessions", station=line.station, count=len(events or ()))
    await read_samples(session, found)
