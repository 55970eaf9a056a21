"""One self-contained HTML file for a run, and one for a campaign: no network, one script, named by the policy."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from interlock.reports import files
from interlock.reports.belief import connectors, growth, requests, uptime
from interlock.reports.chart import draw
from interlock.reports.plots import plots
from interlock.reports.run import Run, RunUnreadable, clean, printable, read_object, read_run, reading, run_of
from interlock.reports.scene import Scene, place, scenes

FOLDER = Path(__file__).parent / "templates"
SIGNS = {
    "PASS": "+",
    "FAIL": "\N{MULTIPLICATION SIGN}",
    "ERROR": "!",
    "INCONCLUSIVE": "?",
    "PARTIAL": "~",
    "NOT_APPLICABLE": "\N{MIDDLE DOT}",
}
"""What stands beside the colour of a verdict."""
ROWS = 60
"""Rows of the tables that grow with the fleet."""
REFERENCE = "reference"
"""The folder in a run that holds the same scenario and seed on the reference."""


def _shown(value: Any) -> Any:
    return printable(value) if type(value) is str else value


@cache
def templates() -> jinja2.Environment:
    """Return the templates of all pages."""
    loader = jinja2.FileSystemLoader(FOLDER)
    found = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    found.filters["clean"] = clean
    found.filters["command"] = command
    script = (FOLDER / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # The script is a file of ours, and the policy of each page allows these bytes alone.
    found.globals.update(script=Markup(script), script_hash=digest, signs=SIGNS, place=place)
    return found


def command(line: object, most: int = 400) -> Markup:
    """Return a command line whose words do not break at their hyphens, unless one is longer than the page is wide."""
    return Markup(" ").join(Markup("<span>{}</span>").format(word) for word in clean(line, most).split(" "))


def render_run(directory: Path) -> Path:
    """Write `report.html` (and `chart.svg` for a violation) into a run directory; return the report's path."""
    return _render_run(read_run(directory), directory)


def _render_run(run: Run, directory: Path) -> Path:
    with reading(directory):
        page, chart = _page(run)
    if chart is not None:
        files.write(directory / "chart.svg", chart)
    path = directory / "report.html"
    files.write(path, page)
    return path


def _page(run: Run) -> tuple[str, str | None]:
    found = scenes(run, _reference(run.directory))
    try:
        drawn, without = plots(run), None
    except ImportError:
        drawn, without = [], "No plots: matplotlib is not installed (the extra `plots`)."
    shown = connectors(run)
    page = (
        templates()
        .get_template("run.html")
        .render(
            run=run.about,
            verdict=run.verdict,
            wall=bool((run.about.get("rules") or {}).get("seen_from")),
            scenes=found,
            run_times={step: run.rows[step]["t"] for scene in found for _, _, step in scene.violations},
            pinned={invariant["id"] for scene in found for invariant, _, _ in scene.violations},
            firsts=_firsts(found),
            requests=requests(run)[:ROWS],
            connectors=(shown if len(shown) <= ROWS else [one for one in shown if one.differs][:ROWS]),
            uptime=uptime(run)[:ROWS],
            growth=growth(run),
            plots=drawn,
            without_plots=without,
            duration_s=run.rows[-1]["t"],
            observations=len(run.rows),
        )
    )
    return page, draw(found[0].story, _title(found[0])) if found else None


def _firsts(found: list[Scene]) -> dict[str, dict[str, Any]]:
    """Return the first violation of each invariant: the one that a link to the invariant leads to."""
    firsts: dict[str, dict[str, Any]] = {}
    for scene in found:
        for invariant, violation, _ in scene.violations:
            firsts.setdefault(invariant["id"], violation)
    return firsts


def _title(scene: Scene) -> str:
    told = dict.fromkeys(clean(f"{one['id']} {one['name']}", 60) for one, _, _ in scene.violations)
    return f"{scene.title}: {'; '.join(told)}"


def _reference(directory: Path) -> Run | None:
    folder = files.inside(directory, REFERENCE)
    try:
        return read_run(folder) if folder is not None and (folder / "run.json").exists() else None
    except RunUnreadable:
        return None


