"""The commands that the pages of `docs/` show end as the page says, or are at least commands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from interlock.scenarios.cli.main import app, main

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


RACE = [line for block in blocks("race.md", "sh") for line in block.splitlines()]
CI = [shlex.split(line, comments=True) for block in blocks("ci.md", "sh") for line in block.splitlines()]
ACTION: dict[str, Any] = yaml.safe_load((DOCS / "action" / "action.yml").read_text("utf-8"))


def test_the_race_has_six_designs_that_fail_and_the_reference() -> None:
    assert sum("violates" in line for line in RACE) >= 7
    assert sum("--csms" not in line for line in RACE) >= 6


@pytest.mark.parametrize("line", RACE, ids=lambda line: " ".join(shlex.split(line, comments=True)[2:]))
def test_the_race_ends_as_it_says(line: str, tmp_path: Path) -> None:
    command, _, says = line.partition("#")
    words = shlex.split(command)
    assert words[:2] == ["interlock", "run"]
    with pytest.raises(SystemExit) as ended:
        main([*words[1:], "--jobs", "1", "--quiet", "--out", str(tmp_path)])
    runs = json.loads((tmp_path / "suite.json").read_text("utf-8"))["runs"]
    violated = {name for one in runs for name in one["failed"]}
    if says.strip() == "holds":
        assert (ended.value.code, violated) == (0, set())
    else:
        named = says.strip().removeprefix("violates ").split(", ")
        assert ended.value.code == 1
        assert set(named) <= violated


def parsed(words: list[str]) -> None:
    """Parse a command line as `interlock` would, and do nothing. Raises what it would refuse."""
    command: Any = typer.main.get_command(app)
    command.commands[words[1]].make_context(words[1], words[2:])


@pytest.mark.parametrize("words", CI, ids=lambda words: " ".join(words[1:4]))
def test_the_commands_for_ci_are_commands(words: list[str]) -> None:
    assert words[0] == "interlock"
    parsed(words[: words.index(">")] if ">" in words else words)


def test_a_command_that_is_none_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["interlock", "run", "--suite", "--junit-file", "x"])


def test_the_action_has_the_form_of_one() -> None:
    assert {"name", "description", "inputs", "runs"} == set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    used: set[str] = set()
    for step in ACTION["runs"]["steps"]:
        assert ("run" in step) != ("uses" in step), step
        assert ("run" in step) == ("shell" in step), step
        # Inputs come to a script by its environment: written into it they could be more than words.
        assert "${{" not in step.get("run", "")
        used |= set(re.findall(r"inputs\.([a-z-]+)", json.dumps(step)))
    assert used == set(ACTION["inputs"])
    for about in ACTION["inputs"].values():
        assert about["description"]
        assert about.get("required") is True or "default" in about


def test_the_action_runs_a_command_that_exists() -> None:
    (script,) = (one["run"] for one in ACTION["runs"]["steps"] if one["name"] == "Run the scenarios")
    flags = re.findall(r"--[a-z]+", script)
    assert {"--target", "--control", "--wait", "--out", "--junit"} == set(flags)
    select = ACTION["inputs"]["select"]["default"]
    parsed(["interlock", "run", *select.split(), *(word for flag in flags for word in (flag, "x"))])


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    (workflow,) = (yaml.safe_load(block) for block in blocks("ci.md", "yaml"))
    (job,) = workflow["jobs"].values()
    (step,) = (one for one in job["steps"] if str(one.get("uses", "")).endswith("/interlock"))
    required = {name for name, about in ACTION["inputs"].items() if about.get("required")}
    assert required <= set(step["with"]) <= set(ACTION["inputs"])
    parsed(["interlock", "run", *step["with"]["select"].split()])
