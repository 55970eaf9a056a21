"""A story ready for a page: columns for the lanes, each step with its raw observation and the state around it.

Beside a story stands, row by row, what the reference did in the same scenario, where the run holds such a run in its
folder `reference`. Rows are aligned by what happened between whom, without ids, versions and times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import msgspec

from interlock.reports.run import Row, Run, clean, violations
from interlock.reports.state import Change, around
from interlock.reports.steps import StoryStep
from interlock.reports.story import Story, points, station_of, tell_all, tell_between

SCENES = 3
"""Stories of a report: one for each station that something was violated at."""
PINS = 3
"""Violations of one invariant that are pinned on a story."""
RAW = 1500
"""Characters of an observation that are shown."""
BESIDE = 80
"""Steps of the reference's story, at most."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a step of the story, of the reference's, or of both, and where it lies in the grid of lanes.

    `left` and `right` are the first and the last column of the step, `way` how it is drawn: to the right, to the left,
    a mark on one lane, or a band over all.
    """

    step: StoryStep | None
    left: int
    right: int
    way: str
    place: str
    time: str
    raw: str
    changes: list[Change]
    beside: StoryStep | None


@dataclass(frozen=True, slots=True)
class Scene:
    """A story to show. `name` is unique in its page; `aligned` says whether the reference's stands beside it."""

    name: str
    title: str
    story: Story
    lanes: tuple[str, ...]
    lines: tuple[Line, ...]
    aligned: bool
    violations: tuple[tuple[dict[str, Any], dict[str, Any], int], ...]
    """Each with its invariant and the number of the observation it is pinned on."""


def scenes(run: Run, reference: Run | None) -> list[Scene]:
    """Return the stories of a run's violations, one for each station, the first being the one to begin with."""
    groups: dict[str | None, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    counted: dict[str, int] = {}
    for invariant, violation in violations(run.verdict):
        counted[invariant["id"]] = counted.get(invariant["id"], 0) + 1
        if counted[invariant["id"]] <= PINS and points(run.rows, violation):
            station = station_of(run.rows, [("", violation)])
            groups.setdefault(station, []).append((invariant, violation))
    found: list[Scene] = []
    for station, pairs in sorted(groups.items(), key=lambda item: -len({one["id"] for one, _ in item[1]}))[:SCENES]:
        name = f"story{len(found) + 1}"
        found.append(_scene(run, reference, station, pairs, name))
    return found


def _scene(
    run: Run,
    reference: Run | None,
    station: str | None,
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    name: str,
) -> Scene:
    story = tell_all(run.rows, [(clean(invariant["id"], 12), violation) for invariant, violation in pairs])
    other = _beside(run, reference, story)
    pinned = tuple((one, violation, points(run.rows, violation)[-1]) for one, violation in pairs)
    title = f"{clean(run.about.get('scenario'), 60)}" + (f" at {clean(station, 40)}" if station else "")
    return Scene(
        name,
        title,
        story,
        tuple(heading for _, heading in story.lanes) or ("run",),
        tuple(lines(story, run.rows, other)),
        other is not None,
        pinned,
    )


def _beside(run: Run, reference: Run | None, story: Story) -> Story | None:
    if reference is None or not story.steps:
        return None
    if (run.about.get("rules") or {}).get("seen_from"):
        first, last = 0.0, float("inf")  # its times are those of the wall: they say nothing of the reference's
    else:
        first, last = story.steps[0].t - 0.5, story.steps[-1].t + 2.0
    return tell_between(reference.rows, story.station, first, last, BESIDE)


def lines(story: Story, rows: Sequence[Row], beside: Story | None = None) -> list[Line]:
    """Return the rows of a story, with the steps of another beside those they match."""
    columns = {lane: number for number, (lane, _) in enumerate(story.lanes, 1)}
    states = around(rows, story.station, (step.i for step in story.steps))
    found: list[Line] = []
    before = None
    for step, other in _aligned(story.steps, beside.steps if beside else ()):
        if step is None:
            found.append(Line(None, 1, 1, "none", "", "", "", [], other))
            continue
        time = f"{step.t:.2f}"
        row = rows[step.i] if step.i < len(rows) else {}
        found.append(
            Line(
                step,
                *_drawn(step, columns),
                place(step),
                "" if time == before else time,
                raw(row),
                states.get(step.i, []),
                other,
            )
        )
        before = time
    return found


def _drawn(step: StoryStep, columns: dict[str, int]) -> tuple[int, int, str]:
    here, there = columns.get(step.lane), columns.get(step.to or "")
    if here is None:
        return 1, max(len(columns), 1), "band"
    if there is None or there == here:
        return here, here, "mark"
    return min(here, there), max(here, there), "right" if there > here else "left"


def place(step: StoryStep) -> str:
    """Return between whom a step is, in words."""
    return f"{step.lane} \N{RIGHTWARDS ARROW} {step.to}" if step.to else step.lane or "everywhere"


def raw(row: Row) -> str:
    """Return an observation as it was recorded: a frame as it was on the wire."""
    if row.get("kind") == "frame":
        return clean(row.get("text", ""), RAW)
    told = {name: value for name, value in row.items() if name not in ("i", "t")}
    return clean(msgspec.json.encode(told).decode(), RAW)


Pair = tuple[StoryStep | None, StoryStep | None]


def _aligned(steps: Sequence[StoryStep], others: Sequence[StoryStep]) -> list[Pair]:
    """Pair the steps of two stories that say the same, in the order of both."""
    if not others:
        return [(step, None) for step in steps]
    matcher = SequenceMatcher(None, [_key(one) for one in steps], [_key(one) for one in others], autojunk=False)
    found: list[Pair] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += [(steps[a + n], others[c + n]) for n in range(b - a)]
        else:
            loose: list[Pair] = [(step, None) for step in steps[a:b]]
            loose += [(None, other) for other in others[c:d] if other.tone != "quiet"]
            found += sorted(loose, key=lambda pair: (pair[0] or pair[1]).t)  # type: ignore[union-attr]
    return found


_ID = re.compile(r"\S*\d\S*")


def _key(step: StoryStep) -> tuple[str, str, str]:
    return re.sub(r"\d+$", "", step.lane), re.sub(r"\d+$", "", step.to or ""), _ID.sub("#", step.label)
