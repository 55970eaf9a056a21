"""The campaigns of kills, clashes and failovers: each count can fail them, and what did not happen is said."""

from __future__ import annotations

import argparse
import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from interlock.loadtests.damage import kill_nodes
from interlock.loadtests.damage.clash_nodes import EXIT_ENDED, EXIT_USAGE, Disturbance
from interlock.loadtests.damage.kill_nodes import Scene, Seen, judge
from interlock.loadtests.processes.nodes import Node

WANTED = argparse.Namespace(nodes=1, postgres=False)


class FakeNode:
    """A node that leaves with a code, or does not, and says something."""

    name, api, store, flags = "n1", 1, "memory:", ()

    def __init__(self, code: int | None = None, said: str = "") -> None:
        self.code, self._said = code, said
        self.did: list[str] = []

    async def left(self, within_s: float) -> int | None:
        return self.code

    def said(self) -> str:
        return self._said

    def launch(self) -> None:
        self.did.append("launched")

    async def start(self) -> None:
        self.did.append("started")

    def kill(self) -> None:
        self.did.append("killed")

    def pause(self, paused: bool) -> None:
        self.did.append("paused" if paused else "went on")


def seen(**change: Any) -> Seen:
    """Return a campaign in which one command was done as it should be."""
    whole: dict[str, Any] = {
        "acknowledged": {"c1": "CP1"},
        "moved": Counter({"c1": 1}),
        "answers": {"c1": (1, "Unlocked")},
        "kills": 1,
    }
    return Seen(**{**whole, **change})


def judged(found: Seen, monkeypatch: pytest.MonkeyPatch, **states: str | None) -> int:
    """Judge it against a node that knows these commands."""
    known = {"c1": "accepted", **states}

    async def http(port: int, method: str, path: str) -> tuple[int, Any]:
        state = known.get(path.rpartition("/")[2])
        return (404, None) if state is None else (200, {"state": state})

    monkeypatch.setattr(kill_nodes, "http", http)
    monkeypatch.setattr(kill_nodes, "LOOK_S", 0.0)
    monkeypatch.setattr(kill_nodes, "QUIET_S", 0.02)
    return asyncio.run(judge(WANTED, cast(list[Node], [FakeNode()]), found, 1.0))


def test_a_campaign_in_which_all_is_well_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(seen(usable_s=[1.0]), monkeypatch) == 0


@pytest.mark.parametrize(
    ("change", "states", "said"),
    [
        ({}, {"c1": None}, "acknowledged and lost       1"),
        ({}, {"c1": "requested"}, "acknowledged and never over 1"),
        ({"moved": Counter({"c1": 2})}, {}, "double actuations           1"),
        ({"moved": Counter({"c1": 1, "c9": 1})}, {}, "actuations without intent   1"),
        ({}, {"c1": "rejected"}, "outcomes denied             1"),
        ({}, {"c1": "refuted"}, "outcomes denied             1"),
        ({"failures": ["n1 did not notice"]}, {}, "n1 did not notice"),
    ],
)
def test_each_count_fails_it(
    change: dict[str, Any],
    states: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert judged(seen(**change), monkeypatch, **states) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("change", [{"acknowledged": {}}, {"moved": Counter()}, {"answers": {}}, {"kills": 0}])
def test_what_did_not_happen_was_not_tried(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(seen(**change), monkeypatch) == 3


def test_what_a_failover_took_out_of_the_log_is_nobodys_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"acknowledged": {"c1": "CP1", "c2": "CP1"}, "moved": Counter({"c1": 1, "c2": 1}), "gone": {"c2"}}
    assert judged(seen(**more), monkeypatch) == 0


class Balancer:
    """Nobody to hand over."""

    def cut(self, node: Any) -> None: ...

    def add(self, node: Any) -> None: ...


def disturbed(what: str, first: FakeNode, second: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Do one disturbance to a node and return what was seen."""
    found = seen()
    scene = Scene(WANTED, cast(Any, [first]), cast(Any, Balancer()), found, random.Random(1))
    one = Disturbance("", folder, 1, 1)
    monkeypatch.setattr(one, "second", lambda node, scene: second)
    monkeypatch.setattr(one, "_lag", lambda lag: {"c7"})
    monkeypatch.setattr(one, "_end", lambda node: None)
    asyncio.run(getattr(one, what)(scene))
    return found


@pytest.mark.parametrize(
    ("code", "said", "failures"),
    [
        (EXIT_USAGE, "interlock: another node is called 'n1'", 0),
        (None, "", 1),
        (EXIT_ENDED, "interlock: another node is called 'n1'", 1),
        (EXIT_USAGE, "Traceback", 1),
    ],
)
def test_a_second_node_of_a_name_must_leave_with_a_sentence(
    code: int | None, said: str, failures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = disturbed("clash", FakeNode(), FakeNode(code, said), tmp_path, monkeypatch)
    assert len(found.failures) == failures
    assert found.more["clashes"] == 1


@pytest.mark.parametrize(("code", "failures"), [(EXIT_ENDED, 0), (None, 1), (0, 1)])
@pytest.mark.parametrize("what", ["takeover", "failover"])
def test_whoever_lost_its_name_or_its_log_must_leave(
    what: str, code: int | None, failures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FakeNode(code)
    found = disturbed(what, first, FakeNode(), tmp_path, monkeypatch)
    assert len(found.failures) == failures
    assert found.more[f"{what}s"] == 1
    assert found.gone == ({"c7"} if what == "failover" else set())
    assert "killed" in first.did
