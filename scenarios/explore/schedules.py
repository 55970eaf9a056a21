"""Schedules of a search: each is a fully drawn scenario near a base scenario, with a seed.

Strategies take turns: another seed of the base as it is; a power cut at a labelled point, or at two; connection loss
at an exact frame; lost acknowledgements from the store; odd ones, in which nothing breaks but requests are impossible
or repeated, cards change, settings are others and stations deviate on the wire; and the swarm, a mix of faults,
commands, personas, nodes and delays drawn anew for each run (Groce et al., Swarm Testing, ISSTA 2012). What was
exercised least is drawn first. A schedule depends on the search's seed, its own number, and the given coverage only.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from inspect import signature
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.labelled_points import POINTS
from interlock.csms.settings import Settings
from interlock.scenarios.explore.coverage import Coverage
from interlock.scenarios.spec import Around, Between, Drawable, OneOf, Scenario, Step, Storage, ask, draw, step
from interlock.scenarios.steps.faults import FAULTS, RANGES
from interlock.scenarios.world.frame_rewordings import RELATIONS
from interlock.scenarios.world.traffic_variations import OTHERWISE
from interlock.simulator.deviations import Deviations
from interlock.simulator.personas import PERSONAS

STRATEGIES = ("seed", "crash", "swarm", "frame", "odd", "crash", "swarm", "acks", "odd", "pair", "swarm", "swarm")
"""Whose turn it is, in this order."""
SETTLED_S = 60.0
LONGEST_REST_S = 900.0
TOKEN = "TAG-OPERATOR"
TOKENS = (TOKEN, TOKEN, "TAG-DRIVER", "tag-driver", "TAG-BLOCKED", "TAG-NOBODY-KNOWS")
WORDS = ("Accepted", "Blocked", "Expired", "Invalid")
RELAYED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("GetConfiguration", {}),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]}),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "7"}),
    ("ChangeConfiguration", {"key": "NoSuchKey", "value": "7"}),
    ("TriggerMessage", {"requestedMessage": "BootNotification"}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
    ("ClearCache", {}),
)
"""Requests of OCPP 1.6 that are relayed as they are."""


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
            return _odd(_swarm(spec, rng, seen), rng, 0.2)
        case "odd":
            return _odd(spec, rng, 0.7)
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


def _odd(spec: Scenario, rng: random.Random, share: float) -> Scenario:
    """Return the scenario with odd requests, cards, settings, stations and words, each with a probability."""
    steps = list(spec.steps)
    if rng.random() < share:
        steps += [one for _ in range(rng.choice((1, 2, 4))) for one in _odd_request(spec, rng, len(steps))]
    if rng.random() < share:
        steps += [_card(spec, rng) for _ in range(rng.choice((1, 2)))]
    if steps and rng.random() < share / 2:
        again = rng.choice(steps)
        if "request" in dict(again.params) and again.what not in (
            "look_up",
            "close_doubt",
        ):  # told again under its own request, so as a later attempt
            params = {**dict(again.params), "attempt": 10 + len(steps)}
            again = replace(again, params=tuple(params.items()))
        steps.append(replace(again, at=round(max(1.0, _at(again) + rng.choice((0.0, 0.02, 1.0, 40.0))), 3)))
    spec = replace(spec, steps=tuple(steps))
    if rng.random() < share / 2:
        spec = replace(spec, settings=_settings(spec.settings, rng))
    if rng.random() < share / 2 and not any(name == "deviations" for name, _ in spec.station):
        spec = replace(spec, station=(*spec.station, ("deviations", _deviations(rng))))
    if rng.random() < share / 4:
        spec = replace(spec, retold=(rng.choice([*RELATIONS, *OTHERWISE]),))
    return spec


def _odd_request(spec: Scenario, rng: random.Random, number: int) -> list[Step]:
    """Draw a request that may be impossible, foreign or over: any command, any place.

    Some operators insist on it; some look up afterwards what became of it, or close it by hand.
    """
    at = round(rng.uniform(1.0, _span(spec)), 3)
    how = {"station": rng.randint(1, spec.stations), "node": rng.randint(1, spec.nodes)}
    evse = rng.choice((0, 1, 2, 2, spec.connectors + 1))
    command: do.Command = rng.choice(
        (
            do.Unlock(evse),
            do.Unlock(max(1, evse), 2),
            do.RemoteStart(evse, rng.choice(TOKENS)),
            do.RemoteStop(rng.choice(("0", "1", "4711", "no number"))),
            do.Reset(rng.random() < 0.5, rng.choice((0, 0, evse))),
            do.ChangeAvailability(evse, rng.random() < 0.5),
            do.Relay(*rng.choice(RELAYED)),
        )
    )
    request = f"odd-{number}-{at}"
    asked = ask(command, at, request=request, **how)
    if rng.random() < 0.2:
        asked = step("insist", at, command=command, request=request, **how)
    more = rng.choice(((), (), ("look_up",), ("close_doubt",), ("close_doubt", "look_up")))
    later = (round(at + rng.choice((0.5, 5.0, 60.0, 200.0)), 3) for _ in more)
    return [asked, *(step(what, when, request=request, **how) for what, when in zip(more, later, strict=True))]


def _card(spec: Scenario, rng: random.Random) -> Step:
    """Draw a card that is registered anew, or shown."""
    at, token = round(rng.uniform(1.0, _span(spec)), 3), rng.choice(TOKENS)
    if rng.random() < 0.5:
        return step("register", at, token=token, status=rng.choice(WORDS), node=rng.randint(1, spec.nodes))
    where = {"station": rng.randint(1, spec.stations), "connector": rng.randint(1, spec.connectors)}
    return step("swipe", at, token=token, **where)


def _settings(settings: Settings, rng: random.Random) -> Settings:
    """Draw what an operator may choose otherwise."""
    changes: dict[str, Any] = rng.choice(
        (
            {"registration": rng.choice(("Pending", "Rejected"))},
            {"heartbeat_interval_s": rng.choice((10.0, 77.0))},
            {"unknown_tokens": "Accepted"},
            {"acceptance": "strict"},
            {"residency": "per-request"},
            {"snapshot_events": rng.choice((1, 3, None))},
            {"call_timeout_s": rng.choice((5.0, 60.0)), "lateness_s": rng.choice((20.0, 200.0))},
        )
    )
    return replace(settings, **changes)


def _deviations(rng: random.Random) -> Deviations:
    """Draw one or two ways of a station to deviate on the wire."""
    shares = ("late", "twice", "crossed", "error_first", "error_after", "broken")
    chosen: dict[str, Any] = {name: rng.choice((0.2, 0.5, 1.0)) for name in rng.sample(shares, rng.choice((1, 1, 2)))}
    chosen |= {"energy_unit": rng.choice(("Wh", "kWh")), "vendor_fields": rng.random() < 0.5}
    return Deviations(**chosen, statuses_shuffled=rng.random() < 0.3)


def _drawn(name: str, spec: Scenario, rng: random.Random) -> dict[str, Any]:
    parameters = _parameters(name)
    limits = {"station": spec.stations, "connector": spec.connectors, "node": spec.nodes}
    drawn = {key: rng.randint(1, most) for key, most in limits.items() if key in parameters}
    drawn.update((key, _value(range_, rng)) for key, range_ in RANGES[name].items())
    return drawn


@cache
def _parameters(fault: str) -> frozenset[str]:
    return frozenset(signature(FAULTS[fault]).parameters)


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
