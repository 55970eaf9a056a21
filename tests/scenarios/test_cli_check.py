"""`interlock check station` as a user types it, with the simulated station: interrupted, gone on with, initialised."""

from __future__ import annotations

import asyncio
import json
import signal
import tomllib
from pathlib import Path

import pytest

from .test_cli_fleet import ended, interlock, started

pytestmark = pytest.mark.asyncio

LINE = ("check", "station", "--listen", "127.0.0.1:0", "--operator", "simulated")
FAST = "[limits]\nquiet = 0.3\n[features]\nfixed_cable = false\n"


async def test_the_plan_says_who_has_to_do_what(tmp_path: Path) -> None:
    done = await interlock("check", "station", "--plan", "--cases", "TC_0*", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "102 cases" in done.out
    assert "plug, swipe (" in done.out
    assert list(tmp_path.iterdir()) == []


async def test_init_writes_what_check_reads(tmp_path: Path) -> None:
    done = await interlock(*LINE, "--init", "mine.toml", "--cases", "TC_027_CS", cwd=tmp_path)
    assert done.code == 0, done.err
    declared = tomllib.loads((tmp_path / "mine.toml").read_text("utf-8"))
    assert declared["features"]["remote_trigger"] is True
    again = await interlock(*LINE, "--declare", "mine.toml", "--cases", "TC_055_CS", "--json", cwd=tmp_path)
    results = json.loads(again.out)
    assert (again.code, [one["verdict"] for one in results["cases"]]) == (0, ["PASS"])
    assert results["peer"]["vendor"] == "Interlock"


async def test_interrupted_and_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "fast.toml").write_text(FAST)
    line = (*LINE, "--declare", "fast.toml", "--out", "out")
    process = await started(*line, "--cases", "TC_040_1_CS,TC_070_CS", cwd=tmp_path)
    async with asyncio.timeout(60):
        results = tmp_path / "out" / "results.json"
        while not (results.exists() and "TC_040_1_CS" in results.read_text("utf-8")):
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    done = await ended(process)
    assert done.code == 3, done.out
    assert "--resume" in done.err
    known = json.loads(results.read_text("utf-8"))
    assert known["interrupted"] is True
    assert (tmp_path / "out" / "report.html").exists()
    (before,) = [one for one in known["cases"] if one["id"] == "TC_040_1_CS"]
    again = await interlock(*line, "--resume", "--cases", "TC_040_1_CS,TC_031_CS", "--json", cwd=tmp_path)
    found = {one["id"]: one for one in json.loads(again.out)["cases"]}
    assert again.code == 0
    assert found["TC_040_1_CS"] == before
    assert "TC_070_CS" not in found
    assert (found["TC_031_CS"]["verdict"], found["TC_031_CS"]["run"]) == ("PASS", 2)


async def test_expected_failures_are_strict(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.py").write_text(
        "from interlock.scenarios.cases.v16._words import ask, station\n"
        'CASES = (station("MINE", "Not cleared", "5.4", *ask("ClearCache", {}, {"status": "Rejected"})),)\n'
    )
    (tmp_path / "expected").write_text("MINE  # it has a cache\nTC_027_CS\n")
    line = (*LINE, "--cases", "mine,TC_027_CS,TC_040_1_CS", "--expected-failures", "expected", "--out", "out")
    done = await interlock(*line, cwd=tmp_path)
    assert done.code == 1
    assert "passed although expected to fail: TC_027_CS" in done.out
    (tmp_path / "expected").write_text("MINE\n")
    again = await interlock(*line, "--junit", "junit.xml", cwd=tmp_path)
    assert again.code == 0, again.out
    assert "expected to fail" in (tmp_path / "junit.xml").read_text("utf-8")
    failed = await interlock(*LINE, "--cases", "TC_0*", "--only-failed", "--out", "out", "--json", cwd=tmp_path)
    assert failed.code == 1
    assert {one["id"]: one["run"] for one in json.loads(failed.out)["cases"]}["TC_027_CS"] == 1


async def test_cases_are_listed_and_explained(tmp_path: Path) -> None:
    listed = await interlock("list", "cases", cwd=tmp_path)
    assert "TC_012_CSMS" in listed.out
    told = await interlock("explain", "TC_012_CS", cwd=tmp_path)
    assert "needs    charging" in told.out
    assert "expect   StopTransaction" in told.out
    proved = await interlock("prove", "--cases", "TC_012_CS", "TC_028_CSMS", "--json", cwd=tmp_path)
    assert (proved.code, [one["surviving"] for one in json.loads(proved.out)]) == (0, [[], []])
