"""The same transaction of OCPP 2.0.1 told in many ways, each of which must leave the same record.

Its events come in another order than they happened, twice, with gaps, from a queue, around a boot, from two EVSEs at
once; its register is told in other units, beside other readings; its id is that of a transaction elsewhere. Everything
here is valid and answered without an error (R13), and what is on record at the end is what was told (R26, R27).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.scenarios.live.line import Line
from interlock.scenarios.live.line_201 import AsIs, token
from interlock.scenarios.live.race_session import Session, uuids
from interlock.scenarios.live.race_stories import come_back
from interlock.scenarios.live.race_variety import say

Payload = dict[str, Any]
Reading = Callable[[float, str, str], list[Payload]]
"""Meter values that say this many Wh at this time and in this context."""
LASTED_S = 600.0
OFFLINE_S = 3000.0
TWINS = 2
"""Stations whose transactions have the same ids."""


def plainly(wh: float, at: str, context: str) -> list[Payload]:
    """The register alone."""
    return [{"timestamp": at, "sampledValue": [{"value": wh, "context": context}]}]


def _in(unit: Payload, factor: float) -> Reading:
    return lambda wh, at, context: [
        {"timestamp": at, "sampledValue": [{"value": wh / factor, "context": context, "unitOfMeasure": unit}]}
    ]


def among_others(wh: float, at: str, context: str) -> list[Payload]:
    """The register among other measurands, of which none is it."""
    about = {"context": context}
    before = {"value": wh + 5000, **about, "measurand": "Energy.Active.Export.Register"}
    register = {"value": wh, **about, "measurand": "Energy.Active.Import.Register", "location": "Outlet"}
    behind = {"value": 11000.5, **about, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}}
    interval = {"value": 3, **about, "measurand": "Energy.Active.Import.Interval"}
    reactive = {"value": wh + 7000, **about, "measurand": "Energy.Reactive.Import.Register"}
    return [{"timestamp": at, "sampledValue": [before, register, behind, interval, reactive]}]


@dataclass(frozen=True, slots=True)
class Telling:
    """One way to tell a transaction of five events, which are 0 to 4."""

    name: str
    order: tuple[int, ...] = (0, 1, 2, 3, 4)
    """The events as they arrive; one that stands twice is told twice, one that is not there is lost."""
    first_seq_no: int = 0
    reading: Reading = plainly
    evse: int = 1
    connector: int | None = 1
    late: bool = False
    """Whether it happened while the station was away."""
    boots_before: int | None = None
    """The event before which the station boots."""
    shown_at: int | None = 0
    """The event that shows the card, the first or the second; None: nobody shows one before the end."""
    vendor: bool = False
    """Whether every object holds the vendor's own data."""
    ended_by: str | None = None
    """Another card that ends it."""


def tellings() -> Iterator[Telling]:
    """All of them."""
    yield Telling("as it happened")
    yield Telling("the readings behind the end", (0, 1, 4, 2, 3))
    yield Telling("the end behind the beginning", (0, 4, 1, 2, 3))
    yield Telling("the end first", (4, 0, 1, 2, 3))
    yield Telling("backwards", (4, 3, 2, 1, 0))
    yield Telling("a reading before the beginning", (2, 0, 1, 3, 4))
    yield Telling("each event twice", (0, 0, 1, 1, 2, 2, 3, 3, 4, 4))
    yield Telling("all of it twice", (0, 1, 2, 3, 4, 0, 1, 2, 3, 4))
    yield Telling("the beginning once more behind the end", (0, 1, 4, 0))
    yield Telling("readings lost", (0, 1, 4))
    yield Telling("a seqNo that counts on", first_seq_no=40)
    yield Telling("told when it was over", late=True)
    yield Telling("told when it was over, and twice", (0, 1, 2, 3, 4, 4, 0), late=True)
    yield Telling("a boot before its end", boots_before=4)
    yield Telling("a boot before its second reading", boots_before=3)
    yield Telling("in kWh", reading=_in({"unit": "kWh"}, 1000.0))
    yield Telling("in thousands of Wh", reading=_in({"unit": "Wh", "multiplier": 3}, 1000.0))
    yield Telling("in tens of Wh, without a unit", reading=_in({"multiplier": 1}, 10.0))
    yield Telling("in thousandths of kWh", reading=_in({"unit": "kWh", "multiplier": -3}, 1.0))
    yield Telling("among other readings", reading=among_others)
    yield Telling("the second EVSE", evse=2)
    yield Telling("the second connector", connector=2)
    yield Telling("the second EVSE's second connector", evse=2, connector=2)
    yield Telling("an EVSE without a connector", evse=2, connector=None)
    yield Telling("the cable before the card", shown_at=1)
    yield Telling("the end before the card", (4, 0, 1, 2, 3), shown_at=1)
    yield Telling("no card", shown_at=None)
    yield Telling("data of the vendor's own everywhere", vendor=True)
    yield Telling("ended by another card", ended_by="X-ENDS-IT")


