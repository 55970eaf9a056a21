"""Both stages of `check csms` in one command, and our own two in virtual time."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli.check import _OF_CASES, _stages
from interlock.scenarios.cli.check_done import Done, joined, leave
from interlock.scenarios.cli.main import app
from interlock.scenarios.refused import Refused
from tests.foreign.brain import Brain
from tests.foreign.shells import raw

from .test_cli_fleet import interlock

DEFAULTS = dict(_OF_CASES)
SUITE = '<testsuites><testsuite name="{}" tests="2" failures="1" errors="0" skipped="0" time="1.5"/></testsuites>'


def test_both_stages_unless_an_option_is_for_one() -> None:
    assert _stages(None, DEFAULTS) == ("races", "cases")
    assert _stages("both", DEFAULTS) == ("races", "cases")
    assert _stages("races", DEFAULTS) == ("races",)
    for name, value in (("cases", ["TC_*"]), ("level", "must"), ("id", "MINE"), ("resume", True)):
        assert _stages(None, {**DEFAULTS, name: value}) == ("cases",)
    with pytest.raises(Refused, match="there is no stage 'race'; there are races, cases and both"):
        _stages("race", DEFAULTS)


@pytest.mark.parametrize(("codes", "left"), [((0, 0), 0), ((0, 3), 3), ((1, 3), 1), ((3, 1), 1), ((0, 1), 1)])
def test_one_exit_code_and_one_junit_document(codes: tuple[int, int], left: int, tmp_path: Path) -> None:
    import typer

    done = {name: Done(code, "X", {}, SUITE.format(name)) for name, code in zip(("races", "cases"), codes, strict=True)}
    with pytest.raises(typer.Exit) as ended:
        leave(done, tmp_path / "new" / "junit.xml", as_json=False)
    assert ended.value.exit_code == left
    root = ET.parse(tmp_path / "new" / "junit.xml").getroot()
    assert ([one.get("name") for one in root], root.get("tests"), root.get("failures")) == (
        ["races", "cases"],
        "4",
        "2",
    )
    assert joined([SUITE]) == SUITE


@pytest.mark.parametrize(
    ("line", "case"), [(("station", "--virtual"), "TC_012_CS"), (("csms", "reference"), "TC_012_CSMS")]
)
def test_our_own_in_virtual_time(line: tuple[str, ...], case: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["check", *line, "--cases", case, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.output)
    assert [(one["id"], one["verdict"]) for one in told["cases"]] == [(case, "PASS")]
    assert json.loads((out / "results.json").read_text())["verdict"] == "PASS"
    assert case in (out / "report.html").read_text("utf-8")
    again = CliRunner().invoke(app, ["judge", str(out / "1"), "--case", case])
    assert (again.exit_code, again.output.splitlines()[0]) == (0, f"PASS: {case}")


def test_virtual_time_is_for_our_own_station(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", "station", "--virtual", "--operator", "prompt", "--out", str(tmp_path)])
    assert isinstance(done.exception, Refused)
    assert "our own simulated station" in str(done.exception)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_command_without_an_option_runs_both(tmp_path: Path) -> None:
    async with raw(Brain()) as url:
        done = await interlock("check", "csms", url, "--card", "TAG-BLOCKED=Blocked", "--junit", "j.xml", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1].startswith("races PASS, cases P")
    out = tmp_path / "interlock-out" / "check-csms"
    assert json.loads((out / "races" / "verdict.json").read_text())["verdict"] == "PASS"
    cases = {one["id"]: one["verdict"] for one in json.loads((out / "cases" / "results.json").read_text())["cases"]}
    assert cases["TC_023_3_CSMS"] == cases["TC_003_CSMS"] == "PASS"
    assert len(list(ET.parse(tmp_path / "j.xml").getroot())) >= 2
