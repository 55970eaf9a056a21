"""What was so before and after each step of a story: on the CSMS's record, and physically at the station.

A fold over the observations of one station, which knows only the kinds it names: what it does not know changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.reports.belief import OUTCOMES
from interlock.reports.run import Row, clean
from interlock.reports.words import command_label

RECORD, PHYSICAL = "on record", "at the station"
ENTRIES = 14
"""Entries of a state that are shown; those that change come first."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the state around a step: whose knowledge, of what, before and after; None: nothing known."""

    whose: str
    what: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Return whether the step changed it."""
        return self.before != self.after


def around(rows: Sequence[Row], station: str | None, steps: Iterable[int]) -> dict[int, list[Change]]:
    """Return the state before and after each of the given observations, those that changed first."""
    wanted = set(steps)
    values: dict[Key, str] = {}
    subjects: dict[str, str] = {}
    found: dict[int, list[Change]] = {}
    last = max(wanted, default=-1)
    for row in rows[: last + 1]:
        i = int(row["i"])
        before = dict(values) if i in wanted else {}
        if row.get("station") == station or row.get("stream") == f"station-{station}":
            _apply(values, subjects, row)
        if i in wanted:
            changes = [Change(*key, before.get(key), values[key]) for key in values]
            found[i] = sorted(changes, key=lambda one: not one.changed)[:ENTRIES]
    return found


def _apply(values: dict[Key, str], subjects: dict[str, str], row: Row) -> None:
    match row["kind"]:
        case "stored":
            values[RECORD, "version"] = clean(row["version"], 20)
            data = row["data"] if isinstance(row.get("data"), dict) else {}
            _event(values, subjects, str(row["type"]), data)
        case "ledger":
            values[PHYSICAL, clean(f"{row['part']} {row['connector']}", 30)] = clean(row["action"], 30)
        case "socket.opened":
            values[PHYSICAL, "socket"] = clean(f"#{row['socket']} open", 30)
        case "socket.closed":
            values[PHYSICAL, "socket"] = clean(f"#{row['socket']} closed", 30)
        case "session.begun":
            values[PHYSICAL, clean(f"charging {row['connector']}", 30)] = clean(f"since {row['meter_wh']} Wh", 30)
        case "session.ended":
            values[PHYSICAL, clean(f"charging {row['connector']}", 30)] = clean(f"over: {row['energy_wh']} Wh", 30)
        case "voltage":
            values[PHYSICAL, "supply"] = clean(f"{row['volts']} V", 30)
        case "status":
            values[PHYSICAL, clean(f"status {row['connector']}", 30)] = clean(row["status"], 30)
        case "plugged" | "unplugged":
            values[PHYSICAL, clean(f"cable {row['connector']}", 30)] = row["kind"]


def _event(values: dict[Key, str], subjects: dict[str, str], kind: str, data: dict[str, Any]) -> None:
    command = str(data.get("command_id"))
    if kind == "CommandRequested" and isinstance(data.get("command"), dict):
        subjects[command] = clean(f"{data.get('request_id')}: {command_label(data['command'])}", 40)
        values[RECORD, subjects[command]] = "requested"
    elif kind in OUTCOMES and command in subjects:
        values[RECORD, subjects[command]] = OUTCOMES[kind]
    elif kind == "CameOnline":
        values[RECORD, "presence"] = "online"
    elif kind == "WentOffline":
        values[RECORD, "presence"] = "offline"
    elif kind == "StatusReported":
        place = clean(f"connector {data.get('evse')}.{data.get('connector')}", 40)
        values[RECORD, place] = clean(data.get("status"), 30)
    elif kind == "TransactionStarted":
        values[RECORD, clean(f"transaction {data.get('transaction_id')}", 50)] = f"open on {clean(data.get('evse'), 9)}"
    elif kind == "TransactionStopped":
        values[RECORD, clean(f"transaction {data.get('transaction_id')}", 50)] = "ended"
