"""What a terminal shows of a campaign: one line that moves, or one line a scenario when it is not a terminal."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from interlock import reports
from interlock.scenarios.explore.campaign import Campaign, Done, exercised
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.record.history import History
from interlock.scenarios.runner import Job

FAILURES_SHOWN = 3
"""Failures told in full; the rest are in the report."""


def _label(job: Job) -> str:
    """Return what a line of the screen is about: a scenario, in a version where one was asked for."""
    return job.scenario if job.ocpp is None else f"{job.scenario} {job.ocpp}"


class Screen:
    """The lines of one campaign."""

    def __init__(self, campaign: Campaign, csms: str, *, quiet: bool) -> None:
        self.campaign, self.csms, self.quiet = campaign, csms, quiet
        self.moving = sys.stdout.isatty() and not quiet
        self.left: dict[str, int] = {}
        self.seen: dict[str, list[Done]] = {}
        for job in campaign.jobs:
            self.left[_label(job)] = self.left.get(_label(job), 0) + 1
        self.scenarios = len({job.scenario for job in campaign.jobs})
        versions = dict.fromkeys(job.ocpp for job in campaign.jobs if job.ocpp is not None)
        self.versions = f"   OCPP {', '.join(versions)}" if versions else ""
        self.width = max(map(len, self.left), default=0)
        self.count = 0

    def begin(self, seed: int, seeds: int) -> None:
        """Say what is about to run: above all the seed."""
        if self.quiet:
            return
        span = f"seed {seed}" if seeds == 1 else f"seeds {seed} to {seed + seeds - 1}"
        number = self.scenarios
        print(
            f"interlock {importlib.metadata.version('ocpp-interlock')}   csms {self.csms}   "
            f"{number} scenario{'s' * (number != 1)}, {len(self.campaign.jobs)} runs   {span}{self.versions}",
            flush=True,
        )

    def one(self, done: Done) -> None:
        """Show that one more run ended."""
        name = _label(done.job)
        self.count += 1
        self.left[name] -= 1
        self.seen.setdefault(name, []).append(done)
        if self.quiet:
            return
        if self.left[name] == 0:
            self._clear()
            print(self._line(name), flush=True)
        if self.moving:
            print(f"\r\033[K  {self.count} of {len(self.campaign.jobs)} runs", end="", flush=True)

    def _line(self, name: str) -> str:
        runs = self.seen[name]
        worst = max(one.word for one in runs)
        line = f"  {worst.name:<12} {name:<{self.width}}  {len(runs)} run{'s' * (len(runs) != 1)}"
        bad = [one for one in runs if one.word >= Verdict.FAIL]
        if bad:
            which = ", ".join(dict.fromkeys(found for one in bad for found in one.failed))
            line += f", {len(bad)} bad (first seed {bad[0].job.seed}): {which}"
        return line

    def _clear(self) -> None:
        if self.moving:
            print("\r\033[K", end="")

    def interrupted(self) -> None:
        """Say that the rest was not run."""
        self._clear()
        print(f"interrupted after {self.count} of {len(self.campaign.jobs)} runs", file=sys.stderr)

    def end(self, index: Path) -> None:
        """Tell the failures and the sum of it."""
        self._clear()
        bad = [one for one in self.campaign.done if one.word >= Verdict.FAIL]
        if not self.quiet:
            for one in bad[:FAILURES_SHOWN]:
                assert one.directory is not None
                print()
                print(reports.text(one.verdict, History.read(one.directory).as_json()))
            if len(bad) > FAILURES_SHOWN:
                print(f"\n... and {len(bad) - FAILURES_SHOWN} more, in the report")
            self._invariants()
        runs = len(self.campaign.done)
        print(f"{self.campaign.verdict.name}: {runs - len(bad)} of {runs} runs held   report: {index}")

    def _invariants(self) -> None:
        held: dict[str, int] = {}
        broken: dict[str, int] = {}
        never: set[str] = set()
        for one in self.campaign.done:
            for found in one.verdict["invariants"]:
                match found["verdict"]:
                    case "PASS":
                        held[found["id"]] = held.get(found["id"], 0) + found["checked"]
                    case "FAIL" | "ERROR":
                        broken[found["id"]] = broken.get(found["id"], 0) + 1
                    case _:
                        never.add(found["id"])
        idle = sorted(never - held.keys() - broken.keys())
        good = held.keys() - broken.keys()
        line = f"{len(good)} invariants held ({sum(held[name] for name in good)} checks), {len(broken)} violated"
        if idle:
            line += f", {len(idle)} had nothing to look at ({', '.join(idle)})"
        print(f"\n{line}")
        unseen = [name for name, count in exercised(self.campaign.done).items() if not count]
        if unseen and len(self.campaign.jobs) > 1:
            print(f"never happened in these runs: {', '.join(unseen)}")
        if self.campaign.undone:
            print(f"nothing is shown by a suite in which these never happened: {', '.join(self.campaign.undone)}")
