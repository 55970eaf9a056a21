"""The search for the capacity, on services whose capacity is known, and one short real one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.loadtests.capacity.capacity import LEVEL_MS, NEARER, Bench, Run, found, row, search, verdict
from interlock.loadtests.capacity.capacity_load import Step
from interlock.loadtests.processes.nodes import Node, family

ROOT = Path(__file__).parents[2]


def service(carries: int, **flaws: Callable[[int], object]) -> Callable[[int], Step]:
    """Return a service that keeps its level up to `carries` stations; `flaws` set fields of a step."""

    def offer(stations: int) -> Step:
        step = Step(stations, stations * 2.0, 10.0, answered=stations * 20, p99_ms=5.0, busy=0.2)
        if stations > carries:
            step.p99_ms = LEVEL_MS + 1
        for name, flaw in flaws.items():
            setattr(step, name, flaw(stations))
        return step

    return offer


@pytest.mark.parametrize("factor", [2.0, NEARER])
@pytest.mark.parametrize("carries", [500, 777, 1600, 5000, 7999])
def test_the_capacity_is_found(carries: int, factor: float) -> None:
    best = found(search(service(carries), 500, 8000, factor))
    assert best is not None
    assert best.limit
    assert carries * 0.94 <= best.step.stations <= carries


def test_less_than_the_first_step_is_found() -> None:
    best = found(search(service(200), 500, 8000))
    assert best is not None
    assert 188 <= best.step.stations <= 200


def test_no_more_is_offered_than_was_asked_for_and_the_figure_is_a_least_one() -> None:
    steps = search(service(10**9), 500, 3000)
    assert [one.stations for one in steps] == [500, 1000, 2000, 3000]
    best = found(steps)
    assert best is not None
    assert not best.limit
    twin = Step(3000, 0.0, 10.0, answered=90_000, busy=0.6)
    assert row("SQLite, 1", [Run("SQLite 3", steps, twin, [])])[1] == "at least 3,000 (3,000 to 3,000)"


@pytest.mark.parametrize("first", [1, 7, 500])
def test_nothing_holds(first: int) -> None:
    steps = search(service(0), first, 8000)
    assert found(steps) is None
    assert all(one.stations > 0 for one in steps)
    assert row("SQLite, 1", [Run("SQLite 3", steps, None, [])])[1] == "could not tell: a step held in 0 of 1 runs"


def test_a_lost_outcome_ends_the_search_there() -> None:
    steps = search(service(10**9, lost=lambda n: ["command c7 came 2 times"] * (n >= 2000)), 500, 8000)
    assert [verdict(one) for one in steps] == ["holds", "holds", "lost"]
    assert steps[-1].stations == 2000


def test_a_lost_outcome_counts_whatever_the_generator_did() -> None:
    assert verdict(Step(500, 1000.0, 10.0, answered=10_000, busy=0.99, lost=["command c7 is requested"])) == "lost"


def test_an_error_breaks_a_step() -> None:
    best = found(search(service(10**9, errors=lambda n: {"connection lost": 1} if n > 1000 else {}), 500, 8000))
    assert best is not None
    assert best.limit
    assert best.step.stations == 1000


def test_a_busy_generator_tells_nothing() -> None:
    steps = search(service(10**9, busy=lambda n: n / 3000), 500, 8000)
    assert {verdict(one) for one in steps} == {"holds", "could not tell"}
    best = found(steps)
    assert best is not None
    assert best.step.busy <= 0.7
    assert not best.limit  # nothing broke: it may carry more
    late = Step(500, 1000.0, 10.0, answered=10_000, busy=0.71, p99_ms=LEVEL_MS * 9)
    assert verdict(late) == "could not tell"  # whose fault it was that answers came late
    assert verdict(Step(500, 1000.0, 10.0, answered=12, busy=0.1)) == "could not tell"


def test_a_busy_machine_tells_nothing_when_a_step_breaks() -> None:
    steps = search(service(1000, others=lambda n: 1.2), 500, 2000)
    assert [one.stations for one in steps[:5]] == [500, 1000, 2000, 2000, 2000]  # tried again, not for ever
    best = found(steps)
    assert best is not None
    assert best.step.stations == 1000  # in spite of it
    assert not best.limit


def test_a_step_is_made_again_when_the_machine_was_busy() -> None:
    busy = iter([1.2, 0.9, *[0.1] * 20])
    offer = service(1000, others=lambda n: next(busy) if n > 1000 else 0.1)
    steps = search(offer, 500, 2000)
    assert [verdict(one) for one in steps[:5]] == ["holds", "holds", "disturbed", "disturbed", "broke"]
    best = found(steps)
    assert best is not None
    assert best.limit


def test_a_twin_whose_generator_was_busy_has_no_figure() -> None:
    steps = search(service(1000), 500, 8000)
    told = row("SQLite, 1", [Run("SQLite 3", steps, Step(1000, 0.0, 10.0, answered=90_000, busy=0.9), [])])
    assert told[-3:] == ["could not tell", "", "90%"]


def bench(folder: Path, *acknowledged: tuple[str, str, object]) -> Bench:
    """Return a bench whose generator wrote that down."""
    made = Bench([], folder, 1.0, print)
    made.acknowledged.write_text("".join(json.dumps(one) + "\n" for one in acknowledged))
    return made


def test_what_was_acknowledged_is_looked_for_in_the_log(tmp_path: Path) -> None:
    held = bench(tmp_path, ("S1", "TransactionStarted", 7), ("S1", "TransactionStopped", 7))
    started = ("station-S1", "TransactionStarted", b'{"transaction_id":7}')
    stopped = ("station-S1", "TransactionStopped", b'{"transaction_id":7}')
    assert held.missing([started, stopped]) == []
    assert held.missing([started]) == ["S1: TransactionStopped 7 was acknowledged and is 0 times in the log"]
    assert held.missing([started, started, stopped])[0].endswith("is 2 times in the log")


def test_each_command_has_one_outcome_and_it_is_what_happened(tmp_path: Path) -> None:
    held = bench(tmp_path, ("", "done", "c1"), ("", "not done", "c2"))

    def logged(*events: tuple[str, str]) -> list[tuple[str, str, bytes]]:
        return [("station-S1", kind, json.dumps({"command_id": command}).encode()) for kind, command in events]

    accepted, rejected = ("CommandAccepted", "c1"), ("CommandRejected", "c2")
    assert held.missing(logged(accepted, rejected)) == []
    assert held.missing(logged(("CommandConfirmed", "c1"), ("CommandRefuted", "c2"))) == []
    assert held.missing(logged(accepted)) == ["command c2 was not done and ends in the log with nothing"]
    for wrong in (("CommandRejected", "c1"), ("CommandUnknown", "c1")):
        assert len(held.missing(logged(wrong, rejected))) == 1
    for second in (accepted, ("CommandRejected", "c1"), ("ContradictingEvidence", "c1")):
        assert len(held.missing(logged(accepted, second, rejected))) == 1


@pytest.mark.parametrize("words", [["--runs", "0"], ["--first", "0"], ["--first", "9000"], ["--seconds", "0"]])
def test_wrong_use_is_said_in_a_sentence(words: list[str]) -> None:
    command = [sys.executable, str(ROOT / "loadtests" / "capacity" / "capacity.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "1 <= --first <= --most" in done.stderr


def test_a_generator_that_cannot_run_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Bench([Node(1, "memory:", tmp_path)], tmp_path, 1.0, print).offer(10**9)
    assert ended.value.code == 3
    assert "open files" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["capacity", "growth"])
def test_asked_to_end_it_ends_its_nodes(script: str) -> None:
    words = ["--only", "sqlite"] if script == "capacity" else ["--stations", "50", "--events"]
    command = [sys.executable, str(ROOT / "loadtests" / "capacity" / f"{script}.py"), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 30
        while not (nodes := [one for one in family(process.pid)[1:] if " serve " in words_of(one)]):
            assert time.monotonic() < limit
            time.sleep(0.05)
    finally:
        process.terminate()
    assert process.wait(30) == 3
    assert [one for one in nodes if " serve " in words_of(one)] == []


def words_of(process: int) -> str:
    """Return a process's command line, nothing for one that is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["sqlite", "postgres-3"])
async def test_a_short_real_one(kind: str, tmp_path: Path) -> None:
    words = ["--runs", "1", "--seconds", "3", "--first", "400", "--most", "400", "--only", kind]
    command = [
        sys.executable,
        str(ROOT / "loadtests" / "capacity" / "capacity.py"),
        *words,
        "--page",
        str(tmp_path / "page.md"),
    ]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    # How late the answers are is the machine's matter; that none is lost is ours.
    assert done.returncode in (0, 3), done
    assert ", 0 outcomes or acknowledged transactions lost, doubled or other than what happened" in done.stdout
    assert ": 0 operators' commands" not in done.stdout
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("# Capacity\n")
    assert ("SQLite 3." in page, "PostgreSQL 1" in page) == (kind == "sqlite", kind != "sqlite")
