"""Scenarios as test items of somebody else's pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from interlock.scenarios import pytest_plugin

from .test_cli_serve import serving
from .test_cli_target import SERVE, TOKEN

ROOT = Path(__file__).parents[2]


def pytest_run(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_selection_seed_and_junit(tmp_path: Path) -> None:
    done = pytest_run(
        tmp_path, "--interlock", "--interlock-seed", "7", "-k", "unlock and not node", "--junitxml", "j.xml", "-v"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "heartbeat-vs-unlock[1.6-seed-7] PASSED" in done.stdout
    assert "heartbeat-vs-unlock[2.0.1-seed-7] PASSED" in done.stdout
    assert 'value="7"' in (tmp_path / "j.xml").read_text("utf-8")


def test_a_violation_fails_with_its_story(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, "--interlock", "--interlock-csms", "send-then-append", "-k", "heartbeat-vs", "-x")
    assert done.returncode == 1
    assert "I02 no double unlock" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_the_option_nothing_is_collected(tmp_path: Path) -> None:
    assert pytest_run(tmp_path).returncode == 5


def test_a_node_id_can_be_given_back_beside_other_tests(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): ...\ndef test_other(): ...\n")
    done = pytest_run(tmp_path, "interlock::heartbeat-vs-unlock[2.0.1-seed-7]", "test_mine.py::test_mine", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "heartbeat-vs-unlock[2.0.1-seed-7] PASSED" in done.stdout
    assert "2 passed" in done.stdout


class Config(SimpleNamespace):
    """What the plugin asks of pytest's configuration."""

    def getoption(self, name: str) -> Any:
        return getattr(self.option, name.strip("-").replace("-", "_"))

    def addinivalue_line(self, *_: str) -> None: ...


def configured(*args: str, **options: Any) -> Config:
    given: dict[str, Any] = {"interlock": True, "seed": 0, "seeds": 1, "csms": "reference"}
    given |= dict.fromkeys(("target", "control", "ocpp", "out")) | options
    named = {name if name == "interlock" else f"interlock_{name}": value for name, value in given.items()}
    config = Config(args=list(args), option=SimpleNamespace(**named))
    pytest_plugin.pytest_configure(cast("pytest.Config", config))
    return config


def test_node_ids_are_the_runs_to_do_and_no_paths() -> None:
    config = configured("interlock::full-disk[1.6-seed-3]", "tests/", interlock=False)
    assert config.args == ["tests/"]
    assert config.option.interlock
    (job,) = pytest_plugin._planned(cast("pytest.Config", config))
    assert (job.scenario, job.ocpp, job.seed) == ("full-disk", "1.6", 3)
    every = [*pytest_plugin._planned(cast("pytest.Config", configured()))]
    for one in every:
        assert pytest_plugin._job(f"interlock::{one.scenario}[{one.ocpp}-seed-{one.seed}]", "reference") == one


@pytest.mark.parametrize(
    ("args", "options", "says"),
    [
        ((), {"csms": "nonsense"}, "no CSMS is called 'nonsense'"),
        ((), {"seed": -1}, "must be 0 or more"),
        ((), {"target": "ws://h/x"}, "go together"),
        ((), {"target": "h", "control": "http://h"}, "begins with ws:// or wss://"),
        ((), {"target": "ws://h/x", "control": "none.toml"}, "none.toml cannot be read"),
        ((), {"interlock": False, "target": "ws://h/x"}, "--interlock-target needs --interlock"),
        (("interlock::full-dsk[1.6-seed-3]",), {}, "did you mean full-disk?"),
        (("interlock::full-disk[1.7-seed-3]",), {}, "is no scenario's node id; one is interlock::heartbeat-vs-unlock["),
        (("interlock::full-disk",), {}, "is no scenario's node id"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_collected(
    args: tuple[str, ...], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(says)):
        configured(*args, **options)


def test_a_target_that_is_not_there_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_API_TOKEN", "x")
    with pytest.raises(pytest.exit.Exception, match="does not answer") as ended:
        configured(target="ws://127.0.0.1:1/x", control="http://127.0.0.1:1")
    assert ended.value.returncode == 3


@pytest.mark.slow
def test_scenarios_on_a_target_pass_fail_and_are_skipped_with_the_reason(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE, "--csms", "send-then-append") as (_, stations, operators):
        words = ("--interlock-target", stations, "--interlock-control", operators)
        chosen = "heartbeat-vs or crash-after-send"
        done = pytest_run(tmp_path, "--interlock", *words, "-k", chosen, "--interlock-seeds", "2", "-rs", **TOKEN)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "I02 no double unlock" in done.stdout
    assert "crash_at cannot be done to a CSMS from outside" in done.stdout
    assert "Traceback" not in done.stdout
    dead = pytest_run(tmp_path, "--interlock", *words, "-k", "heartbeat-vs", **TOKEN)
    assert dead.returncode == 3
    assert "does not answer" in dead.stderr
