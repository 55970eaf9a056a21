"""Traces in the Open OCPP Trace format: written so that others can read them, read whoever wrote them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli.main import app
from interlock.scenarios.record import trace, trace_inputs
from interlock.scenarios.record.history import History
from interlock.scenarios.record.trace import NotATrace
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import Job, run, write

SCHEMA = {
    "type": "object",
    "required": ["schemaVersion", "timestamp", "transport", "direction", "messageType"],
    "properties": {
        "schemaVersion": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "ocppVersion": {"type": "string"},
        "transport": {"enum": ["json", "soap"]},
        "chargePointId": {"type": "string"},
        "connectorId": {"type": "integer", "minimum": 0},
        "direction": {"enum": ["cp-to-csms", "csms-to-cp"]},
        "messageType": {"enum": ["CALL", "CALLRESULT", "CALLERROR"]},
        "messageId": {"type": "string"},
        "action": {"type": "string"},
        "raw": {"type": "string"},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
        },
        "meta": {"type": "object"},
    },
    "allOf": [
        {"if": {"properties": {"messageType": {"const": "CALL"}}}, "then": {"required": ["action"]}},
        {
            "if": {"properties": {"messageType": {"const": "CALLERROR"}}},
            "then": {"required": ["error"]},
            "else": {"properties": {"error": False}},
        },
    ],
}
"""What version 1.1 demands of a record, in our own words."""

ALLOWED = {*SCHEMA["properties"], "payload"}  # type: ignore[misc]


def record(**changes: Any) -> dict[str, Any]:
    return {
        "schemaVersion": "1.1",
        "timestamp": "2026-03-01T10:00:00.000Z",
        "ocppVersion": "1.6",
        "transport": "json",
        "chargePointId": "CP-A",
        "direction": "cp-to-csms",
        "messageType": "CALL",
        "messageId": "1",
        "action": "Heartbeat",
        "payload": {},
        **changes,
    }


def answered(**changes: Any) -> dict[str, Any]:
    found = record(direction="csms-to-cp", messageType="CALLRESULT", timestamp="2026-03-01T10:00:01.500Z")
    del found["action"]
    return {**found, "payload": {"currentTime": "2026-03-01T10:00:01Z"}, **changes}


def put(folder: Path, *records: dict[str, Any] | str) -> Path:
    path = folder / "trace.jsonl"
    lines = (one if isinstance(one, str) else json.dumps(one) for one in records)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def judged(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["judge", *map(str, arguments)])


# --- ours ------------------------------------------------------------------------------------------------------------


def test_a_run_goes_through_a_trace_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    outcome = run(Job("heartbeat-vs-unlock", 3, "send-then-append"))
    folder = write(outcome, tmp_path / "run")
    history = History.read(folder)
    count = trace.write(history.rows(), tmp_path / "trace.jsonl", run=history.run)
    validator = jsonschema_rs.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA})
    records = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_bytes().splitlines()]
    assert len(records) == count > 10
    for one in records:
        assert validator.is_valid(one), one
        assert one.keys() <= ALLOWED
        frame = json.loads(one["raw"])
        assert frame[1] == one["messageId"]
        assert one["messageType"] != "CALL" or (frame[2], frame[3]) == (one["action"], one["payload"])
        assert one["messageType"] != "CALLRESULT" or frame[2] == one["payload"]
    assert next(one["action"] for one in records if one["messageType"] == "CALLRESULT") == "BootNotification"
    again = trace.read(tmp_path / "trace.jsonl").history()
    assert again.sha256() == history.run["history_sha256"]
    assert again.run == history.run


def test_a_trace_of_a_run_is_judged_as_the_run_was(tmp_path: Path) -> None:
    folder = write(run(Job("heartbeat-vs-unlock", 3, "send-then-append")), tmp_path / "run")
    first = judged(folder, "--write", tmp_path / "t.jsonl", "--json")
    second = judged(tmp_path / "t.jsonl", "--out", tmp_path / "again", "--json")
    assert first.exit_code == second.exit_code == 1
    assert first.stdout == second.stdout
    assert (tmp_path / "again" / "history.jsonl").read_bytes() == (folder / "history.jsonl").read_bytes()


def test_what_is_no_message_is_kept_beside_the_records() -> None:
    frame = {"edge": "station.sent", "station": "CP01", "socket": 2, "node": "csms"}
    rows: list[Any] = [
        (0.5, "ledger", {"station": "CP01"}),
        (1.0, "frame", {**frame, "text": "nonsense"}),
        (1.5, "frame", {**frame, "text": '[4,"x","GenericError"]'}),
        (2.0, "truth", {"station": "CP01"}),
    ]
    (only,) = trace.records(rows, began=datetime(2026, 5, 1, tzinfo=UTC))
    assert only["timestamp"] == "2026-05-01T00:00:01.500Z"
    assert only["error"] == {"code": "GenericError"}
    assert [one["kind"] for one in only["meta"]["interlock"]["before"]] == ["ledger", "frame"]
    assert [one["kind"] for one in only["meta"]["interlock"]["after"]] == ["truth"]
    assert "action" not in only


# --- somebody else's -------------------------------------------------------------------------------------------------


def test_a_trace_of_another_tool_is_judged_by_what_the_csms_said(tmp_path: Path) -> None:
    done = judged(put(tmp_path, record(x_unknown=1), answered()), "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert re.match(r"PASS: \d+ checks held over 2 frames of 1 station in ", done.stdout.splitlines()[-1])
    assert [seen.t for seen in History.read(tmp_path / "run").of("frame")] == [0.0, 1.5]
    report = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert report.exit_code == 0


def test_raw_is_what_counts(tmp_path: Path) -> None:
    path = put(tmp_path, record(raw='[2,"7","StatusNotification",{}]'), answered())
    assert [json.loads(fields["text"])[1] for _, _, fields in trace.read(path).rows] == ["7", "1"]


def test_a_violation_exits_1_and_points_at_the_records(tmp_path: Path) -> None:
    done = judged(put(tmp_path, record(), answered(), answered()))
    assert done.exit_code == 1
    assert "W02 answers answer something" in done.stdout
    assert "violated here" in done.stdout


def test_an_answer_to_a_call_before_the_trace_is_no_violation(tmp_path: Path) -> None:
    assert judged(put(tmp_path, answered(messageId="before"), record(), answered())).exit_code == 0


def test_errors_are_read_without_raw(tmp_path: Path) -> None:
    failed = answered(messageType="CALLERROR", error={"code": "InternalError", "description": "no"})
    rows = trace.read(put(tmp_path, record(), failed)).rows
    assert json.loads(rows[1][2]["text"]) == [4, "1", "InternalError", "no", {}]


def test_another_version_is_judged_by_its_own_schemas(tmp_path: Path) -> None:
    path = put(tmp_path, record(ocppVersion="2.0.1", action="NotifyReport"), answered(ocppVersion="2.0.1", payload={}))
    done = judged(path, "--json")
    found = {one["id"]: one for one in json.loads(done.stdout)["invariants"]}
    assert found["W03"]["verdict"] == "PASS"
    assert found["S04"]["verdict"] == "FAIL"
    assert (found["W07"]["verdict"], found["W07"]["reason"]) == ("NOT_APPLICABLE", "the record is of OCPP 2.0.1")
    assert found["W01"]["verdict"] == "PASS"


def test_a_version_nobody_knows_is_said_beside_the_verdict(tmp_path: Path) -> None:
    path = put(tmp_path, record(ocppVersion="1.2"), answered(ocppVersion="1.2"))
    assert "2 frames of OCPP 1.2, which is not known here, were judged by OCPP-J alone" in judged(path, "-q").stdout
    unnamed = [record(), answered()]
    for one in unnamed:
        del one["ocppVersion"]
    told = judged(put(tmp_path, *unnamed), "-q").stdout
    assert "no version is named: judged by what all have in common" in told
    unnamed[0] |= {"action": "Authorize", "payload": {"idTag": "A"}}
    assert "no version is named: judged as OCPP 1.6" in judged(put(tmp_path, *unnamed), "-q").stdout


def test_both_sides_or_one_are_judged(tmp_path: Path) -> None:
    asked = record(action="Authorize", payload={"idTag": "T" * 21})
    path = put(tmp_path, asked, answered(payload={"idTagInfo": {"status": "Invalid"}}))
    assert judged(path).exit_code == judged(path, "--about", "station").exit_code == 1
    assert judged(path, "--about", "csms").exit_code == 0
    wrong = judged(path, "--about", "nobody")
    assert isinstance(wrong.exception, Refused)
    assert wrong.exception.code == 2


def test_soap_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    done = judged(put(tmp_path, record(transport="soap"), record(), answered()), "-q")
    assert "1 records of SOAP left out" in done.stdout


def test_a_clock_that_was_set_back_does_not_reorder(tmp_path: Path) -> None:
    path = put(tmp_path, record(timestamp="2026-03-01T10:00:05Z"), answered(timestamp="2026-03-01T10:00:01Z"))
    assert [t for t, _, _ in trace.read(path).rows] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "holds no message"),
        (("nonsense",), "line 1: not a JSON object"),
        (("[1]",), "not a JSON object"),
        ((record(), "[" * 100_000), "line 2: not a JSON object"),
        ((record(schemaVersion="2.0"),), "reads 1.x"),
        ((record(transport="carrier pigeon"),), "transport is"),
        ((record(direction=["cp-to-csms"]),), "direction is"),
        ((record(messageType="SEND"),), "messageType is"),
        ((record(timestamp="yesterday"),), "timestamp is"),
        ((record(action=None),), "without an action"),
        ((record(transport="soap"),), "no message that is not SOAP"),
        ((record(meta={"interlock": {"before": [1]}}),), "meta.interlock"),
        ((record(meta={"interlock": {"before": [{"t": 0, "kind": "x", "fields": {"i": 1}}]}}),), "meta.interlock"),
    ],
)
def test_what_is_no_trace_is_one_sentence_and_exit_3(lines: tuple[Any, ...], words: str, tmp_path: Path) -> None:
    path = put(tmp_path, *lines)
    with pytest.raises(NotATrace, match=words):
        trace.read(path)
    done = judged(path)
    assert isinstance(done.exception, Refused)
    assert done.exception.code == 3
    assert "\n" not in done.exception.sentence


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = judged(tmp_path / "nowhere.jsonl")
    assert isinstance(done.exception, Refused)
    assert "cannot be read" in done.exception.sentence


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_inputs, "LINE_BYTES", 1000)
    with pytest.raises(NotATrace, match="longer than 1000 bytes"):
        trace.read(put(tmp_path, record(payload={"x": "y" * 2000})))
