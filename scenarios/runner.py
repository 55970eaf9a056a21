"""From a scenario and a seed to a run directory: draw, run, judge, write.

A run directory is the contract between this package, the load tests and the reports: `run.json` (what was run),
`history.jsonl` (what happened), `verdict.json` (whether it was right).
"""

from __future__ import annotations

import contextlib
import gc
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from interlock.csms.domain import bounds
from interlock.csms.node import Csms
from interlock.scenarios import scenario_file
from interlock.scenarios.judge.invariants import judge
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.library import scenarios
from interlock.scenarios.record.final_record import first_difference, named_otherwise, record
from interlock.scenarios.record.history import FILE, History
from interlock.scenarios.record.run_file import versions, write_run, write_verdict
from interlock.scenarios.refused import nearest as nearest
from interlock.scenarios.spec import Drawn, Scenario, draw, printable
from interlock.scenarios.specimens import specimens
from interlock.scenarios.world.frame_rewordings import RELATIONS, Reworded
from interlock.scenarios.world.on_disk import Noted, compared
from interlock.scenarios.world.traffic_variations import OTHERWISE, Otherwise, possible, quiet
from interlock.scenarios.world.world import World
from interlock.simulator.spec import OcppVersion

REFERENCE = "reference"
YOUNG = 1_000
"""Objects after which the collector looks for garbage while many runs follow each other: what one small world leaves.

Looked through while it is still in the processor's cache, it costs a fifth of what a dozen of them cost together.
"""


OF_SERVERS = frozenset({"look", "set_registration", "set_key", "knock"})
"""What is asked of a server, whose effect depends on the moment: such a run is not compared with one retold."""


class Unknown(Exception):
    """A name that does not exist, with the nearest that does."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run to do."""

    scenario: str
    seed: int
    csms: str = REFERENCE
    bounds: int | None = None
    ocpp: OcppVersion | None = None
    """The version its stations speak; None: the scenario's own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run done. `verdict` is the content of its `verdict.json`, `run` of its `run.json`."""

    job: Job
    verdict: dict[str, Any]
    run: dict[str, Any]
    history: History

    @property
    def word(self) -> Verdict:
        """Return the overall verdict."""
        return Verdict[self.verdict["verdict"]]

    @property
    def failed(self) -> list[str]:
        """Return the ids of the invariants that were violated."""
        return [one["id"] for one in self.verdict["invariants"] if one["verdict"] in ("FAIL", "ERROR")]


def csms_class(name: str) -> type[Csms]:
    """Return the CSMS called `name`: the reference, a specimen, or the class that `FILE.py:CLASS` names."""
    if name == REFERENCE:
        return Csms
    if ".py:" in name:
        return _designed(name)
    found = specimens().get(name)
    if found is None:
        raise Unknown(
            f"no CSMS is called {name!r}{nearest(name, (REFERENCE, *specimens()), 'interlock list specimens')}"
        )
    return found.csms


def scenario(name: str) -> Scenario:
    """Return the scenario called `name`, or the one in a file when it ends in `.py`.

    A file is executed once in a process, however often it is asked for.
    """
    if name.endswith(".py"):
        return _loaded(Path(name).resolve(), name)
    found = scenarios().get(name)
    if found is None:
        raise Unknown(f"no scenario is called {name!r}{nearest(name, scenarios(), 'interlock list scenarios')}")
    return found


@cache
def _designed(name: str) -> type[Csms]:
    return scenario_file.design(name)


@cache
def _loaded(path: Path, shown: str) -> Scenario:
    return scenario_file.load(path, shown)


def reproduce(job: Job) -> str:
    """Return the line that does this run again."""
    line = f"interlock run {shlex.quote(job.scenario)} --seed {job.seed}"
    if job.bounds is not None:
        line += f" --bounds {job.bounds}"
    if job.ocpp is not None:
        line += f" --ocpp {job.ocpp}"
    return line if job.csms == REFERENCE else f"{line} --csms {shlex.quote(job.csms)}"


def rules(spec: Scenario, lossy: bool) -> dict[str, Any]:
    """Return what invariants must know beyond the history."""
    settings = spec.settings
    slots = spec.slots if spec.slots is not None else spec.connectors
    digits = 4 if spec.stations > 99 else 2
    station = {"connectors": spec.connectors, "slots": slots, "lossy": lossy, "ocpp": spec.ocpp}
    return {
        "stations": {f"CP{number:0{digits}d}": station for number in range(1, spec.stations + 1)},
        "offline_after_s": settings.offline_after_s,
        "takeover_s": settings.takeover_s,
        "authenticated": spec.authenticated,
        "offline_timer": settings.offline_timer,
        "heartbeats": settings.heartbeats,
        "residency": settings.residency,
        "call_timeout_s": settings.call_timeout_s,
        "lateness_s": settings.lateness_s,
        "answer_bound_s": 30.0,
        "resolve_bound_s": settings.settle_s
        + settings.start_window_s
        + settings.probes * settings.probe_every_s
        + settings.call_timeout_s
        + 60.0,
        "max_down_s": 60.0,
        "recorded": spec.recorded,
        "bounds": spec.bounds,
        "fiction": spec.fiction,
        "start_window_s": settings.start_window_s,
        "probes": settings.probes,
        "probing_s": settings.probes * settings.probe_every_s,
        "answers": {
            "interval_s": settings.heartbeat_interval_s,
            "registration": settings.registration,
            "unknown_tokens": settings.unknown_tokens,
            "acceptance": settings.acceptance,
        },
    }


