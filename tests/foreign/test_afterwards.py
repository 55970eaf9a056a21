"""Sessions that are over, cards in other letters: wrong ones are flagged by these parts, and the right one is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.scenarios.live import race_afterwards
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.races import Plan, Races, races
from interlock.scenarios.live.reach import Reach
from interlock.simulator.network.address import parse
from tests.foreign.afterwards import AFTERWARDS
from tests.foreign.checking import CARDS, failed
from tests.foreign.operated import Hand, Operated
from tests.foreign.shells import raw

OF_COMMANDS = ("adds-a-connector", "all-but-rejected", "reboot-required-is-no")
"""What the part `dialect` is about, which takes longer."""
OF_THESE = {name: "R30" if name == "cards-by-letters" else "R26" for name in AFTERWARDS if name not in OF_COMMANDS}


def _parts(session: Session, clock: Any) -> dict[str, Any]:
    about = (("afterwards", race_afterwards.afterwards), ("letters", race_afterwards.letters))
    return {name: (lambda part=part: part(session)) for name, part in about}


async def _all(out: Path) -> dict[str, Races]:
    async def one(name: str, brain: Operated) -> tuple[str, Races]:
        async with raw(brain) as url:
            plan = Plan(Reach(parse(url)), out / name, datetime.now(UTC), 3, 120.0, "T-", dict(CARDS))
            return name, await races(plan, Hand(brain), parts=_parts)

    every = {"right": Operated(), **{name: AFTERWARDS[name][1]() for name in OF_THESE}}
    return dict(await asyncio.gather(*(one(name, brain) for name, brain in every.items())))


def test_what_is_said_behind_a_session_changes_nothing_of_it(tmp_path: Path) -> None:
    found = asyncio.run(_all(tmp_path))
    assert failed(found.pop("right")) == []
    assert {name: OF_THESE[name] in failed(one) for name, one in found.items()} == dict.fromkeys(OF_THESE, True)
