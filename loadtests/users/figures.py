"""What calls cost, counted by each process: the time to the answer, and the time since the call was due.

Both are kept as distributions for each tenth of the run, so that two runs can be compared like for like.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from interlock.scenarios.judge.thresholds import ALL, FIGURES
from interlock.scenarios.record.distribution import Distribution, of, total

SLICES = 10
UNBOUNDED_S = 60.0
"""How long a slice is in a run without an end; the last one holds the rest."""
TELLING = 20
"""Reasons of failures that are told of one kind."""


class Figures:
    """Of one process."""

    def __init__(self, seconds: float) -> None:
        self._slice_s = seconds / SLICES if seconds else UNBOUNDED_S
        self._times: dict[tuple[str, str, str, int], Distribution] = {}
        self._failed: Counter[tuple[str, str]] = Counter()
        self._errors: Counter[tuple[str, str, str]] = Counter()

    def add(self, kind: str, name: str, t: float, answer_s: float, due_s: float, why: str | None) -> None:
        """Count a call that ended at second `t`: its times, and why it failed, if it did."""
        part = min(SLICES - 1, int(t / self._slice_s))
        for figure, seconds in zip(FIGURES, (answer_s, due_s), strict=True):
            self._times.setdefault((kind, name, figure, part), Distribution()).add(seconds)
        if why is not None:
            self._failed[kind, name] += 1
            self._errors[kind, name, why[:300]] += 1

    def as_json(self) -> dict[str, Any]:
        """Return what `merged` adds up."""
        return {
            "times": [[*key, one.as_json()] for key, one in self._times.items()],
            "failed": [[*key, count] for key, count in self._failed.items()],
            "errors": [[*key, count] for key, count in self._errors.most_common(TELLING)],
        }


def merged(parts: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `calls.json` and `distributions.json` hold, of the figures of all processes."""
    times: dict[tuple[str, str], dict[str, dict[int, Distribution]]] = {}
    failed, errors = Counter[tuple[str, str]](), Counter[tuple[str, str, str]]()
    for found in parts:
        for kind, name, figure, part, told in found["times"]:
            for row in ((kind, name), *([("", ALL)] if kind == "CALL" else [])):
                slices = times.setdefault(row, {one: {} for one in FIGURES})[figure]
                slices.setdefault(int(part), Distribution()).merge(of(told))
        for kind, name, count in found["failed"]:
            failed[kind, name] += count
            failed["", ALL] += count if kind == "CALL" else 0
        for kind, name, why, count in found["errors"]:
            errors[kind, name, why] += count
    rows = []
    for (kind, name), both in sorted(times.items(), key=lambda one: (one[0][1] == ALL, one[0])):
        whole = {figure: total(slices.values()).figures() for figure, slices in both.items()}
        calls = whole[FIGURES[0]]["count"]
        rows.append({"type": kind, "name": name, "calls": calls, "failed": failed[kind, name], **whole})
    told = [{"type": kind, "name": name, "why": why, "times": n} for (kind, name, why), n in errors.most_common()]
    parted = {
        name: {figure: {str(n): one.as_json() for n, one in sorted(slices.items())} for figure, slices in both.items()}
        for (_, name), both in times.items()
    }
    return {"schema": 2, "calls": rows, "errors": told}, {"schema": 1, "slices": SLICES, "actions": parted}


def write(out: Path, parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write `calls.json`, `distributions.json` and a text of each distribution; return the rows of the first."""
    calls, parted = merged(parts)
    (out / "calls.json").write_text(json.dumps(calls, indent=1) + "\n", "utf-8")
    (out / "distributions.json").write_text(json.dumps(parted) + "\n", "utf-8")
    folder = out / "hgrm"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, both in parted["actions"].items():
        for figure, slices in both.items():
            lines = total(map(of, slices.values())).hgrm()
            (folder / f"{name}.{figure}.hgrm").write_text("\n".join(lines) + "\n", "utf-8")
    rows: list[dict[str, Any]] = calls["calls"]
    return rows
