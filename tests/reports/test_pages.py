"""The page and the chart: self-contained, small, well-formed, and true to the run."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from interlock import reports
from interlock.reports.belief import connectors, growth, requests, uptime
from interlock.reports.chart import draw
from interlock.reports.run import read_run, violations
from interlock.reports.scene import scenes
from interlock.reports.story import MOST, tell

ROOT = Path(__file__).parent.parent.parent


class Loads(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses in a tag."""
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset", "poster", "data") and value:
                self.found.append(value)


def test_a_page_stands_alone_and_is_small(naive_run: Path) -> None:
    page = reports.render_run(naive_run).read_text("utf-8")
    assert len(page.encode()) < 500_000
    loads = Loads()
    loads.feed(page)
    assert all(found.startswith("#") for found in loads.found), loads.found
    assert not re.search(r"@import|url\(\s*['\"]?http", page)


def test_a_page_says_what_was_violated_and_how_to_see_it_again(naive_run: Path) -> None:
    page = re.sub("</?span>", "", reports.render_run(naive_run).read_text("utf-8"))
    for words in (
        "no double unlock",
        "interlock run heartbeat-vs-unlock --seed 0 --csms send-then-append",
        "simulated s",
    ):
        assert words in page
    assert page.count("<svg") == 2, "two plots, in the colours of the page"
    assert "var(--ink)" in page
    assert "data:image" not in page


def test_a_story_is_told_once_with_every_violation_pinned_on_it(naive_run: Path) -> None:
    run = read_run(naive_run)
    [scene] = scenes(run, read_run(naive_run / "reference"))
    pins = {pin for step in scene.story.steps for pin in step.pins}
    assert pins == {invariant["id"] for invariant, _ in violations(run.verdict)}
    assert pins >= {"I02", "I03", "I04", "I15"}
    for invariant, _, i in scene.violations:
        [step] = [step for step in scene.story.steps if step.i == i]
        assert step.moment
        assert invariant["id"] in step.pins
    assert reports.render_run(naive_run).read_text("utf-8").count('class="story ') == 1
    overtaken = [step.label for step in scene.story.steps if step.overtaken]
    assert overtaken == ["v7 HeartbeatReceived", "v8 HeartbeatReceived", "v9 HeartbeatReceived"]


def test_what_the_reference_did_stands_beside_what_it_matches(naive_run: Path) -> None:
    run = read_run(naive_run)
    [scene] = scenes(run, read_run(naive_run / "reference"))
    pairs = [(line.step and line.step.label, line.beside and line.beside.label) for line in scene.lines]
    assert ("r1: Unlock 1", "r1: Unlock 1") in pairs
    assert (None, "v7 Unlock 1 requested") in pairs
    assert ("r1 again (2): Unlock 1", None) in pairs
    unlocks = [pair for pair in pairs if pair[0] == "lock 1 unlocked (remote)"]
    assert unlocks == [("lock 1 unlocked (remote)", "lock 1 unlocked (remote)"), ("lock 1 unlocked (remote)", None)]
    [alone] = scenes(run, None)
    assert not alone.aligned
    assert all(line.step and not line.beside for line in alone.lines)


def test_each_step_has_its_raw_frame_and_the_state_around_it(naive_run: Path) -> None:
    [scene] = scenes(read_run(naive_run), None)
    [call, again] = [line for line in scene.lines if line.step and line.step.label == "UnlockConnector 1"]
    assert json.loads(call.raw)[2:] == ["UnlockConnector", {"connectorId": 1}]
    assert call.raw != again.raw
    first = next(line for line in scene.lines if line.step and line.step.label == "lock 1 unlocked (remote)")
    [changed] = [one for one in first.changes if one.changed]
    assert (changed.whose, changed.what, changed.before, changed.after) == (
        "at the station",
        "lock 1",
        None,
        "unlocked",
    )
    stored = [line for line in scene.lines if line.step and line.step.label == "v7 HeartbeatReceived"]
    assert [(one.before, one.after) for one in stored[0].changes if one.what == "version"] == [("6", "7")]


