"""One self-contained HTML file for a run, and one for a campaign. No network, no scripts but a copy button."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from interlock.reports import files
from interlock.reports.belief import connectors, growth, requests, uptime
from interlock.reports.chart import draw
from interlock.reports.plots import plots
from interlock.reports.run import (
    Run,
    RunUnreadable,
    clean,
    printable,
    read_object,
    read_run,
    reading,
    run_of,
    violations,
)
from interlock.reports.story import tell

CHARTS = 6
"""Violations drawn in one report; an invariant's first comes before another's second."""
ROWS = 60
"""Rows of the tables that grow with the fleet."""


def _shown(value: Any) -> Any:
    return printable(value) if type(value) is str else value


@cache
def templates() -> jinja2.Environment:
    """Return the templates of all pages."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    found = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    found.filters["clean"] = clean
    return found


def render_run(directory: Path) -> Path:
    """Write `report.html` (and `chart.svg` for a violation) into a run directory; return the report's path."""
    run = read_run(directory)
    with reading(directory):
        page, chart = _page(run)
    if chart is not None:
        files.write(directory / "chart.svg", chart)
    path = directory / "report.html"
    files.write(path, page)
    return path


def _page(run: Run) -> tuple[str, str | None]:
    charts = _charts(run)
    try:
        drawn, without = plots(run), None
    except ImportError:
        drawn, without = [], "No plots: install them with `pip install 'ocpp-interlock[plots]'`."
    shown = connectors(run)
    page = (
        templates()
        .get_template("run.html")
        .render(
            run=run.about,
            verdict=run.verdict,
            charts=charts,
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
    return page, charts[0]["svg"] if charts else None


def _charts(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    pairs = violations(run.verdict)
    firsts = [pair for pair in pairs if not (pair[0]["id"] in seen or seen.add(pair[0]["id"]))]  # type: ignore[func-returns-value]
    for invariant, violation in firsts[:CHARTS]:
        title = f"{invariant['id']} {invariant['name']}: {clean(violation['message'])}"
        svg = draw(tell(run.rows, violation), title)
        if svg:
            # Everything in the drawing went through escape(): it is markup of ours.
            found.append({"invariant": invariant, "violation": violation, "svg": svg, "markup": Markup(svg)})
    return found


def render_suite(out: Path) -> Path:
    """Write `index.html` for a suite directory and a report for each run kept in it; return the index's path."""
    suite = read_object(out / "suite.json")
    with reading(out / "suite.json"):
        page = _suite_page(suite, out)
    path = out / "index.html"
    files.write(path, page)
    return path


def _suite_page(suite: dict[str, Any], out: Path) -> str:
    runs = []
    for one in suite.get("runs", []):
        link = None
        if one.get("dir") is not None:
            try:
                link = render_run(run_of(out, one["dir"])).relative_to(out.resolve()).as_posix()
            except (RunUnreadable, OSError) as error:
                link, one["verdict"] = None, f"ERROR ({clean(error)})"
        runs.append({**one, "link": link})
    ids = sorted({name for one in runs for name in one["invariants"]})
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in runs:
        rows.setdefault(one["scenario"], []).append(one)
    order = {"NOT_APPLICABLE": 0, "PASS": 1, "INCONCLUSIVE": 2, "FAIL": 3, "ERROR": 4}
    matrix = [
        {
            "scenario": name,
            "runs": group,
            "cells": [
                max(
                    (one["invariants"].get(found, "NOT_APPLICABLE") for one in group),
                    key=lambda word: order.get(word, 4),
                )
                for found in ids
            ],
        }
        for name, group in rows.items()
    ]
    return (
        templates()
        .get_template("suite.html")
        .render(suite=suite, ids=ids, matrix=matrix, total=len(runs), bad=[one for one in runs if one["failed"]])
    )
