"""Sessions that are over, cards in other letters, meter values: who is wrong is flagged, and who is right is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.live import race_afterwards, race_orders
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.race_stories import Relation, Story
from interlock.scenarios.live.races import Parts, Plan, Races, races
from interlock.scenarios.live.reach import Reach
from interlock.simulator.network.address import parse
from tests.foreign.afterwards import AFTERWARDS, ByLetters, LastStopCounts
from tests.foreign.checking import CARDS, check_served, failed
from tests.foreign.operated import Hand, Operated
from tests.foreign.sampled import SAMPLED, Sampled
from tests.foreign.shells import raw
from tests.foreign.tabular import SERVED

OF_OTHERS = (
    *("adds-a-connector", "all-but-rejected"),
    *("quiet-is-away", "boots-to-be-reached", "trusts-offline-starts"),
)
"""What other parts are about, which take longer."""
OF_THESE = {name: "R32" if name == "cards-by-letters" else "R26" for name in AFTERWARDS if name not in OF_OTHERS}


TOLD = (Relation("plain"), Relation("kWh", kwh=True), Relation("rich", rich=True))


def _parts(session: Session, clock: Any) -> dict[str, Any]:
    about = (("afterwards", race_afterwards.afterwards), ("letters", race_afterwards.letters))
    return {name: (lambda part=part: part(session)) for name, part in about}


def _stories(session: Session, clock: Any) -> dict[str, Any]:
    stories = {one.name: Story(session, one, number).run for number, one in enumerate(TOLD)}
    return {"afterwards": lambda: race_afterwards.afterwards(session), **stories}


async def _all(out: Path, every: dict[str, Operated], parts: Parts) -> dict[str, Races]:
    async def one(name: str, brain: Operated) -> tuple[str, Races]:
        async with raw(brain) as url:
            plan = Plan(Reach(parse(url)), out / name, datetime.now(UTC), 3, 120.0, "T-", dict(CARDS))
            return name, await races(plan, Hand(brain), parts=parts)

    return dict(await asyncio.gather(*(one(name, brain) for name, brain in every.items())))


def test_what_is_said_behind_a_session_changes_nothing_of_it(tmp_path: Path) -> None:
    right = {"right": Operated(), "last stop": LastStopCounts(), "by letters": ByLetters()}
    every = {**right, **{name: AFTERWARDS[name][1]() for name in OF_THESE}}
    found = asyncio.run(_all(tmp_path, every, _parts))
    assert {name: failed(found.pop(name)) for name in right} == {name: [] for name in right}
    assert {name: OF_THESE[name] in failed(one) for name, one in found.items()} == dict.fromkeys(OF_THESE, True)


def test_meter_values_on_record_are_those_that_were_told(tmp_path: Path) -> None:
    every = {"right": Sampled(), **{name: make() for name, (_, make) in SAMPLED.items()}}
    found = asyncio.run(_all(tmp_path, every, _stories))
    right = found.pop("right")
    assert failed(right) == []
    assert {one["id"]: one["verdict"] for one in right.document["invariants"]}["R31"] == "PASS"
    assert {name: "R31" in failed(one) for name, one in found.items()} == dict.fromkeys(SAMPLED, True)


def test_a_csms_that_takes_no_keys_is_not_accused_of_two_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race_orders, "QUIET_S", 0.2)

    def parts(session: Session, clock: Any) -> dict[str, Any]:
        return {"again": lambda: race_orders.order(session, "Unlock", "again", 1), **_stories(session, clock)}

    found = asyncio.run(check_served(SERVED["tabular"], tmp_path / "out", 0, 120.0, parts))
    verdicts = {one["id"]: one["verdict"] for one in found.document["invariants"]}
    assert failed(found) == []
    assert (verdicts["L02"], verdicts["R26"], verdicts["R31"]) == ("PASS", "PASS", "PASS")
    assert sum(one["checked"] for one in found.document["invariants"] if one["id"] == "L02") > 1
