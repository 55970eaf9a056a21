"""Plots of a run: connector states with fault windows, supply voltage against contactor and status, answer times."""

from __future__ import annotations

import statistics
from typing import Any

import msgspec

from interlock.reports.figure import INK_OF, Plot, drawn
from interlock.reports.run import Row, Run, clean

COLOURS = {
    "Available": "#9fb7c9",
    "Preparing": "#e5b93f",
    "Occupied": "#e5b93f",
    "Charging": "#3f9b57",
    "SuspendedEV": "#8fcf9f",
    "SuspendedEVSE": "#d98f3d",
    "Finishing": "#b59ad6",
    "Reserved": "#6f9fd8",
    "Unavailable": "#777777",
    "Faulted": "#c22727",
}
CONNECTORS = 16
"""Rows of the timeline, at the most."""
CHANGES = 60
"""Changes of state drawn for one connector, and rows of a plot's table, at the most."""
_decode = msgspec.json.Decoder().decode
States = list[tuple[float, str]]


def plots(run: Run) -> list[Plot]:
    """Return each plot with something to show. Raises `ImportError` without the extra."""
    import matplotlib  # noqa: F401  (absent: nothing is drawn, and the page says so)

    found = [_timeline(run), *_supplies(run), _answers(run)]
    return [plot for plot in found if plot is not None and plot.svg]


def _states(run: Run) -> dict[tuple[str, int], States]:
    changes: dict[tuple[str, int], States] = {}
    for row in run.of("truth"):
        changes[row["station"], row["connector"]] = [(0.0, "Available")]
    for row in run.of("status"):
        states = changes.setdefault((row["station"], row["connector"]), [(0.0, "Available")])
        if len(states) < CHANGES:
            states.append((row["t"], row["status"]))
    return {place: states for place, states in sorted(changes.items()) if place[1] > 0}


def _bars(axes: Any, number: float, states: States, end_s: float) -> None:
    for (since, status), (until, _) in zip(states, [*states[1:], (end_s, "")], strict=True):
        axes.barh(number, until - since, left=since, color=COLOURS.get(status, "#cccccc"), height=0.62)


def _legend(axes: Any, used: set[str], faults: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[name], label=name) for name in COLOURS if name in used]
    if faults:
        handles.append(Patch(color=INK_OF["red"], alpha=0.18, label="a fault"))
    axes.legend(handles=handles, ncols=6, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))


