"""The page of `interlock prove`: every wrong design against every invariant, from `proof.json` alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from interlock.reports import files
from interlock.reports.html import templates
from interlock.reports.run import clean, read_object, reading

FILE = "proof.json"
MARKS = {
    "own": ("K", "PASS", "flagged it, as it must"),
    "also": ("x", "PARTIAL", "flagged it too"),
    "alive": ("!", "FAIL", "had to flag it and did not"),
    "none": ("\N{MIDDLE DOT}", "NOT_APPLICABLE", "did not flag it"),
}
"""What a cell can be: its sign, the class that colours it, and how it is said."""


def render_proof(directory: Path) -> Path:
    """Write `proof.html` beside `proof.json`; return its path. Raises `RunUnreadable`."""
    proof = read_object(directory / FILE)
    with reading(directory / FILE):
        names = proof.get("names") or {}
        ids = list(names) or sorted({one["invariant"] for one in proof["kills"]})
        rows = [_row(one, ids, names) for one in proof["kills"]]
        page = (
            templates()
            .get_template("proof.html")
            .render(
                proof=proof,
                ids=ids,
                rows=rows,
                alive=[one for one in rows if one["word"] == "ALIVE"],
                kills=Counter(one["invariant"] for one in proof["kills"] if one["schedules"] is not None),
                designs=len({one["specimen"] for one in proof["kills"]}),
                marks=list(MARKS.values()),
            )
        )
    path = directory / "proof.html"
    files.write(path, page)
    return path


def _row(kill: dict[str, Any], ids: list[str], names: dict[str, str]) -> dict[str, Any]:
    cells = []
    for found in ids:
        mark = "also" if kill["flagged"].get(found) else "none"
        if found == kill["invariant"]:
            mark = "own" if kill["schedules"] is not None else "alive"
        sign, colour, meant = MARKS[mark]
        says = f"{kill['specimen']} under OCPP {kill['ocpp']}: {found} {names.get(found, '')} {meant}"
        if kill["flagged"].get(found):
            says += f", in {kill['flagged'][found]} of {kill['runs']} runs"
        cells.append({"sign": sign, "colour": colour, "meant": meant, "says": clean(says, 200)})
    return {**kill, "cells": cells, "word": "ALIVE" if kill["schedules"] is None else "KILLED"}
