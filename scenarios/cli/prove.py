"""`interlock prove`: the kill matrix. Which wrong design is flagged by which invariant, and the reference by none."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock import reports
from interlock.scenarios import scenario_file
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.cli.screen import moves
from interlock.scenarios.cli.search import budget_of, spoken
from interlock.scenarios.cli.versions import Spoken, asked
from interlock.scenarios.explore.pool import processes
from interlock.scenarios.explore.proofs import MOST, Kill, kill, without_kill
from interlock.scenarios.explore.search import Examined, Search, cores
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import REFERENCE, nearest
from interlock.scenarios.specimens import specimens
from interlock.simulator.spec import OcppVersion


def _designs(incomplete: str) -> list[str]:
    return [name for name in specimens() if name.startswith(incomplete)]


def prove(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="SPECIMEN", help="Wrong designs; default: all.", autocompletion=_designs),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="Schedules on the reference: a number, or a time such as `60s`.")
    ] = "2000",
    seed: Annotated[int, typer.Option(min=0, help="The seed the reference's schedules are drawn from.")] = 0,
    ocpp: Annotated[Spoken, typer.Option(help="What stations speak.")] = Spoken.BOTH,
    out: Annotated[Path, typer.Option(help="Where to write the matrix.")] = Path("interlock-out/proof"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the proof as JSON and nothing else.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: all cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    cases: Annotated[
        bool, typer.Option("--cases", help="Conformance cases instead; names are their ids, or runs of `check`.")
    ] = False,
) -> None:
    """Prove what the harness catches: every wrong design is flagged, the reference never, and no invariant is idle.

    Writes `proof.html`, `kill-matrix.md` and `proof.json`. With specimen names, only those are tried and the
    invariants are not counted. Under each OCPP version those are tried that can exist there.
    """
    if cases:
        _check_for_cases(budget, seed, ocpp, jobs)
        from interlock.scenarios.cli.prove_cases import prove_cases

        raise typer.Exit(prove_cases(names or (), out, as_json=as_json, quiet=quiet))
    chosen = list(dict.fromkeys(names or specimens()))
    for name in chosen:
        if name not in specimens():
            near = nearest(name, specimens(), "interlock list specimens")
            raise Refused(f"there is no specimen {name!r}{near}")
    trials = [(name, version) for name in chosen for version in asked(ocpp) if _exists(name, version)]
    if not trials:
        raise Refused(f"{', '.join(chosen)}: {specimens()[chosen[0]].why_not(asked(ocpp)[0])}")
    schedules, seconds = budget_of(budget)
    workers = jobs or os.cpu_count() or 1
    proof = Proof(whole=not names and "1.6" in asked(ocpp), versions=asked(ocpp))
    loud = not (quiet or as_json)
    check_folder("--out", out)
    if loud:
        print(
            f"interlock {importlib.metadata.version('ocpp-interlock')}   {len(chosen)} "
            f"{'specimen' if len(chosen) == 1 else 'specimens'}, OCPP {', '.join(proof.versions)}, "
            f"at most {MOST} schedules each"
        )
    bases = spoken([found for found in scenarios().values() if not found.heavy], proof.versions)
    bases += [replace(base, bounds=2) for base in bases]  # what leans on a memory with an end falls
    reference = Search(bases, REFERENCE, seed, schedules, seconds, keep_going=True)
    try:
        for one in _kills(trials, workers):
            proof.kills.append(one)
            if loud:
                print(f"  {_line(one)}", flush=True)
        with cores(workers) as crew:
            reference.run(crew, _ticker(loud))
    except KeyboardInterrupt:
        reference.interrupted = True
    proof.close(trials, reference)
    again = [_written(out, one) for one in reference.found]
    proof.reproduce = _again(locals())
    (out / "proof.json").write_text(json.dumps(proof.as_json(), indent=1, sort_keys=True) + "\n", "utf-8")
    (out / "kill-matrix.md").write_text(proof.markdown(budget), "utf-8")
    page = reports.render_proof(out)
    if as_json:
        typer.echo(json.dumps(proof.as_json(), indent=1, sort_keys=True))
    else:
        print(f"{proof.sentence(out / 'kill-matrix.md')}   report: {page}")
        for line in again:
            print(f"  again:  {line}")
    raise typer.Exit(proof.verdict.exit_code)


def _check_for_cases(budget: str, seed: int, ocpp: Spoken, jobs: int | None) -> None:
    """Refuse with --cases what is about schedules and wrong designs alone."""
    of_schedules = (
        ("--budget", budget, "2000"),
        ("--seed", seed, 0),
        ("--ocpp", ocpp, Spoken.BOTH),
        ("--jobs", jobs, None),
    )
    for name, given, default in of_schedules:
        if given != default:
            raise Refused(f"{name} does not go with --cases: each mutant and variation is judged once")


def _again(given: Mapping[str, Any]) -> str:
    """Return the line that does this again."""
    line = ["interlock", "prove", *(given["names"] or ()), "--budget", given["budget"]]
    line += ["--seed", str(given["seed"])] if given["seed"] else []
    return shlex.join([*line, *(["--ocpp", str(given["ocpp"])] if given["ocpp"] is not Spoken.BOTH else [])])


def _written(out: Path, found: Examined) -> str:
    """Write a schedule that was flagged on the reference as a scenario; return the line that runs it again."""
    schedule, path = found.schedule, out / f"found-{found.schedule.number}.py"
    spec = replace(schedule.spec, name=f"found-{schedule.number}")
    path.write_text(
        scenario_file.source(spec, f"Violates {', '.join(found.failed)} with --seed {schedule.seed}."), "utf-8"
    )
    return f"interlock run {path} --seed {schedule.seed}"


Trial = tuple[str, OcppVersion]
"""A specimen, and what its stations speak."""


def _exists(name: str, ocpp: OcppVersion) -> bool:
    return specimens()[name].why_not(ocpp) is None


def _tried(trial: Trial) -> Kill:
    return kill(trial[0], ocpp=trial[1])


def _kills(trials: list[Trial], workers: int) -> Iterator[Kill]:
    if workers <= 1:
        yield from map(_tried, trials)
        return
    with processes(workers) as pool:
        for future in as_completed([pool.submit(_tried, trial) for trial in trials]):
            yield future.result()


def _ticker(loud: bool) -> Any:
    told, moving = time.monotonic(), moves(quiet=not loud)

    def tell(work: Search) -> None:
        nonlocal told
        if loud and time.monotonic() - told > (0.2 if moving else 10.0):
            told = time.monotonic()
            begin, end = ("\r\033[K", "") if moving else ("", "\n")
            rate = work.done / max(work.took_s, 0.001)
            print(
                f"{begin}  reference: {work.done} schedules, {rate:.0f}/s, {len(work.found)} flagged",
                end=end,
                flush=True,
            )

    return tell


def _line(one: Kill) -> str:
    if one.schedules is None:
        return f"ALIVE   {one.specimen:<30} {one.ocpp:<5} {one.invariant} flagged none of {one.runs} schedules"
    story = "two runs" if one.story is None else f"{one.story} steps"
    which = f"{one.schedules} schedule{'s' * (one.schedules != 1)}"
    return f"killed  {one.specimen:<30} {one.ocpp:<5} {one.invariant}  {which:<13} {one.seconds:6.2f} s   {story}"


@dataclass(slots=True)
class Proof:
    """The matrix, the invariants without a kill, and what became of the reference."""

    whole: bool
    versions: tuple[OcppVersion, ...] = ("1.6",)
    kills: list[Kill] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    reference: Search | None = None
    unfinished: bool = False
    reproduce: str = ""

    def close(self, trials: list[Trial], reference: Search) -> None:
        """Take in the reference, and put the kills in the order of their files."""
        self.kills.sort(key=lambda one: trials.index((one.specimen, one.ocpp)))
        self.reference = reference
        self.unfinished = reference.interrupted or len(self.kills) < len(trials)
        self.idle = without_kill(self.kills) if self.whole and not self.unfinished else []

    @property
    def alive(self) -> list[str]:
        """Name the specimens nothing killed."""
        return [f"{one.specimen} under {one.ocpp}" for one in self.kills if one.schedules is None]

    @property
    def killed(self) -> str:
        """Say how many specimens were killed under every version in which they exist."""
        tried = {one.specimen for one in self.kills}
        lived = {one.specimen for one in self.kills if one.schedules is None}
        return f"{len(tried) - len(lived)} of {len(tried)}"

    @property
    def absent(self) -> list[tuple[str, OcppVersion, str]]:
        """Name the specimens that cannot exist in a version, each with the reason."""
        return [(name, *why) for name, one in specimens().items() for why in one.absent_in if why[0] in self.versions]

    @property
    def verdict(self) -> Verdict:
        """FAIL when a specimen lives, an invariant is idle or the reference was flagged."""
        assert self.reference is not None
        if any(one.broken for one in self.reference.found):
            return Verdict.ERROR
        if self.alive or self.idle or self.reference.found:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.unfinished else Verdict.PASS

    def sentence(self, path: Path) -> str:
        """Say what it comes to."""
        assert self.reference is not None
        flagged = ", ".join(
            f"schedule {one.schedule.number}: {' '.join(one.failed)}" for one in self.reference.found[:5]
        )
        parts = [
            f"{self.killed} specimens killed",
            f"reference flagged in {len(self.reference.found)} of {self.reference.done} schedules"
            + (f" ({flagged})" if flagged else ""),
        ]
        if self.idle:
            parts.append(f"invariants without a kill of their own: {', '.join(self.idle)}")
        if self.unfinished:
            parts.append("interrupted")
        return f"{self.verdict.name}: {'; '.join(parts)}   matrix: {path}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        assert self.reference is not None
        return {
            "schema": 1,
            "verdict": self.verdict.name,
            "ocpp": list(self.versions),
            "kills": [{**one.as_json(), "title": specimens()[one.specimen].title} for one in self.kills],
            "names": {name: one.name for name, one in INVARIANTS.items()},
            "reproduce": self.reproduce,
            "absent": [{"specimen": name, "ocpp": ocpp, "why": why} for name, ocpp, why in self.absent],
            "without_kill": self.idle,
            "reference": {
                "schedules": self.reference.done,
                "seconds": round(self.reference.took_s, 1),
                "flagged": [{"schedule": one.schedule.number, "failed": one.failed} for one in self.reference.found],
                "never": self.reference.coverage.missing(),
            },
        }

    def markdown(self, budget: str) -> str:
        """Return the matrix as a document."""
        assert self.reference is not None
        spoken = f" --ocpp {self.versions[0]}" if len(self.versions) == 1 else ""
        command = f"interlock prove --budget {budget}{spoken}"
        never = self.reference.coverage.missing()
        lines = [
            "# The kill matrix",
            "",
            f"Made by `{command}`; do not edit. Each row is a wrong design, told by `interlock explain NAME`.",
            "`K` is the invariant that must flag it, `x` one that flags it too in the schedules run.",
            "",
            f"- {self.killed} killed under OCPP {' and '.join(self.versions)}, each within {MOST} schedules"
            + (f"; alive: {', '.join(self.alive)}" if self.alive else "."),
            f"- The reference was flagged in {len(self.reference.found)} of {self.reference.done} schedules.",
            f"- Invariants without a kill of their own: {', '.join(self.idle) or 'none'}. I28 is judged over a",
            "  campaign; its kill is a campaign of a single run.",
            f"- Never exercised in these schedules: {', '.join(never) or 'nothing'}.",
            *(f"- {name} cannot exist under OCPP {ocpp}: {why}." for name, ocpp, why in self.absent),
            "",
            f"| specimen | OCPP | {' | '.join(INVARIANTS)} |",
            f"|---|---|{'---|' * len(INVARIANTS)}",
        ]
        for one in self.kills:
            cells = [
                ("K" if one.schedules else "!") if name == one.invariant else "x" if name in one.flagged else " "
                for name in INVARIANTS
            ]
            lines.append(f"| {one.specimen} | {one.ocpp} | {' | '.join(cells)} |")
        lines += [
            "",
            "| specimen | OCPP | flagged by | strategy | schedules | seconds | smallest story | known from |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for one in self.kills:
            seen = specimens()[one.specimen].seen_in.replace("|", "\\|")
            story = "two runs differ" if one.story is None else f"{one.story} steps"
            lines.append(
                f"| {one.specimen} | {one.ocpp} | {one.invariant} | {one.strategy} of {one.scenario} | "
                f"{one.schedules or 'alive'} | {one.seconds:.2f} | {story} | {seen} |"
            )
        return "\n".join(lines) + "\n"
