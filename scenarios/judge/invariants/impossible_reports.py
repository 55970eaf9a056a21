"""A report that is impossible is stored with an anomaly beside it, and no other report is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import Model
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, LogEvent, station_of

BACKWARDS, SUPERSEDED, LATE = "meter ran backwards", "transaction superseded", "older transaction told late"
DIFFERENTLY, UNKNOWN, UNMETERED = (
    "transaction stopped differently",
    "stop of no known transaction",
    "transaction stopped without a meter",
)
BESIDE = (BACKWARDS, SUPERSEDED, LATE, UNMETERED)
"""Anomalies that stand right before the event they are about."""
Data = Mapping[str, Any]


class _Told:
    """A station's transactions as reported so far."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.model = Model(rules)
        self.starts: dict[str, Data] = {}
        self.stops: dict[str, Data] = {}

    @property
    def count(self) -> int:
        """Count the transactions that were told of."""
        return len({*self.starts, *self.stops, *self.model.told})

    def expected(self, event: LogEvent) -> list[tuple[str, str]]:
        """Return what has to stand before an event: the name of each anomaly, and its detail."""
        data = event.data
        id, found = str(data["transaction_id"]), []
        start = self.starts.get(id)
        if event.type == "TransactionStopped":
            before, after = (start or {}).get("meter_start_wh"), data["meter_stop_wh"]
            if before is not None and after is not None and after < before:
                found.append((BACKWARDS, f"{id}: {before} Wh, then {after} Wh"))
            if start is not None and after is None and data.get("seq_no") is None:
                found.append((UNMETERED, id))
        elif data.get("late"):
            found += [] if id in self.stops and data.get("seq_no") is not None else [(LATE, id)]
        elif data["evse"]:
            running = [one for one, evse in self.model.transactions.items() if evse == data["evse"] and one != id]
            found += [(SUPERSEDED, one) for one in running]
        return found

    def take(self, event: LogEvent) -> None:
        """Take the next event."""
        self.model.take(event.type, event.data)
        if event.type == "TransactionStarted":
            self.starts[str(event.data["transaction_id"])] = event.data
        elif event.type == "TransactionStopped":
            self.stops[str(event.data["transaction_id"])] = event.data


def _meant(history: History) -> Looked:
    looked = Looked()
    bounds = history.rules.get("bounds")
    for stream, events in history.streams.items():
        station = station_of(stream)
        if station is None:
            continue
        told, beside = _Told(history.station_rules(station)), list[LogEvent]()
        for event in events:
            if bounds is not None and told.count > bounds:
                break  # one of them may be forgotten
            if event.type == "AnomalyRecorded" and event.data["what"] in BESIDE:
                beside.append(event)
                continue
            if event.type in ("TransactionStarted", "TransactionStopped"):
                looked.checked += 1
                expected = told.expected(event)
                found = [(one.data["what"], one.data["detail"]) for one in beside]
                if sorted(found) != sorted(expected):
                    looked.violations.append(_differs(station, event, beside, expected, found))
            elif event.type == "AnomalyRecorded" and event.data["what"] in (DIFFERENTLY, UNKNOWN):
                looked.checked += 1
                looked.violations += _of_a_stop(station, event, told)
            elif beside:
                looked.violations.append(
                    _differs(station, event, beside, [], [("", one.data["what"]) for one in beside])
                )
            beside.clear()
            told.take(event)
    return looked


def _differs(
    station: str, event: LogEvent, beside: list[LogEvent], expected: list[tuple[str, str]], found: list[tuple[str, str]]
) -> Violation:
    return Violation(
        f"what cannot be so of {event.type} in {station} is not kept as it is",
        "; ".join(": ".join(one) for one in expected) or "no anomaly",
        "; ".join(": ".join(one) for one in found) or "no anomaly",
        station,
        story(beside, event),
    )


def _of_a_stop(station: str, event: LogEvent, told: _Told) -> Iterator[Violation]:
    detail = event.data["detail"]
    if event.data["what"] == DIFFERENTLY:
        id, _, change = detail.partition(": ")
        stop = told.stops.get(id)
        ended = stop["meter_stop_wh"] if stop is not None else "never stopped"
        if change.startswith(f"{ended} Wh, then ") and not change.endswith(f"then {ended} Wh"):
            return
        yield _differs(station, event, [event], [(DIFFERENTLY, f"{id}: {ended} Wh, then another")], [("", detail)])
    elif (id := detail.partition(" at ")[0]) in told.starts:
        yield _differs(station, event, [event], [("a stop of", id)], [(UNKNOWN, detail)])


@invariant(
    "I45",
    "what cannot be so is kept beside",
    records="log",
    needs=lambda history: history.derive(_meant).scope,
    absent="no transaction began or ended",
    rest=True,
    ref="OCPP 1.6 sections 4.8 and 4.10",
)
def impossible_is_kept(history: History) -> Iterator[Violation]:
    """A register that ran backwards, a start where another runs, a start told late, a second stop that differs.

    Each is acknowledged, and recorded beside the event it concerns, with its numbers, so that billing can consider it.
    A consistent session has no such anomaly.
    """
    yield from history.derive(_meant).violations
