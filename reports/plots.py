"""Plots with matplotlib, as data URIs: connector states over time, and how long answers took.

matplotlib takes a second to import and is an optional extra: it is loaded here, when something is drawn.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import msgspec

from interlock.reports.run import Run, clean

COLOURS = {
    "Available": "#9fb7c9",
    "Preparing": "#f0c75e",
    "Charging": "#3f9b57",
    "SuspendedEV": "#8fcf9f",
    "SuspendedEVSE": "#d98f3d",
    "Finishing": "#b59ad6",
    "Unavailable": "#777777",
    "Faulted": "#c22727",
}
CONNECTORS = 24
"""Rows of the timeline, at the most."""
_decode = msgspec.json.Decoder().decode


def plots(run: Run) -> list[tuple[str, str]]:
    """Return (caption, data URI) for each plot with something to show. Raises `ImportError` without the extra."""
    import matplotlib

    matplotlib.use("agg")
    found = [
        ("Connector states over time, fault windows shaded", _timeline(run)),
        ("How long answers took", _answers(run)),
    ]
    return [(caption, uri) for caption, uri in found if uri]


def _timeline(run: Run) -> str:
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    end_s = float(run.rows[-1]["t"])
    changes: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for row in run.of("truth"):
        changes[row["station"], row["connector"]] = [(0.0, "Available")]
    for row in run.of("status"):
        changes.setdefault((row["station"], row["connector"]), [(0.0, "Available")]).append((row["t"], row["status"]))
    shown = [item for item in sorted(changes.items()) if item[0][1] > 0][:CONNECTORS]
    if not shown:
        return ""
    figure, axes = pyplot.subplots(figsize=(10, 0.9 + 0.42 * len(shown)), layout="constrained")
    for number, (_, states) in enumerate(shown):
        for (since, status), (until, _) in zip(states, [*states[1:], (end_s, "")], strict=True):
            axes.barh(number, until - since, left=since, color=COLOURS.get(status, "#cccccc"), height=0.62)
    for begun, ended in _faults(run, end_s):
        axes.axvspan(begun, ended, color="#c22727", alpha=0.13, linewidth=0)
    axes.set_yticks(range(len(shown)), [clean(f"{station} / {connector}", 20) for (station, connector), _ in shown])
    axes.set_xlim(0, end_s)
    axes.set_xlabel("seconds")
    axes.invert_yaxis()
    used = {status for _, states in shown for _, status in states}
    handles = [Rectangle((0, 0), 1, 1, color=COLOURS[name]) for name in COLOURS if name in used]
    axes.legend(
        handles,
        [name for name in COLOURS if name in used],
        ncols=8,
        fontsize=7,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        frameon=False,
    )
    return as_uri(figure)


def _faults(run: Run, end_s: float) -> list[tuple[float, float]]:
    begun: dict[str, float] = {}
    found = []
    for row in run.of("fault.begun", "fault.ended"):
        if row["kind"] == "fault.begun":
            begun[row["id"]] = row["t"]
        elif row["id"] in begun:
            found.append((begun.pop(row["id"]), row["t"]))
    return found + [(at, end_s) for at in begun.values()]


def _answers(run: Run) -> str:
    asked: dict[tuple[Any, ...], tuple[float, str]] = {}
    took: dict[str, list[float]] = {}
    for row in run.of("frame"):
        if row["edge"] not in ("station.sent", "station.received"):
            continue
        try:
            kind, message_id, *rest = _decode(row["text"])
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
            continue
        key = (row["station"], row["socket"], str(message_id))
        if kind == 2 and row["edge"] == "station.sent":
            asked[key] = (row["t"], str(rest[0]))
        elif kind in (3, 4) and row["edge"] == "station.received" and key in asked:
            at, action = asked.pop(key)
            took.setdefault(clean(action, 30), []).append((row["t"] - at) * 1000)
    if not took:
        return ""
    from matplotlib import pyplot

    names = sorted(took)
    figure, axes = pyplot.subplots(figsize=(10, 0.9 + 0.36 * len(names)), layout="constrained")
    axes.boxplot([took[name] for name in names], orientation="horizontal", widths=0.6, flierprops={"markersize": 2})
    axes.set_yticks(range(1, len(names) + 1), [f"{name} ({len(took[name])})" for name in names])
    axes.set_xlabel("milliseconds from a station's CALL to its answer")
    return as_uri(figure)


def as_uri(figure: Any) -> str:
    """Return a figure as a data URI, and close it."""
    from matplotlib import pyplot

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
