"""The page of a load test: its figures are there, and the moments at which all connections are lost are shaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock import reports

BEGAN = 1767225600
PANELS = 4
"""Requests, stations, times, failures."""


def page(folder: Path, shape: dict[str, Any] | None) -> str:
    spec: dict[str, Any] = {"began": "2026-01-01T00:00:00+00:00", "seconds": 10, "processes": [1]}
    spec |= {"load_shape": shape} if shape is not None else {}
    about = {"scenario": "load-storm", "title": "Load", "csms": "ws://127.0.0.1/", "seed": 0, "spec": spec}
    about |= {"observations": 1, "reproduce": "interlock load", "versions": {}}
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "verdict.json").write_text(json.dumps({"verdict": "PASS", "invariants": []}))
    answer = {"p50_ms": 11, "p95_ms": 12, "p99_ms": 13, "max_ms": 14}
    due = {"p50_ms": 21, "p95_ms": 22, "p99_ms": 23, "max_ms": 24}
    row = {"type": "", "name": "all", "calls": 3, "answer": answer, "due": due, "failed": 1}
    (folder / "calls.json").write_text(json.dumps({"calls": [row], "errors": []}))
    names = ("Timestamp", "Name", "Requests/s", "User Count", "Failures/s", "50%", "95%", "99%")
    rows = [(BEGAN + at, "Aggregated", at + 1, 2, 1, 1, 2, "N/A") for at in range(-5, 10)]
    (folder / "locust_stats_history.csv").write_text("\n".join(",".join(map(str, row)) for row in (names, *rows)))
    return reports.render_load(folder).read_text("utf-8")


def test_the_first_screen_has_its_figures(tmp_path: Path) -> None:
    found = page(tmp_path, None)
    assert "from sent to answered: p50 <b>11</b> ms, p95 <b>12</b> ms, p99 <b>13</b> ms" in found
    assert "from due to answered: p50 <b>21</b> ms, p95 <b>22</b> ms, p99 <b>23</b> ms" in found
    assert "<b></b>" not in found
    assert "Shaded" not in found


def test_the_moments_at_which_connections_are_lost_are_shaded_and_nothing_is_before_the_run(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = page(tmp_path, {"all_drop_at": [0.4, 0.75], "station": {"reconnect_s": [0.1, 1.0]}})
    assert "Shaded: every connection is lost at 4.0 s, 7.5 s" in found
    assert found.count("opacity: 0.2") == 2 * PANELS
    assert "\N{MINUS SIGN}4" not in found, "no seconds before the run began"
