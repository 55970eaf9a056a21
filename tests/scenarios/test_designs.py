"""A design of one's own is named by its file and class, from wherever it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.scenarios.cli.main import main
from interlock.scenarios.runner import csms_class
from interlock.scenarios.scenario_file import Unloadable

DESIGN = """from interlock.scenarios.specimens.send_then_append import SendThenAppend


class Mine(SendThenAppend):
    pass
"""


def test_a_design_of_ones_own_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "design.py").write_text(DESIGN)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["run", "heartbeat-vs-unlock", "--seed", "0", "--csms", "./design.py:Mine", "--jobs", "1", "--quiet"])
    assert ended.value.code == 1
    (run,) = json.loads((tmp_path / "interlock-out" / "suite.json").read_text())["runs"]
    assert "I02" in run["failed"]
    assert ":" not in run["dir"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.py:Mine", "there is no file"),
        ("design.py:Mein", "its subclasses of Csms are Mine, SendThenAppend"),
        ("design.py:DESIGN", "defines no CSMS called DESIGN"),
        ("broken.py:Mine", "cannot be loaded: SyntaxError"),
    ],
)
def test_what_is_no_design_is_one_sentence(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "design.py").write_text(DESIGN)
    (tmp_path / "broken.py").write_text("class :\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unloadable, match=says):
        csms_class(f"{tmp_path}/{name}")
