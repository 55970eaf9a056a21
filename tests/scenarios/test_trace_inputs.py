"""Recordings in the forms people have them are read as the same exchange, or refused in one sentence with the line."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli import judge as cli_judge
from interlock.scenarios.cli.main import app
from interlock.scenarios.judge import wire_check as outside_checks
from interlock.scenarios.record.trace import NotATrace, Stream, read

from .test_trace import answered, record

BOOT = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
BOOTED = '[3,"1",{"status":"Accepted","currentTime":"2026-03-01T10:00:01Z","interval":300}]'
CLEAR = '[2,"c","ClearCache",{}]'
CLEARED = '[3,"c",{"status":"Accepted"}]'
FRAMES = (BOOT, BOOTED, CLEAR, CLEARED)
EDGES = ["station.sent", "station.received", "station.received", "station.sent"]
TIMES = tuple(f"2026-03-01T10:00:0{number}Z" for number in range(4))


def rows(path: Path) -> list[tuple[str, Any]]:
    return [(fields["edge"], json.loads(fields["text"])) for _, kind, fields in read(path).rows if kind == "frame"]


def put(folder: Path, text: str | bytes, name: str = "log.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def judged(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["judge", *map(str, arguments)])


RECORDS = [
    record(raw=BOOT, timestamp=TIMES[0]),
    answered(raw=BOOTED, timestamp=TIMES[1]),
    record(raw=CLEAR, direction="csms-to-cp", timestamp=TIMES[2]),
    answered(raw=CLEARED, direction="cp-to-csms", timestamp=TIMES[3]),
]
LINES = "".join(json.dumps(one) + "\n" for one in RECORDS)
SIDES = ("cp-to-csms", "csms-to-cp", "csms-to-cp", "cp-to-csms")
SEEN_BY_STATION = ("send", "receive message", "receive message", "send")
SEEN_BY_CSMS = ("receive message", "send", "send", "receive message")
OUT_IN = ("out", "in", "in", "out")

FORMS: dict[str, str | bytes] = {
    "records": LINES,
    "a byte-order mark": b"\xef\xbb\xbf" + LINES.encode(),
    "carriage returns": LINES.replace("\n", "\r\n"),
    "gzip": gzip.compress(LINES.encode()),
    "gzip with a mark": gzip.compress(b"\xef\xbb\xbf" + LINES.encode()),
    "an array": json.dumps(RECORDS),
    "an indented array": json.dumps(RECORDS, indent=2),
    "indented objects": "\n".join(json.dumps(one, indent=1) for one in RECORDS),
    "an ocpp log of a station": "\n".join(
        f"INFO:ocpp:CP_1: {w} {f}" for w, f in zip(SEEN_BY_STATION, FRAMES, strict=True)
    ),
    "an ocpp log of a csms": "\n".join(f"INFO:ocpp:CP_1: {w} {f}" for w, f in zip(SEEN_BY_CSMS, FRAMES, strict=True)),
    "a log with times": "\n".join(
        f"{t.replace('T', ' ').replace('Z', ',250')} INFO ocpp CP_1: {w} {f}"
        for t, w, f in zip(TIMES, SEEN_BY_CSMS, FRAMES, strict=True)
    ),
    "a log with other lines": "starting\n"
    + "".join(f"INFO:ocpp:CP_1: {w} {f}\nDEBUG:x:y\n" for w, f in zip(SEEN_BY_CSMS, FRAMES, strict=True)),
    "arrows": "\n".join(
        f"[{t}] CP_1 {'->' if s == SIDES[0] else '<-'} {f}" for t, s, f in zip(TIMES, SIDES, FRAMES, strict=True)
    ),
    "a table": "time,station,direction,frame\n"
    + "\n".join(f"{t},CP_1,{s},{f}" for t, s, f in zip(TIMES, SIDES, FRAMES, strict=True)),
    "a quoted table": "time;direction;frame\n"
    + "\n".join('{};{};"{}"'.format(t, s, f.replace('"', '""')) for t, s, f in zip(TIMES, OUT_IN, FRAMES, strict=True)),
    "bare frames": "\n".join(FRAMES),
    "an array of frames": f"[{','.join(FRAMES)}]",
    "pairs": json.dumps([[side, json.loads(frame)] for side, frame in zip(SIDES, FRAMES, strict=True)]),
    "a log with sessions": "\n".join(
        f"[INFO ] {t} ws.Logger (qtp-1) - [chargeBoxId=CP_1, sessionId=abc] {w}: {f}"
        for t, w, f in zip(TIMES, ("Received", "Sending", "Sending", "Received"), FRAMES, strict=True)
    ),
    "names and arrows": "\n".join(
        f"{t} info {'CP_1 -> CSMS' if s == SIDES[0] else 'CP_1 <- CSMS'}: {f}"
        for t, s, f in zip(TIMES, SIDES, FRAMES, strict=True)
    ),
    "sentences": "\n".join(
        f"{t} {'Message received from' if s == SIDES[0] else 'Message sent to'} CP001: {f}"
        for t, s, f in zip(TIMES, SIDES, FRAMES, strict=True)
    ),
    "an object around": json.dumps({"tool": "x", "messages": RECORDS}, indent=1),
    "an object around in a line": json.dumps({"messages": RECORDS}),
    "objects in or out": "\n".join(
        json.dumps({"ts": 1772359200 + n, "dir": d, "msg": json.loads(f), "cp": "CP_1"})
        for n, (d, f) in enumerate(zip(OUT_IN, FRAMES, strict=True))
    ),
    "objects with text": "\n".join(
        json.dumps({"time": t, "from": s, "frame": f})
        for t, s, f in zip(TIMES, ("station", "csms", "CSMS", "charge point"), FRAMES, strict=True)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_the_same_exchange(form: str, tmp_path: Path) -> None:
    path = put(tmp_path, FORMS[form])
    assert rows(path) == list(zip(EDGES, map(json.loads, FRAMES), strict=True))
    done = judged(path, "--about", "both")
    assert done.exit_code == 0, done.output
    assert "PASS" in done.stdout


def test_records_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    late = [RECORDS[0], RECORDS[2], RECORDS[1], RECORDS[3]]
    path = put(tmp_path, "".join(json.dumps(one) + "\n" for one in late))
    assert [text for _, text in rows(path)] == [json.loads(one) for one in FRAMES]


def test_an_answer_never_goes_before_its_request(tmp_path: Path) -> None:
    early = [RECORDS[0], {**RECORDS[1], "timestamp": "2026-03-01T09:59:59Z"}]
    path = put(tmp_path, "".join(json.dumps(one) + "\n" for one in early))
    assert [edge for edge, _ in rows(path)] == EDGES[:2]


def test_without_times_or_zones_nobody_is_blamed_for_a_clock(tmp_path: Path) -> None:
    wrong = BOOTED.replace("10:00:01Z", "12:00:01Z")
    for text in (f"INFO:ocpp:CP_1: receive message {BOOT}\nINFO:ocpp:CP_1: send {wrong}\n",):
        done = judged(put(tmp_path, text), "--json")
        found = {one["id"]: one for one in json.loads(done.stdout)["invariants"]}
        assert found["W17"]["verdict"] == "NOT_APPLICABLE"
        assert "time of day" in found["W17"]["reason"]
    unzoned = [record(raw=BOOT, timestamp="2026-03-01T10:00:00"), answered(raw=wrong, timestamp="2026-03-01T10:00:01")]
    done = judged(put(tmp_path, json.dumps(unzoned)), "--json")
    found = {one["id"]: one for one in json.loads(done.stdout)["invariants"]}
    assert found["W17"]["verdict"] == "NOT_APPLICABLE"


def test_connections_that_are_named_are_told_apart(tmp_path: Path) -> None:
    again = [
        {**one, "connectionId": name} for name in ("a", "b") for one in ({"direction": "csms-to-cp", "raw": CLEAR},)
    ]
    done = judged(put(tmp_path, "\n".join(json.dumps(one) for one in again)), "--json")
    found = {one["id"]: one for one in json.loads(done.stdout)["invariants"]}
    assert found["W06"]["verdict"] == "PASS"
    same = [{**one, "connectionId": "a"} for one in again]
    done = judged(put(tmp_path, "\n".join(json.dumps(one) for one in same)), "--json")
    found = {one["id"]: one for one in json.loads(done.stdout)["invariants"]}
    assert found["W06"]["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no message"),
        ("\n \n", "holds no message"),
        ("just words\nand more\n", "line 1: not a JSON object, and no line of it ends in an OCPP-J frame"),
        (f'[{json.dumps(RECORDS[0])},{{"a":', "line 1: the JSON that begins here does not end"),
        ('[{"a": 1}]', "line 1: an object without a frame"),
        ('[{"raw": tru}]', "line 1: not JSON"),
        (LINES + "{broken\n", "line 5: not a JSON object"),
        (f"{BOOT}\n{{}}\n", "line 2: not a JSON array"),
        ('INFO:ocpp:CP_1: send [3,"1",{}]\n', "line 1: it says sent or received, and no request shows"),
        ('[3,"1",{}]\n', "nothing says which side sent any of its 1 messages"),
        ('[2,"1","DataTransfer",{"vendorId":"V"}]\n', "nothing says which side sent any of its 1 messages"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (gzip.compress(LINES.encode())[:-30], "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(NotATrace, match=words) as caught:
        read(put(tmp_path, text))
    assert "\n" not in str(caught.value)


def _peak(path: Path, count: int) -> int:
    """Return what judging a trace of `count` requests and answers, and one wrong answer at its end, takes at most."""
    with path.open("w") as file:
        for number in range(count):
            stamp = f"2026-03-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
            told = {"currentTime": stamp}
            file.write(json.dumps(record(messageId=f"m{number}", timestamp=stamp)) + "\n")
            file.write(json.dumps(answered(messageId=f"m{number}", timestamp=stamp, payload=told)) + "\n")
        file.write(json.dumps(answered(messageId="nobody", timestamp=stamp)) + "\n")
    tracemalloc.start()
    try:
        done = judged(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.exit_code == 1
    assert f"{2 * count + 1} frames" in done.stdout
    assert "violated here" in done.stdout
    return peak


def test_a_trace_of_any_length_is_judged_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_judge, "WHOLE", 100)
    monkeypatch.setattr(outside_checks, "REMEMBERED", 100)
    path = tmp_path / "long.jsonl"
    _peak(path, 150)
    short, long = _peak(path, 150), _peak(path, 1500)
    assert long < short + path.stat().st_size / 4


def test_a_stream_reads_as_it_goes(tmp_path: Path) -> None:
    path = put(tmp_path, LINES + "{broken\n")
    with pytest.raises(NotATrace):
        list(Stream(path))


def test_a_frame_that_nothing_places_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    path = put(tmp_path, "\n".join((*FRAMES, '[2,"d","DataTransfer",{"vendorId":"V"}]')))
    done = judged(path, "-q")
    assert done.exit_code == 0
    assert "over 4 frames" in done.stdout
    assert "1 messages left out, of which nothing says who sent them" in done.stdout
