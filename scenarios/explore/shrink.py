"""Shrinking: from a scenario that violates an invariant to the smallest found that still does.

First by the parts of a scenario (drop stations, nodes, steps; default stations, settings, network), then by rounding
times, repeatedly until nothing more can be removed. Delta debugging (Zeller and Hildebrandt, 2002), with moves that
keep the scenario valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.scenarios.judge.verdict import Verdict, Violation
from interlock.scenarios.runner import examine
from interlock.scenarios.spec import Scenario, Step, Storage

TRIES = 2_000
"""Runs a shrink may take."""
ROUND_S = (10.0, 5.0, 1.0, 0.5, 0.1, 0.01)
"""Times are tried as multiples of these, coarse first."""


@dataclass(slots=True)
class Shrunk:
    """The smallest story found, and what it took."""

    spec: Scenario
    seed: int
    invariant: str
    violation: Violation
    runs: int

    @property
    def steps(self) -> int:
        """How many observations tell the story of the violation."""
        return len(self.violation.at)


def shrink(
    spec: Scenario,
    seed: int,
    invariant: str,
    csms: type[Csms],
    tell: Callable[[Shrunk], None] = lambda shrunk: None,
    tries: int = TRIES,
) -> Shrunk:
    """Return the smallest variation of `spec` found that still violates `invariant`; `ValueError` if it does not."""
    violation = _violation(spec, seed, invariant, csms)
    if violation is None:
        raise ValueError(f"{spec.name} with seed {seed} does not violate {invariant}")
    best = Shrunk(spec, seed, invariant, violation, 1)
    moves = (_fewer, _plainer, _rounder)
    smaller = True
    while smaller and best.runs < tries:
        smaller = False
        for move in moves:
            while best.runs < tries and _improve(best, move, csms, tries):
                smaller = True
                tell(best)
    return best


def _improve(best: Shrunk, move: Callable[[Scenario], Iterator[Scenario]], csms: type[Csms], tries: int) -> bool:
    """Take the first variation that still fails, if there is one."""
    for spec in move(best.spec):
        if best.runs >= tries:
            return False
        best.runs += 1
        violation = _violation(spec, best.seed, best.invariant, csms)
        if violation is not None:
            best.spec, best.violation = spec, violation
            return True
    return False


def _violation(spec: Scenario, seed: int, invariant: str, csms: type[Csms]) -> Violation | None:
    _, findings = examine(spec, seed, csms)
    for found in findings:
        if found.id == invariant and found.verdict is Verdict.FAIL:
            return min(found.violations, key=lambda violation: len(violation.at))
    return None


# --- moves: each yields variations that are simpler, the boldest first -----------------------------------------------


def _fewer(spec: Scenario) -> Iterator[Scenario]:
    if spec.stations > 1:
        steps = tuple(one for one in spec.steps if _param(one, "station", 1) == 1)
        yield replace(spec, stations=1, steps=steps)
    for nodes in range(1, spec.nodes):
        yield replace(spec, nodes=nodes, steps=tuple(one for one in spec.steps if _param(one, "node", 1) <= nodes))
    steps, size = spec.steps, len(spec.steps)
    chunk = size // 2
    while chunk:
        for at in range(0, size, chunk):
            yield replace(spec, steps=(*steps[:at], *steps[at + chunk :]))
        chunk //= 2
    for n, step in enumerate(steps):
        for name, value in step.params:
            if name in ("attempts", "count", "occurrence") and value > 1:
                yield _changed(spec, n, name, value - 1)


def _plainer(spec: Scenario) -> Iterator[Scenario]:
    """Defaults instead of choices."""
    plain: dict[str, Any] = {
        "persona": "plain",
        "station": (),
        "balancing": "sticky",
        "authenticated": True,
        "settings": Settings(),
        "storage": Storage((0.0, 0.0)),
        "latency_s": (0.1, 0.1),
        "slots": None,
        "connectors": 1,
    }
    for name, value in plain.items():
        if getattr(spec, name) != value and (name != "connectors" or _connectors(spec) == 1):
            yield replace(spec, **{name: value})
    default = Settings()
    for one in fields(Settings):
        wanted = getattr(default, one.name)
        if getattr(spec.settings, one.name) != wanted:
            yield replace(spec, settings=replace(spec.settings, **{one.name: wanted}))
    for n, step in enumerate(spec.steps):
        for name, value in step.params:
            if name in ("station", "node") and value == 1:
                yield replace(spec, steps=_with(spec, n, replace(step, params=_without(step, name))))


def _rounder(spec: Scenario) -> Iterator[Scenario]:
    """Times, durations and amounts as round numbers; the whole story earlier and shorter."""
    ends = max((float(_at(step)) for step in spec.steps), default=0.0)
    for faults_s in (ends + 30.0, ends + 60.0):
        if faults_s < spec.faults_s - 1.0:
            yield replace(spec, faults_s=float(round(faults_s)))
    for n, step in enumerate(spec.steps):
        for at in _round(_at(step)):
            yield replace(spec, steps=_with(spec, n, replace(step, at=at)))
        for name, value in step.params:
            if isinstance(value, float):
                for rounder in _round(value):
                    yield _changed(spec, n, name, rounder)


def _round(value: float) -> Iterator[float]:
    for unit in ROUND_S:
        found = round(round(value / unit) * unit, 3)
        if found == value:
            return  # as round as it gets at this size; finer units are less round
        if found > 0:
            yield found


# --- stories ---------------------------------------------------------------------------------------------------------


def _param(step: Step, name: str, default: Any) -> Any:
    return dict(step.params).get(name, default)


def _connectors(spec: Scenario) -> int:
    used = [1]
    for step in spec.steps:
        params = dict(step.params)
        used += [params.get("connector") or 1, getattr(params.get("command"), "connector", None) or 1]
    return max(used)


def _at(step: Step) -> float:
    assert isinstance(step.at, int | float)
    return float(step.at)


def _without(step: Step, name: str) -> tuple[tuple[str, Any], ...]:
    return tuple((key, value) for key, value in step.params if key != name)


def _with(spec: Scenario, n: int, step: Step) -> tuple[Step, ...]:
    return (*spec.steps[:n], step, *spec.steps[n + 1 :])


def _changed(spec: Scenario, n: int, name: str, value: Any) -> Scenario:
    step = spec.steps[n]
    params = tuple((key, value if key == name else old) for key, old in step.params)
    return replace(spec, steps=_with(spec, n, replace(step, params=params)))
