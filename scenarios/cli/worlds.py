"""`interlock worlds`: whether virtual time and real sockets reach the same verdicts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.scenarios import runner
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.explore.world_comparison import (
    PATIENCE,
    QUICK_S,
    SPECIMENS,
    Pair,
    incomparable,
    served,
    span_s,
    words,
)
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Verdict, merge
from interlock.scenarios.library import scenarios
from interlock.scenarios.live.serve_process import ServeProcess
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import REFERENCE, Job
from interlock.scenarios.spec import Scenario, draw
from interlock.scenarios.targets.target import InterlockApi, TargetGone
from interlock.simulator.network.address import parse


def worlds(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Scenarios; default: all that can be the same.")
    ] = None,
    csms: Annotated[
        list[str] | None, typer.Option(help="Designs to compare; default: the reference and those that show outside.")
    ] = None,
    serving: Annotated[
        str | None, typer.Option(help="Serve this design instead over sockets: to see that a difference is told.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    tries: Annotated[
        int, typer.Option(min=1, help=f"Seeds; over sockets wrong designs get up to {PATIENCE} times as many.")
    ] = 3,
    out: Annotated[Path, typer.Option(help="Where to write the table.")] = Path("interlock-out/worlds"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON and nothing else.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs at once; they mostly wait.")] = 16,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
) -> None:
    """Run scenarios in virtual time and, against `interlock serve`, over real sockets; the verdicts must be the same.

    Compared is each invariant that has something to say in both worlds. Writes `worlds.md` and `worlds.json`.
    """
    pairs = _planned(names or [], csms or [], serving, tuple(range(seed, seed + tries)))
    check_folder("--out", out)
    span = f"seed {seed}" if tries == 1 else f"seeds {seed} to {seed + tries - 1}"
    loud = not (quiet or as_json)
    if loud:
        print(f"{len(pairs)} comparison{'s' * (len(pairs) != 1)}   {span}", flush=True)
    for pair in pairs:
        _in_virtual_time(pair)
    asyncio.run(_all(pairs, jobs, loud))
    found = document(pairs, command=not (names or csms))
    (out / "worlds.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    (out / "worlds.md").write_text(table(pairs), "utf-8")
    verdict = merge(pair.verdict for pair in pairs)
    if as_json:
        typer.echo(json.dumps(found, indent=1, sort_keys=True))
    else:
        differ = sum(bool(pair.differences) for pair in pairs)
        told = sum(len(pair.both) for pair in pairs)
        print(
            f"{verdict.name}: {differ} of {len(pairs)} differ ({told} verdicts compared)   table: {out / 'worlds.md'}"
        )
    raise typer.Exit(verdict.exit_code)


def _planned(names: list[str], designs: list[str], serving: str | None, seeds: tuple[int, ...]) -> list[Pair]:
    for name in names:
        if (why := incomparable(runner.scenario(name))) is not None:
            raise Refused(f"{name} cannot be the same over sockets: {why}")
    for design in [*designs, *([serving] if serving else [])]:
        runner.csms_class(design)
    pairs = []
    for design in designs or [REFERENCE, *SPECIMENS]:
        for name in names or [name for name, spec in scenarios().items() if incomparable(spec) is None]:
            if names or design == REFERENCE or span_s(draw(scenarios()[name], seeds[0]).steps) <= QUICK_S:
                pairs.append(Pair(name, design, serving or design, seeds))
    return pairs


# --- the two worlds --------------------------------------------------------------------------------------------------


def _in_virtual_time(pair: Pair) -> None:
    spec, design = runner.scenario(pair.scenario), runner.csms_class(pair.csms)
    pair.virtual = [words(runner.examine(spec, seed, design)[1]) for seed in pair.seeds]


async def _all(pairs: list[Pair], jobs: int, loud: bool) -> None:
    turn = asyncio.Semaphore(jobs)

    async def one(pair: Pair) -> None:
        at_once = pair.seeds if pair.held else pair.seeds[:1]
        await asyncio.gather(*(_over_sockets(pair, seed, turn) for seed in at_once))
        while not pair.settled:
            made = len(pair.sockets)  # as many again at once: most are caught early, and each takes a minute
            first, more = pair.seeds[0] + made, min(made, pair.most - made)
            await asyncio.gather(*(_over_sockets(pair, seed, turn) for seed in range(first, first + more)))
        if loud:
            print(f"  {line(pair)}", flush=True)

    # Long ones first, or one of them is all that is left at the end.
    order = sorted(pairs, key=lambda pair: -span_s(draw(runner.scenario(pair.scenario), pair.seeds[0]).steps))
    await asyncio.gather(*map(one, order))


async def _over_sockets(pair: Pair, seed: int, turn: asyncio.Semaphore) -> None:
    from interlock.scenarios.judge.invariants import INVARIANTS
    from interlock.scenarios.live.reach import Reach
    from interlock.scenarios.live.target_run import run

    try:
        async with turn, _serving(runner.scenario(pair.scenario), pair.serving) as (target, api):
            outcome = await run(Job(pair.scenario, seed), Reach(parse(target)), api, pair.again(), [])
        common = [one for one in outcome.verdict["invariants"] if one["id"] in INVARIANTS]
        pair.sockets.append(words(common))
    except (Refused, TargetGone) as error:
        pair.broken = str(getattr(error, "sentence", error))


@contextlib.asynccontextmanager
async def _serving(spec: Scenario, design: str) -> AsyncIterator[tuple[str, InterlockApi]]:
    """Serve a design on loopback with a scenario's settings, in a process and on a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("--quiet", "--store", f"sqlite:///{folder}/log.sqlite", "--tokens", "Accepted", "--csms", design)
        # Ctrl-C is for this process, which ends those it started.
        node = ServeProcess(folder, (*words, *served(spec)), own_session=True)
        try:
            await asyncio.to_thread(node.start)
            yield node.stations_url, InterlockApi(node.operators_url, node.token)
            await asyncio.to_thread(node.stop)
        finally:
            node.abandon()


