"""The page of a mutation campaign: kill rates by room, survivors by line, and the rates that may only rise."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.loadtests.mutation.mutate import Trial

WOBBLE = 3.0
"""Points by which a rate may fall: the sample is another one when the code is."""
COLUMNS = ("suite", "suite + search", "tests", "any")


def row(trial: Trial) -> str:
    """Return one bug in a line, with who noticed it."""
    said = ", ".join(f"{stage}: {found or 'NOT NOTICED'}" for stage, found in trial.noticed.items())
    where = f"{trial.path}:{trial.mutant.line}"
    return f"{where} {trial.mutant.operator}: {trial.mutant.before} -> {trial.mutant.after} | {said}"


def killed(trial: Trial) -> dict[str, bool | None]:
    """Return for each column whether a bug was noticed; None where that was not tried."""
    noticed = trial.noticed
    suite = bool(noticed["suite"]) if "suite" in noticed else None
    search = suite or (bool(noticed["search"]) if "search" in noticed else None)
    tests = bool(noticed["tests"]) if "tests" in noticed else None
    either = [one for one in (search, tests, suite) if one is not None]
    return dict(zip(COLUMNS, (suite, search, tests, any(either) if either else None), strict=True))


def rates(trials: Iterable[Trial]) -> dict[str, float]:
    """Return the share of bugs that was noticed, in percent, by column; a column nobody tried is left out."""
    found: dict[str, list[bool]] = {}
    trials = list(trials)
    searched = any("search" in trial.noticed for trial in trials)
    for trial in trials:
        for column, was in killed(trial).items():
            if was is not None and (searched or column != "suite + search"):
                found.setdefault(column, []).append(was)
    return {column: round(100 * sum(several) / len(several), 1) for column, several in found.items()}


def written(trials: Sequence[Trial], options: argparse.Namespace, took_s: float) -> str:
    """Return the page."""
    lines = [
        "# Bugs put in by machine",
        "",
        "Made by `make mutate`; do not edit. One plain bug at a time (`loadtests/mutation/operators.py`), drawn by",
        f"seed {options.seed}, {len(trials)} of them. `suite`: one seed of each scenario that is not long to run, both",
        "versions. `search`: "
        + (f"{options.seconds:g} s" if options.schedules is None else f"{options.schedules} schedules")
        + " in one process. `tests`: the tests of the room, without those in other processes.",
        f"It took {took_s / 60:.0f} minutes. Survivors that change nothing anybody can see are among them.",
        "",
        *_table("room", trials, lambda trial: trial.path.rsplit("/", 1)[0]),
        "",
        *_table("operator", trials, lambda trial: trial.mutant.operator),
        "",
        "## What nothing noticed",
        "",
        *_survivors(trials, lambda trial: killed(trial)["any"] is False),
        "",
        "## What the tests did not notice",
        "",
        *_survivors(trials, lambda trial: killed(trial)["tests"] is False and killed(trial)["any"] is True),
        "",
        "## What neither suite nor search noticed",
        "",
        *_survivors(trials, lambda trial: killed(trial)["suite + search"] is False and killed(trial)["any"] is True),
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, trials: Sequence[Trial], of: Callable[[Trial], str]) -> list[str]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(of(trial), []).append(trial)
    lines = [f"| {name} | bugs | {' | '.join(f'{column} %' for column in COLUMNS)} |", "|---|---|---|---|---|---|"]
    for group, several in [*sorted(groups.items()), ("all", list(trials))]:
        found = rates(several)
        cells = " | ".join(f"{found[column]:g}" if column in found else "" for column in COLUMNS)
        lines.append(f"| {group} | {len(several)} | {cells} |")
    return lines


def _survivors(trials: Sequence[Trial], which: Callable[[Trial], bool]) -> list[str]:
    found = [
        f"- `{trial.path}:{trial.mutant.line}` {trial.mutant.operator}: `{trial.mutant.before}` "
        f"became `{trial.mutant.after}`"
        for trial in sorted(trials, key=lambda one: (one.path, one.mutant.line))
        if which(trial)
    ]
    return found or ["Nothing."]


def held(trials: Sequence[Trial], path: Path) -> int:
    """Compare the rates with the least they have to be. Return 1 when one fell; else raise the least to them."""
    least: dict[str, float] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found = rates(trials)
    fallen = [column for column in found if found[column] < least.get(column, 0.0)]
    for column in fallen:
        print(f"fewer bugs are noticed than before: {column}: {found[column]:g} %, has to be {least[column]:g} %")
    if not fallen:
        risen = {column: max(least.get(column, 0.0), rate - WOBBLE) for column, rate in found.items()}
        path.write_text(json.dumps({**least, **risen}, indent=1, sort_keys=True) + "\n", "utf-8")
    return 1 if fallen else 0
