"""`make mutate`: put plain bugs into the code one at a time, and list those that nothing notices (docs/mutation.md).

    python -m interlock.loadtests.mutation.mutate --sample 60 --stages suite,search,tests --page reports/out/mutation.md

A bug is noticed when a run of the library fails, a schedule of the search does, or a test. Runs and tests that never
call the changed function cannot notice it and are left out: what each calls is found out first, and kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.loadtests.mutation import page
from interlock.loadtests.mutation.operators import Mutant, mutants
from interlock.loadtests.mutation.planting import ROOMS, ROOT, files

TESTS = {"csms": ["tests/csms"], "scenarios/judge": ["tests/scenarios"]}
"""The tests that ought to notice a bug in a room."""
APART = [
    "test_store_postgres.py",
    "test_store_postgres_away.py",
    "test_store_claims.py",
    "test_cli_fleet.py",
    "test_cli_serve.py",
    "test_fleet_green.py",
]
"""Tests in processes or with a database of their own: a change that is in this process is not in those."""
STAGES = ("suite", "search", "tests")
LIMIT_S = {"suite": 300.0, "search": 240.0, "tests": 600.0}
"""Seconds after which a trial is ended; what goes on for so long without an end is noticed."""
BOUND_S = 60.0


@dataclass(slots=True)
class Trial:
    """One bug, and what each stage said: who noticed it, None when nobody did; a stage that was not tried is absent."""

    path: str
    mutant: Mutant
    noticed: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which functions (`path:line`) each run and test calls, and how long it takes."""

    reach: dict[str, list[str]]
    took: dict[str, float]

    def of(self, path: str, mutant: Mutant) -> list[str]:
        """Return the runs or tests that can notice a change, the shortest first."""
        place = f"{path}:{mutant.first_line}"
        found = [one for one, called in self.reach.items() if not mutant.first_line or place in called]
        return sorted(found, key=lambda one: (self.took[one], one))


def sample(rooms: Sequence[str], seed: int, size: int) -> list[Trial]:
    """Draw bugs, each operator as often as any other while it has some left. Same arguments, same sample."""
    rng = random.Random(seed)
    kinds: dict[str, list[Trial]] = {}
    for path in files(tuple(rooms)):
        for mutant in mutants((ROOT / path).read_text("utf-8")):
            kinds.setdefault(mutant.operator, []).append(Trial(path, mutant))
    for trials in kinds.values():
        rng.shuffle(trials)
    found: list[Trial] = []
    while len(found) < size and any(kinds.values()):
        found += [kinds[kind].pop() for kind in sorted(kinds) if kinds[kind]]
    rng.shuffle(found)
    return found[:size]


