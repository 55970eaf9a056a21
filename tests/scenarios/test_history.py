from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.scenarios.record.history import History, HistoryDamaged, seconds

from .histories import START, UNLOCK, Story


def short() -> History:
    now = [0.0]
    history = History(lambda: now[0])
    history.observe("phase", name="faults")
    now[0] = 1.23456789
    history.observe("ledger", station="CP01", connector=1, part="lock", action="unlocked", by="remote", message_id="m")
    history.observe("ledger", by="driver", message_id=None, part="lock", action="locked", connector=1, station="CP01")
    return history


def test_observations_are_numbered_timed_and_read_by_name() -> None:
    _, unlocked, _ = short().observations
    assert (unlocked.i, unlocked.t, unlocked.kind) == (1, 1.234568, "ledger")
    assert unlocked.part == unlocked["part"] == unlocked.get("part") == "lock"
    assert unlocked.get("colour") is None
    with pytest.raises(AttributeError, match="colour"):
        _ = unlocked.colour
    assert "unlocked" in repr(unlocked)


def test_reading_sees_what_was_observed_since() -> None:
    history = short()
    assert len(history.of("ledger")) == 2
    history.observe("ledger", station="CP01", connector=1, part="lock", action="locked", by="driver", message_id=None)
    assert len(history.of("ledger")) == 3
    assert history.of("nothing") == ()


