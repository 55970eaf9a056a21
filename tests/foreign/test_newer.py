"""Every wrong CSMS of OCPP 2.0.1 is flagged and the right one passes, and library scenarios are tried on both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.scenarios.live import race_orders
from interlock.scenarios.live.race_stories import Relation
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.live.target_run import run
from interlock.scenarios.live.target_search import Item, parts_of
from interlock.scenarios.runner import Job, Outcome
from interlock.simulator.network.address import parse
from tests.foreign.checking import check_newer, failed
from tests.foreign.depot import Depot
from tests.foreign.newer import WRONG_NEWER, Newer, NewerHand, library_201
from tests.foreign.newer_all import RIGHT_201, WRONG_201

MEANT = {
    "accepts-blocked-cards-201": "R03",
    "records-twice-201": "R27",
    "cuts-ids-201": "R27",
    "any-event-ends-201": "R26",
    "loses-events-201": "R26",
    "reads-kwh-as-wh-201": "R26",
    "never-ends-201": "R04",
    "unlocks-first-evse-201": "R20",
    "sends-unlocks-twice-201": "R23",
    "sends-again-unanswered-201": "R23",
    "loses-remote-start-ids-201": "W04",
    "same-remote-start-id-201": "R29",
    "stops-another-201": "R21",
    "all-is-accepted-201": "R24",
    "connectors-are-evses-201": "R25",
    "no-interval-at-boot-201": "W14",
    "no-token-info-201": "W12",
    "counts-as-they-arrive-201": "R26",
    "ids-of-all-201": "R26",
    "starts-anew-201": "R26",
    "ends-at-boots-201": "R26",
    "forgets-offline-201": "R26",
    "connectors-for-evses-201": "R26",
    "multiplier-is-ignored-201": "R26",
    "last-card-pays-201": "R26",
    "first-sample-is-energy-201": "R26",
    "needs-an-evse-201": "R13",
    "no-vendors-within-201": "R13",
    "nobody-is-invalid-201": "R03",
    "no-gaps-201": "R13",
    "joins-by-evse-201": "R30",
    "not-implemented-is-done-201": "R24",
    "settings-are-done-201": "R24",
    "scheduled-is-refused-201": "R24",
    "whole-station-201": "R20",
    "one-status-per-evse-201": "R25",
    "error-codes-of16-201": "W13",
    "short-ids-201": "R13",
    "local-time-201": "W03",
    "open-ones-in-memory-201": "R26",
    "boots-anew-201": "W14",
    "asks-anew-201": "R23",
    "open-is-done-201": "R24",
}
"""The check that each was made for."""


@pytest.mark.slow
def test_wrong_ones_are_flagged_and_right_ones_pass(tmp_path: Path) -> None:
    made = {name: one() for name, one in RIGHT_201.items()} | {name: one[1]() for name, one in WRONG_201.items()}

    async def work() -> None:
        room = asyncio.Semaphore(6)

        async def one(name: str, csms: Newer | Depot) -> None:
            async with room:
                found = await check_newer(csms, tmp_path / name, 5, 240.0)
            if name in RIGHT_201:
                assert failed(found) == [], name
            else:
                assert found.verdict.name == "FAIL", name
                assert MEANT[name] in failed(found), (name, failed(found))

        await asyncio.gather(*(one(name, csms) for name, csms in made.items()))

    asyncio.run(work())


SLICE: dict[str, str | None] = {"library-201": None, "records-twice-201": "R27", "reads-kwh-as-wh-201": "R26"}
SLICE |= {"sends-unlocks-twice-201": "R23"}
"""What has to fail in a few stories and an order: nothing at the right one."""
ITEMS = (
    Item(1, Relation("told twice", again="new id", ids="uuid")),
    *(Item(number, Relation("plain")) for number in range(2, 6)),
    Item(6, None, "Unlock", "once"),
)


def test_a_few_stories_and_an_order_tell_wrong_from_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race_orders, "QUIET_S", 0.3)
    monkeypatch.setattr(race_orders, "AGAIN_S", 0.0)

    async def one(name: str) -> list[str]:
        csms = RIGHT_201[name]() if name in RIGHT_201 else WRONG_201[name][1]()
        return failed(await check_newer(csms, tmp_path / name, 1, 240.0, parts=parts_of(ITEMS)))

    async def work() -> list[list[str]]:
        return await asyncio.gather(*(one(name) for name in SLICE))

    for (name, check), found in zip(SLICE.items(), asyncio.run(work()), strict=True):
        assert (check in found) if check else found == [], (name, found)


async def _play(csms: Newer, scenario: str) -> Outcome:
    async with library_201(csms) as url:
        job = Job(scenario, 0, ocpp="2.0.1")
        return await run(job, Reach(parse(url)), NewerHand(csms), "again", [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scenario", "check"),
    [
        ("unlocks-first-evse-201", "unlocks-on-connector-2", "R23"),
        ("sends-unlocks-twice-201", "heartbeat-vs-unlock", "I02"),
        ("no-token-info-201", "meter-values-vs-start", "W12"),
        ("any-event-ends-201", "meter-values-vs-start", "I24"),
    ],
)
def test_library_scenarios_tell_wrong_from_right(name: str, scenario: str, check: str) -> None:
    right = asyncio.run(_play(Newer(), scenario))
    assert right.failed == [], right.failed
    assert right.run["ocpp"] == "2.0.1"
    wrong = asyncio.run(_play(WRONG_NEWER[name][1](), scenario))
    assert wrong.word.name == "FAIL"
    assert check in wrong.failed, wrong.failed