READINGS: dict[str, Reading] = {
    "plainly": plainly,
    "in kWh": _in({"unit": "kWh"}, 1000.0),
    "in thousands": _in({"unit": "Wh", "multiplier": 3}, 1000.0),
    "among others": among_others,
}


def drawn(rng: random.Random) -> Telling:
    """Mix what may make no difference; the order most of all."""
    order = [number for number in range(5) if number in (0, 4) or rng.random() < 0.8]
    order += [rng.choice(order) for _ in range(rng.randrange(3))]
    if rng.random() < 0.7:
        rng.shuffle(order)
    reading = rng.choice(sorted(READINGS))
    evse, connector, late = rng.choice((1, 2)), rng.choice((1, 1, 2, None)), rng.random() < 0.3
    return Telling(
        f"{' '.join(map(str, order))}, {reading}, EVSE {evse}, connector {connector}{', late' if late else ''}",
        tuple(order),
        first_seq_no=rng.choice((0, 0, 40)),
        reading=READINGS[reading],
        evse=evse,
        connector=connector,
        late=late,
        boots_before=rng.choice((None, None, 2, 4)),
        shown_at=rng.choice((0, 0, 1, None)),
        vendor=rng.random() < 0.2,
    )


async def one_drawn(session: Session, one: Telling, number: int) -> None:
    """Tell one transaction so, at a station of its own."""
    line, rng = session.line(f"E{number:02d}"), session.rng(f"event {number}")
    if not await session.arrive(line):
        return
    card, alone = session.cards.one(number)
    async with alone:
        await _one(session, line, one, uuids(rng)(), card, 10_000.0 * number)
    line.close()


async def events(session: Session) -> None:
    """Tell all of it."""
    await asyncio.gather(_tell(session), _side_by_side(session), *(_twin(session, n) for n in range(TWINS)))


async def _tell(session: Session) -> None:
    line, rng = session.line("TOLD", uuids(session.rng("told"))), uuids(session.rng("told ids"))
    if not await session.arrive(line):
        return
    session.observe("planned", part="events", count=len([*tellings()]))
    for number, one in enumerate(tellings()):
        card, alone = session.cards.one(number)
        async with alone:
            if not await _one(session, line, one, rng(), card, 10_000.0 * (1 + number)):
                return
        session.observe("planned.over", part="events")
    line.close()


async def _one(session: Session, line: Line, one: Telling, name: str, card: str, wh: float) -> bool:
    if one.late:
        line.cut()
        if not await come_back(session, line):
            return False
    said = made(one, name, card, wh, line)
    for number in one.order:
        if number == one.boots_before and (await session.boot(line)).word != "Accepted":
            return False
        await say(session, line, f"a transaction told so: {one.name}", "TransactionEvent", AsIs(said[number]))
        if not line.up and not await come_back(session, line):
            return False
    session.deed("events", one.name, line.station)
    return True


