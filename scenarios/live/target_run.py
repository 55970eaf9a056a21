"""`interlock run --target URL`: library scenarios against a CSMS that somebody else runs.

Each scenario ends in a verdict of its own: NOT_APPLICABLE with the reason where it cannot be tried or judged from
outside, ERROR where it could not be done. A fault of the connection or the control interface from the start is
reported in one sentence and ends the whole run, as every scenario would only repeat it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock.scenarios import runner
from interlock.scenarios.explore.campaign import Done, broken, directory
from interlock.scenarios.judge import foreign_run
from interlock.scenarios.judge.invariants import INVARIANTS, exercise
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.live.live_world import NotTried, OutsideWorld
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.record.run_file import RunFile
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.runner import Job, Outcome, rules
from interlock.scenarios.spec import draw, printable
from interlock.scenarios.targets.applicable import inapplicable
from interlock.scenarios.targets.control_file import NoTarget, load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import InterlockApi, Target, TargetGone, token_for
from interlock.simulator.spec import OcppVersion


@dataclass(frozen=True, slots=True)
class Again:
    """What was typed, for the line that does one run again. `more` are further options."""

    target: str
    control: str
    more: Sequence[str] = ()

    def line(self, job: Job) -> str:
        """Return it."""
        words = ["interlock", "run", job.scenario, "--seed", str(job.seed), "--target", self.target]
        words += ["--ocpp", job.ocpp] if job.ocpp not in (None, "1.6") else []
        return shlex.join([*words, "--control", self.control, *self.more])


UNTOLD_HERE = "nothing of what it checks can be seen from outside or is told by this CSMS's records"


def against(
    reach: Reach,
    again: Again,
    jobs: list[Job],
    out: Path,
    keep: Callable[[Job], bool],
    retries: int = 0,
) -> Iterator[Done]:
    """Do the runs one after the other, in wall time, and yield each as it ends.

    Stations speak the version of each job, that of the control file where it names none.

    One that fails is tried again up to `retries` times; one that then holds is told to be flaky, by what it violated.

    A run that breaks is an ERROR and the next one follows. Raises `Refused` when nothing could be tried at all: no
    address, no control interface, no station let in, or no command taken in the first run that tried.
    """
    place = reach.address.place
    asyncio.run(reach.there(adapter(again.control, jobs[0].ocpp if jobs else None)))
    tried, left = False, list(reach.ids)
    for job in jobs:
        api = adapter(again.control, job.ocpp)
        line = again.line(job)
        began = time.monotonic()
        try:
            outcome, violated = asyncio.run(run(job, reach, api, line, left)), list[list[str]]()
            while outcome.word is Verdict.FAIL and len(violated) < retries:
                violated.append([one["id"] for one in outcome.verdict["invariants"] if one["verdict"] == "FAIL"])
                runner.write(outcome, _try(directory(out, job), len(violated)))
                outcome = asyncio.run(run(job, reach, api, line, left))
        except (TargetGone, Refused, NotTried) as error:
            where = "" if isinstance(error, Refused) else "--control: "
            sentence = f"{where}{getattr(error, 'sentence', None) or error}"
            yield broken(job, place, line, sentence, time.monotonic() - began)
            if not tried:
                raise Refused(sentence, UNTOLD) from None
            continue
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:300]
            yield broken(job, place, line, why, time.monotonic() - began)
            continue
        tried = tried or outcome.word is not Verdict.NOT_APPLICABLE
        kept = None
        if keep(job) or outcome.word >= Verdict.FAIL:
            kept = runner.write(outcome, directory(out, job))
        took_s = time.monotonic() - began
        verdict = told_flaky(outcome.verdict, violated)
        yield Done(job, verdict, len(outcome.history), exercise(outcome.history), kept, took_s)


def _try(kept: Path, number: int) -> Path:
    """Return where a try that failed is kept, beside the last one."""
    return kept.with_name(f"{kept.name}-try-{number}")


def told_flaky(verdict: dict[str, Any], violated: list[list[str]]) -> dict[str, Any]:
    """Return the verdict of a run with what earlier tries of it violated, which a pass does not undo."""
    if not violated:
        return verdict
    ids = sorted({id for one in violated for id in one})
    tries = f"in {len(violated)} of {len(violated) + 1} tries"
    why = f"FLAKY: {', '.join(ids)} violated {tries}" if verdict["verdict"] == Verdict.PASS.name else None
    reason = "; ".join(part for part in (why, verdict.get("reason")) if part)
    return {**verdict, "tries": len(violated) + 1, "flaky": ids, **({"reason": reason} if reason else {})}


def spoken(reach: Reach, control: str | None) -> OcppVersion:
    """Return the version that nobody chose: that of the control file, or the first in which a station is let in.

    Raises `Refused` where nobody is there.
    """
    api = adapter(control) if control is not None else None

    async def ask() -> OcppVersion:
        await reach.there(api)
        if api is not None and api.ocpp != "1.6":
            return api.ocpp
        return "2.0.1" if not await reach.admits("1.6") and await reach.admits("2.0.1") else "1.6"

    return asyncio.run(ask())


def plan(control: str, jobs: list[Job]) -> list[tuple[Job, str | None]]:
    """Return each run with the reason why it cannot be tried on this target, None where it can."""
    api = adapter(control, jobs[0].ocpp if jobs else None)
    return [(job, inapplicable(runner.scenario(job.scenario), api.commands, job.ocpp or api.ocpp)) for job in jobs]


def adapter(control: str, ocpp: OcppVersion | None = None) -> Target:
    """Return what speaks to the control interface: that of `interlock serve` by its URL, any other by a file.

    `ocpp` is what stations speak; None: what the file says, 1.6 where it does not.
    """
    token = token_for(control, os.environ)
    if token is not None:
        return InterlockApi(control, token, ocpp or "1.6")
    try:
        return HttpTarget(load(Path(control), os.environ, ocpp), os.environ, Path(control).resolve().parent, ocpp)
    except NoTarget as error:
        raise Refused(f"--control: {error}") from None


async def run(job: Job, reach: Reach, api: Target, again: str, left: list[str]) -> Outcome:
    """Do one run and judge it; `again` is the line that does it again, `left` ids that no run had, where it has some.

    Raises `Refused` when no station is let in, `NotTried` when no command is taken, `TargetGone`.
    """
    spec = runner.scenario(job.scenario)
    why = inapplicable(spec, api.commands, api.ocpp)
    spec = replace(spec, ocpp=api.ocpp)
    drawn = draw(spec, job.seed)
    if why is None and reach.ids and len(left) < spec.stations:
        why = f"it needs {spec.stations} stations, and --ids has {len(left)} that no run had before"
    world = OutsideWorld(spec, drawn, job.seed, reach, api, _ids(left, 0 if why else spec.stations))
    if why is None:
        await world.run(spec.quiet_s)
        if world.network.opened == 0:
            raise Refused(f"--target: {world.network.last_refusal or 'no station was let in'}", UNTOLD)
    told = {"told": sorted(api.tells), "began": world.began.isoformat()}
    about = RunFile(
        scenario=spec.name,
        title=spec.title,
        csms=reach.address.place,
        ocpp=spec.ocpp,
        seed=job.seed,
        spec=printable(spec),
        drawn=drawn.values,
        rules={**_rules(world), "recorded": "facts", "seen_from": "outside", **told},
        reproduce=again,
    ).as_json()
    world.history.run = about
    world.history.end()
    if why is not None:
        return Outcome(job, _left_out(about, _idle(why), why), about, world.history)
    findings = foreign_run.judge(world.history)
    verdict = foreign_run.document(about, findings)
    if verdict["verdict"] == "INCONCLUSIVE" and not any(one.verdict is Verdict.INCONCLUSIVE for one in findings):
        verdict = _left_out(about, findings, UNTOLD_HERE)
    return Outcome(job, verdict, about, world.history)


def _ids(left: list[str], count: int) -> Callable[[int], str]:
    """Return what names the stations of a run: by the ids that are left, or made up."""
    if left and count:
        mine = [left.pop(0) for _ in range(count)]
        return lambda number: mine[number - 1]
    prefix = f"IL{secrets.token_hex(4)}-"
    return lambda number: f"{prefix}{number:02d}"


def _idle(why: str) -> list[Finding]:
    return [Finding(one.id, one.name, one.level, Verdict.NOT_APPLICABLE, 0, why) for one in INVARIANTS.values()]


def _left_out(about: dict[str, Any], findings: list[Finding], why: str) -> dict[str, Any]:
    """Return the verdict of a run that says nothing about this CSMS, for a reason that does not change."""
    return {**document(about, findings), "verdict": Verdict.NOT_APPLICABLE.name, "reason": why}


def _rules(world: OutsideWorld) -> dict[str, Any]:
    lossy = not world.stations[0].spec.persona.keeps_queue
    found = rules(world.scenario, lossy)
    station = next(iter(found["stations"].values()))
    return {**found, "stations": {one.station_id: station for one in world.stations}}
