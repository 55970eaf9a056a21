"""Run directories that somebody made to do harm: nothing is written elsewhere, nothing hangs, nothing is shown raw."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from interlock import reports
from interlock.reports import files
from interlock.reports.run import RunUnreadable

EVIL = "x\x1b[2J\x07\u202e\x00\ufffe</text><script>"


def made(folder: Path, *, station: str = "CP01", found: str = "f", rows: list[dict[str, Any]] | None = None) -> Path:
    """Write a run directory with one violation."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = {
        "edge": "station.sent",
        "station": station,
        "socket": 1,
        "node": station,
        "text": f'[2,"1","{station}",{{}}]',
    }
    told = rows or [
        {"i": 0, "t": 0.0, "kind": "frame", **frame},
        {"i": 1, "t": 1.0, "kind": "fault.begun", "fault": station, "id": station},
        {"i": 2, "t": 2.0, "kind": "end", "count": 2},
    ]
    history = b"".join(json.dumps(row).encode() + b"\n" for row in told)
    (folder / "history.jsonl").write_bytes(history)
    about = {"schema": 1, "scenario": station, "title": station, "csms": station, "seed": 0, "spec": {}, "drawn": {}}
    about |= {"versions": {}, "rules": {}, "reproduce": station, "history_sha256": hashlib.sha256(history).hexdigest()}
    (folder / "run.json").write_text(json.dumps(about))
    violation = {"message": station, "expected": station, "found": found, "station": station, "at": [0, 1]}
    one = {"id": station, "name": station, "level": station, "verdict": "FAIL", "checked": 1, "violations": [violation]}
    (folder / "verdict.json").write_text(json.dumps({**about, "verdict": "FAIL", "invariants": [one]}))
    return folder


def suite(out: Path, name: Any) -> Path:
    out.mkdir(exist_ok=True)
    run = {"scenario": "s", "seed": 0, "verdict": "FAIL", "failed": ["I1"], "invariants": {}, "reproduce": "r"}
    told = {"csms": "c", "verdict": "FAIL", "runs": [{**run, "dir": name}], "exercised": {}}
    (out / "suite.json").write_text(json.dumps(told))
    return out


def test_what_is_there_by_its_name_is_replaced_and_what_a_link_leads_to_is_left(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    run = made(tmp_path / "run")
    for name in ("report.html", "chart.svg"):
        (run / name).symlink_to(kept)
    path = reports.render_run(run)
    assert kept.read_text() == "mine"
    assert not path.is_symlink()
    assert path.read_text("utf-8").startswith("<!")
    out = suite(tmp_path / "out", None)
    (out / "index.html").symlink_to(kept)
    reports.render_suite(out)
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("name", ["../elsewhere", "{there}", "link", "link/deeper", ".", "", 7, "a\0b", ["x"]])
def test_a_suite_writes_below_its_own_folder_only(tmp_path: Path, name: Any) -> None:
    there = made(tmp_path / "elsewhere")
    made(there / "deeper")
    out = suite(tmp_path / "out", name.replace("{there}", str(there)) if isinstance(name, str) else name)
    (out / "link").symlink_to(there)
    page = reports.render_suite(out).read_text("utf-8")
    assert "ERROR" in page
    assert not list(there.rglob("report.html"))
    assert not (out / "report.html").exists()
    assert "is no folder inside" in reports.markdown(out)


def test_a_run_inside_is_reported(tmp_path: Path) -> None:
    out = suite(tmp_path / "out", "s/seed-0")
    made(out / "s" / "seed-0")
    assert 'href="s/seed-0/report.html"' in reports.render_suite(out).read_text("utf-8")


@pytest.mark.parametrize("name", ["run.json", "verdict.json", "history.jsonl"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    run = made(tmp_path / "run")
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(RunUnreadable, match="no regular file"):
        reports.render_run(run)
    (run / name).unlink()
    (run / name).symlink_to("/dev/zero")
    with pytest.raises(RunUnreadable, match="no regular file"):
        reports.render_run(run)


def test_files_and_lines_without_an_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(tmp_path / "run")
    monkeypatch.setattr(files, "LINE_BYTES", 100)
    with pytest.raises(RunUnreadable, match="a line has more than"):
        reports.render_run(run)
    with (run / "history.jsonl").open("wb") as file:
        file.truncate(files.HISTORY_BYTES + 1)
    with pytest.raises(RunUnreadable, match="it has more than"):
        reports.render_run(run)


@pytest.mark.parametrize(
    "rows",
    [
        b'{"i":0,"t":0,"kind":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        b'{"i":0,"t":1e999,"kind":"x"}\n',
        b'{"i":0,"t":1e300,"kind":"x"}\n',
        b'{"i":0,"t":"0","kind":"x"}\n',
        b'{"i":0,"t":0,"kind":["x"]}\n',
        b'{"i":0,"t":5,"kind":"x"}\n{"i":1,"t":4,"kind":"end"}\n',
        b'{"i":0,"t":0,"kind":"frame"}\n{"i":1,"t":0,"kind":"end"}\n',
        b'{"i":0,"t":0,"kind":"truth","station":{},"connector":1}\n{"i":1,"t":0,"kind":"end"}\n',
        b"\xff\n",
    ],
)
def test_a_damaged_history_is_one_sentence_and_exit_code_3(tmp_path: Path, rows: bytes) -> None:
    run = made(tmp_path / "run")
    (run / "history.jsonl").write_bytes(rows)
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**about, "history_sha256": hashlib.sha256(rows).hexdigest()}))
    for command in ("report", "judge", "replay"):
        done = subprocess.run(
            [Path(sys.executable).with_name("interlock"), command, str(run)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 3 or (command == "judge" and done.returncode in (0, 3)), (command, done)
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") <= 1


def test_control_characters_are_in_no_picture_page_or_text(tmp_path: Path) -> None:
    run = made(tmp_path / "run", station=EVIL, found=EVIL)
    page = reports.render_run(run).read_text("utf-8")
    chart = (run / "chart.svg").read_text("utf-8")
    ET.fromstring(chart)
    out = suite(tmp_path / "out", "r")
    made(out / "r", station=EVIL, found=EVIL)
    verdict = json.loads((run / "verdict.json").read_text())
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    shown = [page, chart, reports.markdown(out), reports.text(verdict, rows), reports.junit([verdict])]
    for text in shown:
        assert all(one.isprintable() or one in "\n\t" for one in text)
    for text in (page, chart, reports.markdown(out), reports.junit([verdict])):
        assert "</text><script>" not in text
