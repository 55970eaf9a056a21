"""The choices an event-sourced CSMS leaves open, compared by running each in virtual time: `docs/choices.md`.

Figures are counts of a simulated run (events, bytes, folds, conflicts, seconds), so they are the same on every machine.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from interlock.csms.domain.commands import Unlock
from interlock.csms.handle import Handler, Loaded
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.csms.store import StoredEvent, WrongExpectedVersion
from interlock.scenarios import runner
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Around, Between, Scenario, Storage, ask, draw, step

SEEDS = range(5)
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a choice cost, over all its seeds; `late_s` is how long after its time-out each silence was noticed."""

    events: int
    bytes: int
    conflicts: int
    folded: int
    folded_after_crash: int
    snapshots: int
    violated: tuple[str, ...]
    false_offlines: int
    late_s: tuple[float, ...]
    growth: tuple[tuple[float, int], ...]
    """Events in the log of the first seed by time, in seconds."""


@dataclass(frozen=True, slots=True)
class Question:
    """A choice: its alternatives by name, the scenario they are tried in, and what of the figures answers it."""

    name: str
    title: str
    text: str
    spec: Scenario
    alternatives: tuple[tuple[str, Settings], ...]
    columns: tuple[str, ...]


def _hour() -> Scenario:
    """An hour of a station with heartbeats every 10 s, six unlocks that race with some, and a crash near the end."""
    moments = tuple((f"race{number}", 500.0 * number + 200.0, 500.0 * number + 300.0) for number in range(6))
    races = tuple(
        one
        for number in range(6)
        for one in (
            ask(Unlock(1 + number % 2), at=Around(f"race{number}", 0.0, 0.3), attempts=2, patience_s=8.0),
            step("heartbeats", at=Around(f"race{number}", -0.2, 0.6), count=5, every_s=0.01),
        )
    )
    return Scenario(
        name="choices-hour",
        title="An hour with races",
        covers="What a choice costs.",
        persona="accepts-second",
        moments=moments,
        steps=(*races, step("crash", at=3300.0, down_s=5.0)),
        storage=Storage(latency_s=(0.05, 0.15)),
        faults_s=HOUR_S,
    )


def _silences() -> Scenario:
    """A station that falls silent for good reason, and a node that crashes during every other silence."""
    return Scenario(
        name="choices-silence",
        title="Silences",
        covers="How late a silence is noticed, and whether one is invented.",
        steps=(
            step("silence", at=Between(100.0, 160.0), seconds=400.0),
            step("silence", at=Between(1000.0, 1060.0), seconds=400.0),
            step("crash", at=Between(1080.0, 1130.0), down_s=Between(1.0, 20.0)),
        ),
        faults_s=1800.0,
    )


BEAT = Settings(heartbeat_interval_s=10.0, offline_after_s=60.0, snapshot_events=None, heartbeats="every")
SILENCE = Settings(heartbeat_interval_s=30.0, offline_after_s=90.0)
QUESTIONS = (
    Question(
        "heartbeats",
        "Heartbeats as events, or CameOnline and WentOffline",
        "A heartbeat decides nothing but whether the station is there. Stored, each is an event that a decision made "
        "meanwhile conflicts with; the reference then decides again, and loses nothing. No snapshots, so that the "
        "whole log is folded after the crash.",
        _hour(),
        (("`every`: each is stored", BEAT), ("`presence` (default)", replace(BEAT, heartbeats="presence"))),
        ("events", "bytes", "conflicts", "folded after the crash", "violated"),
    ),
    Question(
        "snapshots",
        "Snapshots by count, by time, or none",
        "The same hour with stored heartbeats. A snapshot is written after what it covers is durable, and is "
        "thrown away when the fold changes; what a start folds is what came since.",
        _hour(),
        (
            ("none", BEAT),
            ("every 500 events (default)", replace(BEAT, snapshot_events=500)),
            ("every 50 events", replace(BEAT, snapshot_events=50)),
            ("every 10 minutes", replace(BEAT, snapshot_every_s=600.0)),
            ("every minute", replace(BEAT, snapshot_every_s=60.0)),
        ),
        ("snapshots", "folded after the crash", "violated"),
    ),
    Question(
        "residency",
        "Stations resident in memory, or folded for each request",
        "A resident station is a cache: each append is guarded in the store, so a stale one costs a retry and never a "
        "wrong log. Folded for each request there is nothing to be stale, and snapshots bound what that costs.",
        _hour(),
        (
            ("`resident` (default)", replace(BEAT, snapshot_events=500)),
            ("`per-request`, no snapshots", replace(BEAT, residency="per-request")),
            ("`per-request`, every 50 events", replace(BEAT, residency="per-request", snapshot_events=50)),
        ),
        ("folded", "folded after the crash", "conflicts", "violated"),
    ),
    Question(
        "timers",
        "Offline timers that are restarted, or a sweep that polls",
        "The time-out is 90 s. A timer that each frame restarts notices a silence when it is over; where timers cannot "
        "be restarted, a sweep every half time-out notices it at its next turn. A crash forgets the timer; it is armed "
        "again in full, so that a silence with a crash in it is noticed late and none is invented (I16).",
        _silences(),
        (("`restartable` (default)", SILENCE), ("`polled`", replace(SILENCE, offline_timer="polled"))),
        ("silences noticed", "false offlines", "noticed late by, at least", "noticed late by, at most", "violated"),
    ),
)