def ask(work: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """Do a trial in a process of its own; what does not end in time is ended, and that was noticed."""
    command = [sys.executable, "-m", "interlock.loadtests.mutation.trial", "-"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            said, _ = process.communicate(json.dumps(work), timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"noticed": f"no end within {limit_s:g} s"}
    try:
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (IndexError, ValueError):
        return {"noticed": f"the process ended with {process.returncode}"}
    return found


def runs() -> list[tuple[str, str]]:
    """Return the runs of the suite: each scenario that is not long to run, in each version."""
    from interlock.scenarios import runner
    from interlock.scenarios.library import scenarios

    names = [name for name, one in sorted(scenarios().items()) if not one.heavy]
    jobs = runner.jobs(names, 0, 1, runner.REFERENCE, ocpp=("1.6", "2.0.1"))
    return [(job.scenario, str(job.ocpp)) for job in jobs]


def reached(stage: str, room: str, out: Path) -> Reach:
    """Return what the runs or tests reach in the code as it stands: kept in `out` until that changes."""
    work: dict[str, Any] = {"stage": stage, "wall_s": 600.0}
    if stage == "suite":
        work["jobs"] = runs()
    else:
        ignored = [f"--ignore-glob=*{name}" for name in APART]
        work["files"] = [*TESTS[room], *ignored]
    kept = out / f"reach-{stage}-{hashlib.sha256((json.dumps(work) + _sources()).encode()).hexdigest()[:12]}.json"
    if not kept.exists():
        found = ask(work, 1800.0)
        if found["noticed"] is not None:
            raise SystemExit(f"nothing was changed and {stage} fails: {found['noticed']}")
        kept.write_text(json.dumps(found), "utf-8")
    found = json.loads(kept.read_text("utf-8"))
    return Reach({one: found["reach"][one] for one in found["reach"]}, found["took"])


def _sources() -> str:
    rooms = ("csms", "scenarios", "simulator", "tests")
    return "".join(hashlib.sha256((ROOT / path).read_bytes()).hexdigest() for path in files(rooms))


def room_of(path: str) -> str:
    """Return the room of `TESTS` that a file is in."""
    return next(room for room in TESTS if path.startswith(room))


def tried(trial: Trial, stages: Sequence[str], reach: dict[tuple[str, str], Reach], budget: dict[str, Any]) -> Trial:
    """Try one bug in each stage; the search is left out where the suite noticed it."""
    work: dict[str, Any] = {"path": trial.path, "number": trial.mutant.number, "wall_s": BOUND_S}
    room = room_of(trial.path)
    if "suite" in stages:
        chosen = reach["suite", room].of(trial.path, trial.mutant)
        jobs = [one.rsplit(" ", 1) for one in chosen]
        trial.noticed["suite"] = ask({**work, "stage": "suite", "jobs": jobs}, LIMIT_S["suite"])["noticed"]
    if "search" in stages and not trial.noticed.get("suite"):
        trial.noticed["search"] = ask({**work, "stage": "search", **budget}, LIMIT_S["search"])["noticed"]
    if "tests" in stages:
        chosen = reach["tests", room].of(trial.path, trial.mutant)
        found = ask({**work, "stage": "tests", "files": TESTS[room], "tests": chosen}, LIMIT_S["tests"])
        trial.noticed["tests"] = found["noticed"]
    return trial


def campaign(options: argparse.Namespace) -> Iterator[Trial]:
    """Try a sample, and yield each bug when it was tried."""
    options.out.mkdir(parents=True, exist_ok=True)
    trials = sample(options.rooms, options.seed, options.sample)
    stages = options.stages
    reach = {
        (stage, room): reached(stage, room, options.out)
        for stage in ("suite", "tests")
        if stage in stages
        for room in sorted({room_of(trial.path) for trial in trials})
    }
    budget = {"seconds": options.seconds} if options.schedules is None else {"schedules": options.schedules}
    with ThreadPoolExecutor(options.jobs) as pool:
        yield from pool.map(lambda trial: tried(trial, stages, reach, budget), trials)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=lambda text: text.split(","), default=list(ROOMS), help="rooms or files")
    parser.add_argument("--sample", type=int, default=60, help="how many bugs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", type=lambda text: text.split(","), default=list(STAGES))
    parser.add_argument("--seconds", type=float, default=60.0, help="of the search, for each bug")
    parser.add_argument("--schedules", type=int, default=None, help="of the search, instead of seconds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("reports/out/mutation"))
    parser.add_argument("--page", type=Path, default=None, help="write the page here")
    parser.add_argument("--least", type=Path, default=None, help="rates that must be reached, and that rise with them")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign. Exit 0: no rate fell below what it has to be."""
    options = parsed(arguments)
    began, done = time.monotonic(), []
    for trial in campaign(options):
        done.append(trial)
        print(page.row(trial), flush=True)
    text = page.written(done, options, time.monotonic() - began)
    print("\n" + text)
    if options.page is not None:
        options.page.write_text(text, "utf-8")
    return page.held(done, options.least) if options.least is not None else 0


if __name__ == "__main__":
    raise SystemExit(main())