async def _side_by_side(session: Session) -> None:
    """Two EVSEs charge at once, and their events come by turns, under the same seqNos."""
    line, names = session.line("EVSES", uuids(session.rng("evses"))), uuids(session.rng("evse ids"))
    if not session.cards.plenty or not await session.arrive(line):
        return
    both = [
        made(Telling("side by side", evse=evse), names(), session.cards.another(), 500_000.0 * evse, line)
        for evse in (1, 2)
    ]
    for number in range(5):
        for said in both if number % 2 else reversed(both):
            await say(session, line, "two EVSEs that charge at once", "TransactionEvent", AsIs(said[number]))
    line.close()


async def _twin(session: Session, number: int) -> None:
    """A station that counts its transactions: its ids are its own, and other stations have them too (E01.FR.08)."""
    line = session.line(f"TWIN{number}")
    if not session.cards.plenty or not await session.arrive(line):
        return
    for count in (1, 2):
        wh = 1_000_000.0 * (1 + number) + 10_000.0 * count
        said = made(Telling("counted"), str(count), session.cards.another(), wh, line)
        for event in said:
            await say(session, line, "ids that a station counts", "TransactionEvent", AsIs(event))
            await asyncio.sleep(0.05)  # both stations are in the middle of it at the same time
    line.close()


def made(one: Telling, name: str, card: str, wh: float, line: Line) -> list[Payload]:
    """Return the five events of a transaction that began at a register of `wh` and charged 750 Wh."""
    began = line.now(OFFLINE_S if one.late else LASTED_S)
    shown: Payload = {"idToken": token(card)}
    first, second = (shown if one.shown_at == number else {} for number in (0, 1))
    ends = {"idToken": token(one.ended_by)} if one.ended_by is not None else shown if one.shown_at is not None else {}

    def event(number: int, kind: str, trigger: str, register_wh: float | None, **more: Any) -> Payload:
        at = (began + timedelta(seconds=number * LASTED_S / 5)).isoformat(timespec="milliseconds")
        at = at.replace("+00:00", "Z")
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        info = {"transactionId": name, **more.pop("info", {})}
        told: Payload = {"eventType": kind, "timestamp": at, "triggerReason": trigger}
        told |= {"seqNo": one.first_seq_no + number, "transactionInfo": info, **more}
        told |= {"meterValue": one.reading(register_wh, at, context)} if register_wh is not None else {}
        told |= {"offline": True} if one.late else {}
        return _with_vendor(told) if one.vendor else told

    place = {"id": one.evse} | ({"connectorId": one.connector} if one.connector is not None else {})
    charging, connected = {"chargingState": "Charging"}, {"chargingState": "EVConnected"}
    return [
        event(0, "Started", "Authorized" if first else "CablePluggedIn", wh, info=connected, evse=place, **first),
        event(1, "Updated", "Authorized" if second else "ChargingStateChanged", None, info=charging, **second),
        event(2, "Updated", "MeterValuePeriodic", wh + 300, info=charging),
        event(3, "Updated", "MeterValuePeriodic", wh + 600, info=charging),
        event(4, "Ended", "StopAuthorized", wh + 750, info={"stoppedReason": "Local"}, **ends),
    ]


def _with_vendor(told: Payload) -> Payload:
    """Return an event whose objects all hold data of a vendor, as each may."""
    own = {"customData": {"vendorId": "org.example.vendor", "note": {"deep": [1, "ü"]}}}
    readings = [{**one, **own, "sampledValue": [{**s, **own} for s in one["sampledValue"]]} for one in _list(told)]
    names = ("transactionInfo", "evse", "idToken")
    nested: Payload = {name: {**told[name], **own} for name in names if name in told}
    return {**told, **own, **nested, **({"meterValue": readings} if readings else {})}


def _list(told: Payload) -> list[Payload]:
    found: list[Payload] = told.get("meterValue", [])
    return found
