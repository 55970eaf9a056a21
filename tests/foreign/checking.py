"""Runs the stage against a foreign CSMS in this process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from interlock.scenarios.live.races import Parts, Plan, Races, races
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.targets.control_file import load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.simulator.network.address import parse
from tests.foreign.brain import Brain
from tests.foreign.depot import Depot, DepotHand, depot_201
from tests.foreign.newer import Newer, NewerHand, library_201
from tests.foreign.operated import Hand, Operated
from tests.foreign.shells import Shell
from tests.foreign.tabular import Served

CARDS = {"TAG-DRIVER": "Accepted", "TAG-BLOCKED": "Blocked"}


def check(
    shell: Shell, brain: Brain | Newer | Depot, out: Path, *, seed: int = 0, budget_s: float = 180.0, cards: bool = True
) -> Races:
    """Check a CSMS. `cards`: whether the check is told which cards there are."""

    async def work() -> Races:
        if isinstance(brain, Newer | Depot):
            return await check_newer(brain, out, seed, budget_s)
        async with shell(brain) as url:
            known = dict(CARDS) if cards else {}
            target = Hand(brain) if isinstance(brain, Operated) else None
            return await races(
                Plan(Reach(parse(url)), out, datetime.now(UTC), seed, budget_s, f"F{seed}-", known), target
            )

    return asyncio.run(work())


async def check_newer(csms: Newer | Depot, out: Path, seed: int, budget_s: float, parts: Parts | None = None) -> Races:
    """Check a CSMS of OCPP 2.0.1."""
    hand = NewerHand(csms) if isinstance(csms, Newer) else DepotHand(csms)
    async with library_201(csms) if isinstance(csms, Newer) else depot_201(csms) as url:
        reach, began = Reach(parse(url)), datetime.now(UTC)
        plan = Plan(reach, out, began, seed, budget_s, f"F{seed}-", dict(CARDS), ocpp="2.0.1")
        return await races(plan, hand, parts=parts)


async def check_served(served: Served, out: Path, seed: int, budget_s: float, parts: Parts | None = None) -> Races:
    """Check a CSMS by its control file, with the cards that it names."""
    async with served() as (url, control):
        file = out.with_suffix(".toml")
        file.write_text(control, "utf-8")
        target, began = HttpTarget(load(file, {}), {}), datetime.now(UTC)
        plan = Plan(Reach(parse(url)), out, began, seed, budget_s, f"F{seed}-", target.cards)
        return await races(plan, target, parts=parts)


def failed(done: Races) -> list[str]:
    """Return the ids of the checks that say FAIL."""
    return [one["id"] for one in done.document["invariants"] if one["verdict"] == "FAIL"]
