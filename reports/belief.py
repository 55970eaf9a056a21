"""What the CSMS has on record beside the station's hardware, difference by difference."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.reports.run import Run, clean
from interlock.reports.words import command_label

OUTCOMES = {
    "CommandAccepted": "accepted",
    "CommandRejected": "rejected",
    "CommandInDoubt": "in-doubt",
    "CommandConfirmed": "confirmed",
    "CommandRefuted": "not done",
    "CommandUnknown": "unknown, for a person to decide",
    "CommandLapsed": "accepted, came to nothing",
    "CommandClosed": "closed by an operator",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """One thing: what the CSMS has on record, what is true, and whether the two disagree."""

    subject: str
    belief: str
    truth: str
    differs: bool


def requests(run: Run) -> list[Beside]:
    """Set each operator request's record beside what the hardware did for it."""
    asked: dict[str, str] = {}
    for row in run.of("request.asked"):
        asked.setdefault(row["request_id"], f"{command_label(row['command'])} on {row['station']}")
    request_of: dict[str, str] = {}
    outcome: dict[str, str] = {}
    for row in run.of("log"):
        data = row["data"]
        if row["type"] == "CommandRequested":
            request_of[data["command_id"]] = data["request_id"]
            outcome[data["command_id"]] = "asked, no outcome"
        elif row["type"] in OUTCOMES and data.get("command_id") in outcome:
            outcome[data["command_id"]] = OUTCOMES[row["type"]]
    called = {(row["station"], row["message_id"]): row["request_id"] for row in run.of("call")}
    moved: dict[str, int] = {}
    for row in run.of("ledger"):
        if row["by"] == "remote" and row["action"] in ("unlocked", "closed"):
            request = called.get((row["station"], row["message_id"]))
            if request is not None:
                moved[request] = moved.get(request, 0) + 1
    found = []
    for request, what in asked.items():
        recorded = [outcome[command] for command, of in request_of.items() if of == request]
        count = moved.get(request, 0)
        belief = ", ".join(recorded) or "nothing on record"
        truth = "nothing happened" if not count else "happened once" if count == 1 else f"happened {count} times"
        said_no = not recorded or all(one in ("rejected", "not done") for one in recorded)
        found.append(Beside(clean(f"{request}: {what}"), belief, truth, count > 1 or (count > 0 and said_no)))
    return found


def connectors(run: Run) -> list[Beside]:
    """Set what the CSMS thinks of each connector at rest beside the hardware, where there are few."""
    truths = {(row["station"], row["connector"]): row for row in run.of("truth")}
    found = []
    for row in run.of("belief"):
        true = truths.get((row["station"], row["connector"]))
        if true is None:
            continue
        transaction = row["transaction_id"]
        charging = "charging" if true["charging"] else "not charging"
        believed = f"{row['status'] or 'no status'}, " + ("charging" if transaction is not None else "not charging")
        if row["held"]:
            believed += ", held by a command"
        truth = f"{true['status']}, {charging}, lock {'closed' if true['locked'] else 'open'}"
        differs = (transaction is not None) != bool(true["charging"]) or (
            row["status"] is not None and true["online"] and row["status"] != true["status"]
        )
        found.append(
            Beside(clean(f"{row['station']} connector {row['connector']}"), clean(believed), clean(truth), differs)
        )
    return found


def uptime(run: Run) -> list[tuple[str, float, float]]:
    """Return each station's seconds online by the log, and the share of the run that is."""
    end_s = next((float(row["t"]) for row in reversed(run.rows) if row["kind"] == "phase"), float(run.rows[-1]["t"]))
    since: dict[str, float] = {}
    total: dict[str, float] = {}
    for row in run.of("log"):
        if row["type"] not in ("CameOnline", "WentOffline"):
            continue
        station = str(row["stream"]).removeprefix("station-")
        at_s = _seconds(row["data"]["at"])
        if row["type"] == "CameOnline":
            since[station] = at_s
        elif station in since:
            total[station] = total.get(station, 0.0) + at_s - since.pop(station)
    for station, at_s in since.items():
        total[station] = total.get(station, 0.0) + max(0.0, end_s - at_s)
    return [(station, seconds, seconds / end_s if end_s else 0.0) for station, seconds in sorted(total.items())]


def growth(run: Run) -> list[tuple[str, int]]:
    """Count the log's events by type, most first."""
    counts: dict[str, int] = {}
    for row in run.of("log"):
        counts[row["type"]] = counts.get(row["type"], 0) + 1
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _seconds(at: str) -> float:
    from datetime import UTC, datetime

    return (datetime.fromisoformat(at) - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()
