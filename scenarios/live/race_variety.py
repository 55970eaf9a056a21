"""Valid messages that programs often mishandle: limits of lengths and numbers, times, samples.

Every message here is valid. Each answer is recorded with what is unusual about its message; by `judge.race_checks` none
may be an error, be missing, or end the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any

from interlock.scenarios.live.line import Line, Reply
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session, uuids
from interlock.scenarios.live.race_stories import ERRORS, REASONS, STATUSES, come_back

Message = tuple[str, str, dict[str, Any]]
"""What is unusual, the action, the payload."""
TALL_WH = 123_456_789
"""More than 24 bits, and more than a float of 32 bits tells apart."""
CONTEXTS = ("Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic", "Trigger")
DIAGNOSTICS = ("Idle", "Uploaded", "UploadFailed", "Uploading")
FIRMWARE = (*("Idle", "Downloading", "Downloaded", "DownloadFailed", "Installing", "Installed", "InstallationFailed"),)
MEASURANDS = (
    ("Energy.Active.Export.Register", "Wh"),
    ("Energy.Reactive.Import.Register", "varh"),
    ("Energy.Reactive.Import.Interval", "kvarh"),
    ("Energy.Active.Import.Interval", "kWh"),
    ("Power.Active.Import", "W"),
    ("Power.Offered", "kW"),
    ("Power.Reactive.Import", "kvar"),
    ("Power.Factor", None),
    ("Current.Offered", "A"),
    ("Temperature", "Celsius"),
    ("Temperature", "K"),
    ("SoC", "Percent"),
    ("Frequency", None),
    ("RPM", None),
)


async def variety(session: Session) -> None:
    """Say all of it: at one station what needs no session, at another one sessions that are out of the ordinary."""
    await asyncio.gather(_messages(session), _sessions(session))


async def say(session: Session, line: Line, what: str, action: str, payload: dict[str, Any]) -> Reply:
    """Say one thing, again where the line had ended, and note how it was answered."""
    if not line.up and not await come_back(session, line):
        return Reply(None, "closed")
    reply = await session.call(line, action, payload)
    if reply.word == "closed" and await come_back(session, line):
        reply = await session.call(line, action, payload)  # it may have ended for another reason
    why = line.ended if reply.word == "closed" else ""
    session.observe("variety", station=line.station, what=what, action=action, word=reply.word, why=why)
    return reply


# --- without a session ---


async def _messages(session: Session) -> None:
    line = session.line("VARIED", uuids(session.rng("varied")))
    if not await session.arrive(line):
        return
    for what, action, payload in _told(line):
        await say(session, line, what, action, payload)
    await _long_cards(session, line)
    line.close()


async def _long_cards(session: Session, line: Line) -> None:
    """Show cards like those that were accepted, as long as a card may be."""
    for _ in range(2 if session.cards.fresh else 0):
        card = session.cards.invent().ljust(20, "0")
        reply = await say(session, line, "a card of 20 characters", "Authorize", {"idTag": card})
        session.step(line, "unknown cards", "as long as may be", "authorize", reply.word, card=card)


def _told(line: Line) -> Iterator[Message]:
    yield from _boots()
    yield from _statuses(line)
    for card in ("0", "0000000000", "04a1b2c3d4e5f6", "a-b_c:d.e*f", "9" * 20, "O'Neill", 'a"b\\c', "<b>&%41+$"):
        yield f"the card {card}", "Authorize", {"idTag": card}
    yield from _readings(line)
    for action, words in (("DiagnosticsStatusNotification", DIAGNOSTICS), ("FirmwareStatusNotification", FIRMWARE)):
        for word in words:
            yield f"the status {word}", action, {"status": word}
    yield "a DataTransfer without data", "DataTransfer", {"vendorId": "org.example", "messageId": "m"}
    yield "a DataTransfer with nothing in it", "DataTransfer", {"vendorId": "org.example", "data": ""}
    vendor = {"vendorId": "v" * 255, "messageId": "m" * 50, "data": "x" * 4000}
    yield "a DataTransfer as long as may be", "DataTransfer", vendor
    yield "a DataTransfer with JSON in a text", "DataTransfer", {"vendorId": "org.example", "data": '{"a": [1, "ü"]}'}


def _boots() -> Iterator[Message]:
    least = {"chargePointVendor": "V", "chargePointModel": "M"}
    yield "a boot with no more than it needs", "BootNotification", least
    longest = {"chargePointVendor": "V" * 20, "chargePointModel": "M" * 20, "firmwareVersion": "f" * 50}
    longest |= {name: name[0] * 25 for name in ("chargePointSerialNumber", "chargeBoxSerialNumber")}
    longest |= {name: name[0] * 25 for name in ("meterType", "meterSerialNumber")}
    longest |= {"iccid": "8" * 20, "imsi": "2" * 20}
    yield "a boot with everything, as long as may be", "BootNotification", longest
    yield "a firmware's version with signs", "BootNotification", {**least, "firmwareVersion": "1.2.3-rc.4+5 (x/y); 'z'"}


def _statuses(line: Line) -> Iterator[Message]:
    free = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    for what, at in _times(line.now()):
        yield f"a status at {what}", "StatusNotification", {**free, "timestamp": at}
    quoted = {"info": 'can\'t; say "x" \\ <b>&', "vendorId": "o'neill", "vendorErrorCode": "%s"}
    yield "a status with quotes", "StatusNotification", {**free, **quoted}
    full = {"info": "i" * 50, "vendorId": "v" * 255, "vendorErrorCode": "e" * 50}
    yield "a status with everything", "StatusNotification", {**free, **full, "timestamp": next(_times(line.now()))[1]}
    yield "a status with an empty info", "StatusNotification", {**free, "info": ""}
    for connector in (3, 4, 12):
        yield f"connector {connector}", "StatusNotification", {**free, "connectorId": connector}
    for error in ERRORS:
        yield f"the error {error}", "StatusNotification", {**free, "errorCode": error, "status": "Faulted"}
    for status in STATUSES:
        yield f"the status {status}", "StatusNotification", {**free, "status": status}
    yield "a fault of the whole station", "StatusNotification", {**free, "connectorId": 0, "status": "Faulted"}
    yield "a status that is told again", "StatusNotification", free
    yield "a status that is told again", "StatusNotification", free


def times(text: str) -> Iterator[tuple[str, str]]:
    """The same moment in many legal words."""
    yield from _times(datetime.fromisoformat(text))


def _times(at: datetime) -> Iterator[tuple[str, str]]:
    """The same moment in many legal words."""
    plain = at.replace(microsecond=123456, tzinfo=None)
    yield "a time with three digits", plain.isoformat(timespec="milliseconds") + "Z"
    yield "a time with six digits", plain.isoformat(timespec="microseconds") + "Z"
    yield "a time with one digit", plain.isoformat(timespec="milliseconds")[:-2] + "Z"
    yield "a time without fractions", plain.isoformat(timespec="seconds") + "Z"
    for hours in (0.0, -8.0, 5.5, -3.5, 14.0):
        there = at.replace(microsecond=0).astimezone(timezone(timedelta(hours=hours)))
        yield f"a time with an offset of {hours:g} h", there.isoformat()


def _readings(line: Line) -> Iterator[Message]:
    at = next(_times(line.now()))[1]

    def of(*samples: dict[str, Any], connector: int = 1, times: int = 1) -> dict[str, Any]:
        return {"connectorId": connector, "meterValue": [{"timestamp": at, "sampledValue": list(samples)}] * times}

    energy = {"value": "1500", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}
    yield "a reading outside a session", "MeterValues", of(energy)
    strange = {**of(energy), "transactionId": 2_000_000_011}
    yield "a reading of a session that nobody knows", "MeterValues", strange
    yield "a reading of the whole station", "MeterValues", of({**energy, "context": "Sample.Clock"}, connector=0)
    for value in ("0", "0.0", "1500.25", "-12.5", "00150", "4294967296", "1500.123456"):
        yield f"a sample of {value}", "MeterValues", of({"value": value, "measurand": "Power.Active.Import"})
    yield "a sample without a name", "MeterValues", of({"value": "1500"})
    signed = {"value": "c2lnbmVk" * 40, "format": "SignedData", "context": "Transaction.End"}
    yield "signed data", "MeterValues", of({**energy, **signed})
    for context in CONTEXTS:
        yield f"a reading for {context}", "MeterValues", of({**energy, "context": context})
    for measurand, unit in MEASURANDS:
        sample = {"value": "12.5", "measurand": measurand} | ({"unit": unit} if unit else {})
        yield f"the measurand {measurand}", "MeterValues", of(sample)
    for location in ("Body", "Cable", "EV", "Inlet", "Outlet"):
        yield f"a reading at {location}", "MeterValues", of({**energy, "location": location})
    for phase in ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"):
        yield f"the phase {phase}", "MeterValues", of({**energy, "phase": phase})
    yield "40 readings in a message", "MeterValues", of(energy, times=40)


# --- sessions ---


def _kinds(line: Line) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What is unusual about a session, and the members of its start and stop that are so."""
    yield "a meter that begins at 0", {"meterStart": 0}, {"meterStop": 10}
    yield "a session without energy", {"meterStart": 500}, {"meterStop": 500}
    yield "a large meter", {"meterStart": TALL_WH}, {"meterStop": TALL_WH + 1}
    yield "a meter that was replaced", {"meterStart": 5000}, {"meterStop": 20}
    yield "a reservation that is over", {"reservationId": 0}, {}
    yield "a reservation that nobody knows", {"reservationId": 4711}, {}
    yield "a third connector", {"connectorId": 3}, {}
    for what, at in _times(line.now()):
        yield what, {"timestamp": at}, {"timestamp": at}
    for reason in (*REASONS, None):
        yield f"the reason {reason}" if reason else "no reason, no card", {}, {"reason": reason, "idTag": None}
    at = next(_times(line.now()))[1]
    sample = {"value": "1500", "context": "Transaction.Begin", "format": "Raw", "unit": "Wh"}
    data = [{"timestamp": at, "sampledValue": [sample] * 4}] * 30
    yield "a stop with 30 readings", {}, {"transactionData": data}
    yield "a stop with an empty list of readings", {}, {"transactionData": []}
    yield "another card at the end", {}, {"idTag": "X-ANOTHER"}
    yield "a session of last month", {"timestamp": _text(line, 31.0)}, {"timestamp": _text(line, 30.9)}
    yield "a session an hour ahead", {"timestamp": _text(line, -0.04)}, {"timestamp": _text(line, -0.05)}
    yield "a clock that was never set", {"timestamp": "1970-01-01T00:00:09Z"}, {"timestamp": "1970-01-01T00:09:00Z"}
    yield "a clock that was set in between", {"timestamp": "2000-01-01T00:00:09Z"}, {}
    yield "a clock that was set back in between", {}, {"timestamp": _text(line, 0.01)}


