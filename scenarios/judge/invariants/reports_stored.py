"""What is stored is what was told: each fact in the log is a frame of the station, member by member, and vice versa."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.expected_facts import Fact, kept, misread, registers
from interlock.scenarios.judge.invariants.calls_as_asked import USUAL, facts_told, rules_broken, socket_versions
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame
from interlock.scenarios.record.history import History, LogEvent, Observation, seconds, station_of

AT_S = 0.001
"""Times are written in milliseconds."""
NAMED_BY_US = "TransactionStarted"
CARDED = ("TransactionStarted", "TransactionUpdated")
"""Events that keep how a card was answered."""
ODD = {
    "BootNotification": ("Booted",),
    "StatusNotification": ("StatusReported", "NoticeReceived"),
    "StartTransaction": ("TransactionStarted",),
    "StopTransaction": ("TransactionStopped", "MeterSampled"),
    "MeterValues": ("MeterSampled",),
    "NotifyEvent": ("StatusReported", "NoticeReceived"),
    "TransactionEvent": ("TransactionStarted", "TransactionUpdated", "TransactionStopped", "MeterSampled"),
}
"""The events that keep what each action tells. Those of a CALL that breaks its schema are what could be read of it:
from then on one of that station that nothing told in so many words may be that."""
Socket = tuple[str, int, str]
Place = tuple[str, Fact]
"""A station and a fact of it."""


def fact_station(stream: str, stations: Iterable[str], data: Mapping[str, Any]) -> str | None:
    """Return the station a stream keeps facts of, its meters' streams included: `meter-STATION-TRANSACTION`."""
    if not stream.startswith("meter-"):
        return station_of(stream)
    likely = stream[6:].removesuffix(f"-{data.get('transaction_id') or 0}")
    if likely in stations and stream.startswith(f"meter-{likely}-"):
        return likely
    return next((one for one in stations if stream.startswith(f"meter-{one}-")), None)


def _facts(history: History) -> Looked:
    """Go through frames and stored events in order: no fact before its frame, no answer before its fact."""
    looked, versions, all_told = Looked(), history.derive(socket_versions), history.derive(facts_told)
    heard: dict[Place, list[Observation]] = {}
    stored: defaultdict[Place, int] = defaultdict(int)
    named: set[tuple[Place, str, str]] = set()
    cards: dict[Place, tuple[int, str]] = {}
    calls: dict[Socket, tuple[Observation, Frame, list[Fact]]] = {}
    spoken: dict[str, str] = {}
    odd: set[tuple[str, str]] = set()
    beats: dict[str, int] = {}
    every = history.rules.get("heartbeats") == "every"
    breaks = history.derive(rules_broken)
    for seen, frame, received in history.csms_frames_and_stored:
        fields = seen.fields
        if seen.kind == "stored" and fields["type"] == "HeartbeatReceived":
            beats[fields["stream"]] = seen.i
            continue
        if seen.kind == "stored":
            station = fact_station(fields["stream"], spoken, fields["data"])
            if station is None:
                continue
            version = spoken.get(station, USUAL)
            fact = kept(fields["type"], fields["data"], version)
            if fact is not None and (station, fields["type"]) in odd and not _told_so(station, fact, heard, stored):
                continue
            if fact is not None:
                looked.checked += 1
                looked.violations += _stored(seen, station, fact, heard, stored)
                stored[station, fact] += 1
                if fact[0] == NAMED_BY_US:
                    started = fields["data"]
                    named.add(((station, fact), str(started["transaction_id"]), started["status"]))
                if fact[0] in CARDED:
                    cards[station, fact] = seen.i, fields["data"]["status"]
            continue
        if frame is None or not frame.strict:
            continue
        station, socket = fields["station"], (fields["station"], fields["socket"], frame.id)
        if received and frame.kind == CALL and isinstance(frame.payload, dict):
            spoken[station] = versions.get((station, fields["socket"]), USUAL)
            if breaks[seen.i]:
                odd |= {(station, type) for type in ODD.get(frame.action, ("NoticeReceived",))}
                continue
            facts = all_told[seen.i]
            calls[socket] = seen, frame, facts
            for fact in facts:
                heard.setdefault((station, fact), []).append(seen)
        elif not received and frame.kind == CALLRESULT and (asked := calls.get(socket)) is not None:
            if asked[2]:
                looked.violations += _answered(seen, frame, station, *asked, stored, named)
            if every and asked[1].action == "Heartbeat":
                looked.violations += _uncounted(seen, station, asked[0], beats)
            if cards and asked[2]:
                looked.violations += _other_card(seen, frame, station, *asked, cards)
    return looked


