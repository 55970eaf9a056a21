"""Every mistake on the command line: one sentence, the right exit code, and the nearest right word if there is one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from interlock.scenarios.library import scenarios
from interlock.scenarios.selection import NothingMatches, choose, tags

from .test_cli import ROOT, RUN, interlock

NAME = "heartbeat-vs-unlock"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "heartbeat-v-unlock"], "did you mean heartbeat-vs-unlock?"),
        (["run", "i02"], "i02 is no scenario but one of the invariants; `interlock explain i02`"),
        (["run", "zz*"], "no scenario matches 'zz*'"),
        (["run", NAME, "--csms", "send-the-append"], "did you mean send-then-append?"),
        (["run", NAME, "--seeds", "0"], "--seeds: it is 1 or more"),
        (["run", NAME, "--seeds", str(10**21)], "--seeds: it is at most 1000000"),
        (["run", NAME, "--seed", "x"], "--seed: it is a whole number"),
        (["run", NAME, "--sede", "3"], "there is no option --sede; did you mean --seed"),
        (["run", "-k", "nothing-like-it"], "-k 'nothing-like-it' matches no scenario"),
        (["run", "--tag", "rase"], "no scenario has the tag 'rase'; did you mean race?"),
        (["run", "--suite", "--not", "rase"], "--not 'rase' is neither a tag nor a scenario"),
        (["run", NAME, "--not", "race"], "leave nothing to run"),
        (["run", NAME, "--junit", "/"], "--junit: file '/' is a directory"),
        (["run", NAME, "--out", "/proc/x"], "--out: /proc/x cannot be made"),
        (["serv"], "there is no command 'serv'; did you mean serve?"),
        (["explain"], "ID is missing"),
        (["explain", "a", "b"], "b is too much"),
        (["explain", "i2"], "did you mean I02?"),
        (["explain", "targets"], "did you mean `interlock list targets`?"),
        (["list", "scenario"], "did you mean scenarios?"),
        (["fleet"], "URL is missing"),
        (["load", "--users", "abc"], "--users: it is a whole number"),
        (["load", "ws://h/x", "--processes", "400"], "--processes: it is at most 256"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = interlock(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for word in ("pydantic", "Input should", "Traceback", "<int", "Invalid value"):
        assert word not in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("interlock.toml", "[run]\nsede = 3\n", "interlock.toml: [run] has no option 'sede'; did you mean seed?"),
        ("interlock.toml", "[rum]\nseed = 3\n", "[rum] is not a command; did you mean run?"),
        ("pyproject.toml", "[tool.interlock.run]\nsede = 3\n", "pyproject.toml [tool.interlock]: [run] has no option"),
    ],
)
def test_a_key_that_is_not_known_is_told_with_the_nearest_right_one(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    (tmp_path / file).write_text(text)
    done = interlock("list", cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr


def test_pyproject_and_the_spelling_of_the_command_line_set_options(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.interlock.run]\nseed = 3\nnot = ["heavy"]\n')
    done = interlock("run", NAME, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [one["seed"] for one in json.loads(done.stdout)["runs"]] == [3]


def test_selection_by_glob_part_and_tag() -> None:
    library = scenarios()
    assert choose(library, ["heartbeat*"]) == [name for name in library if name.startswith("heartbeat")]
    race = choose(library, list(library), wanted=["race"], unwanted=["heavy", "two-*"])
    assert NAME in race
    assert not any(name.startswith("two-") or "race" not in tags(library[name]) for name in race)
    assert choose(library, list(library), ["vs-unlock"]) == [name for name in library if "vs-unlock" in name]
    assert choose(library, ["mine.py", NAME], unwanted=["race"]) == ["mine.py"]
    with pytest.raises(NothingMatches):
        choose(library, list(library), ["nowhere"])


def test_list_says_what_would_run_and_runs_nothing(tmp_path: Path) -> None:
    done = interlock("run", "--suite", "--list", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("\n") == len(scenarios()) + 1
    assert not (tmp_path / "interlock-out").exists()


def test_fail_fast_ends_with_the_first_that_fails(tmp_path: Path) -> None:
    flags = ("--csms", "send-then-append", "--seeds", "20", "--fail-fast", "--quiet", "--junit", "j.xml", "-j", "1")
    done = interlock("run", NAME, *flags, cwd=tmp_path)
    assert done.returncode == 1
    assert ET.parse(tmp_path / "j.xml").getroot().get("tests") == "1"


BROKEN = """
from interlock.scenarios.spec import Scenario, step
from interlock.scenarios.steps.faults import fault


