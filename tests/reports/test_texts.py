"""JUnit, Markdown and the terminal's text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from interlock import reports
from interlock.reports.markdown import MOST_BYTES, mermaid
from interlock.reports.run import clean, read_run, violations
from interlock.reports.story import tell
from interlock.reports.words import frame_label


def verdict(run_dir: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run_dir / "verdict.json").read_text("utf-8"))
    return found


def test_junit_counts_and_names_the_violations(naive_run: Path, held_run: Path) -> None:
    bad, good = verdict(naive_run), verdict(held_run)
    unclear, broken = {**good, "verdict": "INCONCLUSIVE"}, {**good, "verdict": "ERROR"}
    root = ET.fromstring(reports.junit([bad, good, unclear, broken]))
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message", "").startswith("violated: I02")
    assert "interlock run heartbeat-vs-unlock --seed 0 --csms send-then-append" in (failure.text or "")


def test_the_summary_has_a_diagram_mermaid_can_read(naive: Path) -> None:
    text = reports.markdown(naive)
    assert len(text.encode()) < MOST_BYTES
    diagram = re.search(r"```mermaid\n(.*?)```", text, re.S)
    assert diagram is not None
    first, *lines = diagram.group(1).strip().splitlines()
    assert first == "sequenceDiagram"
    known = {line.split()[1] for line in lines if line.strip().startswith("participant")}
    for line in lines:
        words = line.strip()
        if words.startswith("participant"):
            continue
        match = re.fullmatch(r"(?:(p\d)(?:->>|-x)(p\d)|Note over (p\d)(?:,(p\d))?): [^;#<>]+", words)
        assert match is not None, words
        assert {name for name in match.groups() if name} <= known


def test_a_diagram_of_nothing_is_nothing(held_run: Path) -> None:
    assert mermaid(tell(read_run(held_run).rows, {"at": []})) == ""


def test_the_terminal_shows_expected_found_steps_and_the_line_to_repeat(naive_run: Path) -> None:
    rows = read_run(naive_run).rows
    shown = reports.text(verdict(naive_run), rows)
    for words in ("I02 no double unlock", "expected", "found", "<-- violated here", "again:  interlock run"):
        assert words in shown


def test_violations_come_musts_first(naive_run: Path) -> None:
    levels = [invariant["level"] for invariant, _ in violations(read_run(naive_run).verdict)]
    assert levels == sorted(levels, key=["MUST", "SHOULD", "MAY"].index)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('[2,"1","Heartbeat",{}]', "Heartbeat"),
        ('[2,"1","UnlockConnector",{"connectorId":2}]', "UnlockConnector 2"),
        ('[3,"1",{"status":"Unlocked"}]', "answer to 1: Unlocked"),
        ('[4,"1","GenericError","",{}]', "error to 1: GenericError"),
        ("[2", "? [2"),
        ("[2,1]", "? [2,1]"),
        ("[3,1,null]", "? [3,1,null]"),
        ("{}", "? {}"),
        ("\x1b[2J", "? \N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_a_frame_is_named_whatever_it_is(text: str, label: str) -> None:
    assert frame_label(text) == label


def test_clean_clips_and_keeps_to_one_line() -> None:
    assert clean("a\nb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(clean("x" * 500)) == 200
