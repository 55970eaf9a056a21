"""`interlock search`: find a violation by searching schedules, shrink it, and write it down as a scenario file."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.scenarios import runner, scenario_file
from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.cli.screen import moves
from interlock.scenarios.cli.versions import Spoken, asked
from interlock.scenarios.explore.campaign import Campaign, Done, beside
from interlock.scenarios.explore.search import Examined, Search, Workers, cores
from interlock.scenarios.explore.shrink import Shrunk, shrink
from interlock.scenarios.judge.invariants import INVARIANTS, exercise
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import REFERENCE, Job
from interlock.scenarios.spec import Scenario
from interlock.scenarios.specimens import specimens
from interlock.simulator.spec import OcppVersion

HARM = ("I02", "I05", "I07", "I01", "I06", "I04", "I24", "I14", "I18")
"""Which of several violations to shrink: what was done twice, what was lost, what is wrong, and then the rest."""


def _names(incomplete: str) -> list[str]:
    return [name for name in scenarios() if name.startswith(incomplete)]


def _designs(incomplete: str) -> list[str]:
    return [name for name in (REFERENCE, *specimens()) if name.startswith(incomplete)]


def search(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SCENARIO",
            help="Where to begin: names, or files; default: the library.",
            autocompletion=_names,
        ),
    ] = None,
    csms: Annotated[str, typer.Option(help="The reference, or a wrong design.", autocompletion=_designs)] = REFERENCE,
    budget: Annotated[str, typer.Option(help="How long: `60s`, `5m`, or a number of schedules.")] = "60s",
    seed: Annotated[int, typer.Option(min=0, help="The seed all schedules are drawn from.")] = 0,
    invariant: Annotated[str | None, typer.Option(help="Look for violations of this invariant only.")] = None,
    ocpp: Annotated[
        Spoken | None,
        typer.Option(help="What stations speak; default: what each scenario says (1.6), or what --target takes."),
    ] = None,
    bounds: Annotated[
        int | None, typer.Option(min=1, help="Let the CSMS remember only so many of everything (docs/bounds.md).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to keep what was found.")] = Path("interlock-out/search"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: all cores.")] = None,
    cluster: Annotated[str | None, typer.Option(help="A Dask scheduler, as tcp://host:port, to work instead.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last lines.")] = False,
    target: Annotated[
        str | None, typer.Option(metavar="URL", help="Search a CSMS on real sockets: ws:// or wss://, without the id.")
    ] = None,
    control: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="With --target: its operator's interface, for commands.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="N[:I,I]", help="With --target: one schedule again, or some items of it.")
    ] = None,
    id_tag: Annotated[
        list[str] | None, typer.Option("--id-tag", metavar="CARD", help="With --target: a card that it accepts.")
    ] = None,
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ca: options.Ca = None,
    cert: options.Cert = None,
    key: options.Key = None,
    insecure: options.Insecure = False,
) -> None:
    """Search for violations: seeds, crashes at labelled points, lost connections and acknowledgements, fault mixes.

    Stops at the first, shrinks it, and writes both stories with a scenario file. Ctrl-C gives the summary so far.
    With --target: drawn sessions and commands of many stations at a CSMS that runs somewhere, shrunk by running again.
    """
    if target is not None:
        from interlock.scenarios.cli.search_target import search_target

        secrets: dict[str, Any] = {"password": password, "password_file": password_file, "header": header}
        given = {**secrets, "ca": ca, "cert": cert, "key": key, "insecure": insecure}
        if names or csms != REFERENCE or invariant or bounds or cluster or ocpp is Spoken.BOTH:
            raise Refused("--target searches with stations of one version: no scenarios, designs, invariants or bounds")
        search_target(
            target,
            control,
            budget_of(budget),
            seed,
            schedule,
            id_tag or (),
            out,
            given,
            ocpp,
            as_json=as_json,
            quiet=quiet,
        )
    if control is not None or schedule is not None or id_tag:
        raise Refused("--control, --schedule and --id-tag go with --target")
    bases = _bases(names, asked(ocpp))
    if bounds is not None:
        bases = [replace(base, bounds=bounds) for base in bases]
    runner.csms_class(csms)
    if invariant is not None and invariant not in INVARIANTS:
        near = runner.nearest(invariant, INVARIANTS, "interlock list invariants")
        raise Refused(f"there is no invariant {invariant!r}{near}")
    schedules, seconds = budget_of(budget)
    work = Search(bases, csms, seed, schedules, seconds, invariant)
    show = Progress(work, quiet=quiet or as_json)
    check_folder("--out", out)
    show.begin(budget)
    with _workers(jobs or os.cpu_count() or 1, cluster) as workers:
        work.run(workers, show.batch)
    show.end_of_search()
    summary = _summary(work)
    if work.first is not None and not work.first.broken:
        summary["found"] = _hand_over(work, work.first, invariant, out, show)
    (out / "search.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
    if as_json:
        typer.echo(json.dumps(summary, indent=1, sort_keys=True))
    else:
        show.end()
    raise typer.Exit(work.verdict.exit_code)


def _bases(names: list[str] | None, versions: Sequence[OcppVersion]) -> list[Scenario]:
    if names:
        found = [runner.scenario(name) for name in dict.fromkeys(names)]
    else:
        found = [one for one in scenarios().values() if not one.heavy]
    bases = spoken(found, versions)
    if not bases:
        raise Refused(f"none of these scenarios exists in OCPP {', '.join(versions)}")
    return bases


def spoken(found: Sequence[Scenario], versions: Sequence[OcppVersion]) -> list[Scenario]:
    """Return scenarios in each of some versions in which they exist; as they are if no version is given."""
    if not versions:
        return list(found)
    return [replace(one, ocpp=ocpp) for ocpp in versions for one in found if one.why_not(ocpp) is None]


def budget_of(text: str) -> tuple[int | None, float | None]:
    """Return (schedules, seconds), one of them None."""
    match = re.fullmatch(r"(\d+)(s|m|h)?", text.strip())
    if match is None or int(match[1]) == 0:
        raise Refused(f"--budget is a time such as 60s, 5m or 1h, or a number of schedules, not {text!r}")
    if match[2] is None:
        return int(match[1]), None
    return None, int(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]


@contextlib.contextmanager
def _workers(jobs: int, cluster: str | None) -> Iterator[Workers]:
    if cluster is None:
        with cores(jobs) as workers:
            yield workers
        return
    from interlock.scenarios.explore.cluster import joined

    with joined(cluster) as workers:
        yield workers


def _summary(work: Search) -> dict[str, Any]:
    return {
        "schema": 1,
        "csms": work.csms,
        "ocpp": sorted({base.ocpp for base in work.bases}),
        "seed": work.seed,
        "verdict": work.verdict.name,
        "schedules": work.done,
        "interrupted": work.interrupted,
        "exercised": dict(sorted(work.coverage.counts.items())),
        "never": work.coverage.missing(),
        "found": None,
    }


# --- what was found --------------------------------------------------------------------------------------------------


def _hand_over(work: Search, first: Examined, wanted: str | None, out: Path, show: Progress) -> dict[str, Any]:
    """Shrink a violation and write it down twice: as it was found, and as small as it gets."""
    from interlock import reports

    invariant = wanted or next((one for one in HARM if one in first.failed), first.failed[0])
    show.shrinking(first, invariant)
    began = time.monotonic()
    schedule = first.schedule
    small = shrink(schedule.spec, schedule.seed, invariant, runner.csms_class(work.csms), show.shrunk)
    took_s = time.monotonic() - began
    campaign = Campaign([], out, lambda job: True)
    for folder, spec in (("shrunk", small.spec), ("original", schedule.spec)):
        campaign.done.append(_write(out / folder, spec, schedule.seed, work.csms, invariant))
    campaign.write(work.csms)
    beside(campaign.done)
    index = reports.render_suite(out)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(reports.markdown(out))
    (out / "story.md").write_text(reports.markdown(out), "utf-8")
    show.found(small, campaign.done[0], index, took_s)
    return {
        "invariant": invariant,
        "failed": list(first.failed),
        "schedule": schedule.number,
        "strategy": schedule.strategy,
        "observed_steps": small.steps,
        "steps": len(small.spec.steps),
        "runs_to_shrink": small.runs,
        "seconds_to_shrink": round(took_s, 2),
        "scenario": str(out / "shrunk" / "scenario.py"),
        "reproduce": campaign.done[0].verdict["reproduce"],
    }


def _write(folder: Path, spec: Scenario, seed: int, csms: str, invariant: str) -> Done:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.py"
    job = Job(str(path), seed, csms)
    title = spec.title if spec.title.startswith("Found: ") else f"Found: {INVARIANTS[invariant].name}, from {spec.name}"
    name = spec.name if spec.name.startswith("found-") else f"found-{invariant.lower()}-{spec.name}"
    spec = replace(spec, name=name, title=title)
    story = f"{title}.\n\nViolates {invariant} with --seed {seed} --csms {csms}. {spec.covers}"
    path.write_text(scenario_file.source(spec, story), "utf-8")
    outcome = runner.run(job, spec)
    runner.write(outcome, folder)
    return Done(job, outcome.verdict, len(outcome.history), exercise(outcome.history), folder)


# --- the screen ------------------------------------------------------------------------------------------------------

EVERY_S = 10.0
"""How often a line appears where none can move."""


class Progress:
    """The lines of one search."""

    def __init__(self, work: Search, *, quiet: bool) -> None:
        self.work, self.quiet = work, quiet
        self.moving = moves(quiet=quiet)
        self._told_s = 0.0

    def begin(self, budget: str) -> None:
        """Say what is looked for, above all the seed."""
        if not self.quiet:
            bases = self.work.bases
            number, spoken = len({base.name for base in bases}), sorted({base.ocpp for base in bases})
            print(
                f"interlock {importlib.metadata.version('ocpp-interlock')}   csms {self.work.csms}   searching around "
                f"{number} scenario{'s' * (number != 1)}   OCPP {', '.join(spoken)}   seed {self.work.seed}   "
                f"budget {budget}",
                flush=True,
            )

    def batch(self, work: Search) -> None:
        """Show how far it is."""
        if self.moving:
            print(f"\r\033[K  {self._state()}", end="", flush=True)
        elif not self.quiet and work.took_s - self._told_s >= EVERY_S:
            self._told_s = work.took_s
            print(f"  {self._state()}", flush=True)

    def _state(self) -> str:
        work = self.work
        rate = work.done / work.took_s if work.took_s else 0.0
        seen = work.coverage
        return (
            f"{work.done} schedules, {rate:.0f}/s   {len(seen.counts)} things exercised, {len(seen.races())} races, "
            f"{len(seen.missing())} never happened"
        )

    def end_of_search(self) -> None:
        """Leave the last state on the screen."""
        if self.moving:
            print("\r\033[K", end="")
        if not self.quiet:
            print(f"  {self._state()}", flush=True)
        if self.work.interrupted:
            print(f"interrupted after {self.work.done} schedules", file=sys.stderr)

    def shrinking(self, first: Examined, invariant: str) -> None:
        """Say what was found."""
        if not self.quiet:
            schedule = first.schedule
            print(
                f"\nschedule {schedule.number} ({schedule.strategy}, from {schedule.spec.name}) violates "
                f"{', '.join(first.failed)}; shrinking {invariant} {INVARIANTS[invariant].name}",
                flush=True,
            )

    def shrunk(self, small: Shrunk) -> None:
        """Show how small it is by now."""
        if self.moving:
            print(f"\r\033[K  {len(small.spec.steps)} steps after {small.runs} runs", end="", flush=True)

    def found(self, small: Shrunk, done: Done, index: Path, took_s: float) -> None:
        """Tell the story."""
        from interlock import reports
        from interlock.scenarios.record.history import History

        if self.moving:
            print("\r\033[K", end="")
        if not self.quiet:
            assert done.directory is not None
            print(reports.text(done.verdict, History.read(done.directory).as_json()))
            print()
            print(
                f"shrunk to {len(small.spec.steps)} steps, {small.steps} observed, in {small.runs} runs and "
                f"{took_s:.1f} s   scenario: {done.directory / 'scenario.py'}"
            )
            print(f"search:  interlock search {shlex.join(_again(self.work))}")
        print(f"report: {index}")

    def end(self) -> None:
        """Say what it means."""
        work = self.work
        never = work.coverage.missing()
        if never and not self.quiet:
            print(f"never happened, so nothing is known about it: {', '.join(never)}")
        word = work.verdict
        held = "nothing was found" if word is not Verdict.FAIL else f"{len(work.found)} found"
        if work.found and work.found[0].broken:
            held = f"schedule {work.found[0].schedule.number} broke the harness: {', '.join(work.found[0].failed)}"
        print(f"{word.name}: {held} in {work.done} schedules, {work.took_s:.1f} s")


def _again(work: Search) -> list[str]:
    library = [found.name for found in scenarios().values() if not found.heavy]
    names = list(dict.fromkeys(spec.name for spec in work.bases))
    versions = sorted({spec.ocpp for spec in work.bases})
    ocpp = [] if versions == ["1.6"] else ["--ocpp", versions[0] if len(versions) == 1 else Spoken.BOTH]
    csms = [] if work.csms == REFERENCE else ["--csms", work.csms]
    return [*([] if names == library else names), *csms, *ocpp, "--seed", str(work.seed), "--budget", str(work.done)]
