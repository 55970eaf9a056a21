"""What a search tries: schedules drawn around a base scenario, each a scenario with nothing left open, and a seed.

Strategies take turns: another seed of the base as it is; a power cut at a labelled point, or at two; connection loss
at an exact frame; lost acknowledgements from the store; and the swarm, a mix of faults, commands, personas, nodes and
delays drawn anew for each run (Groce et al., Swarm Testing, ISSTA 2012). Whatever was exercised least is drawn first.
A schedule depends on the search's seed, its own number, and the coverage it is given; not on who runs it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.labelled_points import POINTS
from interlock.scenarios.explore.coverage import Coverage
from interlock.scenarios.spec import Around, Between, Drawable, OneOf, Scenario, Step, Storage, ask, draw, step
from interlock.scenarios.steps.faults import FAULTS, RANGES
from interlock.simulator.personas import PERSONAS

STRATEGIES = ("seed", "crash", "swarm", "frame", "crash", "swarm", "acks", "pair", "swarm", "swarm")
"""Whose turn it is, in this order."""
SETTLED_S = 60.0
LONGEST_REST_S = 900.0
TOKEN = "TAG-OPERATOR"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One thing to try."""

    number: int
    strategy: str
    spec: Scenario
    seed: int


def settle(spec: Scenario, seed: int) -> Scenario:
    """Return the scenario with everything the seed decides written out."""
    drawn = draw(spec, seed)
    return replace(
        spec,
        moments=(),
        steps=drawn.steps,
        persona=drawn.persona,
        station=tuple(drawn.station.items()),
        settle_s=SETTLED_S,
        quiet_s=max(spec.quiet_s, LONGEST_REST_S),
    )


