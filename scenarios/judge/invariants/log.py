"""The log: no gap, no duplicate, no partial batch, and everything that was acknowledged."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from interlock.scenarios.judge.invariants.declare import invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, LogEvent, Observation, canonical, station_of


def _facts(event: LogEvent) -> Iterator[tuple[Hashable, str]]:
    """Name what an event states, in every way that may stand in the log only once."""
    yield ("event", event.id), f"event id {event.id}"
    station, data = station_of(event.stream), event.data
    if station is None:
        return
    match event.type:
        case "TransactionStarted":
            number = data["transaction_id"]
            yield ("started", station, number), f"the start of transaction {number}"
            # What has no time is told by nothing from another that has none; what the station names, by its name.
            if data["started_at"] is not None and data.get("seq_no") is None:
                start = (data["evse"], data["id_token"], data["meter_start_wh"], data["started_at"])
                yield ("start", station, *start), f"a start at EVSE {start[0]} by {start[1]} at {start[2]} Wh"
        case "TransactionStopped":
            number = data["transaction_id"]
            yield ("stopped", station, number), f"the stop of transaction {number}"
        case "TransactionUpdated":
            number, message = data["transaction_id"], data["seq_no"]
            yield ("updated", station, number, message), f"message {message} of transaction {number}"
        case "ContradictingEvidence":
            fact = event.type, data["command_id"], data["observed"]
            yield fact, f"{event.type} of {fact[1]}: {fact[2]}"
        case type if type.startswith("Command"):
            yield (type, data["command_id"]), f"{type} of {data['command_id']}"


@invariant(
    "I06",
    "facts once",
    records="log",
    needs=lambda history: len(history.log),
    absent="nothing is in the log",
    rest=True,
    ref="OCPP 1.6 section 4.8: a station repeats a transaction message until it is answered",
)
def facts_once(history: History) -> Iterator[Violation]:
    """No fact stands twice in the log.

    Not the same event id, not the same step of the same command, not the same start or stop of a transaction - neither
    by its transaction id nor by what identifies it for the station: connector, token, meter and time. One that begins
    in the words of a transaction that has ended is another.
    """
    first: dict[Hashable, LogEvent] = {}
    began: dict[Hashable, Hashable] = {}
    for event in history.log:
        if event.type == "TransactionStopped":
            first.pop(began.pop((event.stream, event.data["transaction_id"]), None), None)
        for fact, words in _facts(event):
            if event.type == "TransactionStarted":
                began[event.stream, event.data["transaction_id"]] = fact
            if (before := first.setdefault(fact, event)) is not event:
                yield Violation(
                    f"{words} stands twice in {event.stream}",
                    "once",
                    f"at versions {before.version} and {event.version}",
                    station_of(event.stream),
                    story(before, event),
                )
                break


@invariant(
    "I08",
    "gapless versions",
    records="log",
    needs=lambda history: len(history.streams),
    absent="nothing is in the log",
    rest=True,
)
def gapless_versions(history: History) -> Iterator[Violation]:
    """The versions of each stream are 1, 2, 3 and so on.

    A version that is missing or used twice means that an expected version was not checked inside the store.
    """
    for stream, events in history.streams.items():
        for expected, event in enumerate(events, 1):
            if event.version != expected:
                yield Violation(
                    f"{stream} has version {event.version} where {expected} belongs",
                    f"version {expected}",
                    f"version {event.version}",
                    station_of(stream),
                    story(events[max(0, expected - 2) : expected]),
                )
                break


def _same(kept: Any, acked: Any) -> bool:
    return kept is acked or canonical(kept) == canonical(acked)


@invariant(
    "I09",
    "acknowledged append is durable",
    needs=lambda history: len(history.of("append.acked")),
    absent="no append was acknowledged",
    rest=True,
    ref="Saltzer, Reed and Clark, End-to-End Arguments in System Design, 1984",
)
def acked_append_durable(history: History) -> Iterator[Violation]:
    """Each event that the store acknowledged is in the log, at that version, byte for byte.

    It was overwritten, taken for another one that is already there, or acknowledged before it was durable.
    """
    for acked in history.of("append.acked"):
        events = acked.fields["events"]
        for version, event in enumerate(events, acked.fields["version"] - len(events) + 1):
            kept = history.events.get(event["id"])
            if kept is None:
                found = "it is not in the log"
            elif (kept.stream, kept.version) != (acked.fields["stream"], version):
                found = f"it is version {kept.version} of {kept.stream}"
            elif kept.type != event["type"] or not _same(kept.data, event["data"]):
                found = f"the log has {kept.type} {canonical(kept.data).decode()}"
            else:
                continue
            yield Violation(
                f"{event['type']} {event['id']} was acknowledged and is not in the log as it was",
                f"version {version} of {acked['stream']}: {event['type']} {canonical(event['data']).decode()}",
                found,
                station_of(acked.fields["stream"]),
                story(acked, kept, history.phase("rest") if kept is None else None),
            )


@invariant(
    "I10",
    "acknowledged command is durable",
    records="log",
    needs=lambda history: sum(seen["answer"] in ("accepted", "known") for seen in history.of("request.answered")),
    absent="no request was accepted",
    rest=True,
)
def acked_command_durable(history: History) -> Iterator[Violation]:
    """Each request that was answered with a command has that command in the log, under that request.

    A repeated request is answered as known, not refused. After "accepted for execution" the operator relies on it;
    after a power failure only the log has it.
    """
    by_request = {command.request_id: command for command in history.commands.values()}
    for answer in history.of("request.answered"):
        decided = by_request.get(answer["request_id"])
        if answer["answer"] == "refused" and decided is not None and decided.intent.i < answer.i:
            asked = history.requests[answer["request_id"], answer["attempt"]].asked
            if asked is not None and decided.intent.i < asked.i:
                yield Violation(
                    f"request {answer['request_id']} was refused, and is command {decided.command_id}",
                    f"known, as command {decided.command_id}",
                    f"refused: {answer['reason']}",
                    answer["station"],
                    story(decided.intent, asked, answer),
                )
        if answer["answer"] not in ("accepted", "known"):
            continue
        command = history.commands.get(answer["command_id"] or "")
        if command is None or command.request_id != answer["request_id"]:
            found = f"it belongs to request {command.request_id}" if command else "it is not in the log"
            yield Violation(
                f"request {answer['request_id']} was {answer['answer']} as command {answer['command_id']}",
                "CommandRequested of that command and request in the log",
                found,
                answer["station"],
                story(answer, command.intent if command else history.phase("rest")),
            )


def _wrote(history: History, append: Observation, event: LogEvent) -> bool:
    """Whether an append without an acknowledgement wrote an event. Facts have the same id whoever writes them."""
    stored = history.observations[event.i]
    return stored.kind == "stored" and stored.i < append.i and bool(stored["node"] == append["node"])


@invariant(
    "I22",
    "batches whole",
    needs=lambda history: len(history.of("append.acked")) + len(history.of("append.unconfirmed")),
    absent="nothing was appended",
    rest=True,
)
def batches_whole(history: History) -> Iterator[Violation]:
    """A batch is in the log entirely, in one piece and in order - or not at all.

    Also one whose acknowledgement was lost, if it is recorded who stored what. Half a batch is a fact without its
    consequence, and no retry can mend it.
    """
    for append in history.of_any("append.acked", "append.unconfirmed"):
        acked = append.kind == "append.acked"
        ids = [event["id"] for event in append.fields["events"]] if acked else append.fields["ids"]
        kept = [history.events.get(event_id) for event_id in ids]
        there = [event for event in kept if event is not None and (acked or _wrote(history, append, event))]
        if not there:
            continue
        versions = [event.version for event in there]
        whole = len(there) == len(ids) and versions == list(range(versions[0], versions[0] + len(ids)))
        if not whole or any(event.stream != append.fields["stream"] for event in there):
            yield Violation(
                f"a batch of {len(ids)} is torn in {append['stream']}",
                f"{len(ids)} events one after another, or none",
                f"{len(there)} of them, at versions {', '.join(map(str, versions))}",
                station_of(append.fields["stream"]),
                story(append, there),
            )