def _timeline(run: Run) -> Plot | None:
    shown = list(_states(run).items())[:CONNECTORS]
    if not shown:
        return None
    end_s = float(run.rows[-1]["t"])
    faults = _faults(run, end_s)

    def make(pyplot: Any) -> Any:
        figure, axes = pyplot.subplots(figsize=(10, 0.9 + 0.36 * len(shown)), layout="constrained")
        for number, (_, states) in enumerate(shown):
            _bars(axes, number, states, end_s)
        for begun, ended, _ in faults:
            axes.axvspan(begun, ended, color=INK_OF["red"], alpha=0.18, linewidth=0)
        names = [clean(f"{station} / {connector}", 20) for (station, connector), _ in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.set_xlim(0, end_s or 1)
        axes.set_xlabel("seconds")
        axes.invert_yaxis()
        _legend(axes, {status for _, states in shown for _, status in states}, bool(faults))
        return figure

    rows = [
        (f"{t:.2f}", clean(f"{place[0]} / {place[1]}", 30), clean(word, 20))
        for place, all_ in shown
        for t, word in all_
    ]
    rows += [(f"{begun:.2f}", "fault", clean(f"{name} until {ended:.2f} s", 60)) for begun, ended, name in faults]
    rows.sort(key=lambda row: float(row[0]))
    caption = "Connector states over time, with fault windows"
    return Plot(caption, drawn(make, caption), ("seconds", "connector", "state"), rows[:CHANGES])


def _faults(run: Run, end_s: float) -> list[tuple[float, float, str]]:
    begun: dict[str, Row] = {}
    found = []
    for row in run.of("fault.begun", "fault.ended"):
        if row["kind"] == "fault.begun":
            begun[row["id"]] = row
        elif row["id"] in begun:
            first = begun.pop(row["id"])
            found.append((first["t"], row["t"], clean(first["fault"], 40)))
    return found + [(first["t"], end_s, clean(first["fault"], 40)) for first in begun.values()]


STATIONS = 2
"""Stations whose supply is drawn."""


def _supplies(run: Run) -> list[Plot]:
    stations = list(dict.fromkeys(row["station"] for row in run.of("voltage")))[:STATIONS]
    return [_supply(run, station) for station in stations]


def _supply(run: Run, station: str) -> Plot:
    volts = [
        (float(row["t"]), float(row["volts"]), row["crossed"]) for row in run.of("voltage") if row["station"] == station
    ]
    volts = volts[:CHANGES]
    first_s, last_s = volts[0][0] - 15, volts[-1][0] + 30
    contactors: dict[int, States] = {}
    for row in run.of("ledger"):
        if row["station"] == station and row["part"] == "contactor":
            contactors.setdefault(row["connector"], []).append((float(row["t"]), row["action"]))
    states = {
        place[1]: found for place, found in _states(run).items() if place[0] == station and place[1] in contactors
    }

    def make(pyplot: Any) -> Any:
        height = 2.6 + 0.7 * len(contactors)
        figure, (above, below) = pyplot.subplots(
            2,
            1,
            figsize=(10, height),
            sharex=True,
            layout="constrained",
            height_ratios=(2, 0.3 + 0.7 * len(contactors)),
        )
        above.step(
            [t for t, _, _ in volts],
            [v for _, v, _ in volts],
            where="post",
            color=INK_OF["amber"],
            marker="o",
            markersize=3,
        )
        above.set_ylabel("supply, V")
        above.set_ylim(bottom=0)
        above.grid(axis="y")
        names: list[str] = []
        for connector, moves in contactors.items():
            _closed(below, len(names), moves, last_s)
            names.append(f"contactor {connector} closed")
            if connector in states:
                _bars(below, len(names), states[connector], max(last_s, states[connector][-1][0]))
                names.append(f"status {connector}")
        below.set_yticks(range(len(names)), names)
        below.invert_yaxis()
        below.set_xlim(first_s, last_s)
        below.set_xlabel("seconds")
        _legend(above, {word for found in states.values() for _, word in found}, False)
        return figure

    rows = [(f"{t:.2f}", "supply", f"{v:.0f} V ({clean(crossed, 20)})") for t, v, crossed in volts]
    for connector, moves in contactors.items():
        rows += [(f"{t:.2f}", f"contactor {connector}", clean(word, 20)) for t, word in moves if first_s <= t <= last_s]
    for connector, found in states.items():
        rows += [(f"{t:.2f}", f"status {connector}", clean(word, 20)) for t, word in found if first_s <= t <= last_s]
    rows.sort(key=lambda row: float(row[0]))
    caption = f"Supply voltage at {clean(station, 40)} against its contactors and their status"
    return Plot(caption, drawn(make, caption), ("seconds", "what", "became"), rows[:CHANGES])


def _closed(axes: Any, number: int, moves: States, end_s: float) -> None:
    for (since, action), (until, _) in zip(moves, [*moves[1:], (end_s, "")], strict=True):
        if action == "closed":
            axes.barh(number, max(until - since, 0), left=since, color=INK_OF["blue"], height=0.4)


def _answers(run: Run) -> Plot | None:
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
        if kind == 2 and rest and row["edge"] == "station.sent":
            asked[key] = (row["t"], str(rest[0]))
        elif kind in (3, 4) and row["edge"] == "station.received" and key in asked:
            at, action = asked.pop(key)
            took.setdefault(clean(action, 30), []).append((row["t"] - at) * 1000)
    if not took:
        return None
    names = sorted(took)[:CONNECTORS]
    spread = {name: _spread(took[name]) for name in names}

    def make(pyplot: Any) -> Any:
        figure, axes = pyplot.subplots(figsize=(10, 0.9 + 0.3 * len(names)), layout="constrained")
        for number, name in enumerate(names):
            low, quarter, median, three, high = spread[name]
            axes.plot([low, high], [number, number], color=INK_OF["soft"], linewidth=1)
            axes.plot([quarter, three], [number, number], color=INK_OF["blue"], linewidth=6, solid_capstyle="butt")
            axes.plot([median], [number], color=INK_OF["ink"], marker="|", markersize=11, markeredgewidth=2)
        axes.set_yticks(range(len(names)), [f"{name} ({len(took[name])})" for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel("milliseconds from a station's CALL to its answer: least to most, the middle half, the median")
        return figure

    caption = "How long answers took"
    rows = [(name, len(took[name]), *(f"{value:.1f}" for value in spread[name])) for name in names]
    head = ("action", "answers", "least ms", "a quarter under", "median", "three quarters under", "most ms")
    return Plot(caption, drawn(make, caption), head, rows)


def _spread(values: list[float]) -> tuple[float, float, float, float, float]:
    """Return the least, the quartiles and the most of some values."""
    if len(values) == 1:
        return values[0], values[0], values[0], values[0], values[0]
    quarter, median, three = statistics.quantiles(values, method="inclusive")
    return min(values), quarter, median, three, max(values)
