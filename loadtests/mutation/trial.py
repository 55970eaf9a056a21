"""One bug in one process: `python -m interlock.loadtests.mutation.trial WORK` prints what noticed it as its last line.

WORK is JSON: `path` and `number` of the change (none: nothing is changed, and what each run and test reaches is
noted), `stage` (`suite`, `search`, `tests`), and what of it: `jobs`, `seconds` or `schedules`, `tests`.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

from interlock.loadtests.mutation import planting


def main(work: dict[str, Any]) -> dict[str, Any]:
    """Do the work and return what it found: `noticed` (None: nothing did), or `reach` and `took` by run or test."""
    if work.get("path"):
        planting.plant(work["path"], work["number"])
    else:
        planting.watch()
    return {"suite": _suite, "search": _search, "tests": _tests}[work["stage"]](work)


def _suite(work: dict[str, Any]) -> dict[str, Any]:
    from interlock.scenarios import runner
    from interlock.scenarios.explore.time_limit import within
    from interlock.scenarios.judge.verdict import Verdict

    reach, took = {}, {}
    for scenario, ocpp in work["jobs"]:
        planting.REACHED.clear()
        began = time.monotonic()
        with within(work["wall_s"]):
            outcome = runner.run(runner.Job(scenario, 0, ocpp=ocpp))
        gc.collect()
        if outcome.word >= Verdict.FAIL and work.get("path"):
            return {"noticed": f"{','.join(outcome.failed) or outcome.word.name} in {scenario} {ocpp}"}
        reach[f"{scenario} {ocpp}"] = sorted(planting.REACHED)
        took[f"{scenario} {ocpp}"] = round(time.monotonic() - began, 3)
    return {"noticed": None, "reach": reach, "took": took}


def _search(work: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import replace

    from interlock.scenarios.explore.search import Here, Search
    from interlock.scenarios.library import scenarios
    from interlock.scenarios.runner import REFERENCE
    from interlock.scenarios.spec import VERSIONS

    light = [one for one in scenarios().values() if not one.heavy]
    bases = [replace(one, ocpp=ocpp) for ocpp in VERSIONS for one in light if one.why_not(ocpp) is None]
    search = Search(bases, REFERENCE, 0, work.get("schedules"), work.get("seconds"))
    search.run(Here())
    if (first := search.first) is None:
        return {"noticed": None, "schedules": search.done}
    return {"noticed": f"{','.join(first.failed) or 'broken'} in schedule {first.schedule.number}"}


def _tests(work: dict[str, Any]) -> dict[str, Any]:
    import pytest

    plugin = _Chosen(work.get("tests"))
    arguments = [
        "-q",
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        *work["files"],
    ]
    code = pytest.main(arguments, plugins=[plugin])
    if plugin.failed is None and code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        plugin.failed = f"pytest ended with {code.name if isinstance(code, pytest.ExitCode) else code}"
    if not work.get("path"):
        plugin.failed = None
    return {"noticed": plugin.failed, "reach": plugin.reach, "took": plugin.took}


class _Chosen:
    """Runs the chosen tests in the order given, notes the first that fails, and what each reached."""

    def __init__(self, tests: list[str] | None) -> None:
        self.order = None if tests is None else {test: at for at, test in enumerate(tests)}
        self.failed: str | None = None
        self.unsteady: set[str] = set()
        self.reach: dict[str, list[str]] = {}
        self.took: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self.order is not None:
            order = self.order
            items[:] = sorted((one for one in items if one.nodeid in order), key=lambda one: order[one.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid
        if report.failed or report.nodeid in self.unsteady:  # one that fails with nothing changed says nothing
            self.unsteady.add(report.nodeid)
            self.reach.pop(report.nodeid, None)
            return
        self.took[report.nodeid] = round(self.took.get(report.nodeid, 0.0) + report.duration, 3)
        self.reach[report.nodeid] = sorted({*self.reach.get(report.nodeid, ()), *planting.REACHED})
        planting.REACHED.clear()


if __name__ == "__main__":
    try:
        found = main(json.loads(sys.argv[1] if sys.argv[1] != "-" else sys.stdin.read()))
    except BaseException as error:  # a bug may raise anything, at any import
        found = {"noticed": f"{type(error).__name__}: {error}"[:120]}
    print("\n" + json.dumps(found))