def test_a_file_is_the_same_bytes_whatever_order_fields_came_in(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    digest = short().write(path)
    lines = path.read_text().splitlines()
    assert lines[0] == '{"i":0,"t":0.0,"kind":"phase","name":"faults"}'
    assert lines[1].startswith('{"i":1,"t":1.234568,"kind":"ledger","action":"unlocked","by":"remote","connector":1')
    assert list(json.loads(lines[1]))[3:] == list(json.loads(lines[2]))[3:]
    assert lines[3] == '{"i":3,"t":1.234568,"kind":"end","count":3}'
    assert digest == short().sha256()
    assert [json.loads(line) for line in lines[:-1]] == short().as_json()


def test_a_file_is_the_same_bytes_under_another_hash_seed() -> None:
    program = "from tests.scenarios.test_history import short; print(short().sha256())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_names_of_the_history_cannot_be_fields() -> None:
    history = History(lambda: 0.0)
    history.observe("strange", i=3)
    with pytest.raises(ValueError, match="belongs to the history"):
        history.sha256()


def test_it_reads_back_as_it_was_written(tmp_path: Path) -> None:
    history = Story().command().charge().rest()
    digest = history.write(tmp_path / "history.jsonl")
    run = {"schema": 1, "history_sha256": digest, "observations": len(history), "rules": {"lateness_s": 5}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    again = History.read(tmp_path)
    assert again.as_json() == history.as_json()
    assert again.run == run
    assert again.rules == {"lateness_s": 5}
    assert again.sha256() == digest
    assert again.commands["c1"].outcomes()[0][0] == "accepted"


# --- damage ----------------------------------------------------------------------------------------------------------

Lines = list[bytes]


def dropped(lines: Lines) -> Lines:
    return lines[:4] + lines[5:]


def swapped(lines: Lines) -> Lines:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def renumbered(lines: Lines) -> Lines:
    """Drop a line and hide it by counting anew."""
    kept = [json.loads(line) for line in lines[:4] + lines[5:]]
    return [json.dumps({**line, "i": i}).encode() + b"\n" for i, line in enumerate(kept)]


def altered(lines: Lines) -> Lines:
    return [line.replace(b"unlocked", b"locked") for line in lines]


def backwards(lines: Lines) -> Lines:
    line = json.loads(lines[9])
    return [*lines[:9], json.dumps({**line, "t": 0.0}).encode() + b"\n", *lines[10:]]


DAMAGE: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "a line dropped": (dropped, r"history.jsonl line 5: observation 5 stands where 4 belongs"),
    "two lines swapped": (swapped, r"history.jsonl line 5: observation 5 stands where 4 belongs"),
    "a line dropped and the rest renumbered": (renumbered, r"the end counts \d+ observations, there are \d+"),
    "a word altered": (altered, r"was changed after it was written"),
    "time runs backwards": (backwards, r"line 10: time runs backwards"),
    "the end missing": (lambda lines: lines[:-1], r"the end is missing"),
    "cut in the middle of a line": (lambda lines: [*lines[:-1], lines[-1][:9]], r"ends in the middle of the line"),
    "cut to nothing": (lambda lines: [], r"history.jsonl is empty"),
    "something after the end": (
        lambda lines: [*lines, f'{{"i":{len(lines)},"t":9e9,"kind":"x"}}\n'.encode()],
        r"something after the end",
    ),
    "no JSON": (lambda lines: [*lines[:16], b"{nonsense\n", *lines[17:]], r"history.jsonl line 17: not a JSON object"),
    "no object": (lambda lines: [b"[1]\n", *lines[1:]], r"history.jsonl line 1: not a JSON object"),
    "no text": (lambda lines: [b"\xff\xfe\n", *lines[1:]], r"history.jsonl line 1: not a JSON object"),
    "no kind": (lambda lines: [b'{"i":0,"t":0}\n', *lines[1:]], r"line 1: an observation needs i, t and kind"),
    "i is a word": (lambda lines: [b'{"i":"0","t":0,"kind":"x"}\n', *lines[1:]], r"line 1: an observation needs"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_told_in_one_sentence(tmp_path: Path, how: str) -> None:
    damage, told = DAMAGE[how]
    path = tmp_path / "history.jsonl"
    history = Story().command().rest()
    (tmp_path / "run.json").write_text(json.dumps({"history_sha256": history.write(path)}))
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(HistoryDamaged, match=told) as caught:
        History.read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, r"run.json cannot be read: No such file"),
        ("{", r"run.json is not a JSON object"),
        ("[]", r"run.json is not a JSON object"),
        ('{"schema": 2}', r"run.json has schema 2, this program reads 1"),
        ('{"rules": []}', r"run.json has rules that are not an object"),
        ('{"observations": 3}', r"has \d+ observations, run.json says 3"),
    ],
)
def test_a_damaged_run_file_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    Story().rest().write(tmp_path / "history.jsonl")
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(HistoryDamaged, match=told):
        History.read(tmp_path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(HistoryDamaged, match=r"history.jsonl cannot be read: No such file"):
        History.load(tmp_path / "history.jsonl")


# --- readings --------------------------------------------------------------------------------------------------------


def test_a_command_is_folded_from_the_log() -> None:
    story = Story()
    story.command(steps=("asked", "intent", "answered", "called"))
    story.outcome("CommandInDoubt")
    story.outcome("CommandUnknown")
    command = story.rest().commands["c1"]
    assert [phase for phase, _ in command.steps] == ["in-doubt", "unknown"]
    assert [phase for phase, _ in command.outcomes()] == ["unknown"]
    assert (command.kind, command.station, command.request_id, command.asked) == ("Unlock", "CP01", "r1", UNLOCK)


def test_an_event_of_the_log_is_placed_where_it_was_stored() -> None:
    history = Story().command().rest()
    event = history.commands["c1"].intent
    stored = history.observations[event.i]
    assert (stored.kind, stored["id"], stored.t) == ("stored", event.id, event.t)
    assert event.at == seconds(event.data["at"])


def test_calls_frames_and_effects_are_found_by_message() -> None:
    history = Story().command().rest()
    call = history.call("CP01", "c1")
    assert call is not None
    assert call["request_id"] == "r1"
    assert len(history.call_frames["CP01", "c1"]) == 1
    assert [seen.kind for seen in history.caused("CP01", "c1")] == ["ledger"]
    assert [seen["status"] for seen in history.obeyed("CP01", "c1")] == ["Unlocked"]
    assert history.call("CP01", None) is None


def test_frames_that_are_no_messages_are_no_messages() -> None:
    history = History(lambda: 0.0)
    for text in ("", "{", "[]", "[2]", '{"2":1}', "2", '[2,"a","B",{}]', "[" * 100_000):
        history.observe("frame", edge="csms.sent", station="CP01", socket=1, node="node1", text=text)
    assert list(history.call_frames) == [("CP01", "a")]


def test_requests_and_sessions_are_paired() -> None:
    history = Story().command(asked=START).charge(message_id="c1").rest()
    request = history.requests["r1", 1]
    assert request.asked is not None
    assert [answer["answer"] for answer in request.answers] == ["accepted"]
    (session,) = history.sessions
    assert session.ended is not None
    assert session.begun["message_id"] == "c1"
