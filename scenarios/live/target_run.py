"""`interlock run --target URL`: library scenarios against a CSMS that somebody else runs."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from interlock.scenarios import runner
from interlock.scenarios.explore.campaign import Done, directory
from interlock.scenarios.judge.invariants import INVARIANTS, exercise, judge
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.live.live_world import OutsideWorld
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.runner import Job, Outcome, rules, versions
from interlock.scenarios.spec import draw, printable
from interlock.scenarios.targets.applicable import inapplicable
from interlock.scenarios.targets.control_file import NoTarget, load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import TOKEN_VARIABLE, InterlockApi, Target, TargetGone
from interlock.simulator.network.address import Address, NoAddress, parse


def against(target: str, control: str, jobs: list[Job], out: Path, keep: Callable[[Job], bool]) -> Iterator[Done]:
    """Do the runs one after the other, in wall time. Raises `Refused` when the target cannot be reached."""
    try:
        address = parse(target)
    except NoAddress as error:
        raise Refused(f"--target: {error}") from None
    api = adapter(control)
    try:
        asyncio.run(api.check())
        for job in jobs:
            again = [
                "interlock",
                "run",
                job.scenario,
                "--seed",
                str(job.seed),
                "--target",
                target,
                "--control",
                control,
            ]
            outcome = asyncio.run(run(job, address, api, shlex.join(again)))
            kept = None
            if keep(job) or outcome.word >= Verdict.FAIL:
                kept = runner.write(outcome, directory(out, job))
            yield Done(job, outcome.verdict, len(outcome.history), exercise(outcome.history), kept)
    except TargetGone as error:
        raise Refused(f"--control: {error}", UNTOLD) from None


def adapter(control: str) -> Target:
    """Return what speaks to the control interface: that of `interlock serve` by its URL, any other by a file."""
    if not control.startswith(("http://", "https://")):
        try:
            return HttpTarget(load(Path(control), os.environ), os.environ)
        except NoTarget as error:
            raise Refused(f"--control: {error}") from None
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise Refused(f"--control needs the API's token in {TOKEN_VARIABLE}")
    return InterlockApi(control, token)


async def run(job: Job, address: Address, api: Target, again: str) -> Outcome:
    """Do one run on the CSMS at `address`, and judge it; `again` is the line that does it again. Raises `Refused`."""
    spec = runner.scenario(job.scenario)
    drawn = draw(spec, job.seed)
    world = OutsideWorld(spec, drawn, job.seed, address, api, f"IL{secrets.token_hex(4)}-")
    why = inapplicable(spec, api.commands)
    if why is None:
        await world.run(spec.quiet_s)
        if world.network.opened == 0:
            raise Refused(f"--target: {world.network.last_refusal or 'no station was let in'}", UNTOLD)
    about: dict[str, Any] = {
        "schema": 1,
        "scenario": spec.name,
        "title": spec.title,
        "csms": address.place,
        "seed": job.seed,
        "spec": printable(spec),
        "drawn": dict(drawn.values),
        "versions": versions(),
        "rules": {**_rules(world), "recorded": "facts", "seen_from": "outside", "told": sorted(api.tells)},
        "reproduce": again,
    }
    world.history.run = about
    world.history.end()
    if why is None:
        return Outcome(job, document(about, judge(world.history)), about, world.history)
    idle = [Finding(one.id, one.name, one.level, Verdict.NOT_APPLICABLE, 0, why) for one in INVARIANTS.values()]
    return Outcome(job, document(about, idle), about, world.history)


def _rules(world: OutsideWorld) -> dict[str, Any]:
    lossy = not world.stations[0].spec.persona.keeps_queue
    found = rules(world.scenario, lossy)
    station = next(iter(found["stations"].values()))
    return {**found, "stations": {one.station_id: station for one in world.stations}}
