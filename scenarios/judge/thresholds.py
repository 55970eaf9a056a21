"""Bounds on the response times of a load test, such as `p95(StartTransaction.answer)<200ms`.

    statistic(ACTION.FIGURE) < VALUE        p50, p90, p95, p99, p99.9, mean, max in ms or s; failed in %

`answer` counts from when a call was sent, `due` from when it was due; `answer` is meant where neither stands there. A
bound is an upper bound, whichever way its sign points: no response time is to be longer than something.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.scenarios.judge.verdict import Finding, Verdict, Violation
from interlock.scenarios.record.distribution import PERCENTILES, key_of

FIGURES = ("answer", "due")
TIMES = {f"p{one:g}": key_of(one) for one in PERCENTILES} | {"mean": "mean_ms", "max": "max_ms"}
FAILED = "failed"
STATISTICS = (*TIMES, FAILED)
ALL = "all"
"""Every call of a station together."""
ACTIONS = (
    *("Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification"),
    *("FirmwareStatusNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification"),
    *("StopTransaction", "SecurityEventNotification", "connect", ALL),
)
"""What a station of a load test may send, opening a connection, and all its calls."""
COMMANDS = (
    *("UnlockConnector", "RemoteStartTransaction", "RemoteStopTransaction", "TriggerMessage", "ChangeAvailability"),
    *("GetConfiguration", "ChangeConfiguration", "ClearCache", "Reset"),
)
"""What operators of a load test ask for."""
_FORM = re.compile(r"(?P<what>[\w.]+)\((?P<about>[\w.]+)\)(?P<sign>[<>]=?)(?P<value>\d+(?:\.\d*)?)(?P<unit>ms|s|%)")


class NoThreshold(ValueError):
    """A text that is not a bound; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """An upper bound: of a time in milliseconds, or of the share of calls that failed, in percent."""

    statistic: str
    action: str
    figure: str
    limit: float

    def __str__(self) -> str:
        if self.statistic == FAILED:
            return f"{FAILED}({self.action}) < {self.limit:g} %"
        return f"{self.statistic}({self.action}.{self.figure}) < {self.limit:g} ms"


def parse(text: str) -> Threshold:
    """Parse a bound. Raises `NoThreshold`."""
    found = _FORM.fullmatch(re.sub(r"\s", "", text))
    if found is None:
        raise NoThreshold(f"{text!r} is no bound; they look like p95(StartTransaction.answer)<200ms or failed(all)<1%")
    statistic, (action, _, figure) = found["what"], found["about"].partition(".")
    if statistic not in STATISTICS:
        raise NoThreshold(f"{text!r}: there is no figure {statistic!r}{_near_percentile(statistic)}")
    if action not in (*ACTIONS, *COMMANDS):
        raise NoThreshold(f"{text!r}: no action is called {action!r}{_near(action, (*ACTIONS, *COMMANDS))}")
    if figure and figure not in FIGURES:
        raise NoThreshold(f"{text!r}: there is no figure {figure!r}{_near(figure, FIGURES)}")
    if (statistic == FAILED) != (found["unit"] == "%"):
        raise NoThreshold(f"{text!r}: a share that failed is in %, a time in ms or s")
    return Threshold(
        statistic, action, figure or "answer", float(found["value"]) * (1000.0 if found["unit"] == "s" else 1.0)
    )


def _near(word: str, known: Sequence[str]) -> str:
    lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, 0.5)
    return f"; did you mean {lower[near[0]]}?" if near else f"; there are {', '.join(known)}"


def _near_percentile(word: str) -> str:
    number = re.fullmatch(r"p(\d+(?:\.\d+)?)", word)
    if number is None:
        return _near(word, STATISTICS)
    return f"; did you mean p{min(PERCENTILES, key=lambda one: abs(one - float(number[1]))):g}?"


def judge(thresholds: Iterable[Threshold], calls: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for each bound, T01 on, from the rows of `calls.json`. A figure of no calls is INCONCLUSIVE."""
    rows = {row["name"]: row for row in calls}
    return [_finding(f"T{number:02d}", one, rows.get(one.action)) for number, one in enumerate(thresholds, 1)]


def _finding(id: str, bound: Threshold, row: Mapping[str, Any] | None) -> Finding:
    name, found = str(bound), None if row is None else _value(bound, row)
    if row is None or found is None:
        why = f"there was no {bound.action}" if bound.action != ALL else "there was no call"
        return Finding(id, name, "SHOULD", Verdict.INCONCLUSIVE, 0, why, needed=True)
    checked, unit = int(row["calls"]), "%" if bound.statistic == FAILED else "ms"
    if found < bound.limit:
        return Finding(id, name, "SHOULD", Verdict.PASS, checked, f"{found:g} {unit}")
    said = Violation(f"{bound.action} is over its bound", name, f"{found:g} {unit} over {checked} calls")
    return Finding(id, name, "SHOULD", Verdict.FAIL, checked, None, (said,))


def _value(bound: Threshold, row: Mapping[str, Any]) -> float | None:
    if not row["calls"]:
        return None
    if bound.statistic == FAILED:
        return round(100.0 * float(row["failed"]) / float(row["calls"]), 3)
    found = row[bound.figure][TIMES[bound.statistic]]
    return None if found is None else float(found)
