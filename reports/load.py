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

from interlock.reports import files
from interlock.reports.html import templates
from interlock.reports.plots import as_uri
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
        cost = _rows(directory / "csms.csv")
        try:
            plot, without = _plot(history, cost, began), None
        except ImportError:
            plot, without = "", "No plots: matplotlib is not installed (the extra `plots`)."
        page = (
            templates()
            .get_template("load.html")
            .render(
                run=run,
                verdict=verdict,
                table=load_table(directory),
                plot=plot,
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


def _plot(history: Rows, cost: Rows, began: float) -> str:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    t = [float(one["Timestamp"]) - began for one in history]
    figure, panels = pyplot.subplots(
        5 if cost else 3, 1, figsize=(10, 9.5 if cost else 6.5), sharex=True, layout="constrained"
    )
    panels[0].plot(t, [_number(one["Requests/s"]) for one in history], color="#2f6f9f", label="requests/s")
    panels[0].plot(t, [_number(one["User Count"]) for one in history], color="#999999", linestyle=":", label="users")
    for percent, colour in ((50, "#3f9b57"), (95, "#d98f3d"), (99, "#c22727")):
        values = [_number(one[f"{percent}%"]) if one[f"{percent}%"] != "N/A" else None for one in history]
        panels[1].plot(
            t, [float("nan") if one is None else one for one in values], color=colour, label=f"p{percent} ms"
        )
    panels[2].plot(t, [_number(one["Failures/s"]) for one in history], color="#c22727", label="failures/s")
    if cost:
        at = [float(one["unix"]) - began for one in cost]
        panels[3].plot(at, [100 * float(one["cpu"]) for one in cost], color="#6b4fa0", label="CSMS CPU, % of a core")
        panels[4].plot(at, [float(one["rss_bytes"]) / 2**20 for one in cost], color="#6b4fa0", label="CSMS memory, MiB")
    for panel in panels:
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.25)
        panel.legend(loc="upper left", fontsize=8, frameon=False)
    panels[-1].set_xlabel("seconds")
    return as_uri(figure)
