"""Schedules over sockets against a CSMS that somebody else runs: drawn from a seed, judged as the stage "races" is.

A schedule is a list of items that happen side by side: stories, each with a drawn mixture of everything that may make
no difference to what is answered (form, ids, units, repeats, a line lost behind a drawn frame), and orders, each a
command in a drawn situation; in 2.0.1 transactions too, whose events come in a drawn order. What fails is run again,
and with fewer and fewer items while the same check still fails.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.scenarios.live import race_events_201, race_orders
from interlock.scenarios.live.line import compact, indented, turned
from interlock.scenarios.live.race_events_201 import Telling
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.race_stories import TOLD, Relation, Story
from interlock.scenarios.live.races import Part, Plan, Races, races
from interlock.scenarios.targets.target import Target
from interlock.simulator.spec import OcppVersion

STORIES, ORDERS, TELLINGS = 14, 10, 8
"""How many of each a schedule has."""
AGAIN = 2
"""How often what was found is tried once more before it is called unsteady."""
LATE_S = 12.0
"""When stations answer that take long: shorter than in a check, so that there are more schedules."""
FORMS = {one.__name__: one for one in (compact, indented, turned)}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happens in a schedule; `number` is its place there and names its station."""

    number: int
    relation: Relation | None = None
    command: str = ""
    how: str = ""
    telling: Telling | None = None
    """A transaction of 2.0.1, in the place of a story."""

    def __str__(self) -> str:
        """Say what it is: what of a story is not as usual."""
        if self.telling is not None:
            return f"a transaction whose events come so: {self.telling.name}"
        if self.relation is None:
            return f"{self.command} at a station of its own: {self.how}"
        plain, odd = Relation("plain"), []
        for one in fields(Relation):
            value = getattr(self.relation, one.name)
            if one.name != "name" and value != getattr(plain, one.name):
                odd.append(f"{one.name}={getattr(value, '__name__', value)}")
        return f"a session told with {', '.join(odd)}" if odd else "a session told as usual"

    @property
    def touches(self) -> tuple[str, ...]:
        """What it exercises, by names that `possible` lists."""
        if self.telling is not None:
            return ("transaction",)
        if self.relation is None:
            return self.command, self.how
        return tuple(word.split(" ", 1)[0] for word in str(self).partition("with ")[2].split(", ") if word)


def draw(seed: int, schedule: int, commands: Iterable[str], ocpp: OcppVersion = "1.6") -> tuple[Item, ...]:
    """Draw a schedule: a pure function of its arguments."""
    rng = random.Random(f"{seed}:schedule {schedule}")
    names = [name for name in race_orders.MAKERS if name in set(commands)]
    items = [Item(number, _relation(rng, number)) for number in range(1, STORIES + 1)]
    for number in range(STORIES + 1, STORIES + 1 + (ORDERS if names else 0)):
        items.append(Item(number, None, rng.choice(names), rng.choice([*race_orders.HOWS])))
    for number in range(len(items) + 1, len(items) + 1 + (TELLINGS if ocpp != "1.6" else 0)):
        items.append(Item(number, telling=race_events_201.drawn(rng)))
    return tuple(items)


def _relation(rng: random.Random, number: int) -> Relation:
    """Mix what may make no difference; each is as usual more often than not."""

    def sometimes(share: float, *values: Any) -> Any:
        return rng.choice(values) if rng.random() < share else values[0]

    cut_at = sometimes(0.7, None, *TOLD)
    return Relation(
        f"drawn {number}",
        form=FORMS[sometimes(0.5, *FORMS)],
        ids=sometimes(0.8, "counting", "uuid", "mixed", "padded", "signs", *(("anew",) if cut_at else ())),
        zone_h=sometimes(0.3, None, 2, -8, 14),
        fraction=rng.random() < 0.7,
        kwh=rng.random() < 0.3,
        rich=rng.random() < 0.3,
        between=sometimes(0.5, None, "Heartbeat", "DataTransfer", "StatusNotification"),
        again=sometimes(0.4, None, "same id", "new id"),
        cut_at=cut_at,
        heard=cut_at is not None and rng.random() < 0.5,
        half_open=cut_at is not None and rng.random() < 0.15,
        reboots=cut_at is not None and rng.random() < 0.3,
        late=rng.random() < 0.25,
        statuses=sometimes(0.5, "usual", "every", "none", "shuffled"),
        samples=sometimes(0.2, 1, 40),
        reasons=rng.random() < 0.3,
        reserved=rng.random() < 0.2,
    )


def possible(commands: Iterable[str]) -> set[str]:
    """Return everything that schedules may exercise."""
    names = {name for name in race_orders.MAKERS if name in set(commands)}
    found = {word for number in range(400) for word in Item(0, _relation(random.Random(number), 0)).touches}
    return found | names | ({*race_orders.HOWS} if names else set())


