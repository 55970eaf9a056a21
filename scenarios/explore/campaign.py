"""Campaigns: many runs on all cores, in a fixed order, whose run directories are kept or deleted.

The result does not depend on the number of processes.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios import runner
from interlock.scenarios.explore.pool import processes
from interlock.scenarios.explore.time_limit import within
from interlock.scenarios.judge.invariants import exercise
from interlock.scenarios.judge.invariants.campaign import DONE, did
from interlock.scenarios.judge.verdict import SCHEMA, Verdict, merge
from interlock.scenarios.runner import Job
from interlock.simulator.spec import OcppVersion


@dataclass(frozen=True, slots=True)
class Done:
    """What a campaign remembers of one run. `directory` is None when it was not kept."""

    job: Job
    verdict: dict[str, Any]
    observations: int
    exercised: dict[str, int]
    directory: Path | None
    took_s: float = 0.0
    """How long it took, in seconds of wall time."""

    @property
    def reason(self) -> str | None:
        """Return why it was not judged, or why not to an end; None when it was."""
        if (own := self.verdict.get("reason")) is not None:
            return str(own)
        if self.word is Verdict.INCONCLUSIVE:
            found = [one for one in self.verdict["invariants"] if one["verdict"] == "INCONCLUSIVE"]
            return "; ".join(f"{one['id']}: {one['reason']}" for one in found[:3]) or "no promise had enough to look at"
        if self.word is Verdict.ERROR:
            # What broke the world is the reason of every invariant.
            why = dict.fromkeys(one["reason"] for one in self.verdict["invariants"] if one["verdict"] == "ERROR")
            return "; ".join(str(one) for one in list(why)[:3])
        return None

    @property
    def ocpp(self) -> OcppVersion:
        """The version its stations spoke."""
        return self.job.ocpp or runner.scenario(self.job.scenario).ocpp

    @property
    def word(self) -> Verdict:
        """Return the run's verdict."""
        return Verdict[self.verdict["verdict"]]

    @property
    def flaky(self) -> bool:
        """Return whether it held, and did not in an earlier try."""
        return self.word is Verdict.PASS and bool(self.verdict.get("flaky"))

    @property
    def failed(self) -> list[str]:
        """Return the ids of the invariants that did not hold."""
        return [one["id"] for one in self.verdict["invariants"] if one["verdict"] in ("FAIL", "ERROR")]


@dataclass(slots=True)
class Campaign:
    """Runs and where to keep them."""

    jobs: list[Job]
    out: Path
    keep: Callable[[Job], bool]
    workers: int = 1
    whole: bool = False
    """Whether this is the whole library: then it has to have done what the library is for (`DONE`)."""
    done: list[Done] = field(default_factory=list)
    expected: Sequence[str] = ()
    """Names or globs of scenarios that have to fail: one that fails holds, one that passes does not."""
    stopped: bool = False
    """Whether it was ended early because something failed: its verdict is known though runs are missing."""

    def run(self) -> Iterator[Done]:
        """Do the runs and yield each as it ends; `done` then holds them in the order of `jobs`."""
        kept = [self.keep(job) for job in self.jobs]
        if self.workers <= 1 or len(self.jobs) == 1:
            for job, keep in zip(self.jobs, kept, strict=True):
                self.done.append(_one(job, self.out, keep))
                yield self.done[-1]
            return
        # Long runs first, or one of them is all that is left at the end.
        order = sorted(range(len(self.jobs)), key=lambda n: not runner.scenario(self.jobs[n].scenario).heavy)
        found: dict[int, Done] = {}
        with processes(self.workers) as pool:
            futures = {pool.submit(_one, self.jobs[n], self.out, kept[n]): n for n in order}
            try:
                for future in as_completed(futures):
                    found[futures[future]] = future.result()
                    yield found[futures[future]]
            finally:
                # Also when interrupted, or ended by who reads this: what is done stays.
                self.done.extend(found[n] for n in sorted(found))

    def collect(self, runs: Iterable[Done]) -> Iterator[Done]:
        """Add runs that something else does, such as `live.target_run.against`, and yield each as it ends."""
        for done in runs:
            self.done.append(done)
            yield done

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict of the runs that applied; what was interrupted or never applied cannot tell."""
        cut = len(self.done) < len(self.jobs) and not self.stopped
        missing = [Verdict.INCONCLUSIVE] if cut or self.undone else []
        return merge([*(self.judged(one) for one in self.done if one.word is not Verdict.NOT_APPLICABLE), *missing])

    def meant(self, done: Done) -> bool:
        """Return whether a run has to fail."""
        name = runner.scenario(done.job.scenario).name
        return any(fnmatch.fnmatchcase(name, glob) for glob in self.expected)

    def judged(self, done: Done) -> Verdict:
        """Return a run's verdict as it counts: an expected failure holds, an unexpected pass is a failure."""
        turned = {Verdict.FAIL: Verdict.PASS, Verdict.PASS: Verdict.FAIL} if self.meant(done) else {}
        return turned.get(done.word, done.word)

    @property
    def undone(self) -> list[str]:
        """Name what a whole suite has to have done and this one did not."""
        if not self.whole:
            return []
        found = exercised(self.done)
        return [what for what in DONE if not found.get(what)]

    def summary(self, csms: str) -> dict[str, Any]:
        """Return what `suite.json` holds."""
        return {
            "schema": 1,
            "csms": csms,
            "verdict": self.verdict.name,
            "runs": [
                {
                    "dir": str(one.directory.relative_to(self.out)) if one.directory else None,
                    "scenario": one.job.scenario,
                    "csms": one.job.csms,
                    "ocpp": one.ocpp,
                    "seed": one.job.seed,
                    "verdict": one.word.name,
                    "reason": one.reason,
                    "seconds": round(one.took_s, 3),
                    "reproduce": one.verdict["reproduce"],
                    "observations": one.observations,
                    "failed": one.failed,
                    "tries": one.verdict.get("tries", 1),
                    "flaky": one.verdict.get("flaky", []) if one.flaky else [],
                    "invariants": {found["id"]: found["verdict"] for found in one.verdict["invariants"]},
                }
                for one in self.done
            ],
            "names": {found["id"]: found["name"] for one in self.done for found in one.verdict["invariants"]},
            "exercised": exercised(self.done),
            "undone": self.undone,
        }

    def write(self, csms: str) -> Path:
        """Write `suite.json`."""
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "suite.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self.summary(csms), order="sorted"), indent=1))
        return path


