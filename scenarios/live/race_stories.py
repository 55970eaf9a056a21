"""One session of a station in many forms, which must not change what the CSMS answers.

Each `Relation` is one form of the same session: units, zones, white space, message ids, something in between, a message
told twice, a line that is cut behind any frame, a connection that stays half-open, a session that was offline. Every
story has a station of its own; answers are compared by the label of the step (`judge.race_checks`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from interlock.scenarios.live.line import Form, Line, Reply, compact, indented, turned
from interlock.scenarios.live.race_session import AT_ONCE, Ids, Session, counting, mixed, padded, signs, uuids

OFFLINE_S = 900.0
"""How long ago an offline session began."""
REASONS = (
    *("EmergencyStop", "EVDisconnected", "HardReset", "Other", "PowerLoss", "Reboot", "Remote", "SoftReset"),
    *("UnlockCommand", "DeAuthorized"),
)
STATUSES = (
    *("Available", "Unavailable", "Faulted", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"),
    "Reserved",
)
"""The first three are those of connector 0."""
ERRORS = (
    *("ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError", "NoError"),
    *("LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure"),
    *("PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal"),
)
TOLD = ("boot", "status", "authorize", "start", "meter", "stop", "heartbeat")
"""Steps behind which the line is cut."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One way to tell a session. What is not given is as in the plain story."""

    name: str
    form: Form = compact
    ids: str = "counting"
    zone_h: int | None = None
    """Hours of the offset from UTC; None: Z."""
    fraction: bool = True
    kwh: bool = False
    rich: bool = False
    """Many measurands and phases, vendor's fields where there is a place."""
    between: str | None = None
    """What is sent between any two steps."""
    again: str | None = None
    """Whether facts are told twice: "same id" or "new id"."""
    cut_at: str | None = None
    """The step behind which the line is lost."""
    heard: bool = False
    """Whether the CSMS has time to take the frame before the line is lost."""
    half_open: bool = False
    reboots: bool = False
    late: bool = False
    """Whether the session was offline and is told when it is over."""
    statuses: str = "usual"
    samples: int = 1
    """How often a sample stands in each meter value."""
    reserved: bool = False
    """Whether starts name a reservation."""
    reasons: bool = False
    """Whether stops have other reasons, and no card."""


def relations() -> Iterator[Relation]:
    """All relations, the plain story first."""
    yield Relation("plain")
    yield Relation("indented and escaped JSON", form=indented)
    yield Relation("keys in the opposite order", form=turned)
    yield Relation("message ids of 36 characters", ids="uuid")
    yield Relation("message ids of mixed case", ids="mixed")
    yield Relation("message ids with leading zeros", ids="padded")
    yield Relation("message ids with other signs", ids="signs")
    yield Relation("message ids that begin anew on each connection", ids="anew", cut_at="authorize", heard=True)
    yield Relation("times with an offset", zone_h=2)
    yield Relation("times without fractions", fraction=False)
    yield Relation("energy in kWh", kwh=True)
    yield Relation("many measurands and phases", rich=True)
    yield Relation("large meter values", samples=150)
    yield Relation("other reasons to stop, without a card", reasons=True)
    yield Relation("every status and error code", statuses="every")
    yield Relation("heartbeats in between", between="Heartbeat")
    yield Relation("DataTransfers in between", between="DataTransfer")
    yield Relation("statuses in between", between="StatusNotification")
    yield Relation("told twice under the same id", again="same id")
    yield Relation("told twice under a new id", again="new id", ids="uuid")
    yield Relation("reserved, told twice under a new id", reserved=True, again="new id", ids="uuid")
    yield Relation("no statuses", statuses="none")
    yield Relation("statuses in another order", statuses="shuffled")
    yield Relation("an offline session told late", late=True)
    yield Relation("an offline session told late and twice", late=True, again="new id", ids="uuid")
    for label in TOLD:
        yield Relation(f"line cut behind {label}, same id", cut_at=label)
        yield Relation(f"line cut behind {label} once it was heard, new id", cut_at=label, heard=True, ids="uuid")
    for label in ("start", "meter", "stop"):
        yield Relation(f"line half-open at {label}", cut_at=label, heard=True, half_open=True)
        yield Relation(f"power cut at {label}", cut_at=label, heard=True, reboots=True, ids="mixed")


async def tell(session: Session) -> None:
    """Tell every story, some at a time, in an order that the seed gives; the plain one first."""
    first, *others = relations()
    await Story(session, first, 0).run()
    session.rng("stories").shuffle(others)
    room = asyncio.Semaphore(AT_ONCE)
    session.observe("planned", part="stories", count=len(others) + 2)

    async def one(relation: Relation, number: int) -> None:
        async with room:
            if session.clock() < session.until:
                await Story(session, relation, number).run()

    await asyncio.gather(*(one(relation, number) for number, relation in enumerate([*others, first], 1)))