def parts_of(items: Sequence[Item]) -> Callable[[Session, Any], dict[str, Part]]:
    """Return what runs these items side by side, beside one story that is told as usual."""

    def part(session: Session, item: Item) -> Part:
        if (telling := item.telling) is not None:
            return lambda: race_events_201.one_drawn(session, telling, item.number)
        if item.relation is None:
            return lambda: race_orders.order(session, item.command, item.how, item.number)
        return Story(session, item.relation, item.number).run

    def made(session: Session, _: Any) -> dict[str, Part]:
        plain = Item(0, Relation("plain"))
        return {f"item {one.number}": part(session, one) for one in (plain, *items)}

    return made


@dataclass(slots=True)
class Found:
    """A check that failed: where, with what, and whether it failed again when all was done once more."""

    schedule: int
    check: str
    violation: dict[str, Any]
    items: tuple[Item, ...]
    run: Path
    again: bool = False


@dataclass(slots=True)
class Search:
    """One search. `left_s` says how many seconds there are still, `most` how many schedules there may be."""

    plan: Plan
    target: Target | None
    left_s: Callable[[], float]
    most: int | None = None
    done: int = 0
    runs: int = 0
    interrupted: bool = False
    exercised: Counter[str] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)
    found: Found | None = None

    @property
    def commands(self) -> Iterable[str]:
        """What can be asked for."""
        return self.target.commands if self.target is not None else ()

    @property
    def never(self) -> list[str]:
        """What was never exercised."""
        return sorted(possible(self.commands) - self.exercised.keys())

    async def work(self, only: tuple[int, tuple[int, ...]] | None = None) -> AsyncIterator[str]:
        """Search until something is found and made small, or there is no time left; yield lines about it.

        `only`: one schedule and the numbers of its items, to do that again.
        """
        number = only[0] if only else 1
        while self.found is None and self.left_s() > 0.0 and (self.most is None or self.done < self.most):
            items = draw(self.plan.seed, number, self.commands, self.plan.ocpp)
            if only:
                items = tuple(one for one in items if not only[1] or one.number in only[1])
            told, run = await self._do(items)
            self.done += 1
            for item in items:
                self.exercised.update(item.touches)
            wrong = _failed(told)
            how = f"FAIL {wrong[0]}" if wrong else "held"
            yield f"schedule {number}: {len(items)} items, {told.took_s:.0f} s, {how}"
            if wrong:
                self.found = Found(number, wrong[0], _first(told, wrong[0]), items, run)
                async for line in self._shrink(self.found):
                    yield line
            if only:
                break
            number += 1

    async def _do(self, items: Sequence[Item]) -> tuple[Races, Path]:
        """Run some items. Stations have names that no run had before, so that nothing is left from an earlier one."""
        self.runs += 1
        plan = replace(
            self.plan,
            out=self.plan.out / str(self.runs),
            began=datetime.now(UTC),
            prefix=f"{self.plan.prefix}{self.runs}-",
            late_s=LATE_S,
        )
        told = await races(plan, self.target, parts=parts_of(items))
        for one in told.document["invariants"]:
            self.looked_at[one["id"]] += one["checked"]
        return told, plan.out

    async def _shrink(self, found: Found) -> AsyncIterator[str]:
        """Do it again, and then with ever fewer items; what fails again is kept."""
        for _ in range(AGAIN):
            found.again = found.again or await self._fails(found, found.items)
        if not found.again:
            yield f"{found.check} did not fail again in {AGAIN} runs: it is kept as it was"
            return
        size = max(1, len(found.items) // 2)
        while size and self.left_s() > 0.0:
            at = 0
            while at < len(found.items) and len(found.items) > 1 and self.left_s() > 0.0:
                fewer = found.items[:at] + found.items[at + size :]
                if fewer and await self._fails(found, fewer):
                    yield f"{found.check} fails with {len(found.items)} items"
                else:
                    at += size
            size //= 2

    async def _fails(self, found: Found, items: tuple[Item, ...]) -> bool:
        told, run = await self._do(items)
        if found.check not in _failed(told):
            return False
        found.items, found.violation, found.run = items, _first(told, found.check), run
        return True


def _failed(told: Races) -> list[str]:
    return [one["id"] for one in told.document["invariants"] if one["verdict"] == "FAIL"]


def _first(told: Races, check: str) -> dict[str, Any]:
    [found] = [one for one in told.document["invariants"] if one["id"] == check]
    violations: list[dict[str, Any]] = found["violations"]
    return violations[0] if violations else {"message": found["reason"], "expected": "", "found": ""}
