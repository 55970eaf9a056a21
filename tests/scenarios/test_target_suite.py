"""Scenarios on somebody else's CSMS: a suite that ends, reasons for what was not judged, and no pass for nothing."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from interlock.scenarios.targets.control_file import load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import Misfit, TargetGone

from .test_cli import ROOT, interlock
from .test_cli_serve import serving
from .test_cli_target import SERVE, TOKEN, free_port
from .test_target_file import answering
from .test_target_hostile import speaking

# --- a control interface that is not what the file says --------------------------------------------------------------

CONTROL = """
url = "{url}"
[ask]
path = "/unlock/{{station}}"
body = "{{payload}}"
accepted = [202]
refused = [409]
"""


def asked(tmp_path: Path, stations: str, *more: str) -> subprocess.CompletedProcess[str]:
    flags = ("--target", stations, "--control", "control.toml", "--junit", "j.xml", *more)
    return interlock("run", "two-unlocks-one-node", "heartbeat-vs-unlock", *flags, cwd=tmp_path, **TOKEN)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "[ask] POST /unlock/{station} is answered 404, which the file does not name; is the path right"),
        (401, "is answered 401"),
        (500, "no command was taken, so nothing was tried: Unlock failed: status 500"),
    ],
)
def test_a_wrong_path_secret_or_server_is_one_sentence_and_no_pass(tmp_path: Path, status: int, says: str) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, _), answering(lambda *_: (status, {})) as url:
        (tmp_path / "control.toml").write_text(CONTROL.format(url=url))
        done = asked(tmp_path, stations)
    assert done.returncode == 3, done.stdout + done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "PASS" not in done.stdout
    [case] = ET.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert case.find("error") is not None


def test_a_dead_place_is_one_sentence(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, _):
        (tmp_path / "control.toml").write_text(CONTROL.format(url=f"http://127.0.0.1:{free_port()}"))
        done = asked(tmp_path, stations)
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert (tmp_path / "j.xml").exists()


def test_one_that_is_there_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, _), socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "control.toml").write_text(CONTROL.format(url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        done = asked(tmp_path, stations)
    assert done.returncode == 3
    assert "does not answer" in done.stderr


def test_a_unlock_that_is_taken_and_refused_is_no_misfit(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, _), answering(lambda *_: (409, {})) as url:
        (tmp_path / "control.toml").write_text(CONTROL.format(url=url))
        done = asked(tmp_path, stations)
    assert "--control" not in done.stderr
    assert done.stderr == ""


def test_a_suite_is_green_when_all_that_applied_held_and_tells_why_the_rest_was_not_judged(tmp_path: Path) -> None:
    names = ("crash-after-send", "heartbeat-vs-unlock", "old-news", "day-of-1000")
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        flags = ("--target", stations, "--control", operators, "--junit", "j.xml")
        summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        done = interlock("run", *names, *flags, cwd=tmp_path, **TOKEN, **summary)
        listed = interlock("run", *names, *flags, "--list", cwd=tmp_path, **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    why = "crash_at cannot be done to a CSMS from outside"
    skipped = [case.find("skipped") for case in ET.parse(tmp_path / "j.xml").getroot().iter("testcase")]
    assert any(one is not None and why in str(one.get("message")) for one in skipped)
    for text in (done.stdout, (tmp_path / "interlock-out" / "index.html").read_text("utf-8"), listed.stdout):
        assert why in text
    table = (tmp_path / "summary.md").read_text("utf-8")
    assert f"| crash-after-send | 1 | NOT_APPLICABLE | {why} |" in table
    assert "| heartbeat-vs-unlock | 1 | PASS |" in table
    assert "1 of 4" in listed.stdout or "2 of 4" in listed.stdout


@pytest.mark.parametrize("told", [{"state": None}, {"result": "accepted"}])
def test_an_outcome_that_is_never_found_is_told_at_once(told: dict[str, str | None]) -> None:
    described = load(ROOT / "scenarios" / "targets" / "interlock.toml", TOKEN)
    with answering(lambda *_: (200, told)) as url:
        target = HttpTarget(msgspec.structs.replace(described, url=url), TOKEN)
        if "state" in told:
            assert asyncio.run(target.phase("c1")) is None  # not known yet
        else:
            with pytest.raises(Misfit, match=r"\[outcome\] state = 'state' finds nothing in an answer with the keys"):
                asyncio.run(target.phase("c1"))


def test_one_that_hangs_up_on_a_question_it_does_not_know_is_there(tmp_path: Path) -> None:
    path = tmp_path / "control.toml"
    with speaking(lambda connection: None) as url:
        path.write_text(CONTROL.format(url=url))
        asyncio.run(HttpTarget(load(path, {}), {}).check())
    with pytest.raises(TargetGone, match="refused"):
        asyncio.run(HttpTarget(load(path, {}), {}).check())
