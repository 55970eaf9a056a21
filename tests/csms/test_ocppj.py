"""The endpoint under frames of every kind: no exception escapes, nothing grows, answers find their call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.ocppj import (
    DEPTH_LIMIT,
    FRAME_LIMIT,
    ID_LIMIT,
    Answered,
    CallReceived,
    Codes,
    Endpoint,
    Failed,
    Malformed,
    TimedOut,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FRAMES = (
    st.text(max_size=200)
    | JSON.map(json.dumps)
    | st.tuples(st.sampled_from([2, 3, 4, 5, 6, "2", 2.0, True, None]), JSON, JSON, JSON).map(
        lambda parts: json.dumps(list(parts))
    )
    | st.integers(0, 5).flatmap(lambda n: st.lists(JSON, min_size=n, max_size=n)).map(json.dumps)
    | st.text(alphabet='[]{}",2:\\u0 ', max_size=80)
)


def size(endpoint: Endpoint) -> int:
    return len(endpoint._waiting) + len(endpoint._outbox)


@given(st.lists(FRAMES, max_size=20))
def test_no_frame_escapes_or_grows_anything(frames: list[str]) -> None:
    endpoint = Endpoint()
    for frame in frames:
        notice = endpoint.receive(frame, 0.0)
        assert notice is None or isinstance(notice, CallReceived | Answered | Failed | Malformed)
        for _, answer in endpoint.frames_to_send(0.0):
            kind, message_id, *_ = json.loads(answer)
            assert kind == 4
            assert 0 < len(message_id) <= ID_LIMIT
        assert size(endpoint) == 0


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.booleans()), max_size=12))
def test_only_the_outstanding_call_is_answered_in_time(answers: list[tuple[str, bool]]) -> None:
    endpoint = Endpoint()
    for message_id in "abc":
        endpoint.call(message_id, "UnlockConnector", {}, deadline=10.0)
    outstanding = [sent for sent, _ in endpoint.frames_to_send(0.0)]
    assert outstanding == ["a"]
    for message_id, positive in answers:
        frame = [3, message_id, {}] if positive else [4, message_id, "InternalError", "", {}]
        notice = endpoint.receive(json.dumps(frame), 1.0)
        assert isinstance(notice, Answered | Failed)
        assert notice.message_id == message_id
        assert notice.late is (outstanding != [message_id])
        if not notice.late:
            outstanding = [sent for sent, _ in endpoint.frames_to_send(1.0) if sent]


def test_one_call_is_outstanding_at_a_time() -> None:
    endpoint = Endpoint()
    endpoint.call("a", "Reset", {"type": "Soft"}, 5.0)
    endpoint.call("b", "ClearCache", {}, 6.0)
    assert [sent for sent, _ in endpoint.frames_to_send(0.0)] == ["a"]
    assert endpoint.frames_to_send(0.0) == []
    assert endpoint.next_deadline() == 5.0
    assert endpoint.expired(5.0) == [TimedOut("a", True)]
    assert [sent for sent, _ in endpoint.frames_to_send(5.0)] == ["b"]
    assert endpoint.abandon() == [TimedOut("b", True)]


def test_a_call_that_waited_too_long_is_never_sent() -> None:
    endpoint = Endpoint()
    endpoint.call("a", "Reset", {"type": "Soft"}, 9.0)
    endpoint.call("b", "ClearCache", {}, 5.0)
    endpoint.frames_to_send(0.0)
    assert endpoint.expired(6.0) == [TimedOut("b", False)]
    endpoint.receive('[3,"a",{}]', 6.5)
    assert endpoint.frames_to_send(7.0) == []


def test_a_late_answer_does_not_free_the_place_of_the_call_after_it() -> None:
    endpoint = Endpoint()
    endpoint.call("a", "Reset", {"type": "Soft"}, 1.0)
    endpoint.frames_to_send(0.0)
    endpoint.expired(1.0)
    endpoint.call("b", "ClearCache", {}, 9.0)
    endpoint.frames_to_send(2.0)
    late = endpoint.receive('[3,"a",{"status":"Accepted"}]', 3.0)
    assert isinstance(late, Answered)
    assert late.late
    endpoint.call("c", "ClearCache", {}, 9.0)
    assert endpoint.frames_to_send(3.0) == []
    mine = endpoint.receive('[3,"b",{"status":"Accepted"}]', 4.0)
    assert isinstance(mine, Answered)
    assert not mine.late


STRICT = Codes("RpcFrameworkError", "FormatViolation", "MessageTypeNotSupported", "-1")


def test_limits() -> None:
    endpoint = Endpoint()
    deep = "[" * (DEPTH_LIMIT + 1) + "]" * (DEPTH_LIMIT + 1)
    for frame in (deep, "x" * (FRAME_LIMIT + 1), "[" * 100_000 + "]" * 100_000, "NaN", '[3,"a",{"x":1e999}]'):
        assert isinstance(endpoint.receive(frame, 0.0), Malformed)
    assert endpoint.frames_to_send(0.0) == []
    assert endpoint.receive('[5,"a","b",{}]', 0.0) is None


@pytest.mark.parametrize("codes", [None, STRICT])
@pytest.mark.parametrize("payload", ['{"x":1e999}', '{"x":' + "[" * 40 + "]" * 40 + "}", '{"x":,}', "{}]x", '{"x":'])
def test_a_call_whose_payload_cannot_be_read_is_answered(codes: Codes | None, payload: str) -> None:
    endpoint = Endpoint(codes)
    assert isinstance(endpoint.receive(f'[2,"a","MeterValues",{payload}]', 0.0), Malformed)
    [answer] = [json.loads(text) for _, text in endpoint.frames_to_send(0.0)]
    assert answer[0] == 4
    assert answer[1] == "a" or codes is STRICT


@pytest.mark.parametrize(
    "head", ['[2,"","', '[2,"a\\u0000","', '[2,"' + "a" * 37 + '","', '[3,"a","', '[2,"a" "', '["2","a","']
)
def test_what_has_no_id_that_can_be_read_is_not_answered_in_16(head: str) -> None:
    endpoint = Endpoint()
    assert isinstance(endpoint.receive(head + 'MeterValues",{"x":]', 0.0), Malformed)
    assert endpoint.frames_to_send(0.0) == []


def test_a_short_error_is_read_leniently() -> None:
    notice = Endpoint().receive('[4,"a","FormationViolation",""]', 0.0)
    assert notice == Failed("a", "FormationViolation", "", True)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ('[2,"a","Heartbeat"]', ["a", "RpcFrameworkError"]),
        ('[2,"a","Heartbeat",[]]', ["a", "RpcFrameworkError"]),
        ('[2,7,"Heartbeat",{}]', ["-1", "RpcFrameworkError"]),
        (' [ 2 , "a","Heartbeat",{', ["-1", "RpcFrameworkError"]),
        ('[6,"a",{}]', ["a", "MessageTypeNotSupported"]),
        ("[3,7,{}]", None),
        ('[3,"a",[]]', None),
        ('[4,"a"]', None),
        ('[3,"a",{', None),
        ('{"a":1}', None),
        ("garbage", None),
    ],
)
def test_what_is_answered_to_a_frame_that_means_nothing_is_said_by_the_codes(frame: str, told: Any) -> None:
    endpoint = Endpoint(STRICT)
    assert not isinstance(endpoint.receive(frame, 0.0), CallReceived)
    sent = [json.loads(text) for _, text in endpoint.frames_to_send(0.0)]
    assert [one[1:3] for one in sent] == ([told] if told else [])
