"""Library scenarios against a CSMS by its URL: the same verdicts over real sockets as in virtual time."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from interlock.scenarios.library import scenarios
from interlock.scenarios.targets.applicable import SUPPORTED, inapplicable
from interlock.scenarios.targets.control_file import load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import Misfit

from .test_cli import ROOT, interlock
from .test_cli_serve import serving
from .test_target_file import answering

TOKEN = {"INTERLOCK_API_TOKEN": "secret-of-a-test"}
SERVE = ("--store", "memory:", "--tokens", "Accepted", "--heartbeats", "every")


def verdicts(folder: Path) -> dict[str, str]:
    [run] = json.loads((folder / "suite.json").read_text("utf-8"))["runs"]
    found: dict[str, str] = run["invariants"]
    return found


@pytest.mark.parametrize("name", ["heartbeat-vs-unlock", "two-unlocks-one-node"])
def test_the_reference_holds_on_real_sockets(tmp_path: Path, name: str) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        done = interlock("run", name, "--target", stations, "--control", operators, cwd=tmp_path, **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    found = verdicts(tmp_path / "interlock-out")
    for judged in ("I01", "I02", "I04", "I05", "I07", "I08", "I10", "I18", "I19"):
        assert found[judged] == "PASS", judged
    assert found["I09"] == "NOT_APPLICABLE"


def test_the_naive_design_loses_an_unlock_on_real_sockets(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE, "--csms", "send-then-append") as (_, stations, operators):
        flags = ("--target", stations, "--control", operators, "--seeds", "2")
        done = interlock("run", "heartbeat-vs-unlock", *flags, cwd=tmp_path, **TOKEN)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "I02 no double unlock" in done.stdout
    assert "I04 each actuation has one intent" in done.stdout
    [report] = (tmp_path / "interlock-out").glob("heartbeat-vs-unlock/seed-0/report.html")
    assert "VIOLATED" in report.read_text("utf-8")


def test_what_cannot_be_done_from_outside_is_not_applicable(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        flags = ("--target", stations, "--control", operators)
        done = interlock("run", "crash-after-send", *flags, cwd=tmp_path, **TOKEN)
    assert set(verdicts(tmp_path / "interlock-out").values()) == {"NOT_APPLICABLE"}
    assert "crash cannot be done to a CSMS from outside" in done.stdout
    assert "INCONCLUSIVE: 0 of 1 run held (1 not applicable)" in done.stdout  # did not look is never green
    assert done.returncode == 3


def test_enough_of_the_library_can_be_tried_from_outside() -> None:
    possible = [name for name, spec in scenarios().items() if inapplicable(spec) is None]
    assert len(possible) >= 10
    assert "crash" not in SUPPORTED


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("flags", "env", "code", "says"),
    [
        (("--target", "ws://127.0.0.1:1/x"), TOKEN, 2, "--target and --control go together"),
        (("--target", "http://x", "--control", "http://127.0.0.1:1"), TOKEN, 2, "--target: "),
        (("--target", "ws://127.0.0.1:1/x", "--control", "http://127.0.0.1:1"), {}, 2, "INTERLOCK_API_TOKEN"),
        (("--target", "ws://127.0.0.1:1/x", "--control", "http://127.0.0.1:1"), TOKEN, 3, "does not answer"),
        (("--target", "ws://h/x", "--control", "http://h", "--csms", "send-then-append"), TOKEN, 2, "not both"),
    ],
)
def test_a_mistake_is_one_sentence(
    tmp_path: Path, flags: tuple[str, ...], env: dict[str, str], code: int, says: str
) -> None:
    done = interlock("run", "heartbeat-vs-unlock", "--quiet", *flags, cwd=tmp_path, **env)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_csms_that_lets_nobody_in_is_an_error(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, _, operators):
        flags = ("--target", f"ws://127.0.0.1:{free_port()}/ocpp", "--control", operators, "--quiet")
        done = interlock("run", "heartbeat-vs-unlock", *flags, cwd=tmp_path, **TOKEN)
    assert done.returncode == 3
    assert "nothing listens" in done.stderr


LINES = """
from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="lines", title="lines", covers="lines",
    steps=(step({what!r}, 1.0, {params}), ask(Unlock(1), 8.0)),
)
"""


def test_a_line_can_be_silent_and_come_back_on_real_sockets(tmp_path: Path) -> None:
    (tmp_path / "lines.py").write_text(LINES.format(what="half_open", params="seconds=3.0"))
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        done = interlock("run", "lines.py", "--target", stations, "--control", operators, cwd=tmp_path, **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    [history] = (tmp_path / "interlock-out").glob("**/history.jsonl")
    seen = [json.loads(line) for line in history.read_text().splitlines()]
    assert sum(one["kind"] == "socket.opened" for one in seen) == 2


def test_a_step_that_breaks_is_an_error_of_the_world_and_says_nothing_about_the_csms(tmp_path: Path) -> None:
    (tmp_path / "lines.py").write_text(LINES.format(what="plug", params="connector=9"))
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        done = interlock("run", "lines.py", "--target", stations, "--control", operators, cwd=tmp_path, **TOKEN)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert set(verdicts(tmp_path / "interlock-out").values()) == {"ERROR"}


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
    why = "crash cannot be done to a CSMS from outside"
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