def plan(bases: Sequence[Scenario], corpus: Sequence[Scenario], seed: int, number: int, seen: Coverage) -> Schedule:
    """Draw the schedule of a number. `corpus` are earlier ones that exercised something new."""
    rng = random.Random(f"{seed}:schedule:{number}")
    strategy = STRATEGIES[(number // len(bases)) % len(STRATEGIES)]
    spec = settle(bases[number % len(bases)], seed + number)
    if strategy == "swarm" and corpus and rng.random() < 0.5:
        spec = rng.choice(corpus)
    return Schedule(number, strategy, _vary(spec, strategy, rng, seen), seed + number)


def _vary(spec: Scenario, strategy: str, rng: random.Random, seen: Coverage) -> Scenario:
    match strategy:
        case "crash":
            return _with(spec, _crash(spec, rng, seen))
        case "pair":
            return _with(spec, _crash(spec, rng, seen), _crash(spec, rng, seen))
        case "frame":
            return _with(spec, _fault("cut_after", spec, rng))
        case "acks":
            return _with(spec, _fault("lossy_store", spec, rng))
        case "swarm":
            return _swarm(spec, rng, seen)
        case _:
            return spec


def _with(spec: Scenario, *steps: Step) -> Scenario:
    return replace(spec, steps=(*spec.steps, *steps))


def _crash(spec: Scenario, rng: random.Random, seen: Coverage) -> Step:
    point = _least(list(POINTS), "crash at {}", rng, seen)
    # Armed early, most often: a point is then passed for the first time by whatever the scenario is about.
    at = rng.choice((1.0, 1.0, round(rng.uniform(1.0, _span(spec)), 3)))
    params = {**_drawn("crash_at", spec, rng), "point": point}
    return Step("crash_at", at, tuple(params.items()))


def _fault(name: str, spec: Scenario, rng: random.Random) -> Step:
    return Step(name, round(rng.uniform(1.0, _span(spec)), 3), tuple(_drawn(name, spec, rng).items()))


def _swarm(spec: Scenario, rng: random.Random, seen: Coverage) -> Scenario:
    used = max((dict(planned.params).get("node", 1) for planned in spec.steps), default=1)
    latency = rng.choice(((0.001, 0.01), (0.01, 0.12), (0.01, 0.12), (0.2, 2.0)))
    spec = replace(
        spec,
        nodes=max(int(used), rng.choice((1, 2, 2, 3))),
        balancing=rng.choice(("sticky", "rotate")),
        persona=_least(list(PERSONAS), "persona {}", rng, seen),
        latency_s=latency,
        storage=Storage(latency_s=rng.choice(((0.0, 0.0), (0.001, 0.008), (0.001, 0.008), (0.05, 0.3)))),
    )
    steps = list(spec.steps)
    if len(steps) > 3 and rng.random() < 0.3:
        steps.pop(rng.randrange(len(steps)))
    if steps and rng.random() < 0.5:
        n = rng.randrange(len(steps))
        steps[n] = replace(steps[n], at=round(max(1.0, _at(steps[n]) + rng.uniform(-20.0, 20.0)), 3))
    steps += [_deed(spec, rng) for _ in range(rng.choice((0, 0, 1, 2)))]
    faults = list(FAULTS)
    share = rng.choice((0.05, 0.1, 0.2))
    steps += [_fault(name, spec, rng) for name in faults if rng.random() < share]
    if rng.random() < 0.7:
        steps.append(_fault(_least(faults, "fault {}", rng, seen), spec, rng))
    return replace(spec, steps=tuple(steps), authenticated=rng.random() < 0.7)


def _deed(spec: Scenario, rng: random.Random) -> Step:
    at = round(rng.uniform(1.0, _span(spec)), 3)
    connector = rng.randint(1, spec.connectors)
    where: dict[str, Any] = {"station": rng.randint(1, spec.stations)}
    how = {**where, "node": rng.randint(1, spec.nodes), "attempts": rng.choice((1, 2, 3)), "outcome_s": 30.0}
    at_connector = {**where, "connector": connector}
    return rng.choice(
        (
            ask(do.Unlock(connector), at, **how),
            ask(do.RemoteStart(connector, TOKEN), at, **how),
            ask(do.Reset(rng.random() < 0.5), at, **how),
            ask(do.ChangeAvailability(connector, rng.random() < 0.5), at, **how),
            ask(do.Probe(connector), at, **how),
            step("ask_stop", at, **how, connector=connector),
            step("plug", at, **at_connector),
            step("swipe", at, **at_connector),
            step("unplug", at, **at_connector),
            step("heartbeats", at, **where, count=3, every_s=0.3),
            step("statuses", at, **at_connector, count=2),
            step("meter_values", at, **at_connector, count=2),
            step("reconnect", at, **where),
        )
    )


def _drawn(name: str, spec: Scenario, rng: random.Random) -> dict[str, Any]:
    parameters = FAULTS[name].__code__.co_varnames[: FAULTS[name].__code__.co_argcount]
    limits = {"station": spec.stations, "connector": spec.connectors, "node": spec.nodes}
    drawn = {key: rng.randint(1, most) for key, most in limits.items() if key in parameters}
    drawn.update((key, _value(range_, rng)) for key, range_ in RANGES[name].items())
    return drawn


def _value(range_: Drawable, rng: random.Random) -> Any:
    match range_:
        case Between(low=low, high=high):
            return round(rng.uniform(low, high), 3)
        case OneOf(choices=choices):
            return rng.choice(choices)
        case Around():
            raise ValueError("a fault's range cannot speak of a scenario's moments")
        case _:
            return range_


def _least(names: list[str], feature: str, rng: random.Random, seen: Coverage) -> str:
    """Choose among what was seen least, and now and then among all."""
    if rng.random() < 0.3:
        return rng.choice(names)
    least = min(seen.counts[feature.format(name)] for name in names)
    return rng.choice([name for name in names if seen.counts[feature.format(name)] == least])


def _span(spec: Scenario) -> float:
    """Return until when it makes sense to begin something."""
    return min(max((_at(planned) for planned in spec.steps), default=30.0) + 20.0, max(2.0, spec.faults_s - 5.0))


def _at(planned: Step) -> float:
    assert isinstance(planned.at, int | float)
    return float(planned.at)
