"""One page for a load test: how fast, at what cost, and whether it was right.

Besides the files of a run directory there are `calls.json` (`calls` by type and name, with the times to their answers
since they were sent and since they were due; `errors`), `comparison.json` where it was compared with an earlier run,
Locust's own `locust_stats_history.csv`, and, where the CSMS ran on this machine, `csms.csv` (`unix`, `cpu` as a share
of a core, `rss_bytes`).
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from interlock.reports import files
from interlock.reports.figure import INK_OF, drawn
from interlock.reports.html import templates
from interlock.reports.run import read_object, reading

Rows = list[dict[str, str]]


def load_table(directory: Path) -> list[dict[str, Any]]:
    """Return what calls cost by kind and name, the total last."""
    found: list[dict[str, Any]] = _calls(directory).get("calls", [])
    return found


def _calls(directory: Path) -> dict[str, Any]:
    return _optional(directory / "calls.json") or {}


def _optional(path: Path) -> dict[str, Any] | None:
    return read_object(path) if path.exists() else None


def render_load(directory: Path) -> Path:
    """Write `load.html` into the run directory of a load test; return its path."""
    run, verdict = read_object(directory / "run.json"), read_object(directory / "verdict.json")
    with reading(directory):
        began = datetime.fromisoformat(run["spec"]["began"]).timestamp()
        history = [one for one in _rows(directory / "locust_stats_history.csv") if one["Name"] == "Aggregated"]
        cost, lost = _rows(directory / "csms.csv"), _lost(run["spec"])
        try:
            plot, without = _plot(history, cost, began, lost), None
        except ImportError:
            plot, without = Markup(""), "No plots: matplotlib is not installed (the extra `plots`)."
        page = (
            templates()
            .get_template("load.html")
            .render(
                run=run,
                verdict=verdict,
                table=load_table(directory),
                plot=plot,
                lost=lost,
                without_plots=without,
                cost=_cost(cost),
                failures=_calls(directory).get("errors", [])[:20],
                changed=_optional(directory / "comparison.json"),
            )
        )
    path = directory / "load.html"
    files.write(path, page)
    return path


def _rows(path: Path) -> Rows:
    try:
        text = files.read(path).decode("utf-8")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, UnicodeError, csv.Error):
        return []


def _number(text: str | None) -> float:
    try:
        return round(float(text or 0), 1)
    except ValueError:
        return 0.0


def _cost(rows: Rows) -> dict[str, float] | None:
    if not rows:
        return None
    shares = [_number(one["cpu"]) for one in rows]
    return {
        "cpu": 100 * sum(float(one["cpu"]) for one in rows) / len(rows),
        "peak": 100 * max(shares),
        "rss": max(float(one["rss_bytes"]) for one in rows) / 2**20,
    }


def _lost(spec: dict[str, Any]) -> list[tuple[float, float]]:
    """Return when all connections are lost, and when the last station dials again, in seconds of the run."""
    shape = spec.get("load_shape") or {}
    back_s = float((shape.get("station") or {}).get("reconnect_s", (0, BACK_S))[1])
    moments = [share * float(spec["seconds"]) for share in shape.get("all_drop_at") or ()]
    return [(at, at + back_s) for at in moments]


BACK_S = 2.0
"""How long after a loss stations come back at most, where the shape does not say."""


def _plot(history: Rows, cost: Rows, began: float, lost: list[tuple[float, float]]) -> Markup:
    history = [one for one in history if float(one["Timestamp"]) >= began - 1]  # not the start of our own CSMS
    cost = [one for one in cost if float(one["unix"]) >= began - 1]
    t = [float(one["Timestamp"]) - began for one in history]
    panels: list[tuple[str, list[tuple[str, str, list[float], list[float]]]]] = [
        ("requests/s", [("requests/s", "blue", t, [_number(one["Requests/s"]) for one in history])]),
        ("users", [("stations and operators", "soft", t, [_number(one["User Count"]) for one in history])]),
        ("ms", [(f"p{percent}", ink, t, _percentile(history, percent)) for percent, ink in PERCENTILES]),
    ]
    if any(_number(one["Failures/s"]) for one in history):
        panels.append(("failures/s", [("failures/s", "red", t, [_number(one["Failures/s"]) for one in history])]))
    if cost:
        at = [float(one["unix"]) - began for one in cost]
        panels.append(("CSMS, % of a core", [("CPU", "violet", at, [100 * float(one["cpu"]) for one in cost])]))
        panels.append(("CSMS, MiB", [("memory", "violet", at, [float(one["rss_bytes"]) / 2**20 for one in cost])]))

    def make(pyplot: Any) -> Any:
        height = 0.6 + 1.5 * len(panels)
        figure, all_axes = pyplot.subplots(len(panels), 1, figsize=(10, height), sharex=True, layout="constrained")
        for axes, (unit, curves) in zip(all_axes, panels, strict=True):
            for label, ink, x, y in curves:
                axes.plot(x, y, color=INK_OF[ink], label=label)
            axes.set_ylabel(unit)
            for at, until in lost:
                axes.axvspan(at, until, color=INK_OF["amber"], alpha=0.2, linewidth=0)
            axes.set_ylim(bottom=0)
            axes.set_xlim(left=0)
            axes.grid()
            if len(curves) > 1:
                axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=8)
        all_axes[-1].set_xlabel("seconds of wall time")
        return figure

    return drawn(make, "Requests, users, response times and failures over time, and what the CSMS used")


PERCENTILES = ((50, "green"), (95, "amber"), (99, "red"))


def _percentile(history: Rows, percent: int) -> list[float]:
    values = (one[f"{percent}%"] for one in history)
    return [float("nan") if one == "N/A" else _number(one) for one in values]
