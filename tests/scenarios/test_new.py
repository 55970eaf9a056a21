"""`interlock new`: what it writes runs, its test is green, and it passes the linter's rules of this project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from interlock.scenarios.cli import main as cli
from interlock.scenarios.cli.new import KINDS
from interlock.scenarios.judge.invariants.declare import DECLARED
from interlock.scenarios.scenario_file import execute
from interlock.scenarios.steps.faults import FAULTS, RANGES

ROOT = Path(__file__).parents[2]


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    return int(str(end.value.code))


def checks_of(module: ModuleType) -> list[Callable[..., None]]:
    return [one for name, one in vars(module).items() if name.startswith("test_")]


@pytest.fixture
def clean() -> object:
    """Forget afterwards what the files declared."""
    before = dict(DECLARED), dict(FAULTS), dict(RANGES)
    yield
    for held, was in zip((DECLARED, FAULTS, RANGES), before, strict=True):
        held.clear()
        held.update(was)  # type: ignore[arg-type]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_is_green(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("new", kind, f"my-{kind}", "--out", str(tmp_path)) == 0
    told = capsys.readouterr().out
    path = tmp_path / f"my_{kind}.py"
    assert str(path) in told
    assert "@" not in path.read_text().replace("@fault", "").replace("@invariant", "")
    tests = checks_of(execute(tmp_path / f"test_my_{kind}.py", "its test"))
    assert tests
    for test in tests:
        test(*([tmp_path / "out"] if test.__code__.co_argcount else []))
    assert ended("new", kind, f"my-{kind}", "--out", str(tmp_path)) == 2
    assert "is there already" in capsys.readouterr().err
    flags = ("--config", ROOT / "pyproject.toml", "--no-cache", "-q", "--ignore", "D1")
    done = subprocess.run([sys.executable, "-m", "ruff", "check", *flags, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("clean")
def test_a_users_invariant_is_judged_by_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("new", "invariant", "no-more-moves", "--out", str(tmp_path)) == 0
    out = ("--out", str(tmp_path / "runs"), "-j", "1")
    assert ended("run", str(tmp_path / "no_more_moves.py"), "--csms", "send-then-append", *out) == 1
    assert "X01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("scenrio", "x"), "did you mean scenario?"),
        (("thing", "x"), "there are scenario, invariant"),
        (("scenario", "Übung"), "small letters"),
        (("scenario", "../x"), "small letters"),
        (("scenario",), "NAME is missing"),
    ],
)
def test_a_mistake_is_one_sentence(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("new", *words) == 2
    assert says in capsys.readouterr().err