def _uncounted(seen: Observation, station: str, received: Observation, beats: Mapping[str, int]) -> Iterator[Violation]:
    if beats.get(f"station-{station}", -1) < received.i:
        yield Violation(
            f"a heartbeat of {station} was answered and is not in the log",
            "HeartbeatReceived, as it is set",
            "none since it was heard",
            station,
            story(received, seen),
        )


def _told_so(station: str, fact: Fact, heard: Mapping[Place, list[Observation]], stored: Mapping[Place, int]) -> bool:
    return len(heard.get((station, fact), ())) > stored.get((station, fact), 0)


def _stored(
    seen: Observation,
    station: str,
    fact: Fact,
    heard: Mapping[Place, list[Observation]],
    stored: Mapping[Place, int],
) -> Iterator[Violation]:
    """Compare a stored event with the frames that came before it."""
    type, data = seen["type"], seen["data"]
    if type == "MeterSampled" and (wrong := misread(data)):
        yield Violation(
            f"a sample of {station} is not what its readings say: {', '.join(name for name, _, _ in wrong)}",
            "; ".join(f"{name} {expected}" for name, expected, _ in wrong),
            "; ".join(f"{name} {found}" for name, _, found in wrong),
            station,
            story(seen),
        )
    frames = heard.get((station, fact), [])
    if len(frames) <= stored.get((station, fact), 0):
        nearest = [place for place in heard if place[0] == station and place[1][0] == type]
        yield Violation(
            f"{type} of {station} is not what the station told" if not frames else f"{type} of {station} is kept twice",
            f"{_shown(nearest[-1][1]) if nearest else 'nothing'}, told {len(frames)} times like this",
            f"{_shown(fact)}, kept {stored.get((station, fact), 0) + 1} times",
            station,
            story(heard[nearest[-1]][-1:] if nearest else None, seen),
        )
        return
    yield from _other_register(seen, station, frames)
    if "at" in data and not frames[0].t - AT_S <= seconds(data["at"]) <= seen.t + AT_S:
        yield Violation(
            f"{type} of {station} is dated wrongly",
            f"between {frames[0].t:.3f} s, when it was told, and {seen.t:.3f} s, when it was stored",
            f"{seconds(data['at']):.3f} s",
            station,
            story(frames[0], seen),
        )


REGISTER = {
    "TransactionStarted": ("meter_start_wh", "Transaction.Begin", 0),
    "TransactionStopped": ("meter_stop_wh", "Transaction.End", -1),
}
"""Where the register of a session of 2.0.1 is, among its meter values, and which of several it is."""


def _other_register(seen: Observation, station: str, frames: list[Observation]) -> Iterator[Violation]:
    """Compare the register that a session of 2.0.1 is billed by with the meter values it came with."""
    data = seen["data"]
    if data.get("seq_no") is None or seen["type"] not in REGISTER:
        return
    name, context, which = REGISTER[seen["type"]]
    frame = frames[0].frame()
    found = registers(frame.payload, context) if frame is not None else None
    if found is None:
        return
    expected = found[which] if found else None
    if data[name] != expected:
        yield Violation(
            f"{seen['type']} of {station} has another register than its meter values say",
            f"{name} {expected}",
            f"{name} {data[name]}",
            station,
            story(frames[0], seen),
        )


def _answered(
    seen: Observation,
    frame: Frame,
    station: str,
    received: Observation,
    call: Frame,
    facts: list[Fact],
    stored: Mapping[Place, int],
    named: set[tuple[Place, str, str]],
) -> Iterator[Violation]:
    """See that all an answered CALL told is in the log by then. A stop may contradict what is there: I30 sees to it."""
    for fact in facts:
        if fact[0] == "TransactionStopped":
            continue
        there = stored.get((station, fact), 0) > 0
        if there and fact[0] != NAMED_BY_US:
            continue
        number = frame.field("transactionId")
        if there and call.action == "StartTransaction":
            there = ((station, fact), str(number), _word(frame)) in named
        if not there and fact[0] == "TransactionStarted" and call.action == "TransactionEvent":
            # A second start of a transaction is the first one told again, whatever else it says.
            there = any(place[0] == station and _session(place[1]) == _session(fact) for place in stored)
        if not there:
            which = f" under number {number}, its card {_word(frame)}" if call.action == "StartTransaction" else ""
            yield Violation(
                f"{call.action} {call.id} was answered and what it told is not in the log",
                f"{_shown(fact)}{which}",
                "no such event stored before the answer left",
                station,
                story(received, seen),
            )


def _session(fact: Fact) -> object:
    return fact[1][0] if fact[0] == "TransactionStarted" and isinstance(fact[1], tuple) else None


