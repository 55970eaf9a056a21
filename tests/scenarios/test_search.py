"""Search finds, shrinks and hands over; what it finds does not depend on who does the work."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from interlock.csms.labelled_points import POINTS
from interlock.csms.settings import Settings
from interlock.scenarios import scenario_file, spec
from interlock.scenarios.explore.coverage import SOMETIMES, Coverage
from interlock.scenarios.explore.schedules import STRATEGIES, Schedule, plan, settle
from interlock.scenarios.explore.search import BATCH, Cores, Examined, Here, Search, cores, examine_all
from interlock.scenarios.explore.shrink import shrink
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import csms_class, examine
from interlock.scenarios.spec import Scenario, draw, printable
from interlock.simulator.deviations import USUAL

from .test_cli import ROOT, RUN, interlock

NAIVE = "send-then-append"
LIGHT = [found for found in scenarios().values() if not found.heavy]


def search(csms: str = "reference", budget: int = 200, **named: object) -> Search:
    return Search(LIGHT, csms, 0, budget, **named)  # type: ignore[arg-type]


# --- what is tried ---------------------------------------------------------------------------------------------------


def test_a_schedule_depends_on_its_number_and_what_was_seen() -> None:
    for number in range(3 * len(STRATEGIES)):
        again = [plan(LIGHT[:1], [], 7, number, Coverage()) for _ in range(2)]
        assert again[0] == again[1]
        assert again[0].strategy == STRATEGIES[number % len(STRATEGIES)]


def test_a_settled_scenario_leaves_nothing_to_the_seed() -> None:
    for base in LIGHT:
        settled = settle(base, 5)
        assert draw(settled, 1).steps == draw(settled, 2).steps == settled.steps


def test_what_was_seen_least_is_drawn_first() -> None:
    seen = Coverage()
    wanted = sorted(POINTS)[0]
    for point in POINTS:
        if point != wanted:
            seen.add({f"crash at {point}"})
    drawn = [plan(LIGHT[:1], [], 0, number * len(STRATEGIES) + 1, seen) for number in range(60)]
    crashes = [dict(one.spec.steps[-1].params)["point"] for one in drawn]
    assert crashes.count(wanted) > 30
    assert len(set(crashes)) > 3


def test_odd_schedules_draw_every_command_card_setting_and_deviation() -> None:
    kinds, deeds, changed, deviating = set[str](), set[str](), set[str](), set[str]()
    for number in range(1200):
        spec = plan(LIGHT[:1], [], 5, number, Coverage()).spec
        steps = [dict(one.params) for one in spec.steps if one.what == "ask"]
        kinds |= {type(params["command"]).__name__ for params in steps}
        deeds |= {one.what for one in spec.steps}
        before = Settings()
        changed |= {
            one.name for one in fields(Settings) if getattr(spec.settings, one.name) != getattr(before, one.name)
        }
        for name, value in spec.station:
            if name == "deviations":
                deviating |= {one.name for one in fields(value) if getattr(value, one.name) != getattr(USUAL, one.name)}
    assert kinds >= {"Unlock", "RemoteStart", "RemoteStop", "Reset", "ChangeAvailability", "Relay", "Probe"}
    assert deeds >= {"register", "swipe"}
    assert changed >= {"registration", "heartbeat_interval_s", "unknown_tokens", "acceptance", "residency"}
    assert deviating >= {"late", "twice", "crossed", "error_first", "error_after", "broken", "energy_unit"}


@pytest.mark.slow
def test_a_campaign_of_a_thousand_leaves_nothing_out_and_flags_nothing() -> None:
    work = search(budget=1000, keep_going=True)
    with cores(2) as workers:
        work.run(workers)
    assert work.done == 1000
    assert work.found == []
    assert work.coverage.missing() == []
    assert work.verdict is Verdict.PASS
    assert len(work.coverage.races()) >= 5


def test_what_was_never_exercised_is_said_and_makes_it_inconclusive() -> None:
    work = Search([scenarios()["heartbeat-vs-unlock"]], "reference", 0, 1)
    work.run(Here())
    assert set(work.coverage.missing()) <= set(SOMETIMES)
    assert "crash at intent.durable" in work.coverage.missing()
    assert work.verdict is Verdict.INCONCLUSIVE


# --- who does the work -----------------------------------------------------------------------------------------------


def test_the_number_of_workers_changes_nothing() -> None:
    def told(work: Search) -> object:
        found = [(one.schedule, one.failed) for one in work.found]
        return work.done, found, work.coverage.counts, work.corpus

    alone, together = search("doubt-is-failure", keep_going=True), search("doubt-is-failure", keep_going=True)
    alone.run(Here())
    with cores(3) as workers:
        assert isinstance(workers, Cores)
        together.run(workers)
    assert told(alone) == told(together)
    assert alone.found


class Interrupts:
    """Is interrupted in the second batch."""

    def __init__(self) -> None:
        self.batches = 0

    def examine(self, schedules: Sequence[Schedule], csms: str) -> list[Examined]:
        self.batches += 1
        if self.batches == 2:
            raise KeyboardInterrupt
        return examine_all(schedules, csms)


def test_an_interrupted_search_keeps_what_it_has() -> None:
    work = search(budget=1000)
    work.run(Interrupts())
    assert (work.done, work.interrupted) == (BATCH, True)
    assert work.coverage.counts


# --- what is handed back ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def naive() -> Search:
    work = Search([scenarios()["heartbeat-vs-unlock"]], NAIVE, 0, 64, wanted="I02")
    work.run(Here())
    return work


def test_the_question_shrinks_to_a_few_steps(naive: Search) -> None:
    assert naive.first is not None
    schedule = naive.first.schedule
    began = time.process_time()
    small = shrink(schedule.spec, schedule.seed, "I02", csms_class(NAIVE))
    assert time.process_time() - began < 30.0
    assert small.steps <= 8
    assert len(small.spec.steps) <= 2
    _, findings = examine(small.spec, small.seed, csms_class(NAIVE))
    assert "I02" in {found.id for found in findings if found.verdict is Verdict.FAIL}
    # As small as it gets: it needs every step it has left.
    for n in range(len(small.spec.steps)):
        fewer = replace(small.spec, steps=small.spec.steps[:n] + small.spec.steps[n + 1 :])
        _, findings = examine(fewer, small.seed, csms_class(NAIVE))
        assert "I02" not in {found.id for found in findings if found.verdict is Verdict.FAIL}


def test_what_does_not_fail_cannot_be_shrunk() -> None:
    base = settle(scenarios()["heartbeat-vs-unlock"], 0)
    with pytest.raises(ValueError, match="does not violate I02"):
        shrink(base, 0, "I02", csms_class("reference"))


def found_specs() -> Iterator[Scenario]:
    yield from LIGHT
    yield from (settle(base, 3) for base in LIGHT)
    seen = Coverage()
    yield from (plan(LIGHT, [], 1, number, seen).spec for number in range(400))


def test_a_scenario_survives_being_a_file_and_being_json(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    for one in found_specs():
        path.write_text(scenario_file.source(one, 'A """story""" with a \\ in it.'), "utf-8")
        assert scenario_file.load(path) == one
        assert spec.read(json.loads(json.dumps(printable(one)))) == one


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SCENARIO = 3\n", "defines no SCENARIO"),
        ("syntax error here\n", "SyntaxError"),
        ("import nowhere_at_all\n", "ModuleNotFoundError"),
        ("raise ValueError('x')\n", "ValueError: x"),
    ],
)
def test_a_file_without_a_scenario_is_said_to_be_one(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(text, "utf-8")
    with pytest.raises(scenario_file.Unloadable, match=says):
        scenario_file.load(path)


def test_json_that_is_no_scenario_is_said_to_be_none() -> None:
    good = printable(LIGHT[0])
    rng = random.Random(3)
    for _ in range(200):
        data = json.loads(json.dumps(good))
        where = data
        while isinstance(where, dict) and where:
            name = rng.choice(list(where))
            if not isinstance(where[name], dict) or rng.random() < 0.5:
                where[name] = rng.choice([None, 3, "x", [], {}])
                break
            where = where[name]
        with contextlib.suppress(spec.NotAScenario):
            spec.read(data)
    with pytest.raises(spec.NotAScenario):
        spec.read({"x": 1})


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_search_that_finds_exits_1_and_leaves_a_story_anybody_can_run(tmp_path: Path) -> None:
    done = interlock("search", "heartbeat-vs-unlock", "--csms", NAIVE, "--budget", "640", "--seed", "4", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    out = tmp_path / "interlock-out" / "search"
    summary = json.loads((out / "search.json").read_text("utf-8"))
    assert summary["verdict"] == "FAIL"
    assert summary["found"]["observed_steps"] <= 8
    assert "sequenceDiagram" in (out / "story.md").read_text("utf-8")
    for folder in ("original", "shrunk"):
        names = {path.name for path in (out / folder).iterdir()}
        assert {"run.json", "history.jsonl", "verdict.json", "report.html", "chart.svg", "scenario.py"} <= names
    [again] = [line for line in done.stdout.splitlines() if line.startswith("  again:")]
    words = again.split("interlock ")[1].split()
    repeated = interlock(*words, cwd=tmp_path)
    assert repeated.returncode == 1
    assert summary["found"]["invariant"] in repeated.stdout
    replayed = interlock("replay", out / "shrunk", "-q", cwd=tmp_path)
    assert "byte for byte" in replayed.stdout


def test_a_search_that_finds_nothing_says_what_it_did_not_exercise(tmp_path: Path) -> None:
    done = interlock("search", "heartbeat-vs-unlock", "--budget", "64", "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["verdict"], summary["found"]) == (3, "INCONCLUSIVE", None)
    assert summary["never"]
    assert summary["schedules"] == 64


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--budget", "soon"], 2, "--budget is a time such as 60s"),
        (["--budget", "0"], 2, "--budget is a time"),
        (["--invariant", "I99"], 2, "no invariant 'I99'"),
        (["nowhere"], 2, "nowhere"),
        (["missing.py"], 2, "there is no scenario file missing.py"),
        (["--csms", "nobody"], 2, "nobody"),
        (["--cluster", "tcp://127.0.0.1:9"], 3, "no Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--cluster", "here"], 3, "no Dask scheduler answers at here"),
    ],
)
def test_what_a_user_got_wrong_is_one_sentence(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    done = interlock("search", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ctrl_c_gives_the_summary_so_far(tmp_path: Path) -> None:
    arguments = ["search", "--budget", "1h", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", RUN, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(3.0)  # not awaited: any moment will do
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "interrupted after" in err
    assert "Traceback" not in err
    assert process.returncode == 3, (lines, out, err)
    assert "INCONCLUSIVE" in out or "PASS" in out


@pytest.mark.slow
def test_dask_workers_find_the_same_and_a_lost_one_loses_nothing(tmp_path: Path) -> None:
    """A real scheduler and two workers on loopback; one is killed while it works."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    told = tmp_path / "scheduler.json"
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)]
    started = [subprocess.Popen([*module, *where], **quiet)]  # type: ignore[call-overload]
    try:
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(told), "--no-nanny"]
        limit = time.monotonic() + 30
        while not told.exists():
            assert time.monotonic() < limit
            time.sleep(0.05)
        for _ in range(2):
            more = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(tmp_path)]
            started.append(subprocess.Popen([*worker, *more], **quiet))  # type: ignore[call-overload]
        address = json.loads(told.read_text("utf-8"))["address"]
        arguments = ["search", "--budget", "1280", "--json", "--seed", "2"]
        command = [sys.executable, "-c", RUN, *arguments, "--cluster", address, "--out", str(tmp_path / "far")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        far = subprocess.Popen(command, env=environment, cwd=tmp_path, **pipes)  # type: ignore[call-overload]
        time.sleep(4.0)  # not awaited: any moment of the work will do
        started[1].kill()
        out, err = far.communicate(timeout=120)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert far.returncode in (0, 3), err
    near = interlock(*arguments, "--out", tmp_path / "near", "--jobs", "2", cwd=tmp_path)
    assert json.loads(out) == json.loads(near.stdout)