# --- what it comes to ------------------------------------------------------------------------------------------------


def line(pair: Pair) -> str:
    """Tell one comparison; a difference with the line that does it again in both worlds."""
    head = f"{pair.scenario} on {pair.csms}" + ("" if pair.serving == pair.csms else f" / {pair.serving}")
    if pair.broken:
        return f"BROKEN  {head}: {pair.broken}\n            again: {pair.again()}"
    if not pair.differences:
        caught = f"caught by {' '.join(pair.caught)}" if pair.caught else "holds"
        return f"same    {head}: {caught} ({len(pair.both)} invariants, {_tries(pair)})"
    said = "; ".join(
        f"{one.invariant} {one.virtual.name} in virtual time, {one.sockets.name} over sockets"
        for one in pair.differences
    )
    return f"DIFFERS {head}: {said} ({_tries(pair)})\n            again: {pair.again()}"


def _tries(pair: Pair) -> str:
    count = len(pair.sockets)
    return f"{count} tr{'y' if count == 1 else 'ies'} over sockets, {len(pair.virtual)} in virtual time"


def document(pairs: list[Pair], *, command: bool) -> dict[str, Any]:
    """Return it all as a JSON object; with `command`, also what could not be compared."""
    left_out = {name: why for name, spec in scenarios().items() if (why := incomparable(spec)) is not None}
    return {
        "schema": 1,
        "verdict": merge(pair.verdict for pair in pairs).name,
        "pairs": [pair.as_json() for pair in pairs],
        "left_out": left_out if command else {},
    }


MARKS = {(Verdict.PASS, Verdict.PASS): "=", (Verdict.FAIL, Verdict.FAIL): "X"}


def table(pairs: list[Pair]) -> str:
    """Return the comparison as a document."""
    ids = [id for id in INVARIANTS if any(id in pair.both for pair in pairs)]
    differ = [pair for pair in pairs if pair.differences or pair.broken]
    lines = [
        "# Two worlds, the same verdicts",
        "",
        "Made by `make worlds`; do not edit. Each row is a scenario, with the same stations and seeds in virtual time",
        "(SimPy) and over real sockets against `interlock serve` (SQLite, loopback, a process of its own).",
        "`=` held in both, `X` violated in both, `!` not the same, empty: nothing to say in one of them. From outside",
        "single frames at the CSMS and the moments of its appends are not seen: what needs them is compared nowhere.",
        "A race is only likely over sockets, so a wrong design counts as caught when any of the tries shows it, of up",
        f"to {PATIENCE} times as many as in virtual time; the reference is held to all of them.",
        "",
        f"- {len(pairs) - len(differ)} of {len(pairs)} the same; {sum(len(pair.both) for pair in pairs)} verdicts.",
        *(f"- {line(pair)}".replace("\n            ", " ") for pair in differ),
        "",
        f"| scenario | design | tries: virtual, sockets | {' | '.join(ids)} |",
        f"|---|---|---|{'---|' * len(ids)}",
    ]
    for pair in pairs:
        both = pair.both
        cells = [MARKS.get(both[id], "!") if id in both else " " for id in ids]
        lines.append(
            f"| {pair.scenario} | {pair.serving} | {len(pair.virtual)}, {len(pair.sockets)} | {' | '.join(cells)} |"
        )
    lines += ["", "## Left out", "", "These scenarios cannot be the same over sockets:", ""]
    lines += [f"- {name}: {why}" for name, spec in scenarios().items() if (why := incomparable(spec)) is not None]
    lines += [
        "",
        f"Wrong designs are tried where the deeds take at most {QUICK_S:g} s; those that need a second node, a crash,",
        "a slow store or a lost acknowledgement to show are not among them.",
    ]
    return "\n".join(lines) + "\n"
