"""Checks of connections: a station admitted before is admitted again, and no valid message ends or blocks one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.scenarios.judge.race_record import Record
from interlock.scenarios.judge.verdict import Level, Violation

Found = tuple[int, list[Violation]]
UNANSWERED = ("closed", "no answer")
MAY_HANG_UP = "silent"
"""How a station answers, where a CSMS may give its connection up."""


def own_calls(record: Record, run: Mapping[str, Any]) -> Found:
    """A station that answers a CALL of the CSMS late, with an error or a refusal is answered as before.

    Judged only where the CSMS called; it may give up a connection on which it is never answered.
    """
    checked, found = 0, list[Violation]()
    for beat in record.noted["own calls"]:
        if not beat["calls"]:
            continue
        checked += 1
        given_up = beat["how"] == MAY_HANG_UP and beat["word"] == "closed"
        if (beat["word"] in UNANSWERED and not given_up) or beat["word"].startswith("CALLERROR"):
            what = f"a heartbeat beside {beat['calls'][-1]}, to which the answer is: {beat['how']}"
            told = beat["word"] + (f", {beat['why']}" if beat["why"] else "")
            found.append(Violation(what, "an answer", told, beat["station"], (beat.i,)))
    return checked, found


def let_in(record: Record, run: Mapping[str, Any]) -> Found:
    """A station is let in and served while no more than half as many connections are open as were before.

    So it is no limit of how many there may be at a time; the tries go on for some seconds, so it is none of how fast.
    """
    checked, found = len(record.noted["door"]), list[Violation]()
    for door in record.noted["door"]:
        if door["word"] != "let in" and 2 * door["open"] <= door["most"]:
            what = f"a station was not let in beside {door['open']} others, where {door['most']} had been at a time"
            found.append(Violation(what, "a connection", door["why"] or "none", door["station"], (door.i,)))
    return checked, found


def pongs(record: Record, run: Mapping[str, Any]) -> Found:
    """A WebSocket ping is answered with a pong within seconds, and the connection on which it came lives on."""
    checked, found = 0, list[Violation]()
    for ping in record.noted["ping"]:
        checked += 1
        if not ping["answered"]:
            why = ping["why"] or "none in 10 s"
            found.append(Violation("a ping was not answered", "a pong", why, ping["station"], (ping.i,)))
    return checked, found


LINE_CHECKS: dict[str, tuple[str, Level, Callable[[Record, Mapping[str, Any]], Found]]] = {
    "R16": ("stations that answer otherwise are served", "MUST", own_calls),
    "R17": ("stations are let in", "MUST", let_in),
    "R18": ("pings are answered", "MUST", pongs),
}
"""Names, levels and checks by id."""