def render_suite(out: Path, spread: Callable[..., Iterable[Any]] = map) -> Path:
    """Write `index.html` for a suite directory and a report for each run kept in it; return the index's path.

    `spread` is a `map` that may do its work in other processes.
    """
    suite = read_object(out / "suite.json")
    with reading(out / "suite.json"):
        page = _suite_page(suite, out, spread)
    path = out / "index.html"
    files.write(path, page)
    return path


ORDER = {"NOT_APPLICABLE": 0, "PASS": 1, "INCONCLUSIVE": 2, "FAIL": 3, "ERROR": 4}
WORDS = {
    "PASS": "held",
    "FAIL": "violated something",
    "ERROR": "could not be judged",
    "INCONCLUSIVE": "could not tell",
    "NOT_APPLICABLE": "did not apply",
}


def _worst(words: Any) -> str:
    return str(max(words, key=lambda word: ORDER.get(word, 4)))


def _drawn(out: Path, directory: Any) -> tuple[str | None, dict[str, Any], str | None]:
    """Write the report of a run; return the link to it, why invariants were not judged, and what went wrong."""
    try:
        run = read_run(run_of(out, directory))
        link = _render_run(run, run.directory).relative_to(out.resolve()).as_posix()
        return link, {found["id"]: found.get("reason") for found in run.verdict["invariants"]}, None
    except (RunUnreadable, OSError) as error:
        return None, {}, clean(error, 300)


def _suite_page(suite: dict[str, Any], out: Path, spread: Callable[..., Iterable[Any]]) -> str:
    # From the last to the first: the campaign keeps its longest runs for its end.
    told = suite.get("runs", [])
    kept = [number for number, one in enumerate(told) if one.get("dir") is not None][::-1]
    found = spread(partial(_drawn, out), [told[number]["dir"] for number in kept])
    drawn = dict(zip(kept, found, strict=True))
    runs: list[dict[str, Any]] = []
    for number, one in enumerate(told):
        link, reasons, wrong = drawn.get(number, (None, {}, None))
        runs.append({**one, "link": link, "reasons": reasons, "wrong": wrong})
    ids = sorted({name for one in runs for name in one["invariants"]})
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in runs:
        rows.setdefault(one["scenario"], []).append(one)
    matrix = [_matrix_row(name, group, ids, suite.get("names") or {}) for name, group in rows.items()]
    counted = Counter(one["verdict"].split(" ")[0] for one in runs)
    return (
        templates()
        .get_template("suite.html")
        .render(
            suite=suite,
            ids=ids,
            matrix=matrix,
            total=len(runs),
            bad=[one for one in runs if one["failed"]],
            held=counted["PASS"],
            words=[(words, counted[word]) for word, words in WORDS.items() if counted[word]],
            seeds=_seeds([one["seed"] for one in runs]),
            seconds=sum(one.get("seconds") or 0 for one in runs),
            pageless=[one for one in runs if one["wrong"]],
            unjudged=[row for row in matrix if row["reason"]],
        )
    )


def _seeds(found: list[Any]) -> str:
    seeds = sorted(set(found))
    return "" if not seeds else clean(seeds[0] if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}", 40)


def _matrix_row(name: str, group: list[dict[str, Any]], ids: list[str], names: dict[str, str]) -> dict[str, Any]:
    cells = []
    for found in ids:
        word = _worst(one["invariants"].get(found, "NOT_APPLICABLE") for one in group)
        meant = "had nothing to look at" if word == "NOT_APPLICABLE" else WORDS.get(word, word)
        why = next((one["reasons"][found] for one in group if one["reasons"].get(found)), None)
        says = f"{name}, {found} {names.get(found, '')}: {meant}" + (f": {why}" if why else "")
        cells.append({"word": clean(word, 16), "says": clean(says, 160)})
    return {
        "scenario": name,
        "runs": group,
        "worst": _worst(one["verdict"] for one in group),
        "reason": next((one["reason"] for one in group if one.get("reason")), None),
        "cells": cells,
    }