def broken(job: Job, csms: str, reproduce: str, why: str, took_s: float) -> Done:
    """Return a run that could not be done: ERROR, with the reason in one sentence."""
    verdict = {
        "schema": SCHEMA,
        "verdict": Verdict.ERROR.name,
        "reason": why,
        "scenario": job.scenario,
        "csms": csms,
        "seed": job.seed,
        "reproduce": reproduce,
        "invariants": [],
    }
    return Done(job, verdict, 0, {}, None, took_s)


def exercised(done: Iterable[Done]) -> dict[str, int]:
    """Add up what runs exercised."""
    total: dict[str, int] = {}
    for one in done:
        for name, count in one.exercised.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))


def directory(out: Path, job: Job) -> Path:
    """Return where a run is kept: a path without what file systems or uploads of artifacts refuse."""
    parts = [re.sub(r"[^\w.-]+", "-", Path(job.csms).name)] if job.csms != runner.REFERENCE else []
    parts += [f"ocpp{job.ocpp}"] if job.ocpp not in (None, "1.6") else []
    return out / runner.scenario(job.scenario).name / "-".join([*parts, "seed", str(job.seed)])


BESIDE = "reference"
"""The folder in a failing run's that holds the same scenario and seed on the reference, for its report."""
MOST_BESIDE = 8
"""Failing runs that get one."""


def beside(done: Iterable[Done]) -> None:
    """Play what failed on another CSMS on the reference too: each scenario once, and few in all."""
    failed = [one for one in done if one.directory is not None and one.word is Verdict.FAIL]
    failed = [one for one in failed if one.job.csms != runner.REFERENCE]
    firsts: dict[str, Done] = {}
    for one in failed:
        if not runner.scenario(one.job.scenario).heavy:
            firsts.setdefault(one.job.scenario, one)
    for one in list(firsts.values())[:MOST_BESIDE]:
        assert one.directory is not None
        with contextlib.suppress(Exception):  # a report without it is a report
            with within(WALL_S):
                outcome = runner.run(replace(one.job, csms=runner.REFERENCE))
            runner.write(outcome, one.directory / BESIDE)


WALL_S, WALL_HEAVY_S = 120.0, 1800.0
"""Seconds of this machine after which a run is interrupted where it is: hundreds of times what it takes."""


def _one(job: Job, out: Path, keep: bool) -> Done:
    began = time.monotonic()
    try:
        with within(WALL_HEAVY_S if runner.scenario(job.scenario).heavy else WALL_S):
            outcome = runner.run(job)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {error} ({Path(last.filename).name} line {last.lineno})"[:300]
        return broken(job, job.csms, runner.reproduce(job), why, time.monotonic() - began)
    kept = None
    if keep or outcome.word >= Verdict.FAIL:
        kept = runner.write(outcome, directory(out, job))
    took_s = time.monotonic() - began
    counted = {**exercise(outcome.history), **did(outcome.history)}
    return Done(job, outcome.verdict, len(outcome.history), counted, kept, took_s)