class Story:
    """One station that tells its session."""

    def __init__(self, session: Session, relation: Relation, number: int) -> None:
        self.session, self.relation = session, relation
        self.rng = session.rng(f"story {number}")
        self.line = session.line(f"S{number:02d}", _ids(relation.ids, self.rng), form=relation.form)
        self.number, self.meter_wh = number, 1000 + self.rng.randrange(1000)
        self._statuses: list[str] = []

    async def run(self) -> None:
        """Tell it."""
        session, relation, line = self.session, self.relation, self.line
        if not await session.enter(line):
            return
        model = "Säule" if relation.form is not compact else "Check"
        reply = await self._step(
            "boot", "BootNotification", {"chargePointVendor": "Interlock", "chargePointModel": model}
        )
        if reply.word in ("Pending", "Rejected"):
            reply = await session.boot(line)
        if reply.word != "Accepted":
            return
        session.deed("stories", "boot accepted", line.station)
        await self._report("Available", connectors=(0, 1, 2))
        card, alone = session.cards.one(self.number)
        async with alone:
            # Where cards are few and each is used by one station at a time, a story is about one of the connectors.
            for connector in (1, 2) if session.cards.plenty else (1 + self.number % 2,):
                await self._session(card, connector)
        await self._step("heartbeat", "Heartbeat", {})
        session.observe("planned.over", part="stories")
        line.close()

    async def _once_more(self, start: dict[str, Any], card: str) -> None:
        """Tell a start once more that was told while the CSMS may still have worked on the first one."""
        if self.relation.cut_at == "start":
            reply = await self.session.call(self.line, "StartTransaction", start, f"again-{self.line.ids()}"[:36])
            self.session.step(self.line, "session", self.relation.name, "start", reply.word, card=card)

    async def _session(self, card: str, connector: int) -> None:
        session, relation, line = self.session, self.relation, self.line
        began, ended = self._times()
        start_wh, stop_wh = self.meter_wh, self.meter_wh + 700
        self.meter_wh = stop_wh
        if not relation.late:
            await self._step("authorize", "Authorize", {"idTag": card}, card)
            await self._report("Preparing", connectors=(connector,))
        else:
            line.cut()
            await asyncio.sleep(0.05)
            if not await self._back():
                return
        start = {"connectorId": connector, "idTag": card, "meterStart": start_wh, "timestamp": self._time(began)}
        start |= {"reservationId": 1 + self.number} if relation.reserved else {}
        reply = await self._step("start", "StartTransaction", start, card)
        number = reply.field("transactionId")
        if type(number) is not int:
            return
        if reply.word == "Accepted":
            session.deed("stories", "session begun", line.station)
        await self._once_more(start, card)
        await self._report("Charging", connectors=(connector,))
        for share in (0.4, 0.8):
            at, wh = began + share * (ended - began), start_wh + int(share * 700)
            await self._step("meter", "MeterValues", self._meter(connector, number, at, wh))
        await self._report("Finishing", connectors=(connector,))
        stop: dict[str, Any] = {"transactionId": number, "meterStop": stop_wh, "timestamp": self._time(ended)}
        stop |= {"reason": self.rng.choice(REASONS)} if relation.reasons else {"idTag": card, "reason": "Local"}
        if relation.rich:
            stop["transactionData"] = self._meter(connector, number, ended, stop_wh)["meterValue"]
        if (await self._step("stop", "StopTransaction", stop, card)).frame is not None:
            session.deed("stories", "session ended", line.station)
        await self._report("Available", connectors=(connector,))

    # --- one step ---

    async def _step(self, label: str, action: str, payload: dict[str, Any], card: str | None = None) -> Reply:
        session, relation, line = self.session, self.relation, self.line
        if not line.up and not await self._back():
            return Reply(None, "closed")
        if relation.between is not None and label != "boot":  # a CSMS may refuse what comes before a boot
            await self._between(relation.between)
        name = line.ids()
        if relation.cut_at == label:
            line.send(action, payload, name)
            await self._lose_line()
            if not await self._back():
                return Reply(None, "closed")
            session.deed("recovery", f"told again behind a cut at {label}", line.station)
            name = name if relation.ids == "counting" else line.ids()
        reply = await session.call(line, action, payload, name)
        session.step(line, "session", relation.name, label, reply.word, card=card)
        if relation.again is not None and label in ("start", "meter", "stop", "status"):
            again = await session.call(line, action, payload, name if relation.again == "same id" else None)
            session.step(line, "session", relation.name, label, again.word, card=card)
            session.deed("stories", "told twice", line.station)
        return reply

    async def _between(self, action: str) -> None:
        payload: dict[str, Any] = {}
        if action == "DataTransfer":
            payload = {"vendorId": "org.example.interlock", "messageId": "note", "data": "ä"}
        elif action == "StatusNotification":
            payload = {"connectorId": 0, "status": "Available", "errorCode": "NoError"}
        reply = await self.session.call(self.line, action, payload)
        if action != "DataTransfer":  # which vendors it knows is its own affair
            label = "status" if action == "StatusNotification" else "heartbeat"
            self.session.step(self.line, "session", self.relation.name, label, reply.word)

    async def _lose_line(self) -> None:
        if self.relation.heard:
            await asyncio.sleep(self.rng.uniform(0.1, 0.4))
        if self.relation.half_open:
            self.line.half_open()
        else:
            self.line.cut()
        self.session.deed("recovery", "line lost", self.line.station)
        await asyncio.sleep(self.rng.uniform(0.0, 0.2))

    async def _back(self) -> bool:
        """Connect again, and boot where the station lost its power."""
        if not await self._dial():
            return False
        return not self.relation.reboots or (await self.session.boot(self.line)).word == "Accepted"

    async def _dial(self) -> bool:
        if self.relation.ids == "anew":
            self.line.ids = counting()
        return await come_back(self.session, self.line, gone=not self.relation.half_open)

    async def _report(self, status: str, connectors: tuple[int, ...]) -> None:
        kind = self.relation.statuses
        if kind == "none":
            return
        order = [*connectors]
        if kind == "shuffled":
            self.rng.shuffle(order)
            status = self.rng.choice(("Available", "Preparing", "Charging", "SuspendedEV", "Finishing"))
        for connector in order:
            payload = {"connectorId": connector, "errorCode": "NoError", "status": status if connector else "Available"}
            if self.relation.rich:
                payload |= {"vendorId": "org.example", "vendorErrorCode": "E-17", "info": "nothing wrong"}
            if kind == "every":
                payload |= {
                    "errorCode": self.rng.choice(ERRORS),
                    "status": self.rng.choice(STATUSES[: 9 if connector else 3]),
                }
            await self._step("status", "StatusNotification", payload)

    # --- what is said ---

    def _times(self) -> tuple[datetime, datetime]:
        now = self.line.now(OFFLINE_S if self.relation.late else 0.0)
        return now, now + timedelta(seconds=600 if self.relation.late else 2)

    def _time(self, at: datetime) -> str:
        hours = self.relation.zone_h
        at = at.astimezone(timezone(timedelta(hours=hours or 0)))
        text = at.isoformat(timespec="milliseconds" if self.relation.fraction else "seconds")
        return text if hours is not None else text.replace("+00:00", "Z")

    def _meter(self, connector: int, number: int, at: datetime, wh: int) -> dict[str, Any]:
        sample: dict[str, Any] = {"value": str(wh)}
        if self.relation.kwh:
            sample = {"value": f"{wh / 1000:.3f}", "unit": "kWh", "measurand": "Energy.Active.Import.Register"}
        samples = [sample]
        if self.relation.rich:
            for phase in ("L1", "L2", "L3"):
                samples.append({"value": "16.0", "unit": "A", "measurand": "Current.Import", "phase": phase})
                samples.append({"value": "229.9", "unit": "V", "measurand": "Voltage", "phase": f"{phase}-N"})
            samples.append({"value": "42", "unit": "Percent", "measurand": "SoC", "location": "EV"})
            sample |= {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
            self.rng.shuffle(samples)  # a CSMS that keeps a reading keeps all of it, whatever comes first
        samples *= self.relation.samples
        return {
            "connectorId": connector,
            "transactionId": number,
            "meterValue": [{"timestamp": self._time(at), "sampledValue": samples}],
        }


BACK_S = 20.0
"""How long a station tries to come back."""


async def come_back(session: Session, line: Line, *, gone: bool = True) -> bool:
    """Connect again; a CSMS may need a moment to see that the old connection is gone.

    `gone`: whether it can know that the old one is, so that it has no reason to let nobody in.
    """
    tried_until = session.clock() + BACK_S
    while not await line.dial():
        if session.clock() > tried_until:
            session.deed("recovery", "never let in again" if gone else "refused beside its old self", line.station)
            return False
        await asyncio.sleep(0.5)
    session.deed("recovery", "connected again", line.station)
    return True


def _ids(name: str, rng: random.Random) -> Ids:
    if name == "uuid":
        return uuids(rng)
    if name in ("mixed", "signs"):
        return mixed(rng) if name == "mixed" else signs(rng)
    return padded() if name == "padded" else counting()
