"""What a terminal shows of a campaign: one line that moves, or one line a scenario when it is not a terminal."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from interlock import reports
from interlock.reports.run import clean
from interlock.scenarios.explore.campaign import Campaign, Done, exercised
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.record.history import History
from interlock.scenarios.runner import Job

FAILURES_SHOWN = 3
"""Failures told in full; the rest are in the report."""


def moves(*, quiet: bool) -> bool:
    """Return whether a line may be drawn over: on a terminal that takes control sequences and is allowed them."""
    return sys.stdout.isatty() and not quiet and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def _label(job: Job) -> str:
    """Return what a line of the screen is about: a scenario, in a version where one was asked for."""
    return job.scenario if job.ocpp is None else f"{job.scenario} {job.ocpp}"


class Screen:
    """The lines of one campaign."""

    def __init__(self, campaign: Campaign, csms: str, *, quiet: bool) -> None:
        self.campaign, self.csms, self.quiet = campaign, csms, quiet
        self.moving = moves(quiet=quiet)
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
            f"{number} scenario{'s' * (number != 1)}, {_runs(len(self.campaign.jobs))}   {span}{self.versions}",
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
            self.clear()
            print(self._line(name), flush=True)
        if self.moving:
            print(f"\r\033[K  {self.count} of {len(self.campaign.jobs)} runs", end="", flush=True)

    def _line(self, name: str) -> str:
        runs = self.seen[name]
        worst = max(one.word for one in runs)
        known = worst is not self.campaign.judged(max(runs, key=lambda one: one.word))
        line = f"  {worst.name:<12} {name:<{self.width}}  {_runs(len(runs))}"
        bad = [one for one in runs if one.word >= Verdict.FAIL]
        if bad:
            which = ", ".join(dict.fromkeys(found for one in bad for found in one.failed))
            line += f", {len(bad)} bad (first seed {bad[0].job.seed})" + (f": {which}" if which else "")
        why = next((one.reason for one in runs if one.word == worst and one.reason), None)
        line += (" (expected to fail)" if worst >= Verdict.FAIL else " ALTHOUGH EXPECTED TO FAIL") if known else ""
        return f"{line}: {clean(why, 160)}" if why else line

    def clear(self) -> None:
        """Clear the line that moves."""
        if self.moving:
            print("\r\033[K", end="")

    def interrupted(self) -> None:
        """Say that the rest was not run."""
        self.clear()
        print(f"interrupted after {self.count} of {len(self.campaign.jobs)} runs", file=sys.stderr)

    def end(self, index: Path) -> None:
        """Tell the failures and the sum of it."""
        self.clear()
        bad = [one for one in self.campaign.done if one.word >= Verdict.FAIL and not self.campaign.meant(one)]
        if not self.quiet:
            for one in bad[:FAILURES_SHOWN]:
                rows = History.read(one.directory).as_json() if one.directory is not None else []
                print()
                print(reports.text(one.verdict, rows))
            if len(bad) > FAILURES_SHOWN:
                print(f"\n... and {len(bad) - FAILURES_SHOWN} more, in the report")
            self._invariants()
        runs = len(self.campaign.done)
        held = sum(one.word is Verdict.PASS for one in self.campaign.done)
        apart = [
            f"{count} {what}"
            for word, what in ((Verdict.NOT_APPLICABLE, "not applicable"), (Verdict.INCONCLUSIVE, "could not be told"))
            if (count := sum(one.word is word for one in self.campaign.done))
        ]
        for text, which in (
            ("expected to fail", [one for one in self.campaign.done if self._known(one, Verdict.FAIL)]),
            ("passed although expected to fail", [one for one in self.campaign.done if self._known(one, Verdict.PASS)]),
        ):
            apart += [f"{len(which)} {text}"] if which else []
        if flaky := sum(one.flaky for one in self.campaign.done):
            apart.append(f"{flaky} FLAKY: held only when tried again")
        aside = f" ({', '.join(apart)})" if apart else ""
        print(f"{self.campaign.verdict.name}: {held} of {_runs(runs)} held{aside}   report: {index}")

    def _known(self, done: Done, word: Verdict) -> bool:
        return done.word is word and self.campaign.meant(done)

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
        for why, which in self._why(idle).items():
            print(f"  {', '.join(which)}: {clean(why, 160)}")
        unseen = [name for name, count in exercised(self.campaign.done).items() if not count]
        if unseen and len(self.campaign.jobs) > 1:
            print(f"never happened in these runs: {', '.join(unseen)}")
        if self.campaign.undone:
            print(f"nothing is shown by a suite in which these never happened: {', '.join(self.campaign.undone)}")

    def _why(self, idle: list[str]) -> dict[str, list[str]]:
        """Return why each of these was not judged in the first run, and which they are."""
        found: dict[str, list[str]] = {}
        first = {
            one["id"]: one["reason"] for done in self.campaign.done for one in reversed(done.verdict["invariants"])
        }
        for name in idle:
            if first.get(name):
                found.setdefault(str(first[name]), []).append(name)
        return found


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
