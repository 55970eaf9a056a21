"""Acknowledgements to stations: a report that was answered, which the station therefore deletes, is in the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from interlock.scenarios.judge.invariants.calls_as_asked import rules_broken
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame, content
from interlock.scenarios.record.history import History, Observation, station_of


@dataclass(slots=True)
class Reported:
    """The fact that a station's CALL must leave in the log, how many of it, and its wording.

    `once` is the content of a fact with a time, which is stored once however often it is sent; None: each one counts.
    """

    fact: Hashable
    count: int
    words: str
    once: Hashable = None


def _told(station: str, call: Frame, reply: dict[str, Any]) -> list[Reported]:
    """Return what the log must hold before this reply may leave."""
    payload, action = call.payload, call.action
    once = content(payload) if action == "MeterValues" or payload.get("timestamp") else None
    match action:
        case "StartTransaction" if "transactionId" in reply:
            number = str(reply["transactionId"])
            return [Reported(("started", station, number), 0, f"TransactionStarted {number}")]
        case "StopTransaction":
            number = str(payload.get("transactionId"))
            return [Reported(("stopped", station, number), 0, f"TransactionStopped {number}")]
        case "TransactionEvent":
            return _told_of_a_transaction(station, payload)
        case "StatusNotification" if "connectorStatus" in payload:
            return _availability(station, payload.get("evseId"), payload.get("connectorId"), payload, once)
        case "StatusNotification":
            fact = "status", station, payload.get("connectorId"), 1, payload.get("status"), payload.get("errorCode")
            return [Reported(fact, 1, f"StatusReported {fact[4]} of connector {fact[2]}", once)]
        case "NotifyEvent":
            return [told for one in payload.get("eventData", ()) for told in _told_of_the_device(station, one)]
        case "BootNotification":
            return [Reported(("booted", station), 1, "Booted")]
        case "MeterValues":
            number = str(payload.get("transactionId") or 0)
            return _samples(station, number, payload, once)
    return []


def _told_of_a_transaction(station: str, payload: dict[str, Any]) -> list[Reported]:
    """OCPP 2.x: its start and its end stand once under its id, everything between under its number too."""
    number, seq_no = str(payload.get("transactionInfo", {}).get("transactionId")), payload.get("seqNo")
    values = payload.get("meterValue", ())
    samples = _samples(station, number, payload, (station, number, content(values))) if values else []
    match payload.get("eventType"):
        case "Started":
            return [Reported(("started", station, number), 0, f"TransactionStarted {number}"), *samples]
        case "Updated":
            fact = "updated", station, number, seq_no
            return [Reported(fact, 0, f"TransactionUpdated {seq_no} of {number}"), *samples]
        case "Ended":
            return [Reported(("stopped", station, number), 0, f"TransactionStopped {number}"), *samples]
    return samples


def _told_of_the_device(station: str, event: dict[str, Any]) -> list[Reported]:
    """OCPP 2.x: of an event of the device model, what tells how a connector is."""
    component, variable = event.get("component", {}), event.get("variable", {})
    names = str(component.get("name")).lower(), str(variable.get("name")).lower()
    evse, status = component.get("evse", {}), {"connectorStatus": event.get("actualValue")}
    if names != ("connector", "availabilitystate") or status["connectorStatus"] not in AVAILABILITY:
        return []
    once = content([evse, status, event.get("timestamp")])
    return _availability(station, evse.get("id"), evse.get("connectorId"), status, once)


AVAILABILITY = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
"""What an event may tell of a connector (OCPP 2.0.1 part 2, ConnectorStatusEnumType)."""


def _availability(station: str, evse: Any, connector: Any, payload: dict[str, Any], once: Hashable) -> list[Reported]:
    if not (evse and connector):
        return []  # of no connector that there can be
    fact = "status", station, evse, connector, payload["connectorStatus"], None
    return [Reported(fact, 1, f"StatusReported {fact[4]} of EVSE {evse}, connector {connector}", once)]


def _samples(station: str, number: str, payload: dict[str, Any], once: Hashable) -> list[Reported]:
    count = len(payload.get("meterValue") or ())
    if not count:
        return []
    return [Reported(("sampled", station, number), count, f"{count} MeterSampled", once)]


def _kept(seen: Observation) -> list[Hashable]:
    """Return the facts that a stored event keeps, in the words of `_told`."""
    stream, data = seen.fields["stream"], seen.fields["data"]
    station = station_of(stream)
    if station is None:
        if seen.fields["type"] == "MeterSampled":
            number = str(data["transaction_id"] or 0)
            return [("sampled", stream.removeprefix("meter-").removesuffix(f"-{number}"), number)]
        return []
    number = data.get("transaction_id")
    match seen.fields["type"]:
        case "TransactionStarted":
            return [("started", station, number), ("updated", station, number, data.get("seq_no"))]
        case "TransactionUpdated":
            return [("updated", station, number, data["seq_no"])]
        case "TransactionStopped":
            return [("stopped", station, number), ("updated", station, number, data.get("seq_no"))]
        case "StatusReported":
            place = data["evse"], data.get("connector", 1) or 1
            return [
                ("status", station, *place, data["status"], code) for code in dict.fromkeys((data["error_code"], None))
            ]
        case "Booted":
            return [("booted", station)]
        case "AnomalyRecorded":
            # A stop that cannot be placed is kept as an anomaly that begins with the number it named.
            number = data["detail"].split(" ")[0].rstrip(":")
            return [("stopped", station, number)]
    return []


def _replies(history: History) -> Looked:
    looked = Looked()
    calls: dict[tuple[str, int, str], tuple[Observation, Frame]] = {}
    kept: defaultdict[Hashable, int] = defaultdict(int)
    answered: defaultdict[Hashable, int] = defaultdict(int)
    timed: set[Hashable] = set()
    for seen, frame, got in history.csms_frames_and_stored:
        if seen.kind == "stored":
            for fact in _kept(seen):
                kept[fact] += 1
            continue
        if frame is None:
            continue
        socket = seen.fields["station"], seen.fields["socket"], frame.id
        if got and frame.kind == CALL:
            calls[socket] = seen, frame
        elif not got and frame.kind == CALLRESULT and socket in calls:
            received, call = calls[socket]
            if not (isinstance(call.payload, dict) and isinstance(frame.payload, dict)):
                continue
            try:
                all_told = _told(seen.fields["station"], call, frame.payload)
            except (AttributeError, TypeError):
                if not history.derive(rules_broken).get(received.i):
                    raise
                continue  # it breaks its schema so that nothing can be read of it
            for told in all_told:
                looked.checked += 1
                if told.once is not None:
                    again = seen.fields["station"], told.once
                    told.count = 0 if again in timed else told.count
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
    ref="OCPP 1.6 sections 4.8 and 4.10; OCPP 2.0.1 part 2, E04 and E12; "
    "Saltzer, Reed and Clark, End-to-End Arguments in System Design, 1984",
)
def durable_before_ack(history: History) -> Iterator[Violation]:
    """What a station reported is in the log before the CALLRESULT leaves that lets the station forget it.

    Starts, stops, meter values, status and boot. If the answer leaves first, a crash
    loses the only copy: the station has dropped the message from its queue, and the CSMS never stored it.
    """
    yield from history.derive(_replies).violations