def _text(line: Line, days: float) -> str:
    return line.now(86400.0 * days).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _sessions(session: Session) -> None:
    line = session.line("UNUSUAL", uuids(session.rng("unusual")))
    if not await session.arrive(line):
        return
    for number in (-1, 0, 2**31 - 1):
        stop = stop_of(line, number, 100, None)
        await say(session, line, f"a stop of transaction {number}", "StopTransaction", stop)
    for number, (what, start, stop) in enumerate(_kinds(line)):
        card, alone = session.cards.one(number)
        async with alone if session.cards.accepted or session.cards.fresh else nullcontext():
            await _session(session, line, what, card, (start, stop), 1000 + 20 * number)
    await _never_stopped(session, line)
    await _refused(session, line)
    line.close()


async def _never_stopped(session: Session, line: Line) -> None:
    """Begin a session where another one was begun and never stopped: its stop may have got lost."""
    what = "a start where the last session was never stopped"
    for turn in range(2 if session.cards.plenty else 0):
        start = start_of(line, session.cards.another(), 1, 3000 + turn)
        reply = await say(session, line, what if turn else "a session that is never stopped", "StartTransaction", start)
    number = reply.field("transactionId") if session.cards.plenty else None
    if type(number) is int:
        await say(session, line, what, "StopTransaction", stop_of(line, number, 3100))