def measure(spec: Scenario, seeds: Sequence[int] = SEEDS) -> Figures:
    """Run a scenario with each seed; return what all of them cost together."""
    counted: Counter[str] = Counter()
    violated: set[str] = set()
    late: list[float] = []
    growth: list[tuple[float, int]] = []
    for seed in seeds:
        history, findings = runner.examine(spec, seed, _measured(counted), draw(spec, seed))
        violated |= {one.id for one in findings if one.verdict >= Verdict.FAIL}
        late += _late(history, spec.settings.offline_after_s)
        stored = [one for one in history.of("stored") if str(one["stream"]).startswith("station-")]
        counted["events"] += len(stored)
        growth = growth or [(one.t, number) for number, one in enumerate(stored, 1)]
        counted["false offlines"] += sum(len(one.violations) for one in findings if one.id == "I16")
        counted["bytes"] += sum(len(msgspec.json.encode(one["data"])) for one in stored)
        counted["snapshots"] += len(history.of("snapshot.written"))
    return Figures(
        counted["events"],
        counted["bytes"],
        counted["conflicts"],
        counted["folded"],
        counted["after crash"],
        counted["snapshots"],
        tuple(sorted(violated)),
        counted["false offlines"],
        tuple(sorted(late)),
        tuple(growth),
    )


def _measured(counted: Counter[str]) -> type[Csms]:
    """Return the reference with a handler that counts what it folds, and the races it loses."""

    class Counted(Handler):
        def replay(self, station: str, start: Loaded, stored: Sequence[StoredEvent]) -> Loaded:
            counted["folded"] += len(stored)
            if self not in started:
                started.append(self)
                counted["after crash"] += len(stored) if len(started) > 1 else 0
            return super().replay(station, start, stored)

        async def append(self, station: str, loaded: Loaded, events: Any, ids: Any) -> Loaded:
            try:
                return await super().append(station, loaded, events, ids)
            except WrongExpectedVersion:
                counted["conflicts"] += 1
                raise

    class Measured(Csms):
        handler_class = Counted

    started: list[Handler] = []
    """Handlers that have folded something: the first of each start folds the station."""
    return Measured


def _late(history: History, time_out_s: float) -> Iterator[float]:
    """Yield for each silence that was noticed how many seconds after its time-out that was, by the last frame heard."""
    heard = [one.t for one in history.of("frame") if one["edge"] == "csms.received"]
    for one in history.of("stored"):
        if one["type"] == "WentOffline":
            last = max((at for at in heard if at <= one.t), default=0.0)
            if (late := one.t - last - time_out_s) >= -1.0:  # much earlier: a new connection replaced the old one
                yield late


# --- the page ---

Rows = list[tuple[str, Figures]]


def measured(seeds: Sequence[int] = SEEDS) -> list[tuple[Question, Rows]]:
    """Run every alternative of every question."""
    return [
        (
            question,
            [
                (name, measure(replace(question.spec, settings=settings), seeds))
                for name, settings in question.alternatives
            ],
        )
        for question in QUESTIONS
    ]


def page(found: Sequence[tuple[Question, Rows]], seeds: Sequence[int] = SEEDS) -> str:
    """Return `docs/choices.md`."""
    parts = [
        "# Four choices, compared by running each\n",
        f"Made by `make choices`; do not edit. Counts over {len(seeds)} seeds of a simulated station with a slow "
        "store, the same on every machine. `violated` is what did not hold: a choice may cost something, and never an "
        "outcome. How fast folds and appends are is in [growth.md](growth.md).\n",
    ]
    for question, rows in found:
        picture = f"![{question.title}: the numbers of the table as a picture](choices-{question.name}.svg)\n"
        parts += [f"## {question.title}\n", f"{question.text}\n", picture, _table(question.columns, rows)]
    return "\n".join(parts)


