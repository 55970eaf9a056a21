"""The commands that the pages of `docs/` show end as the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from interlock.scenarios.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"
RACE = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (DOCS / "race.md").read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]


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
