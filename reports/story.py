"""From a history and its violations to a story: the few steps that led there, and the lanes they happen in.

A story is told once, with each violation pinned on the step at which it happened. Times are those of the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.reports.run import Row, clean
from interlock.reports.steps import LOG, OPERATOR, WEIGHT, Seen, StoryStep, concerns, step_of

MOST = 36
"""Steps a story of one violation may have."""
MOST_PINNED = 56
"""Steps a story of several violations may have."""


@dataclass(frozen=True, slots=True)
class Story:
    """Steps in order, and the lanes from left to right with what stands above each."""

    lanes: tuple[tuple[str, str], ...]
    steps: tuple[StoryStep, ...]
    station: str | None = None


def tell(rows: Sequence[Row], violation: dict[str, Any]) -> Story:
    """Tell what led to a violation. Steps the violation points at stay; the rest is cut to what helps."""
    return tell_all(rows, [("", violation)], MOST)


def tell_all(rows: Sequence[Row], pinned: Sequence[tuple[str, dict[str, Any]]], most: int = MOST_PINNED) -> Story:
    """Tell what led to violations of one station, each given with the id of its invariant, as one story."""
    pointed = {number: points(rows, violation) for number, (_, violation) in enumerate(pinned)}
    pointed = {number: found for number, found in pointed.items() if found}
    if not pointed:
        return Story((), ())
    station = station_of(rows, pinned)
    helpful = {i for found in pointed.values() for i in found}
    chosen: set[int] = set()
    for found in pointed.values():
        first, last = _window(rows, found)
        chosen.update(range(first, last + 1))
    found_steps = _steps(rows, sorted(chosen), station, helpful)
    shown = {step.i: (weight, step) for weight, step in found_steps}
    for number, at in pointed.items():
        name, violation = pinned[number]
        _, step = shown.get(at[-1], (0, None))
        if step is None:
            step = _moment_of(rows[at[-1]], violation)
        pins = step.pins if name in step.pins else (*step.pins, name)
        shown[step.i] = (0, replace(step, moment=True, pins=tuple(pin for pin in pins if pin)))
    kept = sorted(sorted(shown.values(), key=lambda one: one[0])[:most], key=lambda one: one[1].i)
    steps = tuple(_cleaned(step) for _, step in _overtaken(rows, kept))
    return Story(_lanes(steps), steps, station)


def tell_between(rows: Sequence[Row], station: str | None, first_s: float, last_s: float, most: int) -> Story:
    """Tell what happened at a station from one time to another, in seconds."""
    chosen = [int(row["i"]) for row in rows if first_s <= row["t"] <= last_s and row["kind"] not in _AT_REST]
    found = _steps(rows, chosen, station, set())
    kept = sorted(sorted(found, key=lambda one: one[0])[:most], key=lambda one: one[1].i)
    steps = tuple(_cleaned(step) for _, step in kept)
    return Story(_lanes(steps), steps, station)


def points(rows: Sequence[Row], violation: dict[str, Any]) -> list[int]:
    """Return the numbers of the observations that a violation points at, in order."""
    return sorted(i for i in violation.get("at", ()) if isinstance(i, int) and 0 <= i < len(rows))


def station_of(rows: Sequence[Row], pinned: Sequence[tuple[str, dict[str, Any]]]) -> str | None:
    """Return the station that violations are of, None where they are of no single one."""
    for _, violation in pinned:
        found = violation.get("station") or next(
            (rows[i]["station"] for i in points(rows, violation) if "station" in rows[i]), None
        )
        if found is not None:
            return str(found)
    return None


_AT_REST = ("log", "truth", "belief", "rest", "outbox", "end")


def _steps(
    rows: Sequence[Row], chosen: Sequence[int], station: str | None, helpful: set[int]
) -> list[tuple[int, StoryStep]]:
    """Return (weight, step) of chosen observations; the least weight matters most."""
    seen = Seen(rows)
    found: list[tuple[int, StoryStep]] = []
    for i in chosen:
        row = rows[i]
        if concerns(row, station):
            step = step_of(row, seen)
            if step is not None:
                found.append((0 if i in helpful else WEIGHT.get(row["kind"], 5), step))
    return found


def _overtaken(rows: Sequence[Row], kept: list[tuple[int, StoryStep]]) -> list[tuple[int, StoryStep]]:
    """Mark the appends for which a later one was refused: those between what it was based on and what it found."""
    refused = [rows[step.i] for _, step in kept if rows[step.i]["kind"] == "append.refused"]
    found = []
    for weight, step in kept:
        row = rows[step.i]
        hit = row["kind"] == "stored" and any(
            one["stream"] == row["stream"] and one["expected"] < row["version"] <= one["head"] for one in refused
        )
        found.append((weight, replace(step, overtaken=True) if hit else step))
    return found


def _window(rows: Sequence[Row], pointed: Sequence[int]) -> tuple[int, int]:
    """From a little before the first thing pointed at to the last: what was seen at rest tells of something earlier."""
    rest = next((row["i"] for row in rows if row["kind"] == "phase" and row["name"] == "rest"), len(rows))
    running = [i for i in pointed if i < rest] or [pointed[0]]
    first = running[0]
    start_s = rows[first]["t"] - 2.0
    while first > 0 and rows[first - 1]["t"] >= start_s and running[0] - first < 40:
        first -= 1
    last = running[-1]
    end_s = rows[last]["t"] + 1.0
    while last + 1 < min(rest, len(rows)) and rows[last + 1]["t"] <= end_s and last - running[-1] < 12:
        last += 1
    return first, last


def _cleaned(step: StoryStep) -> StoryStep:
    """Names and labels as they may stand in a picture or on a terminal, whatever a station or a file made of them."""
    to = clean(step.to, 60) if step.to else step.to
    return replace(step, lane=clean(step.lane, 60), to=to, label=clean(step.label, 90))


def _moment_of(row: Row, violation: dict[str, Any]) -> StoryStep:
    # What is seen at rest has no lane of its own: it is the state things were left in.
    return StoryStep(int(row["i"]), float(row["t"]), "", None, clean(violation.get("found", ""), 90), "bad", True)


def _lanes(steps: Iterable[StoryStep]) -> tuple[tuple[str, str], ...]:
    names = {name for step in steps for name in (step.lane, step.to) if name}
    sockets = sorted((name for name in names if " #" in name), key=_by_number)
    boxes = sorted(name for name in names if name.endswith(" box"))
    nodes = sorted(names - {OPERATOR, LOG} - set(sockets) - set(boxes))
    ordered = [name for name in (OPERATOR, LOG) if name in names]
    ordered = [name for name in (LOG, OPERATOR) if name in ordered][::-1]
    lanes: list[tuple[str, str]] = []
    if OPERATOR in ordered:
        lanes.append((OPERATOR, "operator"))
    if LOG in ordered:
        lanes.append((LOG, "event log"))
    lanes += [(name, f"CSMS {name}") for name in nodes]
    lanes += [(name, " socket ".join(name.rsplit(" #", 1))) for name in sockets]
    lanes += [(name, f"{name.removesuffix(' box')} hardware") for name in boxes]
    return tuple((name, clean(title, 28)) for name, title in lanes)


def _by_number(name: str) -> tuple[str, int, str]:
    station, _, number = name.rpartition(" #")
    return station, int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0, number
