"""A scenario as a frozen, printable value: who is there, what they do and when, what breaks.

Times and amounts may be left to the seed (`Between`, `Around`, `OneOf`); what was drawn is printed before the run and
kept in its `run.json`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from interlock.csms.domain.commands import Command
from interlock.csms.settings import Settings
from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import Deviations
from interlock.simulator.spec import OcppVersion

VERSIONS: tuple[OcppVersion, ...] = get_args(OcppVersion)
"""The OCPP versions that stations of a scenario can speak, the oldest first."""


@dataclass(frozen=True, slots=True)
class Between:
    """A number drawn evenly from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Around:
    """A time drawn from `low` to `high` seconds around a named moment of the scenario."""

    moment: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of `choices`."""

    choices: tuple[Any, ...]


Drawable = Any
"""A value, or a `Between`, `Around` or `OneOf` to be drawn."""


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` seconds, do `what`: the name of a deed (`deeds`) or a fault (`faults`)."""

    what: str
    at: Drawable
    params: tuple[tuple[str, Drawable], ...] = ()


def step(what: str, at: Drawable, **params: Drawable) -> Step:
    """Write a step."""
    return Step(what, at, tuple(params.items()))


def ask(command: Command, at: Drawable, **params: Drawable) -> Step:
    """Write the step in which an operator asks for `command`."""
    return step("ask", at, command=command, **params)


@dataclass(frozen=True, slots=True)
class Storage:
    """How the nodes reach the store: seconds each way, and how often an acknowledgement is lost."""

    latency_s: tuple[float, float] = (0.001, 0.008)
    lost_ack: float = 0.0
    lost_request: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a run depends on except the seed and the CSMS."""

    name: str
    title: str
    covers: str
    """The point of the question it answers, in a sentence."""
    steps: tuple[Step, ...] = ()
    moments: tuple[tuple[str, float, float], ...] = ()
    """Named moments: (name, earliest, latest)."""
    stations: int = 1
    connectors: int = 2
    slots: int | None = None
    """Starts and transactions a station allows at once; None: as many as it has connectors."""
    nodes: int = 1
    balancing: Literal["sticky", "rotate"] = "sticky"
    """Which node a station reaches when it connects again."""
    authenticated: bool = True
    """Whether stations prove who they are when they connect, as from security profile 1 on."""
    persona: Drawable = "plain"
    station: tuple[tuple[str, Drawable], ...] = ()
    """Differences of every station from the simulator's default station."""
    settings: Settings = field(default_factory=Settings)
    storage: Storage = field(default_factory=Storage)
    latency_s: tuple[float, float] = (0.01, 0.12)
    """Network delay of a frame, each way."""
    faults_s: float = 120.0
    """Length of the first phase, in which things break."""
    quiet_s: float = 420.0
    """Length of the second, in which all is healed and what must come to an end has to."""
    settle_s: float | None = None
    """End the second phase once nothing was left to happen for this long; None: it has its whole length."""
    recorded: Literal["all", "facts"] = "all"
    """`facts` leaves single frames out of the history: for runs of millions of them."""
    bounds: int | None = None
    """Let every bound on what the CSMS remembers (`csms.domain.bounds`) be so many; None: as they ship."""
    fiction: bool = False
    """Its stations say what no hardware of theirs did: what is on record is not compared with it."""
    retold: tuple[str, ...] = ()
    """Relations (`world.frame_rewordings`) by which it is run again in other words, to be compared with it."""
    on_disk: bool = False
    """What its nodes asked of the store is asked of a log on disk too, when it is run by itself (not in a search)."""
    heavy: bool = False
    """Long to run: suites give it one seed, and one version unless they are asked for another."""
    ocpp: OcppVersion = "1.6"
    """The OCPP version its stations speak, unless a run asks for another (`--ocpp`)."""
    absent_in: tuple[tuple[OcppVersion, str], ...] = ()
    """The OCPP versions in which what it tells cannot happen, each with the reason."""

    def why_not(self, ocpp: OcppVersion) -> str | None:
        """Return why it cannot be run with stations that speak `ocpp`, or None if it can."""
        return dict(self.absent_in).get(ocpp)


def printable(value: Any) -> Any:
    """Return `value` as plain JSON-able data; dataclasses carry their type name."""
    if is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Any] = {"type": type(value).__name__}
        for one in fields(value):
            found[one.name] = printable(getattr(value, one.name))
        return found
    if isinstance(value, tuple | list):
        return [printable(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): printable(item) for key, item in value.items()}
    return value


class NotAScenario(ValueError):
    """Data that no scenario was printed as."""


def read(data: Any) -> Scenario:
    """Return the scenario that `printable` made `data` of. Raises `NotAScenario`."""
    try:
        found = _read(data)
    except (TypeError, KeyError, AttributeError) as error:
        raise NotAScenario(str(error)) from None
    if not isinstance(found, Scenario):
        raise NotAScenario("it is no scenario")
    return found


def _read(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_read(item) for item in data)
    if not isinstance(data, dict):
        return data
    kind = _KINDS[data["type"]]
    return kind(**{name: value if name in JSON else _read(value) for name, value in data.items() if name != "type"})


JSON = ("details", "payload")
"""Fields of commands that are JSON themselves."""


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Between, Around, OneOf, Step, Storage, Settings, ClockSpec, Deviations, Scenario, *get_args(Command))
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A scenario with nothing left open, and what the seed decided, by name."""

    steps: tuple[Step, ...]
    persona: str
    station: Mapping[str, Any]
    values: Mapping[str, Any]


def draw(scenario: Scenario, seed: int) -> Drawn:
    """Decide everything a scenario leaves to the seed, in a fixed order."""
    rng = random.Random(f"{seed}:draw")
    values: dict[str, Any] = {}

    def settle(name: str, value: Drawable) -> Any:
        match value:
            case Between(low=low, high=high):
                value = round(rng.uniform(low, high), 3)
            case OneOf(choices=choices):
                value = rng.choice(choices)
            case Around(moment=moment, low=low, high=high):
                value = round(max(0.0, values[moment] + rng.uniform(low, high)), 3)
            case _:
                return value
        values[name] = printable(value)
        return value

    for moment, low, high in scenario.moments:
        settle(moment, Between(low, high))
    steps = []
    for number, planned in enumerate(scenario.steps, 1):
        label = f"{number}.{planned.what}"
        at = settle(f"{label}.at", planned.at)
        params = tuple((name, settle(f"{label}.{name}", value)) for name, value in planned.params)
        steps.append(Step(planned.what, at, params))
    persona = settle("persona", scenario.persona)
    station = {name: settle(f"station.{name}", value) for name, value in scenario.station}
    return Drawn(tuple(steps), persona, station, values)
