"""Transactions of OCPP 2.0.1 as their stations told them: the events of each, in the order of their seqNos.

Events may arrive late and twice: what they say together does not depend on it (E1.3.2, E13). A transaction is given
only where what it comes to is certain: one event began it and was the first to arrive, one ended it, and each was
answered. A station tells its events in the order in which they happened (E04), so a CSMS may leave alone what it is
told of a transaction that it does not know yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.scenarios.judge.race_record import Exchange, Record
from interlock.scenarios.record.domain_view import Observation

EVENTS = ("StartTransaction", "MeterValues", "StopTransaction")
"""What events are called in a record, by their types."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one transaction. `None`: it was not told. Energy in Wh."""

    station: str
    id: str
    connector: Any
    id_token: Any
    start_wh: Any
    stop_wh: Any
    started_at: Any
    at: tuple[int, ...]
    ends_wh: tuple[Any, ...] = ()
    """Where it was ended more than once: each meter of an end. Which of them counts, no clause says."""
    shown_late: bool = False
    """Whether the card was shown behind the beginning: then some have the card of the beginning on record, none."""

    def members(self, row: Observation | None) -> dict[str, Any]:
        """Return what has to be on record where this is."""
        names = ["connector", "id_token", "start_wh", "stop_wh"]
        if self.shown_late and (row is None or not row["id_token"]):
            names.remove("id_token")
        if row is not None and row["stop_wh"] in self.ends_wh:
            names.remove("stop_wh")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def told(record: Record) -> Iterator[Told]:
    """Return the transactions that were told as a whole, with cards that were accepted where one was shown."""
    events: dict[tuple[str, Any], list[Exchange]] = defaultdict(list)
    for one in record.of(*EVENTS):
        if one.newer and one.call.field("transactionId") is not None:
            events[one.station, one.call.field("transactionId")].append(one)
    for (station, id), every in events.items():
        whole = _whole(every)
        if whole is not None:
            yield _folded(station, str(id), whole)


def _whole(every: list[Exchange]) -> list[Exchange] | None:
    """Return the events in the order of their seqNos, each once; None where something about them is not certain."""
    if every[0].action != "StartTransaction":
        return None
    first: dict[Any, Exchange] = {}
    for one in every:
        known = first.setdefault(one.call.field("seqNo"), one)
        if _words(known) != _words(one):
            return None
        if known.result is None:
            first[one.call.field("seqNo")] = one
    if any(type(number) is not int or one.result is None for number, one in first.items()):
        return None
    ordered = [first[number] for number in sorted(first)]
    kinds = [one.action for one in ordered]
    refused = any(one.status not in (None, "Accepted") for one in ordered)
    once = kinds.count("StartTransaction") == kinds.count("StopTransaction") == 1
    return ordered if once and kinds[0] == "StartTransaction" and not refused else None


def _words(one: Exchange) -> tuple[Any, ...]:
    return one.action, {name: value for name, value in one.call.payload.items() if name != "offline"}


def _folded(station: str, id: str, ordered: list[Exchange]) -> Told:
    def first(name: str) -> Any:
        return next((value for one in ordered if (value := one.call.field(name)) is not None), None)

    starts = ordered[0]
    [stops] = [one for one in ordered if one.action == "StopTransaction"]
    wh = starts.call.field("meterStart"), stops.call.field("meterStop")
    at, began = (*starts.at, *stops.at), starts.call.field("timestamp")
    late = starts.call.field("idTag") is None
    return Told(station, id, first("connectorId"), first("idTag"), *wh, began, at, shown_late=late)
