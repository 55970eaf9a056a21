"""What a vendor uses beside the command: fixtures, a folder of cases, the GitHub workflow."""

from __future__ import annotations

import asyncio
import importlib.util
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.catalogue import NoCases, from_folder
from interlock.scenarios.cases.players.hand import CannotDo
from interlock.scenarios.cases.players.simulated import SimulatedStation
from interlock.scenarios.cli.check import _chosen
from interlock.scenarios.cli.main import app
from interlock.scenarios.live.checked import check_station
from interlock.scenarios.refused import Refused

ROOT = Path(__file__).parents[2]
OWN = """
from interlock.scenarios.cases.v16._words import ask, station
CASES = (station("MINE_1", "A vendor's own", "5.8", *ask("ClearCache", {}, {"status": %r})),)
"""


def simulated(url: str) -> SimulatedStation:
    return SimulatedStation(url, "SIM", 3, datetime(2026, 1, 1, tzinfo=UTC))


def folder(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cases"
    path.mkdir()
    (path / "mine.py").write_text(text)
    return path


@pytest.mark.parametrize(("word", "verdict"), [("Accepted", "PASS"), ("Rejected", "FAIL")])
def test_a_station_in_a_test_of_the_vendors(interlock_station: Any, tmp_path: Path, word: str, verdict: str) -> None:
    (own,) = from_folder(folder(tmp_path, OWN % word))
    found = interlock_station(["TC_040_1_CS", own], hand=simulated, limits={"answer": 20.0})
    assert found == {"TC_040_1_CS": "PASS", "MINE_1": verdict}
    if verdict == "PASS":
        found.passed()
    else:
        with pytest.raises(AssertionError, match="MINE_1 FAIL"):
            found.passed()


def test_a_csms_that_is_not_there_never_passes(interlock_csms: Any) -> None:
    found = interlock_csms("ws://127.0.0.1:9/ocpp", ["TC_003_CSMS"])
    assert found == {"TC_003_CSMS": "ERROR"}
    with pytest.raises(AssertionError, match="nothing listens"):
        found.passed()


def test_a_folder_of_cases_is_chosen_like_any(tmp_path: Path) -> None:
    path = folder(tmp_path, OWN % "Accepted")
    assert [one.id for one in _chosen("station", [str(path)], None, "should")] == ["MINE_1"]
    both = _chosen("station", [f"{path},TC_061_CS"], None, "should")
    assert [one.id for one in both] == ["TC_061_CS", "MINE_1"]
    with pytest.raises(Refused, match="no case of a csms"):
        _chosen("csms", [str(path)], None, "should")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "holds no cases"),
        ("1 / 0", "ZeroDivisionError"),
        ("CASES = (1,)", "not only cases"),
        (OWN.replace("MINE_1", "TC_003_CS") % "Accepted", "another case called TC_003_CS"),
    ],
)
def test_a_folder_that_holds_no_cases_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(NoCases, match=sentence):
        from_folder(folder(tmp_path, text))


def options(words: list[str]) -> set[str]:
    """Return the options of a command of ours."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    return {name for one in command.params for name in one.opts}


def lines_of(text: str) -> list[list[str]]:
    return [shlex.split(line.split("#")[0]) for line in text.splitlines() if line.startswith("interlock check")]


def test_the_workflow_has_the_form_that_github_wants_and_options_that_there_are() -> None:
    flow = yaml.safe_load((ROOT / "docs" / "github-action.yml").read_text("utf-8"))
    assert {"name", "permissions", "jobs"} <= set(flow)
    assert True in flow  # what YAML 1.1 makes of `on`
    for job in flow["jobs"].values():
        assert job["runs-on"]
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        assert all("@" in step["uses"] for step in job["steps"] if "uses" in step)
        (line,) = [words for step in job["steps"] for words in lines_of(step.get("run", ""))]
        assert {word for word in line if word.startswith("--")} <= options(line[1:3])


def test_the_steps_in_the_readme_are_commands_that_there_are() -> None:
    lines = lines_of((ROOT / "README.md").read_text("utf-8"))
    assert {tuple(line[1:3]) for line in lines} == {("check", "station"), ("check", "csms")}
    for line in lines:
        assert {word for word in line if word.startswith("--")} <= options(line[1:3])
    assert len(catalogue.cases()) >= 281


class _First:
    """The station of `docs/first_station.py`, switched on where the check listens."""

    def __init__(self, url: str) -> None:
        spec = importlib.util.spec_from_file_location("first_station", ROOT / "docs" / "first_station.py")
        assert spec is not None
        assert spec.loader is not None
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.url = f"{url}/FIRST"

    def start(self) -> None:
        self.life = asyncio.get_running_loop().create_task(self.module.life(self.url))

    async def stop(self) -> None:
        self.life.cancel()

    async def do(self, deed: str, names: Any) -> None:
        raise CannotDo("nobody is there")


def test_the_station_of_eighty_lines_is_checked_and_its_mistake_is_found(tmp_path: Path) -> None:
    found = check_station(tmp_path, ["TC_040_1_CS", "IL_246_CS", "IL_121_CS", "TC_003_CS"], hand=_First)
    assert found == {
        "TC_003_CS": "NOT_APPLICABLE",
        "TC_040_1_CS": "FAIL",
        "IL_121_CS": "PASS",
        "IL_246_CS": "PASS",
    }
    assert "Rejected, expected NotSupported" in found.reasons["TC_040_1_CS"]
