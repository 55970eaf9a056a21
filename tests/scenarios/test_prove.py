"""The proof itself is judged: what lives, what is idle and what is wrongly flagged must each fail it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from interlock.csms.node import Csms
from interlock.scenarios.explore import proofs as prove
from interlock.scenarios.explore.proofs import Kill, campaign_bites, kill, without_kill
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.specimens import Specimen, specimens

from .test_cli import interlock


def kills(*, without: str = "") -> list[Kill]:
    return [
        Kill(name, one.caught_by, "seeds", one.scenario, None if one.caught_by == without else 1, 0.0, 1, {}, 1, "")
        for name, one in specimens().items()
    ]


def test_no_invariant_is_without_a_kill_of_its_own() -> None:
    assert without_kill(kills()) == []


@pytest.mark.parametrize("id", [id for id in INVARIANTS if id != prove.CAMPAIGN])
def test_an_invariant_without_a_kill_is_named(id: str) -> None:
    assert without_kill(kills(without=id)) == [id]


def test_a_campaign_of_one_run_proves_nothing() -> None:
    assert campaign_bites()


def test_a_kill_says_what_it_took() -> None:
    one = kill("send-then-append")
    assert (one.schedules, one.invariant) == (1, "I03")
    assert set(one.flagged) >= {"I02", "I03"}
    assert one.story is not None
    assert one.story <= 8
    assert one.again == "interlock run heartbeat-vs-unlock --csms send-then-append --seed 0"


def test_two_runs_that_differ_are_a_kill() -> None:
    one = kill("random-names")
    assert (one.schedules, one.story, list(one.flagged)) == (1, None, ["I25"])


def test_a_design_without_a_fault_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Specimen("right", "nothing wrong", Csms, "I02", "heartbeat-vs-unlock")
    monkeypatch.setattr(prove, "specimens", lambda: {"right": right})
    one = kill("right", most=15)
    assert (one.schedules, one.runs, one.flagged) == (None, 15, {})


def test_the_command_proves_a_few_and_writes_the_matrix(tmp_path: Path) -> None:
    done = interlock("prove", "send-then-append", "impure-fold", "--budget", "64", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "PASS: 2 of 2 specimens killed; reference flagged in 0 of 64 schedules" in done.stdout
    out = tmp_path / "interlock-out" / "proof"
    matrix = (out / "kill-matrix.md").read_text("utf-8")
    assert "| send-then-append |" in matrix
    proof = json.loads((out / "proof.json").read_text("utf-8"))
    assert [one["specimen"] for one in proof["kills"]] == ["send-then-append"] * 2 + ["impure-fold"] * 2
    assert [one["ocpp"] for one in proof["kills"]] == ["1.6", "2.0.1"] * 2
    assert proof["reference"]["flagged"] == []
    page = (out / "proof.html").read_text("utf-8")
    assert page.count(">K</span>") == 4
    again = "interlock prove send-then-append impure-fold --budget 64"
    assert again in page.replace("<span>", "").replace("</span>", "")


def test_an_unknown_specimen_is_one_sentence(tmp_path: Path) -> None:
    done = interlock("prove", "nobody", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "interlock: there is no specimen 'nobody'; see `interlock list specimens`"


def test_the_committed_matrix_names_every_specimen_and_lets_none_live() -> None:
    text = (Path(__file__).parents[2] / "docs" / "kill-matrix.md").read_text("utf-8")
    for name in specimens():
        assert f"| {name} |" in text
    assert f"{len(specimens())} of {len(specimens())} killed" in text
    searched = re.search(r"flagged in 0 of (\d+) schedules", text)
    assert searched is not None
    assert int(searched.group(1)) >= 10000
    assert "without a kill of their own: none" in text
