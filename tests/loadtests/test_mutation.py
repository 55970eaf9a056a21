"""Bugs put in by machine: each kind of change is made, one is noticed, none where nothing was changed."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from interlock.loadtests.mutation import mutate, page
from interlock.loadtests.mutation.operators import Mutant, mutants, planted
from interlock.loadtests.mutation.planting import ROOT, files, module

SOURCE = """
def answer(state, report, items):
    if state is None or report.evse < 1:
        return []
    self.arm(report.evse, report.connector)
    self.flush()
    try:
        total = items[0] + 1
    except KeyError:
        raise
    facts = [Started(report.evse, kind="start"), Stopped(report.connector)]
    facts += more(state)
    for one in reversed(items):
        if one.status == "Available":
            return facts
    return facts if not state.open else [nothing]
"""


def of(kind: str, source: str = SOURCE) -> list[Mutant]:
    return [one for one in mutants(source) if one.operator == kind]


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("drop the guard", "pass"),
        ("other comparison", "report.evse <= 1"),
        ("and for or", "state is None and report.evse < 1"),
        ("drop a condition", "state is None"),
        ("swap arguments", "self.arm(report.connector, report.evse)"),
        ("leave out the call", "pass"),
        ("other order", "self.flush() self.arm(report.evse, report.connector)"),
        ("swallow", "pass"),
        ("wrong arithmetic", "items[0] - 1"),
        ("wrong field", "report.connector"),
        ("drop an element", "[Started(report.evse, kind='start')]"),
        ("drop a keyword", "Started(report.evse)"),
        ("leave out the addition", "pass"),
        ("other order", "items"),
        ("wrong word", "'start'"),
        ("wrong constant", "2"),
        ("return nothing", "return None"),
        ("drop the not", "state.open"),
        ("other branch", "[nothing] if not state.open else facts"),
    ],
)
def test_a_kind_of_change_is_made(kind: str, after: str) -> None:
    assert after in {one.after for one in of(kind)}


def test_each_change_is_another_program_and_its_lines_stay() -> None:
    whole = ast.dump(ast.parse(SOURCE))
    trees = [planted(SOURCE, one.number) for one in mutants(SOURCE)]
    assert len({ast.dump(tree) for tree in trees} | {whole}) > len(trees) * 0.9
    for tree in trees:
        compile(tree, "x", "exec")
    assert {one.first_line for one in mutants(SOURCE)} == {2}


def test_every_change_of_the_code_that_ships_compiles_in_a_sample() -> None:
    for trial in mutate.sample(("csms",), seed=5, size=40):
        compile(planted((ROOT / trial.path).read_text("utf-8"), trial.mutant.number), trial.path, "exec")


def test_a_sample_is_the_same_twice_and_of_every_operator() -> None:
    one, two = (mutate.sample(("csms/dispatch.py", "csms/domain"), seed=3, size=40) for _ in range(2))
    assert [(t.path, t.mutant) for t in one] == [(t.path, t.mutant) for t in two]
    assert len({trial.mutant.operator for trial in one}) > 15


@pytest.mark.parametrize(
    ("function", "operator", "noticed"),
    [("_against_unlock", "drop the guard", True), ("_against_availability", "drop a condition", False)],
)
def test_a_bug_is_noticed_by_a_run_that_reaches_it(function: str, operator: str, noticed: bool) -> None:
    path = "csms/domain/connectors.py"
    source = (ROOT / path).read_text("utf-8")
    number = [one for one in mutants(source) if (one.function, one.operator) == (function, operator)][-1].number
    jobs = [("two-unlocks-one-node", "1.6")]
    work = {"stage": "suite", "path": path, "number": number, "jobs": jobs, "wall_s": 60.0}
    found = mutate.ask(work, 120.0)
    assert bool(found["noticed"]) is noticed, found


def test_what_a_run_reaches_is_found_out_and_nothing_is_noticed() -> None:
    found = mutate.ask({"stage": "suite", "jobs": [("two-unlocks-one-node", "1.6")], "wall_s": 60.0}, 120.0)
    assert found["noticed"] is None
    reach = mutate.Reach(found["reach"], found["took"])
    source = (ROOT / "csms/domain/connectors.py").read_text("utf-8")
    asked = next(one for one in mutants(source) if one.function == "_against_unlock")
    unasked = next(one for one in mutants(source) if one.function == "_against_availability")
    assert reach.of("csms/domain/connectors.py", asked) == ["two-unlocks-one-node 1.6"]
    assert reach.of("csms/domain/connectors.py", unasked) == []


def trial(**noticed: str | None) -> mutate.Trial:
    return mutate.Trial("csms/x.py", Mutant(0, 3, "f", 1, "swallow", "a", "b"), dict(noticed))


def test_rates_and_survivors_are_on_the_page() -> None:
    trials = [
        trial(suite="I01", tests="t"),
        trial(suite=None, search=None, tests=None),
        trial(suite=None, search="I02"),
    ]
    assert page.rates(trials) == {"suite": 33.3, "suite + search": 66.7, "tests": 50.0, "any": 66.7}
    text = page.written(trials, mutate.parsed([]), 60.0)
    assert "| csms | 3 | 33.3 | 66.7 | 50 | 66.7 |" in text
    assert text.count("`csms/x.py:3` swallow") == 1


def test_a_rate_may_only_rise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    least = tmp_path / "least.json"
    assert page.held([trial(suite="I01")], least) == 0
    assert json.loads(least.read_text("utf-8")) == {"any": 97.0, "suite": 97.0}
    assert page.held([trial(suite=None)], least) == 1
    assert "suite: 0 %, has to be 97 %" in capsys.readouterr().out
    assert json.loads(least.read_text("utf-8"))["suite"] == 97.0


def test_files_are_modules_of_the_package() -> None:
    assert "csms/dispatch.py" in set(files(("csms",)))
    assert module("csms/domain/__init__.py") == "interlock.csms.domain"
