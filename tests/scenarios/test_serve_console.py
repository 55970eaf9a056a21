"""What `interlock serve` tells and records: a line for each who comes, goes or is refused, and a run directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.csms.node import Csms
from interlock.scenarios.cli import main as cli
from interlock.scenarios.cli.serve_console import (
    FROM_STATION,
    MOST_A_SECOND,
    TO_STATION,
    Console,
    Record,
    watched,
)
from interlock.scenarios.record.history import History
from interlock.scenarios.refused import Refused


def test_each_line_says_who_and_why_and_nothing_of_a_stations_text_reaches_the_terminal() -> None:
    lines: list[str] = []
    console = Console("text", lambda: 3600.0, lines.append)
    console.tell("comes", station="CP1\x1b[2J", protocol="ocpp1.6")
    console.turned_away("10.0.0.1", "/nope\n", "stations connect to /ocpp/STATION-ID")
    assert lines == [
        "01:00:00  comes    CP1?[2J              protocol ocpp1.6",
        "01:00:00  refused  /nope?               address 10.0.0.1   stations connect to /ocpp/STATION-ID",
    ]


def test_a_storm_is_counted_and_not_told_one_by_one() -> None:
    lines: list[str] = []
    now = [5.0]
    console = Console("json", lambda: now[0], lines.append)
    for n in range(1000):
        console.tell("comes", station=f"CP{n}", protocol="ocpp1.6")
    assert len(lines) == MOST_A_SECOND
    now[0] = 6.0
    console.tell("goes", station="CP1", why="connection lost")
    more, last = map(json.loads, lines[-2:])
    assert (more["event"], more["lines"]) == ("more", str(1000 - MOST_A_SECOND))
    assert (last["event"], last["station"], last["why"]) == ("goes", "CP1", "connection lost")


def test_what_was_recorded_is_a_run_that_judge_and_report_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    record = Record(tmp_path / "run", "reference", lambda: now[0])
    record.came("CP1", 1, "ocpp1.6")
    boot = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
    answer = '[3,"1",{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":300}]'
    record.frame("CP1", 1, FROM_STATION, boot)
    now[0] = 101.0
    record.frame("CP1", 1, TO_STATION, answer)
    record.frame("CP1", 1, TO_STATION, '[3,"7",{}]')  # an answer to nothing: wrong
    record.went("CP1", 1, "connection lost")
    record.end()
    history = History.read(tmp_path / "run")
    assert [seen["text"] for seen in history.of("frame")][:2] == [boot, answer]
    for words, code in ((("judge",), 1), (("report",), 0)):
        with pytest.raises(SystemExit) as end:
            cli.main([*words, str(tmp_path / "run")])
        assert end.value.code == code, capsys.readouterr()
    assert (tmp_path / "run" / "report.html").exists()
    with pytest.raises(Refused, match="holds a run already"):
        Record(tmp_path / "run", "reference", lambda: now[0])


def test_a_design_that_nobody_watches_is_the_design_itself() -> None:
    assert watched(Csms, None, None) is Csms
    told = watched(Csms, Console("text", lambda: 0.0, lambda _: None), None)
    assert issubclass(told, Csms)
    assert issubclass(told.connection_class, Csms.connection_class)