def picture(question: Question, rows: Rows) -> str:
    """Return a question's picture as an SVG file: a panel for each figure, and the log's growth or each lateness."""
    from interlock.reports.figure import INK_OF, document, drawn

    names = [name.replace("`", "") for name, _ in rows]
    columns = [column for column in question.columns if column in BARS]

    more = LAST.get(question.name)

    def make(pyplot: Any) -> Any:
        widths = [1.0] * len(columns) + ([1.6] if more else [])
        size = (11, 0.7 + 0.36 * max(len(rows), 3))
        figure, all_axes = pyplot.subplots(
            1, len(widths), figsize=size, layout="constrained", width_ratios=widths, squeeze=False
        )
        panels = all_axes[0]
        for number, (axes, column) in enumerate(zip(panels, columns, strict=False)):
            values = [BARS[column](figures) for _, figures in rows]
            bars = axes.barh(names, values, color=INK_OF["blue"], height=0.55)
            axes.bar_label(bars, [f"{value:,}" for value in values], padding=3)
            axes.set_title(column, fontsize=9)
            axes.set_xlim(0, max(values) * 1.4 or 1)
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
            axes.tick_params("y", labelleft=number == 0, length=0)
            axes.invert_yaxis()
        if more is not None:
            more(panels[-1], names, rows)
        return figure

    return document(drawn(make, question.title))


def _lateness(axes: Any, names: Sequence[str], rows: Rows) -> None:
    from interlock.reports.figure import INK_OF

    for number, (_, figures) in enumerate(rows):
        late_s = figures.late_s
        axes.plot(late_s, [number] * len(late_s), "o", color=INK_OF[COLOURS[number]], markersize=5, alpha=0.7)
    axes.set_title("each silence: noticed late by, s", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x")


def _growth(axes: Any, names: Sequence[str], rows: Rows) -> None:
    from interlock.reports.figure import INK_OF

    for name, (_, figures), ink, style in zip(names, rows, COLOURS, STYLES, strict=False):
        minutes = [at / 60 for at, _ in figures.growth]
        axes.plot(minutes, [count for _, count in figures.growth], color=INK_OF[ink], label=name, linestyle=style)
    axes.set_title("events in the log, first seed, by minute", fontsize=9)
    axes.legend(fontsize=7, loc="upper left")
    axes.grid()


COLOURS = ("blue", "green")
STYLES = ("-", "--")
LAST: dict[str, Callable[[Any, Sequence[str], Rows], None]] = {"heartbeats": _growth, "timers": _lateness}
"""What is drawn behind the bars, by question."""


BARS: dict[str, Callable[[Figures], int]] = {
    "events": lambda one: one.events,
    "bytes": lambda one: one.bytes,
    "conflicts": lambda one: one.conflicts,
    "folded": lambda one: one.folded,
    "folded after the crash": lambda one: one.folded_after_crash,
    "snapshots": lambda one: one.snapshots,
    "silences noticed": lambda one: len(one.late_s),
    "false offlines": lambda one: one.false_offlines,
}
"""Columns that are drawn as bars."""


def _table(columns: Sequence[str], rows: Sequence[tuple[str, Figures]]) -> str:
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(_cell(column, figures) for column in columns)} |" for name, figures in rows]
    return "\n".join(lines) + "\n"


def _cell(column: str, figures: Figures) -> str:
    late = figures.late_s or (0.0,)
    found: dict[str, str] = {
        "events": f"{figures.events:,}",
        "bytes": f"{figures.bytes:,}",
        "conflicts": str(figures.conflicts),
        "folded": f"{figures.folded:,}",
        "folded after the crash": f"{figures.folded_after_crash:,}",
        "snapshots": str(figures.snapshots),
        "violated": ", ".join(figures.violated) or "nothing",
        "false offlines": str(figures.false_offlines),
        "silences noticed": str(len(figures.late_s)),
        "noticed late by, at least": f"{late[0]:.0f} s",
        "noticed late by, at most": f"{late[-1]:.0f} s",
    }
    return found[column]


if __name__ == "__main__":
    found = measured()
    path = Path(sys.argv[1])
    path.write_text(page(found), "utf-8")
    for question, rows in found:
        path.with_name(f"choices-{question.name}.svg").write_text(picture(question, rows), "utf-8")
