"""Mutation score of the judges: every specimen must be flagged by the invariant it names, the reference never.

As for test suites (DeMillo, Lipton and Sayward, Hints on Test Data Selection, 1978): the mutants are the
specimens, and an invariant that kills none of them is not known to work.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from interlock.scenarios.explore.schedules import Schedule, settle
from interlock.scenarios.explore.search import Here, Search
from interlock.scenarios.explore.shrink import shrink
from interlock.scenarios.judge.invariants import INVARIANTS, exercise, judge_campaign, same_bytes
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import csms_class, examine
from interlock.scenarios.specimens import Specimen, specimens
from interlock.simulator.spec import OcppVersion

MOST = 200
"""Schedules a specimen may survive."""
LEAST = 12
"""Schedules run in any case, so that a row shows what else flags it."""
SHRINK_RUNS = 200
TWICE, CAMPAIGN = "I25", "I28"
"""Judged over two runs of one seed, and over a whole campaign."""


@dataclass(frozen=True, slots=True)
class Kill:
    """What became of one specimen. `schedules` is None when it survived; `story` counts the steps that show it."""

    specimen: str
    invariant: str
    strategy: str
    scenario: str
    schedules: int | None
    seconds: float
    runs: int
    flagged: dict[str, int]
    """In how many of `runs` each invariant was violated."""
    story: int | None
    again: str
    ocpp: OcppVersion = "1.6"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


def kill(name: str, most: int = MOST, *, ocpp: OcppVersion = "1.6", least: int = LEAST, shrunk: bool = True) -> Kill:
    """Run a specimen until the invariant it names flags it, or `most` schedules are spent, and at least `least`.

    `ocpp` is what its stations speak. With `shrunk` the violation is shrunk to the smallest story.
    """
    specimen = specimens()[name].under(ocpp)
    began = time.monotonic()
    flagged: Counter[str] = Counter()
    schedules: int | None = None
    seconds, runs = 0.0, 0
    first: Schedule | None = None
    for schedule, failed in _tried(specimen, ocpp, most):
        runs += 1
        flagged.update(failed)
        if first is None and specimen.caught_by in failed:
            first, schedules, seconds = schedule, runs, time.monotonic() - began
        if first is not None and runs >= least:
            break
    story = _story(specimen, first) if shrunk and first is not None else None
    seconds = seconds if first is not None else time.monotonic() - began
    return Kill(
        name,
        specimen.caught_by,
        specimen.strategy,
        specimen.scenario,
        schedules,
        round(seconds, 2),
        runs,
        dict(sorted(flagged.items())),
        story,
        _again(specimen, ocpp, first),
        ocpp,
    )


def _tried(specimen: Specimen, ocpp: OcppVersion, most: int) -> Iterator[tuple[Schedule, tuple[str, ...]]]:
    base = replace(scenarios()[specimen.scenario], ocpp=ocpp)
    if specimen.strategy == "search":
        search = Search([base], specimen.name, 0, budget=most, wanted=specimen.caught_by, keep_going=True)
        yield from ((one.schedule, one.failed) for one in search.examined(Here()))
        return
    for seed in range(most):
        history, findings = examine(base, seed, specimen.csms, on_disk=base.on_disk)
        failed = [found.id for found in findings if found.verdict is Verdict.FAIL]
        if specimen.caught_by == TWICE and not same_bytes(history, examine(base, seed, specimen.csms)[0]):
            failed.append(TWICE)
        yield Schedule(seed, "seeds", base, seed), tuple(failed)


def _story(specimen: Specimen, found: Schedule) -> int | None:
    if specimen.caught_by == TWICE:
        return None
    spec = settle(found.spec, found.seed) if found.strategy == "seeds" else found.spec
    for candidate in (spec, found.spec):
        try:
            return shrink(candidate, found.seed, specimen.caught_by, specimen.csms, tries=SHRINK_RUNS).steps
        except ValueError:
            continue  # settled, it comes to rest another way
    return None


def _again(specimen: Specimen, ocpp: OcppVersion, found: Schedule | None) -> str:
    spoken = "" if ocpp == "1.6" else f" --ocpp {ocpp}"
    if specimen.strategy == "search" or found is None:
        return f"interlock search {specimen.scenario} --csms {specimen.name} --invariant {specimen.caught_by}{spoken}"
    return f"interlock run {specimen.scenario} --csms {specimen.name} --seed {found.seed}{spoken}"


def campaign_bites() -> bool:
    """Return whether a campaign of a single run is told that it proves nothing (I28)."""
    history, _ = examine(scenarios()["heartbeat-vs-unlock"], 0, csms_class("reference"))
    return judge_campaign([exercise(history)]).verdict is Verdict.INCONCLUSIVE


def without_kill(kills: Iterable[Kill]) -> list[str]:
    """Name the invariants that no specimen proves: none that names them was killed by them."""
    proven = {one.invariant for one in kills if one.schedules is not None}
    if campaign_bites():
        proven.add(CAMPAIGN)
    return sorted(set(INVARIANTS) - proven)
