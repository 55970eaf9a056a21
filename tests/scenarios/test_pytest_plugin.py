"""Scenarios as test items of somebody else's pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_an_unknown_csms_is_wrong_usage(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, "--interlock", "--interlock-csms", "nonsense")
    assert done.returncode == 4
    assert "no CSMS is called" in done.stderr + done.stdout


def test_a_target_needs_its_control_interface_and_the_option_that_collects(tmp_path: Path) -> None:
    for words, says in (
        (("--interlock", "--interlock-target", "ws://h/x"), "go together"),
        (("--interlock-target", "ws://h/x", "--interlock-control", "c.toml"), "needs --interlock"),
    ):
        done = pytest_run(tmp_path, *words)
        assert done.returncode == 4
        assert says in done.stderr + done.stdout


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
    assert dead.returncode == 1
    assert "does not answer" in dead.stdout
