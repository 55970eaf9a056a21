"""What the README tells a newcomer to type exists and does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [shlex.split(line, comments=True) for block in BLOCKS for line in block.splitlines()]
SLOW = {"--suite", "--budget", "--target", "--stage", "check", "serve", "fleet", "judge"}
"""Takes a minute, a port or a file of one's own; these have tests of their own."""
QUICK = [line for line in LINES if line and line[0] == "interlock" and not SLOW & set(line)]


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line[1] for line in LINES if line and line[0] == "make"} | set(re.findall(r"`make ([a-z]+)`", README))
    assert {"run", "test"} <= named <= targets


def test_the_gate_calls_the_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), (page.name, link)


def test_the_paths_that_contributors_are_shown_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = {path for path in re.findall(r"`([\w.]+/[\w./*]*)`", text) if not path.startswith("interlock/")}
    assert len(paths) > 12
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


def test_nothing_claims_a_package_index() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "scenarios").rglob("*.py")):
        assert not re.search(r"(pip|pipx|uv) install '?ocpp.interlock", page.read_text("utf-8")), page


def test_its_commands_do_what_they_say(tmp_path: Path) -> None:
    code = "import sys; from interlock.scenarios.cli.main import main; main(sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for line in QUICK:
        done = subprocess.run(
            [sys.executable, "-c", code, *line[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == ("--csms" in line), (line, done.stderr)


@pytest.mark.parametrize("word", ["interlock.toml", "INTERLOCK_RUN_SEEDS", "--interlock-seed", "--interlock-out"])
def test_words_it_uses_are_known(word: str) -> None:
    sources = (ROOT / "scenarios" / "cli" / "main.py").read_text() + (
        ROOT / "scenarios" / "pytest_plugin.py"
    ).read_text()
    assert word in sources or word.startswith("INTERLOCK_RUN_")
