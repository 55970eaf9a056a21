"""Acknowledgements to stations: what a station may forget, the log remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.sent import USUAL, socket_versions
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame, content
from interlock.scenarios.record.history import History, Observation, station_of


@dataclass(slots=True)
class Reported:
    """What a station's CALL told: the fact it has to leave in the log, how many of it, and how to say so."""

    fact: Hashable
    count: int
    words: str


def _told(station: str, action: str, payload: dict[str, Any], reply: dict[str, Any]) -> Reported | None:
    """Return what the log must hold before this reply may leave, or None where it need hold nothing."""
    match action:
        case "StartTransaction" if "transactionId" in reply:
            number = str(reply["transactionId"])
            return Reported(("started", station, number), 0, f"TransactionStarted {number}")
        case "StopTransaction":
            number = str(payload.get("transactionId"))
            return Reported(("stopped", station, number), 0, f"TransactionStopped {number}")
        case "StatusNotification":
            fact = "status", station, payload.get("connectorId"), payload.get("status"), payload.get("errorCode")
            return Reported(fact, 1, f"StatusReported {fact[3]} of connector {fact[2]}")
        case "BootNotification":
            return Reported(("booted", station), 1, "Booted")
        case "MeterValues":
            count = len(payload.get("meterValue", ()))
            return Reported(("sampled", station, payload.get("transactionId") or 0), count, f"{count} MeterSampled")
    return None


def _kept(seen: Observation) -> list[Hashable]:
    """Return the facts that a stored event keeps, in the words of `_told`."""
    stream, data = seen.fields["stream"], seen.fields["data"]
    station = station_of(stream)
    if station is None:
        if seen.fields["type"] == "MeterSampled":
            station, _, number = stream.removeprefix("meter-").rpartition("-")
            return [("sampled", station, int(number))] if number.isdigit() else []
        return []
    match seen.fields["type"]:
        case "TransactionStarted":
            return [("started", station, data["transaction_id"])]
        case "TransactionStopped":
            return [("stopped", station, data["transaction_id"])]
        case "StatusReported":
            return [("status", station, data["evse"], data["status"], data["error_code"])]
        case "Booted":
            return [("booted", station)]
        case "AnomalyRecorded":
            # A stop that cannot be placed is kept as an anomaly that begins with the number it named.
            number = data["detail"].split(" ")[0].rstrip(":")
            return [("stopped", station, number)]
    return []


def _replies(history: History) -> Looked:
    looked, versions = Looked(), history.derive(socket_versions)
    calls: dict[tuple[str, int, str], tuple[Observation, Frame]] = {}
    kept: Counter[Hashable] = Counter()
    answered: Counter[Hashable] = Counter()
    timed: set[tuple[str, int]] = set()
    for seen in history.of_any("frame", "stored"):
        if seen.kind == "stored":
            kept.update(_kept(seen))
            continue
        edge = seen.fields["edge"]
        if edge not in ("csms.received", "csms.sent"):
            continue
        frame = seen.frame()
        if frame is None:
            continue
        socket = seen.fields["station"], seen.fields["socket"], frame.id
        if versions.get(socket[:2], USUAL) != USUAL:
            continue  # its words are read by I35
        if edge == "csms.received" and frame.kind == CALL:
            calls[socket] = seen, frame
        elif edge == "csms.sent" and frame.kind == CALLRESULT and socket in calls:
            received, call = calls[socket]
            if not (isinstance(call.payload, dict) and isinstance(frame.payload, dict)):
                continue
            told = _told(seen.fields["station"], call.action, call.payload, frame.payload)
            if told is None:
                continue
            looked.checked += 1
            if call.action == "MeterValues" or call.field("timestamp"):
                again = seen.fields["station"], content(call.payload)
                told.count = 0 if again in timed else told.count  # what has a time is kept once, however often told
                timed.add(again)
            answered[told.fact] += told.count
            if kept[told.fact] < max(1, answered[told.fact]):
                looked.violations.append(
                    Violation(
                        f"{call.action} {call.id} was answered before it was in the log",
                        f"{told.words} stored before the answer left",
                        f"answered at {seen.t:.3f} s, nothing stored by then",
                        seen.fields["station"],
                        story(received, seen),
                    )
                )
                answered[told.fact] -= told.count
    return looked


@invariant(
    "I30",
    "durable before ack",
    needs=lambda history: history.derive(_replies).scope,
    absent="no station was answered",
    frames=True,
    ref="OCPP 1.6 sections 4.8 and 4.10; Saltzer, Reed and Clark, End-to-End Arguments in System Design, 1984",
)
def durable_before_ack(history: History) -> Iterator[Violation]:
    """What a station reported is in the log before the CALLRESULT leaves that lets the station forget it.

    Starts, stops, meter values, status and boot. An answer that leaves first invites the crash that takes the only
    copy: the station has dropped the message from its queue, and the CSMS never wrote it down.
    """
    yield from history.derive(_replies).violations