def run(job: Job, spec: Scenario | None = None, csms: type[Csms] | None = None) -> Outcome:
    """Do one run and judge it. Same job, same bytes of history."""
    spec = spec if spec is not None else scenario(job.scenario)
    if job.bounds is not None:
        spec = replace(spec, bounds=job.bounds)
    if job.ocpp is not None:
        spec = replace(spec, ocpp=job.ocpp)
    drawn = draw(spec, job.seed)
    design = csms if csms is not None else csms_class(job.csms)
    history, findings = examine(spec, job.seed, design, drawn, on_disk=spec.on_disk)
    about: dict[str, Any] = {
        "schema": 1,
        "scenario": spec.name,
        "title": spec.title,
        "csms": job.csms,
        "ocpp": spec.ocpp,
        "seed": job.seed,
        "spec": printable(spec),
        "drawn": dict(drawn.values),
        "versions": versions(),
        "rules": history.run["rules"],
        "reproduce": reproduce(job),
    }
    history.run = about
    return Outcome(job, document(about, findings), about, history)


def examine(
    spec: Scenario, seed: int, csms: type[Csms], drawn: Drawn | None = None, *, on_disk: bool = False
) -> tuple[History, list[Finding]]:
    """Run a scenario and judge it, and leave it at that: the fast way, for a search, unless it is `on_disk` too."""
    # A power cut leaves coroutines behind that must never be closed, and a run is short: collect when it is over.
    with uncollected():
        history = _played(spec, seed, csms, drawn or draw(spec, seed), on_disk)
        return history, judge(history)


def _played(spec: Scenario, seed: int, csms: type[Csms], drawn: Drawn, on_disk: bool) -> History:
    """Run a scenario and return what happened, apart from its world: that is garbage from then on, while it is new."""
    world = World(spec, drawn, seed, csms)
    with bounds.using(bounds.of(spec.bounds)):
        world.run()
        _retell(world, spec, drawn, seed, csms)
    if on_disk and isinstance(world.store, Noted):
        what, expected, found = compared(world.store.asked) or (None, None, None)
        about = {"asked": len(world.store.asked), "what": what, "expected": expected, "found": found}
        world.history.observe("store.compared", **about)
    world.history.run = {"rules": rules(spec, world.lossy)}
    return world.history.finished()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector rest in a `with`: a history has no cycles, and would be looked through again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def many() -> Iterator[None]:
    """Let the collector look between runs, at what the last one left and not at what lives on, in a `with`."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _retell(world: World, spec: Scenario, drawn: Drawn, seed: int, csms: type[Csms]) -> None:
    """Do a run again in other words, or told otherwise, and note in the first how its record differs."""
    plain: World | None = None
    asked_of_servers = any(planned.what in OF_SERVERS for planned in drawn.steps)
    for name in () if asked_of_servers else spec.retold:
        if name in RELATIONS:
            other = World(spec, drawn, seed, csms, shown=False)
            other.network.retelling = Reworded(RELATIONS[name])
            other.run()
            differ = None
            if not named_otherwise(world.history, other.history):
                differ = first_difference(record(world.history), record(other.history))
        elif not possible(spec):
            continue
        else:
            if plain is None:
                plain = World(quiet(spec), drawn, seed, csms, shown=False)
                plain.run()
            relation = OTHERWISE[name]()
            changed = relation.spec(quiet(replace(spec, steps=drawn.steps)), plain.history)
            if changed is None:
                continue
            other = World(changed, replace(drawn, steps=changed.steps), seed, csms, shown=False)
            other.network.retelling = relation
            other.run()
            differ = _told_otherwise(plain, other, relation)
        expected, found = differ or (None, None)
        world.history.observe("retold", relation=name, expected=expected, found=found)


def _told_otherwise(plain: World, other: World, relation: Otherwise) -> tuple[str, str] | None:
    if relation.differences:
        return "the same answer twice", relation.differences[0]
    stations = [plain.station_id(number) for number in range(1, plain.scenario.stations + 1)]
    return first_difference(relation.record(plain.history, stations), relation.record(other.history, stations))


def write(outcome: Outcome, directory: Path) -> Path:
    """Write a run directory. Raises `OSError` when it cannot."""
    directory.mkdir(parents=True, exist_ok=True)
    digest = outcome.history.write(directory / FILE)
    write_run(directory, outcome.run, digest, len(outcome.history))
    write_verdict(directory, outcome.verdict)
    return directory


def jobs(
    names: list[str],
    first_seed: int,
    seeds: int,
    csms: str,
    bounds: int | None = None,
    ocpp: Sequence[OcppVersion] = (),
    *,
    sparing: bool = False,
) -> Iterator[Job]:
    """Return the runs that cover the named scenarios: heavy ones with one seed, the others with `seeds`.

    Each is run in the versions `ocpp` in which it exists; with none given, in the scenario's own. `sparing` leaves
    heavy ones in their own version if several are given.
    """
    for name in names:
        spec = scenario(name)
        versions = [spec.ocpp] if sparing and spec.heavy and spec.ocpp in ocpp else ocpp
        spoken = [version for version in versions if spec.why_not(version) is None]
        for version in spoken if ocpp else [None]:
            for seed in range(first_seed, first_seed + (1 if spec.heavy else seeds)):
                yield Job(name, seed, csms, bounds, version)
