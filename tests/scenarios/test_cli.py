"""The `interlock` command as a user meets it: what it prints, and the exit codes 0, 1, 2 and 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = "import sys; from interlock.scenarios.cli.main import main; main(sys.argv[1:])"


def interlock(*arguments: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("INTERLOCK", "GITHUB"))}
    return subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_run_that_holds_exits_0_and_says_where_the_report_is(tmp_path: Path) -> None:
    done = interlock("run", "heartbeat-vs-unlock", "--seed", "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PASS" in done.stdout
    assert (tmp_path / "interlock-out" / "index.html").exists()


def test_a_violation_exits_1_and_tells_the_story_and_how_to_see_it_again(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = interlock(
        *("run", "heartbeat-vs-unlock", "--csms", "send-then-append", "--junit", "out/j.xml"),
        cwd=tmp_path,
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.returncode == 1
    for word in ("I02 no double unlock", "expected", "found", "violated here", "append refused"):
        assert word in done.stdout
    assert "interlock run heartbeat-vs-unlock --seed 0 --csms send-then-append" in done.stdout
    assert ET.parse(tmp_path / "out" / "j.xml").getroot().get("failures") == "1"
    assert "sequenceDiagram" in summary.read_text("utf-8")
    folder = tmp_path / "interlock-out" / "heartbeat-vs-unlock" / "send-then-append-seed-0"
    report = folder / "report.html"
    assert report.stat().st_size < 500_000
    text = report.read_text("utf-8")
    for namespace in ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"):
        text = text.replace(namespace, "")
    assert "http://" not in text
    assert "https://" not in text
    again = interlock("replay", folder, cwd=tmp_path)
    assert again.returncode == 1
    assert "byte for byte" in again.stdout


def test_json_is_all_that_is_printed(tmp_path: Path) -> None:
    done = interlock("run", "two-unlocks-one-node", "--seeds", "2", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["verdict"] == "PASS"
    assert len(found["runs"]) == 2


def test_a_version_is_asked_for_printed_kept_and_in_the_line_that_does_it_again(tmp_path: Path) -> None:
    flags = ("--csms", "send-then-append", "--json")
    done = interlock("run", "heartbeat-vs-unlock", "--ocpp", "both", *flags, cwd=tmp_path)
    assert done.returncode == 1
    runs = json.loads(done.stdout)["runs"]
    assert [one["ocpp"] for one in runs] == ["1.6", "2.0.1"]
    assert all(set(one["failed"]) >= {"I02", "I03"} for one in runs)  # the naive design loses under both
    line = "interlock run heartbeat-vs-unlock --seed 0 --ocpp 2.0.1 --csms send-then-append"
    assert runs[1]["reproduce"] == line
    folder = tmp_path / "interlock-out" / "heartbeat-vs-unlock" / "send-then-append-ocpp2.0.1-seed-0"
    assert json.loads((folder / "run.json").read_text("utf-8"))["ocpp"] == "2.0.1"
    assert "replayed: the same" in interlock("replay", str(folder), cwd=tmp_path).stdout


def test_a_search_speaks_the_later_version_and_its_find_runs_by_itself(tmp_path: Path) -> None:
    flags = ("--csms", "send-then-append", "--budget", "64", "--jobs", "1")
    done = interlock("search", "heartbeat-vs-unlock", "--ocpp", "2.0.1", *flags, cwd=tmp_path)
    assert done.returncode == 1
    found = json.loads((tmp_path / "interlock-out" / "search" / "search.json").read_text("utf-8"))
    assert found["ocpp"] == ["2.0.1"]
    assert "--ocpp 2.0.1 --seed 0" in done.stdout
    path = tmp_path / found["found"]["scenario"]
    assert "ocpp='2.0.1'" in path.read_text("utf-8")
    assert interlock("run", str(path), "--csms", "send-then-append", "--quiet", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nonsense"], "no scenario is called 'nonsense'"),
        (["run", "heartbeat-vs-unlock", "--csms", "nonsense"], "no CSMS is called 'nonsense'"),
        (["run"], "nothing to run"),
        (["run", "--suite", "heartbeat-vs-unlock"], "not both"),
        (["run", "heartbeat-vs-unlock", "--seed", "-1"], "--seed: it is 0 or more"),
        (["run", "heartbeat-vs-unlock", "--seed", "x"], "--seed: it is a whole number"),
        (["run", "heartbeat-vs-unlock", "--ocpp", "2.1"], "--ocpp"),
        (["run", "heartbeat-vs-unlock", "--target", "ws://x", "--control", "http://x"], "INTERLOCK_API_TOKEN"),
        (["prove", "counted-transaction-ids", "--ocpp", "2.0.1"], "the station names its transactions"),
        (["explain", "heartbeat-vs-unlok"], "did you mean heartbeat-vs-unlock?"),
        (["list", "everything"], "there is no list of 'everything'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = interlock(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_config_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_text("[run\n")
    done = interlock("list", cwd=tmp_path)
    assert (done.returncode, "is not TOML" in done.stderr) == (2, True)


def test_config_and_environment_set_options(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_text("[run]\nseed = 4\n")
    assert "seed 4" in interlock("run", "two-unlocks-one-node", cwd=tmp_path).stdout
    assert "seed 5" in interlock("run", "two-unlocks-one-node", cwd=tmp_path, INTERLOCK_RUN_SEED="5").stdout


def test_damaged_and_missing_run_directories_exit_3(tmp_path: Path) -> None:
    assert interlock("run", "two-unlocks-one-node", cwd=tmp_path).returncode == 0
    folder = tmp_path / "interlock-out" / "two-unlocks-one-node" / "seed-0"
    history = folder / "history.jsonl"
    history.write_bytes(history.read_bytes()[:-200])
    for command in ("replay", "report"):
        for where in (folder, tmp_path / "nowhere"):
            done = interlock(command, where, cwd=tmp_path)
            assert done.returncode == 3, done.stderr
            assert done.stderr.startswith("interlock: ")
            assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = interlock("run", "two-unlocks-one-node", "--out", "taken", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_exits_3(tmp_path: Path) -> None:
    done = interlock("run", "two-unlocks-one-node", "--junit", "/dev/full", cwd=tmp_path)
    assert done.returncode == 3
    assert "No space left" in done.stderr


def test_list_explain_version_help_and_completion(tmp_path: Path) -> None:
    listed = interlock("list", "--json", cwd=tmp_path)
    for entries in json.loads(listed.stdout).values():
        assert entries
    for one in ("heartbeat-vs-unlock", "send-then-append", "I02", "crash_at", "call.written", "accepts-second"):
        assert interlock("explain", one, cwd=tmp_path).returncode == 0
    assert interlock("--version", cwd=tmp_path).stdout.startswith("interlock 0.")
    assert "--install-completion" in interlock("--help", cwd=tmp_path).stdout