def test_what_a_run_against_a_foreign_csms_cannot_see_is_not_called_lost(naive_run: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    shutil.copytree(naive_run, seen)
    rows = [json.loads(line) for line in (seen / "history.jsonl").read_text("utf-8").splitlines()]
    hidden = [row for row in rows if not str(row.get("edge", "")).startswith("csms.")]
    for number, row in enumerate(hidden):
        row["i"] = number
    rewritten(seen, "".join(f"{json.dumps(row)}\n" for row in hidden).encode())
    run = read_run(seen)
    story = tell(run.rows, {"station": "CP01", "at": [row["i"] for row in hidden if row["kind"] == "ledger"][:2]})
    assert "lost" not in {step.tone for step in story.steps}
    assert "UnlockConnector 1" in {step.label for step in story.steps if step.to == "CP01 #1"}


def test_a_page_of_a_run_that_held_has_no_chart(held_run: Path) -> None:
    page = reports.render_run(held_run).read_text("utf-8")
    assert "VIOLATED" not in page
    assert not (held_run / "chart.svg").exists()


def test_the_picture_of_the_readme_is_what_the_race_draws(naive_run: Path) -> None:
    """`make picture` draws it anew."""
    reports.render_run(naive_run)
    assert (ROOT / "docs" / "race.svg").read_text("utf-8") == (naive_run / "chart.svg").read_text("utf-8")


def test_a_chart_has_a_lane_for_each_party_and_marks_the_moment(naive_run: Path) -> None:
    run = read_run(naive_run)
    for _, violation in violations(run.verdict):
        story = tell(run.rows, violation)
        assert len(story.steps) <= MOST
        assert [step.moment for step in story.steps].count(True) == 1
        tree = ET.fromstring(draw(story, "a title"))
        words = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
        assert words.count("VIOLATED") == 1
        if story.lanes:
            titles = [title for _, title in story.lanes]
            assert titles[:2] == ["operator", "event log"]
            assert {"CSMS node1", "CP01 socket 1"} <= set(titles)
            assert set(titles) <= set(words)


def test_what_the_csms_believes_stands_beside_what_is_true(naive_run: Path, held_run: Path) -> None:
    [wrong] = requests(read_run(naive_run))
    assert (wrong.belief, wrong.truth, wrong.differs) == ("accepted", "happened 2 times", True)
    assert 'tr class="differs"' in reports.render_run(naive_run).read_text("utf-8")
    [right] = requests(read_run(held_run))
    assert (right.belief, right.truth, right.differs) == ("accepted", "happened once", False)
    assert all(not one.differs for one in connectors(read_run(held_run)))


def test_uptime_and_growth_are_those_of_the_log(held_run: Path) -> None:
    run = read_run(held_run)
    [(station, seconds, share)] = uptime(run)
    assert station == "CP01"
    assert 0 < seconds < run.rows[-1]["t"]
    assert share == pytest.approx(seconds / max(row["t"] for row in run.of("phase")))
    stored = sum(len(row) > 0 for row in run.of("log"))
    assert sum(count for _, count in growth(run)) == stored


HOSTILE = "<script>alert(1)</script>\"'&]]>\x1b[2J\u202e;-->``` \ud83d\ude00" + "A" * 5000


def hostile(run_dir: Path, to: Path) -> Path:
    """Copy a run with every text a station chooses turned into something nasty."""
    shutil.copytree(run_dir, to)
    lines = []
    for line in (to / "history.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        for name in ("text", "why", "reason", "answer", "status", "error"):
            if name in row and isinstance(row[name], str):
                row[name] = HOSTILE
        if isinstance(row.get("data"), dict):
            row["data"] = {
                key: HOSTILE if key in ("status", "vendor", "model", "why") else value
                for key, value in row["data"].items()
            }
        lines.append(json.dumps(row))
    return rewritten(to, "".join(f"{line}\n" for line in lines).encode())


def rewritten(run_dir: Path, history: bytes) -> Path:
    """Replace the history of a run, and the name by which `run.json` knows it."""
    (run_dir / "history.jsonl").write_bytes(history)
    about = json.loads((run_dir / "run.json").read_text("utf-8"))
    about["history_sha256"] = hashlib.sha256(history).hexdigest()
    (run_dir / "run.json").write_text(json.dumps(about), "utf-8")
    return run_dir


def test_what_a_station_says_stays_text(naive_run: Path, tmp_path: Path) -> None:
    nasty = hostile(naive_run, tmp_path / "nasty")
    verdict = json.loads((nasty / "verdict.json").read_text("utf-8"))
    for invariant in verdict["invariants"]:
        for violation in invariant["violations"]:
            violation.update(message=HOSTILE, expected=HOSTILE, found=HOSTILE)
    (nasty / "verdict.json").write_text(json.dumps(verdict), "utf-8")
    page = reports.render_run(nasty).read_text("utf-8")
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert len(page.encode()) < 500_000
    ET.fromstring((nasty / "chart.svg").read_text("utf-8"))
    shown = reports.text(verdict, read_run(nasty).rows)
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) < 400
    ET.fromstring(reports.junit([verdict]))


def test_a_damaged_run_is_said_to_be_one(naive_run: Path, tmp_path: Path) -> None:
    """One byte or one line changed anywhere: a report, or a sentence; nothing else."""
    rng = random.Random(5)
    told: list[tuple[str, str]] = []
    for number in range(60):
        copy = tmp_path / str(number)
        shutil.copytree(naive_run, copy)
        path = copy / rng.choice(["run.json", "verdict.json", "history.jsonl"])
        data = bytearray(path.read_bytes())
        match number % 3:
            case 0:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 1:
                del data[rng.randrange(len(data)) :]
            case _:
                at = rng.randrange(len(data))
                del data[at : at + rng.randrange(1, 40)]
        path.write_bytes(bytes(data))
        try:
            reports.render_run(copy)
        except reports.RunUnreadable as error:
            told.append((str(copy), str(error)))
        else:
            assert path.name != "history.jsonl"
    assert len(told) > 30
    assert all(where in sentence and "\n" not in sentence for where, sentence in told)


@pytest.mark.parametrize("kind", ["frame", "ledger", "request.asked", "log", "truth"])
def test_an_observation_without_its_fields_is_damage(naive_run: Path, tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(naive_run, copy)
    rows = read_run(copy).rows
    bare = [{name: row[name] for name in ("i", "t", "kind")} if row["kind"] == kind else row for row in rows]
    rewritten(copy, "".join(json.dumps(row) + "\n" for row in bare).encode())
    with pytest.raises(reports.RunUnreadable, match="damaged"):
        reports.render_run(copy)


@pytest.mark.parametrize("text", ['[2,"m1"]', '[3,"m1"]', "[2]", "[]", "7", "[[],[],[]]", "[2,{},null,7]", ""])
def test_a_frame_of_any_form_is_drawn(held_run: Path, tmp_path: Path, text: str) -> None:
    copy = shutil.copytree(held_run, tmp_path / "run")
    rows = read_run(copy).rows
    sent = next(row for row in rows if row["kind"] == "frame" and row["edge"] == "station.sent")
    sent["text"] = text
    rewritten(copy, "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert reports.render_run(copy).exists()


def test_a_run_that_cannot_be_drawn_keeps_its_verdict_and_is_named(held_run: Path, tmp_path: Path) -> None:
    suite = shutil.copytree(held_run.parent.parent, tmp_path / "suite")
    rewritten(suite / "heartbeat-vs-unlock" / "seed-0", b'{"i":0,"t":0}\n')
    page = reports.render_suite(suite).read_text("utf-8")
    assert "1 of 1 run held" in page
    assert "Runs without a page" in page
    assert "could not be judged</li>" not in page