async def _refused(session: Session, line: Line) -> None:
    """Stop what was begun with a card that is not accepted, under the number it was given."""
    for number, (card, status) in enumerate(session.cards.known.items()):
        if status == "Accepted":
            continue
        what = f"a session that was refused: {status}"
        reply = await say(session, line, what, "StartTransaction", start_of(line, card, 1, 3200 + number))
        given = reply.field("transactionId")
        if type(given) is int:
            stop = stop_of(line, given, 3200 + number, card) | {"reason": "DeAuthorized"}
            await say(session, line, what, "StopTransaction", stop)


async def _session(
    session: Session, line: Line, what: str, card: str, odd: tuple[dict[str, Any], dict[str, Any]], meter_wh: int
) -> None:
    start, stop = odd
    begins = {**start_of(line, card, 1, meter_wh), **start}
    reply = await say(session, line, what, "StartTransaction", begins)
    session.step(line, "unusual sessions", what, "start", reply.word, card=card)
    number = reply.field("transactionId")
    if type(number) is not int:
        return
    ends = {**stop_of(line, number, meter_wh + 10, card), **stop}
    await say(session, line, what, "StopTransaction", {name: one for name, one in ends.items() if one is not None})
    if "energy" in what:
        meter = [{"timestamp": ends["timestamp"], "sampledValue": [{"value": "500", "context": "Transaction.End"}]}]
        late = {"connectorId": 1, "transactionId": number, "meterValue": meter}
        await say(session, line, "a reading of a session that has ended", "MeterValues", late)
