"""Frames that two JSON readers would read differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms import ocppj
from interlock.csms.serve.strict_json import StrictEndpoint

DIGITS = "9" * 20


def refused(frame: str) -> bool:
    """Whether the strict endpoint reads a frame otherwise than the plain one."""
    return StrictEndpoint().receive(frame, 0.0) != ocppj.Endpoint().receive(frame, 0.0)


@pytest.mark.parametrize(
    "payload",
    [
        '{"transactionId":1,"transactionId":2}',
        '{"transactionId":1,"transaction\\u0049d":2}',
        '{"a":{"b":1},"c":[{"d":1,"d":1}]}',
        '{"a":{"b":1},"c":2,"a":{"b":1}}',
        f'{{"n":{DIGITS}}}',
        f'{{"n":-{DIGITS}}}',
        '{"a":"\\n","n":NaN}',
    ],
)
def test_what_two_readers_may_read_differently_is_refused(payload: str) -> None:
    endpoint = StrictEndpoint()
    assert isinstance(endpoint.receive(f'[2,"m1","StopTransaction",{payload}]', 0.0), ocppj.Malformed)
    ((_, frame),) = endpoint.frames_to_send(0.0)
    assert json.loads(frame)[:3] == [4, "m1", "FormationViolation"]
    assert isinstance(endpoint.receive(f'[3,"m1",{payload}]', 0.0), ocppj.Malformed)
    assert endpoint.frames_to_send(0.0) == []


@pytest.mark.parametrize(
    "payload",
    ["{}", '{"a":1,"b":{"a":1}}', '[{"a":1},{"a":2}]', f'{{"idTag":"{DIGITS}"}}', '{"a":"\\"a\\":1"}', '{"n":1.50}'],
)
def test_what_all_read_alike_is_read(payload: str) -> None:
    assert not refused(f'[2,"m1","X",{payload}]')


@pytest.mark.parametrize("frame", ["", "x", "[", "[" * 100_000, '[2,"a', '["\ud800"]'])
def test_what_is_no_json_is_left_to_the_reader(frame: str) -> None:
    notice = ocppj.Endpoint().receive(frame, 0.0)
    assert isinstance(notice, ocppj.Malformed)
    assert StrictEndpoint().receive(frame, 0.0) == notice


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(TREES, st.booleans())
def test_nothing_that_python_wrote_is_ambiguous(tree: Any, ascii_only: bool) -> None:
    try:
        frame = json.dumps(tree, ensure_ascii=ascii_only)
        frame.encode()
    except UnicodeEncodeError:
        return
    assert not refused(f'[2,"m1","X",{frame}]')


@given(st.dictionaries(st.text('abc:" ,{}', max_size=4), st.text(max_size=3), min_size=1, max_size=4), st.data())
def test_a_key_said_twice_is_always_found(members: dict[str, str], data: st.DataObject) -> None:
    pairs = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in members.items()]
    again = data.draw(st.sampled_from(sorted(members)))
    place = data.draw(st.integers(0, len(pairs)))
    pairs.insert(place, f"{json.dumps(again)}:1")
    assert refused("[2," + '"m","X",{' + ",".join(pairs) + "}]")
