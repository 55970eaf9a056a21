"""How the command ends: 1 is for a violation and for nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from interlock.scenarios import names as catalogue
from interlock.scenarios.cli import check as checking
from interlock.scenarios.cli import main as cli


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("odd\nand \x1b[2J long " + "x" * 5000),
        KeyError("x"),
        MemoryError(),
        RecursionError(),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_nobody_expected_is_3_and_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise error

    for name in ("entries", "explain"):
        monkeypatch.setattr(catalogue, name, fails)
    for words in (("list",), ("explain", "I01")):
        code, said = ended(capsys, *words)
        assert code == 3
        assert said.startswith(f"interlock: this was not expected: {type(error).__name__}")
        assert said.count("\n") == 1
        assert said[:-1].isprintable()
        assert len(said) < 500
    code, said = ended(capsys, "--debug", "list")
    assert code == 3
    assert "Traceback" in said


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), typer.Abort(), BrokenPipeError()], ids=lambda e: type(e).__name__
)
def test_an_interruption_is_3(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(catalogue, "entries", fails)
    monkeypatch.setattr(os, "dup2", lambda *_: 0)
    with pytest.raises(SystemExit) as end:
        cli.main(["list"])
    assert end.value.code == 3


@pytest.mark.parametrize(
    "words", [["nope"], ["run", "--seed", "x"], ["run", "--nope"], ["serve", "--profile", "9"], ["list", "nope"], []]
)
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, *words)[0] == 2


def test_interrupted_in_the_middle_it_is_3(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("interlock")),
        "prove",
        "--budget",
        "100000",
        "--out",
        str(tmp_path / "o"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline()  # it is under way
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert b"Traceback" not in said


def test_output_that_was_closed_or_has_no_room_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # what Python makes of `interlock list >&-`
    with pytest.raises(SystemExit) as end:
        cli.main(["list", "personas"])
    assert end.value.code == 0
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as end:
            cli.main(["list", "personas"])
    assert end.value.code == 3
    out, err = capfd.readouterr()
    assert (out, err) == ("", "interlock: standard output cannot be written: No space left on device\n")


def test_a_design_or_case_that_ends_the_program_is_no_run_that_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ends.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.chdir(tmp_path)
    for words in (["run", "ends.py"], ["run", "heartbeat-vs-unlock", "--csms", "./ends.py:X"]):
        code, said = ended(capsys, *words)
        assert (code, "it ends the program" in said) == (2, True)


@pytest.mark.parametrize("words", [["station", "--virtual"], ["csms", "reference"]], ids=lambda words: words[0])
def test_a_check_of_ours_that_is_interrupted_keeps_what_is_done(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(checking.Screen):
        def __call__(self, work: Any, what: str, about: Any) -> None:
            super().__call__(work, what, about)
            if self.count == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checking, "Screen", Interrupted)
        code, said = ended(capsys, "check", *words, "--cases", "TC_00*", "--out", str(tmp_path))
    assert (code, said) == (3, "interrupted: go on with --resume\n")
    kept = json.loads((tmp_path / "results.json").read_text())
    assert [one["verdict"] for one in kept["cases"]] == ["PASS", "PASS"]
    assert (tmp_path / "report.html").exists()
    assert ended(capsys, "check", *words, "--cases", "TC_00*", "--out", str(tmp_path), "--resume", "--quiet")[0] == 0
