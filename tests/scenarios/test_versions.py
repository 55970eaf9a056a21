"""Which runs are planned for which OCPP version."""

from __future__ import annotations

from pathlib import Path

from interlock.scenarios.cli.search import spoken
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import jobs, scenario
from interlock.scenarios.spec import VERSIONS, Scenario, printable, read

from .test_cli import interlock

ONLY_16 = '''"""Only there."""

from interlock.scenarios.spec import Scenario

SCENARIO = Scenario(name="only-there", title="t", covers="c", absent_in=(("2.0.1", "it has no such message"),))
'''


def test_a_suite_runs_under_both_and_heavy_scenarios_in_their_own() -> None:
    planned = {
        (job.scenario, job.ocpp) for job in jobs(list(scenarios()), 0, 1, "reference", ocpp=VERSIONS, sparing=True)
    }
    heavy = {name for name, found in scenarios().items() if found.heavy}
    for ocpp, left_out in (("1.6", set[str]()), ("2.0.1", heavy)):
        there = {name for name, one in scenarios().items() if one.why_not(ocpp) is None}
        assert {name for name, spoken_ in planned if spoken_ == ocpp} == there - left_out
    asked = [job.ocpp for job in jobs([*heavy], 0, 1, "reference", ocpp=VERSIONS)]
    assert asked == [*VERSIONS] * len(heavy)


def test_a_named_scenario_speaks_what_it_says() -> None:
    assert [job.ocpp for job in jobs(["heartbeat-vs-unlock"], 0, 2, "reference")] == [None, None]


def test_one_that_does_not_exist_under_a_version_is_left_out_and_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "only.py").write_text(ONLY_16)
    path = str(tmp_path / "only.py")
    assert [job.ocpp for job in jobs([path], 0, 1, "reference", ocpp=VERSIONS)] == ["1.6"]
    assert [one.ocpp for one in spoken([scenario(path)], VERSIONS)] == ["1.6"]
    done = interlock("run", path, "--ocpp", "2.0.1", cwd=tmp_path)
    assert done.returncode == 2
    assert "does not exist in OCPP 2.0.1: it has no such message" in done.stderr
    assert interlock("search", path, "--ocpp", "2.0.1", "--budget", "1", cwd=tmp_path).returncode == 2


def test_what_it_speaks_is_part_of_a_printed_scenario() -> None:
    spec = Scenario("n", "t", "c", ocpp="2.0.1", absent_in=(("1.6", "because"),))
    assert read(printable(spec)) == spec
