"""Billing: the energy in the log is the energy that the meter counted, for both ways of naming a transaction.

Where the CSMS names transactions (OCPP 1.6), a session and the transaction on record are the same if connector, token
and the meter at the start are. Where the station does (OCPP 2.x), it says which sessions belong to which transaction:
one may hold several sessions of one cable, and outlasts them until the cable is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.rules import bill_differs
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import (
    History,
    LogEvent,
    Observation,
    Session,
    StationTransaction,
    station_of,
)

Key = tuple[str, int, str, int]
"""What identifies a charging session to both sides: station, connector, token, and the meter at its start."""
Name = tuple[str, str]
"""A station, and what a transaction of it is called."""


@dataclass(slots=True)
class Books:
    """The transactions in the log, and what stations could not deliver."""

    starts: dict[Name, list[LogEvent]] = field(default_factory=dict)
    stops: dict[Name, list[LogEvent]] = field(default_factory=dict)
    untold: set[Name | str] = field(default_factory=set)
    """Transactions of which a message was given up, and stations with messages to deliver or that lose theirs."""
    lossy: set[str] = field(default_factory=set)


def _books(history: History) -> Books:
    books = Books()
    for event in history.log:
        station = station_of(event.stream)
        if station is not None and event.type in ("TransactionStarted", "TransactionStopped"):
            told = books.starts if event.type == "TransactionStarted" else books.stops
            told.setdefault((station, event.data["transaction_id"]), []).append(event)
    books.lossy = {name for name, fixed in history.rules.get("stations", {}).items() if fixed.get("lossy")}
    books.untold |= books.lossy
    books.untold |= {seen["station"] for seen in history.of("outbox") if seen["pending"]}
    for seen in history.untold:
        number = seen.get("transaction_id")
        books.untold.add(seen["station"] if number is None else (seen["station"], number))
    return books


def _bills(history: History) -> Looked:
    looked, books = Looked(), history.derive(_books)
    if history.rules.get("fiction"):
        return looked
    naming = {station for station, _ in history.named_transactions}
    naming |= {seen["station"] for seen in history.of("transaction.unknown")}
    _named_by_the_csms(history, books, naming, looked)
    _named_by_stations(history, books, naming, looked)
    return looked


# --- transactions that the CSMS names --------------------------------------------------------------------------------


def _named_by_the_csms(history: History, books: Books, naming: set[str], looked: Looked) -> None:
    sessions: dict[Key, list[Session]] = {}
    for session in history.sessions:
        begun = session.begun
        if begun["station"] not in naming:
            key = begun["station"], begun["connector"], begun["id_token"], begun["meter_wh"]
            sessions.setdefault(key, []).append(session)
    starts: dict[Key, list[LogEvent]] = {}
    for (station, _), events in books.starts.items():
        for event in events if station not in naming else ():
            data = event.data
            starts.setdefault((station, data["evse"], data["id_token"], data["meter_start_wh"]), []).append(event)
    stops = {name: events for name, events in books.stops.items() if name[0] not in naming}
    for key in dict.fromkeys([*sessions, *starts]):
        station = key[0]
        happened, recorded = sessions.get(key, []), sorted(starts.get(key, []), key=lambda event: event.version)
        told = station not in books.untold
        if told or station in books.lossy or not happened:
            looked.checked += max(1, len(happened))
        else:
            looked.cut += len(happened)
        stopped = [stops.pop((station, start.data["transaction_id"]), []) for start in recorded]
        looked.violations += _judge(history, key, happened, recorded, stopped, told)
    for (station, transaction_id), events in stops.items():
        looked.violations.append(
            _violation(station, f"transaction {transaction_id} stopped and never started", "a start", "none", events)
        )


def _judge(
    history: History,
    key: Key,
    happened: list[Session],
    recorded: list[LogEvent],
    stopped: list[list[LogEvent]],
    told: bool,
) -> Iterator[Violation]:
    """Compare the sessions that look alike to both sides with the transactions recorded for them, in order."""
    station, connector, token, meter_wh = key
    who = f"the session of {token} on connector {connector} at {meter_wh} Wh"
    physical: list[Observation | LogEvent] = []
    for session in happened:
        physical += [session.begun, session.ended] if session.ended else [session.begun]
    if len(recorded) > len(happened) or (told and len(recorded) < len(happened)):
        found = f"{len(recorded)} TransactionStarted"
        yield _violation(station, f"{who} is billed wrongly", f"{len(happened)} started", found, [*physical, *recorded])
        return
    for start, ends in zip(recorded, stopped, strict=True):
        if len(ends) > 1:
            yield _violation(station, f"{who} has {len(ends)} stops", "one", f"{len(ends)}", [start, *ends])
    if not told:
        return
    for session, start, ends in zip(happened, recorded, stopped, strict=True):
        about: list[Observation | LogEvent] = [session.begun, start, *ends]
        about += [session.ended] if session.ended else []
        if session.ended is None:
            if ends:
                yield _violation(station, f"{who} has a stop and still runs", "no stop", "one", about)
            continue
        if not ends:
            yield _violation(station, f"{who} ended and has no stop", "one TransactionStopped", "none", about)
            continue
        start_wh, stop_wh = start.data["meter_start_wh"], ends[0].data["meter_stop_wh"]
        differs = bill_differs(session.ended["energy_wh"], session.ended["meter_wh"], start_wh, stop_wh)
        if differs is not None:
            yield _violation(station, f"{who} is billed wrongly", *differs, about)
        yield from _samples(history, station, who, start, ends[0])


# --- transactions that stations name ---------------------------------------------------------------------------------


def _named_by_stations(history: History, books: Books, naming: set[str], looked: Looked) -> None:
    happened = history.named_transactions
    for name, one in happened.items():
        told = books.untold.isdisjoint((name, name[0]))
        if told or name[0] in books.lossy:
            looked.checked += max(1, len(one.sessions))
        else:
            looked.cut += max(1, len(one.sessions))
        looked.violations += _compared(history, name, one, books.starts.get(name, []), books.stops.get(name, []), told)
    foreign = {(seen["station"], seen["transaction_id"]) for seen in history.of("transaction.unknown")}
    for name in dict.fromkeys([*books.starts, *books.stops]):
        station, transaction_id = name
        if station not in naming or name in happened:
            continue
        looked.checked += 1
        starts, stops = books.starts.get(name, []), books.stops.get(name, [])
        may = 1 if name in foreign else 0  # its end was told, by a station that had it from elsewhere
        if starts or len(stops) > may:
            found = f"{len(starts)} starts, {len(stops)} stops"
            what = f"transaction {transaction_id} is on record, and {station} never had it"
            looked.violations.append(_violation(station, what, f"0 starts, {may} stops", found, [*starts, *stops]))


def _compared(
    history: History,
    name: Name,
    one: StationTransaction,
    starts: list[LogEvent],
    stops: list[LogEvent],
    told: bool,
) -> Iterator[Violation]:
    """Compare a transaction as the station had it with what is on record under its name."""
    station, transaction_id = name
    who, begun, ended = f"transaction {transaction_id}", one.begun, one.ended
    physical: list[Observation | LogEvent] = [begun, *(session.begun for session in one.sessions)]
    physical += [] if ended is None else [ended]
    about = [*physical, *starts, *stops]
    may = 0 if ended is None else 1
    if len(starts) > 1 or (told and not starts):
        yield _violation(station, f"{who} has {len(starts)} starts on record", "one", f"{len(starts)}", about)
    if len(stops) > may or (told and len(stops) < may):
        what = f"{who} {'has ended' if may else 'is still open'} and has {len(stops)} stops on record"
        yield _violation(station, what, f"{may}", f"{len(stops)}", about)
    for start in starts[:1]:
        began = begun["connector"], _token(one), begun["meter_wh"]
        recorded = start.data["evse"], start.data["id_token"], start.data["meter_start_wh"]
        if began != recorded:
            what = f"the start of {who} is recorded wrongly"
            yield _violation(station, what, _words(*began), _words(*recorded), about)
    if not (len(starts) == len(stops) == may == 1) or ended is None:
        return
    delivered_wh = sum(session.ended["energy_wh"] for session in one.sessions if session.ended is not None)
    start_wh, stop_wh = starts[0].data["meter_start_wh"], stops[0].data["meter_stop_wh"]
    if start_wh is None or stop_wh is None:
        expected = f"{begun['meter_wh']} to {ended['meter_wh']} Wh"
        yield _violation(station, f"{who} has no reading on record", expected, f"{start_wh} to {stop_wh} Wh", about)
        return
    if (differs := bill_differs(delivered_wh, ended["meter_wh"], start_wh, stop_wh)) is not None:
        yield _violation(station, f"{who} is billed wrongly", *differs, about)
    yield from _samples(history, station, who, starts[0], stops[0])


def _token(one: StationTransaction) -> str | None:
    """Return the token a transaction began with, None for one that the cable alone began."""
    first = one.sessions[0].begun if one.sessions else None
    return first["id_token"] if first is not None and first.i < one.begun.i else None


def _words(evse: int, token: str | None, meter_wh: int | None) -> str:
    return f"EVSE {evse}, {token or 'no token'}, {meter_wh} Wh"


# --- both ------------------------------------------------------------------------------------------------------------


def _samples(history: History, station: str, who: str, start: LogEvent, stop: LogEvent) -> Iterator[Violation]:
    """The samples of a transaction lie between its start and its stop and never fall.

    Never in one order, as they were taken or as they arrived: clocks are set back, and a retried append comes late.
    """
    samples = [
        event
        for event in history.streams.get(f"meter-{station}-{start.data['transaction_id']}", ())
        if event.type == "MeterSampled" and event.data["energy_wh"] is not None
    ]
    low, high = start.data["meter_start_wh"] - ROUNDING_WH, stop.data["meter_stop_wh"] + ROUNDING_WH
    for sample in samples:
        if not low <= sample.data["energy_wh"] <= high:
            found = f"{sample.data['energy_wh']} Wh"
            yield _violation(station, f"a sample of {who} lies outside", f"{low} to {high} Wh", found, [start, sample])
            return
    told = [sample for sample in samples if not _began(sample)]
    arrived = [sample.data["energy_wh"] for sample in told]
    taken = [s.data["energy_wh"] for s in sorted(told, key=lambda s: str(s.data["sampled_at"]))]
    if _falls(arrived) and _falls(taken):
        yield _violation(station, f"the meter of {who} runs backwards", "never less", f"{taken}", [start, *samples])


def _began(sample: LogEvent) -> bool:
    """Whether it is the reading a transaction began with: its end tells that again, after all others."""
    return any(one.get("context") == "Transaction.Begin" for one in sample.data.get("readings") or ())


ROUNDING_WH = 1
"""A sample is rounded on its own, so it may differ from the register by this much."""


def _falls(readings: list[int]) -> bool:
    return any(later < earlier for earlier, later in pairwise(readings))


def _violation(
    station: str, message: str, expected: str, found: str, about: Sequence[Observation | LogEvent]
) -> Violation:
    return Violation(message, expected, found, station, story(about))


@invariant(
    "I24",
    "billing continuity",
    records="transactions",
    needs=lambda history: history.derive(_bills).scope,
    absent="nobody charged",
    rest=True,
    ref="OCPP 1.6 sections 3.9, 4.8 and 4.10; OCPP 2.0.1 part 2, E01 to E13",
)
def billing_continuity(history: History) -> Iterator[Violation]:
    """Each physical charging session is recorded with one start and, once over, one stop, with its exact energy.

    The meter never runs backwards in between, and nothing is billed that never happened. Where the station names its
    transactions (OCPP 2.x), this holds for each of these: its energy is that of all its sessions together, and it is
    over when the station ended it. For stations that still have messages to deliver or gave one up without an answer,
    and for those that lose theirs (rules: lossy), only what is recorded twice or invented counts.
    """
    yield from history.derive(_bills).violations
