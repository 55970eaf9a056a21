"""Whatever is recorded, it is judged or refused in a sentence: no payload and no file breaks the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from interlock.scenarios.cli.main import app
from interlock.scenarios.judge.invariants import judge
from interlock.scenarios.judge.ledger_checks import Answers
from interlock.scenarios.judge.ledger_checks import judge as judge_load
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.judge.wire import Judgement
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.history import History
from interlock.scenarios.record.versions import names
from interlock.scenarios.refused import Refused

from .histories import Story
from .wire_examples import BEGAN, good, newer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted(
    names(
        "connectorId transactionId meterStart meterStop timestamp idTag status interval currentTime idTagInfo "
        "meterValue sampledValue value transactionInfo seqNo eventType key evse chargingProfile "
        "csChargingProfiles errorCode"
    )
)
ACTIONS = sorted(
    names(
        "BootNotification StartTransaction StopTransaction MeterValues StatusNotification Heartbeat "
        "TransactionEvent RemoteStartTransaction UnlockConnector TriggerMessage SetChargingProfile "
        "ChangeConfiguration Nothing"
    )
)
PAYLOADS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5)
MESSAGES = (
    st.tuples(st.just(2), st.sampled_from("abc"), st.sampled_from(ACTIONS), PAYLOADS | JSON).map(list)
    | st.tuples(st.just(3), st.sampled_from("abc"), PAYLOADS | JSON).map(list)
    | st.tuples(st.just(4), st.sampled_from("abc"), JSON, JSON, JSON).map(list)
    | JSON
)
TEXTS = MESSAGES.map(lambda one: json.dumps(one)) | st.text(max_size=12)
ROWS = st.lists(
    st.tuples(st.sampled_from(("sent", "received")), st.integers(0, 2), st.sampled_from((None, "2.0.1", "9")), TEXTS),
    max_size=25,
)


@pytest.mark.parametrize("value", [7, "seven", [7], [{"sampledValue": 7}], [{"sampledValue": [7]}]])
@pytest.mark.parametrize("action", ["MeterValues", "StopTransaction"])
def test_a_call_that_breaks_its_schema_breaks_no_invariant(action: str, value: Any) -> None:
    story = Story()
    story.online()
    story.report(action, {"connectorId": 1, "meterValue": value, "transactionData": value}, {})
    errors = [found.reason for found in judge(story.rest()) if found.verdict is Verdict.ERROR]
    assert errors == []


@settings(max_examples=100)
@given(ROWS)
def test_no_frame_breaks_a_check(rows: list[tuple[str, int, str | None, str]]) -> None:
    work = Judgement("both", BEGAN)
    seen = []
    for i, (edge, socket, version, text) in enumerate(rows):
        named = {} if version is None else {"ocpp": version}
        fields = {"edge": f"station.{edge}", "station": "CP01", "socket": socket, "node": "csms", "text": text}
        seen.append(Observation(i, float(i), "frame", {**fields, **named}))
        work.see(seen[-1])
    assert all(one.id for one in work.findings())
    judge_load(seen, Answers(known=True), 0)


def _mutated(payload: Any, path: list[Any], value: Any) -> Any:
    if not path:
        return value
    copy = dict(payload) if isinstance(payload, dict) else list(payload)
    copy[path[0]] = _mutated(copy[path[0]], path[1:], value)
    return copy


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[list[Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [list(at), *(path for name, one in inner for path in _paths(one, (*at, name)))]


@settings(max_examples=100)
@given(st.data())
def test_a_right_exchange_with_any_one_part_replaced_is_judged(data: st.DataObject) -> None:
    told = newer().event("1", "Started", 0, 0).event("2", "Ended", 1, 5) if data.draw(st.booleans()) else good()
    frames = [seen for seen in told.history.observations if seen.kind == "frame"]
    chosen = data.draw(st.sampled_from(frames))
    message = json.loads(chosen["text"])
    path = data.draw(st.sampled_from(_paths(message)[1:]))
    work = Judgement("both", BEGAN)
    for seen in told.history.observations:
        if seen is chosen:
            text = json.dumps(_mutated(message, path, data.draw(JSON)))
            seen = Observation(seen.i, seen.t, seen.kind, {**seen.fields, "text": text})
        work.see(seen)
    assert len(work.findings()) > 20


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.lists(TEXTS, max_size=4).map(lambda one: "\n".join(one).encode("utf-8", "replace")))
def test_no_file_breaks_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.log"
    path.write_bytes(content)
    done = CliRunner().invoke(app, ["judge", str(path), "-q"])
    if isinstance(done.exception, Refused):
        assert "\n" not in done.exception.sentence
        assert done.exception.code == 3
    else:
        assert isinstance(done.exception, SystemExit | None), done.exception
        assert done.exit_code in (0, 1, 3)


def test_an_empty_history_is_judged() -> None:
    assert Judgement("both").findings()
    assert len(History(lambda: 0.0)) == 0
