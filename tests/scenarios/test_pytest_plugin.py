"""Scenarios as test items of somebody else's pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pytest_run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
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
