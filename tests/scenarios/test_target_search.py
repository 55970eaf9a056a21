"""`interlock search --target`: schedules come from the seed alone, and what fails is run again with fewer items."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli.main import app
from interlock.scenarios.live import target_search
from interlock.scenarios.live.race_orders import HOWS, MAKERS
from interlock.scenarios.live.race_stories import Relation
from interlock.scenarios.live.races import Plan
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.live.target_search import ORDERS, STORIES, TELLINGS, Item, Search, draw, possible
from interlock.scenarios.refused import Refused
from interlock.simulator.network.address import parse
from tests.foreign.brain import Brain
from tests.foreign.shells import raw
from tests.foreign.wrong import WRONG


def test_transactions_of_2_0_1_are_drawn_behind_all_else() -> None:
    older, newer = draw(3, 7, MAKERS), draw(3, 7, MAKERS, "2.0.1")
    assert newer[: len(older)] == older
    told = [one.telling for one in newer[len(older) :]]
    assert len(told) == TELLINGS
    assert all(one is not None and {0, 4} <= {*one.order} for one in told)
    assert len({str(one) for one in newer}) > len({str(one) for one in older})


def test_a_schedule_is_a_function_of_seed_and_number() -> None:
    assert draw(3, 7, MAKERS) == draw(3, 7, [*MAKERS])
    assert draw(3, 7, MAKERS) != draw(3, 8, MAKERS)
    assert draw(3, 7, MAKERS) != draw(4, 7, MAKERS)
    assert [one.number for one in draw(0, 1, MAKERS)] == list(range(1, STORIES + ORDERS + 1))
    assert all(one.relation is not None for one in draw(0, 1, ()))


def test_every_member_of_a_story_and_every_situation_is_drawn() -> None:
    wanted = possible(MAKERS)
    members = {word.partition("=")[0] for word in wanted if "=" in word}
    assert members == {one.name for one in fields(Relation)} - {"name"}
    assert set(HOWS) | set(MAKERS) <= wanted
    drawn = {word for number in range(60) for one in draw(1, number, MAKERS) for word in one.touches}
    assert len(wanted - drawn) < len(wanted) / 10


def test_an_item_says_what_it_is() -> None:
    assert str(Item(1, Relation("x"))) == "a session told as usual"
    assert str(Item(1, Relation("x", kwh=True, cut_at="stop"))) == "a session told with kwh=True, cut_at=stop"
    assert str(Item(1, None, "Reset", "away")) == "Reset at a station of its own: away"


def search(
    fails: Callable[[Sequence[Item]], bool], monkeypatch: pytest.MonkeyPatch, **how: Any
) -> tuple[Search, list[str]]:
    """Search with runs that fail where `fails` says so."""

    async def do(self: Search, items: Sequence[Item]) -> Any:
        self.runs += 1
        violation = {"message": f"with {len(items)}", "expected": "a", "found": "b"}
        finding = {"id": "R01", "verdict": "FAIL" if fails(items) else "PASS", "checked": 1, "violations": [violation]}
        return SimpleNamespace(document={"invariants": [finding]}, took_s=1.0), Path(f"run{self.runs}")

    monkeypatch.setattr(Search, "_do", do)
    plan = Plan(Reach(parse("ws://127.0.0.1:9")), Path("out"), datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    work = Search(plan, None, how.pop("left_s", lambda: 1.0), 20)

    async def lines() -> list[str]:
        return [line async for line in work.work(**how)]

    return work, asyncio.run(lines())


def odd(items: Sequence[Item]) -> bool:
    return any(one.relation is not None and one.relation.kwh for one in items)


def test_what_fails_is_made_as_small_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    work, lines = search(odd, monkeypatch)
    assert work.found is not None
    assert work.found.again
    assert len(work.found.items) == 1
    assert odd(work.found.items)
    assert work.found.violation["message"] == "with 1"
    assert lines[-1] == "R01 fails with 1 items"


def test_what_does_not_fail_again_is_said_to_be_unsteady(monkeypatch: pytest.MonkeyPatch) -> None:
    once = iter([True])
    work, lines = search(lambda items: next(once, False), monkeypatch)
    assert work.found is not None
    assert not work.found.again
    assert len(work.found.items) == STORIES
    assert "did not fail again" in lines[-1]


def test_a_right_one_is_searched_until_the_budget_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    work, _ = search(lambda items: False, monkeypatch)
    assert (work.done, work.found) == (20, None)
    assert work.never == [] or set(work.never) < possible(())
    left = iter([1.0, 1.0])
    work, _ = search(lambda items: False, monkeypatch, left_s=lambda: next(left, 0.0))
    assert work.done == 2
    assert work.never


def test_one_schedule_is_done_again_with_some_of_its_items(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    work, _ = search(lambda items: bool(seen.append([one.number for one in items])), monkeypatch, only=(3, (2, 5)))
    assert (work.done, seen) == (1, [[2, 5]])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--control", "x.toml"), "go with --target"),
        (("--target", "ws://127.0.0.1:9", "--csms", "send-then-append"), "no scenarios, designs"),
        (("--target", "ws://127.0.0.1:9", "--schedule", "0:1"), "--schedule is a number"),
        (("--target", "http://127.0.0.1:9"), "ws://"),
        (("--target", "ws://127.0.0.1:9", "--budget", "1"), "127.0.0.1:9"),
    ],
)
def test_a_mistake_is_one_sentence(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["search", *words, "--out", str(tmp_path)])
    assert isinstance(done.exception, Refused)
    assert says in done.exception.sentence


def over_sockets(brain: Brain, out: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    """Search a foreign CSMS in this process by its URL, with small schedules; return what is written."""
    monkeypatch.setattr(target_search, "STORIES", 4)

    async def work() -> int:
        async with raw(brain) as url:
            line = ["search", "--target", url, "--out", str(out), "--quiet", "--id-tag", "TAG-DRIVER", *words]
            return (await asyncio.to_thread(CliRunner().invoke, app, line)).exit_code

    code = asyncio.run(work())
    found: dict[str, Any] = json.loads((out / "search.json").read_text("utf-8"))
    assert code == {"PASS": 0, "FAIL": 1}[found["verdict"]]
    return found


@pytest.mark.slow
def test_a_wrong_csms_is_found_and_a_right_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = over_sockets(Brain(), tmp_path / "right", monkeypatch, "--budget", "2")
    assert (right["verdict"], right["schedules"]) == ("PASS", 2)
    assert right["never_exercised"]
    wrong = over_sockets(WRONG["no-kwh"][1](), tmp_path / "wrong", monkeypatch, "--budget", "5m")
    assert wrong["verdict"] == "FAIL"
    assert any("kwh=True" in one for one in wrong["found"]["items"])
    assert "--schedule" in wrong["found"]["reproduce"]