def _other_card(
    seen: Observation,
    frame: Frame,
    station: str,
    received: Observation,
    call: Frame,
    facts: list[Fact],
    cards: Mapping[Place, tuple[int, str]],
) -> Iterator[Violation]:
    """Compare how a card was answered with what was stored of it for this CALL: told again, it may have changed."""
    word = _word(frame)
    for fact in facts:
        at, status = cards.get((station, fact), (-1, ""))
        if word and at > received.i and status != word:
            yield Violation(
                f"{call.action} {call.id} was answered otherwise than it is on record",
                f"the card {word}",
                f"{fact[0]} says {status}",
                station,
                story(received, seen),
            )


def _word(frame: Frame) -> str:
    info = frame.field("idTagInfo") or frame.field("idTokenInfo")
    return str(info.get("status")) if isinstance(info, dict) else ""


def _shown(fact: Fact) -> str:
    return f"{fact[0]} of {', '.join('none' if one is None else str(one) for one in fact[1])}"[:300]


@invariant(
    "I35",
    "what is stored was told",
    records="log",
    needs=lambda history: history.derive(_facts).scope,
    absent="nothing a station told is in the log",
    frames=True,
    ref="OCPP 1.6 section 4",
)
def stored_is_told(history: History) -> Iterator[Violation]:
    """Each fact in the log is what a frame of that station said, member by member, as often as it was said.

    Boot, status, start, stop, meter samples and notices: connector, status, error code, token, transaction, register,
    reason, the station's own time, each reading with its unit; and the numbers of a sample are what its readings say,
    in the unit they say it in. What was answered is there entirely, under the transaction's number and with
    the card's status that were given. And a fact is dated when it was told.
    """
    yield from history.derive(_facts).violations


# --- what facts say of each other ------------------------------------------------------------------------------------


def _tied(history: History) -> Looked:
    looked = Looked()
    starts: dict[tuple[str, str], LogEvent] = {}
    places: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for event in history.log:
        station, data = station_of(event.stream), event.data
        if station is None or event.type not in ("TransactionStarted", "TransactionUpdated", "TransactionStopped"):
            continue
        key = station, data["transaction_id"]
        named, start = set(places[key]), starts.get(key)
        places[key].add(data["evse"])
        if event.type == "TransactionUpdated":
            continue
        if event.type == "TransactionStarted":
            starts[key] = event
            if data["command_id"] is not None:
                looked.checked += 1
                looked.violations += _not_its_command(history, station, event)
        elif start is not None and start.data["evse"]:
            looked.checked += 1
            if data["evse"] not in named:
                looked.violations.append(
                    Violation(
                        f"transaction {data['transaction_id']} ended at another EVSE than it began",
                        f"EVSE {start.data['evse']}",
                        f"EVSE {data['evse']}",
                        station,
                        story(start, event),
                    )
                )
    for (station, transaction), start in starts.items():
        for sample in history.streams.get(f"meter-{station}-{transaction}", ()):
            looked.checked += 1
            # A station may name two: a sample is at the one that was known when it came.
            if start.data["evse"] and sample.data["evse"] not in {0, *places[station, transaction]}:
                looked.violations.append(
                    Violation(
                        f"a sample of transaction {transaction} is kept for another EVSE than it runs at",
                        f"EVSE {start.data['evse']}",
                        f"EVSE {sample.data['evse']}",
                        station,
                        story(start, sample),
                    )
                )
                break
    return looked


def _not_its_command(history: History, station: str, event: LogEvent) -> Iterator[Violation]:
    command = history.commands.get(event.data["command_id"])
    data = event.data
    started: dict[str, Any] = {"kind": "RemoteStart", "station": station}
    found: dict[str, Any] = {"kind": "no command", "station": station}
    if command is not None:
        found = {"kind": command.kind, "station": command.station}
        if command.kind == "RemoteStart" and data.get("seq_no") is None:
            started |= {"evse": data["evse"], "token": str(data["id_token"]).lower()}
            found |= {"evse": command.asked["evse"], "token": str(command.asked["id_token"]).lower()}
    if found != started:
        yield Violation(
            f"transaction {data['transaction_id']} is put down to a command that did not ask for it",
            ", ".join(f"{name} {value}" for name, value in started.items()),
            ", ".join(f"{name} {value}" for name, value in found.items()),
            station,
            story(command.intent if command else None, event),
        )


@invariant(
    "I36",
    "a transaction's facts agree",
    records="log",
    needs=lambda history: history.derive(_tied).scope,
    absent="no transaction ended or was asked for",
    rest=True,
)
def transactions_agree(history: History) -> Iterator[Violation]:
    """A transaction ends and is metered where it began, and one put down to a remote start is what that asked for.

    The stop of 1.6 names no connector: whoever keeps it has to know. And a session of another card, or on another
    connector, does not fulfil a start.
    """
    yield from history.derive(_tied).violations
