"""The stage "races and recovery": one session of many stations against one CSMS, recorded and judged as a whole.

`races` runs it and `findings` judges the history it wrote, with everything that can judge from outside: the checks of
the wire, those of a fleet, those of a load test's ledger, and those of `judge.race_checks`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.judge import fleet_checks, ledger_checks, race_checks, wire
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.live import (
    race_afterwards,
    race_beliefs,
    race_dialect,
    race_drivers,
    race_events_201,
    race_evidence_201,
    race_first,
    race_neighbours,
    race_orders,
    race_own_calls,
    race_parts,
    race_restart,
    race_stories,
    race_variety,
    race_variety_201,
)
from interlock.scenarios.live.race_session import Cards, NoMoreIds, Session
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.record.recorder import Recorder, observations
from interlock.scenarios.record.run_file import versions
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.target import Target
from interlock.simulator.network.dial import record_frames
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.spec import OcppVersion

BUDGET_S = 180.0
CLOSING_S = 1.0
LATE_S = 35.0
LAG_S = 0.25
LATE_HERE_S = 2.0
"""How late this process may be before what rests on waiting is not judged."""
WAITED = {"W01": 2.0, "R08": 2.0, "R12": 5.0, "R17": 5.0, "R18": 4.0, "R22": 5.0, "R28": 2.0}
"""Checks that rest on waiting, and how late this process may be before they are not judged: a third of the wait."""
READ_S = 15.0
"""How long the records are read at the end, also where the time for the parts is used up."""

STAGE = "races"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `cards` are statuses by card; `began` is the time of day at second 0, in UTC."""

    reach: Reach
    out: Path
    began: datetime
    seed: int = 0
    budget_s: float = BUDGET_S
    prefix: str = "IL-"
    cards: Mapping[str, str] = field(default_factory=dict)
    reproduce: str = ""
    ocpp: OcppVersion = "1.6"
    """The version that stations speak."""
    late_s: float = LATE_S
    """When stations answer that take long: beyond the time-outs that CSMSs usually have."""


@dataclass(frozen=True, slots=True)
class Races:
    """A stage that is over."""

    document: dict[str, Any]
    took_s: float

    @property
    def verdict(self) -> Verdict:
        """Its verdict."""
        return Verdict[self.document["verdict"]]


Part = Callable[[], Awaitable[None]]
Parts = Callable[[Session, WallClock], dict[str, Part]]


async def races(
    plan: Plan,
    target: Target | None = None,
    show: Callable[[str], None] = lambda text: None,
    parts: Parts | None = None,
) -> Races:
    """Run the stage, or `parts` of it, and judge it. Raises `Refused` when the CSMS lets nobody in."""
    loop = asyncio.get_running_loop()
    clock = WallClock(loop)
    with Recorder(lambda: clock.now, plan.out) as recorder:
        observe = recorder.observe
        network = plan.reach.network(loop, observe, record_frames(observe))
        session = Session(
            network, lambda: clock.now, plan.began, observe, plan.seed, plan.prefix, _cards(plan), plan.budget_s, target
        )
        session.ocpp = plan.ocpp
        session.late_s = plan.late_s
        session.ids, session.limited = list(plan.reach.ids), bool(plan.reach.ids)
        try:
            observe("phase", name="first")
            if await race_first.first(session):
                await _run(session, (parts or every)(session, clock), show)
            if network.opened == 0:
                recorder.discard()
                raise Refused(network.last_refusal or "nobody was let in", UNTOLD)
            observe("phase", name="leaving")
        finally:
            clock.stop()
            await network.close("the check is over", CLOSING_S)
        took_s = clock.now
        digest = recorder.end()
    return Races(_write(plan, len(session.lines), digest, recorder.count, target), took_s)


def _cards(plan: Plan) -> Cards:
    import random

    return Cards(plan.cards, random.Random(f"{plan.seed}:cards:{plan.prefix}"))


def every(session: Session, clock: WallClock) -> dict[str, Part]:
    """Return all parts by name."""
    return {
        "stories": lambda: race_stories.tell(session),
        **{name: _bound(part, session) for name, part in race_parts.PARTS.items()},
        "variety": lambda: (race_variety if session.ocpp == "1.6" else race_variety_201).variety(session),
        "own calls": lambda: race_own_calls.own_calls(session),
        "look-alikes": lambda: race_neighbours.look_alikes(session),
        "side by side": lambda: race_neighbours.side_by_side(session),
        "pings": lambda: race_neighbours.pings(session),
        "orders": lambda: race_orders.orders(session),
        "dialect": lambda: race_dialect.dialect(session),
        **({} if session.ocpp == "1.6" else _of_201(session)),
        "beliefs": lambda: race_beliefs.beliefs(session),
        "quiet": lambda: race_beliefs.quiet(session),
        "drivers": lambda: race_drivers.drivers(session, clock),
        **(_of_16(session) if session.ocpp == "1.6" else {}),
    }


