"""`run --retries`: a run that holds only when tried again is flaky, and everybody who reads the results is told."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios import runner
from interlock.scenarios.cli import main as cli
from interlock.scenarios.live import target_run
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.runner import Job, Outcome

DESIGNS = {"P": "reference", "F": "send-then-append"}


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the runs on the target come out as a text of P and F says."""

    def play(results: str) -> None:
        left = [runner.run(Job("heartbeat-vs-unlock", 0, DESIGNS[one])) for one in results]

        async def run(*_: Any) -> Outcome:
            return left.pop(0)

        async def there(*_: Any) -> None: ...

        monkeypatch.setattr(target_run, "run", run)
        monkeypatch.setattr(target_run, "adapter", lambda *_: None)
        monkeypatch.setattr(Reach, "there", there)

    return play


def ended(folder: Path, *more: str) -> int:
    words = ("--target", "ws://127.0.0.1:1/x", "--control", "http://127.0.0.1:1", "--out", str(folder / "out"))
    with pytest.raises(SystemExit) as end:
        cli.main(["run", "heartbeat-vs-unlock", *words, "--junit", str(folder / "j.xml"), *more])
    return int(str(end.value.code))


def test_one_that_holds_when_tried_again_is_flaky_everywhere(
    plays: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    plays("FFP")
    assert ended(tmp_path, "--retries", "2") == 0
    out = capsys.readouterr().out
    assert "FLAKY: " in out
    assert "violated in 2 of 3 tries" in out
    assert "1 FLAKY: held only when tried again" in out
    (run,) = json.loads((tmp_path / "out" / "suite.json").read_text())["runs"]
    assert (run["verdict"], run["tries"]) == ("PASS", 3)
    assert "I02" in run["flaky"]
    (case,) = ET.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert case.find("failure") is None
    assert case.find("flakyFailure") is not None
    assert "FLAKY" in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "FLAKY" in (tmp_path / "summary.md").read_text("utf-8")
    kept = {path.parent.name for path in (tmp_path / "out").rglob("verdict.json")}
    assert kept == {"seed-0", "seed-0-try-1", "seed-0-try-2"}


@pytest.mark.parametrize(
    ("results", "retries", "code"), [("FF", 1, 1), ("P", 3, 0), ("F", 0, 1)], ids=["always", "never", "not asked for"]
)
def test_one_that_never_holds_fails_and_one_that_always_does_is_not_flaky(
    results: str,
    retries: int,
    code: int,
    plays: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plays(results)
    assert ended(tmp_path, "--retries", str(retries)) == code
    assert "FLAKY" not in capsys.readouterr().out
    (run,) = json.loads((tmp_path / "out" / "suite.json").read_text())["runs"]
    assert run["flaky"] == []
