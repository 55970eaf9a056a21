"""A verdict for a terminal: what was violated, expected and found, the steps there, and how to see it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.reports.run import Row, clean, violations
from interlock.reports.steps import StoryStep
from interlock.reports.story import tell

SHOWN = 3
"""Violations told with their steps; the rest get a line."""
STEPS = 14


def text(verdict: dict[str, Any], rows: Sequence[Row]) -> str:
    """Return a verdict as plain text; `rows` are the observations of its history."""
    head = f"{verdict['verdict']}  {verdict.get('scenario')}  csms {verdict.get('csms')}  seed {verdict.get('seed')}"
    lines = [clean(head)]
    told: set[str] = set()
    for invariant, violation in violations(verdict):
        if invariant["id"] in told:
            continue
        told.add(invariant["id"])
        count = len(invariant["violations"])
        more = f"  ({count} times)" if count > 1 else ""
        lines += [
            "",
            f"  {clean(invariant['id'])} {clean(invariant['name'])}  [{clean(invariant['level'])}]{more}",
            f"    {clean(violation.get('message', ''))}",
            f"    expected  {clean(violation.get('expected', ''))}",
            f"    found     {clean(violation.get('found', ''))}",
        ]
        if len(told) <= SHOWN:
            lines += [f"    {line}" for line in _steps(rows, violation)]
    if verdict.get("reason"):
        lines += ["", f"  {clean(verdict['reason'], 400)}"]
    for invariant in verdict.get("invariants", ()):
        if invariant.get("verdict") == "ERROR":
            lines += ["", f"  {clean(invariant['id'])} could not be judged: {clean(invariant.get('reason') or '')}"]
    lines += ["", f"  again:  {clean(verdict.get('reproduce') or '')}"]
    return "\n".join(lines)


def _steps(rows: Sequence[Row], violation: dict[str, Any]) -> list[str]:
    steps = list(tell(rows, violation).steps)
    at = set(violation.get("at", ()))
    loud = [step for step in steps if step.tone != "quiet" or step.i in at]
    chosen = loud if len(loud) <= STEPS else _nearest(loud, at)
    return [_line(step) for step in chosen]


def _nearest(steps: list[StoryStep], at: set[int]) -> list[StoryStep]:
    ranked = sorted(steps, key=lambda step: (step.i not in at and not step.moment, step.tone == "plain", step.i))
    return sorted(ranked[:STEPS], key=lambda step: step.i)


def _line(step: StoryStep) -> str:
    where = f"{step.lane} -> {step.to}" if step.to else step.lane
    mark = "  <-- violated here" if step.moment else ""
    return f"{step.t:9.2f} s  {clean(where):<22}  {clean(step.label)}{mark}"
