"""Library scenarios against a CSMS by its URL: the same verdicts over real sockets as in virtual time."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from interlock.scenarios.library import scenarios
from interlock.scenarios.targets.applicable import SUPPORTED, inapplicable

from .test_cli import interlock
from .test_cli_serve import serving

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
    assert "at most one unlock" in report.read_text("utf-8")


def test_what_cannot_be_done_from_outside_is_not_applicable(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        flags = ("--target", stations, "--control", operators)
        done = interlock("run", "crash-after-send", *flags, cwd=tmp_path, **TOKEN)
    assert set(verdicts(tmp_path / "interlock-out").values()) == {"NOT_APPLICABLE"}
    assert "crash_at cannot be done to a CSMS from outside" in done.stdout
    assert "INCONCLUSIVE: 0 of 1 run held (1 not applicable)" in done.stdout  # did not look is never green
    assert done.returncode == 3


def test_enough_of_the_library_can_be_tried_from_outside() -> None:
    possible = [name for name, spec in scenarios().items() if inapplicable(spec) is None]
    assert len(possible) >= 10
    assert "crash" not in SUPPORTED
    assert inapplicable(scenarios()["never-comes-back"]) == "power_cut lasts 1e+06 s, which is too long in wall time"


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