@fault()
async def breaks(stage):
    raise KeyError("nobody")


SCENARIO = Scenario(name="broken", title="broken", covers="broken", steps=(step("breaks", 1.0),))
"""


def test_a_scenario_that_raises_is_one_error_and_the_rest_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    done = interlock("run", "broken.py", NAME, "--junit", "j.xml", "-j", "1", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "KeyError: 'nobody'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    root = ET.parse(tmp_path / "j.xml").getroot()
    assert (root.get("tests"), root.get("errors"), root.get("failures")) == ("2", "1", "0")
    times = [float(case.get("time", "0")) for case in root.iter("testcase")]
    assert all(time > 0 for time in times)
    assert "KeyError" in (tmp_path / "interlock-out" / "index.html").read_text("utf-8")


COUNTING = """
from pathlib import Path
from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Scenario, ask

with Path("executed").open("a") as file:
    file.write("x")
SCENARIO = Scenario(name="mine", title="mine", covers="mine", steps=(ask(Unlock(1), 8.0),))
"""


def test_a_file_of_a_user_is_executed_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(COUNTING)
    done = interlock("run", "mine.py", "--seeds", "3", "-j", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "executed").read_text() == "x"


def test_a_reader_that_leaves_does_not_change_what_a_command_says_with_its_exit_code(tmp_path: Path) -> None:
    for arguments, code in ((["list"], 0), (["run", NAME, "--csms", "send-then-append"], 1)):
        with subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            errors = process.stderr.read()
        assert (process.returncode, errors) == (code, b"")


def left(group: int) -> list[str]:
    """Return the processes of a process group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, fields = path.read_text().rpartition(")")
            state, _, its_group, *_ = fields.split()
            if int(its_group) == group and state != "Z":
                found.append(name)
    return found


@pytest.mark.parametrize(
    ("lines", "arguments"),
    [
        (2, ["run", "--suite", "--seeds", "500", "-j", "2"]),
        (2, ["search", "--budget", "1h", "-j", "2"]),
        (2, ["prove", "--budget", "100000", "-j", "2"]),
        (1, ["worlds", "--csms", "reference", "--tries", "1", "-j", "2"]),
    ],
    ids=["run", "search", "prove", "worlds"],
)
def test_ctrl_c_ends_it_with_its_workers_and_without_a_traceback(
    tmp_path: Path, lines: int, arguments: list[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-c", RUN, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(lines)]
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the session
        out, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors, errors
    assert process.returncode == 3, (first, out, errors)
    deadline = time.monotonic() + 30.0
    while left(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left(process.pid) == []


def test_a_module_can_be_run_and_starts_where_windows_has_less(tmp_path: Path) -> None:
    hidden = (
        "import sys, os\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "for name in ('sysconf', 'getuid', 'geteuid', 'fork', 'killpg'): delattr(os, name)\n"
        "import runpy\n"
        "sys.argv = ['interlock', *sys.argv[1:]]\n"
        "runpy.run_module('interlock', run_name='__main__')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments in (
        ["list"],
        ["run", NAME, "-j", "1"],
        ["load", "--help"],
        ["fleet", "ws://127.0.0.1:1/x", "--stations", "2", "--time", "1s"],
        ["serve", "--help"],
        ["check", "station", "--virtual", "--cases", "TC_001_CS"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", hidden, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == (3 if arguments[0] == "fleet" else 0), (arguments, done.stderr)
        assert "Traceback" not in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.startswith("interlock ")


def test_a_replay_of_what_was_recorded_in_wall_time_says_what_to_do_instead(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = interlock("run", NAME, "--out", out, "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    folder = out / NAME / "seed-0"
    about = json.loads((folder / "run.json").read_text("utf-8"))
    about["rules"]["seen_from"] = "outside"
    (folder / "run.json").write_text(json.dumps(about))
    again = interlock("replay", folder, cwd=tmp_path)
    assert again.returncode == 2
    assert f"`interlock judge {folder}` judges it again" in again.stderr