def _of_16(session: Session) -> dict[str, Part]:
    return {
        "afterwards": lambda: race_afterwards.afterwards(session),
        "letters": lambda: race_afterwards.letters(session),
    }


def _of_201(session: Session) -> dict[str, Part]:
    """Return the parts that are about what 1.6 has not."""
    return {
        "events": lambda: race_events_201.events(session),
        "evidence": lambda: race_evidence_201.evidence(session),
    }


async def _run(session: Session, parts: Mapping[str, Part], show: Callable[[str], None]) -> None:
    """Run parts side by side, and end them when the budget is used up."""

    async def one(name: str, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
            session.observe("part.ended", part=name)
            show(name)
        except NoMoreIds:
            session.observe("part.cut", part=name, why="--ids has too few ids for it")
        except asyncio.CancelledError:
            session.observe("part.cut", part=name)
            raise

    lag = asyncio.get_running_loop().create_task(_lag(session))
    try:
        try:
            async with asyncio.timeout(max(1.0, session.until - session.clock())):
                await asyncio.gather(*(one(name, part) for name, part in parts.items()))
                await one("restart", lambda: race_restart.restart(session))
        except TimeoutError:
            session.observe("phase", name="the budget is used up")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(READ_S, session.until - session.clock())):
                await race_orders.read_back(session)
    finally:
        lag.cancel()


async def _lag(session: Session) -> None:
    """Note by how much this process is late, whenever it is later than before."""
    most = LATE_HERE_S
    while True:
        due = session.clock() + LAG_S
        await asyncio.sleep(LAG_S)
        if (late := session.clock() - due) > most:
            most = late
            session.observe("behind", seconds=round(late, 2))


def _bound(part: Callable[[Session], Awaitable[None]], session: Session) -> Callable[[], Awaitable[None]]:
    return lambda: part(session)


# --- what is left of it ----------------------------------------------------------------------------------------------


def _write(plan: Plan, stations: int, digest: str, count: int, target: Target | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "schema": 1,
        "scenario": STAGE,
        "title": f"races and recovery against {plan.reach.address.place}",
        "csms": plan.reach.address.place,
        "ocpp": plan.ocpp,
        "seed": plan.seed,
        "spec": {
            "stations": stations,
            "profile": STAGE,
            "seconds": plan.budget_s,
            "prefix": plan.prefix,
            "cards": dict(plan.cards),
            "ids": len(plan.reach.ids),
            "began": plan.began.isoformat(),
        },
        "drawn": {},
        "versions": versions(),
        "rules": {
            "recorded": "all",
            "seen_from": "station",
            "told": sorted(target.tells) if target else [],
            "restarts": bool(getattr(target, "restarts", False)),
        },
        "reproduce": plan.reproduce,
        "history_sha256": digest,
        "observations": count,
    }
    told = document(about, findings(plan.out / "history.jsonl", about, controlled=target is not None))
    for name, content in (("run.json", about), ("verdict.json", told)):
        (plan.out / name).write_bytes(msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=1))
    return told


def findings(history: Path, about: Mapping[str, Any], *, controlled: bool) -> list[Finding]:
    """Judge a history with everything that can judge it: a function of what is written."""
    work = wire.Judgement("csms", datetime.fromisoformat(about["spec"]["began"]))
    facts, rows = fleet_checks.Facts(), list(observations(history))
    for row in rows:
        work.see(row)
        facts.see(row)
    found = work.findings()
    answers = ledger_checks.Answers(known=controlled)
    found += [one for one in ledger_checks.judge(rows, answers, 0) if one.id in ("L01", "L02", "L04")]
    found += race_checks.judge(rows, about)
    unseen = {one.id: (one.name, one.level) for one in INVARIANTS.values()}
    found = _in_time(found, max((row["seconds"] for row in rows if row.kind == "behind"), default=0.0))
    return fleet_checks.complete(found, work, facts, about) + wire.hidden(unseen)


def _in_time(found: list[Finding], late_s: float) -> list[Finding]:
    """Accuse nobody of being late where this process was: such findings become INCONCLUSIVE."""

    def waited(one: Finding) -> bool:
        late = all(violation.found.startswith("no answer") for violation in one.violations)
        return one.verdict is Verdict.FAIL and (late or late_s >= WAITED.get(one.id, late_s + 1.0))

    why = f"this process was up to {late_s:.1f} s late itself"
    return [
        replace(one, verdict=Verdict.INCONCLUSIVE, reason=why, violations=(), needed=True)
        if late_s >= LATE_HERE_S and waited(one)
        else one
        for one in found
    ]
