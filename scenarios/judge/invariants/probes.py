"""Probes: how often a station was asked about a start of which nobody knows whether it happened."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.scenarios.judge.invariants.model import STORE_FAULTS
from interlock.scenarios.record.history import Command, History, LogEvent, seconds

EARLY_S, CROSSED_S = 0.05, 30.0
"""How exactly times are compared, and how long the decision to ask may take to be in the log: a late answer that came
in between is no reason to have waited.
"""


def _probes(history: History) -> dict[str, list[Command]]:
    """The probes that were sent about each command, by its id: a probe's request names it."""
    found: dict[str, list[Command]] = {}
    for probe in history.commands.values():
        if probe.request_id.startswith("probe:"):
            found.setdefault(probe.request_id.removeprefix("probe:").rpartition(":")[0], []).append(probe)
    return found


def probes_of(history: History, command: Command) -> Sequence[Command]:
    """Return the probes about a command, in the order they were decided."""
    return history.derive(_probes).get(command.command_id, ())


def asked_too_little(history: History, command: Command, since: LogEvent, event: LogEvent) -> tuple[str, str] | None:
    """Return (expected, found) where a start is given up before its station, which was there, was asked often enough.

    `since` is the step before: a station that came back behind it had to be waited for. What it told when it was asked
    is evidence, though nothing new for the log: its status in 1.6, the answer itself where it names the transaction.
    """
    most = history.rules.get("probes")
    if most is None or command.kind != "RemoteStart":
        return None
    stream = history.streams.get(command.intent.stream, ())
    presence = [one for one in stream if one.type in ("CameOnline", "WentOffline") and one.version <= event.version]
    away = not presence or presence[-1].type == "WentOffline" or presence[-1].i > since.i
    troubles = [seen for seen in history.of("fault.begun") if seen["fault"] in STORE_FAULTS]
    troubles += history.of_any("append.unconfirmed", "node.crashed", "node.broke", "node.stopping")
    if away or any(seen.i < event.i for seen in troubles):
        return None
    probes = [probe for probe in probes_of(history, command) if probe.intent.i < event.i]
    for probe in probes:
        for step, one in probe.steps:
            if step != "accepted" or one.i >= event.i:
                continue
            if one.data["status"] != "Accepted" or _told(history, command.station, probe.intent.i, event.i):
                return None
    asked = len(probes)
    return None if asked >= most else (f"asked {most} times before that", f"{asked} probes")


def untimely(history: History, probe: Command, about: Command) -> tuple[str, str] | None:
    """Return (expected, found) for a probe that is one too many, or sent before the start it asks about was due.

    A start whose answer is missing is due when an effect may no longer come late, an accepted one when the window for
    its transaction is over, however late it was accepted. Probe n follows n - 1 pauses.
    """
    most, probing_s = history.rules.get("probes"), history.rules.get("probing_s")
    number = probe.request_id.rpartition(":")[2]
    if not most or probing_s is None or about.kind != "RemoteStart" or not number.isdecimal():
        return None
    if int(number) > most:
        return f"{most} probes at the most", f"number {number}"
    before = [(step, event) for step, event in about.steps if event.i < probe.intent.i and step != "fulfilled"]
    if not before or "deadline" not in about.intent.data:
        return None
    step, event = before[-1]
    if step not in ("accepted", "in-doubt") or (step == "accepted" and probe.intent.at - event.at < CROSSED_S):
        return None
    due_s = event.at + history.rules.get("start_window_s", 0.0)
    if step == "in-doubt":
        due_s = seconds(about.intent.data["deadline"]) + history.rules.get("lateness_s", 0.0)
    due_s += (int(number) - 1) * probing_s / most
    return None if probe.intent.at >= due_s - EARLY_S else (f"not before {due_s:.3f} s", f"at {probe.intent.at:.3f} s")


def _told(history: History, station: str, after: int, before: int) -> bool:
    """Whether the CSMS read a status of a station between two observations; so it may have where no frame is kept."""
    return not history.of("frame") or any(
        after < seen.i < before and seen["station"] == station and "StatusNotification" in seen["text"]
        for seen in history.of("frame")
        if seen["edge"] == "csms.received"
    )
