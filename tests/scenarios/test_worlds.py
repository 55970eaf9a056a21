"""Virtual time and real sockets reach the same verdicts, and where they do not, it is said."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from interlock.scenarios.cli.worlds import _over_sockets, line, table
from interlock.scenarios.explore.world_comparison import SPECIMENS, Pair, incomparable, together
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.specimens import specimens

from .test_cli import interlock

PASS, FAIL = Verdict.PASS, Verdict.FAIL


def test_the_two_worlds_agree_on_the_reference_and_on_a_wrong_design(tmp_path: Path) -> None:
    designs = ("--csms", "reference", "--csms", "send-then-append")
    done = interlock("worlds", "heartbeat-vs-unlock", *designs, "--tries", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    right, wrong = json.loads(done.stdout)["pairs"]
    assert (right["csms"], right["socket_tries"]) == ("reference", 2)
    assert {"I01", "I02", "I04", "I05", "I07", "I18", "I19"} <= set(right["invariants"])
    assert {tuple(verdicts) for verdicts in right["invariants"].values()} == {("PASS", "PASS")}
    assert wrong["invariants"]["I02"] == wrong["invariants"]["I04"] == ["FAIL", "FAIL"]
    assert "| heartbeat-vs-unlock | send-then-append | 2, " in (tmp_path / "interlock-out/worlds/worlds.md").read_text()


@pytest.mark.parametrize(
    ("virtual", "serving", "says"),
    [
        pytest.param(
            *("reference", "send-then-append", "I02 PASS in virtual time, FAIL over sockets"),
            marks=pytest.mark.slow,
        ),
        ("send-then-append", "reference", "I02 FAIL in virtual time, PASS over sockets"),
    ],
)
def test_another_design_in_one_of_the_worlds_is_told(tmp_path: Path, virtual: str, serving: str, says: str) -> None:
    flags = ("--csms", virtual, "--serving", serving, "--tries", "1")
    done = interlock("worlds", "heartbeat-vs-unlock", *flags, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert says in done.stdout
    [again] = [told for told in done.stdout.splitlines() if "again: " in told]
    which = f"heartbeat-vs-unlock --csms {virtual} --seed 0"
    assert f"interlock run {which} --seeds 1; interlock worlds {which} --tries 1 --serving {serving}" in again


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("two-unlocks-two-nodes",), "two-unlocks-two-nodes cannot be the same over sockets: it has 2 nodes"),
        (("crash-after-send",), "crash_at cannot be done to a CSMS from outside"),
        (("nothing",), "no scenario is called 'nothing'"),
        (("heartbeat-vs-unlock", "--csms", "nobody"), "no CSMS is called 'nobody'"),
        (("heartbeat-vs-unlock", "--serving", "nobody"), "no CSMS is called 'nobody'"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = interlock("worlds", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def pair(virtual: dict[str, Verdict], *sockets: dict[str, Verdict], csms: str = "send-then-append") -> Pair:
    return Pair("heartbeat-vs-unlock", csms, csms, (0, 1, 2), [virtual], list(sockets))


def test_a_violation_in_any_try_counts_and_the_reference_is_held_to_all() -> None:
    assert together([{"I02": PASS}, {"I02": FAIL}]) == {"I02": FAIL}
    late = pair({"I02": FAIL}, {"I02": PASS})
    assert not late.settled
    late.sockets.append({"I02": FAIL})
    assert (late.settled, late.verdict, late.caught) == (True, PASS, ["I02"])
    assert "2 tries over sockets" in line(late)
    never = pair({"I02": FAIL}, *[{"I02": PASS}] * 23)
    assert not never.settled
    never.sockets.append({"I02": PASS})
    assert (never.settled, never.verdict) == (True, FAIL)
    held = pair({"I02": PASS}, {"I02": PASS}, csms="reference")
    assert not held.settled


def test_a_violation_over_sockets_alone_is_a_difference_too() -> None:
    assert pair({"I02": PASS}, {"I02": FAIL}).verdict is FAIL


def test_what_says_nothing_in_one_world_is_not_compared_and_nothing_at_all_is_not_green() -> None:
    silent = pair({"I02": FAIL, "I04": PASS}, {"I02": Verdict.NOT_APPLICABLE, "I04": Verdict.INCONCLUSIVE})
    assert (silent.both, silent.verdict) == ({}, Verdict.INCONCLUSIVE)
    assert pair({"I02": PASS}, {"I02": Verdict.ERROR}).verdict is Verdict.ERROR


def test_a_server_that_does_not_start_is_an_error_with_its_reason() -> None:
    broken = Pair("heartbeat-vs-unlock", "reference", "nobody", (0,), [{"I02": PASS}])
    asyncio.run(_over_sockets(broken, 0, asyncio.Semaphore()))
    assert broken.verdict is Verdict.ERROR
    assert "no CSMS is called 'nobody'" in line(broken)
    assert "BROKEN" in table([broken])


def test_each_scenario_is_compared_or_left_out_for_a_reason() -> None:
    reasons = {name: incomparable(spec) for name, spec in scenarios().items()}
    assert sum(why is None for why in reasons.values()) >= 10
    for name, why in reasons.items():
        assert why is None or f"- {name}: {why}" in table([])
    assert set(SPECIMENS) <= set(specimens())
